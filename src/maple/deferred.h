/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferred: the ranges that were freed but could not be erased.
 */
#ifndef _IOVA_MT_DEFERRED_H
#define _IOVA_MT_DEFERRED_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include <iova_mt/ops.h>

struct iova_mt_counters;
struct iova_mt_index;

/* Entries that are looked at in one lock hold: a few us. */
#define IOVA_MT_HOLD_ENTRIES	64

/* Sizes up to 2^(this - 1) pages are remembered. */
#define IOVA_MT_RECENT		12

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
 * @index: where the markers are; its lock protects all but @work
 * @counters: the domain's
 * @domain_id: for messages
 * @low: no marker is below; a sweep begins here and moves it up
 * @high: no marker is above
 * @ranges: markers now
 * @pages: pages in them
 * @highest_ranges: most markers ever
 * @highest_pages: most pages ever
 * @total: ranges ever deferred
 * @total_pages: pages in them
 * @drained: ranges erased, by whom
 * @taken: markers that allocations took over whole
 * @take_from: where the last search for one ended
 * @recent: per size rounded up to a power of two, the marker made last
 * @rounds: sweeps begun by the worker
 * @retries: sweeps that ended for lack of memory
 * @failed_rounds: rounds in a row without progress
 * @warned: the log has been told, and the backlog has not been empty since
 * @backoff: wait before the worker's next round, jiffies
 * @alloc_after: allocations do not sweep before this time, jiffies: the last
 *	sweep got no memory
 * @work: the worker
 */
struct iova_mt_deferred {
	struct iova_mt_index *index;
	const struct iova_mt_counters *counters;
	unsigned int domain_id;
	unsigned long low;
	unsigned long high;
	unsigned long ranges;
	unsigned long pages;
	unsigned long highest_ranges;
	unsigned long highest_pages;
	u64 total;
	u64 total_pages;
	u64 drained[IOVA_MT_NR_DRAINERS];
	u64 taken;
	unsigned long take_from;
	unsigned long recent[IOVA_MT_RECENT];
	u64 rounds;
	u64 retries;
	unsigned int failed_rounds;
	bool warned;
	unsigned long backoff;
	unsigned long alloc_after;
	struct delayed_work work;
};

int iova_mt_deferred_module_init(void);
void iova_mt_deferred_module_exit(void);

void iova_mt_deferred_init(struct iova_mt_deferred *deferred,
			   struct iova_mt_index *index,
			   const struct iova_mt_counters *counters,
			   unsigned int domain_id);
void iova_mt_deferred_destroy(struct iova_mt_deferred *deferred);

void iova_mt_deferred_add_locked(struct iova_mt_deferred *deferred,
				 unsigned long first, unsigned long last);
void iova_mt_deferred_cut_locked(struct iova_mt_deferred *deferred,
				 unsigned long marker_first,
				 unsigned long marker_last,
				 unsigned long first, unsigned long last);
bool iova_mt_deferred_sweep_for_alloc(struct iova_mt_deferred *deferred);
int iova_mt_deferred_drain(struct iova_mt_deferred *deferred);
void iova_mt_deferred_backlog(struct iova_mt_deferred *deferred,
			      struct iova_mt_backlog *backlog);

#endif /* _IOVA_MT_DEFERRED_H */
