// SPDX-License-Identifier: GPL-2.0
/*
 * Knobs: a directory for each fault point.
 *
 * Responsible for the files only; what a knob may be set to is decided by the
 * fault point itself. No locks.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "base/fault.h"
#include "instruments/files.h"

/**
 * struct knob - what the file of a knob stands for
 * @fault: the point
 * @knob: which of its knobs
 */
struct knob {
	struct iova_mt_fault *fault;
	enum iova_mt_fault_knob knob;
};

/* Filled when the files are made, read only since. */
static struct knob knobs[IOVA_MT_NR_FAULTS][IOVA_MT_FAULT_NR_KNOBS];

static int knob_show(struct seq_file *m, void *unused)
{
	const struct knob *knob = m->private;

	seq_printf(m, "%d\n", iova_mt_fault_get(knob->fault, knob->knob));
	return 0;
}

static ssize_t knob_write(struct file *file, const char __user *from,
			  size_t count, loff_t *pos)
{
	const struct seq_file *m = file->private_data;
	const struct knob *knob = m->private;
	char word[IOVA_MT_FILES_WORD_SIZE];
	int ret;

	ret = iova_mt_files_word(word, from, count);
	if (!ret)
		ret = iova_mt_fault_set(knob->fault, knob->knob, word);
	return ret ? ret : count;
}

DEFINE_SHOW_STORE_ATTRIBUTE(knob);

static int counter_show(struct seq_file *m, void *unused)
{
	seq_printf(m, "%lld\n", (long long)atomic64_read(m->private));
	return 0;
}

DEFINE_SHOW_ATTRIBUTE(counter);

static void create_one(struct dentry *root, int id)
{
	struct iova_mt_fault *fault = &iova_mt_faults[id];
	struct dentry *dir = debugfs_create_dir(fault->name, root);
	int i;

	for (i = 0; i < IOVA_MT_FAULT_NR_KNOBS; i++) {
		struct knob *knob = &knobs[id][i];

		knob->fault = fault;
		knob->knob = i;
		debugfs_create_file(iova_mt_fault_knob_names[i], 0600, dir,
				    knob, &knob_fops);
	}
	debugfs_create_file("hits", 0444, dir, &fault->hits, &counter_fops);
	debugfs_create_file("injected", 0444, dir, &fault->injected,
			    &counter_fops);
}

/**
 * iova_mt_knobs_create() - make the directories of the fault points
 * @root: in here
 *
 * Context: Process, may sleep.
 */
void iova_mt_knobs_create(struct dentry *root)
{
	int id;

	for (id = 0; id < IOVA_MT_NR_FAULTS; id++)
		create_one(root, id);
}
