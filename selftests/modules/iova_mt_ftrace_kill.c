// SPDX-License-Identifier: GPL-2.0
/*
 * Shuts ftrace down for good as it loads, as the kernel does when it has found an
 * error in ftrace (ftrace_bug()). For a machine that is restarted afterwards.
 */
#define pr_fmt(fmt) "iova_mt_ftrace_kill: " fmt

#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/printk.h>

typedef void (*kill_fn)(void);

/* Not exported; a kprobe knows where it is. */
static kill_fn find_ftrace_kill(void)
{
	struct kprobe probe = { .symbol_name = "ftrace_kill" };
	void *found;

	if (register_kprobe(&probe))
		return NULL;
	found = probe.addr;
	unregister_kprobe(&probe);
	return found;
}

static int __init ftrace_kill_init(void)
{
	kill_fn kill = find_ftrace_kill();

	if (!kill) {
		pr_err("ftrace_kill() is not found\n");
		return -ENOENT;
	}
	kill();
	return 0;
}
module_init(ftrace_kill_init);

static void __exit ftrace_kill_exit(void)
{
}
module_exit(ftrace_kill_exit);

MODULE_DESCRIPTION("Shuts ftrace down, for iova_mt's tests");
MODULE_LICENSE("GPL");
