/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferral: how a range is kept that was freed but could not be erased.
 *
 * Two ways behind one table. deferred.h decides, for both, when a range is
 * deferred, what is counted, when it is tried again, and what is logged.
 */
#ifndef _IOVA_MT_DEFERRAL_H
#define _IOVA_MT_DEFERRAL_H

#include <linux/types.h>

#include <iova_mt/iova_mt.h>

struct iova_mt_deferred;
struct iova_mt_index;

/**
 * struct iova_mt_swept - what one piece of a sweep has erased
 * @ranges: how many
 * @pages: pages in them
 */
struct iova_mt_swept {
	unsigned long ranges;
	unsigned long pages;
};

/**
 * struct iova_mt_deferral - a way to defer
 * @name: what users call it
 */
struct iova_mt_deferral {
	const char *name;

	/**
	 * @entry: Make the entry of a new range of @domain_id, live or
	 * reserved, with the tag of iova_mt_entry().
	 *
	 * Context: Any.
	 * Return: the entry, or NULL: no memory.
	 */
	void *(*entry)(unsigned int domain_id, enum iova_mt_state state,
		       unsigned long tag);

	/**
	 * @drop: An entry of @entry is in the tree no more, or never was.
	 * NULL: there is nothing to do.
	 *
	 * Context: Any; under the tree's lock when it has been in the tree.
	 */
	void (*drop)(void *entry);

	/**
	 * @add_locked: The range of @entry is deferred from now on, and is to
	 * look like that.
	 *
	 * Context: Any, under the tree's lock.
	 * Return: 0, or -ENOSPC: it cannot be kept.
	 */
	int (*add_locked)(struct iova_mt_deferred *deferred, unsigned long first,
			  unsigned long last, void *entry);

	/**
	 * @reuse_locked: It is live from now on.
	 *
	 * Context: Any, under the tree's lock.
	 * Return: 0, or -ENOMEM and then it is what it was.
	 */
	int (*reuse_locked)(struct iova_mt_deferred *deferred,
			    unsigned long first, unsigned long last, void *entry);

	/**
	 * @overwrite_locked: A part of it is to be overwritten.
	 *
	 * Context: Any, under the tree's lock.
	 * Return: 0; -EAGAIN when it has become something else, so that the
	 * caller is to look again; -ENOMEM when it cannot be now.
	 */
	int (*overwrite_locked)(struct iova_mt_deferred *deferred,
				unsigned long first, unsigned long last, void *entry);

	/**
	 * @sweep_locked: Erase some, in a bounded time, and say what in @swept.
	 *
	 * Context: Any, under the tree's lock.
	 * Return: 0 when nothing is left; -EAGAIN when there is more to do;
	 * -ENOMEM when the sweep has to end.
	 */
	int (*sweep_locked)(struct iova_mt_deferred *deferred,
			    struct iova_mt_swept *swept);

	/**
	 * @discard: Free what belongs to the entries, in whatever state. The
	 * tree itself goes after this, without being looked at. NULL: there is
	 * nothing to do.
	 *
	 * Context: Process, may sleep; nobody uses the domain any more.
	 */
	void (*discard)(struct iova_mt_deferred *deferred);
};

extern const struct iova_mt_deferral iova_mt_deferral_marker;
extern const struct iova_mt_deferral iova_mt_deferral_list;

const struct iova_mt_deferral *iova_mt_deferral_default(void);
int iova_mt_deferral_select(const char *name);
size_t iova_mt_deferral_names(char *buf, size_t size);

int iova_mt_deferral_insert_locked(const struct iova_mt_deferral *way,
				   struct iova_mt_index *index,
				   unsigned long first, unsigned long last,
				   enum iova_mt_state state, unsigned long tag);

int iova_mt_list_module_init(void);
void iova_mt_list_module_exit(void);

#endif /* _IOVA_MT_DEFERRAL_H */
