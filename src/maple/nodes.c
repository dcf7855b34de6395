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
 * nodes of its own mm. A sheaf of more than the usual size is no business of
 * the CPU's, though: it is filled and emptied without that lock. So there a
 * store in an interrupt
 *  - goes on when it surely needs at most one node, which is most of them;
 *  - otherwise takes its nodes from a tree state that was given such a sheaf in
 *    a task, keeps it, and tops it up as it goes;
 *  - fails like one without memory when that is lost for lack of memory, until
 *    a task has made another.
 *
 * Locks: the tree's, and that of scratch, never both.
 */
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
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

#define REFILL_MIN_MS	10
#define REFILL_MAX_MS	1000

/*
 * How many nodes a state asks for is decided by the height that its tree says it
 * has. This one is never written once it is made, and says that it is so high
 * that a store over all of it needs 64 nodes: twice what a usual sheaf holds,
 * and more than any store needs.
 */
static struct maple_tree scratch;

#define SCRATCH_ENTRIES	64
#define SCRATCH_HEIGHT	21

static bool may_ask(void)
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
static bool may_need_sheaf(struct maple_tree *tree, unsigned long first,
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

/* Context: Process: it asks for a sheaf. */
static bool fill(struct iova_mt_nodes *nodes)
{
	struct ma_state state;
	unsigned long flags;
	int ret;

	mas_init(&state, &scratch, 1);
	mas_set_range(&state, 1, ULONG_MAX - 1);
	spin_lock_irqsave(&scratch.ma_lock, flags);
	ret = mas_preallocate(&state, xa_mk_value(0), ATOMIC_GFP);
	spin_unlock_irqrestore(&scratch.ma_lock, flags);
	if (ret)
		return false;

	state.tree = nodes->tree;
	spin_lock_irqsave(&nodes->tree->ma_lock, flags);
	swap(nodes->reserve, state);
	nodes->filled = true;
	spin_unlock_irqrestore(&nodes->tree->ma_lock, flags);
	/* What was there before, if anything. */
	mas_destroy(&state);
	return true;
}

/* Context: Any. */
static void refill_later(struct iova_mt_nodes *nodes)
{
	schedule_delayed_work(&nodes->refill, msecs_to_jiffies(nodes->backoff_ms));
}

static void refill_fn(struct work_struct *work)
{
	struct iova_mt_nodes *nodes = container_of(to_delayed_work(work),
						   struct iova_mt_nodes, refill);

	if (READ_ONCE(nodes->filled) || fill(nodes)) {
		nodes->backoff_ms = REFILL_MIN_MS;
		return;
	}
	nodes->backoff_ms = min(2 * nodes->backoff_ms, REFILL_MAX_MS);
	refill_later(nodes);
}

/*
 * mas_store() takes the nodes that mas_preallocate() has made sure of, and gives
 * none back.
 */
static int store_from_reserve_locked(struct iova_mt_nodes *nodes,
				     struct ma_state *mas, void *entry)
{
	struct ma_state *reserve = &nodes->reserve;

	lockdep_assert_held(&nodes->tree->ma_lock);
	if (!nodes->filled) {
		iova_mt_count(nodes->counters, COUNTER_reserve_empty);
		return -ENOMEM;
	}
	mas_set_range(reserve, mas->index, mas->last);
	if (mas_preallocate(reserve, entry, ATOMIC_GFP)) {
		nodes->filled = false;
		refill_later(nodes);
		return -ENOMEM;
	}
	mas_set_range(reserve, mas->index, mas->last);
	mas_store(reserve, entry);
	mas_set_range(mas, reserve->index, reserve->last);
	iova_mt_count(nodes->counters, COUNTER_reserve_used);
	return 0;
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
	if (likely(may_ask()) ||
	    !may_need_sheaf(nodes->tree, mas->index, mas->last, entry))
		return store(mas, entry);
	return store_from_reserve_locked(nodes, mas, entry);
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
	nodes->tree = tree;
	nodes->counters = counters;
	nodes->filled = false;
	mas_init(&nodes->reserve, tree, 0);
	INIT_DELAYED_WORK(&nodes->refill, refill_fn);
	nodes->backoff_ms = REFILL_MIN_MS;
	if (IOVA_MT_NODES_IN_SHEAVES && !fill(nodes))
		refill_later(nodes);
}

/**
 * iova_mt_nodes_destroy() - free the reserve
 * @nodes: the nodes, which nobody uses any more
 *
 * Context: Process, may sleep.
 */
void iova_mt_nodes_destroy(struct iova_mt_nodes *nodes)
{
	cancel_delayed_work_sync(&nodes->refill);
	mas_destroy(&nodes->reserve);
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
	if (!IOVA_MT_NODES_IN_SHEAVES)
		return 0;
	for (i = 0; i < SCRATCH_ENTRIES && !ret; i++)
		ret = mtree_store_range(&scratch, 2 * i, 2 * i, xa_mk_value(i),
					GFP_KERNEL);
	if (ret) {
		mtree_destroy(&scratch);
		return ret;
	}
	scratch.ma_flags &= ~MT_FLAGS_HEIGHT_MASK;
	scratch.ma_flags |= SCRATCH_HEIGHT << MT_FLAGS_HEIGHT_OFFSET;
	return 0;
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
