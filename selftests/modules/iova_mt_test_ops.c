// SPDX-License-Identifier: GPL-2.0
/*
 * A third module with an allocator of its own, "list": as simple as can be, to
 * be the example of one and to be tested like the others.
 *
 * With mistake= it does one thing wrong: proof that the tests can fail.
 *
 * Ranges are in a list from the highest to the lowest, under a spinlock that is
 * taken with interrupts off.
 */
#define pr_fmt(fmt) "iova_mt_test_ops: " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <iova_mt/ops.h>

enum mistake {
	MISTAKE_NONE,
	MISTAKE_UNALIGNED,	/* alignment is forgotten */
	MISTAKE_LIMIT,		/* one page above the limit is used */
	MISTAKE_START,		/* one page below the domain's first is used */
	MISTAKE_TWICE,		/* ranges of one page are overlooked */
	MISTAKE_LEAK,		/* each 16th free is lost */
	MISTAKE_REFUSE,		/* each 50th request is refused */
	MISTAKE_LOW,		/* the lowest place, not the highest */
	MISTAKE_RESERVE,	/* reserve forgets the last page */
	MISTAKE_FIND,		/* find sees only the first page */
	MISTAKE_EXACT,		/* a hole of the very size is missed */
	NR_MISTAKES,
};

static const char *const mistake_names[NR_MISTAKES] = {
	[MISTAKE_NONE] = "none",
	[MISTAKE_UNALIGNED] = "unaligned",
	[MISTAKE_LIMIT] = "limit",
	[MISTAKE_START] = "start",
	[MISTAKE_TWICE] = "twice",
	[MISTAKE_LEAK] = "leak",
	[MISTAKE_REFUSE] = "refuse",
	[MISTAKE_LOW] = "low",
	[MISTAKE_RESERVE] = "reserve",
	[MISTAKE_FIND] = "find",
	[MISTAKE_EXACT] = "exact",
};

static char *mistake = "none";
module_param(mistake, charp, 0444);
MODULE_PARM_DESC(mistake, "what to do wrong: none, unaligned, limit, start, twice, leak, refuse, low, reserve, find, exact (default: none)");

static enum mistake the_mistake;

struct entry {
	struct list_head link;
	unsigned long first;
	unsigned long last;
	enum iova_mt_state state;
};

/**
 * struct list_domain - the allocator's state of a domain
 * @lock: protects the rest
 * @entries: from the highest to the lowest
 * @calls: for mistakes that come now and then
 */
struct list_domain {
	spinlock_t lock; /* of all that follows */
	struct list_head entries;
	unsigned int calls;
};

static bool now_and_then(struct list_domain *list, enum mistake which,
			 unsigned int interval)
{
	return the_mistake == which && ++list->calls % interval == 0;
}

static int list_create(struct iova_mt_domain *domain)
{
	struct list_domain *list = kzalloc(sizeof(*list), GFP_KERNEL);

	if (!list)
		return -ENOMEM;
	spin_lock_init(&list->lock);
	INIT_LIST_HEAD(&list->entries);
	domain->priv = list;
	return 0;
}

static void list_destroy(struct iova_mt_domain *domain)
{
	struct list_domain *list = domain->priv;
	struct entry *entry, *next;

	list_for_each_entry_safe(entry, next, &list->entries, link)
		kfree(entry);
	kfree(list);
}

/* A range in front of @above, which is the next higher one. */
static int entry_add(struct list_head *above, unsigned long first,
		     unsigned long last, enum iova_mt_state state)
{
	struct entry *entry = kmalloc(sizeof(*entry), GFP_ATOMIC | __GFP_NOWARN);

	if (!entry)
		return -ENOMEM;
	entry->first = first;
	entry->last = last;
	entry->state = state;
	list_add(&entry->link, above);
	return 0;
}

/* The block of @size pages that ends highest in a gap, if there is one. */
static bool gap_fits(unsigned long first, unsigned long last,
		     unsigned long size, unsigned long align,
		     unsigned long *pfn)
{
	if (first > last || last - first < size - 1)
		return false;
	if (the_mistake == MISTAKE_EXACT && last - first == size - 1)
		return false;
	*pfn = round_down(last - size + 1, align);
	if (the_mistake == MISTAKE_LOW)
		*pfn = round_up(first, align);
	return *pfn >= first && last - *pfn >= size - 1;
}

/*
 * Look at the gaps from the limit down. Return: the next higher range, or the
 * head, with the place in @pfn; NULL when there is none.
 */
static struct list_head *gap_find_locked(struct iova_mt_domain *domain,
					 unsigned long size,
					 unsigned long limit,
					 unsigned long align,
					 unsigned long *pfn)
{
	struct list_domain *list = domain->priv;
	struct list_head *above = &list->entries;
	unsigned long start = domain->start_pfn;
	struct entry *entry;

	if (the_mistake == MISTAKE_LIMIT)
		limit++;
	if (the_mistake == MISTAKE_START && start)
		start--;
	list_for_each_entry(entry, &list->entries, link) {
		if (entry->last < limit &&
		    gap_fits(max(start, entry->last + 1), limit, size, align, pfn))
			return above;
		if (entry->first == 0)
			return NULL;
		if (the_mistake != MISTAKE_TWICE || entry->first != entry->last)
			limit = min(limit, entry->first - 1);
		above = &entry->link;
	}
	return gap_fits(start, limit, size, align, pfn) ? above : NULL;
}

static int list_alloc(struct iova_mt_domain *domain, unsigned long size,
		      unsigned long limit_pfn, unsigned int flags,
		      unsigned long *pfn)
{
	struct list_domain *list = domain->priv;
	unsigned long align = 1, first, irqs;
	struct list_head *above;
	int ret = -ENOSPC;

	if ((flags & IOVA_MT_ALIGNED) && the_mistake != MISTAKE_UNALIGNED)
		align = roundup_pow_of_two(size);
	spin_lock_irqsave(&list->lock, irqs);
	above = gap_find_locked(domain, size, limit_pfn, align, &first);
	if (above && !now_and_then(list, MISTAKE_REFUSE, 50))
		ret = entry_add(above, first, first + size - 1, IOVA_MT_LIVE);
	spin_unlock_irqrestore(&list->lock, irqs);
	if (!ret)
		*pfn = first;
	return ret;
}

static struct entry *entry_find_locked(struct list_domain *list,
				       unsigned long pfn)
{
	struct entry *entry;

	lockdep_assert_held(&list->lock);
	list_for_each_entry(entry, &list->entries, link)
		if (pfn >= entry->first && pfn <= entry->last)
			return entry;
	return NULL;
}

static bool list_free(struct iova_mt_domain *domain, unsigned long pfn,
		      unsigned long size)
{
	struct list_domain *list = domain->priv;
	struct entry *entry;
	unsigned long irqs;
	bool found;

	spin_lock_irqsave(&list->lock, irqs);
	entry = entry_find_locked(list, pfn);
	found = entry;
	if (entry && !now_and_then(list, MISTAKE_LEAK, 16)) {
		list_del(&entry->link);
		kfree(entry);
	}
	spin_unlock_irqrestore(&list->lock, irqs);
	return found;
}

/* Drop what one call has reserved: all ranges of the temporary list. */
static void entries_drop(struct list_head *entries)
{
	struct entry *entry, *next;

	list_for_each_entry_safe(entry, next, entries, link) {
		list_del(&entry->link);
		kfree(entry);
	}
}

/* Is there a range that holds @pfn, and where does it, or the gap, end? */
static bool piece_end_locked(struct list_domain *list, unsigned long pfn,
			     unsigned long *last)
{
	struct entry *entry;

	lockdep_assert_held(&list->lock);
	list_for_each_entry(entry, &list->entries, link) {
		if (pfn >= entry->first && pfn <= entry->last) {
			*last = min(*last, entry->last);
			return true;
		}
		if (entry->first > pfn)
			*last = min(*last, entry->first - 1);
	}
	return false;
}

static void entries_merge_locked(struct list_domain *list,
				 struct list_head *pieces)
{
	struct entry *piece, *next, *entry;
	struct list_head *above;

	lockdep_assert_held(&list->lock);
	list_for_each_entry_safe(piece, next, pieces, link) {
		above = &list->entries;
		list_for_each_entry(entry, &list->entries, link) {
			if (entry->first < piece->first)
				break;
			above = &entry->link;
		}
		list_move(&piece->link, above);
	}
}

static int list_reserve(struct iova_mt_domain *domain, unsigned long first,
			unsigned long last)
{
	struct list_domain *list = domain->priv;
	unsigned long irqs, piece_last;
	LIST_HEAD(pieces);
	int ret = 0;

	if (the_mistake == MISTAKE_RESERVE && first < last)
		last--;
	spin_lock_irqsave(&list->lock, irqs);
	for (;;) {
		piece_last = last;
		if (!piece_end_locked(list, first, &piece_last))
			ret = entry_add(&pieces, first, piece_last,
					IOVA_MT_RESERVED);
		if (ret || piece_last == last)
			break;
		first = piece_last + 1;
	}
	if (ret)
		entries_drop(&pieces);
	else
		entries_merge_locked(list, &pieces);
	spin_unlock_irqrestore(&list->lock, irqs);
	return ret;
}

static int entry_report(const struct entry *entry, struct iova_mt_range *range)
{
	if (!entry)
		return -ENOENT;
	range->first = entry->first;
	range->last = entry->last;
	range->state = entry->state;
	return 0;
}

static int list_find(struct iova_mt_domain *domain, unsigned long pfn,
		     struct iova_mt_range *range)
{
	struct list_domain *list = domain->priv;
	struct entry *entry;
	unsigned long irqs;
	int ret;

	spin_lock_irqsave(&list->lock, irqs);
	entry = entry_find_locked(list, pfn);
	if (entry && the_mistake == MISTAKE_FIND && entry->first != pfn)
		entry = NULL;
	ret = entry_report(entry, range);
	spin_unlock_irqrestore(&list->lock, irqs);
	return ret;
}

static int list_next(struct iova_mt_domain *domain, unsigned long from,
		     struct iova_mt_range *range)
{
	struct list_domain *list = domain->priv;
	struct entry *entry, *lowest = NULL;
	unsigned long irqs;
	int ret;

	spin_lock_irqsave(&list->lock, irqs);
	list_for_each_entry(entry, &list->entries, link) {
		if (entry->last < from)
			break;
		lowest = entry;
	}
	ret = entry_report(lowest, range);
	spin_unlock_irqrestore(&list->lock, irqs);
	return ret;
}

static const struct iova_mt_ops list_ops = {
	.name = "list",
	.owner = THIS_MODULE,
	.create = list_create,
	.destroy = list_destroy,
	.alloc = list_alloc,
	.free = list_free,
	.reserve = list_reserve,
	.find = list_find,
	.next = list_next,
};

static void complain(const char *name)
{
	char names[128];
	size_t i, len = 0;

	for (i = 0; i < NR_MISTAKES; i++)
		len += scnprintf(names + len, sizeof(names) - len, "%s%s",
				 i ? ", " : "", mistake_names[i]);
	pr_err("mistake '%s' is not valid; valid: %s\n", name, names);
}

static int __init iova_mt_test_ops_init(void)
{
	int which = match_string(mistake_names, NR_MISTAKES, mistake);

	if (which < 0) {
		complain(mistake);
		return -EINVAL;
	}
	the_mistake = which;
	return iova_mt_register(&list_ops);
}
module_init(iova_mt_test_ops_init);

static void __exit iova_mt_test_ops_exit(void)
{
	iova_mt_unregister(&list_ops);
}
module_exit(iova_mt_test_ops_exit);

MODULE_DESCRIPTION("An allocator of another module, to test iova_mt with");
MODULE_LICENSE("GPL");
/* See test_main.c. */
MODULE_INFO(import_ns, "IOVA_MT");
