// SPDX-License-Identifier: GPL-2.0
/*
 * A span: pages that one entry of the index stands for, handed out by bitmap.
 *
 * The quantum cache of Bonwick and Adams ("Magazines and Vmem", USENIX 2001)
 * without its fixed sizes: a range of any size is a run of bits, so that nothing
 * has to be borrowed from another size or split for it. For each order there is
 * a mask of the blocks that have room for it, kept exact with every change;
 * so a search looks at one block, and knows when there is none.
 *
 * Rules: pages outside of @first to @last look used, and begin no range. What is
 * taken, given back or asked for lies inside. The page map is made when a range
 * that is not of whole blocks is taken, and stays until the span goes.
 *
 * Locks: the caller's.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/fault.h"
#include "maple/span/span.h"

#define SPAN_GFP	(GFP_ATOMIC | __GFP_NOWARN)

static struct kmem_cache *span_cache;
static struct kmem_cache *map_cache;

/* By order: the positions in a word that are aligned to it. */
static const u64 aligned[IOVA_MT_BLOCK_ORDER + 1] = {
	0xffffffffffffffffULL, 0x5555555555555555ULL, 0x1111111111111111ULL,
	0x0101010101010101ULL, 0x0001000100010001ULL, 0x0000000100000001ULL,
	0x0000000000000001ULL,
};

/* --- Words ---------------------------------------------------------------- */

/* The order of the largest aligned run of bits, -1 for none. */
static int word_order(u64 run)
{
	int order;

	if (!run)
		return -1;
	for (order = 0; order < IOVA_MT_BLOCK_ORDER; order++) {
		run &= (run >> BIT(order)) & aligned[order + 1];
		if (!run)
			break;
	}
	return order;
}

/* The aligned run of that order that holds a bit. */
static u64 aligned_run(unsigned int bit, unsigned int order)
{
	u64 run = ~0ULL >> (IOVA_MT_BLOCK_PAGES - BIT(order));

	return run << (bit & ~(BIT(order) - 1));
}

/* Where can a run of @size bits begin that is aligned to @order? */
static u64 word_starts(u64 run, unsigned int size, unsigned int order)
{
	unsigned int length, step;

	for (length = 1; length < size; length += step) {
		step = min(length, size - length);
		run &= run >> step;
	}
	return run & aligned[order];
}

/* --- Blocks --------------------------------------------------------------- */

/* Note the order of a block, which has a map. Return: true when it has changed. */
static bool block_set(struct iova_mt_span *span, unsigned int block, int now)
{
	int order, was = span->map->order[block];
	u64 bit = BIT_ULL(block);

	if (now == was)
		return false;
	for (order = was + 1; order <= now; order++)
		span->room[order] |= bit;
	for (order = now + 1; order <= was; order++)
		span->room[order] &= ~bit;
	span->map->order[block] = now;
	return true;
}

/*
 * Pages of a block were taken, @run is what is left. Mostly its first run is, from
 * which the rest can be told.
 */
static int order_left(u64 run, int was)
{
	u64 first = aligned_run(0, was);

	return (run & first) == first ? was : word_order(run);
}

/*
 * The pages @first to @last were put back. When they are aligned to their number,
 * no free run is larger than one that holds the first of them.
 */
static int order_grown(u64 run, unsigned int first, unsigned int last, int was)
{
	u64 more;

	if (first & (BIT(fls(last - first)) - 1))
		return word_order(run);
	while (was < IOVA_MT_BLOCK_ORDER) {
		more = aligned_run(first, was + 1);
		if ((run & more) != more)
			break;
		was++;
	}
	return was;
}

/* The same for whole blocks, which are all used or all free. */
static void blocks_update(struct iova_mt_span *span, unsigned int first,
			  unsigned int last, bool used)
{
	u64 blocks = span_bits(first, last);
	int order;

	if (used)
		for (order = 0; order <= IOVA_MT_BLOCK_ORDER; order++)
			span->room[order] &= ~blocks;
	else
		for (order = 0; order <= IOVA_MT_BLOCK_ORDER; order++)
			span->room[order] |= blocks;
	if (!span->map)
		return;
	memset(span->map->order + first, used ? -1 : IOVA_MT_BLOCK_ORDER,
	       last - first + 1);
	memset64(span->map->used + first, used ? ~0ULL : 0, last - first + 1);
}

static void span_update(struct iova_mt_span *span)
{
	int order = IOVA_MT_BLOCK_ORDER;

	if (span->room[order]) {
		span->order = order + word_order(span->room[order]);
		return;
	}
	if (!span->room[0])
		order = -1;
	while (order >= 0 && !span->room[order])
		order--;
	span->order = order;
}

/* Pages of one block. */
static bool mark_in_block(struct iova_mt_span *span, unsigned int first,
			  unsigned int last, bool used)
{
	unsigned int block = span_block_of(first);
	u64 *word = &span->map->used[block];
	u64 pages = span_bits(first & SPAN_LAST_PAGE, last & SPAN_LAST_PAGE);
	int was = span->map->order[block];

	if (used) {
		*word |= pages;
		return block_set(span, block, order_left(~*word, was));
	}
	*word &= ~pages;
	return block_set(span, block,
			 order_grown(~*word, first & SPAN_LAST_PAGE,
				     last & SPAN_LAST_PAGE, was));
}

/* Pages of several blocks, or a whole one. */
static void mark_blocks(struct iova_mt_span *span, unsigned int first,
			unsigned int last, bool used)
{
	unsigned int begin = span_block_of(first), end = span_block_of(last);

	/* What is cut off at either end, and whole blocks in between. */
	if (first & SPAN_LAST_PAGE)
		mark_in_block(span, first, begin++ * IOVA_MT_BLOCK_PAGES + SPAN_LAST_PAGE,
			      used);
	if (~last & SPAN_LAST_PAGE)
		mark_in_block(span, end-- * IOVA_MT_BLOCK_PAGES, last, used);
	if (begin <= end)
		blocks_update(span, begin, end, used);
	span_update(span);
}

/*
 * Make the pages @first to @last, counted from the window's first, used or free.
 * Without a page map they are whole blocks.
 */
static inline void span_mark(struct iova_mt_span *span, unsigned int first,
			     unsigned int last, bool used)
{
	if (!span->map || span_block_of(first) != span_block_of(last))
		mark_blocks(span, first, last, used);
	else if (mark_in_block(span, first, last, used))
		span_update(span);
}

/* --- The page map --------------------------------------------------------- */

static int map_make(struct iova_mt_span *span, unsigned int domain_id)
{
	struct iova_mt_page_map *map = NULL;
	unsigned int block;

	if (span->map)
		return 0;
	if (!iova_mt_fault_hit(IOVA_MT_FAULT_fail_span, domain_id))
		map = kmem_cache_alloc(map_cache, SPAN_GFP);
	if (!map)
		return -ENOMEM;
	for (block = 0; block < IOVA_MT_WINDOW_BLOCKS; block++) {
		map->used[block] = span_block_used(span, block);
		map->start[block] = span_block_starts(span, block);
		map->order[block] = word_order(~map->used[block]);
	}
	span->map = map;
	return 0;
}

/* Do @first to @last cut a block? */
static bool cuts_block(unsigned int first, unsigned int last)
{
	return (first | (last + 1)) & SPAN_LAST_PAGE;
}

/* --- Interface ------------------------------------------------------------ */

/**
 * iova_mt_span_new() - make a span that is free
 * @first: first pfn
 * @last: last pfn, in the same window
 * @domain_id: for the fault point
 *
 * Context: Any.
 * Return: the span, or NULL: no memory.
 */
struct iova_mt_span *iova_mt_span_new(unsigned long first, unsigned long last,
				      unsigned int domain_id)
{
	struct iova_mt_span *span = NULL;

	if (!iova_mt_fault_hit(IOVA_MT_FAULT_fail_span, domain_id))
		span = kmem_cache_zalloc(span_cache, SPAN_GFP);
	if (!span)
		return NULL;
	span->base = iova_mt_window_of(first);
	span->first = first - span->base;
	span->last = last - span->base;
	span->order = -1;
	if (cuts_block(span->first, span->last) && map_make(span, domain_id)) {
		iova_mt_span_free(span);
		return NULL;
	}
	span_mark(span, span->first, span->last, false);
	return span;
}

/**
 * iova_mt_span_free() - free the memory of a span
 * @span: the span, or NULL
 *
 * Context: Any.
 */
void iova_mt_span_free(struct iova_mt_span *span)
{
	if (!span)
		return;
	if (span->map)
		kmem_cache_free(map_cache, span->map);
	kmem_cache_free(span_cache, span);
}

/**
 * iova_mt_span_resize() - make it larger, or smaller
 * @span: the span
 * @first: new first pfn, in the same window
 * @last: new last pfn, in the same window
 * @domain_id: for the fault point
 *
 * What is lost is free, and what is won will be.
 *
 * Context: Any.
 * Return: 0, or -ENOMEM and then nothing has changed.
 */
int iova_mt_span_resize(struct iova_mt_span *span, unsigned long first,
			unsigned long last, unsigned int domain_id)
{
	unsigned int from = first - span->base, to = last - span->base;

	if (cuts_block(from, to) && map_make(span, domain_id))
		return -ENOMEM;
	if (from < span->first)
		span_mark(span, from, span->first - 1, false);
	else if (from > span->first)
		span_mark(span, span->first, from - 1, true);
	if (to > span->last)
		span_mark(span, span->last + 1, to, false);
	else if (to < span->last)
		span_mark(span, to + 1, span->last, true);
	span->first = from;
	span->last = to;
	return 0;
}

/* In one block: the highest run of @size pages, at or below page @max. */
static inline int find_in_block(const struct iova_mt_span *span,
				unsigned int size, unsigned int order,
				unsigned int max)
{
	/* More than half of an order holds an aligned run of the one below. */
	unsigned int needs = is_power_of_2(size) ? order : order - 1;
	u64 blocks = span->room[needs] & span_bits(0, span_block_of(max)), starts;
	unsigned int block;

	while (blocks) {
		block = __fls(blocks);
		starts = word_starts(~span_block_used(span, block), size, order);
		if (block == span_block_of(max))
			starts &= span_bits(0, max & SPAN_LAST_PAGE);
		if (starts)
			return (block << IOVA_MT_BLOCK_ORDER) + __fls(starts);
		blocks &= ~BIT_ULL(block);
	}
	return -1;
}

/* In whole blocks, and the first pages of the block behind them. */
static int find_blocks(const struct iova_mt_span *span, unsigned int size,
		       unsigned int order, unsigned int max)
{
	unsigned int nr = span_block_of(size), rest = size & SPAN_LAST_PAGE, block;
	u64 starts;

	starts = word_starts(span->room[IOVA_MT_BLOCK_ORDER], nr,
			     order - IOVA_MT_BLOCK_ORDER) &
		 span_bits(0, span_block_of(max));
	while (starts) {
		block = __fls(starts);
		if (!rest || !(span_block_used(span, block + nr) & span_bits(0, rest - 1)))
			return block << IOVA_MT_BLOCK_ORDER;
		starts &= ~BIT_ULL(block);
	}
	return -1;
}

/* The highest free pages, aligned to @order. Return: the first, or -1. */
static int find(const struct iova_mt_span *span, unsigned long size,
		unsigned int order, unsigned long limit)
{
	unsigned int max;

	if (limit < span->base || limit - span->base < size - 1)
		return -1;
	max = min(limit - span->base - (size - 1), IOVA_MT_WINDOW_PAGES - 1);
	return order <= IOVA_MT_BLOCK_ORDER ?
		find_in_block(span, size, order, max) :
		find_blocks(span, size, order, max);
}

/**
 * iova_mt_span_take() - make free pages a range
 * @span: the span
 * @pfn: first pfn
 * @size: pages, all of which are free
 * @domain_id: for the fault point
 *
 * Context: Any.
 * Return: 0, or -ENOMEM and then nothing has changed.
 */
int iova_mt_span_take(struct iova_mt_span *span, unsigned long pfn,
		      unsigned long size, unsigned int domain_id)
{
	unsigned int first = pfn - span->base, last = first + size - 1;
	unsigned int block = span_block_of(first);

	if (cuts_block(first, last) && map_make(span, domain_id))
		return -ENOMEM;
	if (span->map)
		span->map->start[block] |= BIT_ULL(first & SPAN_LAST_PAGE);
	else
		span->heads |= BIT_ULL(block);
	span_mark(span, first, last, true);
	span->nr_used += size;
	return 0;
}

/**
 * iova_mt_span_alloc() - take the highest pages that there are
 * @span: the span
 * @size: pages, not more than a window has
 * @order: alignment, as a power of two of pages: @size rounded up
 * @limit: highest pfn
 * @domain_id: for the fault point
 * @pfn: the first one taken; untouched on failure
 *
 * Context: Any.
 * Return: 0, -ENOSPC, or -ENOMEM.
 */
int iova_mt_span_alloc(struct iova_mt_span *span, unsigned long size,
		       unsigned int order, unsigned long limit,
		       unsigned int domain_id, unsigned long *pfn)
{
	int page = find(span, size, order, limit), ret;

	if (page < 0)
		return -ENOSPC;
	ret = iova_mt_span_take(span, span->base + page, size, domain_id);
	if (!ret)
		*pfn = span->base + page;
	return ret;
}

/**
 * iova_mt_span_put() - make a range free pages
 * @span: the span
 * @first: its first pfn
 * @last: its last pfn
 *
 * Context: Any.
 */
void iova_mt_span_put(struct iova_mt_span *span, unsigned long first,
		      unsigned long last)
{
	unsigned int page = first - span->base;
	unsigned int block = span_block_of(page);

	if (span->map)
		span->map->start[block] &= ~BIT_ULL(page & SPAN_LAST_PAGE);
	else
		span->heads &= ~BIT_ULL(block);
	span_mark(span, page, last - span->base, false);
	span->nr_used -= last - first + 1;
}

/**
 * iova_mt_span_module_init() - where spans come from
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_span_module_init(void)
{
	/* Not merged with others, so that their destruction finds leaks. */
	span_cache = kmem_cache_create("iova_mt_span",
				       sizeof(struct iova_mt_span), 0,
				       SLAB_NO_MERGE, NULL);
	map_cache = kmem_cache_create("iova_mt_page_map",
				      sizeof(struct iova_mt_page_map), 0,
				      SLAB_NO_MERGE, NULL);
	if (span_cache && map_cache)
		return 0;
	iova_mt_span_module_exit();
	return -ENOMEM;
}

/**
 * iova_mt_span_module_exit() - undo iova_mt_span_module_init()
 *
 * Context: Process, may sleep. There are no spans any more.
 */
void iova_mt_span_module_exit(void)
{
	kmem_cache_destroy(map_cache);
	kmem_cache_destroy(span_cache);
}
