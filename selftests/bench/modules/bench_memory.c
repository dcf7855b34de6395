// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory: what the whole machine has taken.
 *
 * No allocator's word is taken for it. What is read is the number of pages in
 * slabs, with requests too large for slabs, and the number of free pages: the
 * difference between two moments belongs to the contestant as far as nobody else
 * allocates meanwhile. Slabs are given back only when they are empty, and free
 * pages do not count those that a CPU keeps: differences below a few hundred KiB
 * mean nothing.
 *
 * Locks: none.
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include "bench_memory.h"

/**
 * bench_memory_read() - read how much is taken
 * @memory: gets it
 *
 * Waits until what has been freed by RCU is free.
 *
 * Context: Process, sleeps.
 */
void bench_memory_read(struct bench_memory *memory)
{
	kvfree_rcu_barrier();
	rcu_barrier();
	memory->slab = (s64)(global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B) +
			     global_node_page_state_pages(NR_SLAB_RECLAIMABLE_B)) *
		       PAGE_SIZE;
	memory->free = (s64)global_zone_page_state(NR_FREE_PAGES) * PAGE_SIZE;
}
