/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contestants: who plays.
 */
#ifndef _BENCH_CONTESTANT_H
#define _BENCH_CONTESTANT_H

#include <linux/types.h>

struct bench_request;
struct iova_domain;
struct iova_mt_domain;
struct iova_mt_lock_stat;
struct bench_entry;

/**
 * struct bench_kind - how a contestant is called
 * @alloc: takes pages; 0 or an error
 * @free: gives them back
 * @flush: empties its caches, or NULL
 * @close: ends it
 */
struct bench_kind {
	int (*alloc)(struct bench_entry *entry, unsigned long size,
		     unsigned long *pfn);
	void (*free)(struct bench_entry *entry, unsigned long pfn,
		     unsigned long size);
	void (*flush)(struct bench_entry *entry);
	void (*close)(struct bench_entry *entry);
};

/**
 * struct bench_entry - a contestant with its domain
 * @kind: how it is called
 * @name: what users call it
 * @domain: its domain, for those that are in the registry
 * @direct: that of the kernel's own, called without the ops table
 * @next: the next pfn of the one that does nothing
 * @limit: highest pfn
 * @flags: of iova_mt_alloc()
 * @before: its own counters before the timed part
 */
struct bench_entry {
	const struct bench_kind *kind;
	const char *name;
	struct iova_mt_domain *domain;
	struct iova_domain *direct;
	unsigned long next;
	unsigned long limit;
	unsigned int flags;
	u64 *before;
};

struct bench_entry *bench_entry_open(const struct bench_request *request,
				     const char *name);
void bench_entry_close(struct bench_entry *entry);
void bench_entry_mark(struct bench_entry *entry);
void bench_entry_counters(struct bench_entry *entry,
			  void (*fn)(void *arg, const char *name, u64 value),
			  void *arg);

bool bench_entry_lock(struct bench_entry *entry, struct iova_mt_lock_stat *stat);

#endif /* _BENCH_CONTESTANT_H */
