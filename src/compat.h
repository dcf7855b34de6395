/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between kernel versions, and nothing else.
 */
#ifndef _IOVA_MT_COMPAT_H
#define _IOVA_MT_COMPAT_H

#include <linux/version.h>

/*
 * In 6.1 kmem_cache_alloc_bulk() uses local_lock_irq(): a write to a maple tree
 * under spin_lock_irqsave() can come back with interrupts on, and a hang
 * follows. Between that and 6.12 nothing has been tried.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "iova_mt needs Linux 6.12 or later: up to 6.1 a maple tree cannot be written with interrupts off (kmem_cache_alloc_bulk() turns them on), kernels before 6.12 are untested"
#endif

/*
 * From 6.18 on slab hands out maple nodes in sheaves: kmem_cache_prefill_sheaf()
 * and kmem_cache_return_sheaf() take the cache's local_lock with interrupts on.
 * Before, kmem_cache_alloc_bulk() turned them off.
 */
#define IOVA_MT_NODES_IN_SHEAVES	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0))

/* The namespace became a string in 6.13. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define IOVA_MT_EXPORT(_symbol)	EXPORT_SYMBOL_NS_GPL(_symbol, IOVA_MT)
#else
#define IOVA_MT_EXPORT(_symbol)	EXPORT_SYMBOL_NS_GPL(_symbol, "IOVA_MT")
#endif

#endif /* _IOVA_MT_COMPAT_H */
