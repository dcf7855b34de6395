// SPDX-License-Identifier: GPL-2.0
/*
 * Reuse: a deferred range is handed out again, whole.
 *
 * An allocation that gets no memory, or finds no gap, takes over a deferred range
 * of exactly its size, which needs no memory however ranges are deferred. So with
 * every atomic allocation failing, a steady load of maps and unmaps goes on.
 *
 * Locks: the tree's lock.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/minmax.h>

#include "base/trace.h"
#include "maple/deferred/deferral.h"
#include "maple/deferred/deferred.h"
#include "maple/tree/index.h"
#include "maple/deferred/reuse.h"

/*
 * Lock holds that an allocation spends on the search: few for one that found no
 * gap, which happens again and again in a full space; more for one that got no
 * memory, be it for its sweep, whose last hope it is.
 */
#define NO_SPACE_HOLDS	4
#define NO_MEMORY_HOLDS	128

/* Take over a marker in @from..@max, if there is one that fits among the first. */
static bool take_over_locked(struct iova_mt_deferred *deferred, unsigned long from,
			     unsigned long max, unsigned int budget,
			struct iova_mt_match *match)
{
	struct iova_mt_index *index = deferred->index;
	unsigned long last;

	iova_mt_index_assert_locked(index);
	match->end = true;
	if (!deferred->ranges || from > max ||
	    !iova_mt_index_match_deferred_locked(index, from, max, budget,
						 match))
		return false;
	last = match->first + match->wanted.size - 1;
	if (deferred->way->reuse_locked(deferred, match->first, last,
					match->entry))
		return false;
	iova_mt_deferred_removed_locked(deferred, 1, match->wanted.size);
	deferred->taken++;
	trace_iova_mt_reuse(index->domain_id, match->first, last,
			    deferred->ranges);
	return true;
}

/* Has what was noted there been erased, or taken over, since? */
static bool is_stale(const struct iova_mt_match *match, unsigned long first)
{
	return !match->entry || match->first != first ||
	       !iova_mt_entry_is_deferred(match->entry);
}

/*
 * Take over the last one that fits; those that do not are kept for somebody with
 * another size or limit.
 */
static bool take_recent_locked(struct iova_mt_deferred *deferred,
			       struct iova_mt_recent *recent,
			       struct iova_mt_match *match)
{
	unsigned int i = recent->nr;
	unsigned long first;
	bool taken;

	iova_mt_index_assert_locked(deferred->index);
	while (i-- && deferred->ranges) {
		first = recent->first[i];
		match->entry = NULL;
		taken = take_over_locked(deferred, first, first, 1, match);
		if (taken || is_stale(match, first))
			iova_mt_recent_forget(recent, i);
		if (taken)
			return true;
	}
	return false;
}

static bool take_recent(struct iova_mt_deferred *deferred,
			struct iova_mt_match *match)
{
	struct iova_mt_recent *recent = iova_mt_recent_of(deferred->recent,
							  match->wanted.size);
	unsigned long flags;
	bool taken;

	if (!recent)
		return false;
	iova_mt_index_lock(deferred->index, flags);
	taken = take_recent_locked(deferred, recent, match);
	iova_mt_index_unlock(deferred->index, flags);
	return taken;
}

/*
 * One piece of a search that goes round, from @pos on. Where it ends is where
 * the next search begins; but each goes its own way round, or two at once would
 * hide from each other what they pass.
 */
static bool take_next(struct iova_mt_deferred *deferred,
		      struct iova_mt_match *match, unsigned long *pos,
		      unsigned int *rounds)
{
	unsigned long flags;
	bool taken;

	iova_mt_index_lock(deferred->index, flags);
	taken = take_over_locked(deferred, max(*pos, deferred->low), deferred->high,
				 IOVA_MT_HOLD_ENTRIES, match);
	*pos = match->end ? 0 : match->next;
	*rounds += match->end;
	deferred->reuse_from = *pos;
	iova_mt_index_unlock(deferred->index, flags);
	return taken;
}

/**
 * iova_mt_reuse_alloc() - hand out a deferred range again, whole
 * @deferred: the backlog
 * @wanted: what is asked for; its size is exactly that of the range
 * @error: why the allocation wants it: -ENOSPC, or -ENOMEM: for lack of memory,
 *	to store the range or to make room for it
 * @pfn: the first one of the range; untouched when there is none
 *
 * Needs no memory. Ends after a bounded number of lock holds, so it can miss a
 * range among very many others; the next call goes on from there.
 *
 * Context: Any.
 * Return: true when there was one.
 */
bool iova_mt_reuse_alloc(struct iova_mt_deferred *deferred,
			 const struct iova_mt_wanted *wanted, int error,
			unsigned long *pfn)
{
	struct iova_mt_match match = { .wanted = *wanted };
	unsigned int holds = error == -ENOSPC ? NO_SPACE_HOLDS : NO_MEMORY_HOLDS;
	unsigned long pos = READ_ONCE(deferred->reuse_from);
	unsigned int rounds = 0;
	bool taken = false;

	if (!READ_ONCE(deferred->ranges))
		return false;
	taken = take_recent(deferred, &match);
	while (!taken && holds-- && rounds < 2)
		taken = take_next(deferred, &match, &pos, &rounds);
	if (taken)
		*pfn = match.first;
	return taken;
}
