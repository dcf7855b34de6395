/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The index: which pfns are taken, as ranges in a maple tree.
 */
#ifndef _IOVA_MT_INDEX_H
#define _IOVA_MT_INDEX_H

#include <linux/lockdep.h>
#include <linux/maple_tree.h>
#include <linux/types.h>

#include <iova_mt/iova_mt.h>

#include "base/lock.h"
#include "maple/tree/entry.h"
#include "maple/tree/nodes.h"
#include "maple/tree/refusal.h"

struct iova_mt_counters;

/**
 * struct iova_mt_index - the ranges of a domain
 * @tree: the entries; its internal lock protects everything here and in the
 *	struct iova_mt_deferred beside it. Taken with interrupts off: frees come
 *	from hardirq. Nothing is taken inside it but what slab and workqueue
 *	take.
 * @lock: what was measured of that lock
 * @nodes: where the nodes of @tree come from
 * @start_pfn: lowest pfn that is handed out, constant
 * @domain_id: of the domain, for messages and fault points, constant
 * @erases: erases so far; a search that saw it change cannot say "none"
 * @refusals: what searches have not found
 * @counters: the domain's
 */
struct iova_mt_index {
	struct maple_tree tree;
	struct iova_mt_lock lock;
	struct iova_mt_nodes nodes;
	unsigned long start_pfn;
	unsigned int domain_id;
	unsigned long erases;
	struct iova_mt_refusals refusals;
	const struct iova_mt_counters *counters;
};

/**
 * struct iova_mt_run - markers with nothing but free pages between them
 * @first: first pfn
 * @last: last pfn
 * @ranges: how many markers, 0 when none was found
 * @pages: pages in them
 * @oldest: the earliest of their tags
 * @next: where to go on: there is no other marker below
 * @looked: entries that were looked at
 * @end: there is no other marker at all
 */
struct iova_mt_run {
	unsigned long first;
	unsigned long last;
	unsigned long ranges;
	unsigned long pages;
	unsigned long oldest;
	unsigned long next;
	unsigned int looked;
	bool end;
};

/**
 * struct iova_mt_match - a marker that an allocation can take over
 * @size: pages, exactly
 * @order: alignment, as a power of two of pages
 * @limit: highest pfn
 * @first: first pfn of the marker
 * @entry: its entry
 * @next: where to go on when none was found
 * @end: there is no other marker
 */
struct iova_mt_match {
	unsigned long size;
	unsigned int order;
	unsigned long limit;
	unsigned long first;
	void *entry;
	unsigned long next;
	bool end;
};

#define iova_mt_index_lock(_index, _flags) \
	((_flags) = iova_mt_lock_take(&(_index)->lock, &(_index)->tree.ma_lock))
#define iova_mt_index_unlock(_index, _flags) \
	iova_mt_lock_release(&(_index)->lock, &(_index)->tree.ma_lock, _flags)
#define iova_mt_index_assert_locked(_index) \
	lockdep_assert_held(&(_index)->tree.ma_lock)

void iova_mt_index_init(struct iova_mt_index *index, unsigned long start_pfn,
			const struct iova_mt_counters *counters,
			unsigned int domain_id);
void iova_mt_index_destroy(struct iova_mt_index *index);

int iova_mt_index_insert_locked(struct iova_mt_index *index,
				unsigned long first, unsigned long last,
				void *entry);
int iova_mt_index_erase_locked(struct iova_mt_index *index,
			       unsigned long first, unsigned long last);
int iova_mt_index_swap_locked(struct iova_mt_index *index, unsigned long first,
			      unsigned long last, void *entry);
void *iova_mt_index_load_locked(struct iova_mt_index *index, unsigned long pfn,
				unsigned long *first, unsigned long *last);
void *iova_mt_index_next_locked(struct iova_mt_index *index, unsigned long from,
				struct iova_mt_range *range);
void iova_mt_index_run_locked(struct iova_mt_index *index, unsigned long from,
			      unsigned long max, unsigned int budget,
			      struct iova_mt_run *run);
bool iova_mt_index_match_locked(struct iova_mt_index *index, unsigned long from,
				unsigned long max, unsigned int budget,
				struct iova_mt_match *match);

#endif /* _IOVA_MT_INDEX_H */
