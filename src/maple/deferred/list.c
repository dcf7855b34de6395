// SPDX-License-Identifier: GPL-2.0
/*
 * Deferral by list: the entry stays where it is, and its object goes on a list.
 *
 * After the posted series, v3 (seed 002): each range has an object, a record;
 * one that cannot be erased is put on the domain's lockless list, and a worker
 * tries each of them again. Costs a record per range, live ones included, and
 * one erase per range; deferring writes nothing to the tree.
 *
 * A record on the list may be handed out again, and freed once more, before the
 * list is looked at: it is queued once, and says itself what it is.
 *
 * Locks: the tree's lock protects records and all of the list but its head.
 */
#include <linux/errno.h>
#include <linux/ktime.h>
#include <linux/llist.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "base/fault.h"
#include "maple/counters.h"
#include "maple/deferred/deferral.h"
#include "maple/deferred/deferred.h"
#include "maple/tree/index.h"

/* Records that are looked at in one lock hold: each may take an erase. */
#define HOLD_RECORDS	16
/* Entries that are looked at in one lock hold of the teardown. */
#define HOLD_DISCARD	256

/**
 * struct record - the object of a range
 * @base: state, and time of deferral
 * @first: the first pfn of its range, when it is deferred
 * @queued: is on the list
 * @gone: is in the tree no more; freed when it comes off the list
 * @link: on the list
 */
struct record {
	struct iova_mt_record base;
	unsigned long first;
	bool queued;
	bool gone;
	struct llist_node link;
};

static struct kmem_cache *cache;

static void *record_make(unsigned int domain_id, enum iova_mt_state state,
			 unsigned long tag)
{
	struct record *record;

	if (iova_mt_fault_hit(IOVA_MT_FAULT_fail_object, domain_id))
		return NULL;
	record = kmem_cache_alloc(cache, GFP_ATOMIC | __GFP_NOWARN);
	if (record)
		*record = (struct record){ .base = { state, tag } };
	return record;
}

static void record_drop(void *entry)
{
	struct record *record = entry;

	if (record->queued)
		record->gone = true;
	else
		kmem_cache_free(cache, record);
}

/* --- The list ------------------------------------------------------------- */

static void record_push(struct iova_mt_deferred *deferred, struct record *record)
{
	record->queued = true;
	llist_add(&record->link, &deferred->list);
}

/*
 * What has come in since goes behind what is there: that is a pass, of which this
 * is the end.
 */
static struct record *record_pop_locked(struct iova_mt_deferred *deferred)
{
	struct llist_node *node;

	iova_mt_index_assert_locked(deferred->index);
	if (llist_empty(&deferred->batch)) {
		deferred->batch.first = llist_del_all(&deferred->list);
		deferred->passes++;
	}
	node = llist_del_first(&deferred->batch);
	return node ? llist_entry(node, struct record, link) : NULL;
}

/*
 * Not behind what comes in, or a pass would end without it; nor is it the next
 * one again, if there is another that may do without memory.
 */
static void record_again_locked(struct iova_mt_deferred *deferred,
				struct record *record)
{
	struct llist_node *next;

	iova_mt_index_assert_locked(deferred->index);
	next = llist_del_first(&deferred->batch);
	record->queued = true;
	llist_add(&record->link, &deferred->batch);
	if (next)
		llist_add(next, &deferred->batch);
}

static bool list_empty_locked(const struct iova_mt_deferred *deferred)
{
	iova_mt_index_assert_locked(deferred->index);
	return llist_empty(&deferred->batch) && llist_empty(&deferred->list);
}

/* --- The table ------------------------------------------------------------ */

static int add_locked(struct iova_mt_deferred *deferred, unsigned long first,
		      unsigned long last, void *entry)
{
	struct record *record = entry;

	iova_mt_index_assert_locked(deferred->index);
	record->base.state = IOVA_MT_DEFERRED;
	record->base.tag = ktime_to_ms(ktime_get());
	record->first = first;
	if (!record->queued)
		record_push(deferred, record);
	return 0;
}

static int reuse_locked(struct iova_mt_deferred *deferred, unsigned long first,
			unsigned long last, void *entry)
{
	struct record *record = entry;

	iova_mt_index_assert_locked(deferred->index);
	record->base.state = IOVA_MT_LIVE;
	return 0;
}

/* A record is for a whole range: it has to go before a part can be used. */
static int overwrite_locked(struct iova_mt_deferred *deferred, unsigned long first,
			    unsigned long last, void *entry)
{
	iova_mt_index_assert_locked(deferred->index);
	if (iova_mt_index_erase_locked(deferred->index, first, last))
		return -ENOMEM;
	record_drop(entry);
	iova_mt_deferred_removed_locked(deferred, 1, last - first + 1);
	return -EAGAIN;
}

/*
 * Erase the range of one record, if it is still deferred. The record is on no
 * list, and afterwards it is, or nothing is left to be done about it.
 */
static int record_sweep_locked(struct iova_mt_deferred *deferred,
			       struct record *record,
			       struct iova_mt_swept *swept)
{
	unsigned long first, last;

	iova_mt_index_assert_locked(deferred->index);
	record->queued = false;
	if (record->gone) {
		kmem_cache_free(cache, record);
		return 0;
	}
	if (record->base.state != IOVA_MT_DEFERRED)
		return 0;
	iova_mt_index_load_locked(deferred->index, record->first, &first, &last);
	if (iova_mt_index_erase_locked(deferred->index, first, last)) {
		record_again_locked(deferred, record);
		return -ENOMEM;
	}
	iova_mt_count(deferred->counters, COUNTER_sweep_store);
	swept->ranges++;
	swept->pages += last - first + 1;
	kmem_cache_free(cache, record);
	return 0;
}

static int sweep_locked(struct iova_mt_deferred *deferred,
			struct iova_mt_swept *swept)
{
	struct record *record;
	unsigned int looked;
	int ret = 0;

	iova_mt_index_assert_locked(deferred->index);
	for (looked = 0; looked < HOLD_RECORDS && !ret; looked++) {
		record = record_pop_locked(deferred);
		if (!record)
			break;
		ret = record_sweep_locked(deferred, record, swept);
	}
	iova_mt_count_add(deferred->counters, COUNTER_sweep_entry, looked);
	if (ret)
		return ret;
	return list_empty_locked(deferred) ? 0 : -EAGAIN;
}

/* --- Teardown ------------------------------------------------------------- */

/* Take records off the list; those in the tree are freed from there. */
static bool discard_list_locked(struct iova_mt_deferred *deferred)
{
	struct record *record;
	unsigned int looked;

	iova_mt_index_assert_locked(deferred->index);
	for (looked = 0; looked < HOLD_DISCARD; looked++) {
		record = record_pop_locked(deferred);
		if (!record)
			return false;
		if (record->gone)
			kmem_cache_free(cache, record);
	}
	return true;
}

/* Free the records of a piece of the tree, from @pfn on. */
static bool discard_tree_locked(struct iova_mt_deferred *deferred,
				unsigned long *pfn)
{
	struct iova_mt_range range;
	unsigned int looked;
	void *entry;

	iova_mt_index_assert_locked(deferred->index);
	for (looked = 0; looked < HOLD_DISCARD; looked++) {
		entry = iova_mt_index_next_locked(deferred->index, *pfn, &range);
		if (!entry)
			return false;
		kmem_cache_free(cache, entry);
		if (range.last == ULONG_MAX)
			return false;
		*pfn = range.last + 1;
	}
	return true;
}

static void discard(struct iova_mt_deferred *deferred)
{
	unsigned long flags, pfn = 0;
	bool more;

	do {
		iova_mt_index_lock(deferred->index, flags);
		more = discard_list_locked(deferred);
		if (!more)
			more = discard_tree_locked(deferred, &pfn);
		iova_mt_index_unlock(deferred->index, flags);
		cond_resched();
	} while (more);
}

const struct iova_mt_deferral iova_mt_deferral_list = {
	.name = "list",
	.entry = record_make,
	.drop = record_drop,
	.add_locked = add_locked,
	.reuse_locked = reuse_locked,
	.overwrite_locked = overwrite_locked,
	.sweep_locked = sweep_locked,
	.discard = discard,
};

/**
 * iova_mt_list_module_init() - make the cache of records
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_list_module_init(void)
{
	cache = kmem_cache_create("iova_mt_record", sizeof(struct record), 0, 0,
				  NULL);
	return cache ? 0 : -ENOMEM;
}

/**
 * iova_mt_list_module_exit() - undo iova_mt_list_module_init()
 *
 * Context: Process, may sleep. There are no domains any more.
 */
void iova_mt_list_module_exit(void)
{
	kmem_cache_destroy(cache);
}
