/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Objects: the struct iova of those callers that want one for a range.
 */
#ifndef _IOVA_MT_OBJECT_H
#define _IOVA_MT_OBJECT_H

#include <linux/compiler.h>
#include <linux/iova.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <iova_mt/iova_mt.h>

/**
 * struct iova_mt_object - an object
 * @iova: what the caller sees; its node is in the table
 * @reserved: it stands for a reserved range
 * @reserved_to: last pfn that was asked for; behind the end of @iova when the
 *	range is in pieces
 */
struct iova_mt_object {
	struct iova iova;
	bool reserved;
	unsigned long reserved_to;
};

/**
 * struct iova_mt_objects - the objects of a domain, by their first pfn
 * @lock: protects the table
 * @root: the table
 * @nr_live: how many of them are not reserved; written under @lock, read
 *	without: who frees a range has got it from whoever made its object
 */
struct iova_mt_objects {
	spinlock_t lock; /* irqsave, innermost */
	struct rb_root root;
	unsigned int nr_live;
};

int iova_mt_object_cache_init(void);
void iova_mt_object_cache_exit(void);

void iova_mt_objects_init(struct iova_mt_objects *objects);
void iova_mt_objects_destroy(struct iova_mt_objects *objects);

struct iova_mt_object *iova_mt_object_alloc(unsigned int domain_id);
void iova_mt_object_free(struct iova_mt_object *object);
struct iova *iova_mt_object_insert(struct iova_mt_objects *objects,
				   struct iova_mt_object *object,
				   const struct iova_mt_range *range);
struct iova *iova_mt_object_find(struct iova_mt_objects *objects,
				 const struct iova_mt_range *range);
bool iova_mt_object_drop(struct iova_mt_objects *objects, unsigned long first,
			 unsigned long *reserved_to);

/**
 * iova_mt_objects_any_live() - may there be an object for a live range?
 * @objects: the table
 *
 * For the fast calls, whose users have no objects: then this read is all that
 * the table costs them. Reserved ranges, which nearly every domain has, do not
 * count, since they are not freed by a fast call.
 *
 * Context: Any.
 * Return: false when there is none.
 */
static inline bool iova_mt_objects_any_live(const struct iova_mt_objects *objects)
{
	return unlikely(READ_ONCE(objects->nr_live));
}

/**
 * iova_mt_objects_any() - may there be an object?
 * @objects: the table
 *
 * Context: Any.
 * Return: false when there is none.
 */
static inline bool iova_mt_objects_any(const struct iova_mt_objects *objects)
{
	return READ_ONCE(objects->root.rb_node);
}

#endif /* _IOVA_MT_OBJECT_H */
