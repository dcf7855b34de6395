/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Recent: where ranges of a size were deferred last.
 */
#ifndef _IOVA_MT_RECENT_H
#define _IOVA_MT_RECENT_H

#include <linux/log2.h>

/* Sizes up to 2^(this - 1) pages are remembered ... */
#define IOVA_MT_RECENT_ORDERS	12
/* ... so many of each: as many as a driver's batch of buffers, say. */
#define IOVA_MT_RECENT		32

/**
 * struct iova_mt_recent - ranges of about one size that were deferred of late
 * @first: first pfn of each; those that are deferred no more are found out when
 *	they are looked at
 * @nr: how many there are
 * @oldest: which one the next takes the place of, when all are in use
 *
 * Locks: the caller's.
 */
struct iova_mt_recent {
	unsigned long first[IOVA_MT_RECENT];
	unsigned int nr;
	unsigned int oldest;
};

/* Which of @recents is for ranges of about @size pages? NULL for none. */
static inline struct iova_mt_recent *
iova_mt_recent_of(struct iova_mt_recent *recents, unsigned long size)
{
	unsigned int order = order_base_2(size);

	return order < IOVA_MT_RECENT_ORDERS ? &recents[order] : NULL;
}

/* Remember one. */
static inline void iova_mt_recent_add(struct iova_mt_recent *recent,
				      unsigned long first)
{
	if (recent->nr < IOVA_MT_RECENT)
		recent->first[recent->nr++] = first;
	else
		recent->first[recent->oldest++ % IOVA_MT_RECENT] = first;
}

/* Forget number @i. There is no order: what comes last takes the place. */
static inline void iova_mt_recent_forget(struct iova_mt_recent *recent,
					 unsigned int i)
{
	recent->first[i] = recent->first[--recent->nr];
}

#endif /* _IOVA_MT_RECENT_H */
