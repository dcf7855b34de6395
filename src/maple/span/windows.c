// SPDX-License-Identifier: GPL-2.0
/*
 * The windows of a domain: which have a span, and which of these has room.
 *
 * 64 windows are a region, with a mask for each order that says which of its
 * spans have that as their largest. Regions are in an rbtree that knows the best
 * order in each subtree, after Peng Zhang's augmented tree for iova.c (2022). So
 * the highest span with room is a walk down a small tree, and then a look at few
 * masks; and a span that gains or loses room changes two bits, and the tree only
 * when its region's best order changes with it.
 *
 * Rules: a region exists as long as it has a span. Order -1 is that of a span
 * without room.
 *
 * Locks: the caller's.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/rbtree_augmented.h>
#include <linux/slab.h>

#include "maple/span/windows.h"

static struct kmem_cache *cache;

#define to_region(_node)	rb_entry(_node, struct iova_mt_region, node)
#define region_order(_region)	((_region)->order)

RB_DECLARE_CALLBACKS_MAX(static, callbacks, struct iova_mt_region, node, int,
			 best, region_order)

/* --- Regions -------------------------------------------------------------- */

static void region_insert(struct iova_mt_windows *windows,
			  struct iova_mt_region *region)
{
	struct rb_node **link = &windows->root.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = region->base < to_region(parent)->base ?
			&parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&region->node, parent, link);
	callbacks.propagate(&region->node, NULL);
	rb_insert_augmented(&region->node, &windows->root, &callbacks);
}

static struct iova_mt_region *region_new(struct iova_mt_windows *windows,
					 unsigned long base)
{
	struct iova_mt_region *region;

	region = kmem_cache_zalloc(cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!region)
		return NULL;
	region->base = base;
	region->order = -1;
	region->best = -1;
	region_insert(windows, region);
	return region;
}

/* A window has a span of that order. */
static void region_set(struct iova_mt_region *region, unsigned int slot,
		       int order)
{
	region->by_order[order + 1] |= BIT_ULL(slot);
	region->orders |= BIT(order + 1);
}

/* It no longer has. */
static void region_clear(struct iova_mt_region *region, unsigned int slot,
			 int order)
{
	region->by_order[order + 1] &= ~BIT_ULL(slot);
	if (!region->by_order[order + 1])
		region->orders &= ~BIT(order + 1);
}

/* The windows that have a span of that order or more. */
static u64 region_room(const struct iova_mt_region *region, int order)
{
	unsigned int orders = region->orders & ~(BIT(order + 1) - 1);
	u64 room = 0;

	/* The usual request is for a page. */
	if (order <= 0)
		return order < 0 ? region->spans : region->spans & ~region->by_order[0];
	for (; orders; orders &= orders - 1)
		room |= region->by_order[__ffs(orders)];
	return room;
}

static void region_update(struct iova_mt_region *region)
{
	int order = region->orders ? (int)__fls(region->orders) - 1 : -1;

	if (order == region->order)
		return;
	region->order = order;
	callbacks.propagate(&region->node, NULL);
}

/* --- Search --------------------------------------------------------------- */

static bool has_room(const struct rb_node *node, int order)
{
	return node && to_region(node)->best >= order;
}

/* The highest region in the subtree of @node that has room. There is one. */
static struct iova_mt_region *highest_in(struct rb_node *node, int order)
{
	for (;;) {
		while (has_room(node->rb_right, order))
			node = node->rb_right;
		if (to_region(node)->order >= order)
			return to_region(node);
		node = node->rb_left;
	}
}

/* The highest region with room that begins at or below @limit, or NULL. */
static struct iova_mt_region *region_highest(const struct iova_mt_windows *windows,
					     unsigned long limit, int order)
{
	struct rb_node *node = windows->root.rb_node;
	struct iova_mt_region *region, *found = NULL;

	while (has_room(node, order)) {
		region = to_region(node);
		if (region->base > limit) {
			node = node->rb_left;
			continue;
		}
		/* All on the left are below the limit. */
		if (region->order >= order || has_room(node->rb_left, order))
			found = region;
		node = node->rb_right;
	}
	if (!found || found->order >= order)
		return found;
	return highest_in(found->node.rb_left, order);
}

/* --- Interface ------------------------------------------------------------ */

/**
 * iova_mt_windows_region() - find a region
 * @windows: the windows
 * @base: its first pfn
 *
 * Context: Any.
 * Return: the region, or NULL.
 */
struct iova_mt_region *iova_mt_windows_region(struct iova_mt_windows *windows,
					      unsigned long base)
{
	struct rb_node *node = windows->root.rb_node;
	struct iova_mt_region *region;

	while (node) {
		region = to_region(node);
		if (base == region->base) {
			windows->recent[iova_mt_region_number(base)] = region;
			return region;
		}
		node = base < region->base ? node->rb_left : node->rb_right;
	}
	return NULL;
}

/**
 * iova_mt_windows_highest() - find the highest span with room
 * @windows: the windows
 * @limit: highest pfn at which its window may begin
 * @order: least order, -1 for all spans
 *
 * The room may lie above @limit, if @limit is in its window.
 *
 * Context: Any.
 * Return: the span, or NULL.
 */
struct iova_mt_span *iova_mt_windows_highest(const struct iova_mt_windows *windows,
					     unsigned long limit, int order)
{
	struct iova_mt_region *region;
	u64 room;

	while ((region = region_highest(windows, limit, order))) {
		room = region_room(region, order);
		if (iova_mt_region_base(limit) == region->base)
			room &= GENMASK_ULL(iova_mt_region_slot(limit), 0);
		if (room)
			return region->span[__fls(room)];
		if (!region->base)
			break;
		limit = region->base - 1;
	}
	return NULL;
}

/**
 * iova_mt_windows_insert() - add a span
 * @windows: the windows
 * @span: the span, the first in its window
 *
 * Context: Any.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_windows_insert(struct iova_mt_windows *windows,
			   struct iova_mt_span *span)
{
	unsigned long base = iova_mt_region_base(span->base);
	struct iova_mt_region *region = iova_mt_windows_region(windows, base);
	unsigned int slot = iova_mt_region_slot(span->base);

	if (!region)
		region = region_new(windows, base);
	if (!region)
		return -ENOMEM;
	region->span[slot] = span;
	region->spans |= BIT_ULL(slot);
	span->region = region;
	span->listed = span->order;
	region_set(region, slot, span->order);
	region_update(region);
	return 0;
}

/**
 * iova_mt_windows_erase() - remove a span
 * @windows: the windows
 * @span: the span
 *
 * Context: Any.
 */
void iova_mt_windows_erase(struct iova_mt_windows *windows,
			   struct iova_mt_span *span)
{
	struct iova_mt_region *region = span->region;
	unsigned int slot = iova_mt_region_slot(span->base), number;

	region_clear(region, slot, span->listed);
	region->span[slot] = NULL;
	region->spans &= ~BIT_ULL(slot);
	if (region->spans) {
		region_update(region);
		return;
	}
	rb_erase_augmented(&region->node, &windows->root, &callbacks);
	number = iova_mt_region_number(region->base);
	if (windows->recent[number] == region)
		windows->recent[number] = NULL;
	kmem_cache_free(cache, region);
}

/**
 * iova_mt_windows_update_slow() - the order of a span has changed
 * @span: the span
 *
 * Context: Any.
 */
void iova_mt_windows_update_slow(struct iova_mt_span *span)
{
	struct iova_mt_region *region = span->region;
	unsigned int slot = iova_mt_region_slot(span->base);

	region_clear(region, slot, span->listed);
	region_set(region, slot, span->order);
	span->listed = span->order;
	region_update(region);
}

/**
 * iova_mt_windows_module_init() - where regions come from
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_windows_module_init(void)
{
	cache = kmem_cache_create("iova_mt_region",
				  sizeof(struct iova_mt_region), 0,
				  SLAB_NO_MERGE, NULL);
	return cache ? 0 : -ENOMEM;
}

/**
 * iova_mt_windows_module_exit() - undo iova_mt_windows_module_init()
 *
 * Context: Process, may sleep. There are no regions any more.
 */
void iova_mt_windows_module_exit(void)
{
	kmem_cache_destroy(cache);
}
