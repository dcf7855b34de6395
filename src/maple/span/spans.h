/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The spans of a domain.
 */
#ifndef _IOVA_MT_SPANS_H
#define _IOVA_MT_SPANS_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "maple/tree/index.h"
#include "maple/span/reserved.h"
#include "maple/span/windows.h"

struct iova_mt_counters;
struct iova_mt_deferral;
struct iova_mt_range;

/* Spans that are looked at in one lock hold. */
#define IOVA_MT_HOLD_SPANS	16

/* Spans that are kept although they are free as a whole. */
#define IOVA_MT_KEEP_EMPTY	1

/* Requests up to that order come from spans; larger ones if nothing else is left. */
#define IOVA_MT_SPANS_ORDER	9

/**
 * struct iova_mt_spans - the spans of a domain, at most one in each window
 * @index: where each has an entry; its lock protects all of this
 * @way: makes the entries
 * @counters: the domain's
 * @on: whether there are to be any, constant
 * @windows: where they are
 * @nr_empty: spans that are free as a whole
 * @nr_partial: spans that could be larger, if what is beside them went
 * @grown_at: erases of the index when there was no gap beside any of these ...
 * @grown_below: ... up to this pfn: gaps come by erases, so none can grow
 * @grow_failed: the last one that could grow got no memory
 * @apart_at: generation of the index when free pages on both sides of an end of a
 *	span did not hold ...
 * @apart: ... this
 * @reserved: the reserved ranges in spans
 * @retry: gives back what was kept for lack of memory
 * @backoff_ms: wait before @retry looks again, written by it alone
 */
struct iova_mt_spans {
	struct iova_mt_index *index;
	const struct iova_mt_deferral *way;
	const struct iova_mt_counters *counters;
	bool on;
	struct iova_mt_windows windows;
	unsigned int nr_empty;
	unsigned int nr_partial;
	unsigned long grown_at;
	unsigned long grown_below;
	bool grow_failed;
	unsigned long apart_at;
	struct iova_mt_wanted apart;
	struct iova_mt_reserved reserved;
	struct delayed_work retry;
	unsigned int backoff_ms;
};

void iova_mt_spans_init(struct iova_mt_spans *spans,
			struct iova_mt_index *index,
			const struct iova_mt_deferral *way,
			const struct iova_mt_counters *counters, bool on);
void iova_mt_spans_stop(struct iova_mt_spans *spans);
void iova_mt_spans_destroy(struct iova_mt_spans *spans);

int iova_mt_spans_take_locked(struct iova_mt_spans *spans,
			      struct iova_mt_span *span,
			      const struct iova_mt_wanted *wanted,
			      unsigned long *pfn);
int iova_mt_spans_alloc(struct iova_mt_spans *spans,
			const struct iova_mt_wanted *wanted, unsigned long *pfn);
int iova_mt_spans_alloc_anywhere(struct iova_mt_spans *spans,
				 const struct iova_mt_wanted *wanted,
				 unsigned long *pfn);
bool iova_mt_spans_free_locked(struct iova_mt_spans *spans,
			       struct iova_mt_span *span, unsigned long pfn,
			       bool parked);
bool iova_mt_spans_park_locked(struct iova_mt_spans *spans,
			       struct iova_mt_span *span, unsigned long pfn,
			       unsigned long size);

bool iova_mt_spans_range_locked(struct iova_mt_spans *spans, unsigned long pfn,
				struct iova_mt_range *range);
bool iova_mt_spans_next_locked(struct iova_mt_spans *spans, unsigned long from,
			       struct iova_mt_range *range);
int iova_mt_spans_reserve_locked(struct iova_mt_spans *spans,
				 unsigned long *pfn, unsigned long last,
				 unsigned long call);
unsigned long iova_mt_spans_unreserve_locked(struct iova_mt_spans *spans,
					     unsigned long pfn,
					     unsigned long last,
					     unsigned long call);

/**
 * iova_mt_spans_at_locked() - find the span of a pfn
 * @spans: the spans
 * @pfn: the pfn
 *
 * Context: Any, under the tree's lock.
 * Return: the span that holds it, or NULL.
 */
static inline struct iova_mt_span *
iova_mt_spans_at_locked(struct iova_mt_spans *spans, unsigned long pfn)
{
	struct iova_mt_span *span = iova_mt_windows_at(&spans->windows, pfn);

	iova_mt_index_assert_locked(spans->index);
	return span && iova_mt_span_has(span, pfn) ? span : NULL;
}

#endif /* _IOVA_MT_SPANS_H */
