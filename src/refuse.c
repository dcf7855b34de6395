// SPDX-License-Identifier: GPL-2.0
/*
 * iova_mt for a kernel on which it cannot run: the whole module, which refuses
 * to load and says why. Without one the build would fail there, DKMS would take
 * that for a failed installation, and apt would leave the kernel's packages half
 * configured.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>

#define IOVA_MT_REFUSE
#include "compat.h"
#include "version.h"

#ifndef IOVA_MT_REFUSED
#error "Kbuild takes this kernel for one that the module cannot run on"
#endif

static int __init iova_mt_init(void)
{
	pr_err("not loaded: " IOVA_MT_REFUSED "\n");
	return -EOPNOTSUPP;
}

/* One for each module_init(), although nothing is ever unloaded. */
static void __exit iova_mt_exit(void)
{
}

module_init(iova_mt_init);
module_exit(iova_mt_exit);

MODULE_DESCRIPTION("iova_mt for a kernel on which it cannot run: refuses to load, and says why");
MODULE_AUTHOR("iova_mt developers");
MODULE_LICENSE("GPL");
MODULE_VERSION(IOVA_MT_VERSION);
