/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Leave: what keeps the module from being unloaded.
 */
#ifndef _IOVA_MT_LEAVE_H
#define _IOVA_MT_LEAVE_H

#include <linux/compiler_attributes.h>
#include <linux/types.h>

struct seq_file;

void iova_mt_leave_wait_owned(void);
void iova_mt_leave_wait_references(int least);
void __noreturn iova_mt_leave_never(void);
void iova_mt_leave_show(struct seq_file *m, bool pinned, unsigned int owned);

#endif /* _IOVA_MT_LEAVE_H */
