// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes: where stores into the tree get theirs.
 *
 * All stores go through here, under the tree's lock. What a store needs is
 * allocated in one attempt, and then used at once.
 *
 * Beside that each tree has spare nodes: in a tree state that was given them in a
 * task, where memory can be waited for. An erase whose own request is refused is
 * served from it. With what the module may call, nodes cannot be handed from one
 * state to another, so that state itself is the one that stores: mas_store()
 * takes what mas_preallocate() has left there.
 *
 * Where nodes come in sheaves (see compat.h), a request for two or more may not
 * be made in an interrupt: kmem_cache_prefill_sheaf() and its counterpart keep
 * interrupts out by nothing, and the interrupted task may be inside for the
 * nodes of its own mm. A sheaf of more than the usual size is no business of
 * the CPU's, though: it is filled and emptied without that lock. So there a
 * store in an interrupt
 *  - goes on when it surely needs at most one node, which is most of them;
 *  - otherwise takes its nodes from the spare ones, which are such a sheaf there, and
 *    tops them up as it goes;
 *  - fails like one without memory when they are lost for lack of memory, until a
 *    task has got others. So there inserts take from them, too, and an erase that
 *    comes after those may find none, and be deferred.
 *
 * Locks: the tree's.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "base/fault.h"
#include "base/lock.h"
#include "compat.h"
#include "maple/counters.h"
#include "maple/tree/nodes.h"
#include "maple/tree/queue.h"

#define ATOMIC_GFP	(GFP_ATOMIC | __GFP_NOWARN)
/*
 * May wait for memory, but not for I/O, which may be waiting for a mapping; and
 * not for ever: after a failure the caller backs off, and logs it after a while.
 */
#define FILL_GFP	(GFP_NOIO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

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
 * and three times what a store into a tree of a million ranges can need. It has
 * no lock: it is only looked at, and by those who may sleep.
 */
static struct maple_tree scratch;

/*
 * Is that more than a CPU's sheaf has, so that interrupts may use them? The
 * kernel does not tell how many nodes those have, but the two are of different
 * sizes then.
 */
static bool spare_is_apart = true;

#define SCRATCH_ENTRIES	64
#define SCRATCH_HEIGHT	21
#define SPARE_NODES	(3 * SCRATCH_HEIGHT + 1)

static bool may_ask(void)
{
	return !IOVA_MT_NODES_IN_SHEAVES || in_task();
}

/*
 * mas_store_gfp() without its retry: up to 6.17 mas_nomem() answers true as long
 * as any node is held, so that after a partial allocation
 * mas_store_gfp(GFP_ATOMIC) asks again for ever.
 */
static int store(struct iova_mt_nodes *nodes, struct ma_state *mas, void *entry)
{
	int ret;

	ret = mas_preallocate(mas, entry, ATOMIC_GFP);
	if (ret)
		return ret;
	if (!entry && iova_mt_mas_has_nodes(mas))
		iova_mt_count(nodes->counters, COUNTER_erase_nodes);
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
	/* A part of a range, erased, splits it as a new one splits a gap. */
	if ((entry || mas.index != first || mas.last != last) &&
	    end + SLOTS_TAKEN >= MAPLE_RANGE64_SLOTS)
		return true;
	if (mt_height(tree) == 1)
		return false;
	return end < SLOTS_MIN + (entry ? 0 : SLOTS_TAKEN);
}

/**
 * iova_mt_nodes_fill() - get as many spare nodes as there can be
 * @nodes: whose
 *
 * Afterwards, one store at least goes through without memory.
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_nodes_fill(struct iova_mt_nodes *nodes)
{
	struct ma_state state;
	unsigned long flags;
	int ret = -ENOMEM;

	mas_init(&state, &scratch, 0);
	mas_set_range(&state, 1, ULONG_MAX - 1);
	if (!iova_mt_fault_hit(IOVA_MT_FAULT_fail_refill, nodes->domain_id))
		ret = mas_preallocate(&state, xa_mk_value(0), FILL_GFP);
	if (ret) {
		iova_mt_count(nodes->counters, COUNTER_spare_fill_failed);
		return ret;
	}

	state.tree = nodes->tree;
	flags = iova_mt_lock_take(nodes->lock, &nodes->tree->ma_lock);
	swap(nodes->spare, state);
	nodes->filled = true;
	nodes->left = SPARE_NODES;
	iova_mt_lock_release(nodes->lock, &nodes->tree->ma_lock, flags);
	/* What was there before, if anything. */
	mas_destroy(&state);
	iova_mt_count(nodes->counters, COUNTER_spare_fill);
	return 0;
}

/* Context: Any. */
static void refill_later(struct iova_mt_nodes *nodes)
{
	queue_delayed_work(iova_mt_queue, &nodes->refill,
			   msecs_to_jiffies(READ_ONCE(nodes->backoff_ms)));
}

/* Is it time to get more? */
static bool wants_nodes(const struct iova_mt_nodes *nodes)
{
	return !READ_ONCE(nodes->filled) ||
	       READ_ONCE(nodes->left) < SPARE_NODES / 2;
}

static void refill_fn(struct work_struct *work)
{
	struct iova_mt_nodes *nodes = container_of(to_delayed_work(work),
						   struct iova_mt_nodes, refill);

	if (!wants_nodes(nodes) || !iova_mt_nodes_fill(nodes)) {
		WRITE_ONCE(nodes->backoff_ms, REFILL_MIN_MS);
		return;
	}
	WRITE_ONCE(nodes->backoff_ms, min(2 * nodes->backoff_ms, REFILL_MAX_MS));
	refill_later(nodes);
}

/* What one store can need, at most. */
static unsigned int most_locked(const struct iova_mt_nodes *nodes)
{
	lockdep_assert_held(&nodes->tree->ma_lock);
	return 3 * mt_height(nodes->tree) + 1;
}

/*
 * mas_store() takes the nodes that mas_preallocate() has made sure of, and gives
 * none back. mas_preallocate() asks for what is not spare, and when
 * it is refused, nothing is left there. @refused: it would be, so do not ask.
 */
static int store_from_spare_locked(struct iova_mt_nodes *nodes,
				   struct ma_state *mas, void *entry,
				     bool refused)
{
	struct ma_state *spare = &nodes->spare;
	unsigned int most;

	lockdep_assert_held(&nodes->tree->ma_lock);
	most = most_locked(nodes);
	if (!nodes->filled || (!may_ask() && !spare_is_apart)) {
		iova_mt_count(nodes->counters, COUNTER_spare_empty);
		return -ENOMEM;
	}
	iova_mt_mas_count_again(spare);
	mas_set_range(spare, mas->index, mas->last);
	if ((refused && nodes->left < most) ||
	    mas_preallocate(spare, entry, ATOMIC_GFP)) {
		iova_mt_count(nodes->counters, COUNTER_spare_spent);
		nodes->filled = false;
		refill_later(nodes);
		return -ENOMEM;
	}
	mas_set_range(spare, mas->index, mas->last);
	mas_store(spare, entry);
	mas_set_range(mas, spare->index, spare->last);
	iova_mt_count(nodes->counters, COUNTER_spare_used);
	nodes->left -= min(most, nodes->left);
	if (wants_nodes(nodes))
		refill_later(nodes);
	return 0;
}

/* With nodes that are asked for now. */
static int store_now_locked(struct iova_mt_nodes *nodes, struct ma_state *mas,
			    void *entry)
{
	unsigned long first = mas->index, last = mas->last;

	lockdep_assert_held(&nodes->tree->ma_lock);
	if (!store(nodes, mas, entry))
		return 0;
	iova_mt_count(nodes->counters, COUNTER_node_refused);
	mas_set_range(mas, first, last);
	return -ENOMEM;
}

/**
 * iova_mt_nodes_store_locked() - store an entry
 * @nodes: where the nodes come from
 * @mas: a fresh state, set to the range; for NULL, it covers afterwards what is
 *	free on both sides as well
 * @entry: what to store, NULL to erase
 *
 * The range is one that is in the tree, a part of one, or lies in one gap; it may
 * also be one with the gaps beside it, and for NULL several ranges. A store of
 * NULL falls back on the spare nodes.
 *
 * Context: Any, under the tree's lock.
 * Return: 0, or -ENOMEM and then nothing has changed.
 */
int iova_mt_nodes_store_locked(struct iova_mt_nodes *nodes, struct ma_state *mas,
			       void *entry)
{
	bool refused, ask;

	lockdep_assert_held(&nodes->tree->ma_lock);
	refused = iova_mt_fault_hit(IOVA_MT_FAULT_fail_node, nodes->domain_id);
	ask = may_ask() ||
	      !may_need_sheaf(nodes->tree, mas->index, mas->last, entry);
	if (ask && !refused && !store_now_locked(nodes, mas, entry))
		return 0;
	if (ask && entry)
		return -ENOMEM;
	return store_from_spare_locked(nodes, mas, entry, refused);
}

/**
 * iova_mt_nodes_swap_locked() - put another entry over one range
 * @nodes: of the tree
 * @mas: a fresh state, set to the range
 * @entry: what to store, not NULL
 *
 * Needs no node.
 *
 * Context: Any, under the tree's lock.
 * Return: 0, or -ENOMEM should that ever be wrong.
 */
int iova_mt_nodes_swap_locked(struct iova_mt_nodes *nodes, struct ma_state *mas,
			      void *entry)
{
	lockdep_assert_held(&nodes->tree->ma_lock);
	return store(nodes, mas, entry);
}

/**
 * iova_mt_nodes_init() - make ready, and get spare nodes
 * @nodes: the nodes
 * @tree: their tree, empty
 * @lock: what is measured of its lock
 * @counters: where to count
 * @domain_id: whose they are
 *
 * Context: Process, may sleep.
 */
void iova_mt_nodes_init(struct iova_mt_nodes *nodes, struct maple_tree *tree,
			struct iova_mt_lock *lock,
			const struct iova_mt_counters *counters,
			unsigned int domain_id)
{
	nodes->tree = tree;
	nodes->lock = lock;
	nodes->counters = counters;
	nodes->domain_id = domain_id;
	nodes->filled = false;
	nodes->left = 0;
	mas_init(&nodes->spare, tree, 0);
	INIT_DELAYED_WORK(&nodes->refill, refill_fn);
	nodes->backoff_ms = REFILL_MIN_MS;
	if (iova_mt_nodes_fill(nodes))
		refill_later(nodes);
}

/**
 * iova_mt_nodes_stop() - get no spare nodes any more
 * @nodes: the nodes, which nobody uses any more
 *
 * Context: Process, may sleep.
 */
void iova_mt_nodes_stop(struct iova_mt_nodes *nodes)
{
	cancel_delayed_work_sync(&nodes->refill);
}

/**
 * iova_mt_nodes_destroy() - free the spare nodes
 * @nodes: the nodes, which nobody uses any more
 *
 * Context: Process, may sleep.
 */
void iova_mt_nodes_destroy(struct iova_mt_nodes *nodes)
{
	iova_mt_nodes_stop(nodes);
	mas_destroy(&nodes->spare);
}

/* Bytes of the sheaf that a store over all of @scratch gets, 0 for none. */
static size_t sheaf_bytes(void)
{
	struct ma_state mas;
	size_t bytes = 0;

	mas_init(&mas, &scratch, 0);
	mas_set_range(&mas, 1, ULONG_MAX - 1);
	if (!mas_preallocate(&mas, xa_mk_value(0), GFP_KERNEL) &&
	    iova_mt_mas_sheaf(&mas))
		bytes = ksize(iova_mt_mas_sheaf(&mas));
	mas_destroy(&mas);
	return bytes;
}

/* @usual: of a request for a few nodes, which gets a CPU's sheaf */
static void look_at_sheaves(size_t usual)
{
	if (!IOVA_MT_NODES_IN_SHEAVES)
		return;
	spare_is_apart = usual && sheaf_bytes() > usual;
	if (!spare_is_apart)
		pr_warn_once("the store of spare tree nodes is no larger than a CPU's sheaf of this kernel: interrupts leave it alone, so allocations there may be refused for lack of nodes, and frees be deferred\n");
}

/**
 * iova_mt_nodes_module_init() - what all trees share
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_nodes_module_init(void)
{
	MA_STATE(mas, &scratch, 0, 0);
	unsigned long i;
	size_t usual;
	int ret = 0;

	mt_init_flags(&scratch, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_LOCK_EXTERN);
	mt_on_stack(scratch);
	for (i = 0; i < SCRATCH_ENTRIES && !ret; i++) {
		mas_set_range(&mas, 2 * i, 2 * i);
		ret = mas_store_gfp(&mas, xa_mk_value(i), GFP_KERNEL);
	}
	usual = sheaf_bytes();
	scratch.ma_flags &= ~MT_FLAGS_HEIGHT_MASK;
	scratch.ma_flags |= SCRATCH_HEIGHT << MT_FLAGS_HEIGHT_OFFSET;
	if (ret)
		iova_mt_nodes_module_exit();
	else
		look_at_sheaves(usual);
	return ret;
}

/**
 * iova_mt_nodes_module_exit() - undo iova_mt_nodes_module_init()
 *
 * Context: Process, may sleep.
 */
void iova_mt_nodes_module_exit(void)
{
	__mt_destroy(&scratch);
}
