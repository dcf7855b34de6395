/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Refusals: what a search is known not to find.
 */
#ifndef _IOVA_MT_REFUSAL_H
#define _IOVA_MT_REFUSAL_H

#include <linux/types.h>

#include "maple/tree/wanted.h"

/* Refusals are remembered for alignments up to 2^(this - 1) pages. */
#define IOVA_MT_REFUSAL_ORDERS	21

/**
 * struct iova_mt_refusal - what is known not to be there
 * @size: no block of this many pages, aligned to the order of this entry, is
 *	free ...
 * @limit: ... at or below this pfn
 */
struct iova_mt_refusal {
	unsigned long size;
	unsigned long limit;
};

/**
 * struct iova_mt_refusals - one for each order of alignment
 * @valid: bits of those that are
 * @refusal: by order; exact: cleared by the erase that makes it wrong, set only
 *	by a search that looked at everything
 */
struct iova_mt_refusals {
	unsigned long valid;
	struct iova_mt_refusal refusal[IOVA_MT_REFUSAL_ORDERS];
};

bool iova_mt_refusals_cover(const struct iova_mt_refusals *refusals,
			    const struct iova_mt_wanted *wanted);
void iova_mt_refusals_add(struct iova_mt_refusals *refusals,
			  const struct iova_mt_wanted *wanted);
void iova_mt_refusals_forget(struct iova_mt_refusals *refusals,
			     unsigned long first, unsigned long last);

#endif /* _IOVA_MT_REFUSAL_H */
