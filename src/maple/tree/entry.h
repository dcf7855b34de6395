/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entries: what the tree holds for a range.
 *
 * Most are values, the state in the low two bits and a tag above: no memory but
 * the tree's. Where the deferral needs an object per range, an entry is a
 * pointer to a record, which says the same and can change without a store.
 */
#ifndef _IOVA_MT_ENTRY_H
#define _IOVA_MT_ENTRY_H

#include <linux/types.h>
#include <linux/xarray.h>

#include <iova_mt/iova_mt.h>

/**
 * struct iova_mt_record - an entry that is an object
 * @state: of its range
 * @tag: as that of a value
 *
 * Whoever makes records has more behind this.
 */
struct iova_mt_record {
	enum iova_mt_state state;
	unsigned long tag;
};

/*
 * The tag of a deferred range is the time of its deferral in ms, that of a
 * reserved one tells which call reserved it.
 */
static inline void *iova_mt_entry(enum iova_mt_state state, unsigned long tag)
{
	return xa_mk_value(((tag << 2) | state) & LONG_MAX);
}

static inline enum iova_mt_state iova_mt_entry_state(const void *entry)
{
	const struct iova_mt_record *record = entry;

	return xa_is_value(entry) ? xa_to_value(entry) & 3 : record->state;
}

static inline unsigned long iova_mt_entry_tag(const void *entry)
{
	const struct iova_mt_record *record = entry;

	return xa_is_value(entry) ? xa_to_value(entry) >> 2 : record->tag;
}

static inline bool iova_mt_entry_is_deferred(const void *entry)
{
	return entry && iova_mt_entry_state(entry) == IOVA_MT_DEFERRED;
}

#endif /* _IOVA_MT_ENTRY_H */
