/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The windows of a domain: which have a span, and which of these has room.
 */
#ifndef _IOVA_MT_WINDOWS_H
#define _IOVA_MT_WINDOWS_H

#include <linux/rbtree.h>
#include <linux/types.h>

#include "maple/span/span.h"

#define IOVA_MT_REGION_ORDER	(IOVA_MT_WINDOW_ORDER + 6)
#define IOVA_MT_REGION_WINDOWS	BIT(IOVA_MT_REGION_ORDER - IOVA_MT_WINDOW_ORDER)

/* -1 to that of a window. */
#define IOVA_MT_REGION_MASKS	(IOVA_MT_WINDOW_ORDER + 2)

/**
 * struct iova_mt_region - 64 windows
 * @node: in the tree of regions
 * @order: the best of its spans
 * @best: the best in the subtree of @node
 * @base: its first pfn
 * @spans: the windows that have a span
 * @orders: a bit for each mask of @by_order that has bits
 * @by_order: by order + 1: the windows whose spans are of that order
 * @span: the spans
 */
struct iova_mt_region {
	struct rb_node node;
	int order;
	int best;
	unsigned long base;
	u64 spans;
	unsigned int orders;
	u64 by_order[IOVA_MT_REGION_MASKS];
	struct iova_mt_span *span[IOVA_MT_REGION_WINDOWS];
};

/* Regions that are found without a walk: those of 32 GiB in a row, of 4 KiB pages. */
#define IOVA_MT_WINDOWS_RECENT	32

/**
 * struct iova_mt_windows - the spans of a domain, by window
 * @root: regions of 64 windows that have spans
 * @recent: regions that were looked at, by their number's low bits, or NULL
 */
struct iova_mt_windows {
	struct rb_root root;
	struct iova_mt_region *recent[IOVA_MT_WINDOWS_RECENT];
};

int iova_mt_windows_module_init(void);
void iova_mt_windows_module_exit(void);

struct iova_mt_region *iova_mt_windows_region(struct iova_mt_windows *windows,
					      unsigned long base);
struct iova_mt_span *iova_mt_windows_highest(const struct iova_mt_windows *windows,
					     unsigned long limit, int order);
int iova_mt_windows_insert(struct iova_mt_windows *windows,
			   struct iova_mt_span *span);
void iova_mt_windows_erase(struct iova_mt_windows *windows,
			   struct iova_mt_span *span);
void iova_mt_windows_update_slow(struct iova_mt_span *span);

/* Its first pfn, and its place among the windows of the region. */
static inline unsigned long iova_mt_region_base(unsigned long pfn)
{
	return pfn & ~(BIT(IOVA_MT_REGION_ORDER) - 1);
}

static inline unsigned int iova_mt_region_slot(unsigned long pfn)
{
	return (pfn >> IOVA_MT_WINDOW_ORDER) % IOVA_MT_REGION_WINDOWS;
}

static inline unsigned int iova_mt_region_number(unsigned long base)
{
	return (base >> IOVA_MT_REGION_ORDER) % IOVA_MT_WINDOWS_RECENT;
}

/**
 * iova_mt_windows_at() - find the span in the window of a pfn
 * @windows: the windows
 * @pfn: the pfn, which need not be of the span
 *
 * Context: Any.
 * Return: the span, or NULL.
 */
static inline struct iova_mt_span *
iova_mt_windows_at(struct iova_mt_windows *windows, unsigned long pfn)
{
	unsigned long base = iova_mt_region_base(pfn);
	struct iova_mt_region *region =
		windows->recent[iova_mt_region_number(base)];

	if (unlikely(!region || region->base != base))
		region = iova_mt_windows_region(windows, base);
	return region ? region->span[iova_mt_region_slot(pfn)] : NULL;
}

/**
 * iova_mt_windows_update() - the order of a span may have changed
 * @span: the span
 *
 * Context: Any.
 */
static inline void iova_mt_windows_update(struct iova_mt_span *span)
{
	if (span->order != span->listed)
		iova_mt_windows_update_slow(span);
}

#endif /* _IOVA_MT_WINDOWS_H */
