// SPDX-License-Identifier: GPL-2.0
/*
 * Spans, looked at from inside: that the tree of regions is right, that each has
 * its entry in the index, and that whatever is kept to save a look at the pages
 * is what that look says.
 */
#define pr_fmt(fmt) "iova_mt_checked: " fmt

#include <linux/bitmap.h>
#include <linux/bug.h>
#include <linux/maple_tree.h>

#include "checked_spans.h"
#include "maple/tree/index.h"
#include "maple/span/span.h"
#include "maple/span/spans.h"

#define to_region(_node)	rb_entry(_node, struct iova_mt_region, node)

static bool page_is_used(const struct iova_mt_span *span, unsigned int page)
{
	unsigned int block = page / IOVA_MT_BLOCK_PAGES;

	if (!span->map)
		return !(span->room[IOVA_MT_BLOCK_ORDER] & BIT_ULL(block));
	return span->map->used[block] & BIT_ULL(page % IOVA_MT_BLOCK_PAGES);
}

/* Is there a free run of that order, aligned, from this page on? */
static bool run_is_free(const struct iova_mt_span *span, unsigned int page,
			unsigned int order)
{
	unsigned int i;

	for (i = 0; i < BIT(order); i++)
		if (page_is_used(span, page + i))
			return false;
	return true;
}

static bool block_has_room(const struct iova_mt_span *span, unsigned int block,
			   unsigned int order)
{
	unsigned int page = block * IOVA_MT_BLOCK_PAGES;
	unsigned int end = page + IOVA_MT_BLOCK_PAGES;

	for (; page < end; page += BIT(order))
		if (run_is_free(span, page, order))
			return true;
	return false;
}

static int largest_order(const struct iova_mt_span *span)
{
	int order = IOVA_MT_WINDOW_ORDER;
	unsigned int page;

	for (; order >= 0; order--)
		for (page = 0; page < IOVA_MT_WINDOW_PAGES; page += BIT(order))
			if (run_is_free(span, page, order))
				return order;
	return -1;
}

static void check_pages(const struct iova_mt_span *span)
{
	unsigned int page, used = 0, order, block;

	for (page = 0; page < IOVA_MT_WINDOW_PAGES; page++) {
		if (page >= span->first && page <= span->last)
			used += page_is_used(span, page);
		else
			WARN(!page_is_used(span, page),
			     "page %u is free, outside of the span\n", page);
	}
	WARN(used != span->nr_used, "a span counts %u pages in use, there are %u\n",
	     span->nr_used, used);
	for (block = 0; block < IOVA_MT_WINDOW_BLOCKS; block++)
		for (order = 0; order <= IOVA_MT_BLOCK_ORDER; order++)
			WARN(block_has_room(span, block, order) !=
			     !!(span->room[order] & BIT_ULL(block)),
			     "a span is wrong about order %u in block %u\n",
			     order, block);
	order = largest_order(span);
	WARN(span->order != (int)order, "a span has order %d, not %d\n",
	     (int)order, span->order);
}

/* What lies in a cache is used, and begins at a block. */
static void check_parked(const struct iova_mt_span *span)
{
	unsigned int block;
	u64 starts;

	for_each_set_bit(block, span->parked, IOVA_MT_WINDOW_BLOCKS) {
		starts = span->map ? span->map->start[block] :
				     (span->heads >> block) & 1;
		WARN(!(starts & 1) ||
		     !page_is_used(span, block * IOVA_MT_BLOCK_PAGES),
		     "no range begins at block %u, which is parked\n", block);
	}
}

static void check_entry(const struct iova_mt_spans *spans,
			const struct iova_mt_span *span)
{
	MA_STATE(mas, &spans->index->tree, iova_mt_span_first(span),
		 iova_mt_span_first(span));
	void *entry = mas_walk(&mas);

	WARN(!entry || iova_mt_entry_state(entry) != IOVA_MT_SPAN ||
	     mas.index != iova_mt_span_first(span) ||
	     mas.last != iova_mt_span_last(span),
	     "a span from %#lx to %#lx, and an entry from %#lx to %#lx\n",
	     iova_mt_span_first(span), iova_mt_span_last(span), mas.index,
	     mas.last);
}

static bool is_gap(const struct iova_mt_spans *spans, unsigned long pfn)
{
	MA_STATE(mas, &spans->index->tree, pfn, pfn);

	return !mas_walk(&mas);
}

/* Return: whether it could be larger, if what is beside it went. */
static bool check_ends(const struct iova_mt_spans *spans,
		       const struct iova_mt_span *span)
{
	unsigned long first = max(span->base, spans->index->start_pfn);
	unsigned long last = min(span->base + IOVA_MT_WINDOW_PAGES - 1,
				 IOVA_MT_HIGHEST_PFN);
	bool below = iova_mt_span_first(span) > first;
	bool above = iova_mt_span_last(span) < last;

	WARN(spans->grown_at == spans->index->erases &&
	     span->base <= spans->grown_below &&
	     ((below && is_gap(spans, iova_mt_span_first(span) - 1)) ||
	      (above && is_gap(spans, iova_mt_span_last(span) + 1))),
	     "a span from %#lx to %#lx can grow, none is said to\n",
	     iova_mt_span_first(span), iova_mt_span_last(span));
	return below || above;
}

/**
 * struct free_run - free pages in a row
 * @first: first pfn
 * @last: last pfn
 * @parts: gaps, and free pages of spans, that it consists of
 */
struct free_run {
	unsigned long first;
	unsigned long last;
	unsigned int parts;
};

static void add_part(const struct iova_mt_spans *spans, struct free_run *run,
		     unsigned long first, unsigned long last)
{
	unsigned long pfn;

	first = max(first, spans->index->start_pfn);
	last = min(last, IOVA_MT_HIGHEST_PFN);
	if (first > last)
		return;
	if (!run->parts || run->last != first - 1)
		*run = (struct free_run){ .first = first };
	run->last = last;
	WARN(++run->parts > 1 &&
	     iova_mt_wanted_in(&spans->apart, run->first, last, &pfn),
	     "%lu pages aligned to 2^%u are said to be nowhere, but %#lx to %#lx is free\n",
	     spans->apart.size, spans->apart.order, run->first, last);
}

/* The module's own way to find it is not exported. */
static const struct iova_mt_span *span_at(const struct iova_mt_spans *spans,
					  unsigned long pfn)
{
	struct rb_node *node;

	for (node = rb_first(&spans->windows.root); node; node = rb_next(node))
		if (to_region(node)->base == iova_mt_region_base(pfn))
			return to_region(node)->span[iova_mt_region_slot(pfn)];
	return NULL;
}

static void add_span(const struct iova_mt_spans *spans, struct free_run *run,
		     unsigned long pfn)
{
	const struct iova_mt_span *span = span_at(spans, pfn);
	unsigned int page, end;

	for (page = span ? span->first : IOVA_MT_WINDOW_PAGES;
	     span && page <= span->last; page = end + 1) {
		end = page;
		while (end <= span->last && !page_is_used(span, end))
			end++;
		if (end > page)
			add_part(spans, run, span->base + page,
				 span->base + end - 1);
	}
}

/* What is remembered of blocks that lie partly in a span. */
static void check_apart(const struct iova_mt_spans *spans)
{
	MA_STATE(mas, &spans->index->tree, 0, 0);
	struct free_run run = {};
	unsigned long next = 0;
	void *entry;

	if (spans->apart_at != spans->index->generation)
		return;
	mas_for_each(&mas, entry, ULONG_MAX) {
		if (mas.index > next)
			add_part(spans, &run, next, mas.index - 1);
		if (iova_mt_entry_state(entry) == IOVA_MT_SPAN)
			add_span(spans, &run, mas.index);
		next = mas.last + 1;
		if (!next)
			return;
	}
	add_part(spans, &run, next, ULONG_MAX);
}

static int best_of(const struct rb_node *node)
{
	return node ? to_region(node)->best : -1;
}

/* Return: the best order of its spans. */
static int check_masks(const struct iova_mt_region *region)
{
	const struct iova_mt_span *span;
	int order, best = -1;
	unsigned int i;

	for (order = -1; order <= IOVA_MT_WINDOW_ORDER; order++)
		WARN(!(region->orders & BIT(order + 1)) != !region->by_order[order + 1],
		     "a region is wrong about having order %d\n", order);
	for (i = 0; i < IOVA_MT_REGION_WINDOWS; i++) {
		span = region->span[i];
		WARN(!(region->spans & BIT_ULL(i)) != !span,
		     "a region is wrong about a span in window %u\n", i);
		for (order = -1; order <= IOVA_MT_WINDOW_ORDER; order++)
			WARN(!!(region->by_order[order + 1] & BIT_ULL(i)) !=
			     (span && span->order == order),
			     "a region is wrong about order %d in window %u\n",
			     order, i);
		if (span)
			best = max(best, span->order);
	}
	return best;
}

static void check_region(const struct iova_mt_region *region)
{
	int order = check_masks(region);
	int best = max3(order, best_of(region->node.rb_left),
			best_of(region->node.rb_right));

	WARN(region->order != order, "a region has order %d, not %d\n", order,
	     region->order);
	WARN(region->best != best, "the best order below a region is %d, not %d\n",
	     best, region->best);
}

/* How many entries of the index are of spans? */
static unsigned int count_entries(const struct iova_mt_spans *spans)
{
	MA_STATE(mas, &spans->index->tree, 0, 0);
	unsigned int nr = 0;
	void *entry;

	mas_for_each(&mas, entry, ULONG_MAX)
		nr += iova_mt_entry_state(entry) == IOVA_MT_SPAN;
	return nr;
}

/**
 * struct sum - what has been found
 * @spans: how many
 * @empty: those that are free as a whole
 * @is_short: those that do not have all of their windows
 */
struct sum {
	unsigned int spans;
	unsigned int empty;
	unsigned int is_short;
};

static void check_spans_of(const struct iova_mt_spans *spans,
			   const struct iova_mt_region *region, struct sum *sum)
{
	const struct iova_mt_span *span;
	unsigned int i;

	for (i = 0; i < IOVA_MT_REGION_WINDOWS; i++) {
		span = region->span[i];
		if (!span)
			continue;
		WARN(span->base != region->base + i * IOVA_MT_WINDOW_PAGES ||
		     span->region != region, "a span is in a wrong place\n");
		sum->spans++;
		sum->empty += !span->nr_used;
		sum->is_short += check_ends(spans, span);
		check_pages(span);
		check_parked(span);
		check_entry(spans, span);
	}
}

void check_spans_locked(const struct iova_mt_spans *spans)
{
	struct rb_node *node;
	struct sum sum = {};

	lockdep_assert_held(&spans->index->tree.ma_lock);
	for (node = rb_first(&spans->windows.root); node; node = rb_next(node)) {
		check_region(to_region(node));
		check_spans_of(spans, to_region(node), &sum);
	}
	check_apart(spans);
	WARN(sum.empty != spans->nr_empty, "%u spans are free, %u are counted\n",
	     sum.empty, spans->nr_empty);
	WARN(sum.is_short != spans->nr_partial, "%u spans are short, %u are counted\n",
	     sum.is_short, spans->nr_partial);
	WARN(sum.spans != count_entries(spans), "%u spans, and %u entries of spans\n",
	     sum.spans, count_entries(spans));
}

/* --- Mistakes to be seen -------------------------------------------------- */

static struct iova_mt_span *any_span(struct iova_mt_spans *spans)
{
	struct rb_node *node = rb_first(&spans->windows.root);
	unsigned int i = 0;

	if (!node)
		return NULL;
	/* A region has a span. */
	while (!to_region(node)->span[i])
		i++;
	return to_region(node)->span[i];
}

void plant_room_locked(struct iova_mt_spans *spans)
{
	struct iova_mt_span *span = any_span(spans);

	if (span)
		span->room[0] ^= BIT_ULL(IOVA_MT_WINDOW_BLOCKS - 1);
}

void plant_short_locked(struct iova_mt_spans *spans)
{
	spans->nr_partial++;
}

void plant_best_locked(struct iova_mt_spans *spans)
{
	struct rb_node *node = rb_first(&spans->windows.root);

	if (node)
		to_region(node)->best++;
}
