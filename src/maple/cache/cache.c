// SPDX-License-Identifier: GPL-2.0
/*
 * The cache of a domain: magazines per CPU, and a depot behind them.
 *
 * After Bonwick and Adams, "Magazines and Vmem" (USENIX 2001), and as the
 * kernel's own IOVA allocator does it: two magazines a CPU and class, full ones
 * are exchanged with a depot. A range in a magazine is still live in the index.
 *
 * Rules: only ranges of exactly a class's size enter, and aligned ones: what is
 * taken out must do for every request of the class. Nothing is allocated for a
 * CPU and class before the first free there. Magazines are taken away from a CPU
 * whole, and emptied outside its lock.
 *
 * What is done for most requests is in the header, so that it has no calls: a
 * driver asks twice for each of its requests.
 *
 * Locks: the lock of a CPU's cache, then the depot's. The tree's lock is never
 * taken inside either.
 */
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>

#include "base/counters.h"
#include "maple/cache/cache.h"
#include "maple/counters.h"
#include "maple/space.h"

#define TRIM_MS		100
/* Caches that have not been used in so many intervals are emptied. */
#define TRIM_IDLE	10

/* A quarter of what 32 bits address. */
#define MAX_BYTES	BIT(30)

static enum cpuhp_state hotplug_state;

unsigned long iova_mt_cache_max_bytes = MAX_BYTES;

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
	full = iova_mt_depot_pop(&cache->depot, class, 0);
	if (!full)
		return NULL;
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
	struct iova_mt_magazine *magazine;
	bool hit;

	lockdep_assert_held(&cpu->lock);
	magazine = load_pfns_locked(cache, cpu, __ffs(size));
	hit = magazine && iova_mt_magazine_pop_any(magazine, size, limit, pfn);
	cpu->hits += hit;
	cpu->misses += !hit;
	return hit;
}

/**
 * iova_mt_cache_arm_locked() - see to it that the cache is trimmed
 * @cache: the cache
 * @cpu: that of this CPU; its lock orders this with trim_fn()
 *
 * Context: Any, under the lock of @cpu.
 */
void iova_mt_cache_arm_locked(struct iova_mt_cache *cache,
			      struct iova_mt_cpu_cache *cpu)
{
	lockdep_assert_held(&cpu->lock);
	WRITE_ONCE(cache->armed, true);
	schedule_delayed_work(&cache->trim, msecs_to_jiffies(TRIM_MS));
}

/* Free all magazines of a list, and the ranges in them. */
static unsigned long list_empty_out(struct iova_mt_cache *cache,
				    struct iova_mt_magazine *list,
				    enum iova_mt_maple_counter counter)
{
	struct iova_mt_magazine *magazine;
	unsigned long ranges = 0;

	while ((magazine = iova_mt_magazine_unlink(&list))) {
		iova_mt_space_free_many(cache->space, magazine->pfn,
					magazine->size);
		ranges += magazine->size;
		iova_mt_depot_free(&cache->depot, magazine);
	}
	iova_mt_count_add(cache->counters, counter, ranges);
	return ranges;
}

static void detach_locked(struct iova_mt_magazine **slot,
			  struct iova_mt_magazine **list)
{
	if (*slot)
		iova_mt_magazine_link(list, *slot);
	*slot = NULL;
}

static unsigned long cpu_empty_out(struct iova_mt_cache *cache, unsigned int nr,
				   enum iova_mt_maple_counter counter)
{
	struct iova_mt_cpu_cache *cpu = per_cpu_ptr(cache->cpu, nr);
	struct iova_mt_magazine *list = NULL;
	unsigned int class;
	unsigned long flags;

	spin_lock_irqsave(&cpu->lock, flags);
	for (class = 0; class < IOVA_MT_CLASSES; class++) {
		detach_locked(&cpu->loaded[class], &list);
		detach_locked(&cpu->previous[class], &list);
	}
	spin_unlock_irqrestore(&cpu->lock, flags);
	return list_empty_out(cache, list, counter);
}

/* One by one: others may still take from it. */
static unsigned long depot_empty_out(struct iova_mt_cache *cache,
				     unsigned int class, unsigned int keep,
				     enum iova_mt_maple_counter counter)
{
	struct iova_mt_magazine *magazine;
	unsigned long ranges = 0;

	while ((magazine = iova_mt_depot_pop(&cache->depot, class, keep))) {
		magazine->next = NULL;
		ranges += list_empty_out(cache, magazine, counter);
	}
	return ranges;
}

static unsigned long empty_out(struct iova_mt_cache *cache,
			       enum iova_mt_maple_counter counter)
{
	unsigned long ranges = 0;
	unsigned int class, nr;

	for_each_possible_cpu(nr)
		ranges += cpu_empty_out(cache, nr, counter);
	for (class = 0; class < IOVA_MT_CLASSES; class++)
		ranges += depot_empty_out(cache, class, 0, counter);
	return ranges;
}

/**
 * iova_mt_cache_flush() - empty it
 * @cache: the cache
 *
 * Nothing is looked at when there is no magazine, so that requests that are
 * refused again and again flush what was freed since the last time, and no more.
 *
 * Context: Any.
 * Return: how many ranges there were.
 */
unsigned long iova_mt_cache_flush(struct iova_mt_cache *cache)
{
	if (!iova_mt_depot_has_any(&cache->depot))
		return 0;
	return empty_out(cache, COUNTER_magazine_flush);
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
	cache->idle = activity == cache->seen ? cache->idle + 1 : 0;
	cache->seen = activity;
	return cache->idle >= TRIM_IDLE;
}

/*
 * Keep a magazine per CPU in the depot, and nothing at all when idle.
 *
 * Disarms before it takes the CPUs' locks to empty them: a put after that sees
 * it under the same lock and arms again, one before is emptied out.
 */
static void trim_fn(struct work_struct *work)
{
	struct iova_mt_cache *cache = container_of(to_delayed_work(work),
						   struct iova_mt_cache, trim);
	unsigned int class;

	if (is_idle(cache)) {
		cache->idle = 0;
		WRITE_ONCE(cache->armed, false);
		empty_out(cache, COUNTER_magazine_trim);
		return;
	}
	for (class = 0; class < IOVA_MT_CLASSES; class++)
		depot_empty_out(cache, class, num_online_cpus(),
				COUNTER_magazine_trim);
	schedule_delayed_work(&cache->trim, msecs_to_jiffies(TRIM_MS));
}

static int cpu_dead(unsigned int nr, struct hlist_node *node)
{
	struct iova_mt_cache *cache = hlist_entry(node, struct iova_mt_cache,
						  hotplug);

	cpu_empty_out(cache, nr, COUNTER_magazine_flush);
	return 0;
}

/**
 * iova_mt_cache_init() - make an empty cache
 * @cache: the cache
 * @space: where ranges come from and go to
 * @counters: where to count
 * @granule: bytes a page
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_cache_init(struct iova_mt_cache *cache, struct iova_mt_space *space,
		       const struct iova_mt_counters *counters,
		       unsigned long granule)
{
	unsigned int nr;
	int ret;

	*cache = (struct iova_mt_cache){
		.space = space,
		.counters = counters,
	};
	iova_mt_depot_init(&cache->depot, counters, space->index.domain_id,
			   min(READ_ONCE(iova_mt_cache_max_bytes) / granule,
			       LONG_MAX / 2));
	INIT_DELAYED_WORK(&cache->trim, trim_fn);

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
