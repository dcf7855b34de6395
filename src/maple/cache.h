/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cache of a domain: magazines per CPU, and a depot behind them.
 */
#ifndef _IOVA_MT_CACHE_H
#define _IOVA_MT_CACHE_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct iova_mt_counters;
struct iova_mt_cpu_cache;
struct iova_mt_magazine;
struct iova_mt_space;

/* Size classes: 1, 2, 4 ... 2^(this - 1) pages. */
#define IOVA_MT_CLASSES		10

/**
 * struct iova_mt_cache - the magazines of a domain
 * @space: where ranges come from and go to
 * @counters: the domain's
 * @cpu: a cache per CPU; its lock is taken before @depot_lock
 * @depot_lock: protects @depot and @depot_size; innermost
 * @depot: full magazines per class
 * @depot_size: how many
 * @pages_max: pages that all magazines together may hold, constant
 * @pages: pages that all magazines together have room for
 * @armed: @trim is pending or running; written under the lock of some CPU's
 *	cache, or by @trim itself
 * @seen: activity of all CPUs when @trim last looked
 * @idle: times in a row that @trim saw none
 * @trim: gives back what is not used
 * @hotplug: told of dead CPUs
 */
struct iova_mt_cache {
	struct iova_mt_space *space;
	const struct iova_mt_counters *counters;
	struct iova_mt_cpu_cache __percpu *cpu;
	spinlock_t depot_lock; /* depot, depot_size */
	struct iova_mt_magazine *depot[IOVA_MT_CLASSES];
	unsigned int depot_size[IOVA_MT_CLASSES];
	unsigned long pages_max;
	atomic_long_t pages;
	bool armed;
	unsigned long seen;
	unsigned int idle;
	struct delayed_work trim;
	struct hlist_node hotplug;
};

/* Are there magazines for ranges of @size pages? */
static inline bool iova_mt_cache_has_class(unsigned long size)
{
	return is_power_of_2(size) && size < BIT(IOVA_MT_CLASSES);
}

int iova_mt_cache_module_init(void);
void iova_mt_cache_module_exit(void);

/* Bytes of address space that the caches of a domain made from now on may hold. */
extern unsigned long iova_mt_cache_max_bytes;

int iova_mt_cache_init(struct iova_mt_cache *cache, struct iova_mt_space *space,
		       const struct iova_mt_counters *counters,
		       unsigned long granule);
void iova_mt_cache_stop(struct iova_mt_cache *cache);
void iova_mt_cache_destroy(struct iova_mt_cache *cache);

bool iova_mt_cache_get(struct iova_mt_cache *cache, unsigned long size,
		       unsigned long limit, unsigned long *pfn);
bool iova_mt_cache_put(struct iova_mt_cache *cache, unsigned long pfn,
		       unsigned long size);
void iova_mt_cache_counters(const struct iova_mt_cache *cache, u64 *values);
unsigned long iova_mt_cache_flush(struct iova_mt_cache *cache);

#endif /* _IOVA_MT_CACHE_H */
