// SPDX-License-Identifier: GPL-2.0
/*
 * A search for free pages in the index, from the top down, in steps.
 *
 * Rules: a step looks at a bounded number of gaps. What is remembered of a
 * search that found nothing is exact: it never makes a later one fail that would
 * find something.
 *
 * Locks: the tree's lock.
 */
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/overflow.h>

#include "maple/counters.h"
#include "maple/tree/index.h"
#include "maple/tree/search.h"

/* Gaps that are tried one after the other before a roomier one is asked for. */
#define NEAR_GAPS	8
/* Gaps that are looked at in one lock hold when nothing roomier is there. */
#define REST_GAPS	32

/**
 * iova_mt_search_init() - begin a search
 * @search: its state
 * @wanted: what is searched for
 *
 * Context: Any.
 */
void iova_mt_search_init(struct iova_mt_search *search,
			 const struct iova_mt_wanted *wanted)
{
	search->wanted = *wanted;
	search->stage = IOVA_MT_SEARCH_BEGIN;
}

/*
 * Remember that a complete search found nothing. Only exactly that: a search
 * during which pages became free, or a store that got no memory, says nothing
 * about the space.
 */
static void refuse_locked(struct iova_mt_index *index,
			  const struct iova_mt_search *search)
{
	iova_mt_index_assert_locked(index);
	if (search->erases == index->erases)
		iova_mt_refusals_add(&index->refusals, &search->wanted);
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

	iova_mt_index_assert_locked(index);
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

	iova_mt_index_assert_locked(index);
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

	iova_mt_index_assert_locked(index);
	if (gap_find_locked(index, search, search->wanted.size, &last))
		return -ENOSPC;
	first = last - search->wanted.size + 1;
	block = ALIGN_DOWN(first, BIT(search->wanted.order));
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

	iova_mt_index_assert_locked(index);
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
	const struct iova_mt_wanted *wanted = &search->wanted;
	unsigned long size, last;

	iova_mt_index_assert_locked(index);
	if (check_add_overflow(wanted->size, BIT(wanted->order) - 1, &size))
		return -ENOSPC;
	if (gap_find_locked(index, search, size, &last))
		return -ENOSPC;
	*pfn = ALIGN_DOWN(last - wanted->size + 1, BIT(wanted->order));
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

	iova_mt_index_assert_locked(index);
	switch (search->stage) {
	case IOVA_MT_SEARCH_BEGIN:
		if (iova_mt_refusals_cover(&index->refusals, &search->wanted)) {
			iova_mt_count(index->counters, COUNTER_search_hint);
			return -ENOSPC;
		}
		search->top = min(search->wanted.limit, IOVA_MT_HIGHEST_PFN);
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
 * iova_mt_search_step_locked() - take one step of a search
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
int iova_mt_search_step_locked(struct iova_mt_index *index,
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
