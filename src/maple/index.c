// SPDX-License-Identifier: GPL-2.0
/*
 * The index: which pfns are taken, as ranges in a maple tree.
 *
 * Finds free pages from the top down, stores ranges and erases them. It knows
 * the states of ranges, but not what becomes of a range that cannot be erased.
 *
 * Rules: every function runs under the tree's lock and does a bounded amount of
 * work. A tree state (struct ma_state) never outlives a lock hold. Stores never
 * block and never loop.
 */
#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/minmax.h>

#include "base/fault.h"
#include "maple/counters.h"
#include "maple/index.h"

/* Gaps that are tried one after the other before a roomier one is asked for. */
#define NEAR_GAPS	8
/* Gaps that are looked at in one lock hold when nothing roomier is there. */
#define REST_GAPS	32

/*
 * The very last pfn is never handed out: in a window of all 2^64 pfns
 * mas_empty_area_rev() overflows. It exists with a granule of one byte only.
 */
#define HIGHEST_PFN	(ULONG_MAX - 1)

/**
 * iova_mt_index_init() - make an empty index
 * @index: the index
 * @start_pfn: lowest pfn that is handed out
 * @counters: where to count
 *
 * Context: Process.
 */
void iova_mt_index_init(struct iova_mt_index *index, unsigned long start_pfn,
			const struct iova_mt_counters *counters)
{
	mt_init_flags(&index->tree, MT_FLAGS_ALLOC_RANGE);
	index->start_pfn = start_pfn;
	index->erases = 0;
	index->refused = 0;
	index->counters = counters;
	iova_mt_nodes_init(&index->nodes, &index->tree, counters);
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
 * iova_mt_search_init() - begin a search
 * @search: its state
 * @size: pages, not 0
 * @limit: highest pfn
 * @aligned: aligned to @size rounded up to a power of two
 *
 * Context: Any.
 */
void iova_mt_search_init(struct iova_mt_search *search, unsigned long size,
			 unsigned long limit, bool aligned)
{
	search->size = size;
	search->order = aligned ? fls_long(size - 1) : 0;
	search->limit = limit;
	search->stage = IOVA_MT_SEARCH_BEGIN;
}

static bool refused_locked(struct iova_mt_index *index,
			   const struct iova_mt_search *search)
{
	const struct iova_mt_refusal *refusal;

	if (search->order >= IOVA_MT_REFUSAL_ORDERS ||
	    !(index->refused & BIT(search->order)))
		return false;
	refusal = &index->refusal[search->order];
	return search->size >= refusal->size && search->limit <= refusal->limit;
}

/*
 * Remember that a complete search found nothing. Only exactly that: a search
 * during which pages became free, or a store that got no memory, says nothing
 * about the space.
 */
static void refuse_locked(struct iova_mt_index *index,
			  const struct iova_mt_search *search)
{
	if (search->order >= IOVA_MT_REFUSAL_ORDERS ||
	    search->erases != index->erases)
		return;
	index->refused |= BIT(search->order);
	index->refusal[search->order].size = search->size;
	index->refusal[search->order].limit = search->limit;
}

/* Forget the refusals that the gap from @first to @last makes wrong. */
static void forget_locked(struct iova_mt_index *index, unsigned long first,
			  unsigned long last)
{
	unsigned long refused = index->refused;
	unsigned int order;

	first = max(first, index->start_pfn);
	for_each_set_bit(order, &refused, IOVA_MT_REFUSAL_ORDERS) {
		struct iova_mt_refusal *refusal = &index->refusal[order];
		unsigned long pfn = ALIGN(first, BIT(order));
		unsigned long top = min(last, refusal->limit);

		if (pfn >= first && pfn <= top && top - pfn >= refusal->size - 1)
			index->refused &= ~BIT(order);
	}
}

/*
 * Find the highest gap of @size pages at or below the top of the search. From a
 * fresh state: mas_empty_area_rev() cannot be resumed.
 */
static int gap_find_locked(struct iova_mt_index *index,
			   const struct iova_mt_search *search,
			   unsigned long size, unsigned long *last)
{
	MA_STATE(mas, &index->tree, 0, 0);

	if (search->top < index->start_pfn ||
	    search->top - index->start_pfn < size - 1)
		return -ENOSPC;
	iova_mt_count(index->counters, COUNTER_search_gap);
	if (mas_empty_area_rev(&mas, index->start_pfn, search->top, size))
		return -ENOSPC;
	*last = mas.last;
	return 0;
}

static unsigned long gap_first_locked(struct iova_mt_index *index,
				      unsigned long pfn)
{
	unsigned long first, last;

	iova_mt_index_load_locked(index, pfn, &first, &last);
	return max(first, index->start_pfn);
}

/*
 * Look at the highest gap of @size pages that is left.
 * Return: 0 with an aligned block in @pfn, -EAGAIN when the gap has none and
 * the search goes on below it, -ENOSPC when there are no more gaps.
 */
static int gap_try_locked(struct iova_mt_index *index,
			  struct iova_mt_search *search, unsigned long *pfn)
{
	unsigned long last, first, block;

	if (gap_find_locked(index, search, search->size, &last))
		return -ENOSPC;
	first = last - search->size + 1;
	block = ALIGN_DOWN(first, BIT(search->order));
	if (block != first)
		first = gap_first_locked(index, last);
	if (block >= first) {
		*pfn = block;
		return 0;
	}
	if (first == 0)
		return -ENOSPC;
	search->top = first - 1;
	return -EAGAIN;
}

static int gaps_try_locked(struct iova_mt_index *index,
			   struct iova_mt_search *search, unsigned int nr,
			   unsigned long *pfn)
{
	int ret = -EAGAIN;

	while (nr-- && ret == -EAGAIN)
		ret = gap_try_locked(index, search, pfn);
	return ret;
}

/*
 * A gap this wide holds an aligned block wherever it lies: one look instead of
 * a walk over all misaligned gaps.
 */
static int gap_try_wide_locked(struct iova_mt_index *index,
			       struct iova_mt_search *search,
			       unsigned long *pfn)
{
	unsigned long size, last;

	if (check_add_overflow(search->size, BIT(search->order) - 1, &size))
		return -ENOSPC;
	if (gap_find_locked(index, search, size, &last))
		return -ENOSPC;
	*pfn = ALIGN_DOWN(last - search->size + 1, BIT(search->order));
	return 0;
}

/*
 * The stages of a search: the highest few gaps, for a dense space; a gap with
 * room for any alignment, for a quick one; and all gaps that are left, because
 * an exactly aligned hole of the very size is as good as any.
 */
static int search_stage_locked(struct iova_mt_index *index,
			       struct iova_mt_search *search,
			       unsigned long *pfn)
{
	int ret;

	switch (search->stage) {
	case IOVA_MT_SEARCH_BEGIN:
		if (search->order >= BITS_PER_LONG)
			return -ENOSPC;
		if (refused_locked(index, search)) {
			iova_mt_count(index->counters, COUNTER_search_hint);
			return -ENOSPC;
		}
		search->top = min(search->limit, HIGHEST_PFN);
		search->erases = index->erases;
		search->stage = IOVA_MT_SEARCH_NEAR;
		fallthrough;
	case IOVA_MT_SEARCH_NEAR:
		ret = gaps_try_locked(index, search, NEAR_GAPS, pfn);
		if (ret != -EAGAIN)
			break;
		search->stage = IOVA_MT_SEARCH_WIDE;
		fallthrough;
	case IOVA_MT_SEARCH_WIDE:
		ret = gap_try_wide_locked(index, search, pfn);
		if (!ret)
			break;
		search->stage = IOVA_MT_SEARCH_REST;
		fallthrough;
	case IOVA_MT_SEARCH_REST:
	default:
		ret = gaps_try_locked(index, search, REST_GAPS, pfn);
		break;
	}
	if (ret == -ENOSPC)
		refuse_locked(index, search);
	return ret;
}

/**
 * iova_mt_index_search_locked() - take one step of a search
 * @index: the index
 * @search: its state, from iova_mt_search_init()
 * @pfn: the first pfn of the block found
 *
 * The block is free as long as the lock is held.
 *
 * Context: Any, under the lock.
 * Return: 0; -ENOSPC when there is no such block; -EAGAIN when the caller is to
 * release the lock for a moment and take the next step.
 */
int iova_mt_index_search_locked(struct iova_mt_index *index,
				struct iova_mt_search *search,
				unsigned long *pfn)
{
	int ret;

	iova_mt_index_assert_locked(index);
	ret = search_stage_locked(index, search, pfn);
	if (ret == -EAGAIN)
		iova_mt_count(index->counters, COUNTER_search_pause);
	return ret;
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
	if (iova_mt_fault_hit(IOVA_MT_FAULT_fail_insert) ||
	    iova_mt_nodes_store_locked(&index->nodes, &mas, entry)) {
		iova_mt_count(index->counters, COUNTER_insert_failed);
		return -ENOMEM;
	}
	iova_mt_count(index->counters, COUNTER_insert);
	return 0;
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
	if (iova_mt_fault_hit(IOVA_MT_FAULT_fail_erase) ||
	    iova_mt_nodes_store_locked(&index->nodes, &mas, NULL)) {
		iova_mt_count(index->counters, COUNTER_erase_failed);
		return -ENOMEM;
	}
	iova_mt_count(index->counters, COUNTER_erase);
	index->erases++;
	forget_locked(index, mas.index, mas.last);
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
 * Return: 0, or -ENOMEM should that ever be wrong.
 */
int iova_mt_index_swap_locked(struct iova_mt_index *index, unsigned long first,
			      unsigned long last, void *entry)
{
	MA_STATE(mas, &index->tree, first, last);

	iova_mt_index_assert_locked(index);
	if (iova_mt_nodes_store_locked(&index->nodes, &mas, entry)) {
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
	unsigned int looked = 0;
	void *entry;

	iova_mt_index_assert_locked(index);
	*run = (struct iova_mt_run){ .next = from };
	while (looked < budget) {
		entry = mas_find(&mas, max);
		if (!entry) {
			run->end = true;
			break;
		}
		looked++;
		if (iova_mt_entry_is_marker(entry))
			run_add(run, &mas, entry);
		else if (!run->ranges)
			run->next = mas.last + 1;
		/* At the end, or at a live range behind the run. */
		run->end = mas.last >= max;
		if (run->end || run->next <= mas.last)
			break;
	}
	iova_mt_count_add(index->counters, COUNTER_sweep_entry, looked);
}

static bool matches(const struct iova_mt_match *match, const struct ma_state *mas,
		    const void *entry)
{
	return iova_mt_entry_is_marker(entry) &&
	       mas->last - mas->index == match->size - 1 &&
	       IS_ALIGNED(mas->index, BIT(match->order)) &&
	       mas->last <= match->limit;
}

/**
 * iova_mt_index_match_locked() - find a marker that an allocation can take over
 * @index: the index
 * @from: first pfn to look at
 * @max: last pfn to look at
 * @budget: how many entries to look at, live ones included
 * @match: what is looked for, and what was found
 *
 * Context: Any, under the lock.
 * Return: true when there is one.
 */
bool iova_mt_index_match_locked(struct iova_mt_index *index, unsigned long from,
				unsigned long max, unsigned int budget,
				struct iova_mt_match *match)
{
	MA_STATE(mas, &index->tree, from, from);
	void *entry;

	iova_mt_index_assert_locked(index);
	match->end = false;
	match->next = from;
	while (budget--) {
		entry = mas_find(&mas, max);
		if (!entry) {
			match->end = true;
			return false;
		}
		match->first = mas.index;
		match->next = mas.last + 1;
		if (matches(match, &mas, entry))
			return true;
	}
	return false;
}
