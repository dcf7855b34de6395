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

#include "base/fault.h"
#include "maple/span.h"

#define SPAN_GFP	(GFP_ATOMIC | __GFP_NOWARN)

#define LAST_PAGE	(IOVA_MT_BLOCK_PAGES - 1)

static struct kmem_cache *span_cache;
static struct kmem_cache *map_cache;

/* By order: the positions in a word that are aligned to it. */
static const u64 aligned[IOVA_MT_BLOCK_ORDER + 1] = {
	0xffffffffffffffffULL, 0x5555555555555555ULL, 0x1111111111111111ULL,
	0x0101010101010101ULL, 0x0001000100010001ULL, 0x0000000100000001ULL,
	0x0000000000000001ULL,
};

/* --- Words ---------------------------------------------------------------- */

/* The bits @first to @last, inclusive. */
static u64 bits(unsigned int first, unsigned int last)
{
	return GENMASK_ULL(last, first);
}

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

static unsigned int block_of(unsigned int page)
{
	return page >> IOVA_MT_BLOCK_ORDER;
}

/* The pages of a block from @first to @last, counted from the window's first. */
static u64 block_part(unsigned int block, unsigned int first, unsigned int last)
{
	unsigned int base = block << IOVA_MT_BLOCK_ORDER;

	return bits(first > base ? first - base : 0,
		    last < base + LAST_PAGE ? last - base : LAST_PAGE);
}

static bool block_is_free(const struct iova_mt_span *span, unsigned int block)
{
	return span->room[IOVA_MT_BLOCK_ORDER] & BIT_ULL(block);
}

static u64 block_used(const struct iova_mt_span *span, unsigned int block)
{
	if (span->map)
		return span->map->used[block];
	return block_is_free(span, block) ? 0 : ~0ULL;
}

static u64 block_starts(const struct iova_mt_span *span, unsigned int block)
{
	if (span->map)
		return span->map->start[block];
	return (span->heads >> block) & 1;
}

static void block_update(struct iova_mt_span *span, unsigned int block, u64 run)
{
	int order, has = word_order(run);

	for (order = 0; order <= IOVA_MT_BLOCK_ORDER; order++)
		if (order <= has)
			span->room[order] |= BIT_ULL(block);
		else
			span->room[order] &= ~BIT_ULL(block);
}

static void span_update(struct iova_mt_span *span)
{
	int order = IOVA_MT_BLOCK_ORDER;

	if (span->room[order]) {
		span->order = order + word_order(span->room[order]);
		return;
	}
	while (order >= 0 && !span->room[order])
		order--;
	span->order = order;
}

/*
 * Make the pages @first to @last, counted from the window's first, used or free.
 * Without a page map they are whole blocks.
 */
static void span_mark(struct iova_mt_span *span, unsigned int first,
		      unsigned int last, bool used)
{
	unsigned int block;
	u64 *word;

	for (block = block_of(first); block <= block_of(last); block++) {
		if (!span->map) {
			block_update(span, block, used ? 0 : ~0ULL);
			continue;
		}
		word = &span->map->used[block];
		if (used)
			*word |= block_part(block, first, last);
		else
			*word &= ~block_part(block, first, last);
		block_update(span, block, ~*word);
	}
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
		map->used[block] = block_used(span, block);
		map->start[block] = block_starts(span, block);
	}
	span->map = map;
	return 0;
}

/* Do @first to @last cut a block? */
static bool cuts_block(unsigned int first, unsigned int last)
{
	return (first | (last + 1)) & LAST_PAGE;
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
	span->base = first & ~(IOVA_MT_WINDOW_PAGES - 1);
	span->first = first - span->base;
	span->last = last - span->base;
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
static int find_in_block(const struct iova_mt_span *span, unsigned int size,
			 unsigned int order, unsigned int max)
{
	/* More than half of an order holds an aligned run of the one below. */
	unsigned int needs = is_power_of_2(size) ? order : order - 1;
	u64 blocks = span->room[needs] & bits(0, block_of(max)), starts;
	unsigned int block;

	while (blocks) {
		block = __fls(blocks);
		starts = word_starts(~block_used(span, block), size, order);
		if (block == block_of(max))
			starts &= bits(0, max & LAST_PAGE);
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
	unsigned int nr = block_of(size), rest = size & LAST_PAGE, block;
	u64 starts;

	starts = word_starts(span->room[IOVA_MT_BLOCK_ORDER], nr,
			     order - IOVA_MT_BLOCK_ORDER) &
		 bits(0, block_of(max));
	while (starts) {
		block = __fls(starts);
		if (!rest || !(block_used(span, block + nr) & bits(0, rest - 1)))
			return block << IOVA_MT_BLOCK_ORDER;
		starts &= ~BIT_ULL(block);
	}
	return -1;
}

/**
 * iova_mt_span_find() - find free pages
 * @span: the span
 * @size: pages, not more than a window has
 * @order: alignment, as a power of two of pages: @size rounded up
 * @limit: highest pfn
 * @pfn: the first one of the highest such run
 *
 * Context: Any.
 * Return: true when there is one.
 */
bool iova_mt_span_find(const struct iova_mt_span *span, unsigned long size,
		       unsigned int order, unsigned long limit,
		       unsigned long *pfn)
{
	unsigned int max;
	int page;

	if (limit < span->base || limit - span->base < size - 1)
		return false;
	max = min(limit - span->base - (size - 1), IOVA_MT_WINDOW_PAGES - 1);
	page = order <= IOVA_MT_BLOCK_ORDER ?
		find_in_block(span, size, order, max) :
		find_blocks(span, size, order, max);
	if (page < 0)
		return false;
	*pfn = span->base + page;
	return true;
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
	unsigned int block = block_of(first);

	if (cuts_block(first, last) && map_make(span, domain_id))
		return -ENOMEM;
	if (span->map)
		span->map->start[block] |= BIT_ULL(first & LAST_PAGE);
	else
		span->heads |= BIT_ULL(block);
	span_mark(span, first, last, true);
	span->nr_used += size;
	return 0;
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
	unsigned int block = block_of(page);

	if (span->map)
		span->map->start[block] &= ~BIT_ULL(page & LAST_PAGE);
	else
		span->heads &= ~BIT_ULL(block);
	span_mark(span, page, last - span->base, false);
	span->nr_used -= last - first + 1;
}

/* The first page from @page on that begins a range or is free, or the end. */
static unsigned int range_end(const struct iova_mt_span *span, unsigned int page)
{
	unsigned int block;
	u64 ends;

	for (; page <= span->last; page = (block + 1) << IOVA_MT_BLOCK_ORDER) {
		block = block_of(page);
		ends = (block_starts(span, block) | ~block_used(span, block)) &
		       bits(page & LAST_PAGE, LAST_PAGE);
		if (ends)
			return min((block << IOVA_MT_BLOCK_ORDER) +
				   (unsigned int)__ffs(ends), span->last + 1);
	}
	return span->last + 1;
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
bool iova_mt_span_range(const struct iova_mt_span *span, unsigned long pfn,
			unsigned long *first, unsigned long *last)
{
	unsigned int page = pfn - span->base, block = block_of(page);
	u64 starts;

	if (!(block_used(span, block) & BIT_ULL(page & LAST_PAGE)))
		return false;
	*last = span->base + range_end(span, page + 1) - 1;
	starts = block_starts(span, block) & bits(0, page & LAST_PAGE);
	while (!starts)
		starts = block_starts(span, --block);
	*first = span->base + (block << IOVA_MT_BLOCK_ORDER) + __fls(starts);
	return true;
}

/* The first page from @page on that is used, or free; or -1. */
static int next_page(const struct iova_mt_span *span, unsigned int page,
		     bool used)
{
	unsigned int block;
	u64 found;

	for (; page <= span->last; page = (block + 1) << IOVA_MT_BLOCK_ORDER) {
		block = block_of(page);
		found = block_used(span, block) ^ (used ? 0 : ~0ULL);
		found &= bits(page & LAST_PAGE, LAST_PAGE);
		if (!found)
			continue;
		page = (block << IOVA_MT_BLOCK_ORDER) + __ffs(found);
		return page <= span->last ? page : -1;
	}
	return -1;
}

static unsigned int page_from(const struct iova_mt_span *span,
			      unsigned long from)
{
	return from <= iova_mt_span_first(span) ? span->first :
						  from - span->base;
}

/**
 * iova_mt_span_next_used() - find the first page of a range
 * @span: the span
 * @from: lowest pfn, not above the span's last
 * @pfn: the first one from there on that is not free
 *
 * Context: Any.
 * Return: true when there is one.
 */
bool iova_mt_span_next_used(const struct iova_mt_span *span, unsigned long from,
			    unsigned long *pfn)
{
	int page = next_page(span, page_from(span, from), true);

	*pfn = span->base + page;
	return page >= 0;
}

/**
 * iova_mt_span_last_used() - find the last page of its last range
 * @span: the span, which is not free as a whole
 *
 * Context: Any.
 * Return: its pfn.
 */
unsigned long iova_mt_span_last_used(const struct iova_mt_span *span)
{
	unsigned int block = block_of(span->last);
	u64 used = block_used(span, block) & bits(0, span->last & LAST_PAGE);

	while (!used)
		used = block_used(span, --block);
	return span->base + (block << IOVA_MT_BLOCK_ORDER) + __fls(used);
}

/**
 * iova_mt_span_next_free() - find free pages
 * @span: the span
 * @from: lowest pfn, not above the span's last
 * @first: the first pfn from there on that is free
 * @last: the last one before the next that is not
 *
 * Context: Any.
 * Return: true when there are some.
 */
bool iova_mt_span_next_free(const struct iova_mt_span *span, unsigned long from,
			    unsigned long *first, unsigned long *last)
{
	int page = next_page(span, page_from(span, from), false), end;

	if (page < 0)
		return false;
	end = next_page(span, page, true);
	*first = span->base + page;
	*last = end < 0 ? iova_mt_span_last(span) : span->base + end - 1;
	return true;
}

/**
 * iova_mt_span_find_unaligned() - find free pages anywhere
 * @span: the span
 * @size: pages, not 0
 * @limit: highest pfn
 * @pfn: the first one of the highest such run
 *
 * Looks at all free runs.
 *
 * Context: Any.
 * Return: true when there is one.
 */
bool iova_mt_span_find_unaligned(const struct iova_mt_span *span,
				 unsigned long size, unsigned long limit,
				 unsigned long *pfn)
{
	unsigned long first, last, from = iova_mt_span_first(span);
	bool found = false;

	while (from <= min(limit, iova_mt_span_last(span)) &&
	       iova_mt_span_next_free(span, from, &first, &last)) {
		from = last + 1;
		last = min(last, limit);
		if (first > last || last - first < size - 1)
			continue;
		*pfn = last - (size - 1);
		found = true;
	}
	return found;
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
