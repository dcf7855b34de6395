// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contestants: who plays.
 *
 *	<allocator>		any that is registered, without its caches
 *	<allocator>+cache	and with them, as the DMA API uses it
 *	rb, rbf			the same as rbtree and rbtree+cache: the kernel's
 *				alloc_iova()/free_iova() and alloc_iova_fast()/
 *				free_iova_fast(), behind the ops table
 *	rb-direct, rbf-direct	and called without the table, which shows what
 *				the table costs
 *	none			hands out numbers: what the benchmark itself costs
 *
 * All but the last three pay for the same checks and counters. Without caches
 * means: allocated without IOVA_MT_CACHED, and freed by pfn alone, which never
 * goes to a cache.
 *
 * Locks: none.
 */
#include <linux/err.h>
#include <linux/iova.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <iova_mt/iova_mt.h>
#include <iova_mt/ops.h>

#include "bench_contestant.h"
#include "bench_request.h"
#include "bench_text.h"

#define GRANULE		4096
#define START_PFN	1

/* --- Behind the ops table ------------------------------------------------- */

static int table_alloc(struct bench_entry *entry, unsigned long size,
		       unsigned long *pfn)
{
	return iova_mt_alloc(entry->domain, size, entry->limit, entry->flags, pfn);
}

static void table_free(struct bench_entry *entry, unsigned long pfn,
		       unsigned long size)
{
	iova_mt_free(entry->domain, pfn, size);
}

static void table_free_by_pfn(struct bench_entry *entry, unsigned long pfn,
			      unsigned long size)
{
	iova_mt_free(entry->domain, pfn, 0);
}

static void table_flush(struct bench_entry *entry)
{
	iova_mt_flush(entry->domain);
}

static void table_close(struct bench_entry *entry)
{
	iova_mt_domain_destroy(entry->domain);
}

static const struct bench_kind table_kind = {
	.alloc = table_alloc,
	.free = table_free_by_pfn,
	.close = table_close,
};

static const struct bench_kind table_cached_kind = {
	.alloc = table_alloc,
	.free = table_free,
	.flush = table_flush,
	.close = table_close,
};

/* --- The kernel's own, called directly ------------------------------------ */

static int direct_alloc(struct bench_entry *entry, unsigned long size,
			unsigned long *pfn)
{
	struct iova *iova;

	iova = alloc_iova(entry->direct, size, entry->limit,
			  entry->flags & IOVA_MT_ALIGNED);
	if (!iova)
		return -ENOSPC;
	*pfn = iova->pfn_lo;
	return 0;
}

static void direct_free(struct bench_entry *entry, unsigned long pfn,
			unsigned long size)
{
	free_iova(entry->direct, pfn);
}

static int direct_alloc_fast(struct bench_entry *entry, unsigned long size,
			     unsigned long *pfn)
{
	*pfn = alloc_iova_fast(entry->direct, size, entry->limit,
			       entry->flags & IOVA_MT_FLUSH);
	return *pfn ? 0 : -ENOSPC;
}

static void direct_free_fast(struct bench_entry *entry, unsigned long pfn,
			     unsigned long size)
{
	free_iova_fast(entry->direct, pfn, size);
}

/* An allocation that cannot succeed, and that asks for empty caches. */
static void direct_flush(struct bench_entry *entry)
{
	alloc_iova_fast(entry->direct, BIT(BITS_PER_LONG - 1), 0, true);
}

static void direct_close(struct bench_entry *entry)
{
	put_iova_domain(entry->direct);
	kfree(entry->direct);
	iova_cache_put();
}

static const struct bench_kind direct_kind = {
	.alloc = direct_alloc,
	.free = direct_free,
	.close = direct_close,
};

static const struct bench_kind direct_fast_kind = {
	.alloc = direct_alloc_fast,
	.free = direct_free_fast,
	.flush = direct_flush,
	.close = direct_close,
};

static int direct_open(struct bench_entry *entry)
{
	int ret;

	ret = iova_cache_get();
	if (ret)
		return ret;
	entry->direct = kzalloc(sizeof(*entry->direct), GFP_KERNEL);
	if (!entry->direct) {
		iova_cache_put();
		return -ENOMEM;
	}
	init_iova_domain(entry->direct, GRANULE, START_PFN);
	ret = iova_domain_init_rcaches(entry->direct);
	if (ret) {
		kfree(entry->direct);
		iova_cache_put();
	}
	return ret;
}

/* --- Nobody --------------------------------------------------------------- */

static int none_alloc(struct bench_entry *entry, unsigned long size,
		      unsigned long *pfn)
{
	*pfn = ++entry->next;
	return 0;
}

static void none_free(struct bench_entry *entry, unsigned long pfn,
		      unsigned long size)
{
}

static void none_close(struct bench_entry *entry)
{
}

static const struct bench_kind none_kind = {
	.alloc = none_alloc,
	.free = none_free,
	.close = none_close,
};

/* --- Names ---------------------------------------------------------------- */

static const char valid_names[] =
	"rb, rbf, rb-direct, rbf-direct, none, <allocator>, <allocator>+cache";

/* In the allocator's name, its caches are asked for by "+cache". */
static int table_open(struct bench_entry *entry, const char *name, size_t length)
{
	char allocator[BENCH_LABEL_MAX];

	strscpy(allocator, name, min(length + 1, sizeof(allocator)));
	entry->domain = iova_mt_domain_create(allocator, GRANULE, START_PFN);
	if (!IS_ERR(entry->domain))
		return 0;
	if (entry->domain == ERR_PTR(-ENOENT))
		bench_complain("contestant '%s' is not valid; valid: %s",
			       name, valid_names);
	return PTR_ERR(entry->domain);
}

static int open_named(struct bench_entry *entry, const char *name)
{
	size_t length = strcspn(name, "+");

	if (!strcmp(name, "none")) {
		entry->kind = &none_kind;
		return 0;
	}
	if (!strcmp(name, "rb-direct")) {
		entry->kind = &direct_kind;
		return direct_open(entry);
	}
	if (!strcmp(name, "rbf-direct")) {
		entry->kind = &direct_fast_kind;
		return direct_open(entry);
	}
	if (!strcmp(name, "rb") || !strcmp(name, "rbf"))
		length = 0;
	entry->kind = &table_kind;
	if (!strcmp(name, "rbf") || !strcmp(name + length, "+cache"))
		entry->kind = &table_cached_kind;
	else if (length && name[length])
		length = strlen(name);
	return length ? table_open(entry, name, length) :
			table_open(entry, "rbtree", strlen("rbtree"));
}

/**
 * bench_entry_open() - make a contestant with an empty domain
 * @request: what it is for
 * @name: which
 *
 * Context: Process, may sleep.
 * Return: the contestant; ERR_PTR(-ENOENT) when there is none of that name, with
 * a complaint; ERR_PTR(-ENOMEM), or what creating a domain returns.
 */
struct bench_entry *bench_entry_open(const struct bench_request *request,
				     const char *name)
{
	struct bench_entry *entry;
	int ret;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	entry->name = name;
	entry->limit = request->limit;
	if (request->aligned)
		entry->flags |= IOVA_MT_ALIGNED;
	ret = open_named(entry, name);
	if (ret)
		goto free_entry;
	if (entry->kind->flush) {
		entry->flags |= IOVA_MT_CACHED;
		if (request->flush)
			entry->flags |= IOVA_MT_FLUSH;
	}
	if (entry->domain && entry->domain->ops->nr_counters) {
		entry->before = kcalloc(entry->domain->ops->nr_counters,
					2 * sizeof(u64), GFP_KERNEL);
		if (!entry->before) {
			ret = -ENOMEM;
			goto close_entry;
		}
	}
	return entry;

close_entry:
	entry->kind->close(entry);
free_entry:
	kfree(entry);
	return ERR_PTR(ret);
}

/**
 * bench_entry_close() - free a contestant and its domain
 * @entry: the contestant
 *
 * Context: Process, may sleep.
 */
void bench_entry_close(struct bench_entry *entry)
{
	entry->kind->close(entry);
	kfree(entry->before);
	kfree(entry);
}

/**
 * bench_entry_mark() - from now on, counters count
 * @entry: the contestant
 *
 * Context: Process.
 */
void bench_entry_mark(struct bench_entry *entry)
{
	if (entry->before)
		entry->domain->ops->counters(entry->domain, entry->before);
}

/**
 * bench_entry_counters() - what has been counted since bench_entry_mark()?
 * @entry: the contestant
 * @fn: called for each counter
 * @arg: for @fn
 *
 * Context: Process.
 */
void bench_entry_counters(struct bench_entry *entry,
			  void (*fn)(void *arg, const char *name, u64 value),
			  void *arg)
{
	const struct iova_mt_ops *ops;
	unsigned int i;
	u64 *now;

	if (!entry->before)
		return;
	ops = entry->domain->ops;
	now = entry->before + ops->nr_counters;
	ops->counters(entry->domain, now);
	for (i = 0; i < ops->nr_counters; i++)
		fn(arg, ops->counter_names[i], now[i] - entry->before[i]);
}

/**
 * bench_entry_lock() - what has been measured of its lock?
 * @entry: the contestant
 * @stat: gets it
 *
 * Context: Process.
 * Return: true when there is something: iova_mt/lock_stat is on, and the
 * allocator has a lock that can be measured.
 */
bool bench_entry_lock(struct bench_entry *entry, struct iova_mt_lock_stat *stat)
{
	return entry->domain && entry->domain->ops->lock_stat &&
	       !entry->domain->ops->lock_stat(entry->domain, stat);
}
