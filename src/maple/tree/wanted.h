/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wanted: the block of pages that an allocation asks for.
 */
#ifndef _IOVA_MT_WANTED_H
#define _IOVA_MT_WANTED_H

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/types.h>

/**
 * struct iova_mt_wanted - a block of pages that is asked for
 * @size: pages, 1 to half of what an unsigned long counts
 * @order: alignment, as a power of two of pages: 0, or @size rounded up
 * @limit: highest pfn
 */
struct iova_mt_wanted {
	unsigned long size;
	unsigned int order;
	unsigned long limit;
};

static inline struct iova_mt_wanted iova_mt_wanted(unsigned long size,
						   unsigned long limit,
						   bool aligned)
{
	return (struct iova_mt_wanted){
		.size = size,
		.order = aligned ? fls_long(size - 1) : 0,
		.limit = limit,
	};
}

/* Need it not be aligned to its size? A page always is. */
static inline bool iova_mt_wanted_anywhere(const struct iova_mt_wanted *wanted)
{
	return !wanted->order && wanted->size > 1;
}

/* Do free pages hold it? Then @pfn is the highest that it can begin at. */
static inline bool iova_mt_wanted_in(const struct iova_mt_wanted *wanted,
				     unsigned long first, unsigned long last,
				     unsigned long *pfn)
{
	last = min(last, wanted->limit);
	if (first > last || last - first < wanted->size - 1)
		return false;
	*pfn = ALIGN_DOWN(last - (wanted->size - 1), BIT(wanted->order));
	return *pfn >= first;
}

#endif /* _IOVA_MT_WANTED_H */
