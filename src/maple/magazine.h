/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A magazine: free ranges of one size class, and a list of magazines.
 *
 * Locks: the caller's.
 */
#ifndef _IOVA_MT_MAGAZINE_H
#define _IOVA_MT_MAGAZINE_H

#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/types.h>

/* With this a magazine fills 1024 bytes. */
#define IOVA_MT_MAGAZINE_PFNS	126
/* It holds no more pages than this: fewer ranges of the large classes. */
#define IOVA_MT_MAGAZINE_PAGES	4096

/**
 * struct iova_mt_magazine - free ranges of one class
 * @next: in a list of magazines
 * @size: how many
 * @class: their size class
 * @pfn: their first pfns
 */
struct iova_mt_magazine {
	struct iova_mt_magazine *next;
	unsigned int size;
	unsigned int class;
	unsigned long pfn[IOVA_MT_MAGAZINE_PFNS];
};

static_assert(sizeof(struct iova_mt_magazine) == 1024);

/* How many ranges of a class go into a magazine? */
static inline unsigned int iova_mt_magazine_capacity(unsigned int class)
{
	return min_t(unsigned int, IOVA_MT_MAGAZINE_PFNS,
		     IOVA_MT_MAGAZINE_PAGES >> class);
}

/* And how many pages are that? */
static inline unsigned long iova_mt_magazine_pages(unsigned int class)
{
	return (unsigned long)iova_mt_magazine_capacity(class) << class;
}

static inline bool
iova_mt_magazine_has_room(const struct iova_mt_magazine *magazine)
{
	return magazine &&
	       magazine->size < iova_mt_magazine_capacity(magazine->class);
}

static inline bool
iova_mt_magazine_has_pfns(const struct iova_mt_magazine *magazine)
{
	return magazine && magazine->size;
}

/* There is room. */
static inline void iova_mt_magazine_push(struct iova_mt_magazine *magazine,
					 unsigned long pfn)
{
	magazine->pfn[magazine->size++] = pfn;
}

/* Take the last one that lies at or below @max. */
static inline bool iova_mt_magazine_pop(struct iova_mt_magazine *magazine,
					unsigned long max, unsigned long *pfn)
{
	unsigned int i = magazine->size;

	while (i--) {
		if (magazine->pfn[i] > max)
			continue;
		*pfn = magazine->pfn[i];
		magazine->pfn[i] = magazine->pfn[--magazine->size];
		return true;
	}
	return false;
}

static inline void iova_mt_magazine_link(struct iova_mt_magazine **list,
					 struct iova_mt_magazine *magazine)
{
	magazine->next = *list;
	*list = magazine;
}

/* Return: the first of the list, or NULL. */
static inline struct iova_mt_magazine *
iova_mt_magazine_unlink(struct iova_mt_magazine **list)
{
	struct iova_mt_magazine *magazine = *list;

	if (magazine)
		*list = magazine->next;
	return magazine;
}

#endif /* _IOVA_MT_MAGAZINE_H */
