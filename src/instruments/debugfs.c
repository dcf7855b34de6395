// SPDX-License-Identifier: GPL-2.0
/*
 * Debugfs: the root and the files about all domains.
 *
 * Responsible for /sys/kernel/debug/iova_mt. Rule: whatever fails here, the
 * module works without it. Takes no lock itself; the totals take the mutex of
 * the list of domains, which the root's files may: they go only at exit.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "base/fault.h"
#include "core/domain.h"
#include "instruments/files.h"
#include "instruments/instruments.h"
#include "core/registry.h"

static struct dentry *root;

/* --- What can be read ----------------------------------------------------- */

static int show_allocator_counters(struct iova_mt_allocator *allocator,
				   const u64 *totals, void *m)
{
	const struct iova_mt_ops *ops = allocator->ops;

	iova_mt_files_counters(m, ops->name, ops->counter_names, totals,
			       ops->nr_counters);
	return 0;
}

static int stats_show(struct seq_file *m, void *unused)
{
	u64 totals[IOVA_MT_DOMAIN_NR_COUNTERS];

	iova_mt_domain_total_counters(totals);
	iova_mt_files_counters(m, NULL, iova_mt_domain_counter_names, totals,
			       IOVA_MT_DOMAIN_NR_COUNTERS);
	return iova_mt_domain_walk_allocators(show_allocator_counters, m);
}

DEFINE_SHOW_ATTRIBUTE(stats);

static int backlog_show(struct seq_file *m, void *unused)
{
	struct iova_mt_backlog total;

	iova_mt_domain_total_backlog(&total);
	iova_mt_files_backlog(m, &total);
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(backlog);

static int show_allocator(struct iova_mt_allocator *allocator, void *m)
{
	seq_printf(m, "%-15s %-15s %u\n", allocator->ops->name,
		   module_name(allocator->ops->owner), allocator->users);
	return 0;
}

static int allocators_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%-15s %-15s %s\n", "# name", "module", "domains");
	return iova_mt_registry_for_each(show_allocator, m);
}

DEFINE_SHOW_ATTRIBUTE(allocators);

static int source_show(struct seq_file *m, void *unused)
{
	const struct iova_mt_instruments_source *source = m->private;

	source->show(m);
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(source);

/* --- What can be done ----------------------------------------------------- */

/* An action is asked for with a 1, and with nothing else. */
static int expect_1(const char *name, const char __user *from, size_t count)
{
	static const char *const words[] = { "1" };

	return iova_mt_files_choice(name, words, ARRAY_SIZE(words), from, count);
}

/* -ENOMEM when something is left. */
static ssize_t drain_write(struct file *file, const char __user *from,
			   size_t count, loff_t *pos)
{
	int ret;

	ret = expect_1("drain", from, count);
	if (!ret)
		ret = iova_mt_domain_drain_all();
	return ret ? ret : count;
}

static const struct file_operations drain_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= drain_write,
};

/*
 * Only hits and injected of the fault points. Counters of domains and of their
 * backlog are never reset, so that several readers can take differences of them.
 */
static ssize_t reset_write(struct file *file, const char __user *from,
			   size_t count, loff_t *pos)
{
	int ret;

	ret = expect_1("reset", from, count);
	if (ret)
		return ret;
	iova_mt_fault_reset();
	return count;
}

static const struct file_operations reset_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= reset_write,
};

/* --- Interface ------------------------------------------------------------ */

static void create_source(const struct iova_mt_instruments_source *source)
{
	struct dentry *found = debugfs_lookup(source->dir, root);
	struct dentry *dir;

	dir = found ? found : debugfs_create_dir(source->dir, root);
	debugfs_create_file(source->name, source->mode, dir, (void *)source,
			    &source_fops);
	dput(found);
}

/**
 * iova_mt_instruments_init() - make the tree in debugfs
 * @sources: files that somebody above fills in; stay where they are until exit
 * @nr: how many
 *
 * Without debugfs there is none, and that is all.
 *
 * Context: Process, may sleep.
 */
void iova_mt_instruments_init(const struct iova_mt_instruments_source *sources,
			      size_t nr)
{
	size_t i;

	root = debugfs_create_dir("iova_mt", NULL);
	if (IS_ERR(root)) {
		pr_notice("no debugfs: %pe\n", root);
		return;
	}
	debugfs_create_file("stats", 0444, root, NULL, &stats_fops);
	debugfs_create_file("backlog", 0444, root, NULL, &backlog_fops);
	debugfs_create_file("allocators", 0444, root, NULL, &allocators_fops);
	debugfs_create_file("drain", 0200, root, NULL, &drain_fops);
	debugfs_create_file("reset", 0200, root, NULL, &reset_fops);
	iova_mt_knobs_create(root);
	iova_mt_lock_stat_create(root);
	iova_mt_listing_create(root);
	for (i = 0; i < nr; i++)
		create_source(&sources[i]);
}

/**
 * iova_mt_instruments_exit() - remove the tree
 *
 * Waits for those who read one of the files just now.
 *
 * Context: Process, may sleep.
 */
void iova_mt_instruments_exit(void)
{
	iova_mt_listing_forget();
	debugfs_remove(root);
}
