/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A search for free pages in the index, from the top down, in steps.
 */
#ifndef _IOVA_MT_SEARCH_H
#define _IOVA_MT_SEARCH_H

#include <linux/types.h>

#include "maple/tree/wanted.h"

struct iova_mt_index;

/**
 * struct iova_mt_search - a search for free pages, in steps
 * @wanted: what is searched for
 * @top: highest pfn that has not been looked at
 * @erases: of the index when the search began: after others, "none" may be
 *	wrong already, and is not remembered
 * @stage: what is tried next
 */
struct iova_mt_search {
	struct iova_mt_wanted wanted;
	unsigned long top;
	unsigned long erases;
	enum {
		IOVA_MT_SEARCH_BEGIN,
		IOVA_MT_SEARCH_NEAR,
		IOVA_MT_SEARCH_WIDE,
		IOVA_MT_SEARCH_REST,
	} stage;
};

void iova_mt_search_init(struct iova_mt_search *search,
			 const struct iova_mt_wanted *wanted);
int iova_mt_search_step_locked(struct iova_mt_index *index,
			       struct iova_mt_search *search,
			       unsigned long *pfn);

#endif /* _IOVA_MT_SEARCH_H */
