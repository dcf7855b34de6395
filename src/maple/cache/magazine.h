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

struct iova_mt_span;

/* Size classes: 1, 2, 4 ... 2^(this - 1) pages. */
#define IOVA_MT_CLASSES		10
/* The small ones: those that the kernel's own allocator caches, too. */
#define IOVA_MT_SMALL_CLASSES	6

/* With this a magazine fills 1024 bytes. */
#define IOVA_MT_MAGAZINE_PFNS	126
/* Ranges of the large classes have their span beside them. */
#define IOVA_MT_MAGAZINE_LARGE	(IOVA_MT_MAGAZINE_PFNS / 2)
/* It holds no more pages than this: fewer ranges of the large classes. */
#define IOVA_MT_MAGAZINE_PAGES	4096

/**
 * struct iova_mt_magazine - free ranges of one class
 * @next: in a list of magazines
 * @size: how many
 * @capacity: how many there may be, constant
 * @class: their size class, constant
 * @pfn: their first pfns
 * @large: the same for a large class
 * @span: and the spans in which these are parked
 */
struct iova_mt_magazine {
	struct iova_mt_magazine *next;
	unsigned int size;
	u16 capacity;
	u16 class;
	union {
		unsigned long pfn[IOVA_MT_MAGAZINE_PFNS];
		struct {
			unsigned long large[IOVA_MT_MAGAZINE_LARGE];
			struct iova_mt_span *span[IOVA_MT_MAGAZINE_LARGE];
		};
	};
};

static_assert(sizeof(struct iova_mt_magazine) == 1024);

/* How many ranges of a class go into a magazine? */
static inline unsigned int iova_mt_magazine_capacity(unsigned int class)
{
	return min_t(unsigned int, class < IOVA_MT_SMALL_CLASSES ?
		     IOVA_MT_MAGAZINE_PFNS : IOVA_MT_MAGAZINE_LARGE,
		     IOVA_MT_MAGAZINE_PAGES >> class);
}

/* And how many pages are that? */
static inline unsigned long iova_mt_magazine_pages(unsigned int class)
{
	return (unsigned long)iova_mt_magazine_capacity(class) << class;
}

static inline void iova_mt_magazine_init(struct iova_mt_magazine *magazine,
					 unsigned int class)
{
	magazine->size = 0;
	magazine->capacity = iova_mt_magazine_capacity(class);
	magazine->class = class;
}

static inline bool
iova_mt_magazine_has_room(const struct iova_mt_magazine *magazine)
{
	return magazine && magazine->size < magazine->capacity;
}

static inline bool
iova_mt_magazine_has_pfns(const struct iova_mt_magazine *magazine)
{
	return magazine && magazine->size;
}

/* There is room. Of a large class, the caller sets the span as well. */
static inline void iova_mt_magazine_push(struct iova_mt_magazine *magazine,
					 unsigned long pfn)
{
	magazine->pfn[magazine->size++] = pfn;
}

/* Take the last one, if its last of @size pages is not above @limit. */
static inline bool iova_mt_magazine_pop(struct iova_mt_magazine *magazine,
					unsigned long size, unsigned long limit,
					unsigned long *pfn)
{
	unsigned long last = magazine->pfn[magazine->size - 1];

	if (unlikely(last + (size - 1) > limit))
		return false;
	magazine->size--;
	*pfn = last;
	return true;
}

/* Find any such. Return: where it is, -1 for none. */
static inline int iova_mt_magazine_find(const struct iova_mt_magazine *magazine,
					unsigned long size, unsigned long limit)
{
	int i = magazine->size;

	while (i--)
		if (magazine->pfn[i] + (size - 1) <= limit)
			break;
	return i;
}

/* Take it from there. @span: gets its span, if the class is a large one. */
static inline unsigned long
iova_mt_magazine_take(struct iova_mt_magazine *magazine, int i,
		      struct iova_mt_span **span)
{
	unsigned long pfn = magazine->pfn[i];

	magazine->pfn[i] = magazine->pfn[--magazine->size];
	if (magazine->class >= IOVA_MT_SMALL_CLASSES) {
		*span = magazine->span[i];
		magazine->span[i] = magazine->span[magazine->size];
	}
	return pfn;
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
