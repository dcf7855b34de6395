// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: the struct iova of those callers that want one for a range.
 *
 * The allocators keep no object for a range. alloc_iova(), find_iova() and
 * reserve_iova() return one all the same, so it is made here, and remembered in
 * a table of its domain until the range is freed.
 *
 * Rule: an object leaves the table before its range is freed. Otherwise the
 * range could be allocated again, and get a second object, in between.
 *
 * Objects are looked up by their first pfn only. One of a range that was reserved
 * over others says what was asked for, until somebody looks for it: the allocator
 * knows its pieces, and from then on it stands for the first of them.
 *
 * Locks: objects->lock, irqsave, innermost.
 */
#include <linux/minmax.h>
#include <linux/slab.h>

#include "base/fault.h"
#include "object.h"

static struct kmem_cache *cache;

static struct iova_mt_object *to_object(struct rb_node *node)
{
	return rb_entry(node, struct iova_mt_object, iova.node);
}

/**
 * iova_mt_object_cache_init() - make ready
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_object_cache_init(void)
{
	/* Not merged with others, so that its destruction finds leaks. */
	cache = kmem_cache_create("iova_mt_object",
				  sizeof(struct iova_mt_object), 0,
				  SLAB_NO_MERGE, NULL);
	return cache ? 0 : -ENOMEM;
}

/**
 * iova_mt_object_cache_exit() - undo iova_mt_object_cache_init()
 *
 * All tables have been destroyed.
 *
 * Context: Process, may sleep.
 */
void iova_mt_object_cache_exit(void)
{
	kmem_cache_destroy(cache);
}

/**
 * iova_mt_objects_init() - make an empty table
 * @objects: the table
 *
 * Context: Any.
 */
void iova_mt_objects_init(struct iova_mt_objects *objects)
{
	spin_lock_init(&objects->lock);
	objects->root = RB_ROOT;
	objects->nr_live = 0;
}

/**
 * iova_mt_objects_destroy() - free all objects of a table
 * @objects: the table, which nobody uses any more
 *
 * Context: Any.
 */
void iova_mt_objects_destroy(struct iova_mt_objects *objects)
{
	struct iova_mt_object *object, *next;

	rbtree_postorder_for_each_entry_safe(object, next, &objects->root,
					     iova.node)
		iova_mt_object_free(object);
	objects->root = RB_ROOT;
	objects->nr_live = 0;
}

/**
 * iova_mt_object_alloc() - get memory for an object
 * @domain_id: whose it will be
 *
 * Context: Any.
 * Return: the object, or NULL: no memory, or the fault point fail_object.
 */
struct iova_mt_object *iova_mt_object_alloc(unsigned int domain_id)
{
	if (iova_mt_fault_hit(IOVA_MT_FAULT_fail_object, domain_id))
		return NULL;
	return kmem_cache_alloc(cache, GFP_ATOMIC | __GFP_NOWARN);
}

/**
 * iova_mt_object_free() - free an object that is in no table
 * @object: the object
 *
 * Context: Any.
 */
void iova_mt_object_free(struct iova_mt_object *object)
{
	kmem_cache_free(cache, object);
}

/* Also says where an object of @first belongs, for rb_link_node(). */
static struct iova_mt_object *lookup_locked(struct iova_mt_objects *objects,
					    unsigned long first,
					    struct rb_node **parent,
					    struct rb_node ***link)
{
	struct rb_node **p = &objects->root.rb_node;

	lockdep_assert_held(&objects->lock);
	*parent = NULL;
	while (*p) {
		struct iova_mt_object *object = to_object(*p);

		if (first == object->iova.pfn_lo)
			return object;
		*parent = *p;
		if (first < object->iova.pfn_lo)
			p = &(*p)->rb_left;
		else
			p = &(*p)->rb_right;
	}
	*link = p;
	return NULL;
}

static void count_live_locked(struct iova_mt_objects *objects, int n)
{
	lockdep_assert_held(&objects->lock);
	WRITE_ONCE(objects->nr_live, objects->nr_live + n);
}

/* What the allocator says of a range is newer than what the table knows. */
static void renew_locked(struct iova_mt_objects *objects,
			 struct iova_mt_object *object,
			 const struct iova_mt_range *range)
{
	bool reserved = range->state == IOVA_MT_RESERVED;

	lockdep_assert_held(&objects->lock);
	object->iova.pfn_hi = range->last;
	if (object->reserved != reserved)
		count_live_locked(objects, reserved ? -1 : 1);
	object->reserved = reserved;
}

/**
 * iova_mt_object_insert() - let an object stand for a range
 * @objects: the table
 * @object: the object, which is the table's from now on
 * @range: live or reserved
 *
 * There may be one at that pfn already: two finds met, a reserved range begins
 * where another range does, or a range was freed while somebody looked for it.
 * That object is in somebody's hands and stays. It is renewed if @range is live;
 * a reserved one may be no more than what was asked for.
 *
 * Context: Any.
 * Return: the object of that range: @object, or one that was there before.
 */
struct iova *iova_mt_object_insert(struct iova_mt_objects *objects,
				   struct iova_mt_object *object,
				   const struct iova_mt_range *range)
{
	struct iova_mt_object *old;
	struct rb_node *parent, **link;
	unsigned long flags;

	object->iova.pfn_lo = range->first;
	object->iova.pfn_hi = range->last;
	object->reserved = range->state == IOVA_MT_RESERVED;
	object->reserved_to = range->last;

	spin_lock_irqsave(&objects->lock, flags);
	old = lookup_locked(objects, range->first, &parent, &link);
	if (old) {
		if (range->state == IOVA_MT_LIVE)
			renew_locked(objects, old, range);
		old->reserved_to = max(old->reserved_to, range->last);
	} else {
		rb_link_node(&object->iova.node, parent, link);
		rb_insert_color(&object->iova.node, &objects->root);
		if (!object->reserved)
			count_live_locked(objects, 1);
	}
	spin_unlock_irqrestore(&objects->lock, flags);

	if (!old)
		return &object->iova;
	iova_mt_object_free(object);
	return &old->iova;
}

/**
 * iova_mt_object_find() - find the object of a range
 * @objects: the table
 * @range: the range, as the allocator has it
 *
 * The caller holds the range, so that the object does not go.
 *
 * Context: Any.
 * Return: the object, which ends where @range does; or NULL.
 */
struct iova *iova_mt_object_find(struct iova_mt_objects *objects,
				 const struct iova_mt_range *range)
{
	struct iova_mt_object *object;
	struct rb_node *parent, **link;
	unsigned long flags;

	spin_lock_irqsave(&objects->lock, flags);
	object = lookup_locked(objects, range->first, &parent, &link);
	if (object)
		renew_locked(objects, object, range);
	spin_unlock_irqrestore(&objects->lock, flags);
	return object ? &object->iova : NULL;
}

/**
 * iova_mt_object_drop() - the range of an object is about to be freed
 * @objects: the table
 * @first: first pfn of the range
 * @reserved_to: gets the last pfn of the reservation that the object stood for;
 *	untouched if it stood for none
 *
 * Context: Any.
 * Return: true when there was an object. It is gone.
 */
bool iova_mt_object_drop(struct iova_mt_objects *objects, unsigned long first,
			 unsigned long *reserved_to)
{
	struct iova_mt_object *object;
	struct rb_node *parent, **link;
	unsigned long flags;

	spin_lock_irqsave(&objects->lock, flags);
	object = lookup_locked(objects, first, &parent, &link);
	if (object) {
		rb_erase(&object->iova.node, &objects->root);
		if (object->reserved)
			*reserved_to = object->reserved_to;
		else
			count_live_locked(objects, -1);
	}
	spin_unlock_irqrestore(&objects->lock, flags);

	if (!object)
		return false;
	iova_mt_object_free(object);
	return true;
}
