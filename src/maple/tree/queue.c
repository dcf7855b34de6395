// SPDX-License-Identifier: GPL-2.0
/*
 * The queue: what the maple allocator does later.
 *
 * Responsible for the workqueue that all domains share. Rule: DMA mapping is on
 * the reclaim path, so the queue has a rescuer, and its works ask for memory in
 * ways that do not wait for I/O.
 */
#include <linux/errno.h>

#include "maple/tree/queue.h"

struct workqueue_struct *iova_mt_queue;

/**
 * iova_mt_queue_module_init() - make the queue
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_queue_module_init(void)
{
	iova_mt_queue = alloc_workqueue("iova_mt", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	return iova_mt_queue ? 0 : -ENOMEM;
}

/**
 * iova_mt_queue_module_exit() - undo iova_mt_queue_module_init()
 *
 * Context: Process, may sleep.
 */
void iova_mt_queue_module_exit(void)
{
	destroy_workqueue(iova_mt_queue);
}
