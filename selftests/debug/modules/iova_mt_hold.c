// SPDX-License-Identifier: GPL-2.0
/*
 * Holds the kernel's own IOVA caches, as an IOMMU driver does.
 *
 * Where nobody does, a test that fails their making again and again meets a bug
 * of the kernel's: when iova_cache_get() cannot make its first cache, it
 * destroys the second one of an earlier time, which is gone already.
 */
#include <linux/iova.h>
#include <linux/module.h>

static int __init iova_mt_hold_init(void)
{
	return iova_cache_get();
}
module_init(iova_mt_hold_init);

static void __exit iova_mt_hold_exit(void)
{
	iova_cache_put();
}
module_exit(iova_mt_hold_exit);

MODULE_DESCRIPTION("A user of the kernel's IOVA caches, for tests");
MODULE_LICENSE("GPL");
