/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registry: which allocators there are.
 */
#ifndef _IOVA_MT_REGISTRY_H
#define _IOVA_MT_REGISTRY_H

#include <linux/types.h>

struct iova_mt_domain;
struct iova_mt_ops;

/* Longest name of an allocator, without the final 0. */
#define IOVA_MT_REGISTRY_NAME_LEN	31

/**
 * struct iova_mt_allocator - a registered allocator
 * @link: in the registry
 * @ops: its table
 * @users: domains that it serves now
 * @retired: counters of its domains that are gone, @ops->nr_counters of them
 * @scratch: room for as many, so that retiring a domain needs no memory
 *
 * All of it belongs to the mutex of the registry; @ops never changes, so who
 * holds the allocator may read that without.
 */
struct iova_mt_allocator {
	struct list_head link;
	const struct iova_mt_ops *ops;
	unsigned int users;
	u64 *retired;
	u64 *scratch;
};

struct iova_mt_allocator *iova_mt_registry_get(const char *name);
void iova_mt_registry_put(struct iova_mt_allocator *allocator);
bool iova_mt_registry_has(const char *name);
size_t iova_mt_registry_names(char *buf, size_t size);
void iova_mt_registry_retire(struct iova_mt_allocator *allocator,
			     struct iova_mt_domain *domain);
int iova_mt_registry_for_each(int (*fn)(struct iova_mt_allocator *allocator,
					void *arg),
			      void *arg);

#endif /* _IOVA_MT_REGISTRY_H */
