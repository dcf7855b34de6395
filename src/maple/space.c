// SPDX-License-Identifier: GPL-2.0
/*
 * The space of a domain: exact ranges, without caches.
 *
 * Joins the index and the backlog: a free that cannot erase defers, an
 * allocation that finds no gap sweeps and tries once more, and one that gets no
 * memory takes over a deferred range of its size.
 *
 * Locks: the tree's lock, for a bounded number of steps at a time.
 */
#include <linux/minmax.h>

#include "maple/counters.h"
#include "maple/reuse.h"
#include "maple/search.h"
#include "maple/space.h"

/* Ranges that are freed in one lock hold. */
#define HOLD_FREES	16
/* Pieces that are reserved in one lock hold. */
#define HOLD_PIECES	16

/**
 * iova_mt_space_init() - make an empty space
 * @space: the space
 * @start_pfn: lowest pfn that is handed out
 * @counters: where to count
 * @domain_id: for messages
 *
 * Context: Process.
 */
void iova_mt_space_init(struct iova_mt_space *space, unsigned long start_pfn,
			const struct iova_mt_counters *counters,
			unsigned int domain_id)
{
	iova_mt_index_init(&space->index, start_pfn, counters);
	iova_mt_deferred_init(&space->deferred, &space->index, counters,
			      domain_id);
	space->reservations = 0;
}

/**
 * iova_mt_space_destroy() - free it, with all that is in it
 * @space: the space, which nobody uses any more
 *
 * Context: Process, may sleep.
 */
void iova_mt_space_destroy(struct iova_mt_space *space)
{
	iova_mt_deferred_destroy(&space->deferred);
	iova_mt_index_destroy(&space->index);
}

static int alloc_once(struct iova_mt_space *space, unsigned long size,
		      unsigned long limit, bool aligned, unsigned long *pfn)
{
	struct iova_mt_index *index = &space->index;
	void *live = iova_mt_entry(IOVA_MT_LIVE, 0);
	struct iova_mt_search search;
	unsigned long flags;
	int ret;

	iova_mt_search_init(&search, size, limit, aligned);
	do {
		iova_mt_index_lock(index, flags);
		ret = iova_mt_search_step_locked(index, &search, pfn);
		if (!ret)
			ret = iova_mt_index_insert_locked(index, *pfn,
							  *pfn + size - 1, live);
		iova_mt_index_unlock(index, flags);
	} while (ret == -EAGAIN);
	return ret;
}

/**
 * iova_mt_space_alloc() - take pages
 * @space: the space
 * @size: pages, not 0
 * @limit: highest pfn
 * @aligned: aligned to @size rounded up to a power of two
 * @pfn: the first one taken
 *
 * Context: Any.
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int iova_mt_space_alloc(struct iova_mt_space *space, unsigned long size,
			unsigned long limit, bool aligned, unsigned long *pfn)
{
	int ret;

	ret = alloc_once(space, size, limit, aligned, pfn);
	if (ret == -ENOSPC &&
	    iova_mt_deferred_sweep_for_alloc(&space->deferred))
		ret = alloc_once(space, size, limit, aligned, pfn);
	if (ret && iova_mt_reuse_take(&space->deferred, size, limit, aligned, ret,
				      pfn))
		ret = 0;
	return ret;
}

static void free_locked(struct iova_mt_space *space, unsigned long pfn)
{
	struct iova_mt_index *index = &space->index;
	unsigned long first, last;
	void *entry;

	iova_mt_index_assert_locked(index);
	entry = iova_mt_index_load_locked(index, pfn, &first, &last);
	if (!entry || iova_mt_entry_is_marker(entry)) {
		iova_mt_count(index->counters, COUNTER_free_unknown);
		return;
	}
	if (iova_mt_index_erase_locked(index, first, last))
		iova_mt_deferred_add_locked(&space->deferred, first, last);
}

/**
 * iova_mt_space_free() - give ranges back
 * @space: the space
 * @pfns: a pfn of each; one that is in no live or reserved range is ignored
 * @nr: how many
 *
 * Context: Any.
 */
void iova_mt_space_free(struct iova_mt_space *space, const unsigned long *pfns,
			unsigned int nr)
{
	struct iova_mt_index *index = &space->index;
	unsigned long flags;
	unsigned int i, hold;

	for (i = 0; i < nr; ) {
		iova_mt_index_lock(index, flags);
		for (hold = min(nr, i + HOLD_FREES); i < hold; i++)
			free_locked(space, pfns[i]);
		iova_mt_index_unlock(index, flags);
	}
}

/*
 * Reserve what is not live or reserved in the first range or gap from @pfn on,
 * and move @pfn past it.
 */
static int reserve_piece_locked(struct iova_mt_space *space, unsigned long *pfn,
				unsigned long last, void *reserved)
{
	struct iova_mt_index *index = &space->index;
	unsigned long range_first, range_last, piece_last;
	void *entry;

	iova_mt_index_assert_locked(index);
	entry = iova_mt_index_load_locked(index, *pfn, &range_first, &range_last);
	piece_last = min(last, range_last);
	if (!entry || iova_mt_entry_is_marker(entry)) {
		if (iova_mt_index_insert_locked(index, *pfn, piece_last, reserved))
			return -ENOMEM;
		if (entry)
			iova_mt_deferred_cut_locked(&space->deferred, range_first,
						    range_last, *pfn, piece_last);
	}
	*pfn = piece_last + 1;
	return 0;
}

/* Free the pieces that one call has reserved below @end. */
static void unreserve(struct iova_mt_space *space, unsigned long first,
		      unsigned long end, const void *reserved)
{
	struct iova_mt_index *index = &space->index;
	unsigned long flags, range_first, range_last;

	while (first < end) {
		iova_mt_index_lock(index, flags);
		if (iova_mt_index_load_locked(index, first, &range_first,
					      &range_last) == reserved)
			free_locked(space, first);
		iova_mt_index_unlock(index, flags);
		if (range_last >= end - 1)
			break;
		first = range_last + 1;
	}
}

/**
 * iova_mt_space_reserve() - keep pages from being handed out
 * @space: the space
 * @first: first pfn
 * @last: last pfn
 *
 * Live and reserved ranges stay what they are: the pages between them are
 * reserved, one by one. Pieces that are reserved are never freed before all of
 * them have been stored, and each carries the number of this call, so that a
 * failure undoes these and no others.
 *
 * Context: Any.
 * Return: 0, or -ENOMEM and then nothing has been reserved.
 */
int iova_mt_space_reserve(struct iova_mt_space *space, unsigned long first,
			  unsigned long last)
{
	struct iova_mt_index *index = &space->index;
	unsigned long pfn = first, flags;
	void *reserved = NULL;
	unsigned int pieces;
	int ret = 0;

	do {
		iova_mt_index_lock(index, flags);
		if (!reserved)
			reserved = iova_mt_entry(IOVA_MT_RESERVED,
						 ++space->reservations);
		for (pieces = HOLD_PIECES; pieces && !ret; pieces--) {
			ret = reserve_piece_locked(space, &pfn, last, reserved);
			/* Past the end, or wrapped behind the highest pfn. */
			if (pfn > last || pfn == 0)
				break;
		}
		iova_mt_index_unlock(index, flags);
	} while (!ret && pfn <= last && pfn);

	if (ret)
		unreserve(space, first, pfn, reserved);
	return ret;
}

/**
 * iova_mt_space_find() - find the range that holds a pfn
 * @space: the space
 * @pfn: the pfn
 * @range: its live or reserved range
 *
 * Context: Any.
 * Return: 0 or -ENOENT.
 */
int iova_mt_space_find(struct iova_mt_space *space, unsigned long pfn,
		       struct iova_mt_range *range)
{
	struct iova_mt_index *index = &space->index;
	unsigned long flags;
	void *entry;

	iova_mt_index_lock(index, flags);
	entry = iova_mt_index_load_locked(index, pfn, &range->first, &range->last);
	iova_mt_index_unlock(index, flags);
	if (!entry || iova_mt_entry_is_marker(entry))
		return -ENOENT;
	range->state = iova_mt_entry_state(entry);
	return 0;
}

/**
 * iova_mt_space_next() - find the first range that ends at or above a pfn
 * @space: the space
 * @from: the pfn
 * @range: the range, in any state
 *
 * Context: Any.
 * Return: 0 or -ENOENT.
 */
int iova_mt_space_next(struct iova_mt_space *space, unsigned long from,
		       struct iova_mt_range *range)
{
	unsigned long flags;
	void *entry;

	iova_mt_index_lock(&space->index, flags);
	entry = iova_mt_index_next_locked(&space->index, from, range);
	iova_mt_index_unlock(&space->index, flags);
	return entry ? 0 : -ENOENT;
}
