/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages of a span: what each is used for, and which range holds it.
 */
#ifndef _IOVA_MT_SPAN_MAP_H
#define _IOVA_MT_SPAN_MAP_H

#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/log2.h>
#include <linux/types.h>

struct iova_mt_region;

/*
 * A window is that much of the space, naturally aligned: 64 blocks of 64 pages.
 * A span lies in one window, and is as large as that where it can be.
 */
#define IOVA_MT_WINDOW_ORDER	12
#define IOVA_MT_WINDOW_PAGES	BIT(IOVA_MT_WINDOW_ORDER)
#define IOVA_MT_BLOCK_ORDER	6
#define IOVA_MT_BLOCK_PAGES	BIT(IOVA_MT_BLOCK_ORDER)
#define IOVA_MT_WINDOW_BLOCKS	(IOVA_MT_WINDOW_PAGES / IOVA_MT_BLOCK_PAGES)

/* The first pfn of the window that @pfn is in. */
static inline unsigned long iova_mt_window_of(unsigned long pfn)
{
	return pfn & ~(IOVA_MT_WINDOW_PAGES - 1);
}

/* Of the aligned free run that is in any @size free pages. */
static inline int iova_mt_span_order_of(unsigned long size)
{
	return ilog2((size + 1) / 2);
}

/**
 * struct iova_mt_page_map - what each page of a window is used for
 * @used: per block: not free, or not of the span
 * @start: per block: the first page of a range
 * @order: per block: of its largest aligned free run, -1 for none
 */
struct iova_mt_page_map {
	u64 used[IOVA_MT_WINDOW_BLOCKS];
	u64 start[IOVA_MT_WINDOW_BLOCKS];
	s8 order[IOVA_MT_WINDOW_BLOCKS];
};

/**
 * struct iova_mt_span - a span
 * @order: of the largest free block that is aligned to its size, -1 for none
 * @listed: what @region knows of @order
 * @region: where it is listed
 * @base: first pfn of the window
 * @first: first page of the span, counted from @base
 * @last: last page of the span, counted from @base
 * @nr_used: pages that are not free
 * @room: by order: the blocks with an aligned free run of that many pages; the
 *	last is of blocks that are free as a whole
 * @heads: the blocks at whose first page a range begins; as long as there is no
 *	@map
 * @map: NULL as long as all ranges consist of whole blocks
 * @parked: the blocks at whose first page a range begins that lies in a cache
 *	and is nobody's, if it has a block or more; set under the tree's lock,
 *	cleared without by who takes it out of there
 */
struct iova_mt_span {
	int order;
	int listed;
	struct iova_mt_region *region;
	unsigned long base;
	unsigned int first;
	unsigned int last;
	unsigned int nr_used;
	u64 room[IOVA_MT_BLOCK_ORDER + 1];
	u64 heads;
	struct iova_mt_page_map *map;
	DECLARE_BITMAP(parked, IOVA_MT_WINDOW_BLOCKS);
};

static inline unsigned long
iova_mt_span_first(const struct iova_mt_span *span)
{
	return span->base + span->first;
}

static inline unsigned long iova_mt_span_last(const struct iova_mt_span *span)
{
	return span->base + span->last;
}

static inline bool iova_mt_span_has(const struct iova_mt_span *span,
				    unsigned long pfn)
{
	return pfn >= iova_mt_span_first(span) && pfn <= iova_mt_span_last(span);
}

/* The last page of a block. */
#define SPAN_LAST_PAGE	(IOVA_MT_BLOCK_PAGES - 1)

/* The bits @first to @last, inclusive. */
static inline u64 span_bits(unsigned int first, unsigned int last)
{
	return GENMASK_ULL(last, first);
}

static inline unsigned int span_block_of(unsigned int page)
{
	return page >> IOVA_MT_BLOCK_ORDER;
}

static inline bool span_block_is_free(const struct iova_mt_span *span, unsigned int block)
{
	return span->room[IOVA_MT_BLOCK_ORDER] & BIT_ULL(block);
}

static inline u64 span_block_used(const struct iova_mt_span *span, unsigned int block)
{
	if (span->map)
		return span->map->used[block];
	return span_block_is_free(span, block) ? 0 : ~0ULL;
}

static inline u64 span_block_starts(const struct iova_mt_span *span, unsigned int block)
{
	if (span->map)
		return span->map->start[block];
	return (span->heads >> block) & 1;
}

bool iova_mt_span_any_range(const struct iova_mt_span *span, unsigned long pfn,
			    unsigned long *first, unsigned long *last);
bool iova_mt_span_next_used(const struct iova_mt_span *span, unsigned long from,
			    unsigned long *pfn);
unsigned long iova_mt_span_last_used(const struct iova_mt_span *span);
bool iova_mt_span_next_free(const struct iova_mt_span *span, unsigned long from,
			    unsigned long *first, unsigned long *last);
bool iova_mt_span_find_unaligned(const struct iova_mt_span *span,
				 unsigned long size, unsigned long limit,
				 unsigned long *pfn);

/* Does the range that begins at @pfn lie in a cache? */
static inline bool iova_mt_span_is_parked(const struct iova_mt_span *span,
					  unsigned long pfn)
{
	unsigned int page = pfn - span->base;

	return !(page % IOVA_MT_BLOCK_PAGES) &&
	       test_bit(page / IOVA_MT_BLOCK_PAGES, span->parked);
}

static inline void iova_mt_span_park(struct iova_mt_span *span,
				     unsigned long pfn)
{
	set_bit((pfn - span->base) / IOVA_MT_BLOCK_PAGES, span->parked);
}

/* Whoever calls it has the range, so that the span stays. */
static inline void iova_mt_span_unpark(struct iova_mt_span *span,
				       unsigned long pfn)
{
	clear_bit((pfn - span->base) / IOVA_MT_BLOCK_PAGES, span->parked);
}

/* Does a range begin at @pfn, and end in its block? The usual question. */
static inline bool iova_mt_span_small_range(const struct iova_mt_span *span,
					    unsigned long pfn,
					    unsigned long *last)
{
	unsigned int page = pfn - span->base;
	unsigned int block = page / IOVA_MT_BLOCK_PAGES;
	unsigned int bit = page % IOVA_MT_BLOCK_PAGES;
	u64 starts, ends;

	if (!span->map)
		return false;
	starts = span->map->start[block] >> bit;
	ends = (starts | (~span->map->used[block] >> bit)) & ~1ULL;
	if (!(starts & 1) || !ends)
		return false;
	*last = pfn + __ffs(ends) - 1;
	return true;
}

/**
 * iova_mt_span_range() - find the range that holds a pfn
 * @span: the span, which holds it
 * @pfn: the pfn
 * @first: its first pfn
 * @last: its last pfn
 *
 * Context: Any.
 * Return: false when the pfn is free.
 */
static inline bool iova_mt_span_range(const struct iova_mt_span *span,
				      unsigned long pfn, unsigned long *first,
				      unsigned long *last)
{
	*first = pfn;
	return likely(iova_mt_span_small_range(span, pfn, last)) ||
	       iova_mt_span_any_range(span, pfn, first, last);
}

#endif /* _IOVA_MT_SPAN_MAP_H */
