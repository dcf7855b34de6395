// SPDX-License-Identifier: GPL-2.0
/*
 * The hook, where the kernel's functions cannot be redirected: always refuses.
 *
 * Built instead of hook.c for kernels without DYNAMIC_FTRACE_WITH_ARGS.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/seq_file.h>

#include "hook.h"

int iova_mt_hook_attach(bool *stuck)
{
	pr_err("takeover: this kernel cannot redirect functions: it was built without CONFIG_DYNAMIC_FTRACE_WITH_ARGS\n");
	return -EOPNOTSUPP;
}

/* Nothing was ever attached. */
int iova_mt_hook_detach(void)
{
	return 0;
}

bool iova_mt_hook_is_dead(void)
{
	return false;
}

void iova_mt_hook_exit(void)
{
}

void iova_mt_hook_show(struct seq_file *m)
{
	seq_puts(m, "not supported by this kernel\n");
}
