/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reuse: a deferred range is handed out again, whole.
 */
#ifndef _IOVA_MT_REUSE_H
#define _IOVA_MT_REUSE_H

#include <linux/types.h>

struct iova_mt_deferred;
struct iova_mt_wanted;

bool iova_mt_reuse_alloc(struct iova_mt_deferred *deferred,
			 const struct iova_mt_wanted *wanted, int error,
			unsigned long *pfn);

#endif /* _IOVA_MT_REUSE_H */
