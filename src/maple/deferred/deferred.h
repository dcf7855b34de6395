/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred: the ranges that were freed but could not be erased.
 */
#ifndef _IOVA_MT_DEFERRED_H
#define _IOVA_MT_DEFERRED_H

#include <linux/llist.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <iova_mt/ops.h>

#include "maple/deferred/recent.h"

struct iova_mt_counters;
struct iova_mt_deferral;
struct iova_mt_index;
struct iova_mt_wanted;

/* Entries that are looked at in one lock hold: a few us. */
#define IOVA_MT_HOLD_ENTRIES	64

/* Ranges that can be noted when not even a swap goes through. */
#define IOVA_MT_ORPHANS		64

/**
 * struct iova_mt_orphan - a deferred range that looks live
 * @first: first pfn
 * @last: last pfn
 */
struct iova_mt_orphan {
	unsigned long first;
	unsigned long last;
};

/**
 * enum iova_mt_drainer - who sweeps
 * @IOVA_MT_DRAIN_WORKER: the worker
 * @IOVA_MT_DRAIN_ALLOC: an allocation that found no gap
 * @IOVA_MT_DRAIN_REQUEST: somebody who asked for it
 * @IOVA_MT_NR_DRAINERS: how many there are
 */
enum iova_mt_drainer {
	IOVA_MT_DRAIN_WORKER,
	IOVA_MT_DRAIN_ALLOC,
	IOVA_MT_DRAIN_REQUEST,
	IOVA_MT_NR_DRAINERS,
};

/**
 * struct iova_mt_deferred - the backlog of a domain
 * @way: how ranges are deferred
 * @index: where they are; its lock protects all but @work, @warned and the head
 *	of @list
 * @counters: the domain's
 * @low: no deferred range is below
 * @high: none is above
 * @sweep_at: of the markers: where the next piece of a pass begins; above @high,
 *	it is where a pass begins: at @low. One that is deferred behind it waits
 *	for the next pass, and @low is below it then; else they move up together
 * @passes: ends of a pass so far, each of which has seen all that was deferred
 *	when it began
 * @ranges: deferred now
 * @pages: pages in them
 * @highest_ranges: most ranges ever
 * @highest_pages: most pages ever
 * @total: ranges ever deferred
 * @total_pages: pages in them
 * @drained: ranges erased, by whom
 * @taken: ranges that allocations took over whole
 * @reuse_from: where the last search for one ended
 * @recent: per size rounded up to a power of two, those deferred last
 * @rounds: sweeps begun by the worker
 * @retries: sweeps that ended for lack of memory
 * @failed_rounds: rounds in a row without progress
 * @warned: the log has been told, and the backlog has not been empty since; of
 *	@work alone
 * @backoff: wait before the worker's next round, jiffies
 * @alloc_after: allocations do not sweep before this time, jiffies: the last
 *	sweep got no memory, and none has erased anything since
 * @stopping: the domain goes: no sweep takes another piece
 * @work: the worker
 * @orphans: of the markers: ranges that have none
 * @nr_orphans: how many
 * @list: of the list: records that came in
 * @batch: of the list: records that are looked at next
 */
struct iova_mt_deferred {
	const struct iova_mt_deferral *way;
	struct iova_mt_index *index;
	const struct iova_mt_counters *counters;
	unsigned long low;
	unsigned long high;
	unsigned long sweep_at;
	unsigned long passes;
	unsigned long ranges;
	unsigned long pages;
	unsigned long highest_ranges;
	unsigned long highest_pages;
	u64 total;
	u64 total_pages;
	u64 drained[IOVA_MT_NR_DRAINERS];
	u64 taken;
	unsigned long reuse_from;
	struct iova_mt_recent recent[IOVA_MT_RECENT_ORDERS];
	u64 rounds;
	u64 retries;
	unsigned int failed_rounds;
	bool warned;
	unsigned long backoff;
	unsigned long alloc_after;
	bool stopping;
	struct delayed_work work;
	struct iova_mt_orphan orphans[IOVA_MT_ORPHANS];
	unsigned int nr_orphans;
	struct llist_head list;
	struct llist_head batch;
};

void iova_mt_deferred_init(struct iova_mt_deferred *deferred,
			   const struct iova_mt_deferral *way,
			   struct iova_mt_index *index,
			   const struct iova_mt_counters *counters);
void iova_mt_deferred_stop(struct iova_mt_deferred *deferred);
void iova_mt_deferred_destroy(struct iova_mt_deferred *deferred);

bool iova_mt_deferred_has_locked(const struct iova_mt_deferred *deferred,
				 const void *entry, unsigned long first);
void iova_mt_deferred_add_locked(struct iova_mt_deferred *deferred,
				 unsigned long first, unsigned long last,
				 void *entry);
void iova_mt_deferred_widen_locked(struct iova_mt_deferred *deferred,
				   unsigned long first, unsigned long last);
void iova_mt_deferred_removed_locked(struct iova_mt_deferred *deferred,
				     unsigned long ranges, unsigned long pages);
void iova_mt_deferred_cut_locked(struct iova_mt_deferred *deferred,
				 unsigned long marker_first,
				 unsigned long marker_last,
				 unsigned long first, unsigned long last);
int iova_mt_deferred_sweep_for_alloc(struct iova_mt_deferred *deferred,
				     const struct iova_mt_wanted *wanted);
bool iova_mt_deferred_would_fit(struct iova_mt_deferred *deferred,
				const struct iova_mt_wanted *wanted,
				unsigned int holds);
int iova_mt_deferred_drain(struct iova_mt_deferred *deferred);
void iova_mt_deferred_backlog(struct iova_mt_deferred *deferred,
			      struct iova_mt_backlog *backlog);
u64 iova_mt_deferred_oldest_ms(struct iova_mt_deferred *deferred);

#endif /* _IOVA_MT_DEFERRED_H */
