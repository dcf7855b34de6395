// SPDX-License-Identifier: GPL-2.0
/*
 * Deferral by marker: the entry is swapped in place for a value that says so.
 *
 * After Jason Gunthorpe and Liam Howlett in the review of "iova: use maple tree
 * for O(log n) allocation" (2026), and seed 000. Needs no memory per range and
 * none to defer; adjacent markers are erased in one store.
 *
 * A swap needs no node and so cannot fail. Should that ever be wrong, the range
 * is remembered in a table of the domain, as an orphan: it looks live in the
 * tree, and everyone who looks there asks iova_mt_deferred_has_locked().
 *
 * Rules: every marker lies between the watermarks. A sweep looks at
 * IOVA_MT_HOLD_ENTRIES entries in a lock hold, live ones included, and takes up
 * again where the last one ended. At the high watermark it goes back to the low
 * one, which is at or below what was deferred behind it.
 *
 * Locks: the tree's lock.
 */
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/minmax.h>

#include "maple/counters.h"
#include "maple/deferred/deferral.h"
#include "maple/deferred/deferred.h"
#include "maple/tree/index.h"

static void *value_make(unsigned int domain_id, enum iova_mt_state state,
			unsigned long tag)
{
	return iova_mt_entry(state, tag);
}

static int mark_locked(struct iova_mt_deferred *deferred, unsigned long first,
		       unsigned long last)
{
	void *marker = iova_mt_entry(IOVA_MT_DEFERRED, ktime_to_ms(ktime_get()));

	iova_mt_index_assert_locked(deferred->index);
	return iova_mt_index_swap_locked(deferred->index, first, last, marker);
}

/* --- Orphans -------------------------------------------------------------- */

static int orphan_add_locked(struct iova_mt_deferred *deferred,
			     unsigned long first, unsigned long last)
{
	iova_mt_index_assert_locked(deferred->index);
	if (deferred->nr_orphans == IOVA_MT_ORPHANS)
		return -ENOSPC;
	deferred->orphans[deferred->nr_orphans].first = first;
	deferred->orphans[deferred->nr_orphans].last = last;
	deferred->nr_orphans++;
	iova_mt_count(deferred->counters, COUNTER_orphan);
	return 0;
}

static void orphan_remove_locked(struct iova_mt_deferred *deferred,
				 unsigned int i)
{
	iova_mt_index_assert_locked(deferred->index);
	deferred->orphans[i] = deferred->orphans[--deferred->nr_orphans];
}

/* Make it a marker after all, which a sweep may have gone past. */
static int orphan_mark_locked(struct iova_mt_deferred *deferred, unsigned int i)
{
	unsigned long first = deferred->orphans[i].first;
	unsigned long last = deferred->orphans[i].last;

	iova_mt_index_assert_locked(deferred->index);
	if (mark_locked(deferred, first, last))
		return -ENOMEM;
	iova_mt_deferred_widen_locked(deferred, first, last);
	orphan_remove_locked(deferred, i);
	return 0;
}

/* Erase them; those that cannot be erased become markers, late. */
static int orphans_sweep_locked(struct iova_mt_deferred *deferred,
				struct iova_mt_swept *swept)
{
	unsigned int i = deferred->nr_orphans;
	unsigned long first, last;

	iova_mt_index_assert_locked(deferred->index);
	while (i--) {
		first = deferred->orphans[i].first;
		last = deferred->orphans[i].last;
		if (iova_mt_index_erase_locked(deferred->index, first, last)) {
			orphan_mark_locked(deferred, i);
			continue;
		}
		swept->ranges++;
		swept->pages += last - first + 1;
		orphan_remove_locked(deferred, i);
	}
	return deferred->nr_orphans ? -ENOMEM : 0;
}

/* --- Passes --------------------------------------------------------------- */

static unsigned long pass_at_locked(struct iova_mt_deferred *deferred)
{
	iova_mt_index_assert_locked(deferred->index);
	if (deferred->sweep_at > deferred->high)
		deferred->sweep_at = deferred->low;
	return deferred->sweep_at;
}

/* There is no marker from where the pass was up to @pfn. */
static void pass_move_locked(struct iova_mt_deferred *deferred,
			     unsigned long pfn)
{
	iova_mt_index_assert_locked(deferred->index);
	if (deferred->low == deferred->sweep_at)
		deferred->low = pfn;
	deferred->sweep_at = pfn;
}

/* Return: false when nothing has been deferred behind the pass. */
static bool pass_end_locked(struct iova_mt_deferred *deferred)
{
	bool behind = deferred->low < deferred->sweep_at;

	iova_mt_index_assert_locked(deferred->index);
	deferred->sweep_at = deferred->low;
	deferred->passes++;
	return behind;
}

/* --- The table ------------------------------------------------------------ */

static int add_locked(struct iova_mt_deferred *deferred, unsigned long first,
		      unsigned long last, void *entry)
{
	iova_mt_index_assert_locked(deferred->index);
	if (likely(!mark_locked(deferred, first, last)))
		return 0;
	return orphan_add_locked(deferred, first, last);
}

static int reuse_locked(struct iova_mt_deferred *deferred, unsigned long first,
			unsigned long last, void *entry)
{
	iova_mt_index_assert_locked(deferred->index);
	return iova_mt_index_swap_locked(deferred->index, first, last,
					 iova_mt_entry(IOVA_MT_LIVE, 0));
}

/* What is left of a marker on either side is a marker of its own. */
static int overwrite_locked(struct iova_mt_deferred *deferred, unsigned long first,
			    unsigned long last, void *entry)
{
	unsigned int i;

	iova_mt_index_assert_locked(deferred->index);
	for (i = 0; i < deferred->nr_orphans; i++)
		if (deferred->orphans[i].first == first)
			return orphan_mark_locked(deferred, i) ?: -EAGAIN;
	return 0;
}

static int sweep_locked(struct iova_mt_deferred *deferred,
			struct iova_mt_swept *swept)
{
	struct iova_mt_run run;
	bool more = true;

	iova_mt_index_assert_locked(deferred->index);
	if (orphans_sweep_locked(deferred, swept))
		return -ENOMEM;
	if (deferred->ranges == swept->ranges)
		return 0;
	iova_mt_index_run_locked(deferred->index, pass_at_locked(deferred),
				 deferred->high, IOVA_MT_HOLD_ENTRIES, &run);
	iova_mt_count_add(deferred->counters, COUNTER_sweep_entry, run.looked);
	if (run.ranges) {
		if (iova_mt_index_erase_locked(deferred->index, run.first,
					       run.last)) {
			pass_move_locked(deferred, run.first);
			return -ENOMEM;
		}
		iova_mt_count(deferred->counters, COUNTER_sweep_store);
		swept->ranges += run.ranges;
		swept->pages += run.pages;
	}
	if (run.end)
		more = pass_end_locked(deferred);
	else
		pass_move_locked(deferred, run.next);
	if (deferred->ranges == swept->ranges)
		return 0;
	return WARN_ON_ONCE(!more) ? 0 : -EAGAIN;
}

const struct iova_mt_deferral iova_mt_deferral_marker = {
	.name = "marker",
	.entry = value_make,
	.add_locked = add_locked,
	.reuse_locked = reuse_locked,
	.overwrite_locked = overwrite_locked,
	.sweep_locked = sweep_locked,
};
