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
 * Rules: at most one span in a window. A request that finds no room in spans
 * goes on to the index, where it gets an entry of its own; so what a span
 * cannot have (a gap beside another entry in its window, a gap that is too
 * small to be worth one) is not lost. What spans do for a request that is refused
 * otherwise is in room.c.
 *
 * Locks: the tree's lock, for a bounded number of spans at a time.
 */
#include <linux/log2.h>

#include "maple/counters.h"
#include "maple/deferred/deferral.h"
#include "maple/tree/index.h"
#include "maple/span/room.h"
#include "maple/tree/search.h"
#include "maple/span/span.h"
#include "maple/span/spans.h"

/**
 * struct walk - a look at all spans that may serve a request
 * @wanted: what it asks for
 * @needs: a span of less than this order cannot
 * @top: those that begin above have been looked at
 * @no_memory: one could have served, but for memory
 */
struct walk {
	struct iova_mt_wanted wanted;
	int needs;
	unsigned long top;
	bool no_memory;
};

/* --- Which span ------------------------------------------------------------ */

static struct iova_mt_span *highest_locked(struct iova_mt_spans *spans,
					   unsigned long limit, int order)
{
	iova_mt_index_assert_locked(spans->index);
	return iova_mt_windows_highest(&spans->windows, limit, order);
}

/* --- One span ------------------------------------------------------------- */

static int take_unaligned(struct iova_mt_span *span,
			  const struct iova_mt_wanted *wanted,
			  unsigned int domain_id, unsigned long *pfn)
{
	unsigned long first;
	int ret;

	if (!iova_mt_span_find_unaligned(span, wanted->size, wanted->limit,
					 &first))
		return -ENOSPC;
	ret = iova_mt_span_take(span, first, wanted->size, domain_id);
	if (!ret)
		*pfn = first;
	return ret;
}

/**
 * iova_mt_spans_take_locked() - take pages of one span
 * @spans: the spans
 * @span: the span
 * @wanted: what is asked for, not more than a window has
 * @pfn: the first one taken; untouched on failure
 *
 * Context: Any, under the tree's lock.
 * Return: 0, -ENOSPC, or -ENOMEM.
 */
int iova_mt_spans_take_locked(struct iova_mt_spans *spans,
			      struct iova_mt_span *span,
			      const struct iova_mt_wanted *wanted,
			      unsigned long *pfn)
{
	unsigned int id = spans->index->domain_id;
	bool empty = !span->nr_used;
	int ret;

	iova_mt_index_assert_locked(spans->index);
	if (unlikely(iova_mt_wanted_anywhere(wanted)))
		ret = take_unaligned(span, wanted, id, pfn);
	else
		ret = iova_mt_span_alloc(span, wanted->size, wanted->order,
					 wanted->limit, id, pfn);
	if (ret == -ENOMEM)
		iova_mt_count(spans->counters, COUNTER_span_no_memory);
	if (ret)
		return ret;
	spans->nr_empty -= empty;
	iova_mt_windows_update(span);
	return 0;
}

/* --- Allocation ----------------------------------------------------------- */

/*
 * Look at a few.
 * Return: 0 when one has served; -ENOSPC when there are no more; -EAGAIN.
 */
static int walk_locked(struct iova_mt_spans *spans, struct walk *walk,
		       unsigned long *pfn)
{
	/* Without alignment, each free run of a span is looked at. */
	unsigned int budget = iova_mt_wanted_anywhere(&walk->wanted) ?
		1 : IOVA_MT_HOLD_SPANS;
	struct iova_mt_span *span;
	int ret;

	iova_mt_index_assert_locked(spans->index);
	while (budget--) {
		span = highest_locked(spans, walk->top, walk->needs);
		if (!span)
			return -ENOSPC;
		ret = iova_mt_spans_take_locked(spans, span, &walk->wanted, pfn);
		if (!ret)
			return 0;
		walk->no_memory |= ret == -ENOMEM;
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
static inline struct walk walk_sure(const struct iova_mt_wanted *wanted)
{
	return (struct walk){
		.wanted = *wanted,
		.needs = wanted->order,
		.top = wanted->limit,
	};
}

/*
 * One that has no aligned run of half of that will not; of a range that need not
 * be aligned, half of it may lie on either side of a border.
 */
static struct walk walk_all(const struct iova_mt_wanted *wanted)
{
	struct walk walk = walk_sure(wanted);

	if (iova_mt_wanted_anywhere(wanted))
		walk.needs = iova_mt_span_order_of(wanted->size);
	else if (!is_power_of_2(wanted->size))
		walk.needs--;
	return walk;
}

/* A few spans that surely will do, and a few that may. */
static int try_spans_locked(struct iova_mt_spans *spans,
			    const struct iova_mt_wanted *wanted,
			    unsigned long *pfn)
{
	struct walk walk = walk_sure(wanted);
	int ret = walk_locked(spans, &walk, pfn);

	iova_mt_index_assert_locked(spans->index);
	if (!ret || is_power_of_2(wanted->size))
		return ret;
	walk = walk_all(wanted);
	return walk_locked(spans, &walk, pfn);
}

static int alloc_step_locked(struct iova_mt_spans *spans,
			     struct iova_mt_search *search, unsigned long *pfn)
{
	struct iova_mt_span *span;
	unsigned long first;
	int ret;

	iova_mt_index_assert_locked(spans->index);
	ret = try_spans_locked(spans, &search->wanted, pfn);
	if (!ret)
		return 0;
	ret = iova_mt_search_step_locked(spans->index, search, &first);
	if (ret)
		return ret;
	span = iova_mt_room_span_locked(spans, first);
	if (!span)
		return -ENOSPC;
	ret = iova_mt_spans_take_locked(spans, span, &search->wanted, pfn);
	/* Without it, the index may serve. */
	if (ret && !span->nr_used)
		iova_mt_room_release_locked(spans, span);
	return ret;
}

/* The first span would not do: other spans, or a new one. */
static noinline int alloc_other(struct iova_mt_spans *spans,
				const struct iova_mt_wanted *wanted,
				unsigned long *pfn)
{
	struct iova_mt_search search;
	unsigned long flags;
	int ret;

	iova_mt_search_init(&search, wanted);
	do {
		iova_mt_index_lock(spans->index, flags);
		ret = alloc_step_locked(spans, &search, pfn);
		iova_mt_index_unlock(spans->index, flags);
	} while (ret == -EAGAIN);
	return ret;
}

/**
 * iova_mt_spans_alloc() - take pages from a span
 * @spans: the spans
 * @wanted: what is asked for: up to 2^IOVA_MT_SPANS_ORDER pages, aligned to their
 *	number rounded up to a power of two
 * @pfn: the first one taken; untouched on failure
 *
 * From one that there is, or from a new one.
 *
 * Context: Any.
 * Return: 0; otherwise the index may still have room: -ENOSPC, -ENOMEM.
 */
int iova_mt_spans_alloc(struct iova_mt_spans *spans,
			const struct iova_mt_wanted *wanted, unsigned long *pfn)
{
	struct iova_mt_span *span;
	unsigned long flags;
	int ret = -ENOSPC;

	/* Nearly always, the first one will do. */
	iova_mt_index_lock(spans->index, flags);
	span = highest_locked(spans, wanted->limit, wanted->order);
	if (likely(span))
		ret = iova_mt_spans_take_locked(spans, span, wanted, pfn);
	iova_mt_index_unlock(spans->index, flags);
	return likely(!ret) ? 0 : alloc_other(spans, wanted, pfn);
}

/**
 * iova_mt_spans_alloc_anywhere() - take pages from a span, wherever there are some
 * @spans: the spans
 * @wanted: what is asked for
 * @pfn: the first one taken; untouched on failure
 *
 * For a request that is refused otherwise: looks at all that there are.
 *
 * Context: Any.
 * Return: 0; -ENOSPC; -ENOMEM when there is room, but no memory to note it.
 */
int iova_mt_spans_alloc_anywhere(struct iova_mt_spans *spans,
				 const struct iova_mt_wanted *wanted,
				 unsigned long *pfn)
{
	struct walk walk;
	unsigned long flags;
	int ret;

	if (wanted->size > IOVA_MT_WINDOW_PAGES ||
	    RB_EMPTY_ROOT(&spans->windows.root))
		return -ENOSPC;
	walk = walk_all(wanted);
	do {
		iova_mt_index_lock(spans->index, flags);
		ret = walk_locked(spans, &walk, pfn);
		iova_mt_index_unlock(spans->index, flags);
	} while (ret == -EAGAIN);
	return ret && walk.no_memory ? -ENOMEM : ret;
}

/* --- Free, find, list ----------------------------------------------------- */

/**
 * iova_mt_spans_free_locked() - free a range of a span
 * @spans: the spans
 * @span: the one that holds @pfn
 * @pfn: any pfn of the range
 * @parked: whether it has been parked: a parked one is nobody's to free but the
 *	cache's
 *
 * Context: Any, under the tree's lock.
 * Return: false when there is no such range.
 */
bool iova_mt_spans_free_locked(struct iova_mt_spans *spans,
			       struct iova_mt_span *span, unsigned long pfn,
			       bool parked)
{
	unsigned long first, last;

	iova_mt_index_assert_locked(spans->index);
	if (!iova_mt_span_range(span, pfn, &first, &last) ||
	    iova_mt_span_is_parked(span, first) != parked)
		return false;
	if (parked)
		iova_mt_span_unpark(span, first);
	iova_mt_reserved_remove(&spans->reserved, first);
	iova_mt_span_put(span, first, last);
	iova_mt_windows_update(span);
	iova_mt_index_moved_locked(spans->index);
	if (!span->nr_used && spans->nr_empty++ >= IOVA_MT_KEEP_EMPTY)
		iova_mt_room_release_locked(spans, span);
	return true;
}

/**
 * iova_mt_spans_park_locked() - note that a range goes to a cache
 * @spans: the spans
 * @span: the one that holds @pfn
 * @pfn: first pfn of the range, of a block
 * @size: pages, whole blocks
 *
 * Context: Any, under the tree's lock.
 * Return: false when this is not exactly a range that somebody has.
 */
bool iova_mt_spans_park_locked(struct iova_mt_spans *spans,
			       struct iova_mt_span *span, unsigned long pfn,
			       unsigned long size)
{
	unsigned long first, last;

	iova_mt_index_assert_locked(spans->index);
	if (!iova_mt_span_range(span, pfn, &first, &last) || first != pfn ||
	    last - first != size - 1 || iova_mt_span_is_parked(span, first) ||
	    iova_mt_reserved_has(&spans->reserved, first))
		return false;
	iova_mt_span_park(span, first);
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
	struct iova_mt_span *span = iova_mt_spans_at_locked(spans, pfn);

	iova_mt_index_assert_locked(spans->index);
	if (!span || !iova_mt_span_range(span, pfn, &range->first, &range->last))
		return false;
	range->state = iova_mt_reserved_has(&spans->reserved, range->first) ?
		IOVA_MT_RESERVED : IOVA_MT_LIVE;
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
	struct iova_mt_span *span = iova_mt_spans_at_locked(spans, range->first);
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
 * @way: makes the entries
 * @counters: where to count
 * @on: whether there are to be any
 *
 * Context: Any.
 */
void iova_mt_spans_init(struct iova_mt_spans *spans,
			struct iova_mt_index *index,
			const struct iova_mt_deferral *way,
			const struct iova_mt_counters *counters, bool on)
{
	*spans = (struct iova_mt_spans){
		.index = index,
		.way = way,
		.counters = counters,
		.on = on,
	};
	iova_mt_room_init(spans);
}

/**
 * iova_mt_spans_stop() - try nothing again any more
 * @spans: the spans, which nobody uses any more
 *
 * Context: Process, may sleep.
 */
void iova_mt_spans_stop(struct iova_mt_spans *spans)
{
	cancel_delayed_work_sync(&spans->retry);
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
	struct iova_mt_span *span;

	iova_mt_spans_stop(spans);
	while ((span = iova_mt_windows_highest(&spans->windows, ULONG_MAX, -1))) {
		iova_mt_windows_erase(&spans->windows, span);
		iova_mt_span_free(span);
	}
	iova_mt_reserved_destroy(&spans->reserved);
}
