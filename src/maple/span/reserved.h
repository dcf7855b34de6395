/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reserved ranges that lie in spans.
 */
#ifndef _IOVA_MT_RESERVED_H
#define _IOVA_MT_RESERVED_H

#include <linux/rbtree.h>
#include <linux/types.h>

/**
 * struct iova_mt_reserved - the reserved ranges in the spans of a domain
 * @root: by first pfn
 */
struct iova_mt_reserved {
	struct rb_root root;
};

int iova_mt_reserved_add(struct iova_mt_reserved *reserved, unsigned long first,
			 unsigned long call, unsigned int domain_id);
void iova_mt_reserved_remove_slow(struct iova_mt_reserved *reserved,
				  unsigned long first);
bool iova_mt_reserved_next(const struct iova_mt_reserved *reserved,
			   unsigned long pfn, unsigned long *first,
			   unsigned long *call);
void iova_mt_reserved_destroy(struct iova_mt_reserved *reserved);

/**
 * iova_mt_reserved_has() - is a range reserved?
 * @reserved: the reserved ranges
 * @first: its first pfn
 *
 * Context: Any.
 * Return: true when it is.
 */
static inline bool iova_mt_reserved_has(const struct iova_mt_reserved *reserved,
					unsigned long first)
{
	unsigned long found, call;

	return iova_mt_reserved_next(reserved, first, &found, &call) &&
	       found == first;
}

/**
 * iova_mt_reserved_remove() - a range is freed, which may have been reserved
 * @reserved: the reserved ranges
 * @first: its first pfn
 *
 * Context: Any.
 */
static inline void iova_mt_reserved_remove(struct iova_mt_reserved *reserved,
					   unsigned long first)
{
	if (unlikely(!RB_EMPTY_ROOT(&reserved->root)))
		iova_mt_reserved_remove_slow(reserved, first);
}

#endif /* _IOVA_MT_RESERVED_H */
