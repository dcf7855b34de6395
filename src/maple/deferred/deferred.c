// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred: the ranges that were freed but could not be erased.
 *
 * A free that gets no memory for its erase defers the range. How it is kept is
 * the affair of a struct iova_mt_deferral. Here ranges are counted, and swept: by
 * a worker with exponential backoff, by an allocation that finds no gap, or on
 * request.
 *
 * Rules: every deferred range lies between @low and @high. A sweep that gets no
 * memory ends; where it may sleep it waits for nodes first, outside of the lock,
 * and tries again. It ends after a bounded number of passes, too: what is
 * deferred meanwhile cannot keep it for ever.
 *
 * Locks: the tree's lock. Nothing is held around a whole sweep, so several may
 * run at once; each piece is consistent in itself, and all of them are pieces of
 * the same pass.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>

#include "base/trace.h"
#include "maple/counters.h"
#include "maple/deferred/deferral.h"
#include "maple/deferred/deferred.h"
#include "maple/tree/index.h"
#include "maple/tree/queue.h"

/* Lock holds that an allocation spends on a sweep. */
#define ALLOC_HOLDS	32
/*
 * And on a look at what the lack of memory has cost it: after a sweep of its own,
 * and while others have found out just now that there is none.
 */
#define STARVED_HOLDS	128
#define PAUSE_HOLDS	4
/* No second sweep by allocations this soon after one that got no memory. */
#define ALLOC_PAUSE_MS	10

/* The rest of the pass that is on, and one that sees all that is there now. */
#define SWEEP_PASSES	2

#define BACKOFF_MIN_MS	10
#define BACKOFF_MAX_MS	1000
/* Rounds without progress before a warning. */
#define WARN_ROUNDS	10

static bool empty_locked(const struct iova_mt_deferred *deferred)
{
	iova_mt_index_assert_locked(deferred->index);
	return !deferred->ranges;
}

/* Nothing is deferred. That is the end of a pass, too. */
static void watermarks_reset(struct iova_mt_deferred *deferred)
{
	deferred->low = ULONG_MAX;
	deferred->high = 0;
	deferred->sweep_at = ULONG_MAX;
	deferred->passes++;
}

/**
 * iova_mt_deferred_has_locked() - is this range deferred?
 * @deferred: the backlog
 * @entry: entry of a range in the index
 * @first: first pfn of the range
 *
 * What looks live need not be.
 *
 * Context: Any, under the tree's lock.
 * Return: true when it is.
 */
bool iova_mt_deferred_has_locked(const struct iova_mt_deferred *deferred,
				 const void *entry, unsigned long first)
{
	unsigned int i;

	iova_mt_index_assert_locked(deferred->index);
	if (iova_mt_entry_is_deferred(entry))
		return true;
	for (i = 0; i < deferred->nr_orphans; i++)
		if (deferred->orphans[i].first == first)
			return true;
	return false;
}

static void count_locked(struct iova_mt_deferred *deferred, unsigned long pages)
{
	iova_mt_index_assert_locked(deferred->index);
	deferred->ranges++;
	deferred->pages += pages;
	deferred->total++;
	deferred->total_pages += pages;
	deferred->highest_ranges = max(deferred->highest_ranges, deferred->ranges);
	deferred->highest_pages = max(deferred->highest_pages, deferred->pages);
}

/**
 * iova_mt_deferred_widen_locked() - move the watermarks apart for a range
 * @deferred: the backlog
 * @first: first pfn of a range that a sweep has to find
 * @last: last pfn
 *
 * The pass that is on goes on where it is: were it to begin again, a trickle of
 * ranges at the low end would keep it from ever getting to the high one.
 *
 * Context: Any, under the tree's lock.
 */
void iova_mt_deferred_widen_locked(struct iova_mt_deferred *deferred,
				   unsigned long first, unsigned long last)
{
	iova_mt_index_assert_locked(deferred->index);
	deferred->low = min(deferred->low, first);
	deferred->high = max(deferred->high, last);
	iova_mt_index_moved_locked(deferred->index);
}

/**
 * iova_mt_deferred_add_locked() - free a range that could not be erased
 * @deferred: the backlog
 * @first: first pfn of a live or reserved range
 * @last: last pfn
 * @entry: its entry
 *
 * Context: Any, under the tree's lock.
 */
void iova_mt_deferred_add_locked(struct iova_mt_deferred *deferred,
				 unsigned long first, unsigned long last,
				 void *entry)
{
	struct iova_mt_recent *recent;

	iova_mt_index_assert_locked(deferred->index);
	if (deferred->way->add_locked(deferred, first, last, entry)) {
		iova_mt_count(deferred->counters, COUNTER_lost);
		pr_err_once("domain %u: pages %#lx to %#lx are lost until the domain goes: no place to note them\n",
			    deferred->index->domain_id, first, last);
		return;
	}
	recent = iova_mt_recent_of(deferred->recent, last - first + 1);
	if (recent)
		iova_mt_recent_add(recent, first);
	iova_mt_deferred_widen_locked(deferred, first, last);
	count_locked(deferred, last - first + 1);
	trace_iova_mt_defer(deferred->index->domain_id, first, last,
			    deferred->ranges);
	queue_delayed_work(iova_mt_queue, &deferred->work, deferred->backoff);
}

/**
 * iova_mt_deferred_removed_locked() - ranges are deferred no more
 * @deferred: the backlog
 * @ranges: how many
 * @pages: pages in them
 *
 * Context: Any, under the tree's lock.
 */
void iova_mt_deferred_removed_locked(struct iova_mt_deferred *deferred,
				     unsigned long ranges, unsigned long pages)
{
	iova_mt_index_assert_locked(deferred->index);
	deferred->ranges -= ranges;
	deferred->pages -= pages;
	if (empty_locked(deferred))
		watermarks_reset(deferred);
}

/**
 * iova_mt_deferred_cut_locked() - pages of a marker have become something else
 * @deferred: the backlog
 * @marker_first: first pfn that the marker had
 * @marker_last: last pfn that the marker had
 * @first: first pfn that it lost
 * @last: last pfn that it lost
 *
 * What is left of the marker on either side is a marker of its own.
 *
 * Context: Any, under the tree's lock.
 */
void iova_mt_deferred_cut_locked(struct iova_mt_deferred *deferred,
				 unsigned long marker_first,
				 unsigned long marker_last,
				 unsigned long first, unsigned long last)
{
	iova_mt_index_assert_locked(deferred->index);
	deferred->ranges += (marker_first < first) + (marker_last > last);
	iova_mt_deferred_removed_locked(deferred, 1, last - first + 1);
}

/*
 * One piece of a sweep.
 * Return: 0 when nothing is left, -EAGAIN when there is more to do, -ENOMEM when
 * the sweep has to end.
 */
static int sweep_locked(struct iova_mt_deferred *deferred,
			enum iova_mt_drainer drainer, u64 *erased)
{
	struct iova_mt_swept swept = {};
	int ret;

	iova_mt_index_assert_locked(deferred->index);
	iova_mt_count(deferred->counters, COUNTER_sweep_hold);
	ret = deferred->way->sweep_locked(deferred, &swept);
	iova_mt_deferred_removed_locked(deferred, swept.ranges, swept.pages);
	if (swept.ranges)
		deferred->alloc_after = jiffies;
	deferred->drained[drainer] += swept.ranges;
	*erased += swept.ranges;
	return ret;
}

static int sweep(struct iova_mt_deferred *deferred,
		 enum iova_mt_drainer drainer, u64 *erased)
{
	unsigned long flags;
	int ret;

	iova_mt_index_lock(deferred->index, flags);
	ret = sweep_locked(deferred, drainer, erased);
	iova_mt_index_unlock(deferred->index, flags);
	return ret;
}

static void sweep_begin(struct iova_mt_deferred *deferred,
			enum iova_mt_drainer drainer)
{
	trace_iova_mt_sweep_begin(deferred->index->domain_id, drainer,
				  READ_ONCE(deferred->ranges));
}

/* The sweep has to be done again. Until then, allocations spare themselves it. */
static void starved_locked(struct iova_mt_deferred *deferred,
			   enum iova_mt_drainer drainer)
{
	iova_mt_index_assert_locked(deferred->index);
	deferred->retries++;
	deferred->alloc_after = jiffies + msecs_to_jiffies(ALLOC_PAUSE_MS);
	trace_iova_mt_retry(deferred->index->domain_id, drainer, deferred->low,
			    deferred->high, deferred->ranges);
}

static void sweep_end(struct iova_mt_deferred *deferred,
		      enum iova_mt_drainer drainer, u64 erased, int error)
{
	unsigned long flags;

	if (error == -ENOMEM) {
		iova_mt_index_lock(deferred->index, flags);
		starved_locked(deferred, drainer);
		iova_mt_index_unlock(deferred->index, flags);
	}
	trace_iova_mt_sweep_end(deferred->index->domain_id, drainer, erased,
				READ_ONCE(deferred->ranges), error);
}

static bool is_swept(const struct iova_mt_deferred *deferred, unsigned long begun)
{
	return READ_ONCE(deferred->passes) - begun >= SWEEP_PASSES ||
	       READ_ONCE(deferred->stopping);
}

/*
 * Sweep until nothing is left of what there is now. Without memory, wait for
 * nodes outside of the lock and go on with those: enough for one store at least.
 * When others have erased meanwhile, the nodes may be theirs: wait once more.
 *
 * Context: Process, may sleep. Return: 0 when nothing is left; -EAGAIN when what
 * is left has come since, or the domain goes; -ENOMEM.
 */
static int sweep_all(struct iova_mt_deferred *deferred,
		     enum iova_mt_drainer drainer, u64 *erased)
{
	unsigned long begun = READ_ONCE(deferred->passes);
	const unsigned long *erases = &deferred->index->erases;
	unsigned long before = READ_ONCE(*erases);
	bool filled = false;
	int ret;

	sweep_begin(deferred, drainer);
	do {
		ret = sweep(deferred, drainer, erased);
		filled &= READ_ONCE(*erases) == before;
		before = READ_ONCE(*erases);
		if (ret == -ENOMEM) {
			if (filled || READ_ONCE(deferred->stopping) ||
			    iova_mt_nodes_fill(&deferred->index->nodes))
				break;
			filled = true;
			ret = -EAGAIN;
		}
		cond_resched();
	} while (ret && !is_swept(deferred, begun));
	sweep_end(deferred, drainer, *erased, ret);
	return ret;
}

static bool is_paused(const struct iova_mt_deferred *deferred)
{
	return time_before(jiffies, READ_ONCE(deferred->alloc_after));
}

/**
 * iova_mt_deferred_sweep_for_alloc() - make room for an allocation
 * @deferred: the backlog
 * @wanted: what it asks for
 *
 * Ends after a bounded number of lock holds. The generation of the index tells
 * whether anything has been erased.
 *
 * Context: Any.
 * Return: 0, or -ENOMEM when there would be room, had there been memory. Among
 * very many ranges that may be missed.
 */
int iova_mt_deferred_sweep_for_alloc(struct iova_mt_deferred *deferred,
				     const struct iova_mt_wanted *wanted)
{
	unsigned int holds = ALLOC_HOLDS;
	int ret = -EAGAIN;
	u64 erased = 0;

	if (!READ_ONCE(deferred->ranges))
		return 0;
	if (is_paused(deferred))
		return iova_mt_deferred_would_fit(deferred, wanted, PAUSE_HOLDS) ?
		       -ENOMEM : 0;
	sweep_begin(deferred, IOVA_MT_DRAIN_ALLOC);
	while (holds-- && ret == -EAGAIN)
		ret = sweep(deferred, IOVA_MT_DRAIN_ALLOC, &erased);
	sweep_end(deferred, IOVA_MT_DRAIN_ALLOC, erased, ret);
	if (ret != -ENOMEM)
		return 0;
	return iova_mt_deferred_would_fit(deferred, wanted, STARVED_HOLDS) ?
	       -ENOMEM : 0;
}

/**
 * iova_mt_deferred_drain() - erase all that is deferred now
 * @deferred: the backlog
 *
 * What is deferred while it runs may be left, and is the worker's.
 *
 * Context: Process, may sleep.
 * Return: 0, or -ENOMEM when some is left for lack of memory.
 */
int iova_mt_deferred_drain(struct iova_mt_deferred *deferred)
{
	u64 erased = 0;
	int ret = sweep_all(deferred, IOVA_MT_DRAIN_REQUEST, &erased);

	if (ret == -EAGAIN)
		ret = 0;
	trace_iova_mt_drain(deferred->index->domain_id, ret);
	return ret;
}

/* Progress sets the backoff back, so that recovery is as quick as can be. */
static void round_end_locked(struct iova_mt_deferred *deferred, bool progress)
{
	iova_mt_index_assert_locked(deferred->index);
	if (progress) {
		deferred->failed_rounds = 0;
		deferred->backoff = msecs_to_jiffies(BACKOFF_MIN_MS);
		return;
	}
	deferred->failed_rounds++;
	deferred->backoff = min(deferred->backoff * 2,
				msecs_to_jiffies(BACKOFF_MAX_MS));
}

/* Once a domain, and once again only after everything had been erased. */
static bool warning_due_locked(struct iova_mt_deferred *deferred)
{
	iova_mt_index_assert_locked(deferred->index);
	if (empty_locked(deferred))
		deferred->warned = false;
	return !deferred->warned && deferred->failed_rounds >= WARN_ROUNDS;
}

/*
 * Many domains may be without memory at once: what the limit holds back is due
 * again in the next round, so that each of them is named.
 */
static void warn_limited(struct iova_mt_deferred *deferred,
			 unsigned long ranges, unsigned long pages)
{
	/* Silent about what it holds back. */
	static struct ratelimit_state warnings =
		RATELIMIT_STATE_INIT_FLAGS(warnings, 5 * HZ, 10,
					   RATELIMIT_MSG_ON_RELEASE);

	if (!__ratelimit(&warnings))
		return;
	pr_warn("domain %u: no memory to erase %lu freed ranges (%lu pages) in %u rounds, trying on\n",
		deferred->index->domain_id, ranges, pages, WARN_ROUNDS);
	deferred->warned = true;
}

static void work_fn(struct work_struct *work)
{
	struct iova_mt_deferred *deferred =
		container_of(to_delayed_work(work), struct iova_mt_deferred, work);
	struct iova_mt_index *index = deferred->index;
	unsigned long flags, ranges, pages, backoff;
	u64 erased = 0;
	bool warn;
	int ret = sweep_all(deferred, IOVA_MT_DRAIN_WORKER, &erased);

	iova_mt_index_lock(index, flags);
	deferred->rounds++;
	round_end_locked(deferred, ret != -ENOMEM || erased);
	warn = warning_due_locked(deferred);
	ranges = deferred->ranges;
	pages = deferred->pages;
	backoff = deferred->backoff;
	iova_mt_index_unlock(index, flags);

	if (warn)
		warn_limited(deferred, ranges, pages);
	if (ret)
		queue_delayed_work(iova_mt_queue, &deferred->work, backoff);
}

/**
 * iova_mt_deferred_init() - make an empty backlog
 * @deferred: the backlog
 * @way: how ranges are deferred, for life
 * @index: where the ranges are
 * @counters: where to count
 *
 * Context: Any.
 */
void iova_mt_deferred_init(struct iova_mt_deferred *deferred,
			   const struct iova_mt_deferral *way,
			   struct iova_mt_index *index,
			   const struct iova_mt_counters *counters)
{
	*deferred = (struct iova_mt_deferred){
		.way = way,
		.index = index,
		.counters = counters,
		.backoff = msecs_to_jiffies(BACKOFF_MIN_MS),
		.alloc_after = jiffies,
	};
	watermarks_reset(deferred);
	INIT_DELAYED_WORK(&deferred->work, work_fn);
}

/**
 * iova_mt_deferred_stop() - stop the worker
 * @deferred: the backlog, which nobody adds to any more
 *
 * Context: Process, may sleep. Waits for one piece of a sweep, not for all.
 */
void iova_mt_deferred_stop(struct iova_mt_deferred *deferred)
{
	WRITE_ONCE(deferred->stopping, true);
	cancel_delayed_work_sync(&deferred->work);
}

/**
 * iova_mt_deferred_destroy() - stop the worker, free what belongs to the entries
 * @deferred: the backlog, which nobody adds to any more
 *
 * What is still deferred goes with the tree, which goes next.
 *
 * Context: Process, may sleep.
 */
void iova_mt_deferred_destroy(struct iova_mt_deferred *deferred)
{
	iova_mt_deferred_stop(deferred);
	if (deferred->way->discard)
		deferred->way->discard(deferred);
}
