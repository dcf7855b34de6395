/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The maple allocator behind the ops table.
 */
#ifndef _IOVA_MT_MAPLE_H
#define _IOVA_MT_MAPLE_H

struct iova_mt_ops;

extern const struct iova_mt_ops iova_mt_maple_ops;
extern const struct iova_mt_ops iova_mt_maple_plain_ops;

int iova_mt_maple_init(void);
void iova_mt_maple_exit(void);

#endif /* _IOVA_MT_MAPLE_H */
