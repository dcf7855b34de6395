// SPDX-License-Identifier: GPL-2.0
/*
 * Beside: blocks of free pages that lie partly in a span, partly beside it.
 *
 * Such a block is in no gap of the index and in no span, so a request for it would
 * be refused. Two kinds: an aligned block of up to a window lies in one window, and
 * the span there grows over it. Any other may lie across the borders of windows:
 * the spans on its ends lose these pages, those that are free as a whole go.
 *
 * Rule: looked at first, changed only where that serves the request, or, for a
 * span that can grow, the next one. What such a look has not found is remembered,
 * and is exact.
 *
 * Locks: the tree's lock, for a bounded number of spans at a time.
 */
#include <linux/errno.h>
#include <linux/minmax.h>

#include "maple/counters.h"
#include "maple/deferred/deferral.h"
#include "maple/span/beside.h"
#include "maple/span/room.h"
#include "maple/span/spans.h"
#include "maple/tree/index.h"
#include "maple/tree/search.h"

/* Gaps, and spans that are free as a whole, that are looked at on either side. */
#define MOST_PARTS	64

/**
 * struct look - a look at spans, from the top down
 * @wanted: what is asked for
 * @top: spans whose windows begin above have been looked at
 * @needs: least order of the spans that matter
 * @begun: erases, or the generation, of the index when it began
 * @kept: a span could have grown, and has not
 */
struct look {
	const struct iova_mt_wanted *wanted;
	unsigned long top;
	int needs;
	unsigned long begun;
	bool kept;
};

static struct iova_mt_span *next_locked(const struct iova_mt_spans *spans,
					const struct look *look)
{
	iova_mt_index_assert_locked(spans->index);
	return iova_mt_windows_highest(&spans->windows, look->top, look->needs);
}

/* --- In a window ---------------------------------------------------------- */

/* Will the pages @first to @last hold it, once they are all of the span? */
static bool would_hold(const struct iova_mt_span *span,
		       const struct iova_mt_wanted *wanted, unsigned long first,
		       unsigned long last)
{
	unsigned long used, pfn;

	if (!iova_mt_span_next_used(span, iova_mt_span_first(span), &used))
		return iova_mt_wanted_in(wanted, first, last, &pfn);
	return (used > first && iova_mt_wanted_in(wanted, first, used - 1, &pfn)) ||
	       iova_mt_wanted_in(wanted, iova_mt_span_last_used(span) + 1, last,
				 &pfn);
}

/*
 * Let it grow, whatever for. When there was no memory for one the last time, only
 * if it is what is asked for: a refusal is not to cost a failing store.
 * Return: 0 when it holds what is asked for; -ENOMEM: it would; -EAGAIN.
 */
static int grow_locked(struct iova_mt_spans *spans, struct iova_mt_span *span,
		       struct look *look)
{
	unsigned long first, last;
	bool holds;

	iova_mt_index_assert_locked(spans->index);
	if (!iova_mt_room_beside_locked(spans, span, &first, &last))
		return -EAGAIN;
	holds = would_hold(span, look->wanted, first, last);
	if ((spans->grow_failed && !holds) ||
	    iova_mt_room_grow_locked(spans, span)) {
		look->kept = true;
		return holds ? -ENOMEM : -EAGAIN;
	}
	return holds ? 0 : -EAGAIN;
}

/* Is there no gap beside any span that could take it? */
static bool all_grown_locked(const struct iova_mt_spans *spans,
			     unsigned long limit)
{
	iova_mt_index_assert_locked(spans->index);
	return !spans->nr_partial || (spans->grown_at == spans->index->erases &&
				    spans->grown_below >= limit);
}

static void all_grown_note_locked(struct iova_mt_spans *spans,
				  const struct look *look)
{
	iova_mt_index_assert_locked(spans->index);
	if (look->kept || look->begun != spans->index->erases)
		return;
	spans->grown_at = look->begun;
	spans->grown_below = look->wanted->limit;
}

/* Return: 0, with the pages taken; -ENOSPC; -ENOMEM; -EAGAIN: there are more. */
static int window_step_locked(struct iova_mt_spans *spans, struct look *look,
			      unsigned long *pfn)
{
	unsigned int budget = IOVA_MT_HOLD_SPANS;
	struct iova_mt_span *span;
	int ret = -EAGAIN;

	iova_mt_index_assert_locked(spans->index);
	if (all_grown_locked(spans, look->wanted->limit))
		return -ENOSPC;
	while (budget-- && ret == -EAGAIN) {
		span = next_locked(spans, look);
		if (!span)
			goto none;
		ret = grow_locked(spans, span, look);
		if (!ret)
			return iova_mt_spans_take_locked(spans, span,
							 look->wanted, pfn);
		if (!span->base && ret == -EAGAIN)
			goto none;
		look->top = span->base - 1;
	}
	return ret;
none:
	all_grown_note_locked(spans, look);
	return -ENOSPC;
}

/* --- Across windows ------------------------------------------------------- */

static bool has_gap_locked(const struct iova_mt_spans *spans,
			   unsigned long size, unsigned long limit)
{
	struct iova_mt_wanted wanted = iova_mt_wanted(size, limit, false);
	struct iova_mt_search search;
	unsigned long pfn;

	iova_mt_index_assert_locked(spans->index);
	iova_mt_search_init(&search, &wanted);
	return !iova_mt_search_step_locked(spans->index, &search, &pfn);
}

/*
 * Which spans can have a part in it? An aligned block begins with whole windows,
 * which are gaps if no span is free as a whole. Any other is the end of a span, a
 * gap perhaps, and the end of another: if there is no gap of half of it, one of the
 * two ends has more than a quarter.
 * Return: their order, INT_MAX when there are none.
 */
static int needs_locked(const struct iova_mt_spans *spans,
			const struct iova_mt_wanted *wanted)
{
	unsigned long whole = wanted->size & ~(IOVA_MT_WINDOW_PAGES - 1);

	iova_mt_index_assert_locked(spans->index);
	if (spans->nr_empty)
		return 0;
	if (wanted->order)
		return has_gap_locked(spans, whole, wanted->limit) ? 0 : INT_MAX;
	if (has_gap_locked(spans, (wanted->size + 1) / 2, wanted->limit))
		return 0;
	return iova_mt_span_order_of(wanted->size / 4 + 1);
}

/* Make the run end higher, if more is free behind it. Return: whether it was. */
static bool extend_up_locked(struct iova_mt_spans *spans, unsigned long *last)
{
	struct iova_mt_span *span;
	unsigned long first, end, used;
	void *entry;

	iova_mt_index_assert_locked(spans->index);
	if (*last >= IOVA_MT_HIGHEST_PFN)
		return false;
	entry = iova_mt_index_load_locked(spans->index, *last + 1, &first, &end);
	if (!entry) {
		*last = min(end, IOVA_MT_HIGHEST_PFN);
		return true;
	}
	span = iova_mt_spans_at_locked(spans, *last + 1);
	if (!span)
		return false;
	if (!iova_mt_span_next_used(span, *last + 1, &used))
		used = iova_mt_span_last(span) + 1;
	if (used == *last + 1)
		return false;
	*last = used - 1;
	return !span->nr_used;
}

static bool extend_down_locked(struct iova_mt_spans *spans, unsigned long *first)
{
	struct iova_mt_index *index = spans->index;
	struct iova_mt_span *span;
	unsigned long begin, last;
	void *entry;

	iova_mt_index_assert_locked(index);
	if (*first <= index->start_pfn)
		return false;
	entry = iova_mt_index_load_locked(index, *first - 1, &begin, &last);
	if (!entry) {
		*first = max(begin, index->start_pfn);
		return true;
	}
	span = iova_mt_spans_at_locked(spans, *first - 1);
	if (!span)
		return false;
	if (!span->nr_used) {
		*first = iova_mt_span_first(span);
		return true;
	}
	*first = iova_mt_span_last_used(span) + 1;
	return false;
}

/*
 * Do the free pages @first to @last hold it, with what is free behind them? Of
 * spans that are free as a whole so many count that it takes a gigabyte to notice.
 */
static bool run_holds_locked(struct iova_mt_spans *spans,
			     const struct iova_mt_wanted *wanted,
			     unsigned long first, unsigned long last,
			     unsigned long *pfn)
{
	unsigned int parts;

	iova_mt_index_assert_locked(spans->index);
	for (parts = 0; parts < MOST_PARTS; parts++)
		if (last >= wanted->limit || !extend_up_locked(spans, &last))
			break;
	for (parts = 0; parts < MOST_PARTS; parts++)
		if (iova_mt_wanted_in(wanted, first, last, pfn) ||
		    !extend_down_locked(spans, &first))
			break;
	return iova_mt_wanted_in(wanted, first, last, pfn);
}

/* Is it on either side of the span, and in its free pages there? */
static bool span_is_part_locked(struct iova_mt_spans *spans,
				const struct iova_mt_span *span,
				const struct iova_mt_wanted *wanted,
				unsigned long *pfn)
{
	unsigned long first = iova_mt_span_first(span);
	unsigned long last = iova_mt_span_last(span), used, last_used;

	iova_mt_index_assert_locked(spans->index);
	iova_mt_count(spans->counters, COUNTER_span_look);
	if (!iova_mt_span_next_used(span, first, &used))
		return run_holds_locked(spans, wanted, first, last, pfn);
	last_used = iova_mt_span_last_used(span);
	return (last_used < last &&
		run_holds_locked(spans, wanted, last_used + 1, last, pfn)) ||
	       (used > first &&
		run_holds_locked(spans, wanted, first, used - 1, pfn));
}

/* Make the pages @first to @last of a span, which are free, a gap. */
static int cut_locked(struct iova_mt_spans *spans, struct iova_mt_span *span,
		      unsigned long first, unsigned long last)
{
	int ret;

	iova_mt_index_assert_locked(spans->index);
	if (!span->nr_used)
		return iova_mt_room_release_locked(spans, span) ? 0 : -ENOMEM;
	if (first > iova_mt_span_last_used(span))
		ret = iova_mt_room_resize_locked(spans, span,
						 iova_mt_span_first(span),
						 first - 1);
	else
		ret = iova_mt_room_resize_locked(spans, span, last + 1,
						 iova_mt_span_last(span));
	if (!ret)
		iova_mt_count(spans->counters, COUNTER_span_cut);
	return ret;
}

/* Take the block at @pfn: gaps, and parts of spans. */
static int take_locked(struct iova_mt_spans *spans, unsigned long pfn,
		       unsigned long size)
{
	unsigned long last = pfn + size - 1, at = pfn, gap_first, gap_last;
	struct iova_mt_span *span;
	int ret;

	iova_mt_index_assert_locked(spans->index);
	for (;;) {
		span = iova_mt_spans_at_locked(spans, at);
		if (span) {
			ret = cut_locked(spans, span, at,
					 min(last, iova_mt_span_last(span)));
			if (ret)
				return ret;
		}
		/* The gap is larger than what has just been cut. */
		iova_mt_index_load_locked(spans->index, at, &gap_first,
					  &gap_last);
		if (gap_last >= last)
			break;
		at = gap_last + 1;
	}
	return iova_mt_deferral_insert_locked(spans->way, spans->index, pfn,
					      last, IOVA_MT_LIVE, 0);
}

/* Is it known that there is no such block? */
static bool is_apart_locked(const struct iova_mt_spans *spans,
			    const struct iova_mt_wanted *wanted)
{
	iova_mt_index_assert_locked(spans->index);
	return spans->apart_at == spans->index->generation &&
	       wanted->size >= spans->apart.size &&
	       wanted->order >= spans->apart.order &&
	       wanted->limit <= spans->apart.limit;
}

static void apart_note_locked(struct iova_mt_spans *spans,
			      const struct look *look)
{
	iova_mt_index_assert_locked(spans->index);
	if (look->begun != spans->index->generation)
		return;
	spans->apart_at = look->begun;
	spans->apart = *look->wanted;
}

/* Return: 0, with the pages taken; -ENOSPC; -ENOMEM; -EAGAIN: there are more. */
static int across_step_locked(struct iova_mt_spans *spans, struct look *look,
			      unsigned long *pfn)
{
	unsigned int budget = IOVA_MT_HOLD_SPANS;
	struct iova_mt_span *span;
	unsigned long found;
	int ret;

	iova_mt_index_assert_locked(spans->index);
	if (is_apart_locked(spans, look->wanted))
		return -ENOSPC;
	if (look->needs < 0)
		look->needs = needs_locked(spans, look->wanted);
	while (budget--) {
		span = next_locked(spans, look);
		if (!span)
			goto none;
		if (span_is_part_locked(spans, span, look->wanted, &found)) {
			ret = take_locked(spans, found, look->wanted->size);
			if (!ret)
				*pfn = found;
			return ret;
		}
		if (!span->base)
			goto none;
		look->top = span->base - 1;
	}
	return -EAGAIN;
none:
	apart_note_locked(spans, look);
	return -ENOSPC;
}

/**
 * iova_mt_beside_alloc() - take a block that lies partly in a span
 * @spans: the spans
 * @wanted: what is asked for, that is in no gap and in no span
 * @pfn: the first pfn taken; untouched on failure
 *
 * Context: Any. Looks at those spans that can have a part in it, a few a lock
 * hold.
 * Return: 0; -ENOSPC; -ENOMEM when there is such a block, but no memory to make
 * it one.
 */
int iova_mt_beside_alloc(struct iova_mt_spans *spans,
			 const struct iova_mt_wanted *wanted, unsigned long *pfn)
{
	bool window = !iova_mt_wanted_anywhere(wanted) &&
		      wanted->size <= IOVA_MT_WINDOW_PAGES;
	struct look look = {
		.wanted = wanted,
		.top = wanted->limit,
		.needs = -1,
	};
	struct iova_mt_index *index = spans->index;
	unsigned long flags;
	int ret;

	/* Of the two, only partial spans can help in a window. */
	if (RB_EMPTY_ROOT(&spans->windows.root) ||
	    (window && !READ_ONCE(spans->nr_partial)))
		return -ENOSPC;
	look.begun = window ? READ_ONCE(index->erases) :
			      READ_ONCE(index->generation);
	do {
		iova_mt_index_lock(index, flags);
		ret = window ? window_step_locked(spans, &look, pfn) :
			       across_step_locked(spans, &look, pfn);
		iova_mt_index_unlock(index, flags);
	} while (ret == -EAGAIN);
	return ret;
}
