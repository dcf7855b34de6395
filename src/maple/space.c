// SPDX-License-Identifier: GPL-2.0
/*
 * The space of a domain: exact ranges, without caches.
 *
 * Joins spans, index and backlog: small requests go to spans, others to the
 * index; a free that cannot erase defers, an allocation that finds no gap sweeps,
 * and one that gets no memory takes over a deferred range of its size.
 *
 * Rule: a refusal is final only if nothing became free while it was looked for.
 *
 * Locks: the tree's lock, for a bounded number of steps at a time.
 */
#include <linux/align.h>
#include <linux/compiler.h>

#include "maple/deferred/deferral.h"
#include "maple/deferred/reuse.h"
#include "maple/span/beside.h"
#include "maple/tree/search.h"
#include "maple/space.h"

/* See alloc_other(). */
#define MOST_ROUNDS	64

/**
 * iova_mt_space_init() - make an empty space
 * @space: the space
 * @start_pfn: lowest pfn that is handed out
 * @counters: where to count
 * @domain_id: for messages and fault points
 * @way: how ranges are deferred
 * @spans: whether small ranges are to be parts of spans
 *
 * Context: Process, may sleep.
 */
void iova_mt_space_init(struct iova_mt_space *space, unsigned long start_pfn,
			const struct iova_mt_counters *counters,
			unsigned int domain_id,
			const struct iova_mt_deferral *way, bool spans)
{
	iova_mt_index_init(&space->index, start_pfn, counters, domain_id);
	iova_mt_deferred_init(&space->deferred, way, &space->index, counters);
	iova_mt_spans_init(&space->spans, &space->index, way, counters, spans);
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
	if (space->deferred.way->drop)
		space->deferred.way->drop(entry);
}

/* --- Allocation ----------------------------------------------------------- */

static int alloc_gap(struct iova_mt_space *space,
		     const struct iova_mt_wanted *wanted, unsigned long *pfn)
{
	const struct iova_mt_deferral *way = space->deferred.way;
	struct iova_mt_index *index = &space->index;
	struct iova_mt_search search;
	unsigned long flags, first;
	int ret;

	iova_mt_search_init(&search, wanted);
	do {
		iova_mt_index_lock(index, flags);
		ret = iova_mt_search_step_locked(index, &search, &first);
		if (!ret)
			ret = iova_mt_deferral_insert_locked(way, index, first,
							     first + wanted->size - 1,
							     IOVA_MT_LIVE, 0);
		iova_mt_index_unlock(index, flags);
	} while (ret == -EAGAIN);
	if (!ret)
		*pfn = first;
	return ret;
}

/* Is it a request that spans are made for? */
static inline bool is_small(const struct iova_mt_space *space,
			    const struct iova_mt_wanted *wanted)
{
	return space->spans.on && wanted->size <= BIT(IOVA_MT_SPANS_ORDER) &&
	       !iova_mt_wanted_anywhere(wanted);
}

static inline bool alloc_small(struct iova_mt_space *space,
			       const struct iova_mt_wanted *wanted,
			       unsigned long *pfn)
{
	return is_small(space, wanted) &&
	       likely(!iova_mt_spans_alloc(&space->spans, wanted, pfn));
}

/*
 * Pages beside spans serve small requests, too: those in small gaps, or where no
 * memory is for a span. And what is free in spans, or partly in one, serves any.
 */
static int alloc_free(struct iova_mt_space *space,
		      const struct iova_mt_wanted *wanted, unsigned long *pfn)
{
	int ret, spans;

	ret = alloc_gap(space, wanted, pfn);
	if (!ret)
		return 0;
	spans = iova_mt_spans_alloc_anywhere(&space->spans, wanted, pfn);
	if (spans == -ENOSPC)
		spans = iova_mt_beside_alloc(&space->spans, wanted, pfn);
	return spans == -ENOSPC ? ret : spans;
}

/* Return: -ENOMEM when that is what there would have been room with. */
static int sweep(struct iova_mt_space *space, const struct iova_mt_wanted *wanted)
{
	return iova_mt_deferred_sweep_for_alloc(&space->deferred, wanted) ?:
	       -ENOSPC;
}

/**
 * iova_mt_space_has_moved() - has anything become free?
 * @space: the space
 * @generation: from before the first look, by iova_mt_space_generation()
 *
 * Under the lock: what somebody takes out of a cache and frees is on its way in
 * one hold, so it is seen here, or it is still in the cache.
 *
 * Context: Any.
 * Return: true when something has, so that it is worth another look.
 */
bool iova_mt_space_has_moved(struct iova_mt_space *space,
			     unsigned long generation)
{
	unsigned long flags;
	bool moved;

	iova_mt_index_lock(&space->index, flags);
	moved = space->index.generation != generation;
	iova_mt_index_unlock(&space->index, flags);
	return moved;
}

/*
 * What no span at hand has served. The places where pages may be free are looked
 * at one after the other, and pages move between them: into a gap when a sweep
 * erases, into a span when it grows. Each such move moves the generation. When it
 * stands still from before the first look to after the last one, then nothing was
 * free at that last moment, because nothing became free since each place was seen
 * to have nothing. When it does not, it is looked for again.
 *
 * Each round more is owed to something that became free: by this request's own
 * sweep, of which there is an end, or by somebody who got on with his work. But
 * somebody else may be quick for ever, and this may run with interrupts off: there
 * is a last round. Who is refused in that one has missed what he wanted 64 times in
 * a row although it was there, or it was something else that became free.
 */
static noinline int alloc_other(struct iova_mt_space *space,
				const struct iova_mt_wanted *wanted,
				unsigned int rounds, unsigned long *pfn)
{
	unsigned long generation;
	int ret;

	for (;;) {
		generation = READ_ONCE(space->index.generation);
		ret = alloc_free(space, wanted, pfn);
		if (!ret)
			return 0;
		if (ret == -ENOSPC)
			ret = sweep(space, wanted);
		if (iova_mt_reuse_alloc(&space->deferred, wanted, ret, pfn))
			return 0;
		if (ret == -ENOMEM || !--rounds ||
		    !iova_mt_space_has_moved(space, generation))
			return ret;
		if (alloc_small(space, wanted, pfn))
			return 0;
	}
}

/**
 * iova_mt_space_alloc() - take pages
 * @space: the space
 * @size: pages, not 0
 * @limit: highest pfn
 * @aligned: aligned to @size rounded up to a power of two
 * @once: look once, for a caller who looks at the generation and comes again
 * @pfn: the first one taken; untouched on failure
 *
 * Context: Any.
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int iova_mt_space_alloc(struct iova_mt_space *space, unsigned long size,
			unsigned long limit, bool aligned, bool once,
			unsigned long *pfn)
{
	struct iova_mt_wanted wanted = iova_mt_wanted(size, limit, aligned);

	if (alloc_small(space, &wanted, pfn))
		return 0;
	return alloc_other(space, &wanted, once ? 1 : MOST_ROUNDS, pfn);
}

/**
 * iova_mt_space_generation() - when is now?
 * @space: the space
 *
 * For who looks in other places as well before he refuses.
 *
 * Context: Any.
 * Return: a number for iova_mt_space_has_moved().
 */
unsigned long iova_mt_space_generation(const struct iova_mt_space *space)
{
	return READ_ONCE(space->index.generation);
}

/* --- Free ----------------------------------------------------------------- */

static bool is_deferred_locked(struct iova_mt_space *space, const void *entry,
			       unsigned long first)
{
	iova_mt_index_assert_locked(&space->index);
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
	iova_mt_index_assert_locked(&space->index);
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

/* --- Find, list ----------------------------------------------------------- */

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
