/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every difference between kernel versions, and nothing else.
 */
#ifndef _IOVA_MT_COMPAT_H
#define _IOVA_MT_COMPAT_H

#include <linux/version.h>

/*
 * Kernels on which the module cannot run. Kbuild makes the module of refuse.c
 * alone there; both have to know which they are.
 *
 * In 6.1 kmem_cache_alloc_bulk() uses local_lock_irq(): a write to a maple tree
 * under spin_lock_irqsave() can come back with interrupts on, and a hang
 * follows. Between that and 6.12 nothing has been tried.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define IOVA_MT_REFUSED							\
	"Linux 6.12 or later is needed: up to 6.1 a maple tree cannot be written with interrupts off (kmem_cache_alloc_bulk() turns them on), kernels before 6.12 are untested"
#elif !IS_ENABLED(CONFIG_IOMMU_IOVA)
#define IOVA_MT_REFUSED							\
	"a kernel with CONFIG_IOMMU_IOVA is needed: this one has no allocator for IO virtual addresses to stand beside"
#endif

#if defined(IOVA_MT_REFUSED) && !defined(IOVA_MT_REFUSE)
#error "Kbuild takes this kernel for one that the module can run on"
#endif

/*
 * From 6.18 on slab hands out maple nodes in sheaves: kmem_cache_prefill_sheaf()
 * and kmem_cache_return_sheaf() take the cache's local_lock with interrupts on.
 * Before, kmem_cache_alloc_bulk() turned them off.
 */
#define IOVA_MT_NODES_IN_SHEAVES	(LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0))

/*
 * Does a struct ma_state hold nodes, after mas_preallocate()? Up to 6.17 the
 * pointer may be a count instead, which is odd. And its sheaf, if there are any.
 */
#if IOVA_MT_NODES_IN_SHEAVES
#define iova_mt_mas_has_nodes(_mas)	((_mas)->sheaf || (_mas)->alloc)
#define iova_mt_mas_sheaf(_mas)		((_mas)->sheaf)
#else
#define iova_mt_mas_sheaf(_mas)		NULL
#define iova_mt_mas_has_nodes(_mas) \
	((_mas)->alloc && !((unsigned long)(_mas)->alloc & 1))
#endif

/*
 * A struct ma_state that keeps its nodes from one mas_preallocate() to the next:
 * some 6.12 (before .35) to 6.15 take it for one that has been made sure of
 * already, and do not count again.
 */
#define iova_mt_mas_count_again(_mas)	((_mas)->mas_flags = 0)

/* The namespace became a string in 6.13. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define IOVA_MT_EXPORT(_symbol)	EXPORT_SYMBOL_NS_GPL(_symbol, IOVA_MT)
#else
#define IOVA_MT_EXPORT(_symbol)	EXPORT_SYMBOL_NS_GPL(_symbol, "IOVA_MT")
#endif

/*
 * What an IOMMU domain keeps for the DMA API, or NULL if it keeps nothing, or
 * something else. Since 6.15 a domain says itself which.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
#define IOVA_MT_IOVA_COOKIE(_domain)					\
	((_domain)->type & __IOMMU_DOMAIN_DMA_API ?			\
	 (_domain)->iova_cookie : NULL)
#else
#define IOVA_MT_IOVA_COOKIE(_domain)					\
	((_domain)->cookie_type == IOMMU_COOKIE_DMA_IOVA ?		\
	 (_domain)->iova_cookie : NULL)
#endif

#endif /* _IOVA_MT_COMPAT_H */
