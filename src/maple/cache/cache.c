// SPDX-License-Identifier: GPL-2.0
/*
 * The cache of a domain: magazines per CPU, and a depot behind them.
 *
 * After Bonwick and Adams, "Magazines and Vmem" (USENIX 2001), and as the
 * kernel's own IOVA allocator does it: two magazines a CPU and class, full ones
 * are exchanged with a depot. A range in a magazine is still live in the index.
 *
 * Rules: only ranges of exactly a class's size enter, and aligned ones: what is
 * taken out must do for every request of the class. Those of the large classes,
 * which the kernel's own allocator does not cache, are parked in their span
 * meanwhile, so that a second free is seen. Nothing is allocated for a CPU and
 * class before the first free there. How magazines go away is in trim.c.
 *
 * What is done for most requests is in the header, so that it has no calls: a
 * driver asks twice for each of its requests.
 *
 * Locks: the lock of a CPU's cache, then the depot's. The tree's lock is never
 * taken inside either; the depot's is taken inside of it.
 */
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/minmax.h>

#include <iova_mt/ops.h>

#include "base/counters.h"
#include "maple/cache/cache.h"
#include "maple/counters.h"
#include "maple/span/span.h"

/* A quarter of what 32 bits address. */
#define MAX_BYTES	BIT(30)

static enum cpuhp_state hotplug_state;

unsigned long iova_mt_cache_max_bytes = MAX_BYTES;

/* Wherever a CPU gets a magazine: the one that it has had armed it. */
static void arm_locked(struct iova_mt_cache *cache,
		       struct iova_mt_cpu_cache *cpu)
{
	lockdep_assert_held(&cpu->lock);
	if (unlikely(!READ_ONCE(cache->armed)))
		iova_mt_cache_trim_arm_locked(cache, cpu);
}

/* A magazine to take from, in @loaded, or NULL. */
static struct iova_mt_magazine *load_pfns_locked(struct iova_mt_cache *cache,
						 struct iova_mt_cpu_cache *cpu,
						 unsigned int class)
{
	struct iova_mt_magazine *full;

	lockdep_assert_held(&cpu->lock);
	if (iova_mt_magazine_has_pfns(cpu->loaded[class]))
		return cpu->loaded[class];
	if (iova_mt_magazine_has_pfns(cpu->previous[class])) {
		swap(cpu->loaded[class], cpu->previous[class]);
		return cpu->loaded[class];
	}
	full = iova_mt_depot_pop(&cache->depot, class);
	if (!full)
		return NULL;
	arm_locked(cache, cpu);
	/* Both are empty: one of them is enough. */
	iova_mt_depot_free(&cache->depot, cpu->previous[class]);
	cpu->previous[class] = cpu->loaded[class];
	cpu->loaded[class] = full;
	return full;
}

/**
 * iova_mt_cache_load_room_locked() - load a magazine that has room
 * @cache: the cache
 * @cpu: that of this CPU
 * @class: of the magazine
 *
 * Context: Any, under the lock of @cpu.
 * Return: true when the one that is loaded has room; false when there is no
 * memory for one.
 */
bool iova_mt_cache_load_room_locked(struct iova_mt_cache *cache,
				    struct iova_mt_cpu_cache *cpu,
				    unsigned int class)
{
	struct iova_mt_magazine *empty;

	lockdep_assert_held(&cpu->lock);
	arm_locked(cache, cpu);
	if (iova_mt_magazine_has_room(cpu->previous[class])) {
		swap(cpu->loaded[class], cpu->previous[class]);
		return true;
	}
	empty = iova_mt_depot_alloc(&cache->depot, class);
	if (!empty)
		return false;
	/* Both are full, or not there. */
	if (cpu->previous[class])
		iova_mt_depot_push(&cache->depot, cpu->previous[class]);
	cpu->previous[class] = cpu->loaded[class];
	cpu->loaded[class] = empty;
	return true;
}

/**
 * iova_mt_cache_get_other_locked() - take a range that is not at hand
 * @cache: the cache
 * @cpu: that of this CPU
 * @size: pages, of a class
 * @limit: highest pfn
 * @pfn: its first pfn
 *
 * Context: Any, under the lock of @cpu.
 * Return: true when there was one.
 */
bool iova_mt_cache_get_other_locked(struct iova_mt_cache *cache,
				    struct iova_mt_cpu_cache *cpu,
				    unsigned long size, unsigned long limit,
				    unsigned long *pfn)
{
	struct iova_mt_span *span = NULL;
	struct iova_mt_magazine *magazine;
	int i = -1;

	lockdep_assert_held(&cpu->lock);
	magazine = load_pfns_locked(cache, cpu, __ffs(size));
	if (magazine)
		i = iova_mt_magazine_find(magazine, size, limit);
	if (i < 0) {
		cpu->misses++;
		return false;
	}
	cpu->hits++;
	*pfn = iova_mt_magazine_take(magazine, i, &span);
	if (span)
		iova_mt_span_unpark(span, *pfn);
	return true;
}

/**
 * iova_mt_cache_get_large() - take a range of a large class out of the cache
 * @cache: the cache
 * @size: pages
 * @limit: highest pfn
 * @pfn: its first pfn
 *
 * Context: Any.
 * Return: true when there was one.
 */
bool iova_mt_cache_get_large(struct iova_mt_cache *cache, unsigned long size,
			     unsigned long limit, unsigned long *pfn)
{
	struct iova_mt_cpu_cache *cpu;
	unsigned long flags;
	bool hit;

	if (!iova_mt_cache_has_class(size))
		return false;
	cpu = raw_cpu_ptr(cache->cpu);
	spin_lock_irqsave(&cpu->lock, flags);
	hit = iova_mt_cache_get_other_locked(cache, cpu, size, limit, pfn);
	spin_unlock_irqrestore(&cpu->lock, flags);
	return hit;
}

/**
 * iova_mt_cache_put_large() - put a range of a large class into the cache
 * @cache: the cache
 * @pfn: its first pfn
 * @size: pages, of a large class
 * @span: where it has been parked
 *
 * Context: Any.
 * Return: true when it was taken; false when there is no memory.
 */
bool iova_mt_cache_put_large(struct iova_mt_cache *cache, unsigned long pfn,
			     unsigned long size, struct iova_mt_span *span)
{
	unsigned int class = __ffs(size);
	struct iova_mt_magazine *magazine;
	struct iova_mt_cpu_cache *cpu;
	unsigned long flags;
	bool room;

	cpu = raw_cpu_ptr(cache->cpu);
	spin_lock_irqsave(&cpu->lock, flags);
	room = iova_mt_magazine_has_room(cpu->loaded[class]) ||
	       iova_mt_cache_load_room_locked(cache, cpu, class);
	if (room) {
		magazine = cpu->loaded[class];
		magazine->span[magazine->size] = span;
		iova_mt_magazine_push(magazine, pfn);
		cpu->puts++;
	}
	spin_unlock_irqrestore(&cpu->lock, flags);
	return room;
}

/**
 * iova_mt_cache_counters() - add what is counted here, without atomics or a
 *	second look for the CPU
 * @cache: the cache
 * @values: the domain's counters
 *
 * Context: Any. Not a snapshot.
 */
void iova_mt_cache_counters(const struct iova_mt_cache *cache, u64 *values)
{
	const struct iova_mt_cpu_cache *cpu;
	unsigned int nr;

	for_each_possible_cpu(nr) {
		cpu = per_cpu_ptr(cache->cpu, nr);
		values[COUNTER_magazine_hit] += READ_ONCE(cpu->hits);
		values[COUNTER_magazine_miss] += READ_ONCE(cpu->misses);
		values[COUNTER_magazine_put] += READ_ONCE(cpu->puts);
	}
}

/**
 * iova_mt_cache_moves() - has anything got into a CPU's cache?
 * @cache: the cache
 *
 * For who looks into those of all CPUs, one after the other.
 *
 * Context: Any.
 * Return: a number that stands as long as nothing has, freed or from the depot.
 */
unsigned long iova_mt_cache_moves(const struct iova_mt_cache *cache)
{
	unsigned long moves = READ_ONCE(cache->depot.pops);
	unsigned int nr;

	for_each_possible_cpu(nr)
		moves += READ_ONCE(per_cpu_ptr(cache->cpu, nr)->puts);
	return moves;
}

static int cpu_dead(unsigned int nr, struct hlist_node *node)
{
	struct iova_mt_cache *cache = hlist_entry(node, struct iova_mt_cache,
						  hotplug);

	iova_mt_count_add(cache->counters, COUNTER_magazine_left,
			  iova_mt_cache_hand_over(cache, nr));
	return 0;
}

/**
 * iova_mt_cache_init() - make an empty cache
 * @cache: the cache
 * @domain: whose it is
 * @space: where ranges come from and go to
 * @counters: where to count
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_cache_init(struct iova_mt_cache *cache, struct iova_mt_domain *domain,
		       struct iova_mt_space *space,
		       const struct iova_mt_counters *counters)
{
	unsigned int nr;
	int ret;

	*cache = (struct iova_mt_cache){
		.domain = domain,
		.space = space,
		.counters = counters,
	};
	iova_mt_depot_init(&cache->depot, counters, domain->id,
			   min(READ_ONCE(iova_mt_cache_max_bytes) /
			       domain->granule, LONG_MAX / 2));
	iova_mt_cache_trim_init(cache);

	cache->cpu = alloc_percpu(struct iova_mt_cpu_cache);
	if (!cache->cpu)
		return -ENOMEM;
	for_each_possible_cpu(nr)
		spin_lock_init(&per_cpu_ptr(cache->cpu, nr)->lock);

	ret = cpuhp_state_add_instance_nocalls(hotplug_state, &cache->hotplug);
	if (ret)
		free_percpu(cache->cpu);
	return ret;
}

/**
 * iova_mt_cache_stop() - trim no more
 * @cache: the cache, which nobody uses any more
 *
 * Context: Process, may sleep.
 */
void iova_mt_cache_stop(struct iova_mt_cache *cache)
{
	cancel_delayed_work_sync(&cache->trim);
}

/**
 * iova_mt_cache_destroy() - free it
 * @cache: the cache, which nobody uses any more
 *
 * The ranges in it go with the space.
 *
 * Context: Process, may sleep.
 */
void iova_mt_cache_destroy(struct iova_mt_cache *cache)
{
	struct iova_mt_cpu_cache *cpu;
	unsigned int class, nr;

	cpuhp_state_remove_instance_nocalls(hotplug_state, &cache->hotplug);
	iova_mt_cache_stop(cache);
	iova_mt_depot_destroy(&cache->depot);
	for_each_possible_cpu(nr) {
		cpu = per_cpu_ptr(cache->cpu, nr);
		for (class = 0; class < IOVA_MT_CLASSES; class++) {
			iova_mt_depot_free(&cache->depot, cpu->loaded[class]);
			iova_mt_depot_free(&cache->depot, cpu->previous[class]);
		}
	}
	free_percpu(cache->cpu);
}

/**
 * iova_mt_cache_module_init() - be told of dead CPUs
 *
 * Context: Process, may sleep.
 * Return: 0, or an error of the hotplug machinery.
 */
int iova_mt_cache_module_init(void)
{
	int ret;

	/* States before the bring-up of a CPU are left after its death. */
	ret = cpuhp_setup_state_multi(CPUHP_BP_PREPARE_DYN, "iova_mt:dead", NULL,
				      cpu_dead);
	if (ret < 0)
		return ret;
	hotplug_state = ret;
	return 0;
}

/**
 * iova_mt_cache_module_exit() - undo iova_mt_cache_module_init()
 *
 * Context: Process, may sleep.
 */
void iova_mt_cache_module_exit(void)
{
	cpuhp_remove_multi_state(hotplug_state);
}
