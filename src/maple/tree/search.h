/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A search for free pages in the index, from the top down, in steps.
 */
#ifndef _IOVA_MT_SEARCH_H
#define _IOVA_MT_SEARCH_H

#include <linux/limits.h>
#include <linux/types.h>

struct iova_mt_index;

/*
 * The very last pfn is never handed out: in a window of all 2^64 pfns
 * mas_empty_area_rev() overflows. It exists with a granule of one byte only.
 */
#define IOVA_MT_HIGHEST_PFN	(ULONG_MAX - 1)

/**
 * struct iova_mt_search - a search for free pages, in steps
 * @size: pages
 * @order: alignment, as a power of two of pages
 * @limit: highest pfn
 * @top: highest pfn that has not been looked at
 * @erases: of the index when the search began
 * @stage: what is tried next
 */
struct iova_mt_search {
	unsigned long size;
	unsigned int order;
	unsigned long limit;
	unsigned long top;
	unsigned long erases;
	enum {
		IOVA_MT_SEARCH_BEGIN,
		IOVA_MT_SEARCH_NEAR,
		IOVA_MT_SEARCH_WIDE,
		IOVA_MT_SEARCH_REST,
	} stage;
};

void iova_mt_search_init(struct iova_mt_search *search, unsigned long size,
			 unsigned long limit, bool aligned);
int iova_mt_search_step_locked(struct iova_mt_index *index,
			       struct iova_mt_search *search,
			       unsigned long *pfn);

#endif /* _IOVA_MT_SEARCH_H */
