// SPDX-License-Identifier: GPL-2.0
/*
 * Listing: a directory for each domain.
 *
 * Responsible for domains/<id>/. Rule: nothing here takes the mutex of the list
 * of domains: added() runs under it.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "core/domain.h"
#include "instruments/files.h"

/* Written at init and exit, when nobody observes. */
static struct dentry *domains_dir;

/* --- Simple files --------------------------------------------------------- */

/* Who has made it. Which function of dma-iommu it was says nothing. */
static void show_user(struct seq_file *m, const struct iova_mt_caller *user)
{
	const char *kind = iova_mt_caller_kind_names[user->kind];

	if (user->kind == IOVA_MT_CALLER_DMA_API)
		seq_printf(m, "user: %s\n", kind);
	else
		seq_printf(m, "user: %s %s\n", kind, user->name);
}

/* No pfns here: this one everybody may read. */
static int summary_show(struct seq_file *m, void *unused)
{
	struct iova_mt_domain *domain = m->private;

	seq_printf(m, "id: %u\n", domain->id);
	seq_printf(m, "allocator: %s\n", domain->ops->name);
	seq_printf(m, "module: %s\n", module_name(domain->ops->owner));
	show_user(m, iova_mt_domain_user(domain));
	seq_printf(m, "granule: %lu\n", domain->granule);
	if (domain->ops->deferral)
		seq_printf(m, "deferral: %s\n", domain->ops->deferral(domain));
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(summary);

static int stats_show(struct seq_file *m, void *unused)
{
	struct iova_mt_domain *domain = m->private;
	const struct iova_mt_ops *ops = domain->ops;
	u64 sum[IOVA_MT_DOMAIN_NR_COUNTERS];
	u64 *values;

	iova_mt_domain_counters(domain, sum);
	iova_mt_files_counters(m, NULL, iova_mt_domain_counter_names, sum,
			       IOVA_MT_DOMAIN_NR_COUNTERS);
	if (!ops->nr_counters)
		return 0;
	values = kcalloc(ops->nr_counters, sizeof(*values), GFP_KERNEL);
	if (!values)
		return -ENOMEM;
	ops->counters(domain, values);
	iova_mt_files_counters(m, ops->name, ops->counter_names, values,
			       ops->nr_counters);
	kfree(values);
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(stats);

static int backlog_show(struct seq_file *m, void *unused)
{
	struct iova_mt_backlog backlog;

	iova_mt_domain_backlog(m->private, &backlog);
	iova_mt_files_backlog(m, &backlog);
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(backlog);

/* --- Ranges --------------------------------------------------------------- */

/**
 * struct cursor - where a reader of the ranges is
 * @domain: whose
 * @pos: number of the line that @range is for; 0 is the heading
 * @range: that range
 * @end: there is none at @pos
 */
struct cursor {
	struct iova_mt_domain *domain;
	loff_t pos;
	struct iova_mt_range range;
	bool end;
};

/* One search a line, from the pfn behind the last: a million lines are fine. */
static void *ranges_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct cursor *cursor = m->private;
	struct iova_mt_domain *domain = cursor->domain;
	unsigned long from = 0;

	if (v != SEQ_START_TOKEN)
		from = cursor->range.last + 1;
	cursor->pos = ++*pos;
	cursor->end = (v != SEQ_START_TOKEN && !from) || !domain->ops->next ||
		      domain->ops->next(domain, from, &cursor->range);
	return cursor->end ? NULL : &cursor->range;
}

/*
 * seq_file goes on where it stopped, or starts over at 0; it never asks for any
 * other line.
 */
static void *ranges_start(struct seq_file *m, loff_t *pos)
{
	struct cursor *cursor = m->private;

	if (!*pos) {
		cursor->pos = 0;
		return SEQ_START_TOKEN;
	}
	if (*pos != cursor->pos || cursor->end)
		return NULL;
	return &cursor->range;
}

static void ranges_stop(struct seq_file *m, void *v)
{
}

static void show_heading(struct seq_file *m, const struct iova_mt_domain *domain)
{
	seq_puts(m, "# no snapshot: ranges come and go while this is read\n");
	if (!domain->ops->next) {
		seq_printf(m, "# allocator %s cannot list its ranges\n",
			   domain->ops->name);
		return;
	}
	seq_printf(m, "# pfns of %lu bytes, handed out from %#lx\n",
		   domain->granule, domain->start_pfn);
	seq_puts(m, "# first last pages state\n");
}

static int ranges_show(struct seq_file *m, void *v)
{
	static const char *const states[] = {
		[IOVA_MT_LIVE] = "live",
		[IOVA_MT_RESERVED] = "reserved",
		[IOVA_MT_DEFERRED] = "deferred",
		[IOVA_MT_SPAN] = "span",
	};
	const struct cursor *cursor = m->private;
	const struct iova_mt_range *range = v;

	if (v == SEQ_START_TOKEN)
		show_heading(m, cursor->domain);
	else
		seq_printf(m, "%#lx %#lx %lu %s\n", range->first, range->last,
			   range->last - range->first + 1,
			   states[range->state]);
	return 0;
}

static const struct seq_operations ranges_sops = {
	.start	= ranges_start,
	.next	= ranges_next,
	.stop	= ranges_stop,
	.show	= ranges_show,
};

static int ranges_open(struct inode *inode, struct file *file)
{
	struct cursor *cursor;

	cursor = __seq_open_private(file, &ranges_sops, sizeof(*cursor));
	if (!cursor)
		return -ENOMEM;
	cursor->domain = inode->i_private;
	return 0;
}

static const struct file_operations ranges_fops = {
	.owner		= THIS_MODULE,
	.open		= ranges_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

/* --- Observer ------------------------------------------------------------- */

static void domain_name(const struct iova_mt_domain *domain, char name[12])
{
	scnprintf(name, 12, "%u", domain->id);
}

static void added(struct iova_mt_domain *domain)
{
	struct dentry *dir;
	char name[12];

	domain_name(domain, name);
	dir = debugfs_create_dir(name, domains_dir);
	debugfs_create_file("summary", 0444, dir, domain, &summary_fops);
	debugfs_create_file("stats", 0444, dir, domain, &stats_fops);
	debugfs_create_file("backlog", 0444, dir, domain, &backlog_fops);
	debugfs_create_file("ranges", 0400, dir, domain, &ranges_fops);
	iova_mt_lock_stat_create_domain(dir, domain);
}

/*
 * Removing a file waits for those who are in it; later reads fail. It holds no
 * lock that the directory of another domain needs.
 */
static void removed(struct iova_mt_domain *domain)
{
	char name[12];

	domain_name(domain, name);
	debugfs_lookup_and_remove(name, domains_dir);
}

static const struct iova_mt_domain_observer observer = {
	.added		= added,
	.removed	= removed,
};

/**
 * iova_mt_listing_create() - make domains/ and keep it up to date
 * @root: in here
 *
 * Context: Process, may sleep.
 */
void iova_mt_listing_create(struct dentry *root)
{
	domains_dir = debugfs_create_dir("domains", root);
	iova_mt_domain_observe(&observer);
}

/**
 * iova_mt_listing_forget() - observe no more
 *
 * The directory itself goes with the root.
 *
 * Context: Process, may sleep.
 */
void iova_mt_listing_forget(void)
{
	iova_mt_domain_observe(NULL);
}
