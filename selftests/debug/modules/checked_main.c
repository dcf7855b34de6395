// SPDX-License-Identifier: GPL-2.0
/*
 * The allocators "checked" and "checked-plain": a maple allocator, looked at from
 * inside after every so many calls.
 *
 * What is checked, under the tree's lock: the tree by mt_validate(), which the
 * kernel exports with CONFIG_DEBUG_MAPLE_TREE and which complains to the log;
 * that the backlog's numbers are those of the deferred ranges, and that all of
 * these lie between the watermarks; that each remembered refusal is true, by
 * looking at every gap; and all that is derived of spans (checked_spans.c).
 */
#define pr_fmt(fmt) "iova_mt_checked: " fmt

#include <linux/align.h>
#include <linux/maple_tree.h>
#include <linux/module.h>

#include "base/counters.h"
#include "checked_spans.h"
#include "maple/space.h"
#include "wrap.h"

static uint every = 64;
module_param(every, uint, 0644);
MODULE_PARM_DESC(every, "calls between two checks, at least 1 (default: 64)");

static char *inner = "maple";
module_param(inner, charp, 0444);
MODULE_PARM_DESC(inner, "the allocator to check: maple or maple-plain (default: maple)");

/* Checks before what is planted, so that there is something in the tree. */
#define PLANT_AFTER	20

/* P(name, what is made wrong) */
#define PLANTS(P)							\
	P(none, "nothing")						\
	P(gap, "a gap that a node of the tree remembers")		\
	P(backlog, "the number of pages in the backlog")		\
	P(watermark, "the low watermark")				\
	P(refusal, "what is known not to be there")			\
	P(room, "the blocks of a span that have room")			\
	P(short, "the number of spans that are short")			\
	P(best, "the best order below a span")

enum plant {
#define CHECKED_ENUM(_name, _what)	PLANT_##_name,
	PLANTS(CHECKED_ENUM)
	NR_PLANTS,
};

static const char *const plant_names[] = {
#define CHECKED_NAME(_name, _what)	[PLANT_##_name] = #_name,
	PLANTS(CHECKED_NAME)
};

static char *plant = "none";
module_param(plant, charp, 0444);
MODULE_PARM_DESC(plant, "what to make wrong, so that the checks have to see it: none, gap, backlog, watermark, refusal, room, short or best (default: none)");

static enum plant planted;

/**
 * struct head - what the state of a maple domain begins with
 * @counters: its counters
 * @space: its ranges
 *
 * As in maple.c, which has it for itself; create() proves that it fits.
 */
struct head {
	struct iova_mt_counters counters;
	struct iova_mt_space space;
};

static const struct iova_mt_ops *maple;
static atomic64_t calls = ATOMIC64_INIT(0);
static atomic64_t checks = ATOMIC64_INIT(0);

/**
 * struct found - what a walk over a tree has found
 * @ranges: how many are deferred
 * @pages: in them
 * @low: first pfn of the first, ULONG_MAX when there is none
 * @high: last pfn of the last
 */
struct found {
	unsigned long ranges;
	unsigned long pages;
	unsigned long low;
	unsigned long high;
};

static void check_gap(const struct iova_mt_index *index, unsigned long first,
		      unsigned long last)
{
	unsigned long refused = index->refusals.valid;
	unsigned int order;

	first = max(first, index->start_pfn);
	for_each_set_bit(order, &refused, IOVA_MT_REFUSAL_ORDERS) {
		const struct iova_mt_refusal *refusal =
			&index->refusals.refusal[order];
		unsigned long pfn = ALIGN(first, BIT(order));
		unsigned long top = min(last, refusal->limit);

		WARN(pfn >= first && pfn <= top && top - pfn >= refusal->size - 1,
		     "%lu pages aligned to 2^%u below %#lx are refused, but %#lx to %#lx is free\n",
		     refusal->size, order, refusal->limit, first, last);
	}
}

static void found_add(struct found *found, unsigned long first,
		      unsigned long last)
{
	found->ranges++;
	found->pages += last - first + 1;
	found->low = min(found->low, first);
	found->high = max(found->high, last);
}

static void check_tree_locked(struct iova_mt_index *index, struct found *found)
{
	MA_STATE(mas, &index->tree, 0, 0);
	unsigned long next = 0;
	void *entry;

	lockdep_assert_held(&index->tree.ma_lock);
	mt_validate(&index->tree);
	mas_for_each(&mas, entry, ULONG_MAX) {
		if (mas.index > next)
			check_gap(index, next, mas.index - 1);
		if (iova_mt_entry_is_deferred(entry))
			found_add(found, mas.index, mas.last);
		next = mas.last + 1;
		if (!next)
			return;
	}
	check_gap(index, next, ULONG_MAX);
}

static void check_backlog_locked(const struct iova_mt_deferred *deferred,
				 const struct found *found)
{
	WARN(deferred->ranges != found->ranges ||
	     deferred->pages != found->pages,
	     "the backlog counts %lu ranges and %lu pages, there are %lu and %lu\n",
	     deferred->ranges, deferred->pages, found->ranges, found->pages);
	WARN(found->ranges && (found->low < deferred->low ||
			       found->high > deferred->high),
	     "ranges deferred from %#lx to %#lx are not between the watermarks %#lx and %#lx\n",
	     found->low, found->high, deferred->low, deferred->high);
}

/* Those that have no marker look live in the tree. */
static void add_orphans_locked(const struct iova_mt_deferred *deferred,
			       struct found *found)
{
	unsigned int i;

	for (i = 0; i < deferred->nr_orphans; i++)
		found_add(found, deferred->orphans[i].first,
			  deferred->orphans[i].last);
}

/* --- Mistakes to be seen ------------------------------------------------- */

static void plant_gap_locked(struct iova_mt_index *index)
{
	unsigned long root = (unsigned long)index->tree.ma_root;
	struct maple_node *node = (void *)(root & ~(unsigned long)MAPLE_NODE_MASK);

	/* Nodes above the leaves have gaps. */
	if (mt_height(&index->tree) > 1)
		node->ma64.gap[0] ^= 1;
}

static void plant_refusal_locked(struct iova_mt_index *index)
{
	index->refusals.refusal[0].size = 1;
	index->refusals.refusal[0].limit = ULONG_MAX;
	index->refusals.valid |= 1;
}

static void plant_locked(struct iova_mt_space *space)
{
	switch (planted) {
	case PLANT_gap:
		plant_gap_locked(&space->index);
		break;
	case PLANT_backlog:
		space->deferred.pages++;
		break;
	case PLANT_watermark:
		space->deferred.low = ULONG_MAX;
		break;
	case PLANT_refusal:
		plant_refusal_locked(&space->index);
		break;
	case PLANT_room:
		plant_room_locked(&space->spans);
		break;
	case PLANT_short:
		plant_short_locked(&space->spans);
		break;
	case PLANT_best:
		plant_best_locked(&space->spans);
		break;
	default:
		break;
	}
}

/* --- Check ---------------------------------------------------------------- */

static void check_now(struct iova_mt_domain *domain)
{
	struct head *head = domain->priv;
	struct iova_mt_index *index = &head->space.index;
	struct found found = { .low = ULONG_MAX };
	unsigned long flags;

	/* Not as the module takes it: what it measures with is not exported. */
	spin_lock_irqsave(&index->tree.ma_lock, flags);
	if (atomic64_inc_return(&checks) > PLANT_AFTER)
		plant_locked(&head->space);
	check_tree_locked(index, &found);
	add_orphans_locked(&head->space.deferred, &found);
	check_backlog_locked(&head->space.deferred, &found);
	check_spans_locked(&head->space.spans);
	spin_unlock_irqrestore(&index->tree.ma_lock, flags);
}

static void check(struct iova_mt_domain *domain)
{
	if ((u64)atomic64_inc_return(&calls) % every == 0)
		check_now(domain);
}

/* --- The replaced calls --------------------------------------------------- */

static int checked_create(struct iova_mt_domain *domain)
{
	const struct head *head;
	int ret = maple->create(domain);

	if (ret)
		return ret;
	head = domain->priv;
	if (head->space.index.counters == &head->counters &&
	    head->space.deferred.index == &head->space.index)
		return 0;
	pr_err("struct iova_mt_maple is not what this module was written for\n");
	maple->destroy(domain);
	return -EINVAL;
}

static void checked_destroy(struct iova_mt_domain *domain)
{
	check_now(domain);
	maple->destroy(domain);
}

static int checked_alloc(struct iova_mt_domain *domain, unsigned long size,
			 unsigned long limit_pfn, unsigned int flags,
			 unsigned long *pfn)
{
	int ret = maple->alloc(domain, size, limit_pfn, flags, pfn);

	check(domain);
	return ret;
}

static bool checked_free(struct iova_mt_domain *domain, unsigned long pfn,
			 unsigned long size)
{
	bool freed = maple->free(domain, pfn, size);

	check(domain);
	return freed;
}

static int checked_reserve(struct iova_mt_domain *domain, unsigned long first,
			   unsigned long last)
{
	int ret = maple->reserve(domain, first, last);

	check_now(domain);
	return ret;
}

static void checked_flush(struct iova_mt_domain *domain)
{
	maple->flush(domain);
	check_now(domain);
}

static int checked_drain(struct iova_mt_domain *domain)
{
	int ret = maple->drain(domain);

	check_now(domain);
	return ret;
}

/* --- Module --------------------------------------------------------------- */

static struct iova_mt_ops table;

static int __init iova_mt_checked_init(void)
{
	int ret;

	if (!every) {
		pr_err("every '0' is not valid; valid: 1 and more\n");
		return -EINVAL;
	}
	ret = match_string(plant_names, NR_PLANTS, plant);
	if (ret < 0) {
		pr_err("plant '%s' is not valid; valid: none, gap, backlog, watermark, refusal, room, short, best\n",
		       plant);
		return -EINVAL;
	}
	planted = ret;
	maple = wrap_maple_ops(inner);
	if (IS_ERR(maple))
		return PTR_ERR(maple);
	table = *maple;
	table.name = strcmp(inner, "maple") ? "checked-plain" : "checked";
	table.owner = THIS_MODULE;
	table.create = checked_create;
	table.destroy = checked_destroy;
	table.alloc = checked_alloc;
	table.free = checked_free;
	table.reserve = checked_reserve;
	table.flush = checked_flush;
	table.drain = checked_drain;
	return iova_mt_register(&table);
}
module_init(iova_mt_checked_init);

static void __exit iova_mt_checked_exit(void)
{
	WARN_ON(iova_mt_unregister(&table));
	pr_info("%lld checks in %lld calls\n", atomic64_read(&checks),
		atomic64_read(&calls));
}
module_exit(iova_mt_checked_exit);

MODULE_DESCRIPTION("An allocator for tests: maple, checked from inside");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, "IOVA_MT");
