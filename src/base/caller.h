/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Caller: who has called into this module.
 */
#ifndef _IOVA_MT_CALLER_H
#define _IOVA_MT_CALLER_H

#include <linux/moduleparam.h>

/**
 * enum iova_mt_caller_kind - what the caller is part of
 * @IOVA_MT_CALLER_DMA_API: dma-iommu, the kernel's DMA API for IOMMUs
 * @IOVA_MT_CALLER_MODULE: a module
 * @IOVA_MT_CALLER_KERNEL: something else that is built into the kernel
 */
enum iova_mt_caller_kind {
	IOVA_MT_CALLER_DMA_API,
	IOVA_MT_CALLER_MODULE,
	IOVA_MT_CALLER_KERNEL,
};

/**
 * struct iova_mt_caller - who has called
 * @kind: what the caller is part of
 * @name: of the module, or else of the function, cut when it is too long
 */
struct iova_mt_caller {
	enum iova_mt_caller_kind kind;
	char name[MODULE_NAME_LEN];
};

/* The kinds, for people. */
extern const char *const iova_mt_caller_kind_names[];

void iova_mt_caller_get(struct iova_mt_caller *caller);

#endif /* _IOVA_MT_CALLER_H */
