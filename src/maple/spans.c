// SPDX-License-Identifier: GPL-2.0
/*
 * The spans of a domain: which there are, and which one serves a request.
 *
 * A span has one entry in the index and serves many requests, so most of them
 * touch no tree node. Made when a request finds no room in those that there are,
 * given back when it is free as a whole; one free one is kept, so that a load at
 * the border between two does not make and give back all the time. When its
 * erase gets no memory it is kept, too, and is as good as any: there is nothing
 * to defer.
 *
 * The tree of spans is an rbtree that knows the best order in each subtree, after
 * Peng Zhang's augmented tree for iova.c (2022): the highest span with room is a
 * walk down. It has a node for up to 4096 pages, and needs no memory.
 *
 * Rules: at most one span in a window. A request that finds no room in spans
 * falls through to the index, where it gets an entry of its own; so what a span
 * cannot have (a gap beside another entry in its window, a gap that is too
 * small to be worth one) is not lost. Before a request is refused, spans give
 * back what is free as a whole, and take what has become free beside them.
 *
 * Locks: the tree's lock, for a bounded number of spans at a time.
 */
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>
#include <linux/slab.h>

#include "base/fault.h"
#include "maple/counters.h"
#include "maple/deferral.h"
#include "maple/index.h"
#include "maple/search.h"
#include "maple/span.h"
#include "maple/spans.h"

/* Spans that are looked at in one lock hold. */
#define HOLD_SPANS	16
/* Gaps smaller than this are not worth a span. */
#define LEAST_PAGES	IOVA_MT_BLOCK_PAGES
/* Spans that are kept although they are free as a whole. */
#define KEEP_EMPTY	1

/**
 * struct reservation - a reserved range in a span
 * @node: in the tree of them
 * @first: its first pfn
 * @call: which call has reserved it
 */
struct reservation {
	struct rb_node node;
	unsigned long first;
	unsigned long call;
};

/**
 * struct walk - a look at all spans that may serve a request
 * @size: pages
 * @limit: highest pfn
 * @aligned: to @size rounded up to a power of two
 * @needs: a span of less than this order cannot
 * @top: those that begin above have been looked at
 */
struct walk {
	unsigned long size;
	unsigned long limit;
	bool aligned;
	int needs;
	unsigned long top;
};

/* --- The tree of spans ---------------------------------------------------- */

#define to_span(_node)	rb_entry(_node, struct iova_mt_span, node)
#define span_order(_span)	((_span)->order)

RB_DECLARE_CALLBACKS_MAX(static, span_callbacks, struct iova_mt_span, node, int,
			 best, span_order)

static unsigned long window_of(unsigned long pfn)
{
	return pfn & ~(IOVA_MT_WINDOW_PAGES - 1);
}

static void tree_insert(struct iova_mt_spans *spans, struct iova_mt_span *span)
{
	struct rb_node **link = &spans->root.rb_node, *parent = NULL;

	span->best = span->order;
	while (*link) {
		parent = *link;
		to_span(parent)->best = max(to_span(parent)->best, span->order);
		link = span->base < to_span(parent)->base ? &parent->rb_left :
							    &parent->rb_right;
	}
	rb_link_node(&span->node, parent, link);
	rb_insert_augmented(&span->node, &spans->root, &span_callbacks);
}

static void tree_update(struct iova_mt_span *span)
{
	span_callbacks.propagate(&span->node, NULL);
}

/* The span in the window of @pfn, or NULL. */
static struct iova_mt_span *window_span_locked(struct iova_mt_spans *spans,
					       unsigned long pfn)
{
	struct rb_node *node = spans->root.rb_node;
	unsigned long base = window_of(pfn);
	struct iova_mt_span *span;

	iova_mt_index_assert_locked(spans->index);
	if (spans->recent && spans->recent->base == base)
		return spans->recent;
	while (node) {
		span = to_span(node);
		if (base == span->base) {
			spans->recent = span;
			return span;
		}
		node = base < span->base ? node->rb_left : node->rb_right;
	}
	return NULL;
}

/* The span that holds @pfn, or NULL. */
static struct iova_mt_span *span_of_locked(struct iova_mt_spans *spans,
					   unsigned long pfn)
{
	struct iova_mt_span *span = window_span_locked(spans, pfn);

	return span && iova_mt_span_has(span, pfn) ? span : NULL;
}

static bool has_order(const struct rb_node *node, int order)
{
	return node && to_span(node)->best >= order;
}

/* The highest span below @node, or @node, that has room of @order. */
static struct iova_mt_span *highest_below(struct rb_node *node, int order)
{
	for (;;) {
		if (has_order(node->rb_right, order))
			node = node->rb_right;
		else if (to_span(node)->order >= order)
			return to_span(node);
		else
			node = node->rb_left;
	}
}

/*
 * The highest span with room of @order that begins at or below @limit, or NULL.
 * Its room may lie above @limit if @limit is in it.
 */
static struct iova_mt_span *highest_locked(struct iova_mt_spans *spans,
					   unsigned long limit, int order)
{
	struct rb_node *node = spans->root.rb_node;
	struct iova_mt_span *span, *found = NULL;

	iova_mt_index_assert_locked(spans->index);
	while (has_order(node, order)) {
		span = to_span(node);
		if (span->base > limit) {
			node = node->rb_left;
			continue;
		}
		/* All on the left are below the limit. */
		if (span->order >= order || has_order(node->rb_left, order))
			found = span;
		node = node->rb_right;
	}
	if (!found || found->order >= order)
		return found;
	return highest_below(found->node.rb_left, order);
}

/* --- One span ------------------------------------------------------------- */

/* Does it reach as far as a span can, in its window? */
static bool is_short(const struct iova_mt_spans *spans,
		     const struct iova_mt_span *span)
{
	return iova_mt_span_first(span) > max(span->base,
					      spans->index->start_pfn) ||
	       span->last < IOVA_MT_WINDOW_PAGES - 1;
}

static bool find(const struct iova_mt_span *span, const struct walk *walk,
		 unsigned long *pfn)
{
	if (walk->aligned)
		return iova_mt_span_find(span, walk->size,
					 order_base_2(walk->size), walk->limit,
					 pfn);
	return iova_mt_span_find_unaligned(span, walk->size, walk->limit, pfn);
}

static int take_locked(struct iova_mt_spans *spans, struct iova_mt_span *span,
		       const struct walk *walk, unsigned long *pfn)
{
	unsigned int id = spans->index->domain_id;
	bool empty = !span->nr_used;
	int order = span->order;

	iova_mt_index_assert_locked(spans->index);
	if (!find(span, walk, pfn))
		return -ENOSPC;
	if (iova_mt_span_take(span, *pfn, walk->size, id)) {
		iova_mt_count(spans->counters, COUNTER_span_no_memory);
		return -ENOMEM;
	}
	spans->nr_empty -= empty;
	if (span->order != order)
		tree_update(span);
	return 0;
}

/*
 * Give a span back that is free as a whole.
 * Return: false when its erase got no memory.
 */
static bool release_locked(struct iova_mt_spans *spans,
			   struct iova_mt_span *span)
{
	unsigned long first, last;
	void *entry;

	iova_mt_index_assert_locked(spans->index);
	entry = iova_mt_index_load_locked(spans->index, iova_mt_span_first(span),
					  &first, &last);
	if (iova_mt_index_erase_locked(spans->index, first, last)) {
		iova_mt_count(spans->counters, COUNTER_span_kept);
		return false;
	}
	if (spans->how->drop)
		spans->how->drop(entry);
	rb_erase_augmented(&span->node, &spans->root, &span_callbacks);
	if (spans->recent == span)
		spans->recent = NULL;
	spans->nr_empty--;
	spans->nr_short -= is_short(spans, span);
	iova_mt_span_free(span);
	iova_mt_count(spans->counters, COUNTER_span_gone);
	return true;
}

/*
 * Change it, and what the index has for it; or nothing. It grows, or loses one of
 * its ends.
 */
static int resize_locked(struct iova_mt_spans *spans, struct iova_mt_span *span,
			 unsigned long first, unsigned long last)
{
	unsigned long old_first = iova_mt_span_first(span);
	unsigned long old_last = iova_mt_span_last(span);
	struct iova_mt_index *index = spans->index;
	unsigned int id = index->domain_id;
	unsigned long ignored;
	void *entry;
	int ret;

	iova_mt_index_assert_locked(index);
	entry = iova_mt_index_load_locked(index, old_first, &ignored, &ignored);
	if (iova_mt_span_resize(span, first, last, id))
		return -ENOMEM;
	if (first > old_first)
		ret = iova_mt_index_erase_locked(index, old_first, first - 1);
	else if (last < old_last)
		ret = iova_mt_index_erase_locked(index, last + 1, old_last);
	else
		ret = iova_mt_index_insert_locked(index, first, last, entry);
	/* Back to what it had been needs no memory. */
	if (ret)
		iova_mt_span_resize(span, old_first, old_last, id);
	tree_update(span);
	return ret;
}

/* Take what is free beside it in its window. Return: true when there was some. */
static bool grow_locked(struct iova_mt_spans *spans, struct iova_mt_span *span)
{
	unsigned long first = iova_mt_span_first(span);
	unsigned long last = iova_mt_span_last(span), gap_first, gap_last;
	struct iova_mt_index *index = spans->index;

	iova_mt_index_assert_locked(index);
	if (!is_short(spans, span))
		return false;
	if (first > max(span->base, index->start_pfn) &&
	    !iova_mt_index_load_locked(index, first - 1, &gap_first, &gap_last))
		first = max3(gap_first, span->base, index->start_pfn);
	if (span->last < IOVA_MT_WINDOW_PAGES - 1 &&
	    !iova_mt_index_load_locked(index, last + 1, &gap_first, &gap_last))
		last = min(gap_last, span->base + IOVA_MT_WINDOW_PAGES - 1);
	last = min(last, IOVA_MT_HIGHEST_PFN);
	if ((first == iova_mt_span_first(span) &&
	     last == iova_mt_span_last(span)) ||
	    resize_locked(spans, span, first, last))
		return false;
	spans->nr_short -= !is_short(spans, span);
	iova_mt_count(spans->counters, COUNTER_span_grown);
	return true;
}

/*
 * Give back what is free at its ends, for a range that lies across a border of
 * windows. Return: true when there was some.
 */
static bool shrink_locked(struct iova_mt_spans *spans,
			  struct iova_mt_span *span)
{
	unsigned long first = iova_mt_span_first(span), last, used;
	bool was_short = is_short(spans, span), done = false;

	iova_mt_index_assert_locked(spans->index);
	if (iova_mt_span_next_used(span, first, &used) && used != first)
		done |= !resize_locked(spans, span, used,
				       iova_mt_span_last(span));
	last = iova_mt_span_last_used(span);
	if (last != iova_mt_span_last(span))
		done |= !resize_locked(spans, span, iova_mt_span_first(span),
				       last);
	spans->nr_short += is_short(spans, span) - was_short;
	return done;
}

/* Make a span of the gap that @pfn lies in, as far as its window reaches. */
static struct iova_mt_span *create_locked(struct iova_mt_spans *spans,
					  unsigned long pfn)
{
	struct iova_mt_index *index = spans->index;
	unsigned long first, last, base = window_of(pfn);
	struct iova_mt_span *span;
	void *entry;

	iova_mt_index_assert_locked(index);
	iova_mt_index_load_locked(index, pfn, &first, &last);
	first = max3(first, base, index->start_pfn);
	last = min3(last, base + IOVA_MT_WINDOW_PAGES - 1, IOVA_MT_HIGHEST_PFN);
	if (last - first + 1 < LEAST_PAGES)
		return NULL;
	span = iova_mt_span_new(first, last, index->domain_id);
	if (!span)
		goto no_memory;
	entry = spans->how->entry(index->domain_id, IOVA_MT_SPAN, 0);
	if (!entry)
		goto free_span;
	if (iova_mt_index_insert_locked(index, first, last, entry))
		goto drop_entry;
	tree_insert(spans, span);
	spans->nr_empty++;
	spans->nr_short += is_short(spans, span);
	iova_mt_count(spans->counters, COUNTER_span_new);
	return span;

drop_entry:
	if (spans->how->drop)
		spans->how->drop(entry);
free_span:
	iova_mt_span_free(span);
no_memory:
	iova_mt_count(spans->counters, COUNTER_span_no_memory);
	return NULL;
}

/* --- Allocation ----------------------------------------------------------- */

/*
 * Look at a few.
 * Return: 0 when one has served; -ENOSPC when there are no more; -EAGAIN.
 */
static int walk_locked(struct iova_mt_spans *spans, struct walk *walk,
		       unsigned long *pfn)
{
	unsigned int budget = HOLD_SPANS;
	struct iova_mt_span *span;

	iova_mt_index_assert_locked(spans->index);
	while (budget--) {
		span = highest_locked(spans, walk->top, walk->needs);
		if (!span)
			return -ENOSPC;
		if (!take_locked(spans, span, walk, pfn))
			return 0;
		if (!span->base)
			return -ENOSPC;
		walk->top = span->base - 1;
	}
	return -EAGAIN;
}

/*
 * A span with room of the size rounded up to a power of two surely will do, but
 * for one that the limit cuts.
 */
static struct walk walk_sure(unsigned long size, unsigned long limit)
{
	return (struct walk){
		.size = size,
		.limit = limit,
		.aligned = true,
		.needs = order_base_2(size),
		.top = limit,
	};
}

/*
 * One that has no aligned run of half of that will not; of a range that need not
 * be aligned, half of it may lie on either side of a border.
 */
static struct walk walk_all(unsigned long size, unsigned long limit, bool aligned)
{
	struct walk walk = walk_sure(size, limit);

	walk.aligned = aligned;
	if (!aligned)
		walk.needs = ilog2((size + 1) / 2);
	else if (!is_power_of_2(size))
		walk.needs--;
	return walk;
}

/* A few spans that surely will do, and a few that may. */
static int try_spans_locked(struct iova_mt_spans *spans, unsigned long size,
			    unsigned long limit, unsigned long *pfn)
{
	struct walk walk = walk_sure(size, limit);
	int ret = walk_locked(spans, &walk, pfn);

	iova_mt_index_assert_locked(spans->index);
	if (!ret || is_power_of_2(size))
		return ret;
	walk = walk_all(size, limit, true);
	return walk_locked(spans, &walk, pfn);
}

/* A span for free pages from @pfn on: a new one, or the one beside them. */
static struct iova_mt_span *span_for_locked(struct iova_mt_spans *spans,
					    unsigned long pfn)
{
	struct iova_mt_span *span = window_span_locked(spans, pfn);

	iova_mt_index_assert_locked(spans->index);
	if (!span)
		return create_locked(spans, pfn);
	return grow_locked(spans, span) ? span : NULL;
}

static int alloc_step_locked(struct iova_mt_spans *spans,
			     struct iova_mt_search *search, unsigned long *pfn)
{
	struct iova_mt_span *span;
	struct walk walk;
	int ret;

	iova_mt_index_assert_locked(spans->index);
	ret = try_spans_locked(spans, search->size, search->limit, pfn);
	if (!ret)
		return 0;
	ret = iova_mt_search_step_locked(spans->index, search, pfn);
	if (ret)
		return ret;
	span = span_for_locked(spans, *pfn);
	if (!span)
		return -ENOSPC;
	walk = walk_sure(search->size, search->limit);
	ret = take_locked(spans, span, &walk, pfn);
	/* Without it, the index may serve. */
	if (ret && !span->nr_used)
		release_locked(spans, span);
	return ret;
}

/**
 * iova_mt_spans_alloc() - take pages from a span
 * @spans: the spans
 * @size: pages, 1 to 2^IOVA_MT_SPANS_ORDER
 * @limit: highest pfn
 * @pfn: the first one taken, aligned to @size rounded up to a power of two
 *
 * From one that there is, or from a new one.
 *
 * Context: Any.
 * Return: 0; otherwise the index may still have room: -ENOSPC, -ENOMEM.
 */
int iova_mt_spans_alloc(struct iova_mt_spans *spans, unsigned long size,
			unsigned long limit, unsigned long *pfn)
{
	struct iova_mt_search search;
	unsigned long flags;
	int ret;

	iova_mt_search_init(&search, size, limit, true);
	do {
		iova_mt_index_lock(spans->index, flags);
		ret = alloc_step_locked(spans, &search, pfn);
		iova_mt_index_unlock(spans->index, flags);
	} while (ret == -EAGAIN);
	return ret;
}

/**
 * iova_mt_spans_alloc_anywhere() - take pages from a span, wherever there are some
 * @spans: the spans
 * @size: pages, not 0
 * @limit: highest pfn
 * @aligned: aligned to @size rounded up to a power of two
 * @pfn: the first one taken
 *
 * For a request that is refused otherwise: looks at all that there are.
 *
 * Context: Any.
 * Return: 0 or -ENOSPC.
 */
int iova_mt_spans_alloc_anywhere(struct iova_mt_spans *spans,
				 unsigned long size, unsigned long limit,
				 bool aligned, unsigned long *pfn)
{
	struct walk walk;
	unsigned long flags;
	int ret;

	if (size > IOVA_MT_WINDOW_PAGES || RB_EMPTY_ROOT(&spans->root))
		return -ENOSPC;
	walk = walk_all(size, limit, aligned);
	do {
		iova_mt_index_lock(spans->index, flags);
		ret = walk_locked(spans, &walk, pfn);
		iova_mt_index_unlock(spans->index, flags);
	} while (ret == -EAGAIN);
	return ret;
}

/* --- Room for others ------------------------------------------------------ */

/* The span that begins highest at or below @top, or NULL. */
static struct iova_mt_span *below_locked(struct iova_mt_spans *spans,
					 unsigned long top)
{
	return highest_locked(spans, top, -1);
}

/* Return: true when there was something. */
static bool yield_locked(struct iova_mt_spans *spans, struct iova_mt_span *span,
			 bool ends)
{
	iova_mt_index_assert_locked(spans->index);
	if (!span->nr_used)
		return release_locked(spans, span);
	if (ends)
		return shrink_locked(spans, span);
	return grow_locked(spans, span);
}

/**
 * iova_mt_spans_make_room() - do what may help a request that was refused
 * @spans: the spans
 * @size: pages it asked for
 * @aligned: aligned to @size rounded up to a power of two
 *
 * Context: Any. Looks at all spans, a few a lock hold, if any can help.
 * Return: true when it is worth to try again.
 */
bool iova_mt_spans_make_room(struct iova_mt_spans *spans, unsigned long size,
			     bool aligned)
{
	/* It may begin in one window, and end in another. */
	bool ends = aligned ? size > IOVA_MT_WINDOW_PAGES : size > 1;
	unsigned long top = ULONG_MAX, flags;
	struct iova_mt_span *span;
	unsigned int budget;
	bool done = false;

	if (RB_EMPTY_ROOT(&spans->root) ||
	    (!READ_ONCE(spans->nr_empty) && !READ_ONCE(spans->nr_short) && !ends))
		return false;
	do {
		iova_mt_index_lock(spans->index, flags);
		for (budget = HOLD_SPANS; budget; budget--) {
			span = below_locked(spans, top);
			if (!span)
				break;
			top = span->base - 1;
			done |= yield_locked(spans, span, ends);
			if (top == ULONG_MAX)
				break;
		}
		iova_mt_index_unlock(spans->index, flags);
	} while (!budget);
	return done;
}

/* --- Reserved ranges ------------------------------------------------------ */

static bool reservation_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct reservation, node)->first <
	       rb_entry(b, struct reservation, node)->first;
}

/* The first that begins at or above @pfn, or NULL. */
static struct reservation *reservation_from(struct iova_mt_spans *spans,
					    unsigned long pfn)
{
	struct rb_node *node = spans->reserved.rb_node;
	struct reservation *reservation, *found = NULL;

	while (node) {
		reservation = rb_entry(node, struct reservation, node);
		if (reservation->first >= pfn)
			found = reservation;
		node = reservation->first >= pfn ? node->rb_left : node->rb_right;
	}
	return found;
}

static bool is_reserved(struct iova_mt_spans *spans, unsigned long first)
{
	struct reservation *reservation;

	if (RB_EMPTY_ROOT(&spans->reserved))
		return false;
	reservation = reservation_from(spans, first);
	return reservation && reservation->first == first;
}

static void reservation_forget(struct iova_mt_spans *spans, unsigned long first)
{
	struct reservation *reservation;

	if (!is_reserved(spans, first))
		return;
	reservation = reservation_from(spans, first);
	rb_erase(&reservation->node, &spans->reserved);
	kfree(reservation);
}

/* Make @first to @last, which are free, a reserved range. */
static int reserve_locked(struct iova_mt_spans *spans, struct iova_mt_span *span,
			  unsigned long first, unsigned long last,
			  unsigned long call)
{
	unsigned int id = spans->index->domain_id;
	struct reservation *reservation = NULL;
	bool empty = !span->nr_used;

	iova_mt_index_assert_locked(spans->index);
	if (!iova_mt_fault_hit(IOVA_MT_FAULT_fail_span, id))
		reservation = kmalloc(sizeof(*reservation),
				      GFP_ATOMIC | __GFP_NOWARN);
	if (!reservation || iova_mt_span_take(span, first, last - first + 1, id)) {
		kfree(reservation);
		iova_mt_count(spans->counters, COUNTER_span_no_memory);
		return -ENOMEM;
	}
	spans->nr_empty -= empty;
	tree_update(span);
	reservation->first = first;
	reservation->call = call;
	rb_add(&reservation->node, &spans->reserved, reservation_less);
	return 0;
}

/**
 * iova_mt_spans_reserve_locked() - reserve the first free pages of a span
 * @spans: the spans
 * @pfn: in a span; moved past them
 * @last: last pfn, in the same span
 * @call: which call it is for
 *
 * Context: Any, under the tree's lock.
 * Return: 0, or -ENOMEM and then nothing has changed.
 */
int iova_mt_spans_reserve_locked(struct iova_mt_spans *spans,
				 unsigned long *pfn, unsigned long last,
				 unsigned long call)
{
	struct iova_mt_span *span = span_of_locked(spans, *pfn);
	unsigned long free_first, free_last;

	iova_mt_index_assert_locked(spans->index);
	if (iova_mt_span_next_free(span, *pfn, &free_first, &free_last) &&
	    free_first <= last) {
		last = min(last, free_last);
		if (reserve_locked(spans, span, free_first, last, call))
			return -ENOMEM;
	}
	*pfn = last + 1;
	return 0;
}

/**
 * iova_mt_spans_unreserve_locked() - undo a reservation of a call
 * @spans: the spans
 * @pfn: in a span; nothing is left below
 * @last: last pfn, in the same span
 * @call: which call
 *
 * Context: Any, under the tree's lock.
 * Return: where to go on.
 */
unsigned long iova_mt_spans_unreserve_locked(struct iova_mt_spans *spans,
					     unsigned long pfn,
					     unsigned long last,
					     unsigned long call)
{
	struct reservation *reservation = reservation_from(spans, pfn);
	unsigned long first;

	iova_mt_index_assert_locked(spans->index);
	if (!reservation || reservation->first > last)
		return last + 1;
	first = reservation->first;
	if (reservation->call == call)
		iova_mt_spans_free_locked(spans, first);
	return first + 1;
}

/* --- Free, find, list ----------------------------------------------------- */

/**
 * iova_mt_spans_free_locked() - free a range, if it is in a span
 * @spans: the spans
 * @pfn: any pfn of it
 *
 * Context: Any, under the tree's lock.
 * Return: false when @pfn is in no span.
 */
bool iova_mt_spans_free_locked(struct iova_mt_spans *spans, unsigned long pfn)
{
	struct iova_mt_span *span = span_of_locked(spans, pfn);
	unsigned long first, last;
	int order;

	iova_mt_index_assert_locked(spans->index);
	if (!span)
		return false;
	if (!iova_mt_span_range(span, pfn, &first, &last)) {
		iova_mt_count(spans->counters, COUNTER_free_unknown);
		return true;
	}
	reservation_forget(spans, first);
	order = span->order;
	iova_mt_span_put(span, first, last);
	if (span->order != order)
		tree_update(span);
	if (!span->nr_used && spans->nr_empty++ >= KEEP_EMPTY)
		release_locked(spans, span);
	return true;
}

/**
 * iova_mt_spans_range_locked() - find the range that holds a pfn
 * @spans: the spans
 * @pfn: in a span
 * @range: gets it
 *
 * Context: Any, under the tree's lock.
 * Return: false when @pfn is free.
 */
bool iova_mt_spans_range_locked(struct iova_mt_spans *spans, unsigned long pfn,
				struct iova_mt_range *range)
{
	struct iova_mt_span *span = span_of_locked(spans, pfn);

	iova_mt_index_assert_locked(spans->index);
	if (!span || !iova_mt_span_range(span, pfn, &range->first, &range->last))
		return false;
	range->state = is_reserved(spans, range->first) ? IOVA_MT_RESERVED :
							  IOVA_MT_LIVE;
	return true;
}

/**
 * iova_mt_spans_next_locked() - find the first range in a span
 * @spans: the spans
 * @from: the range ends here or above
 * @range: the span's entry; gets its first range, or stays if there is none at
 *	all
 *
 * Context: Any, under the tree's lock.
 * Return: false when all ranges end below @from.
 */
bool iova_mt_spans_next_locked(struct iova_mt_spans *spans, unsigned long from,
			       struct iova_mt_range *range)
{
	struct iova_mt_span *span = span_of_locked(spans, range->first);
	unsigned long pfn;

	iova_mt_index_assert_locked(spans->index);
	if (!span || !span->nr_used)
		return true;
	return iova_mt_span_next_used(span, from, &pfn) &&
	       iova_mt_spans_range_locked(spans, pfn, range);
}

/* --- Life ----------------------------------------------------------------- */

/**
 * iova_mt_spans_init() - make an empty set
 * @spans: the spans
 * @index: where each will have an entry
 * @how: makes the entries
 * @counters: where to count
 * @on: whether there are to be any
 *
 * Context: Any.
 */
void iova_mt_spans_init(struct iova_mt_spans *spans,
			struct iova_mt_index *index,
			const struct iova_mt_deferral *how,
			const struct iova_mt_counters *counters, bool on)
{
	*spans = (struct iova_mt_spans){
		.index = index,
		.how = how,
		.counters = counters,
		.on = on,
	};
}

/**
 * iova_mt_spans_destroy() - free all spans
 * @spans: the spans, which nobody uses any more
 *
 * Their entries go with the index.
 *
 * Context: Process, may sleep.
 */
void iova_mt_spans_destroy(struct iova_mt_spans *spans)
{
	struct reservation *reservation, *next_reservation;
	struct iova_mt_span *span, *next;

	rbtree_postorder_for_each_entry_safe(span, next, &spans->root, node)
		iova_mt_span_free(span);
	rbtree_postorder_for_each_entry_safe(reservation, next_reservation,
					     &spans->reserved, node)
		kfree(reservation);
}
