// SPDX-License-Identifier: GPL-2.0
/*
 * The index: which pfns are taken, as ranges in a maple tree.
 *
 * Stores ranges, erases them, and finds them again. It knows the states of
 * ranges, but not what becomes of a range that cannot be erased.
 *
 * Rules: every function runs under the tree's lock and does a bounded amount of
 * work. A tree state (struct ma_state) never outlives a lock hold. Stores never
 * block and never loop.
 */
#include <linux/minmax.h>
#include <linux/string.h>

#include "base/fault.h"
#include "maple/counters.h"
#include "maple/tree/index.h"

/**
 * iova_mt_index_init() - make an empty index
 * @index: the index
 * @start_pfn: lowest pfn that is handed out
 * @counters: where to count
 * @domain_id: whose it is
 *
 * Context: Process, may sleep.
 */
void iova_mt_index_init(struct iova_mt_index *index, unsigned long start_pfn,
			const struct iova_mt_counters *counters,
			unsigned int domain_id)
{
	mt_init_flags(&index->tree, MT_FLAGS_ALLOC_RANGE);
	memset(&index->lock, 0, sizeof(index->lock));
	index->start_pfn = start_pfn;
	index->domain_id = domain_id;
	index->erases = 0;
	index->generation = 0;
	index->refusals.valid = 0;
	index->counters = counters;
	iova_mt_nodes_init(&index->nodes, &index->tree, &index->lock, counters,
			   domain_id);
}

/**
 * iova_mt_index_destroy() - free the tree
 * @index: the index, which nobody uses any more
 *
 * Context: Process. Takes the tree's lock, with interrupts on: the time it takes
 * grows with the tree, and no interrupt can want the lock any more. The lock
 * gets a class of its own to tell lockdep so.
 */
void iova_mt_index_destroy(struct iova_mt_index *index)
{
	static struct lock_class_key dying;

	iova_mt_nodes_destroy(&index->nodes);
	lockdep_set_class_and_name(&index->tree.ma_lock, &dying, "iova_mt_dying");
	spin_lock(&index->tree.ma_lock);
	__mt_destroy(&index->tree);
	spin_unlock(&index->tree.ma_lock);
}

/**
 * iova_mt_index_insert_locked() - store a range
 * @index: the index
 * @first: first pfn
 * @last: last pfn
 * @entry: of a live or reserved range, from iova_mt_entry()
 *
 * What was there before is gone.
 *
 * Context: Any, under the lock.
 * Return: 0 or -ENOMEM, and then nothing has changed.
 */
int iova_mt_index_insert_locked(struct iova_mt_index *index,
				unsigned long first, unsigned long last,
				void *entry)
{
	MA_STATE(mas, &index->tree, first, last);

	iova_mt_index_assert_locked(index);
	if (iova_mt_fault_hit(IOVA_MT_FAULT_fail_insert, index->domain_id) ||
	    iova_mt_nodes_store_locked(&index->nodes, &mas, entry)) {
		iova_mt_count(index->counters, COUNTER_insert_failed);
		return -ENOMEM;
	}
	iova_mt_count(index->counters, COUNTER_insert);
	return 0;
}

/*
 * The gap is asked for: the state that it was made with does not know it in every
 * case, a tree without nodes being one.
 */
static void forget_locked(struct iova_mt_index *index, unsigned long pfn)
{
	unsigned long first, last;

	iova_mt_index_assert_locked(index);
	if (!index->refusals.valid)
		return;
	iova_mt_index_load_locked(index, pfn, &first, &last);
	iova_mt_refusals_forget(&index->refusals, max(first, index->start_pfn),
				last);
}

/**
 * iova_mt_index_erase_locked() - make pages free
 * @index: the index
 * @first: first pfn
 * @last: last pfn
 *
 * In one store, however many ranges there are.
 *
 * Context: Any, under the lock.
 * Return: 0 or -ENOMEM, and then nothing has changed.
 */
int iova_mt_index_erase_locked(struct iova_mt_index *index,
			       unsigned long first, unsigned long last)
{
	MA_STATE(mas, &index->tree, first, last);

	iova_mt_index_assert_locked(index);
	if (iova_mt_fault_hit(IOVA_MT_FAULT_fail_erase, index->domain_id) ||
	    iova_mt_nodes_store_locked(&index->nodes, &mas, NULL)) {
		iova_mt_count(index->counters, COUNTER_erase_failed);
		return -ENOMEM;
	}
	iova_mt_count(index->counters, COUNTER_erase);
	WRITE_ONCE(index->erases, index->erases + 1);
	iova_mt_index_moved_locked(index);
	forget_locked(index, first);
	return 0;
}

/**
 * iova_mt_index_swap_locked() - put another entry over one range
 * @index: the index
 * @first: first pfn of the range
 * @last: last pfn of the range
 * @entry: the entry, not NULL
 *
 * A value swap: the tree keeps its shape and needs no node.
 *
 * Context: Any, under the lock.
 * Return: 0, or -ENOMEM: injected, or should that ever be wrong.
 */
int iova_mt_index_swap_locked(struct iova_mt_index *index, unsigned long first,
			      unsigned long last, void *entry)
{
	MA_STATE(mas, &index->tree, first, last);

	iova_mt_index_assert_locked(index);
	if (iova_mt_fault_hit(IOVA_MT_FAULT_fail_swap, index->domain_id) ||
	    iova_mt_nodes_swap_locked(&index->nodes, &mas, entry)) {
		iova_mt_count(index->counters, COUNTER_swap_failed);
		return -ENOMEM;
	}
	iova_mt_count(index->counters, COUNTER_swap);
	return 0;
}

/**
 * iova_mt_index_load_locked() - what is at a pfn?
 * @index: the index
 * @pfn: the pfn
 * @first: first pfn of the range or gap it lies in
 * @last: last pfn of the range or gap it lies in
 *
 * Context: Any, under the lock.
 * Return: the entry, or NULL when the pfn is free.
 */
void *iova_mt_index_load_locked(struct iova_mt_index *index, unsigned long pfn,
				unsigned long *first, unsigned long *last)
{
	MA_STATE(mas, &index->tree, pfn, pfn);
	void *entry;

	iova_mt_index_assert_locked(index);
	entry = mas_walk(&mas);
	*first = mas.index;
	*last = mas.last;
	return entry;
}

/**
 * iova_mt_index_next_locked() - what is the first range from a pfn on?
 * @index: the index
 * @from: the range ends here or above
 * @range: the range, if there is one
 *
 * Context: Any, under the lock.
 * Return: the entry, or NULL when there is none.
 */
void *iova_mt_index_next_locked(struct iova_mt_index *index, unsigned long from,
				struct iova_mt_range *range)
{
	MA_STATE(mas, &index->tree, from, from);
	void *entry;

	iova_mt_index_assert_locked(index);
	entry = mas_find(&mas, ULONG_MAX);
	if (!entry)
		return NULL;
	range->first = mas.index;
	range->last = mas.last;
	range->state = iova_mt_entry_state(entry);
	return entry;
}

static void run_add(struct iova_mt_run *run, const struct ma_state *mas,
		    const void *entry)
{
	if (!run->ranges++) {
		run->first = mas->index;
		run->oldest = ULONG_MAX;
	}
	run->oldest = min(run->oldest, iova_mt_entry_tag(entry));
	run->last = mas->last;
	run->pages += mas->last - mas->index + 1;
	run->next = mas->last + 1;
}

/**
 * iova_mt_index_run_locked() - find the first run of markers
 * @index: the index
 * @from: first pfn to look at
 * @max: last pfn to look at
 * @budget: how many entries to look at, live ones included
 * @run: what was found, and where to go on
 *
 * The pages from @run->first to @run->last can be erased in one store.
 *
 * Context: Any, under the lock.
 */
void iova_mt_index_run_locked(struct iova_mt_index *index, unsigned long from,
			      unsigned long max, unsigned int budget,
			      struct iova_mt_run *run)
{
	MA_STATE(mas, &index->tree, from, from);
	void *entry;

	iova_mt_index_assert_locked(index);
	*run = (struct iova_mt_run){ .next = from };
	while (run->looked < budget) {
		entry = mas_find(&mas, max);
		if (!entry) {
			run->end = true;
			break;
		}
		run->looked++;
		if (iova_mt_entry_is_deferred(entry))
			run_add(run, &mas, entry);
		else if (!run->ranges)
			run->next = mas.last + 1;
		/* At the end, or at a live range behind the run. */
		run->end = mas.last >= max;
		if (run->end || run->next <= mas.last)
			break;
	}
}

static bool matches(const struct iova_mt_index *index,
		    const struct iova_mt_match *match, const struct ma_state *mas,
		    const void *entry)
{
	const struct iova_mt_wanted *wanted = &match->wanted;

	return iova_mt_entry_is_deferred(entry) &&
	       mas->last - mas->index == wanted->size - 1 &&
	       IS_ALIGNED(mas->index, BIT(wanted->order)) &&
	       mas->index >= index->start_pfn && mas->last <= wanted->limit;
}

/**
 * iova_mt_index_match_deferred_locked() - find a deferred range that an
 *	allocation can take over
 * @index: the index
 * @from: first pfn to look at
 * @max: last pfn to look at
 * @budget: how many entries to look at, live ones included
 * @match: what is looked for, and what was found
 *
 * Context: Any, under the lock.
 * Return: true when there is one.
 */
bool iova_mt_index_match_deferred_locked(struct iova_mt_index *index,
					 unsigned long from, unsigned long max,
					 unsigned int budget,
					 struct iova_mt_match *match)
{
	MA_STATE(mas, &index->tree, from, from);
	void *entry;

	iova_mt_index_assert_locked(index);
	match->end = false;
	while (budget-- && !match->end) {
		entry = mas_find(&mas, max);
		match->end = !entry || mas.last >= max;
		if (!entry)
			break;
		iova_mt_count(index->counters, COUNTER_reuse_entry);
		match->first = mas.index;
		match->entry = entry;
		match->next = mas.last + 1;
		if (matches(index, match, &mas, entry))
			return true;
	}
	return false;
}

/**
 * iova_mt_index_stretch_locked() - would a block fit, if all markers were gone?
 * @index: the index
 * @wanted: the block
 * @max: highest pfn of a marker that counts
 * @budget: how many entries to look at, live ones included
 * @stretch: where to begin; what a budget leaves over goes on there
 *
 * Context: Any, under the lock.
 * Return: true when it would.
 */
bool iova_mt_index_stretch_locked(struct iova_mt_index *index,
				  const struct iova_mt_wanted *wanted,
				  unsigned long max, unsigned int budget,
				  struct iova_mt_stretch *stretch)
{
	MA_STATE(mas, &index->tree, stretch->next, stretch->next);
	unsigned long last, pfn;
	void *entry;

	iova_mt_index_assert_locked(index);
	while (budget-- && !stretch->end) {
		entry = mas_find(&mas, ULONG_MAX);
		if (!iova_mt_entry_is_deferred(entry)) {
			last = entry ? mas.index - 1 : IOVA_MT_HIGHEST_PFN;
			if (last != ULONG_MAX &&
			    iova_mt_wanted_in(wanted, stretch->first, last, &pfn))
				return true;
			stretch->end = !entry || mas.last >= max;
			stretch->first = max(mas.last + 1, index->start_pfn);
		}
		stretch->next = mas.last + 1;
		stretch->end |= !stretch->next;
	}
	return false;
}
