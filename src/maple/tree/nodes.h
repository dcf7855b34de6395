/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Nodes: where stores into the tree get theirs.
 */
#ifndef _IOVA_MT_NODES_H
#define _IOVA_MT_NODES_H

#include <linux/maple_tree.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct iova_mt_counters;
struct iova_mt_lock;

/**
 * struct iova_mt_nodes - the nodes of a tree
 * @tree: the tree; its lock protects all but @refill and @backoff_ms
 * @lock: what is measured of that lock
 * @counters: the domain's
 * @domain_id: the domain's
 * @spare: holds nodes for stores that cannot get any
 * @filled: it does; when false, nothing may be asked of it in an interrupt
 * @left: how many nodes it has at least
 * @backoff_ms: wait before the next attempt to fill it, written by @refill alone
 * @refill: fills it
 */
struct iova_mt_nodes {
	struct maple_tree *tree;
	struct iova_mt_lock *lock;
	const struct iova_mt_counters *counters;
	unsigned int domain_id;
	struct ma_state spare;
	bool filled;
	unsigned int left;
	unsigned int backoff_ms;
	struct delayed_work refill;
};

int iova_mt_nodes_module_init(void);
void iova_mt_nodes_module_exit(void);

void iova_mt_nodes_init(struct iova_mt_nodes *nodes, struct maple_tree *tree,
			struct iova_mt_lock *lock,
			const struct iova_mt_counters *counters,
			unsigned int domain_id);
void iova_mt_nodes_stop(struct iova_mt_nodes *nodes);
void iova_mt_nodes_destroy(struct iova_mt_nodes *nodes);
int iova_mt_nodes_fill(struct iova_mt_nodes *nodes);

int iova_mt_nodes_store_locked(struct iova_mt_nodes *nodes, struct ma_state *mas,
			       void *entry);
int iova_mt_nodes_swap_locked(struct iova_mt_nodes *nodes, struct ma_state *mas,
			      void *entry);

#endif /* _IOVA_MT_NODES_H */
