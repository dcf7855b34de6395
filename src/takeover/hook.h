/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hook: makes the kernel's functions jump to ours.
 */
#ifndef _IOVA_MT_HOOK_H
#define _IOVA_MT_HOOK_H

#include <linux/types.h>

struct seq_file;

int iova_mt_hook_attach(bool *stuck);
int iova_mt_hook_detach(void);
bool iova_mt_hook_is_dead(void);
void iova_mt_hook_exit(void);
void iova_mt_hook_show(struct seq_file *m);

#endif /* _IOVA_MT_HOOK_H */
