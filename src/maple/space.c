// SPDX-License-Identifier: GPL-2.0
/*
 * The space of a domain: exact ranges, without caches.
 *
 * Joins spans, index and backlog: small requests go to spans, others to the
 * index; a free that cannot erase defers, an allocation that finds no gap sweeps
 * and tries once more, and one that gets no memory takes over a deferred range of
 * its size.
 *
 * Locks: the tree's lock, for a bounded number of steps at a time.
 */
#include <linux/align.h>
#include <linux/compiler.h>
#include <linux/minmax.h>

#include "maple/counters.h"
#include "maple/deferred/deferral.h"
#include "maple/deferred/reuse.h"
#include "maple/span/room.h"
#include "maple/tree/search.h"
#include "maple/space.h"

/* Pieces that are reserved in one lock hold. */
#define HOLD_PIECES	16

/**
 * iova_mt_space_init() - make an empty space
 * @space: the space
 * @start_pfn: lowest pfn that is handed out
 * @counters: where to count
 * @domain_id: for messages and fault points
 * @how: how ranges are deferred
 * @spans: whether small ranges are to be parts of spans
 *
 * Context: Process, may sleep.
 */
void iova_mt_space_init(struct iova_mt_space *space, unsigned long start_pfn,
			const struct iova_mt_counters *counters,
			unsigned int domain_id,
			const struct iova_mt_deferral *how, bool spans)
{
	iova_mt_index_init(&space->index, start_pfn, counters, domain_id);
	iova_mt_deferred_init(&space->deferred, how, &space->index, counters);
	iova_mt_spans_init(&space->spans, &space->index, how, counters, spans);
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
	iova_mt_spans_destroy(&space->spans);
	iova_mt_deferred_destroy(&space->deferred);
	iova_mt_index_destroy(&space->index);
}

static void entry_drop(struct iova_mt_space *space, void *entry)
{
	if (space->deferred.how->drop)
		space->deferred.how->drop(entry);
}

static void *entry_make(struct iova_mt_space *space, enum iova_mt_state state,
			unsigned long tag)
{
	return space->deferred.how->entry(space->index.domain_id, state, tag);
}

static int alloc_once(struct iova_mt_space *space, unsigned long size,
		      unsigned long limit, bool aligned, void *live,
		      unsigned long *pfn)
{
	struct iova_mt_index *index = &space->index;
	struct iova_mt_search search;
	unsigned long flags, first;
	int ret;

	iova_mt_search_init(&search, size, limit, aligned);
	do {
		iova_mt_index_lock(index, flags);
		ret = iova_mt_search_step_locked(index, &search, &first);
		if (!ret)
			ret = iova_mt_index_insert_locked(index, first,
							  first + size - 1, live);
		iova_mt_index_unlock(index, flags);
	} while (ret == -EAGAIN);
	if (!ret)
		*pfn = first;
	return ret;
}

/*
 * Search, and once more when a sweep has made room. @starved: set when there may
 * be no room only because the sweep got no memory.
 */
static int alloc_new(struct iova_mt_space *space, unsigned long size,
		     unsigned long limit, bool aligned, unsigned long *pfn,
		     bool *starved)
{
	void *live = entry_make(space, IOVA_MT_LIVE, 0);
	int ret;

	if (!live)
		return -ENOMEM;
	ret = alloc_once(space, size, limit, aligned, live, pfn);
	if (ret == -ENOSPC &&
	    iova_mt_deferred_sweep_for_alloc(&space->deferred, starved))
		ret = alloc_once(space, size, limit, aligned, live, pfn);
	if (ret)
		entry_drop(space, live);
	return ret;
}

/* Is it a request that spans are made for? */
static inline bool is_small(const struct iova_mt_space *space,
			    unsigned long size, bool aligned)
{
	return space->spans.on && size <= BIT(IOVA_MT_SPANS_ORDER) &&
	       (aligned || size == 1);
}

/*
 * Pages beside spans serve small requests, too: those in small gaps, or where no
 * memory is for a span. And what is free in spans serves any.
 */
static int alloc_index(struct iova_mt_space *space, unsigned long size,
		       unsigned long limit, bool aligned, unsigned long *pfn,
		       bool *starved)
{
	int ret, spans;

	ret = alloc_new(space, size, limit, aligned, pfn, starved);
	if (!ret)
		return 0;
	spans = iova_mt_spans_alloc_anywhere(&space->spans, size, limit, aligned,
					     pfn);
	return spans == -ENOSPC ? ret : spans;
}

static inline bool alloc_small(struct iova_mt_space *space, unsigned long size,
			       unsigned long limit, bool aligned,
			       unsigned long *pfn)
{
	return is_small(space, size, aligned) &&
	       likely(!iova_mt_spans_alloc(&space->spans, size, limit, pfn));
}

/* What no span has served. */
static noinline int alloc_other(struct iova_mt_space *space, unsigned long size,
				unsigned long limit, bool aligned,
				unsigned long *pfn)
{
	bool starved = false;
	int ret = alloc_index(space, size, limit, aligned, pfn, &starved);

	if (ret && iova_mt_room_make(&space->spans, size, limit, aligned)) {
		if (alloc_small(space, size, limit, aligned, pfn))
			return 0;
		ret = alloc_index(space, size, limit, aligned, pfn, &starved);
	}
	if (ret && iova_mt_reuse_take(&space->deferred, size, limit, aligned,
				      starved ? -ENOMEM : ret, pfn))
		ret = 0;
	return ret;
}

/**
 * iova_mt_space_alloc() - take pages
 * @space: the space
 * @size: pages, not 0
 * @limit: highest pfn
 * @aligned: aligned to @size rounded up to a power of two
 * @pfn: the first one taken; untouched on failure
 *
 * Context: Any.
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int iova_mt_space_alloc(struct iova_mt_space *space, unsigned long size,
			unsigned long limit, bool aligned, unsigned long *pfn)
{
	if (alloc_small(space, size, limit, aligned, pfn))
		return 0;
	return alloc_other(space, size, limit, aligned, pfn);
}

static bool is_deferred_locked(struct iova_mt_space *space, const void *entry,
			       unsigned long first)
{
	return iova_mt_deferred_has_locked(&space->deferred, entry, first);
}

/* Return: false when nobody has it: as a parked one it is the cache's. */
static bool free_locked(struct iova_mt_space *space, unsigned long pfn,
			bool parked)
{
	struct iova_mt_index *index = &space->index;
	struct iova_mt_span *span;
	unsigned long first, last;
	void *entry;

	iova_mt_index_assert_locked(index);
	span = iova_mt_spans_at_locked(&space->spans, pfn);
	if (span)
		return iova_mt_spans_free_locked(&space->spans, span, pfn, parked);
	entry = iova_mt_index_load_locked(index, pfn, &first, &last);
	if (!entry || is_deferred_locked(space, entry, first))
		return false;
	if (iova_mt_index_erase_locked(index, first, last))
		iova_mt_deferred_add_locked(&space->deferred, first, last, entry);
	else
		entry_drop(space, entry);
	return true;
}

/**
 * iova_mt_space_free() - give a range back
 * @space: the space
 * @pfn: any pfn of it
 *
 * Context: Any.
 * Return: false when it is in no live or reserved range, and nothing was done.
 */
bool iova_mt_space_free(struct iova_mt_space *space, unsigned long pfn)
{
	unsigned long flags;
	bool freed;

	iova_mt_index_lock(&space->index, flags);
	freed = free_locked(space, pfn, false);
	iova_mt_index_unlock(&space->index, flags);
	return freed;
}

/**
 * iova_mt_space_free_cached_locked() - give back a range that lay in a cache
 * @space: the space
 * @pfn: its first pfn
 * @parked: whether it has been parked
 *
 * Context: Any, under the tree's lock.
 * Return: false when it is in no live or reserved range, and nothing was done.
 */
bool iova_mt_space_free_cached_locked(struct iova_mt_space *space,
				      unsigned long pfn, bool parked)
{
	return free_locked(space, pfn, parked);
}

/**
 * iova_mt_space_park() - note that a range goes to a cache
 * @space: the space
 * @pfn: first pfn
 * @size: pages, of a size class of whole blocks
 *
 * Until it is taken out of there with iova_mt_span_unpark() it is nobody's: no
 * free finds it. Only what lies in a span can be noted.
 *
 * Context: Any.
 * Return: its span; NULL when this is not exactly a live range, and when that
 * cannot be noted.
 */
struct iova_mt_span *iova_mt_space_park(struct iova_mt_space *space,
					unsigned long pfn, unsigned long size)
{
	struct iova_mt_span *span;
	unsigned long flags;

	if (!IS_ALIGNED(pfn, size))
		return NULL;
	iova_mt_index_lock(&space->index, flags);
	span = iova_mt_spans_at_locked(&space->spans, pfn);
	if (span && !iova_mt_spans_park_locked(&space->spans, span, pfn, size))
		span = NULL;
	iova_mt_index_unlock(&space->index, flags);
	return span;
}

/**
 * iova_mt_space_free_parked() - give a range back that no cache has taken
 * @space: the space
 * @pfn: its first pfn
 *
 * Context: Any.
 */
void iova_mt_space_free_parked(struct iova_mt_space *space, unsigned long pfn)
{
	unsigned long flags;

	iova_mt_index_lock(&space->index, flags);
	free_locked(space, pfn, true);
	iova_mt_index_unlock(&space->index, flags);
}

static int reserve_store_locked(struct iova_mt_space *space, unsigned long first,
				unsigned long last, unsigned long call)
{
	void *entry = entry_make(space, IOVA_MT_RESERVED, call);
	int ret;

	if (!entry)
		return -ENOMEM;
	ret = iova_mt_index_insert_locked(&space->index, first, last, entry);
	if (ret)
		entry_drop(space, entry);
	return ret;
}

/*
 * Reserve what is not live or reserved in the first range or gap from @pfn on,
 * and move @pfn past it.
 * Return: 0, -EAGAIN when it is to be looked at again, -ENOMEM.
 */
static int reserve_piece_locked(struct iova_mt_space *space, unsigned long *pfn,
				unsigned long last, unsigned long call)
{
	struct iova_mt_deferred *deferred = &space->deferred;
	struct iova_mt_index *index = &space->index;
	unsigned long range_first, range_last, piece_last;
	void *entry;
	int ret;

	iova_mt_index_assert_locked(index);
	entry = iova_mt_index_load_locked(index, *pfn, &range_first, &range_last);
	piece_last = min(last, range_last);
	if (entry && iova_mt_entry_state(entry) == IOVA_MT_SPAN)
		return iova_mt_spans_reserve_locked(&space->spans, pfn,
						    piece_last, call);
	if (!entry) {
		ret = reserve_store_locked(space, *pfn, piece_last, call);
		if (ret)
			return ret;
	} else if (is_deferred_locked(space, entry, range_first)) {
		ret = deferred->how->yield_locked(deferred, range_first,
						  range_last, entry);
		if (!ret)
			ret = reserve_store_locked(space, *pfn, piece_last, call);
		if (ret)
			return ret;
		iova_mt_deferred_cut_locked(deferred, range_first, range_last,
					    *pfn, piece_last);
	}
	*pfn = piece_last + 1;
	return 0;
}

/* Free the pieces that one call has reserved below @end. */
static void unreserve(struct iova_mt_space *space, unsigned long first,
		      unsigned long end, unsigned long call)
{
	struct iova_mt_index *index = &space->index;
	unsigned long flags, range_first, range_last, next;
	void *entry;

	while (first < end) {
		iova_mt_index_lock(index, flags);
		entry = iova_mt_index_load_locked(index, first, &range_first,
						  &range_last);
		next = range_last + 1;
		/* The entry of what is freed may be gone. */
		if (entry && iova_mt_entry_state(entry) == IOVA_MT_SPAN)
			next = iova_mt_spans_unreserve_locked(&space->spans, first,
							      range_last, call);
		else if (entry && iova_mt_entry_state(entry) == IOVA_MT_RESERVED &&
			 iova_mt_entry_tag(entry) == call)
			free_locked(space, first, false);
		iova_mt_index_unlock(index, flags);
		if (!next)
			break;
		first = next;
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
	unsigned long pfn = first, call = 0, flags;
	unsigned int pieces;
	int ret = 0;

	do {
		iova_mt_index_lock(index, flags);
		if (!call)
			call = ++space->reservations;
		for (pieces = HOLD_PIECES; pieces; pieces--) {
			ret = reserve_piece_locked(space, &pfn, last, call);
			/* Past the end, or wrapped behind the highest pfn. */
			if (ret == -ENOMEM || pfn > last || pfn == 0)
				break;
		}
		iova_mt_index_unlock(index, flags);
	} while (ret != -ENOMEM && pfn <= last && pfn);

	if (ret)
		unreserve(space, first, pfn, call);
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
	bool found;

	iova_mt_index_lock(index, flags);
	entry = iova_mt_index_load_locked(index, pfn, &range->first, &range->last);
	found = entry && !is_deferred_locked(space, entry, range->first);
	if (found)
		range->state = iova_mt_entry_state(entry);
	if (found && range->state == IOVA_MT_SPAN)
		found = iova_mt_spans_range_locked(&space->spans, pfn, range);
	iova_mt_index_unlock(index, flags);
	return found ? 0 : -ENOENT;
}

/* Return: false when @range, a span, ends at or above @from, but no part of it. */
static bool next_locked(struct iova_mt_space *space, const void *entry,
			unsigned long from, struct iova_mt_range *range)
{
	iova_mt_index_assert_locked(&space->index);
	if (is_deferred_locked(space, entry, range->first))
		range->state = IOVA_MT_DEFERRED;
	return range->state != IOVA_MT_SPAN ||
	       iova_mt_spans_next_locked(&space->spans, from, range);
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
	bool found = false;
	void *entry;

	do {
		iova_mt_index_lock(&space->index, flags);
		entry = iova_mt_index_next_locked(&space->index, from, range);
		if (entry)
			found = next_locked(space, entry, from, range);
		iova_mt_index_unlock(&space->index, flags);
		from = range->last + 1;
	} while (entry && !found && from);
	return found ? 0 : -ENOENT;
}
