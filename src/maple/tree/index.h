/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The index: which pfns are taken, as ranges in a maple tree.
 */
#ifndef _IOVA_MT_INDEX_H
#define _IOVA_MT_INDEX_H

#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/lockdep.h>
#include <linux/maple_tree.h>
#include <linux/types.h>

#include <iova_mt/iova_mt.h>

#include "base/lock.h"
#include "maple/tree/entry.h"
#include "maple/tree/nodes.h"
#include "maple/tree/refusal.h"

struct iova_mt_counters;

/*
 * The very last pfn is never handed out: in a window of all 2^64 pfns
 * mas_empty_area_rev() overflows. It exists with a granule of one byte only.
 */
#define IOVA_MT_HIGHEST_PFN	(ULONG_MAX - 1)

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
 * @erases: erases so far: as long as it stands, no gap has come or grown
 * @generation: moved by whatever puts free pages where a request may have looked
 *	already, in gaps, spans or the backlog. Only if it stands is a refusal
 *	final
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
	unsigned long generation;
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
 * @wanted: what is asked for; its size is exactly that of the marker
 * @first: first pfn of the marker
 * @entry: its entry
 * @next: where to go on when none was found
 * @end: there is no other marker
 */
struct iova_mt_match {
	struct iova_mt_wanted wanted;
	unsigned long first;
	void *entry;
	unsigned long next;
	bool end;
};

/**
 * struct iova_mt_stretch - pages that are free, but for markers
 * @first: first pfn
 * @next: where to go on
 * @end: there are no more
 */
struct iova_mt_stretch {
	unsigned long first;
	unsigned long next;
	bool end;
};

#define iova_mt_index_lock(_index, _flags) \
	((_flags) = iova_mt_lock_take(&(_index)->lock, &(_index)->tree.ma_lock))
#define iova_mt_index_unlock(_index, _flags) \
	iova_mt_lock_release(&(_index)->lock, &(_index)->tree.ma_lock, _flags)
#define iova_mt_index_assert_locked(_index) \
	lockdep_assert_held(&(_index)->tree.ma_lock)

/**
 * iova_mt_index_moved_locked() - free pages are where they were not
 * @index: the index
 *
 * Context: Any, under the lock.
 */
static inline void iova_mt_index_moved_locked(struct iova_mt_index *index)
{
	iova_mt_index_assert_locked(index);
	WRITE_ONCE(index->generation, index->generation + 1);
}

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
bool iova_mt_index_match_deferred_locked(struct iova_mt_index *index,
					 unsigned long from, unsigned long max,
					 unsigned int budget,
					 struct iova_mt_match *match);
bool iova_mt_index_stretch_locked(struct iova_mt_index *index,
				  const struct iova_mt_wanted *wanted,
				  unsigned long max, unsigned int budget,
				  struct iova_mt_stretch *stretch);

#endif /* _IOVA_MT_INDEX_H */
