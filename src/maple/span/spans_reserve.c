// SPDX-License-Identifier: GPL-2.0
/*
 * Reservations of pages that lie in spans.
 *
 * Rule: a reserved range of a span is noted with the number of the call that made
 * it, so that a call that fails half way takes back what is its own.
 *
 * Locks: the tree's.
 */
#include <linux/errno.h>
#include <linux/minmax.h>

#include "maple/counters.h"
#include "maple/tree/index.h"
#include "maple/span/span.h"
#include "maple/span/spans.h"

/* Make @first to @last, which are free, a reserved range. */
static int reserve_locked(struct iova_mt_spans *spans, struct iova_mt_span *span,
			  unsigned long first, unsigned long last,
			  unsigned long call)
{
	unsigned int id = spans->index->domain_id;
	bool empty = !span->nr_used;

	iova_mt_index_assert_locked(spans->index);
	if (iova_mt_reserved_add(&spans->reserved, first, call, id))
		goto no_memory;
	if (iova_mt_span_take(span, first, last - first + 1, id))
		goto remove;
	spans->nr_empty -= empty;
	iova_mt_windows_update(span);
	return 0;

remove:
	iova_mt_reserved_remove(&spans->reserved, first);
no_memory:
	iova_mt_count(spans->counters, COUNTER_span_no_memory);
	return -ENOMEM;
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
	struct iova_mt_span *span = iova_mt_spans_at_locked(spans, *pfn);
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
	struct iova_mt_span *span = iova_mt_spans_at_locked(spans, pfn);
	unsigned long first, made_by;

	iova_mt_index_assert_locked(spans->index);
	if (!iova_mt_reserved_next(&spans->reserved, pfn, &first, &made_by) ||
	    first > last)
		return last + 1;
	if (made_by == call)
		iova_mt_spans_free_locked(spans, span, first, false);
	return first + 1;
}
