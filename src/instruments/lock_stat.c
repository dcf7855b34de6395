// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lock statistics: the switch, and a table for each domain.
 *
 * Responsible for the files lock_stat and domains/<id>/lock_stat. base/lock.c
 * measures; the allocator says which lock. No locks of its own.
 */
#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/debugfs.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "base/lock.h"
#include "core/domain.h"
#include "instruments/files.h"

/* --- The switch ----------------------------------------------------------- */

static int switch_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%d\n", iova_mt_lock_is_measured());
	return 0;
}

/* A 1 begins all tables anew, so there is no other reset. */
static ssize_t switch_write(struct file *file, const char __user *from,
			    size_t count, loff_t *pos)
{
	static const char *const words[] = { "0", "1" };
	int ret;

	ret = iova_mt_files_choice("lock_stat", words, ARRAY_SIZE(words), from,
				   count);
	if (ret < 0)
		return ret;
	iova_mt_lock_measure(ret);
	return count;
}

DEFINE_SHOW_STORE_ATTRIBUTE(switch);

/* --- The table of a domain ------------------------------------------------ */

static void show_times(struct seq_file *m, const char *name,
		       const struct iova_mt_lock_times *times)
{
	u64 nr = iova_mt_lock_times_nr(times);

	seq_printf(m, "%s_count: %llu\n", name, nr);
	seq_printf(m, "%s_mean_ns: %llu\n", name,
		   nr ? div64_u64(times->sum, nr) : 0);
	seq_printf(m, "%s_max_ns: %llu\n", name, times->max);
}

static bool is_empty(const struct iova_mt_lock_stat *stat, int bucket)
{
	return !stat->wait.bucket[bucket] && !stat->hold.bucket[bucket];
}

/* From the first row with something in it to the last. */
static void show_rows(struct seq_file *m, const struct iova_mt_lock_stat *stat)
{
	int first = 0, last = IOVA_MT_LOCK_BUCKETS - 1, i;

	while (first < last && is_empty(stat, first))
		first++;
	while (last > first && is_empty(stat, last))
		last--;
	seq_printf(m, "%-10s %12s %12s\n", "# from ns", "waits", "holds");
	for (i = first; i <= last; i++)
		seq_printf(m, "%-10lu %12llu %12llu\n", i ? BIT(i - 1) : 0,
			   stat->wait.bucket[i], stat->hold.bucket[i]);
}

static void show_stat(struct seq_file *m, const struct iova_mt_lock_stat *stat)
{
	show_times(m, "wait", &stat->wait);
	seq_printf(m, "wait_contended: %llu\n",
		   iova_mt_lock_times_nr(&stat->wait) - stat->wait.bucket[0]);
	show_times(m, "hold", &stat->hold);
	seq_printf(m, "irqs_off_max_ns: %llu\n", stat->irqs_off_max);
	show_rows(m, stat);
}

static int lock_stat_show(struct seq_file *m, void *unused)
{
	struct iova_mt_domain *domain = m->private;
	struct iova_mt_lock_stat *stat;
	int ret;

	seq_puts(m, "# snapshot; counts from the last 1 written to lock_stat at the top, which begins anew, to the next 0\n");
	if (!domain->ops->lock_stat) {
		seq_printf(m, "# allocator %s: not measured, its lock is not iova_mt's\n",
			   domain->ops->name);
		return 0;
	}
	stat = kzalloc(sizeof(*stat), GFP_KERNEL);
	if (!stat)
		return -ENOMEM;
	ret = domain->ops->lock_stat(domain, stat);
	if (ret)
		seq_printf(m, "# %s\n", iova_mt_lock_is_measured() ?
			   "the lock was not taken since" : "switched off");
	else
		show_stat(m, stat);
	kfree(stat);
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(lock_stat);

/* --- Interface ------------------------------------------------------------ */

/**
 * iova_mt_lock_stat_create() - make the switch
 * @root: in here
 *
 * Context: Process, may sleep.
 */
void iova_mt_lock_stat_create(struct dentry *root)
{
	debugfs_create_file("lock_stat", 0600, root, NULL, &switch_fops);
}

/**
 * iova_mt_lock_stat_create_domain() - make the table of a domain
 * @dir: its directory
 * @domain: the domain
 *
 * Context: Process, may sleep.
 */
void iova_mt_lock_stat_create_domain(struct dentry *dir,
				     struct iova_mt_domain *domain)
{
	debugfs_create_file("lock_stat", 0444, dir, domain, &lock_stat_fops);
}
