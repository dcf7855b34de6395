/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The space of a domain: exact ranges, without caches.
 */
#ifndef _IOVA_MT_SPACE_H
#define _IOVA_MT_SPACE_H

#include <linux/types.h>

#include "maple/deferred/deferred.h"
#include "maple/tree/index.h"
#include "maple/span/spans.h"

/**
 * struct iova_mt_space - index, backlog and spans of a domain, under one lock
 * @index: what is taken
 * @deferred: what waits for its erase
 * @spans: what is handed out in parts
 * @reservations: calls of reserve so far
 */
struct iova_mt_space {
	struct iova_mt_index index;
	struct iova_mt_deferred deferred;
	struct iova_mt_spans spans;
	unsigned long reservations;
};

void iova_mt_space_init(struct iova_mt_space *space, unsigned long start_pfn,
			const struct iova_mt_counters *counters,
			unsigned int domain_id,
			const struct iova_mt_deferral *way, bool spans);
void iova_mt_space_destroy(struct iova_mt_space *space);

int iova_mt_space_alloc(struct iova_mt_space *space, unsigned long size,
			unsigned long limit, bool aligned, bool once,
			unsigned long *pfn);
bool iova_mt_space_free(struct iova_mt_space *space, unsigned long pfn);
bool iova_mt_space_free_cached_locked(struct iova_mt_space *space,
				      unsigned long pfn, bool parked);
struct iova_mt_span *iova_mt_space_park(struct iova_mt_space *space,
					unsigned long pfn, unsigned long size);
void iova_mt_space_free_parked(struct iova_mt_space *space, unsigned long pfn);
int iova_mt_space_reserve(struct iova_mt_space *space, unsigned long first,
			  unsigned long last);
bool iova_mt_space_has_moved(struct iova_mt_space *space,
			     unsigned long generation);
unsigned long iova_mt_space_generation(const struct iova_mt_space *space);
int iova_mt_space_find(struct iova_mt_space *space, unsigned long pfn,
		       struct iova_mt_range *range);
int iova_mt_space_next(struct iova_mt_space *space, unsigned long from,
		       struct iova_mt_range *range);

#endif /* _IOVA_MT_SPACE_H */
