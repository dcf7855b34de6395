// SPDX-License-Identifier: GPL-2.0
/*
 * Deferral: which way new domains take.
 *
 * Rule: a domain keeps the way it began with, so this is read once for each.
 *
 * Locks: none for that, it is one pointer; the tree's for a new range.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "maple/deferred/deferral.h"
#include "maple/tree/index.h"

static const struct iova_mt_deferral *const ways[] = {
	&iova_mt_deferral_marker,
	&iova_mt_deferral_list,
};

static const struct iova_mt_deferral *chosen = &iova_mt_deferral_marker;

/**
 * iova_mt_deferral_default() - which way do new domains take?
 *
 * Context: Any.
 * Return: the way.
 */
const struct iova_mt_deferral *iova_mt_deferral_default(void)
{
	return READ_ONCE(chosen);
}

/**
 * iova_mt_deferral_select() - set the way that new domains take
 * @name: its name, perhaps with a newline
 *
 * Context: Any.
 * Return: 0, or -ENOENT when there is none of that name.
 */
int iova_mt_deferral_select(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		if (sysfs_streq(ways[i]->name, name)) {
			WRITE_ONCE(chosen, ways[i]);
			return 0;
		}
	}
	return -ENOENT;
}

/**
 * iova_mt_deferral_names() - list the names of all ways
 * @buf: where to, as "one, two"
 * @size: bytes there
 *
 * Context: Any.
 * Return: characters written.
 */
size_t iova_mt_deferral_names(char *buf, size_t size)
{
	size_t i, len = 0;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		len += scnprintf(buf + len, size - len, "%s%s", i ? ", " : "",
				 ways[i]->name);
	return len;
}

/**
 * iova_mt_deferral_insert_locked() - store a new range, with an entry of its own
 * @way: which makes the entry
 * @index: where to
 * @first: first pfn of free pages
 * @last: last pfn
 * @state: of the range
 * @tag: of its entry
 *
 * Context: Any, under the tree's lock.
 * Return: 0 or -ENOMEM, and then nothing has changed.
 */
int iova_mt_deferral_insert_locked(const struct iova_mt_deferral *way,
				   struct iova_mt_index *index,
				   unsigned long first, unsigned long last,
				   enum iova_mt_state state, unsigned long tag)
{
	void *entry = way->entry(index->domain_id, state, tag);

	iova_mt_index_assert_locked(index);
	if (!entry)
		return -ENOMEM;
	if (!iova_mt_index_insert_locked(index, first, last, entry))
		return 0;
	if (way->drop)
		way->drop(entry);
	return -ENOMEM;
}
