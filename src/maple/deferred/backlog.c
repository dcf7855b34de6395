// SPDX-License-Identifier: GPL-2.0
/*
 * The backlog as others see it: its numbers, how old it is, and what would fit
 * where it is.
 *
 * Locks: the tree's, for a bounded number of entries at a time.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "maple/deferred/deferred.h"
#include "maple/tree/index.h"

/**
 * iova_mt_deferred_oldest_ms() - how old is the oldest deferred range?
 * @deferred: the backlog
 *
 * Costs a walk over the backlog, in short lock holds.
 *
 * Context: Process, may sleep.
 * Return: its age in ms, 0 when there is none.
 */
u64 iova_mt_deferred_oldest_ms(struct iova_mt_deferred *deferred)
{
	unsigned long now = ktime_to_ms(ktime_get()), oldest = now;
	struct iova_mt_index *index = deferred->index;
	unsigned long flags, pos, high;
	struct iova_mt_run run;

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
 * @backlog: where to; all but the age of the oldest
 *
 * Context: Process.
 */
void iova_mt_deferred_backlog(struct iova_mt_deferred *deferred,
			      struct iova_mt_backlog *backlog)
{
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
		.backoff_ms = deferred->ranges ?
			jiffies_to_msecs(deferred->backoff) : 0,
	};
	iova_mt_index_unlock(deferred->index, flags);
}

/* From the gap below the first deferred range on. */
static void stretch_begin_locked(const struct iova_mt_deferred *deferred,
				 struct iova_mt_stretch *stretch)
{
	struct iova_mt_index *index = deferred->index;
	unsigned long first, last;

	iova_mt_index_assert_locked(index);
	stretch->first = max(deferred->low, index->start_pfn);
	stretch->next = deferred->low;
	stretch->end = !deferred->ranges;
	if (!stretch->end && deferred->low > index->start_pfn &&
	    !iova_mt_index_load_locked(index, deferred->low - 1, &first, &last))
		stretch->first = max(first, index->start_pfn);
}

/**
 * iova_mt_deferred_would_fit() - would there be room, if all were erased?
 * @deferred: the backlog
 * @wanted: for what
 * @holds: lock holds to spend on that, at least 1
 *
 * Context: Any.
 * Return: true when there would; false also when @holds were too few to see it.
 */
bool iova_mt_deferred_would_fit(struct iova_mt_deferred *deferred,
				const struct iova_mt_wanted *wanted,
				unsigned int holds)
{
	struct iova_mt_stretch stretch;
	bool begun = false, fits;
	unsigned long flags;

	do {
		iova_mt_index_lock(deferred->index, flags);
		if (!begun)
			stretch_begin_locked(deferred, &stretch);
		begun = true;
		fits = iova_mt_index_stretch_locked(deferred->index, wanted,
						    min(deferred->high,
							wanted->limit),
						    IOVA_MT_HOLD_ENTRIES,
						    &stretch);
		iova_mt_index_unlock(deferred->index, flags);
	} while (!fits && !stretch.end && --holds);
	return fits;
}
