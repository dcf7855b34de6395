// SPDX-License-Identifier: GPL-2.0
/*
 * The maple allocator behind the ops table.
 *
 * A request goes down: cache, then space (spans, index and backlog). Nothing is
 * decided here but the order.
 *
 * Lock order of the allocator: CPU cache, then depot; and tree, then depot. The
 * lock of a CPU's cache and that of the tree are never held together.
 */
#include <linux/compiler.h>
#include <linux/slab.h>

#include <iova_mt/ops.h>

#include "maple/cache/cache.h"
#include "maple/counters.h"
#include "maple/deferred/deferral.h"
#include "maple/maple.h"
#include "maple/tree/queue.h"
#include "maple/span/room.h"
#include "maple/space.h"
#include "maple/span/span.h"
#include "maple/span/windows.h"
#include "maple/tree/index.h"

/* Ranges that a request flushes before it looks again for room. */
#define FLUSH_RANGES	4096
/* How often others may get ahead of a request before it is refused. */
#define MOST_ROUNDS	8

static const char *const counter_names[] = {
	IOVA_MT_MAPLE_COUNTERS(IOVA_MT_COUNTER_NAME)
};

/**
 * struct iova_mt_maple - the state of a domain
 * @counters: its counters
 * @space: its ranges
 * @cache: the magazines in front
 */
struct iova_mt_maple {
	struct iova_mt_counters counters;
	struct iova_mt_space space;
	struct iova_mt_cache cache;
};

static int create(struct iova_mt_domain *domain, bool spans)
{
	struct iova_mt_maple *maple;
	int ret;

	maple = kzalloc(sizeof(*maple), GFP_KERNEL);
	if (!maple)
		return -ENOMEM;
	ret = iova_mt_counters_init(&maple->counters, NR_MAPLE_COUNTERS);
	if (ret)
		goto free_maple;
	iova_mt_space_init(&maple->space, domain->start_pfn, &maple->counters,
			   domain->id, iova_mt_deferral_default(), spans);
	ret = iova_mt_cache_init(&maple->cache, domain, &maple->space,
				 &maple->counters);
	if (ret)
		goto destroy_space;
	domain->priv = maple;
	return 0;

destroy_space:
	iova_mt_space_destroy(&maple->space);
	iova_mt_counters_destroy(&maple->counters);
free_maple:
	kfree(maple);
	return ret;
}

static int maple_create(struct iova_mt_domain *domain)
{
	return create(domain, true);
}

static int maple_plain_create(struct iova_mt_domain *domain)
{
	return create(domain, false);
}

static void maple_stop(struct iova_mt_domain *domain)
{
	struct iova_mt_maple *maple = domain->priv;

	/* In the order in which one gives work to the next. */
	iova_mt_cache_stop(&maple->cache);
	iova_mt_spans_stop(&maple->space.spans);
	iova_mt_deferred_stop(&maple->space.deferred);
	iova_mt_nodes_stop(&maple->space.index.nodes);
}

static void maple_destroy(struct iova_mt_domain *domain)
{
	struct iova_mt_maple *maple = domain->priv;

	iova_mt_cache_destroy(&maple->cache);
	iova_mt_space_destroy(&maple->space);
	iova_mt_counters_destroy(&maple->counters);
	kfree(maple);
}

/*
 * Refused. Without memory, what lies in the caches of other CPUs is all there is:
 * flushed and deferred, it can be handed out again.
 *
 * What other CPUs have cached is looked at first, and then the caches are emptied
 * in pieces, not further than is needed: interrupts may be off all the time.
 *
 * It is final only if nothing has become free since the space was looked at, be
 * it by what somebody else has flushed, and nothing got behind the look at the
 * caches. @generation: of the space, from before it was looked at.
 */
static noinline int alloc_flushed(struct iova_mt_maple *maple,
				  unsigned long size, unsigned long limit_pfn,
				  unsigned int flags, unsigned long *pfn,
				  int error, unsigned long generation)
{
	unsigned int rounds = MOST_ROUNDS;
	unsigned long looks, moves;

	if (!(flags & IOVA_MT_FLUSH) &&
	    (error != -ENOMEM || !iova_mt_cache_has_class(size)))
		return error;
	/* As many as it takes to empty full caches, and some. */
	looks = MOST_ROUNDS + maple->cache.depot.pages_max / FLUSH_RANGES;
	do {
		moves = iova_mt_cache_moves(&maple->cache);
		if ((flags & IOVA_MT_CACHED) &&
		    iova_mt_cache_hand_over_all(&maple->cache) &&
		    iova_mt_cache_get(&maple->cache, size, limit_pfn, pfn))
			return 0;
		while (looks &&
		       (iova_mt_cache_flush(&maple->cache, FLUSH_RANGES) ||
			iova_mt_space_has_moved(&maple->space, generation))) {
			looks--;
			generation = iova_mt_space_generation(&maple->space);
			error = iova_mt_space_alloc(&maple->space, size,
						    limit_pfn,
						    flags & IOVA_MT_ALIGNED,
						    true, pfn);
			if (!error)
				return 0;
		}
	} while (--rounds && moves != iova_mt_cache_moves(&maple->cache));
	return error;
}

static int maple_alloc(struct iova_mt_domain *domain, unsigned long size,
		       unsigned long limit_pfn, unsigned int flags,
		       unsigned long *pfn)
{
	struct iova_mt_maple *maple = domain->priv;
	unsigned long generation;
	int ret;

	if ((flags & IOVA_MT_CACHED) &&
	    iova_mt_cache_get(&maple->cache, size, limit_pfn, pfn))
		return 0;
	generation = iova_mt_space_generation(&maple->space);
	ret = iova_mt_space_alloc(&maple->space, size, limit_pfn,
				  flags & IOVA_MT_ALIGNED, false, pfn);
	if (likely(!ret))
		return 0;
	return alloc_flushed(maple, size, limit_pfn, flags, pfn, ret, generation);
}

/*
 * What no cache takes, or none of the small classes. A range that the kernel's own
 * allocator does not cache is not cached on a driver's word: it has to be there,
 * and not in a cache already.
 */
static noinline bool free_other(struct iova_mt_maple *maple, unsigned long pfn,
				unsigned long size)
{
	struct iova_mt_span *span = NULL;

	if (iova_mt_cache_has_class(size) && !iova_mt_cache_is_small(size))
		span = iova_mt_space_park(&maple->space, pfn, size);
	if (!span)
		return iova_mt_space_free(&maple->space, pfn);
	if (!iova_mt_cache_put_large(&maple->cache, pfn, size, span))
		iova_mt_space_free_parked(&maple->space, pfn);
	return true;
}

/* Can it have been handed out? @size: of a small class */
static inline bool is_inside(const struct iova_mt_domain *domain,
			     unsigned long pfn, unsigned long size)
{
	return pfn - domain->start_pfn <=
	       IOVA_MT_HIGHEST_PFN - (size - 1) - domain->start_pfn;
}

static bool maple_free(struct iova_mt_domain *domain, unsigned long pfn,
		       unsigned long size)
{
	struct iova_mt_maple *maple = domain->priv;

	if (unlikely(!iova_mt_cache_is_small(size)) ||
	    unlikely(!is_inside(domain, pfn, size)) ||
	    unlikely(!iova_mt_cache_put(&maple->cache, pfn, size)))
		return free_other(maple, pfn, size);
	return true;
}

/*
 * As many ranges as all magazines can hold: others may put in new ones as fast as
 * these go, and interrupts may be off.
 */
static void flush_cache(struct iova_mt_maple *maple)
{
	iova_mt_cache_flush(&maple->cache, maple->cache.depot.pages_max);
}

static int maple_reserve(struct iova_mt_domain *domain, unsigned long first,
			 unsigned long last)
{
	struct iova_mt_maple *maple = domain->priv;

	/*
	 * What lies in a cache is nobody's, but looks live: it would come out of
	 * there again, from the middle of what is reserved. A range that is
	 * freed into a cache while this runs still can.
	 */
	flush_cache(maple);
	return iova_mt_space_reserve(&maple->space, first, last);
}

static int maple_find(struct iova_mt_domain *domain, unsigned long pfn,
		      struct iova_mt_range *range)
{
	struct iova_mt_maple *maple = domain->priv;

	return iova_mt_space_find(&maple->space, pfn, range);
}

static void maple_flush(struct iova_mt_domain *domain)
{
	struct iova_mt_maple *maple = domain->priv;

	flush_cache(maple);
	iova_mt_room_tidy(&maple->space.spans);
}

static int maple_next(struct iova_mt_domain *domain, unsigned long from,
		      struct iova_mt_range *range)
{
	struct iova_mt_maple *maple = domain->priv;

	return iova_mt_space_next(&maple->space, from, range);
}

static int maple_drain(struct iova_mt_domain *domain)
{
	struct iova_mt_maple *maple = domain->priv;

	return iova_mt_deferred_drain(&maple->space.deferred);
}

static void maple_backlog(struct iova_mt_domain *domain,
			  struct iova_mt_backlog *backlog)
{
	struct iova_mt_maple *maple = domain->priv;

	iova_mt_deferred_backlog(&maple->space.deferred, backlog);
}

static u64 maple_oldest_ms(struct iova_mt_domain *domain)
{
	struct iova_mt_maple *maple = domain->priv;

	return iova_mt_deferred_oldest_ms(&maple->space.deferred);
}

static const char *maple_deferral(struct iova_mt_domain *domain)
{
	struct iova_mt_maple *maple = domain->priv;

	return maple->space.deferred.way->name;
}

static void maple_counters(struct iova_mt_domain *domain, u64 *values)
{
	struct iova_mt_maple *maple = domain->priv;

	iova_mt_counters_sum(&maple->counters, values);
	iova_mt_cache_counters(&maple->cache, values);
}

static int maple_lock_stat(struct iova_mt_domain *domain,
			   struct iova_mt_lock_stat *stat)
{
	struct iova_mt_maple *maple = domain->priv;
	struct iova_mt_index *index = &maple->space.index;

	return iova_mt_lock_read(&index->lock, &index->tree.ma_lock, stat);
}

/* All but what a domain is made of. */
#define MAPLE_OPS				\
	.owner = THIS_MODULE,			\
	.counter_names = counter_names,		\
	.nr_counters = NR_MAPLE_COUNTERS,	\
	.stop = maple_stop,			\
	.destroy = maple_destroy,		\
	.alloc = maple_alloc,			\
	.free = maple_free,			\
	.reserve = maple_reserve,		\
	.find = maple_find,			\
	.flush = maple_flush,			\
	.next = maple_next,			\
	.drain = maple_drain,			\
	.backlog = maple_backlog,		\
	.oldest_ms = maple_oldest_ms,		\
	.deferral = maple_deferral,		\
	.counters = maple_counters,		\
	.lock_stat = maple_lock_stat

/* One entry for many small ranges. */
const struct iova_mt_ops iova_mt_maple_ops = {
	.name = "maple",
	.create = maple_create,
	MAPLE_OPS
};

/* An entry for each. */
const struct iova_mt_ops iova_mt_maple_plain_ops = {
	.name = "maple-plain",
	.create = maple_plain_create,
	MAPLE_OPS
};

/**
 * iova_mt_maple_init() - what all maple domains share
 *
 * Context: Process, may sleep.
 * Return: 0, -ENOMEM, or an error of CPU hotplug.
 */
int iova_mt_maple_init(void)
{
	int ret;

	ret = iova_mt_nodes_module_init();
	if (ret)
		return ret;
	ret = iova_mt_queue_module_init();
	if (ret)
		goto exit_nodes;
	ret = iova_mt_list_module_init();
	if (ret)
		goto exit_queue;
	ret = iova_mt_span_module_init();
	if (ret)
		goto exit_list;
	ret = iova_mt_windows_module_init();
	if (ret)
		goto exit_span;
	ret = iova_mt_cache_module_init();
	if (ret)
		goto exit_windows;
	return 0;

exit_windows:
	iova_mt_windows_module_exit();
exit_span:
	iova_mt_span_module_exit();
exit_list:
	iova_mt_list_module_exit();
exit_queue:
	iova_mt_queue_module_exit();
exit_nodes:
	iova_mt_nodes_module_exit();
	return ret;
}

/**
 * iova_mt_maple_exit() - undo iova_mt_maple_init()
 *
 * Context: Process, may sleep.
 */
void iova_mt_maple_exit(void)
{
	iova_mt_cache_module_exit();
	iova_mt_windows_module_exit();
	iova_mt_span_module_exit();
	iova_mt_list_module_exit();
	iova_mt_queue_module_exit();
	iova_mt_nodes_module_exit();
}
