// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes: where stores into the tree get theirs.
 *
 * All stores go through here, under the tree's lock. What a store needs is
 * allocated in one attempt, and then used at once.
 *
 * Where nodes come in sheaves (see compat.h), a request for two or more may not
 * be made in an interrupt: kmem_cache_prefill_sheaf() and its counterpart keep
 * interrupts out by nothing, and the interrupted task may be inside for the
 * nodes of its own mm. So there a store in an interrupt
 *  - goes on when it surely needs at most one node, which is most of them;
 *  - takes its nodes from a reserve that was filled in a task, for an insert;
 *  - fails like one without memory, for an erase: the range is deferred.
 *
 * Locks: the tree's. The lock of scratch, innermost.
 */
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/xarray.h>

#include "compat.h"
#include "maple/counters.h"
#include "maple/nodes.h"

#define ATOMIC_GFP	(GFP_ATOMIC | __GFP_NOWARN)

/*
 * What the leaf has to spare: a range takes one slot, and splits the gap that it
 * is put into. Leaves with less than this are joined with their neighbours.
 */
#define SLOTS_TAKEN	2
#define SLOTS_MIN	(MAPLE_RANGE64_SLOTS / 2)

#define REFILL_MS	10

/*
 * How many nodes a reserve gets is decided by the height of the tree that they
 * are asked for. This one is for trees that are too low themselves.
 */
static struct maple_tree scratch;

#define SCRATCH_ENTRIES	64

/**
 * iova_mt_nodes_may_take() - may a store ask for nodes here?
 *
 * Context: Any.
 * Return: false in an interrupt on a kernel that does not allow it.
 */
bool iova_mt_nodes_may_take(void)
{
	return !IOVA_MT_NODES_IN_SHEAVES || in_task();
}

/*
 * mas_store_gfp() without its retry: up to 6.17 mas_nomem() answers true as long
 * as any node is held, so that after a partial allocation
 * mas_store_gfp(GFP_ATOMIC) asks again for ever.
 */
static int store(struct ma_state *mas, void *entry)
{
	int ret;

	ret = mas_preallocate(mas, entry, ATOMIC_GFP);
	if (ret)
		return ret;
	mas_store_prealloc(mas, entry);
	return 0;
}

/*
 * Can the store of @entry over one range or part of one gap need more than one
 * node? May say yes when it cannot, never the other way round.
 */
static bool may_need_nodes(struct maple_tree *tree, unsigned long first,
			   unsigned long last, const void *entry)
{
	struct ma_state mas;
	unsigned int end;
	void *old;

	mas_init(&mas, tree, first);
	old = mas_walk(&mas);
	/* A value swap, or a tree without nodes. */
	if (entry && old && mas.index == first && mas.last == last)
		return false;
	if (!mt_height(tree))
		return false;

	end = mas.end;
	if (!mas_is_active(&mas) || last > mas.last || last >= mas.max)
		return true;
	if (entry && end + SLOTS_TAKEN >= MAPLE_RANGE64_SLOTS)
		return true;
	if (mt_height(tree) == 1)
		return false;
	return end < SLOTS_MIN + (entry ? 0 : SLOTS_TAKEN);
}

/*
 * Ask for a store that spans the whole tree: it needs most. The state keeps the
 * nodes, and with them the mark that there is nothing to allocate.
 */
static bool reserve_fill_from(struct iova_mt_reserve *reserve,
			      struct maple_tree *tree)
{
	mas_init(&reserve->mas, tree, 1);
	mas_set_range(&reserve->mas, 1, ULONG_MAX - 1);
	if (mas_preallocate(&reserve->mas, xa_mk_value(0), ATOMIC_GFP))
		return false;
	reserve->nr = 3 * mt_height(tree) + 1;
	return true;
}

/* Nodes that an insert needs at the most, when it splits all the way up. */
static unsigned int insert_needs(const struct maple_tree *tree)
{
	return 2 * mt_height(tree) + 1;
}

static bool reserve_fill_locked(struct iova_mt_nodes *nodes,
				struct iova_mt_reserve *reserve)
{
	bool filled;

	lockdep_assert_held(&nodes->tree->ma_lock);
	if (reserve->nr > insert_needs(nodes->tree))
		return true;
	mas_destroy(&reserve->mas);
	reserve->nr = 0;
	if (mt_height(nodes->tree) > 1)
		return reserve_fill_from(reserve, nodes->tree);

	spin_lock(&scratch.ma_lock);
	filled = reserve_fill_from(reserve, &scratch);
	spin_unlock(&scratch.ma_lock);
	reserve->mas.tree = nodes->tree;
	return filled;
}

static bool fill(struct iova_mt_nodes *nodes)
{
	bool filled = true;
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < IOVA_MT_RESERVES; i++) {
		spin_lock_irqsave(&nodes->tree->ma_lock, flags);
		filled &= reserve_fill_locked(nodes, &nodes->reserve[i]);
		spin_unlock_irqrestore(&nodes->tree->ma_lock, flags);
	}
	return filled;
}

static void refill_fn(struct work_struct *work)
{
	struct iova_mt_nodes *nodes = container_of(to_delayed_work(work),
						   struct iova_mt_nodes, refill);

	if (!fill(nodes))
		schedule_delayed_work(&nodes->refill,
				      msecs_to_jiffies(REFILL_MS));
}

static int store_from_reserve_locked(struct iova_mt_nodes *nodes,
				     struct ma_state *mas, void *entry)
{
	struct iova_mt_reserve *reserve;
	unsigned int i;

	lockdep_assert_held(&nodes->tree->ma_lock);
	schedule_delayed_work(&nodes->refill, 0);
	for (i = 0; i < IOVA_MT_RESERVES; i++) {
		reserve = &nodes->reserve[i];
		if (reserve->nr < insert_needs(nodes->tree))
			continue;
		reserve->nr = 0;
		mas_set_range(&reserve->mas, mas->index, mas->last);
		/* Takes the nodes that are there, and gives none back. */
		mas_store(&reserve->mas, entry);
		iova_mt_count(nodes->counters, COUNTER_reserve_spent);
		return 0;
	}
	iova_mt_count(nodes->counters, COUNTER_reserve_empty);
	return -ENOMEM;
}

/**
 * iova_mt_nodes_store_locked() - store an entry
 * @nodes: where the nodes come from
 * @mas: a fresh state, set to the range; for NULL, it covers afterwards what is
 *	free on both sides as well
 * @entry: what to store, NULL to erase
 *
 * The range is one that is in the tree, a part of one, or lies in one gap; for
 * NULL, it may also be several ranges.
 *
 * Context: Any, under the tree's lock.
 * Return: 0, or -ENOMEM and then nothing has changed.
 */
int iova_mt_nodes_store_locked(struct iova_mt_nodes *nodes, struct ma_state *mas,
			       void *entry)
{
	lockdep_assert_held(&nodes->tree->ma_lock);
	if (likely(iova_mt_nodes_may_take()) ||
	    !may_need_nodes(nodes->tree, mas->index, mas->last, entry))
		return store(mas, entry);
	if (entry)
		return store_from_reserve_locked(nodes, mas, entry);
	iova_mt_count(nodes->counters, COUNTER_erase_put_off);
	return -ENOMEM;
}

/**
 * iova_mt_nodes_init() - make ready, and fill the reserve if there has to be one
 * @nodes: the nodes
 * @tree: their tree, empty
 * @counters: where to count
 *
 * Context: Process.
 */
void iova_mt_nodes_init(struct iova_mt_nodes *nodes, struct maple_tree *tree,
			const struct iova_mt_counters *counters)
{
	unsigned int i;

	nodes->tree = tree;
	nodes->counters = counters;
	INIT_DELAYED_WORK(&nodes->refill, refill_fn);
	for (i = 0; i < IOVA_MT_RESERVES; i++) {
		mas_init(&nodes->reserve[i].mas, tree, 0);
		nodes->reserve[i].nr = 0;
	}
	if (IOVA_MT_NODES_IN_SHEAVES && !fill(nodes))
		schedule_delayed_work(&nodes->refill,
				      msecs_to_jiffies(REFILL_MS));
}

/**
 * iova_mt_nodes_destroy() - free the reserve
 * @nodes: the nodes, which nobody uses any more
 *
 * Context: Process, may sleep.
 */
void iova_mt_nodes_destroy(struct iova_mt_nodes *nodes)
{
	unsigned int i;

	cancel_delayed_work_sync(&nodes->refill);
	for (i = 0; i < IOVA_MT_RESERVES; i++)
		mas_destroy(&nodes->reserve[i].mas);
}

/**
 * iova_mt_nodes_module_init() - what all trees share
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_nodes_module_init(void)
{
	unsigned long i;
	int ret = 0;

	mt_init_flags(&scratch, MT_FLAGS_ALLOC_RANGE);
	for (i = 0; i < SCRATCH_ENTRIES && !ret; i++)
		ret = mtree_store_range(&scratch, 2 * i, 2 * i, xa_mk_value(i),
					GFP_KERNEL);
	if (ret)
		mtree_destroy(&scratch);
	return ret;
}

/**
 * iova_mt_nodes_module_exit() - undo iova_mt_nodes_module_init()
 *
 * Context: Process, may sleep.
 */
void iova_mt_nodes_module_exit(void)
{
	mtree_destroy(&scratch);
}
