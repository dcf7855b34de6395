// SPDX-License-Identifier: GPL-2.0
/*
 * Leave: what keeps the module from being unloaded.
 *
 * Each owned domain and each open file of ours holds a reference, so that rmmod is
 * refused. A forced unload does not ask. Then exit has to wait until all of them
 * have been given back: whatever holds a reference comes back to this code. The
 * kernel cannot go on in its place, since it does not know the ranges in use.
 *
 * It waits as long as it takes, and says in the log for what, with the way out.
 * (That is where somebody can look: a module on its way out cannot be looked at in
 * debugfs.) Waits are idle: they neither load the system nor look hung.
 *
 * Locks: none. The waits are made with no lock held.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "devices.h"
#include "leave.h"
#include "owned.h"

/* How often a change is told, and after how many of these silence is broken. */
#define REPORT_SECONDS	10
#define REPORT_SILENT	30

/* References are given back without a word, so they are asked for. */
#define POLL_MS		50

static const char *way_out(const struct iova_mt_caller *user)
{
	return user->kind == IOVA_MT_CALLER_MODULE ?
		"unload it, or stop its users" :
		"stop the devices that use it";
}

static void log_device(struct device *dev, unsigned int id, void *unused)
{
	if (id)
		pr_err("takeover: domain %u serves %s/%s: give the device a new domain (iova-mt release %s; or remove it, and rescan its bus)\n",
		       id, dev->bus->name, dev_name(dev), dev_name(dev));
	else
		pr_err("takeover: %s/%s is busy, what serves it is not known\n",
		       dev->bus->name, dev_name(dev));
}

static void log_others(void)
{
	struct iova_mt_caller user;
	unsigned int id = 0;

	while ((id = iova_mt_owned_next_other(id, &user)))
		pr_err("takeover: domain %u belongs to %s %s: %s\n", id,
		       iova_mt_caller_kind_names[user.kind], user.name,
		       way_out(&user));
}

static void log_owned(unsigned int owned)
{
	pr_err("takeover: the unload was forced, but domains are owned: %u; it waits, and they go on working, until each has been given back. New ones are not taken over. Those that are not named here belong to devices that have no driver now, or are on other buses than PCI and platform\n",
	       owned);
	iova_mt_devices_for_each(log_device, NULL);
	log_others();
}

/**
 * iova_mt_leave_wait_owned() - wait until no domain is owned
 *
 * New ones are not taken over any more.
 *
 * Context: Process, may sleep.
 */
void iova_mt_leave_wait_owned(void)
{
	unsigned int owned, told = 0, silent = 0;

	do {
		owned = iova_mt_owned_count();
		if (owned && (owned != told || ++silent >= REPORT_SILENT)) {
			log_owned(owned);
			told = owned;
			silent = 0;
		}
	} while (!iova_mt_owned_wait(REPORT_SECONDS * HZ));
	if (told)
		pr_info("takeover: no domain is owned any more, the unload goes on\n");
}

/**
 * iova_mt_leave_wait_references() - wait until nobody holds the module
 * @least: how many references remain: 0 in exit, 1 in an init that fails
 *
 * Nothing of the module can be opened any more, but something may still be open.
 * Whoever closes it comes back into the module's code and data.
 *
 * Context: Process, may sleep.
 */
void iova_mt_leave_wait_references(int least)
{
	int refs, told = 0;
	unsigned int polls;

	for (polls = 1; (refs = module_refcount(THIS_MODULE)) > least; polls++) {
		if (polls % (REPORT_SECONDS * MSEC_PER_SEC / POLL_MS) == 20 &&
		    refs != told) {
			pr_err("the unload waits, references are held: %d; by files below /sys/kernel/debug/iova_mt that are open (ls -l /proc/[0-9]*/fd | grep iova_mt), or by perf or BPF on the tracepoints\n",
			       refs - least);
			told = refs;
		}
		schedule_timeout_idle(msecs_to_jiffies(POLL_MS));
	}
}

/**
 * iova_mt_leave_never() - do not return
 *
 * The kernel's functions come here for good: what they call must stay.
 *
 * Context: Process, may sleep.
 */
void __noreturn iova_mt_leave_never(void)
{
	pr_err("takeover: the unload does not end: the kernel's iova functions cannot be set back, and go on calling this module until the machine is restarted\n");
	for (;;) {
		set_current_state(TASK_IDLE | TASK_FREEZABLE);
		schedule();
	}
}

static void show_owned(struct seq_file *m, unsigned int owned)
{
	struct iova_mt_caller user;
	unsigned int id = 0;

	seq_printf(m, "unload: refused, %u domains are owned: give their devices a new domain with takeover=off, see takeover/devices",
		   owned);
	while ((id = iova_mt_owned_next_other(id, &user)))
		seq_printf(m, "; domain %u belongs to %s %s: %s", id,
			   iova_mt_caller_kind_names[user.kind], user.name,
			   way_out(&user));
	seq_putc(m, '\n');
}

/**
 * iova_mt_leave_show() - print whether the module can be unloaded
 * @m: where to; the reader has one of our files open, which does not count
 * @pinned: the hooks cannot be taken off any more
 * @owned: how many domains are owned
 *
 * Context: Process, may sleep.
 */
void iova_mt_leave_show(struct seq_file *m, bool pinned, unsigned int owned)
{
	int others = module_refcount(THIS_MODULE) - 1;

	if (pinned)
		seq_puts(m, "unload: refused until the machine is restarted: ftrace has shut itself down, and the kernel's iova functions stay redirected\n");
	else if (owned)
		show_owned(m, owned);
	else if (others > 0)
		seq_printf(m, "unload: refused, others hold references: %d; an open file of iova_mt in debugfs, a module that uses this one, perf or BPF on its tracepoints\n",
			   others);
	else
		seq_puts(m, "unload: possible\n");
}
