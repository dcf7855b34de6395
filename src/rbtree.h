/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's own allocator, behind the same table.
 */
#ifndef _IOVA_MT_RBTREE_H
#define _IOVA_MT_RBTREE_H

#include <iova_mt/ops.h>

extern const struct iova_mt_ops iova_mt_rbtree_ops;

int iova_mt_rbtree_init(void);
void iova_mt_rbtree_exit(void);

#endif /* _IOVA_MT_RBTREE_H */
