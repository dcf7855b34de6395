/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The depot of a cache: full magazines that no CPU has, and where empty ones
 * come from.
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
 * @lock: protects @full and @nr_full; innermost
 * @full: full magazines per class
 * @nr_full: how many
 * @pages_max: pages that all magazines together may hold, constant
 * @pages: pages that all magazines together have room for, those that CPUs have
 *	included
 */
struct iova_mt_depot {
	const struct iova_mt_counters *counters;
	unsigned int domain_id;
	spinlock_t lock; /* full, nr_full */
	struct iova_mt_magazine *full[IOVA_MT_CLASSES];
	unsigned int nr_full[IOVA_MT_CLASSES];
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
					   unsigned int class,
					   unsigned int keep);

/* Is there any magazine? Context: Any. */
static inline bool iova_mt_depot_has_any(const struct iova_mt_depot *depot)
{
	return atomic_long_read(&depot->pages);
}

#endif /* _IOVA_MT_DEPOT_H */
