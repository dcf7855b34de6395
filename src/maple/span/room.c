// SPDX-License-Identifier: GPL-2.0
/*
 * Room: spans take what is free beside them in their windows, lose what others
 * need, and go when they are free as a whole.
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
 * iova_mt_room_is_partial() - could it be larger, if what is beside it went?
 * @spans: the spans
 * @span: the span
 *
 * Context: Any, under the tree's lock.
 * Return: true when it does not reach as far as a span can in its window.
 */
bool iova_mt_room_is_partial(const struct iova_mt_spans *spans,
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
	if (spans->way->drop)
		spans->way->drop(entry);
	iova_mt_windows_erase(&spans->windows, span);
	spans->nr_empty--;
	spans->nr_partial -= iova_mt_room_is_partial(spans, span);
	iova_mt_span_free(span);
	iova_mt_count(spans->counters, COUNTER_span_gone);
	return true;
}

/**
 * iova_mt_room_resize_locked() - change a span, and what the index has for it
 * @spans: the spans
 * @span: the span
 * @first: its new first pfn
 * @last: its new last pfn
 *
 * It grows over free pages, or loses one of its ends, which is free.
 *
 * Context: Any, under the tree's lock.
 * Return: 0, or -ENOMEM and then nothing has changed.
 */
int iova_mt_room_resize_locked(struct iova_mt_spans *spans,
			       struct iova_mt_span *span, unsigned long first,
			       unsigned long last)
{
	unsigned long old_first = iova_mt_span_first(span);
	unsigned long old_last = iova_mt_span_last(span);
	bool was_partial = iova_mt_room_is_partial(spans, span);
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
	else
		iova_mt_index_moved_locked(index);
	iova_mt_windows_update(span);
	spans->nr_partial += iova_mt_room_is_partial(spans, span) - was_partial;
	return ret;
}

/**
 * iova_mt_room_beside_locked() - how far could a span grow now?
 * @spans: the spans
 * @span: the span
 * @first: its first pfn then
 * @last: its last pfn then
 *
 * Context: Any, under the tree's lock.
 * Return: true when there are free pages beside it in its window.
 */
bool iova_mt_room_beside_locked(const struct iova_mt_spans *spans,
				const struct iova_mt_span *span,
				unsigned long *first, unsigned long *last)
{
	struct iova_mt_index *index = spans->index;
	unsigned long gap_first, gap_last;

	iova_mt_index_assert_locked(index);
	*first = iova_mt_span_first(span);
	*last = iova_mt_span_last(span);
	if (!iova_mt_room_is_partial(spans, span))
		return false;
	if (*first > max(span->base, index->start_pfn) &&
	    !iova_mt_index_load_locked(index, *first - 1, &gap_first, &gap_last))
		*first = max3(gap_first, span->base, index->start_pfn);
	if (span->last < IOVA_MT_WINDOW_PAGES - 1 && *last < IOVA_MT_HIGHEST_PFN &&
	    !iova_mt_index_load_locked(index, *last + 1, &gap_first, &gap_last))
		*last = min3(gap_last, span->base + IOVA_MT_WINDOW_PAGES - 1,
			     IOVA_MT_HIGHEST_PFN);
	return *first != iova_mt_span_first(span) ||
	       *last != iova_mt_span_last(span);
}

/**
 * iova_mt_room_grow_locked() - take what is free beside a span in its window
 * @spans: the spans
 * @span: the span
 *
 * Context: Any, under the tree's lock.
 * Return: 0; -ENOSPC when there is nothing; -ENOMEM and then nothing has changed.
 */
int iova_mt_room_grow_locked(struct iova_mt_spans *spans,
			     struct iova_mt_span *span)
{
	unsigned long first, last;
	int ret;

	iova_mt_index_assert_locked(spans->index);
	if (!iova_mt_room_beside_locked(spans, span, &first, &last))
		return -ENOSPC;
	ret = iova_mt_room_resize_locked(spans, span, first, last);
	spans->grow_failed = ret;
	if (!ret)
		iova_mt_count(spans->counters, COUNTER_span_grown);
	return ret;
}

/* Make a span of the gap that @pfn lies in, as far as its window reaches. */
static struct iova_mt_span *create_locked(struct iova_mt_spans *spans,
					  unsigned long pfn)
{
	struct iova_mt_index *index = spans->index;
	unsigned long first, last, base = iova_mt_window_of(pfn);
	struct iova_mt_span *span;

	iova_mt_index_assert_locked(index);
	iova_mt_index_load_locked(index, pfn, &first, &last);
	first = max3(first, base, index->start_pfn);
	last = min3(last, base + IOVA_MT_WINDOW_PAGES - 1, IOVA_MT_HIGHEST_PFN);
	if (last - first + 1 < LEAST_PAGES)
		return NULL;
	span = iova_mt_span_new(first, last, index->domain_id);
	if (!span)
		goto no_memory;
	if (iova_mt_windows_insert(&spans->windows, span))
		goto free_span;
	if (iova_mt_deferral_insert_locked(spans->way, index, first, last,
					   IOVA_MT_SPAN, 0))
		goto erase_span;
	spans->nr_empty++;
	spans->nr_partial += iova_mt_room_is_partial(spans, span);
	iova_mt_index_moved_locked(index);
	iova_mt_count(spans->counters, COUNTER_span_new);
	return span;

erase_span:
	iova_mt_windows_erase(&spans->windows, span);
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
	return iova_mt_room_grow_locked(spans, span) ? NULL : span;
}

/* --- All spans ------------------------------------------------------------ */

/* Those that are free as a whole go, the others take what is beside them. */
static int tidy_step_locked(struct iova_mt_spans *spans,
			    unsigned long *top)
{
	struct iova_mt_span *span;
	unsigned int budget;

	iova_mt_index_assert_locked(spans->index);
	for (budget = IOVA_MT_HOLD_SPANS; budget; budget--) {
		span = iova_mt_windows_highest(&spans->windows, *top, -1);
		if (!span)
			return 0;
		*top = span->base - 1;
		if (!span->nr_used)
			iova_mt_room_release_locked(spans, span);
		else
			iova_mt_room_grow_locked(spans, span);
		if (*top == ULONG_MAX)
			return 0;
	}
	return -EAGAIN;
}

/**
 * iova_mt_room_tidy() - give back spans that are free, let the others grow
 * @spans: the spans
 *
 * Context: Any. Looks at all spans, a few a lock hold.
 */
void iova_mt_room_tidy(struct iova_mt_spans *spans)
{
	unsigned long top = ULONG_MAX, flags;
	int ret;

	do {
		iova_mt_index_lock(spans->index, flags);
		ret = tidy_step_locked(spans, &top);
		iova_mt_index_unlock(spans->index, flags);
	} while (ret);
}

/* With nodes that were waited for, if there are any: enough for one erase. */
static void retry_fn(struct work_struct *work)
{
	struct iova_mt_spans *spans = container_of(to_delayed_work(work),
						   struct iova_mt_spans, retry);
	iova_mt_nodes_fill(&spans->index->nodes);
	iova_mt_room_tidy(spans);
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
	spans->apart_at = ULONG_MAX;
	spans->backoff_ms = BACKOFF_MIN_MS;
	INIT_DELAYED_WORK(&spans->retry, retry_fn);
}
