// SPDX-License-Identifier: GPL-2.0
/*
 * Reservations in the space of a domain.
 *
 * Rule: all or nothing. A reservation is stored in pieces, between what is there
 * already, and each piece carries the number of its call.
 *
 * Locks: the tree's lock, for a bounded number of pieces at a time.
 */
#include <linux/errno.h>
#include <linux/minmax.h>

#include "maple/deferred/deferral.h"
#include "maple/space.h"

/* Pieces that are reserved in one lock hold. */
#define HOLD_PIECES	16

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
	bool is_deferred;
	void *entry;
	int ret;

	iova_mt_index_assert_locked(index);
	entry = iova_mt_index_load_locked(index, *pfn, &range_first, &range_last);
	piece_last = min(last, range_last);
	/* No piece goes past it, or its erase would leave a gap of 2^64 pages. */
	if (*pfn <= IOVA_MT_HIGHEST_PFN)
		piece_last = min(piece_last, IOVA_MT_HIGHEST_PFN);
	if (entry && iova_mt_entry_state(entry) == IOVA_MT_SPAN)
		return iova_mt_spans_reserve_locked(&space->spans, pfn,
						    piece_last, call);
	is_deferred = entry && iova_mt_deferred_has_locked(deferred, entry,
							   range_first);
	/* What is live or reserved stays what it is. */
	if (entry && !is_deferred)
		goto done;
	ret = is_deferred ? deferred->way->overwrite_locked(deferred, range_first,
							range_last, entry) : 0;
	if (!ret)
		ret = iova_mt_deferral_insert_locked(deferred->way, index, *pfn,
						     piece_last,
						     IOVA_MT_RESERVED, call);
	if (ret)
		return ret;
	if (is_deferred)
		iova_mt_deferred_cut_locked(deferred, range_first, range_last,
					    *pfn, piece_last);
done:
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
			iova_mt_space_free_cached_locked(space, first, false);
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
	bool done = false;
	int ret = 0;

	do {
		iova_mt_index_lock(index, flags);
		if (!call)
			call = ++space->reservations;
		for (pieces = HOLD_PIECES; pieces && !done; pieces--) {
			ret = reserve_piece_locked(space, &pfn, last, call);
			/* Past the end, or wrapped behind the highest pfn. */
			done = ret == -ENOMEM || (!ret && (pfn > last || !pfn));
		}
		iova_mt_index_unlock(index, flags);
	} while (!done);

	if (ret)
		unreserve(space, first, pfn, call);
	return ret;
}
