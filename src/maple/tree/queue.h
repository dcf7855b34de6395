/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The queue: what the maple allocator does later.
 */
#ifndef _IOVA_MT_QUEUE_H
#define _IOVA_MT_QUEUE_H

#include <linux/workqueue.h>

/* Of all domains. From init to exit of the module. */
extern struct workqueue_struct *iova_mt_queue;

int iova_mt_queue_module_init(void);
void iova_mt_queue_module_exit(void);

#endif /* _IOVA_MT_QUEUE_H */
