/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages of a span, block by block, for those who take them and for those who
 * only look.
 */
#ifndef _IOVA_MT_SPAN_BLOCKS_H
#define _IOVA_MT_SPAN_BLOCKS_H

#include <linux/bits.h>

#include "maple/span/span.h"

/* Of a block. */
#define LAST_PAGE	(IOVA_MT_BLOCK_PAGES - 1)

/* The bits @first to @last, inclusive. */
static inline u64 bits(unsigned int first, unsigned int last)
{
	return GENMASK_ULL(last, first);
}

static inline unsigned int block_of(unsigned int page)
{
	return page >> IOVA_MT_BLOCK_ORDER;
}

static inline bool block_is_free(const struct iova_mt_span *span, unsigned int block)
{
	return span->room[IOVA_MT_BLOCK_ORDER] & BIT_ULL(block);
}

static inline u64 block_used(const struct iova_mt_span *span, unsigned int block)
{
	if (span->map)
		return span->map->used[block];
	return block_is_free(span, block) ? 0 : ~0ULL;
}

static inline u64 block_starts(const struct iova_mt_span *span, unsigned int block)
{
	if (span->map)
		return span->map->start[block];
	return (span->heads >> block) & 1;
}

#endif /* _IOVA_MT_SPAN_BLOCKS_H */
