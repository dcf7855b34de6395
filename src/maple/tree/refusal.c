// SPDX-License-Identifier: GPL-2.0
/*
 * Refusals: what a search is known not to find.
 *
 * Rule: what is remembered is exact: it never makes a search fail that would find
 * something.
 *
 * Locks: the caller's.
 */
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/minmax.h>

#include "maple/tree/refusal.h"

/**
 * iova_mt_refusals_cover() - is it known that there is no such block?
 * @refusals: what is remembered
 * @wanted: the block
 *
 * Context: Any.
 * Return: true when it is.
 */
bool iova_mt_refusals_cover(const struct iova_mt_refusals *refusals,
			    const struct iova_mt_wanted *wanted)
{
	const struct iova_mt_refusal *refusal;

	if (wanted->order >= IOVA_MT_REFUSAL_ORDERS ||
	    !(refusals->valid & BIT(wanted->order)))
		return false;
	refusal = &refusals->refusal[wanted->order];
	return wanted->size >= refusal->size && wanted->limit <= refusal->limit;
}

/**
 * iova_mt_refusals_add() - remember that there is no such block
 * @refusals: what is remembered
 * @wanted: the block
 *
 * Of an order that is too large for the table, nothing is remembered.
 *
 * Context: Any.
 */
void iova_mt_refusals_add(struct iova_mt_refusals *refusals,
			  const struct iova_mt_wanted *wanted)
{
	struct iova_mt_refusal *refusal;

	if (wanted->order >= IOVA_MT_REFUSAL_ORDERS)
		return;
	refusals->valid |= BIT(wanted->order);
	refusal = &refusals->refusal[wanted->order];
	refusal->size = wanted->size;
	refusal->limit = wanted->limit;
}

/**
 * iova_mt_refusals_forget() - pages have become free
 * @refusals: what is remembered
 * @first: first pfn of the gap that they lie in, not below the lowest that may
 *	be handed out
 * @last: last pfn of the gap
 *
 * Forgets the refusals that this makes wrong, and no others.
 *
 * Context: Any.
 */
void iova_mt_refusals_forget(struct iova_mt_refusals *refusals,
			     unsigned long first, unsigned long last)
{
	unsigned long valid = refusals->valid;
	unsigned int order;

	for_each_set_bit(order, &valid, IOVA_MT_REFUSAL_ORDERS) {
		const struct iova_mt_refusal *refusal = &refusals->refusal[order];
		unsigned long pfn = ALIGN(first, BIT(order));
		unsigned long top = min(last, refusal->limit);

		if (pfn >= first && pfn <= top && top - pfn >= refusal->size - 1)
			refusals->valid &= ~BIT(order);
	}
}
