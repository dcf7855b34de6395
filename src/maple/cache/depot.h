/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The depot of a cache: magazines that no CPU has, and where empty ones come
 * from.
 */
#ifndef _IOVA_MT_DEPOT_H
#define _IOVA_MT_DEPOT_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "maple/cache/magazine.h"

struct iova_mt_counters;

/**
 * struct iova_mt_depot - the magazines of a domain
 * @counters: the domain's
 * @domain_id: of the domain
 * @lock: protects @magazines, @nr and @pops; innermost
 * @magazines: magazines with ranges, per class: full ones, but for those of
 *	caches that are being emptied
 * @nr: how many
 * @pops: magazines that CPUs have taken out
 * @pages_max: pages that all magazines together may hold, constant
 * @pages: pages that all magazines together have room for, those that CPUs have
 *	included
 */
struct iova_mt_depot {
	const struct iova_mt_counters *counters;
	unsigned int domain_id;
	spinlock_t lock; /* magazines, nr, pops */
	struct iova_mt_magazine *magazines[IOVA_MT_CLASSES];
	unsigned int nr[IOVA_MT_CLASSES];
	unsigned long pops;
	unsigned long pages_max;
	atomic_long_t pages;
};

void iova_mt_depot_init(struct iova_mt_depot *depot,
			const struct iova_mt_counters *counters,
			unsigned int domain_id, unsigned long pages_max);
void iova_mt_depot_destroy(struct iova_mt_depot *depot);

struct iova_mt_magazine *iova_mt_depot_alloc(struct iova_mt_depot *depot,
					     unsigned int class);
void iova_mt_depot_free(struct iova_mt_depot *depot,
			struct iova_mt_magazine *magazine);
void iova_mt_depot_push(struct iova_mt_depot *depot,
			struct iova_mt_magazine *magazine);
struct iova_mt_magazine *iova_mt_depot_pop(struct iova_mt_depot *depot,
					   unsigned int class);
unsigned int iova_mt_depot_take(struct iova_mt_depot *depot, unsigned int class,
				unsigned int keep, unsigned long *pfns,
				unsigned int max,
				struct iova_mt_magazine **empty);

/* Is there any magazine? Context: Any. */
static inline bool iova_mt_depot_has_any(const struct iova_mt_depot *depot)
{
	return atomic_long_read(&depot->pages);
}

/* Are there more magazines of a class than @keep? Context: Any. */
static inline bool iova_mt_depot_has_more(const struct iova_mt_depot *depot,
					  unsigned int class, unsigned int keep)
{
	return READ_ONCE(depot->nr[class]) > keep;
}

#endif /* _IOVA_MT_DEPOT_H */
