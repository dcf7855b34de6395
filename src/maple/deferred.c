// SPDX-License-Identifier: GPL-2.0
/*
 * Deferred: the ranges that were freed but could not be erased.
 *
 * A free that gets no memory for its erase leaves a marker in the tree. Here
 * markers are counted, and swept: by a worker with exponential backoff, by an
 * allocation that finds no gap, or on request. A sweep erases a run of markers
 * with one store.
 *
 * Rules: every marker lies between @low and @high. A sweep looks at
 * IOVA_MT_HOLD_ENTRIES entries in a lock hold, live ones included, and takes up again
 * at @low. A sweep that gets no memory ends.
 *
 * Locks: the tree's lock. Nothing is held around a whole sweep, so several may
 * run at once; each piece is consistent in itself.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "maple/counters.h"
#include "maple/deferred.h"
#include "maple/index.h"
#include "maple/reuse.h"

/* Lock holds that an allocation spends on a sweep. */
#define ALLOC_HOLDS	32
/* No second sweep by allocations this soon after one that got no memory. */
#define ALLOC_PAUSE_MS	10

#define BACKOFF_MIN_MS	10
#define BACKOFF_MAX_MS	1000
/* Rounds without progress before a warning. */
#define WARN_ROUNDS	10

/* DMA mapping is on the reclaim path. */
static struct workqueue_struct *queue;

static bool empty_locked(const struct iova_mt_deferred *deferred)
{
	return !deferred->ranges;
}

static void watermarks_reset_locked(struct iova_mt_deferred *deferred)
{
	deferred->low = ULONG_MAX;
	deferred->high = 0;
}

static void *marker(void)
{
	return iova_mt_entry(IOVA_MT_DEFERRED, ktime_to_ms(ktime_get()));
}

/**
 * iova_mt_deferred_add_locked() - free a range that could not be erased
 * @deferred: the backlog
 * @first: first pfn of a live or reserved range
 * @last: last pfn
 *
 * Context: Any, under the tree's lock.
 */
void iova_mt_deferred_add_locked(struct iova_mt_deferred *deferred,
				 unsigned long first, unsigned long last)
{
	iova_mt_index_assert_locked(deferred->index);

	/* A value swap needs no memory: this cannot happen. */
	if (WARN_ON_ONCE(iova_mt_index_swap_locked(deferred->index, first, last,
						   marker())))
		return;

	iova_mt_reuse_note_locked(deferred, first, last);
	deferred->low = min(deferred->low, first);
	deferred->high = max(deferred->high, last);
	deferred->ranges++;
	deferred->pages += last - first + 1;
	deferred->total++;
	deferred->total_pages += last - first + 1;
	deferred->highest_ranges = max(deferred->highest_ranges, deferred->ranges);
	deferred->highest_pages = max(deferred->highest_pages, deferred->pages);
	queue_delayed_work(queue, &deferred->work, deferred->backoff);
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

	deferred->pages -= last - first + 1;
	deferred->ranges--;
	deferred->ranges += (marker_first < first) + (marker_last > last);
	if (empty_locked(deferred))
		watermarks_reset_locked(deferred);
}

/*
 * One piece of a sweep.
 * Return: 0 when the backlog is empty, -EAGAIN when there is more to do,
 * -ENOMEM when the sweep has to end.
 */
static int sweep_locked(struct iova_mt_deferred *deferred,
			enum iova_mt_drainer drainer)
{
	struct iova_mt_run run;

	iova_mt_index_assert_locked(deferred->index);
	if (empty_locked(deferred))
		return 0;

	iova_mt_count(deferred->counters, COUNTER_sweep_hold);
	iova_mt_index_run_locked(deferred->index, deferred->low, deferred->high,
				 IOVA_MT_HOLD_ENTRIES, &run);
	if (run.ranges) {
		if (iova_mt_index_erase_locked(deferred->index, run.first,
					       run.last)) {
			deferred->low = run.first;
			deferred->retries++;
			deferred->alloc_after = jiffies +
				msecs_to_jiffies(ALLOC_PAUSE_MS);
			return -ENOMEM;
		}
		iova_mt_count(deferred->counters, COUNTER_sweep_store);
		deferred->ranges -= run.ranges;
		deferred->pages -= run.pages;
		deferred->drained[drainer] += run.ranges;
	}
	deferred->low = run.next;
	if (!empty_locked(deferred))
		return WARN_ON_ONCE(run.end) ? 0 : -EAGAIN;
	watermarks_reset_locked(deferred);
	return 0;
}

static int sweep(struct iova_mt_deferred *deferred,
		 enum iova_mt_drainer drainer)
{
	unsigned long flags;
	int ret;

	iova_mt_index_lock(deferred->index, flags);
	ret = sweep_locked(deferred, drainer);
	iova_mt_index_unlock(deferred->index, flags);
	return ret;
}

/* Context: Process. Return: 0 or -ENOMEM. */
static int sweep_all(struct iova_mt_deferred *deferred,
		     enum iova_mt_drainer drainer)
{
	int ret;

	do {
		ret = sweep(deferred, drainer);
		cond_resched();
	} while (ret == -EAGAIN);
	return ret;
}

/**
 * iova_mt_deferred_sweep_for_alloc() - make room for an allocation
 * @deferred: the backlog
 *
 * Ends after a bounded number of lock holds.
 *
 * Context: Any.
 * Return: true when ranges were erased, so that it is worth to try again.
 */
bool iova_mt_deferred_sweep_for_alloc(struct iova_mt_deferred *deferred)
{
	u64 before = READ_ONCE(deferred->drained[IOVA_MT_DRAIN_ALLOC]);
	unsigned int holds = ALLOC_HOLDS;

	if (!READ_ONCE(deferred->ranges) ||
	    time_before(jiffies, READ_ONCE(deferred->alloc_after)))
		return false;
	while (holds-- && sweep(deferred, IOVA_MT_DRAIN_ALLOC) == -EAGAIN)
		;
	return READ_ONCE(deferred->drained[IOVA_MT_DRAIN_ALLOC]) != before;
}

/**
 * iova_mt_deferred_drain() - sweep until nothing is left
 * @deferred: the backlog
 *
 * Context: Process, may sleep.
 * Return: 0, or -ENOMEM when some is left for lack of memory.
 */
int iova_mt_deferred_drain(struct iova_mt_deferred *deferred)
{
	return sweep_all(deferred, IOVA_MT_DRAIN_REQUEST);
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

/* Once, and once again only after everything had been erased. */
static bool warning_due_locked(struct iova_mt_deferred *deferred)
{
	iova_mt_index_assert_locked(deferred->index);
	if (empty_locked(deferred))
		deferred->warned = false;
	if (deferred->warned || deferred->failed_rounds < WARN_ROUNDS)
		return false;
	deferred->warned = true;
	return true;
}

static void work_fn(struct work_struct *work)
{
	struct iova_mt_deferred *deferred =
		container_of(to_delayed_work(work), struct iova_mt_deferred, work);
	struct iova_mt_index *index = deferred->index;
	unsigned long flags, ranges, pages, backoff;
	bool warn;
	u64 before;
	int ret;

	iova_mt_index_lock(index, flags);
	deferred->rounds++;
	before = deferred->drained[IOVA_MT_DRAIN_WORKER];
	iova_mt_index_unlock(index, flags);

	ret = sweep_all(deferred, IOVA_MT_DRAIN_WORKER);

	iova_mt_index_lock(index, flags);
	round_end_locked(deferred, !ret ||
			 deferred->drained[IOVA_MT_DRAIN_WORKER] != before);
	warn = warning_due_locked(deferred);
	ranges = deferred->ranges;
	pages = deferred->pages;
	backoff = deferred->backoff;
	iova_mt_index_unlock(index, flags);

	if (warn)
		pr_warn("domain %u: no memory to erase %lu freed ranges (%lu pages) in %u rounds, trying on\n",
			deferred->domain_id, ranges, pages, WARN_ROUNDS);
	if (ret)
		queue_delayed_work(queue, &deferred->work, backoff);
}

/* Context: Process. Return: age of the oldest marker in ms, 0 if there is none. */
static u64 oldest_ms(struct iova_mt_deferred *deferred)
{
	unsigned long now = ktime_to_ms(ktime_get());
	struct iova_mt_index *index = deferred->index;
	unsigned long oldest = now;
	struct iova_mt_run run;
	unsigned long flags, pos, high;

	iova_mt_index_lock(index, flags);
	pos = deferred->low;
	high = deferred->high;
	iova_mt_index_unlock(index, flags);

	for (run.end = pos > high; !run.end; pos = run.next) {
		iova_mt_index_lock(index, flags);
		iova_mt_index_run_locked(index, pos, high, IOVA_MT_HOLD_ENTRIES, &run);
		if (run.ranges)
			oldest = min(oldest, run.oldest);
		iova_mt_index_unlock(index, flags);
		cond_resched();
	}
	return now - oldest;
}

/**
 * iova_mt_deferred_backlog() - read the backlog
 * @deferred: the backlog
 * @backlog: where to
 *
 * Context: Process. The age of the oldest costs a walk over the backlog, in
 * short lock holds.
 */
void iova_mt_deferred_backlog(struct iova_mt_deferred *deferred,
			      struct iova_mt_backlog *backlog)
{
	u64 oldest = oldest_ms(deferred);
	unsigned long flags;

	iova_mt_index_lock(deferred->index, flags);
	*backlog = (struct iova_mt_backlog){
		.pending_ranges = deferred->ranges,
		.pending_pages = deferred->pages,
		.highest_ranges = deferred->highest_ranges,
		.highest_pages = deferred->highest_pages,
		.total_deferred = deferred->total,
		.total_pages = deferred->total_pages,
		.rounds = deferred->rounds,
		.retries = deferred->retries,
		.drained_by_worker = deferred->drained[IOVA_MT_DRAIN_WORKER],
		.drained_by_alloc = deferred->drained[IOVA_MT_DRAIN_ALLOC],
		.drained_by_request = deferred->drained[IOVA_MT_DRAIN_REQUEST],
		.taken_over = deferred->taken,
		.oldest_ms = deferred->ranges ? oldest : 0,
		.backoff_ms = deferred->ranges ?
			jiffies_to_msecs(deferred->backoff) : 0,
	};
	iova_mt_index_unlock(deferred->index, flags);
}

/**
 * iova_mt_deferred_init() - make an empty backlog
 * @deferred: the backlog
 * @index: where the markers are
 * @counters: where to count
 * @domain_id: for messages
 *
 * Context: Any.
 */
void iova_mt_deferred_init(struct iova_mt_deferred *deferred,
			   struct iova_mt_index *index,
			   const struct iova_mt_counters *counters,
			   unsigned int domain_id)
{
	*deferred = (struct iova_mt_deferred){
		.index = index,
		.counters = counters,
		.domain_id = domain_id,
		.backoff = msecs_to_jiffies(BACKOFF_MIN_MS),
		.alloc_after = jiffies,
	};
	watermarks_reset_locked(deferred);
	INIT_DELAYED_WORK(&deferred->work, work_fn);
}

/**
 * iova_mt_deferred_destroy() - stop the worker
 * @deferred: the backlog, which nobody adds to any more
 *
 * What is still deferred goes with the tree.
 *
 * Context: Process, may sleep.
 */
void iova_mt_deferred_destroy(struct iova_mt_deferred *deferred)
{
	cancel_delayed_work_sync(&deferred->work);
}

/**
 * iova_mt_deferred_module_init() - make the workers' queue
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_deferred_module_init(void)
{
	queue = alloc_workqueue("iova_mt", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	return queue ? 0 : -ENOMEM;
}

/**
 * iova_mt_deferred_module_exit() - undo iova_mt_deferred_module_init()
 *
 * Context: Process, may sleep.
 */
void iova_mt_deferred_module_exit(void)
{
	destroy_workqueue(queue);
}
