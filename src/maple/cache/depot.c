// SPDX-License-Identifier: GPL-2.0
/*
 * The depot of a cache: magazines that no CPU has, and where empty ones come
 * from.
 *
 * Rule: all magazines together, those that CPUs have included, hold no more
 * pages than a limit, full or not.
 *
 * Locks: its own, innermost.
 */
#include <linux/gfp.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "base/counters.h"
#include "base/fault.h"
#include "maple/counters.h"
#include "maple/cache/depot.h"

/* What a magazine has room for is counted as if it were full. */
static bool pages_get(struct iova_mt_depot *depot, unsigned int class)
{
	long pages = iova_mt_magazine_pages(class);

	/* At the limit, each free comes here: do not fight for the line. */
	if (atomic_long_read(&depot->pages) + pages <= depot->pages_max) {
		if (atomic_long_add_return(pages, &depot->pages) <=
		    depot->pages_max)
			return true;
		atomic_long_sub(pages, &depot->pages);
	}
	iova_mt_count(depot->counters, COUNTER_magazine_no_room);
	return false;
}

static void pages_put(struct iova_mt_depot *depot, unsigned int class)
{
	atomic_long_sub(iova_mt_magazine_pages(class), &depot->pages);
}

/**
 * iova_mt_depot_init() - make an empty depot
 * @depot: the depot
 * @counters: where to count
 * @domain_id: for the fault point
 * @pages_max: pages that all magazines together may hold
 *
 * Context: Any.
 */
void iova_mt_depot_init(struct iova_mt_depot *depot,
			const struct iova_mt_counters *counters,
			unsigned int domain_id, unsigned long pages_max)
{
	*depot = (struct iova_mt_depot){
		.counters = counters,
		.domain_id = domain_id,
		.pages_max = pages_max,
	};
	spin_lock_init(&depot->lock);
}

/**
 * iova_mt_depot_destroy() - free its magazines
 * @depot: the depot, which nobody uses any more
 *
 * Context: Any.
 */
void iova_mt_depot_destroy(struct iova_mt_depot *depot)
{
	struct iova_mt_magazine *magazine;
	unsigned int class;

	for (class = 0; class < IOVA_MT_CLASSES; class++)
		while ((magazine = iova_mt_magazine_unlink(&depot->magazines[class])))
			iova_mt_depot_free(depot, magazine);
}

/**
 * iova_mt_depot_alloc() - make an empty magazine
 * @depot: the depot
 * @class: its class
 *
 * Context: Any.
 * Return: the magazine; NULL when there is no memory, or there are as many as
 * there may be.
 */
struct iova_mt_magazine *iova_mt_depot_alloc(struct iova_mt_depot *depot,
					     unsigned int class)
{
	struct iova_mt_magazine *magazine = NULL;

	if (!pages_get(depot, class))
		return NULL;
	if (!iova_mt_fault_hit(IOVA_MT_FAULT_fail_magazine, depot->domain_id))
		magazine = kmalloc(sizeof(*magazine), GFP_ATOMIC | __GFP_NOWARN);
	if (!magazine) {
		pages_put(depot, class);
		iova_mt_count(depot->counters, COUNTER_magazine_no_memory);
		return NULL;
	}
	iova_mt_magazine_init(magazine, class);
	return magazine;
}

/**
 * iova_mt_depot_free() - free a magazine
 * @depot: the depot
 * @magazine: the magazine, or NULL; its ranges are not freed
 *
 * Context: Any.
 */
void iova_mt_depot_free(struct iova_mt_depot *depot,
			struct iova_mt_magazine *magazine)
{
	if (!magazine)
		return;
	pages_put(depot, magazine->class);
	kfree(magazine);
}

/**
 * iova_mt_depot_push() - put a magazine in
 * @depot: the depot
 * @magazine: the magazine, with ranges
 *
 * Context: Any.
 */
void iova_mt_depot_push(struct iova_mt_depot *depot,
			struct iova_mt_magazine *magazine)
{
	unsigned int class = magazine->class;
	unsigned long flags;

	spin_lock_irqsave(&depot->lock, flags);
	iova_mt_magazine_link(&depot->magazines[class], magazine);
	WRITE_ONCE(depot->nr[class], depot->nr[class] + 1);
	spin_unlock_irqrestore(&depot->lock, flags);
	iova_mt_count(depot->counters, COUNTER_depot_push);
}

static struct iova_mt_magazine *unlink_locked(struct iova_mt_depot *depot,
					      unsigned int class)
{
	lockdep_assert_held(&depot->lock);
	WRITE_ONCE(depot->nr[class], depot->nr[class] - 1);
	return iova_mt_magazine_unlink(&depot->magazines[class]);
}

/**
 * iova_mt_depot_pop() - take a magazine out
 * @depot: the depot
 * @class: its class
 *
 * Context: Any.
 * Return: the magazine, or NULL when there is none.
 */
struct iova_mt_magazine *iova_mt_depot_pop(struct iova_mt_depot *depot,
					   unsigned int class)
{
	struct iova_mt_magazine *magazine = NULL;
	unsigned long flags;

	/* Most of the time it is empty: do not fight for the lock to see it. */
	if (!iova_mt_depot_has_more(depot, class, 0))
		return NULL;
	spin_lock_irqsave(&depot->lock, flags);
	if (depot->nr[class]) {
		magazine = unlink_locked(depot, class);
		WRITE_ONCE(depot->pops, depot->pops + 1);
	}
	spin_unlock_irqrestore(&depot->lock, flags);
	if (magazine)
		iova_mt_count(depot->counters, COUNTER_depot_pop);
	return magazine;
}

/**
 * iova_mt_depot_take() - take a few ranges out, of one magazine
 * @depot: the depot
 * @class: their class
 * @keep: leave so many magazines there
 * @pfns: gets their first pfns
 * @max: at most so many
 * @empty: gets the magazine if nothing is left of it, to be freed; else NULL
 *
 * Context: Any.
 * Return: how many; 0 when there are no more magazines than @keep.
 */
unsigned int iova_mt_depot_take(struct iova_mt_depot *depot, unsigned int class,
				unsigned int keep, unsigned long *pfns,
				unsigned int max,
				struct iova_mt_magazine **empty)
{
	struct iova_mt_magazine *magazine;
	unsigned int nr = 0;
	unsigned long flags;

	*empty = NULL;
	spin_lock_irqsave(&depot->lock, flags);
	if (depot->nr[class] > keep) {
		magazine = depot->magazines[class];
		nr = min(max, magazine->size);
		magazine->size -= nr;
		memcpy(pfns, magazine->pfn + magazine->size, nr * sizeof(*pfns));
		if (!magazine->size)
			*empty = unlink_locked(depot, class);
	}
	spin_unlock_irqrestore(&depot->lock, flags);
	return nr;
}
