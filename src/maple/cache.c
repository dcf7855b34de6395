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
 * CPU and class before the first free there. All magazines together hold no more
 * than a limit, full or not. Magazines are taken away from a CPU
 * whole, and emptied outside its lock.
 *
 * Locks: the lock of a CPU's cache, then the depot's. The tree's lock is never
 * taken inside either.
 */
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include "base/fault.h"
#include "maple/cache.h"
#include "maple/counters.h"
#include "maple/magazine.h"
#include "maple/space.h"

#define TRIM_MS		100
/* Caches that have not been used in so many intervals are emptied. */
#define TRIM_IDLE	10

/* A quarter of what 32 bits address. */
#define MAX_BYTES	BIT(30)

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

static enum cpuhp_state hotplug_state;

unsigned long iova_mt_cache_max_bytes = MAX_BYTES;

/* What a magazine has room for is counted as if it were full. */
static bool pages_get(struct iova_mt_cache *cache, unsigned int class)
{
	long pages = iova_mt_magazine_pages(class);

	if (atomic_long_add_return(pages, &cache->pages) <= cache->pages_max)
		return true;
	atomic_long_sub(pages, &cache->pages);
	iova_mt_count(cache->counters, COUNTER_magazine_no_room);
	return false;
}

static void pages_put(struct iova_mt_cache *cache, unsigned int class)
{
	atomic_long_sub(iova_mt_magazine_pages(class), &cache->pages);
}

static struct iova_mt_magazine *magazine_alloc(struct iova_mt_cache *cache,
					       unsigned int class)
{
	struct iova_mt_magazine *magazine = NULL;

	if (!pages_get(cache, class))
		return NULL;
	if (!iova_mt_fault_hit(IOVA_MT_FAULT_fail_magazine,
			       cache->space->index.domain_id))
		magazine = kmalloc(sizeof(*magazine), GFP_ATOMIC | __GFP_NOWARN);
	if (!magazine) {
		pages_put(cache, class);
		iova_mt_count(cache->counters, COUNTER_magazine_no_memory);
		return NULL;
	}
	magazine->size = 0;
	magazine->class = class;
	return magazine;
}

static void magazine_free(struct iova_mt_cache *cache,
			  struct iova_mt_magazine *magazine)
{
	if (!magazine)
		return;
	pages_put(cache, magazine->class);
	kfree(magazine);
}

static void depot_push(struct iova_mt_cache *cache, unsigned int class,
		       struct iova_mt_magazine *magazine)
{
	unsigned long flags;

	spin_lock_irqsave(&cache->depot_lock, flags);
	iova_mt_magazine_link(&cache->depot[class], magazine);
	cache->depot_size[class]++;
	spin_unlock_irqrestore(&cache->depot_lock, flags);
	iova_mt_count(cache->counters, COUNTER_depot_push);
}

/* Take a magazine when there are more than @keep. */
static struct iova_mt_magazine *depot_pop(struct iova_mt_cache *cache,
					  unsigned int class, unsigned int keep)
{
	struct iova_mt_magazine *magazine = NULL;
	unsigned long flags;

	/* Most of the time it is empty: do not fight for the lock to see it. */
	if (READ_ONCE(cache->depot_size[class]) <= keep)
		return NULL;
	spin_lock_irqsave(&cache->depot_lock, flags);
	if (cache->depot_size[class] > keep) {
		magazine = iova_mt_magazine_unlink(&cache->depot[class]);
		cache->depot_size[class]--;
	}
	spin_unlock_irqrestore(&cache->depot_lock, flags);
	if (magazine)
		iova_mt_count(cache->counters, COUNTER_depot_pop);
	return magazine;
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
	full = depot_pop(cache, class, 0);
	if (!full)
		return NULL;
	/* Both are empty: one of them is enough. */
	magazine_free(cache, cpu->previous[class]);
	cpu->previous[class] = cpu->loaded[class];
	cpu->loaded[class] = full;
	return full;
}

/* A magazine to put into, in @loaded, or NULL when there is no memory for one. */
static struct iova_mt_magazine *load_room_locked(struct iova_mt_cache *cache,
						 struct iova_mt_cpu_cache *cpu,
						 unsigned int class)
{
	struct iova_mt_magazine *empty;

	lockdep_assert_held(&cpu->lock);
	if (iova_mt_magazine_has_room(cpu->loaded[class]))
		return cpu->loaded[class];
	if (iova_mt_magazine_has_room(cpu->previous[class])) {
		swap(cpu->loaded[class], cpu->previous[class]);
		return cpu->loaded[class];
	}
	empty = magazine_alloc(cache, class);
	if (!empty)
		return NULL;
	/* Both are full, or not there. */
	if (cpu->previous[class])
		depot_push(cache, class, cpu->previous[class]);
	cpu->previous[class] = cpu->loaded[class];
	cpu->loaded[class] = empty;
	return empty;
}

/* Return: the class of @size, or -1 when it has none. */
static int class_of(unsigned long size)
{
	return iova_mt_cache_has_class(size) ? ilog2(size) : -1;
}

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
bool iova_mt_cache_get(struct iova_mt_cache *cache, unsigned long size,
		       unsigned long limit, unsigned long *pfn)
{
	int class = class_of(size);
	struct iova_mt_magazine *magazine;
	struct iova_mt_cpu_cache *cpu;
	unsigned long flags;
	bool hit = false;

	if (class < 0 || limit < size - 1)
		return false;

	cpu = raw_cpu_ptr(cache->cpu);
	spin_lock_irqsave(&cpu->lock, flags);
	magazine = load_pfns_locked(cache, cpu, class);
	if (magazine)
		hit = iova_mt_magazine_pop(magazine, limit - size + 1, pfn);
	cpu->hits += hit;
	cpu->misses += !hit;
	spin_unlock_irqrestore(&cpu->lock, flags);
	return hit;
}

/* Under the CPU's lock: see trim_fn(). */
static void trim_arm_locked(struct iova_mt_cache *cache,
			    struct iova_mt_cpu_cache *cpu)
{
	lockdep_assert_held(&cpu->lock);
	if (READ_ONCE(cache->armed))
		return;
	WRITE_ONCE(cache->armed, true);
	schedule_delayed_work(&cache->trim, msecs_to_jiffies(TRIM_MS));
}

/**
 * iova_mt_cache_put() - put a range into the cache
 * @cache: the cache
 * @pfn: its first pfn
 * @size: pages
 *
 * Context: Any.
 * Return: true when it was taken; false when it is of no class, not aligned, or
 * there is no memory.
 */
bool iova_mt_cache_put(struct iova_mt_cache *cache, unsigned long pfn,
		       unsigned long size)
{
	int class = class_of(size);
	struct iova_mt_magazine *magazine;
	struct iova_mt_cpu_cache *cpu;
	unsigned long flags;

	if (class < 0 || !IS_ALIGNED(pfn, size))
		return false;

	cpu = raw_cpu_ptr(cache->cpu);
	spin_lock_irqsave(&cpu->lock, flags);
	magazine = load_room_locked(cache, cpu, class);
	if (magazine) {
		iova_mt_magazine_push(magazine, pfn);
		cpu->puts++;
		trim_arm_locked(cache, cpu);
	}
	spin_unlock_irqrestore(&cpu->lock, flags);
	return magazine;
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
		magazine_free(cache, magazine);
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

	while ((magazine = depot_pop(cache, class, keep))) {
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
	if (!atomic_long_read(&cache->pages))
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
		.pages_max = min(READ_ONCE(iova_mt_cache_max_bytes) / granule,
				 LONG_MAX / 2),
	};
	spin_lock_init(&cache->depot_lock);
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

static void list_free(struct iova_mt_cache *cache,
		      struct iova_mt_magazine *list)
{
	struct iova_mt_magazine *magazine;

	while ((magazine = iova_mt_magazine_unlink(&list)))
		magazine_free(cache, magazine);
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
	for (class = 0; class < IOVA_MT_CLASSES; class++) {
		list_free(cache, cache->depot[class]);
		for_each_possible_cpu(nr) {
			cpu = per_cpu_ptr(cache->cpu, nr);
			magazine_free(cache, cpu->loaded[class]);
			magazine_free(cache, cpu->previous[class]);
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
