/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The cache of a domain: magazines per CPU, and a depot behind them.
 */
#ifndef _IOVA_MT_CACHE_H
#define _IOVA_MT_CACHE_H

#include <linux/align.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "maple/cache/depot.h"
#include "maple/cache/magazine.h"

struct iova_mt_counters;
struct iova_mt_domain;
struct iova_mt_space;

/**
 * struct iova_mt_cpu_cache - the cache of one CPU
 * @lock: protects the rest; taken by this CPU, and by others only to flush
 * @hits: gets that found something
 * @misses: gets that did not
 * @puts: puts that were taken
 * @loaded: per class, the magazine in use, or NULL
 * @previous: per class, the one before it: full, empty, or NULL
 */
struct iova_mt_cpu_cache {
	spinlock_t lock; /* the rest */
	unsigned long hits;
	unsigned long misses;
	unsigned long puts;
	struct iova_mt_magazine *loaded[IOVA_MT_CLASSES];
	struct iova_mt_magazine *previous[IOVA_MT_CLASSES];
};

/**
 * struct iova_mt_cache - the magazines of a domain
 * @domain: whose it is
 * @space: where ranges come from and go to
 * @counters: the domain's
 * @cpu: a cache per CPU; its lock is taken before the depot's
 * @depot: behind them
 * @armed: @trim is pending or running; written under the lock of some CPU's
 *	cache, or by @trim itself
 * @seen: activity of all CPUs when @trim last looked
 * @used: when @trim last saw some, in jiffies
 * @trim: gives back what is not used
 * @hotplug: told of dead CPUs
 */
struct iova_mt_cache {
	struct iova_mt_domain *domain;
	struct iova_mt_space *space;
	const struct iova_mt_counters *counters;
	struct iova_mt_cpu_cache __percpu *cpu;
	struct iova_mt_depot depot;
	bool armed;
	unsigned long seen;
	unsigned long used;
	struct delayed_work trim;
	struct hlist_node hotplug;
};

/* Are there magazines for ranges of @size pages? */
static inline bool iova_mt_cache_has_class(unsigned long size)
{
	return is_power_of_2(size) && size < BIT(IOVA_MT_CLASSES);
}

/* Of a small class? */
static inline bool iova_mt_cache_is_small(unsigned long size)
{
	return size < BIT(IOVA_MT_SMALL_CLASSES) && is_power_of_2(size);
}

int iova_mt_cache_module_init(void);
void iova_mt_cache_module_exit(void);

/* Bytes of address space that the caches of a domain made from now on may hold. */
extern unsigned long iova_mt_cache_max_bytes;

int iova_mt_cache_init(struct iova_mt_cache *cache, struct iova_mt_domain *domain,
		       struct iova_mt_space *space,
		       const struct iova_mt_counters *counters);
void iova_mt_cache_stop(struct iova_mt_cache *cache);
void iova_mt_cache_destroy(struct iova_mt_cache *cache);

void iova_mt_cache_counters(const struct iova_mt_cache *cache, u64 *values);
unsigned long iova_mt_cache_moves(const struct iova_mt_cache *cache);

/* What trim.c has. */
void iova_mt_cache_trim_init(struct iova_mt_cache *cache);
void iova_mt_cache_trim_arm_locked(struct iova_mt_cache *cache,
				   struct iova_mt_cpu_cache *cpu);
unsigned int iova_mt_cache_hand_over(struct iova_mt_cache *cache,
				     unsigned int nr);
bool iova_mt_cache_hand_over_all(struct iova_mt_cache *cache);
unsigned long iova_mt_cache_flush(struct iova_mt_cache *cache,
				  unsigned long max);

/* The same as below, for the large classes. */
bool iova_mt_cache_get_large(struct iova_mt_cache *cache, unsigned long size,
			     unsigned long limit, unsigned long *pfn);
bool iova_mt_cache_put_large(struct iova_mt_cache *cache, unsigned long pfn,
			     unsigned long size, struct iova_mt_span *span);

/* What is behind the two below when the magazine at hand will not do. */
bool iova_mt_cache_get_other_locked(struct iova_mt_cache *cache,
				    struct iova_mt_cpu_cache *cpu,
				    unsigned long size, unsigned long limit,
				    unsigned long *pfn);
bool iova_mt_cache_load_room_locked(struct iova_mt_cache *cache,
				    struct iova_mt_cpu_cache *cpu,
				    unsigned int class);

/**
 * iova_mt_cache_get() - take a range out of the cache
 * @cache: the cache
 * @size: pages
 * @limit: highest pfn
 * @pfn: its first pfn
 *
 * Context: Any.
 * Return: true when there was one.
 */
static __always_inline bool iova_mt_cache_get(struct iova_mt_cache *cache,
					      unsigned long size,
					      unsigned long limit,
					      unsigned long *pfn)
{
	struct iova_mt_magazine *magazine;
	struct iova_mt_cpu_cache *cpu;
	unsigned long flags;
	bool hit;

	if (unlikely(!iova_mt_cache_is_small(size)))
		return iova_mt_cache_get_large(cache, size, limit, pfn);

	cpu = raw_cpu_ptr(cache->cpu);
	spin_lock_irqsave(&cpu->lock, flags);
	magazine = cpu->loaded[__ffs(size)];
	hit = likely(iova_mt_magazine_has_pfns(magazine)) &&
	      iova_mt_magazine_pop(magazine, size, limit, pfn);
	if (likely(hit))
		cpu->hits++;
	else
		hit = iova_mt_cache_get_other_locked(cache, cpu, size, limit,
						     pfn);
	spin_unlock_irqrestore(&cpu->lock, flags);
	return hit;
}

/**
 * iova_mt_cache_put() - put a range into the cache
 * @cache: the cache
 * @pfn: its first pfn
 * @size: pages, of a small class
 *
 * As the kernel's own allocator, it takes the caller's word that this is a range,
 * and that nobody has it any more.
 *
 * Context: Any.
 * Return: true when it was taken; false when it is not aligned, or there is no
 * memory.
 */
static __always_inline bool iova_mt_cache_put(struct iova_mt_cache *cache,
					      unsigned long pfn,
					      unsigned long size)
{
	unsigned int class = __ffs(size);
	struct iova_mt_cpu_cache *cpu;
	unsigned long flags;
	bool room;

	if (unlikely(!IS_ALIGNED(pfn, size)))
		return false;

	cpu = raw_cpu_ptr(cache->cpu);
	spin_lock_irqsave(&cpu->lock, flags);
	room = likely(iova_mt_magazine_has_room(cpu->loaded[class])) ||
	       iova_mt_cache_load_room_locked(cache, cpu, class);
	if (likely(room)) {
		iova_mt_magazine_push(cpu->loaded[class], pfn);
		cpu->puts++;
	}
	spin_unlock_irqrestore(&cpu->lock, flags);
	return room;
}

#endif /* _IOVA_MT_CACHE_H */
