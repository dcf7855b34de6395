// SPDX-License-Identifier: GPL-2.0
/*
 * Trim: how ranges leave the cache of a domain for its space.
 *
 * All go the same way: the magazines of a CPU go to the depot whole, and from
 * there ranges go to the space, a few at a time. They are taken out of the depot
 * under the tree's lock, so whoever is about to refuse a request finds each in
 * one place or the other: no range is ever on its way.
 *
 * The worker gives back what the depot has too much of, and everything when the
 * caches have not been used for a while. It runs as long as any magazine exists,
 * but hardly ever: only to see whether the caches are still used.
 *
 * Locks: that of a CPU's cache, or the tree's; the depot's inside of either.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include <iova_mt/ops.h>

#include "base/counters.h"
#include "maple/cache/cache.h"
#include "maple/counters.h"
#include "maple/space.h"
#include "maple/tree/index.h"
#include "maple/tree/queue.h"

/* Ranges that are freed in one lock hold. */
#define HOLD_FREES	16

/* Ranges that the worker gives back at a time, and when it goes on. */
#define TRIM_RANGES	1024
#define TRIM_MS		100
/* Caches that have not been used for so long are emptied. */
#define IDLE_MS		5000

/* --- From a CPU to the depot ---------------------------------------------- */

/* Return: whether there was any range. */
static bool hand_over_locked(struct iova_mt_cache *cache,
			     struct iova_mt_cpu_cache *cpu,
			     struct iova_mt_magazine **slot)
{
	struct iova_mt_magazine *magazine = *slot;

	lockdep_assert_held(&cpu->lock);
	*slot = NULL;
	if (!iova_mt_magazine_has_pfns(magazine)) {
		iova_mt_depot_free(&cache->depot, magazine);
		return false;
	}
	iova_mt_depot_push(&cache->depot, magazine);
	return true;
}

/**
 * iova_mt_cache_hand_over() - move what a CPU has to the depot
 * @cache: the cache
 * @nr: number of the CPU
 *
 * Context: Any.
 * Return: how many magazines.
 */
unsigned int iova_mt_cache_hand_over(struct iova_mt_cache *cache,
				     unsigned int nr)
{
	struct iova_mt_cpu_cache *cpu = per_cpu_ptr(cache->cpu, nr);
	unsigned int class, magazines = 0;
	unsigned long flags;

	spin_lock_irqsave(&cpu->lock, flags);
	for (class = 0; class < IOVA_MT_CLASSES; class++) {
		magazines += hand_over_locked(cache, cpu, &cpu->loaded[class]);
		magazines += hand_over_locked(cache, cpu,
					      &cpu->previous[class]);
	}
	spin_unlock_irqrestore(&cpu->lock, flags);
	return magazines;
}

/**
 * iova_mt_cache_hand_over_all() - move what all CPUs have to the depot
 * @cache: the cache
 *
 * Nothing is looked at when there is no magazine, so that requests that are
 * refused again and again look at what was freed since the last time, and no
 * more.
 *
 * Context: Any.
 * Return: false when there is no magazine.
 */
bool iova_mt_cache_hand_over_all(struct iova_mt_cache *cache)
{
	unsigned int nr;

	if (!iova_mt_depot_has_any(&cache->depot))
		return false;
	for_each_possible_cpu(nr)
		iova_mt_cache_hand_over(cache, nr);
	return true;
}

/* --- From the depot to the space ------------------------------------------ */

/* What one lock hold gives back. Return: how many ranges, 0 for no more. */
static unsigned int give_back_some(struct iova_mt_cache *cache,
				   unsigned int class, unsigned int keep)
{
	const bool parked = class >= IOVA_MT_SMALL_CLASSES;
	unsigned long pfns[HOLD_FREES], flags, unknown = 0;
	struct iova_mt_space *space = cache->space;
	struct iova_mt_magazine *empty;
	unsigned int nr, i;

	if (!iova_mt_depot_has_more(&cache->depot, class, keep))
		return 0;
	iova_mt_index_lock(&space->index, flags);
	nr = iova_mt_depot_take(&cache->depot, class, keep, pfns, HOLD_FREES,
				&empty);
	for (i = 0; i < nr; i++)
		if (!iova_mt_space_free_cached_locked(space, pfns[i], parked))
			unknown |= BIT(i);
	iova_mt_index_unlock(&space->index, flags);

	iova_mt_depot_free(&cache->depot, empty);
	for_each_set_bit(i, &unknown, nr)
		iova_mt_free_unknown(cache->domain, pfns[i], BIT(class));
	return nr;
}

/*
 * At least @max ranges, if there are so many, and no more than a lock hold's
 * more. Return: how many.
 */
static unsigned long give_back(struct iova_mt_cache *cache, unsigned int keep,
			       unsigned long max,
			       enum iova_mt_maple_counter counter)
{
	unsigned long ranges = 0;
	unsigned int class = 0, nr;

	while (ranges < max && class < IOVA_MT_CLASSES) {
		nr = give_back_some(cache, class, keep);
		ranges += nr;
		class += !nr;
	}
	iova_mt_count_add(cache->counters, counter, ranges);
	return ranges;
}

/**
 * iova_mt_cache_flush() - empty it, or begin to
 * @cache: the cache
 * @max: stop after that many ranges, or a few more
 *
 * Context: Any. Interrupts are off for some ranges at a time, unless they are off
 * already: then they stay off for all of @max.
 * Return: how many ranges there were; 0 when it is empty.
 */
unsigned long iova_mt_cache_flush(struct iova_mt_cache *cache,
				  unsigned long max)
{
	if (!iova_mt_cache_hand_over_all(cache))
		return 0;
	return give_back(cache, 0, max, COUNTER_magazine_flush);
}

/* --- The worker ----------------------------------------------------------- */

static void queue_trim(struct iova_mt_cache *cache, unsigned int ms)
{
	queue_delayed_work(iova_mt_queue, &cache->trim, msecs_to_jiffies(ms));
}

/**
 * iova_mt_cache_trim_arm_locked() - see to it that the cache is trimmed
 * @cache: the cache
 * @cpu: that of this CPU; its lock orders this with trim_fn()
 *
 * Context: Any, under the lock of @cpu.
 */
void iova_mt_cache_trim_arm_locked(struct iova_mt_cache *cache,
				   struct iova_mt_cpu_cache *cpu)
{
	lockdep_assert_held(&cpu->lock);
	WRITE_ONCE(cache->armed, true);
	queue_trim(cache, IDLE_MS);
}

/* Have the caches not been used for a while? */
static bool is_idle(struct iova_mt_cache *cache)
{
	const struct iova_mt_cpu_cache *cpu;
	unsigned long activity = 0;
	unsigned int nr;

	for_each_possible_cpu(nr) {
		cpu = per_cpu_ptr(cache->cpu, nr);
		activity += READ_ONCE(cpu->hits) + READ_ONCE(cpu->misses) +
			    READ_ONCE(cpu->puts);
	}
	if (activity != cache->seen) {
		cache->seen = activity;
		cache->used = jiffies;
		return false;
	}
	return time_after_eq(jiffies, cache->used + msecs_to_jiffies(IDLE_MS));
}

static bool has_too_much(const struct iova_mt_cache *cache, unsigned int keep)
{
	unsigned int class;

	for (class = 0; class < IOVA_MT_CLASSES; class++)
		if (iova_mt_depot_has_more(&cache->depot, class, keep))
			return true;
	return false;
}

/* With a chance for others after each lock hold. */
static void trim(struct iova_mt_cache *cache, unsigned int keep)
{
	unsigned long ranges = 0, nr;

	do {
		nr = give_back(cache, keep, 1, COUNTER_magazine_trim);
		ranges += nr;
		cond_resched();
	} while (nr && ranges < TRIM_RANGES);
}

/*
 * Keep a magazine per CPU and class in the depot, and nothing at all when idle.
 *
 * Disarms before it takes the CPUs' locks to empty them: a put after that finds
 * no magazine, and arms again under the same lock; one before is emptied out.
 */
static void trim_fn(struct work_struct *work)
{
	struct iova_mt_cache *cache = container_of(to_delayed_work(work),
						   struct iova_mt_cache, trim);
	bool idle = is_idle(cache);
	unsigned int keep = idle ? 0 : num_online_cpus();

	iova_mt_count(cache->counters, COUNTER_trim_run);
	if (idle) {
		WRITE_ONCE(cache->armed, false);
		iova_mt_cache_hand_over_all(cache);
	}
	trim(cache, keep);
	if (has_too_much(cache, keep)) {
		WRITE_ONCE(cache->armed, true);
		mod_delayed_work(iova_mt_queue, &cache->trim,
				 msecs_to_jiffies(TRIM_MS));
	} else if (!idle) {
		queue_trim(cache, IDLE_MS);
	}
}

/**
 * iova_mt_cache_trim_init() - make ready
 * @cache: the cache
 *
 * The timer does not wake a CPU that sleeps.
 *
 * Context: Process.
 */
void iova_mt_cache_trim_init(struct iova_mt_cache *cache)
{
	cache->used = jiffies;
	INIT_DEFERRABLE_WORK(&cache->trim, trim_fn);
}
