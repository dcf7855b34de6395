/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The spans of a domain.
 */
#ifndef _IOVA_MT_SPANS_H
#define _IOVA_MT_SPANS_H

#include <linux/rbtree.h>
#include <linux/types.h>

struct iova_mt_counters;
struct iova_mt_deferral;
struct iova_mt_index;
struct iova_mt_range;
struct iova_mt_span;

/* Requests up to that order come from spans; larger ones if nothing else is left. */
#define IOVA_MT_SPANS_ORDER	9

/**
 * struct iova_mt_spans - the spans of a domain, at most one in each window
 * @index: where each has an entry; its lock protects all of this
 * @how: makes the entries
 * @counters: the domain's
 * @on: whether there are to be any, constant
 * @root: the spans, by window
 * @recent: the one that was used last, or NULL
 * @nr_empty: spans that are free as a whole
 * @nr_short: spans that could be larger, if what is beside them went
 * @reserved: the reserved ranges in spans, by first pfn
 */
struct iova_mt_spans {
	struct iova_mt_index *index;
	const struct iova_mt_deferral *how;
	const struct iova_mt_counters *counters;
	bool on;
	struct rb_root root;
	struct iova_mt_span *recent;
	unsigned int nr_empty;
	unsigned int nr_short;
	struct rb_root reserved;
};

void iova_mt_spans_init(struct iova_mt_spans *spans,
			struct iova_mt_index *index,
			const struct iova_mt_deferral *how,
			const struct iova_mt_counters *counters, bool on);
void iova_mt_spans_destroy(struct iova_mt_spans *spans);

int iova_mt_spans_alloc(struct iova_mt_spans *spans, unsigned long size,
			unsigned long limit, unsigned long *pfn);
int iova_mt_spans_alloc_anywhere(struct iova_mt_spans *spans,
				 unsigned long size, unsigned long limit,
				 bool aligned, unsigned long *pfn);
bool iova_mt_spans_free_locked(struct iova_mt_spans *spans, unsigned long pfn);
bool iova_mt_spans_make_room(struct iova_mt_spans *spans, unsigned long size,
			     bool aligned);

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

#endif /* _IOVA_MT_SPANS_H */
