// SPDX-License-Identifier: GPL-2.0
/*
 * Room: spans give back what others may need, and take what is free beside them.
 *
 * Nothing of this is for the common case. It is done when a request would be
 * refused otherwise, when caches are flushed, and, for a span that could not be
 * given back for lack of memory, again and again with backoff: an idle domain
 * gets rid of it, too.
 *
 * Locks: the tree's lock, for a bounded number of spans at a time.
 */
#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "maple/counters.h"
#include "maple/deferred/deferral.h"
#include "maple/tree/index.h"
#include "maple/tree/queue.h"
#include "maple/span/room.h"
#include "maple/tree/search.h"
#include "maple/span/spans.h"

/* Gaps smaller than this are not worth a span. */
#define LEAST_PAGES	IOVA_MT_BLOCK_PAGES

#define BACKOFF_MIN_MS	10
#define BACKOFF_MAX_MS	1000

static void retry_later(struct iova_mt_spans *spans)
{
	queue_delayed_work(iova_mt_queue, &spans->retry,
			   msecs_to_jiffies(READ_ONCE(spans->backoff_ms)));
}

/**
 * iova_mt_room_is_short() - could it be larger, if what is beside it went?
 * @spans: the spans
 * @span: the span
 *
 * Context: Any, under the tree's lock.
 * Return: true when it does not reach as far as a span can in its window.
 */
bool iova_mt_room_is_short(const struct iova_mt_spans *spans,
			   const struct iova_mt_span *span)
{
	return iova_mt_span_first(span) > max(span->base,
					      spans->index->start_pfn) ||
	       iova_mt_span_last(span) < min(span->base + IOVA_MT_WINDOW_PAGES - 1,
					     IOVA_MT_HIGHEST_PFN);
}

/**
 * iova_mt_room_release_locked() - give a span back that is free as a whole
 * @spans: the spans
 * @span: the span
 *
 * Without memory for its erase it stays, and is tried again.
 *
 * Context: Any, under the tree's lock.
 * Return: true when it is gone.
 */
bool iova_mt_room_release_locked(struct iova_mt_spans *spans,
				 struct iova_mt_span *span)
{
	unsigned long first, last;
	void *entry;

	iova_mt_index_assert_locked(spans->index);
	entry = iova_mt_index_load_locked(spans->index, iova_mt_span_first(span),
					  &first, &last);
	if (iova_mt_index_erase_locked(spans->index, first, last)) {
		iova_mt_count(spans->counters, COUNTER_span_kept);
		retry_later(spans);
		return false;
	}
	if (spans->how->drop)
		spans->how->drop(entry);
	iova_mt_windows_erase(&spans->windows, span);
	spans->nr_empty--;
	spans->nr_short -= iova_mt_room_is_short(spans, span);
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
	iova_mt_windows_update(span);
	return ret;
}

/**
 * iova_mt_room_grow_locked() - take what is free beside a span in its window
 * @spans: the spans
 * @span: the span
 *
 * Context: Any, under the tree's lock.
 * Return: true when there was some.
 */
bool iova_mt_room_grow_locked(struct iova_mt_spans *spans,
			      struct iova_mt_span *span)
{
	unsigned long first = iova_mt_span_first(span);
	unsigned long last = iova_mt_span_last(span), gap_first, gap_last;
	struct iova_mt_index *index = spans->index;

	iova_mt_index_assert_locked(index);
	if (!iova_mt_room_is_short(spans, span))
		return false;
	if (first > max(span->base, index->start_pfn) &&
	    !iova_mt_index_load_locked(index, first - 1, &gap_first, &gap_last))
		first = max3(gap_first, span->base, index->start_pfn);
	if (span->last < IOVA_MT_WINDOW_PAGES - 1 &&
	    !iova_mt_index_load_locked(index, last + 1, &gap_first, &gap_last))
		last = min(gap_last, span->base + IOVA_MT_WINDOW_PAGES - 1);
	last = min(last, IOVA_MT_HIGHEST_PFN);
	if (first == iova_mt_span_first(span) && last == iova_mt_span_last(span))
		return false;
	if (resize_locked(spans, span, first, last)) {
		WRITE_ONCE(spans->starved, true);
		return false;
	}
	spans->nr_short -= !iova_mt_room_is_short(spans, span);
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
	bool was_short = iova_mt_room_is_short(spans, span), done = false;

	iova_mt_index_assert_locked(spans->index);
	if (iova_mt_span_next_used(span, first, &used) && used != first)
		done |= !resize_locked(spans, span, used,
				       iova_mt_span_last(span));
	last = iova_mt_span_last_used(span);
	if (last != iova_mt_span_last(span))
		done |= !resize_locked(spans, span, iova_mt_span_first(span),
				       last);
	spans->nr_short += iova_mt_room_is_short(spans, span) - was_short;
	return done;
}

/* Make a span of the gap that @pfn lies in, as far as its window reaches. */
static struct iova_mt_span *create_locked(struct iova_mt_spans *spans,
					  unsigned long pfn)
{
	struct iova_mt_index *index = spans->index;
	unsigned long first, last, base = iova_mt_window_of(pfn);
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
	if (iova_mt_windows_insert(&spans->windows, span))
		goto drop_entry;
	if (iova_mt_index_insert_locked(index, first, last, entry))
		goto erase_span;
	spans->nr_empty++;
	spans->nr_short += iova_mt_room_is_short(spans, span);
	iova_mt_count(spans->counters, COUNTER_span_new);
	return span;

erase_span:
	iova_mt_windows_erase(&spans->windows, span);
drop_entry:
	if (spans->how->drop)
		spans->how->drop(entry);
free_span:
	iova_mt_span_free(span);
no_memory:
	iova_mt_count(spans->counters, COUNTER_span_no_memory);
	return NULL;
}

/**
 * iova_mt_room_span_locked() - make free pages part of a span
 * @spans: the spans
 * @pfn: one of them
 *
 * Of a new span, or of the one that is in their window.
 *
 * Context: Any, under the tree's lock.
 * Return: the span, in which other pages may have become free instead; NULL when
 * there is no memory, or it is not worth it.
 */
struct iova_mt_span *iova_mt_room_span_locked(struct iova_mt_spans *spans,
					      unsigned long pfn)
{
	struct iova_mt_span *span = iova_mt_windows_at(&spans->windows, pfn);

	iova_mt_index_assert_locked(spans->index);
	if (!span)
		return create_locked(spans, pfn);
	return iova_mt_room_grow_locked(spans, span) ? span : NULL;
}

/* The span that begins highest at or below @top, or NULL. */
static struct iova_mt_span *below_locked(struct iova_mt_spans *spans,
					 unsigned long top)
{
	iova_mt_index_assert_locked(spans->index);
	return iova_mt_windows_highest(&spans->windows, top, -1);
}

/* Return: true when there was something. */
static bool yield_locked(struct iova_mt_spans *spans, struct iova_mt_span *span,
			 bool ends)
{
	iova_mt_index_assert_locked(spans->index);
	if (!span->nr_used)
		return iova_mt_room_release_locked(spans, span);
	if (ends)
		return shrink_locked(spans, span);
	return iova_mt_room_grow_locked(spans, span);
}

/*
 * Can any of them help? Free ones can go, and those that are short may grow when
 * something has been erased since they were looked at.
 */
static bool any_can_help(const struct iova_mt_spans *spans, unsigned long limit,
			 bool ends)
{
	if (RB_EMPTY_ROOT(&spans->windows.root))
		return false;
	if (ends || READ_ONCE(spans->nr_empty))
		return true;
	return READ_ONCE(spans->nr_short) &&
	       (READ_ONCE(spans->starved) ||
		READ_ONCE(spans->grown_below) < limit ||
		READ_ONCE(spans->grown_at) != READ_ONCE(spans->index->erases));
}

/**
 * iova_mt_room_make() - do what may help a request that was refused
 * @spans: the spans
 * @size: pages it asked for
 * @limit: highest pfn
 * @aligned: aligned to @size rounded up to a power of two
 *
 * Context: Any. Looks at all spans, a few a lock hold, if any can help.
 * Return: true when it is worth to try again.
 */
bool iova_mt_room_make(struct iova_mt_spans *spans, unsigned long size,
		       unsigned long limit, bool aligned)
{
	/* It may begin in one window, and end in another. */
	bool ends = aligned ? size > IOVA_MT_WINDOW_PAGES : size > 1;
	unsigned long erases = READ_ONCE(spans->index->erases);
	unsigned long top = limit, flags;
	struct iova_mt_span *span;
	unsigned int budget;
	bool done = false;

	if (!any_can_help(spans, limit, ends))
		return false;
	WRITE_ONCE(spans->starved, false);
	do {
		iova_mt_index_lock(spans->index, flags);
		for (budget = IOVA_MT_HOLD_SPANS; budget; budget--) {
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
	if (!ends && !READ_ONCE(spans->starved)) {
		WRITE_ONCE(spans->grown_at, erases);
		WRITE_ONCE(spans->grown_below, limit);
	}
	return done;
}

/* With nodes that were waited for, if there are any: enough for one erase. */
static void retry_fn(struct work_struct *work)
{
	struct iova_mt_spans *spans = container_of(to_delayed_work(work),
						   struct iova_mt_spans, retry);
	iova_mt_nodes_fill(&spans->index->nodes);
	iova_mt_room_make(spans, 1, ULONG_MAX, true);
	if (READ_ONCE(spans->nr_empty) <= IOVA_MT_KEEP_EMPTY) {
		WRITE_ONCE(spans->backoff_ms, BACKOFF_MIN_MS);
		return;
	}
	WRITE_ONCE(spans->backoff_ms,
		   min(2 * spans->backoff_ms, BACKOFF_MAX_MS));
	retry_later(spans);
}

/**
 * iova_mt_room_init() - make ready
 * @spans: the spans
 *
 * Context: Any.
 */
void iova_mt_room_init(struct iova_mt_spans *spans)
{
	spans->grown_at = ULONG_MAX;
	spans->backoff_ms = BACKOFF_MIN_MS;
	INIT_DELAYED_WORK(&spans->retry, retry_fn);
}
