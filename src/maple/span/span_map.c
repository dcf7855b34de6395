// SPDX-License-Identifier: GPL-2.0
/*
 * The pages of a span: which range holds one, what comes next. Changes nothing.
 *
 * Locks: the caller's.
 */
#include <linux/bitops.h>
#include <linux/minmax.h>

#include "maple/span/span_map.h"

/* The first page from @page on that begins a range or is free, or the end. */
static unsigned int range_end(const struct iova_mt_span *span, unsigned int page)
{
	unsigned int block;
	u64 ends;

	for (; page <= span->last; page = (block + 1) << IOVA_MT_BLOCK_ORDER) {
		block = span_block_of(page);
		ends = (span_block_starts(span, block) | ~span_block_used(span, block)) &
		       span_bits(page & SPAN_LAST_PAGE, SPAN_LAST_PAGE);
		if (ends)
			return min((block << IOVA_MT_BLOCK_ORDER) +
				   (unsigned int)__ffs(ends), span->last + 1);
	}
	return span->last + 1;
}

/* The same for ranges of whole blocks, from the first page of a block on. */
static unsigned int blocks_end(const struct iova_mt_span *span,
			       unsigned int block)
{
	u64 ends = span->heads | span->room[IOVA_MT_BLOCK_ORDER];

	if (block >= IOVA_MT_WINDOW_BLOCKS)
		return span->last + 1;
	ends &= span_bits(block, IOVA_MT_WINDOW_BLOCKS - 1);
	return ends ? min((unsigned int)__ffs(ends) << IOVA_MT_BLOCK_ORDER,
			  span->last + 1) : span->last + 1;
}

/**
 * iova_mt_span_any_range() - find the range that holds a pfn
 * @span: the span, which holds it
 * @pfn: the pfn
 * @first: its first pfn
 * @last: its last pfn
 *
 * Context: Any.
 * Return: false when the pfn is free.
 */
bool iova_mt_span_any_range(const struct iova_mt_span *span, unsigned long pfn,
			    unsigned long *first, unsigned long *last)
{
	unsigned int page = pfn - span->base, block = span_block_of(page);
	u64 starts;

	if (!(span_block_used(span, block) & BIT_ULL(page & SPAN_LAST_PAGE)))
		return false;
	if (!span->map) {
		*last = span->base + blocks_end(span, block + 1) - 1;
		block = __fls(span->heads & span_bits(0, block));
		*first = span->base + (block << IOVA_MT_BLOCK_ORDER);
		return true;
	}
	*last = span->base + range_end(span, page + 1) - 1;
	starts = span_block_starts(span, block) & span_bits(0, page & SPAN_LAST_PAGE);
	while (!starts)
		starts = span_block_starts(span, --block);
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
		block = span_block_of(page);
		found = span_block_used(span, block) ^ (used ? 0 : ~0ULL);
		found &= span_bits(page & SPAN_LAST_PAGE, SPAN_LAST_PAGE);
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
	unsigned int block = span_block_of(span->last);
	u64 used = span_block_used(span, block) & span_bits(0, span->last & SPAN_LAST_PAGE);

	while (!used)
		used = span_block_used(span, --block);
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
