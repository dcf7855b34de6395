/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iova_mt: IOVA domains and what to do with them.
 *
 * This is what a user of a domain needs. A module that brings an allocator of
 * its own needs <iova_mt/ops.h> as well.
 */
#ifndef _IOVA_MT_H
#define _IOVA_MT_H

#include <linux/bits.h>
#include <linux/types.h>

/**
 * DOC: Glossary
 *
 * granule
 *	The unit of a domain in bytes: the smallest page size of its IOMMU.
 * page
 *	One granule. All sizes in this interface are counted in pages.
 * pfn
 *	An IO virtual address divided by the granule.
 * range
 *	The pfns from @first to @last. @last is inclusive, always.
 * limit
 *	The highest pfn that an allocation may use, inclusive.
 * live
 *	State of a range that somebody has allocated, or that lies in a cache.
 * reserved
 *	State of a range that is never handed out.
 * deferred
 *	State of a range that was freed, but could not be erased for lack of
 *	memory. It is not handed out until it has been erased, or else whole.
 * span
 *	Pages that are one entry of the index, and are handed out in parts.
 * marker
 *	The tree entry of a deferred range.
 * backlog
 *	All deferred ranges of a domain.
 * sweep
 *	A pass over markers that erases runs of them.
 * drain
 *	Sweeps until the backlog is empty, or no progress is made.
 * magazine
 *	A per-CPU array of free ranges of one size class.
 * depot
 *	The store of magazines behind the per-CPU ones.
 * size class
 *	A power of two of pages that the magazines serve. The small ones, up to
 *	32 pages, are those that the kernel's own allocator caches, too.
 * parked
 *	Said of a range of a large class that lies in a magazine: its span knows,
 *	so that it is not freed once more.
 * owned
 *	Said of a struct iova_domain of the kernel that iova_mt serves.
 */

/**
 * DOC: Contexts
 *
 * "Context: Any" in this tree means every context in which a spinlock_t may be
 * taken with spin_lock_irqsave(), because that is what the functions do:
 *
 * - On most kernels that is each context but an NMI: tasks, softirqs, hardirqs,
 *   interrupts or preemption turned off, spinlocks of any kind held.
 * - On PREEMPT_RT a spinlock_t sleeps. There it is tasks, threaded interrupt
 *   handlers and softirqs, also with bottom halves off or with a spinlock_t held,
 *   irqsave or not. It is none of the raw atomic contexts: hardirq proper
 *   (IRQF_NO_THREAD, a hard irq_work), interrupts or preemption really off
 *   (local_irq_save(), preempt_disable()), a raw_spinlock_t held. The kernel's
 *   own IOVA allocator has the same limit there, for the same reason, and drivers
 *   keep to it.
 *
 * Interrupts and preemption are afterwards as they were before. "Does not sleep"
 * means: for nothing but such a lock, and never for memory.
 */

struct iova_mt_domain;

/* Natural alignment to @size rounded up to a power of two. */
#define IOVA_MT_ALIGNED		BIT(0)
/* The range may come from a cache. */
#define IOVA_MT_CACHED		BIT(1)
/* Empty the caches before refusing. */
#define IOVA_MT_FLUSH		BIT(2)
#define IOVA_MT_ALLOC_FLAGS	(IOVA_MT_ALIGNED | IOVA_MT_CACHED | IOVA_MT_FLUSH)

/**
 * enum iova_mt_state - what a range is used for
 * @IOVA_MT_LIVE: allocated, or cached
 * @IOVA_MT_RESERVED: taken out of the space by iova_mt_reserve()
 * @IOVA_MT_DEFERRED: freed, waiting for its erase
 * @IOVA_MT_SPAN: kept by the allocator to hand out parts of it; seen in listings
 *	when no part is live or reserved
 */
enum iova_mt_state {
	IOVA_MT_LIVE,
	IOVA_MT_RESERVED,
	IOVA_MT_DEFERRED,
	IOVA_MT_SPAN,
};

/**
 * struct iova_mt_range - a range and its state
 * @first: first pfn
 * @last: last pfn, inclusive
 * @state: what it is used for
 */
struct iova_mt_range {
	unsigned long first;
	unsigned long last;
	enum iova_mt_state state;
};

struct iova_mt_domain *iova_mt_domain_create(const char *allocator,
					     unsigned long granule,
					     unsigned long start_pfn);
void iova_mt_domain_destroy(struct iova_mt_domain *domain);

int iova_mt_alloc(struct iova_mt_domain *domain, unsigned long size,
		  unsigned long limit_pfn, unsigned int flags,
		  unsigned long *pfn);
void iova_mt_free(struct iova_mt_domain *domain, unsigned long pfn,
		  unsigned long size);
int iova_mt_reserve(struct iova_mt_domain *domain, unsigned long first,
		    unsigned long last);
int iova_mt_find(struct iova_mt_domain *domain, unsigned long pfn,
		 struct iova_mt_range *range);
void iova_mt_flush(struct iova_mt_domain *domain);
int iova_mt_drain(struct iova_mt_domain *domain);

#endif /* _IOVA_MT_H */
