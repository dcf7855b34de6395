// SPDX-License-Identifier: GPL-2.0
/*
 * Calls: what runs in place of the kernel's functions for owned domains.
 *
 * Each function has the signature and the meaning of the kernel's, and is
 * reached by a jump from that one's entry: its caller is the kernel function's
 * caller. Except init_iova_domain(), which is how a domain becomes owned, they
 * run on owned domains only.
 *
 * Rule: what may sleep is counted while it runs, so that the module's text
 * stays until it has returned; see iova_mt_calls_wait().
 *
 * This file is built without sibling calls: the hook tells our own calls of the
 * kernel's functions by their return address, which has to be in here.
 *
 * Locks: none of its own.
 */
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/instruction_pointer.h>
#include <linux/iova.h>
#include <linux/log2.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/wait.h>

#include <iova_mt/ops.h>

#include "base/counters.h"
#include "core/request.h"
#include "calls.h"
#include "object.h"
#include "owned.h"

/* Below this many pages the kernel rounds fast sizes up to a power of two. */
#define ROUNDED_BELOW	32

/* Each has the type of the function in whose place it runs. */
static typeof(alloc_iova_fast) alloc_fast;
static typeof(free_iova_fast) free_fast;
static typeof(alloc_iova) alloc_object;
static typeof(free_iova) free_pfn;
static typeof(find_iova) find_object;
static typeof(__free_iova) free_object;
static typeof(reserve_iova) reserve_object;
static typeof(init_iova_domain) init_domain;
static typeof(iova_domain_init_rcaches) init_rcaches;
static typeof(put_iova_domain) put_domain;

static struct iova_mt_counters counters;
static atomic_t sleepers;
static DECLARE_WAIT_QUEUE_HEAD(no_sleepers);

static void sleeper_enter(void)
{
	atomic_inc(&sleepers);
}

static void sleeper_leave(void)
{
	if (atomic_dec_and_test(&sleepers))
		wake_up(&no_sleepers);
}

static void count(enum iova_mt_call_id call)
{
	iova_mt_count(&counters, call);
}

/*
 * The same for an allocation and its free: callers give the size that they
 * asked for to both.
 */
static inline unsigned long fast_size(unsigned long size)
{
	if (likely(is_power_of_2(size)) || size >= ROUNDED_BELOW || !size)
		return size;
	return roundup_pow_of_two(size);
}

static void init_domain(struct iova_domain *iovad, unsigned long granule,
			unsigned long start_pfn)
{
	sleeper_enter();
	init_iova_domain(iovad, granule, start_pfn);
	iova_mt_owned_create(iovad, granule, start_pfn);
	if (iova_mt_owned_of(iovad))
		count(IOVA_MT_CALL_INIT);
	sleeper_leave();
}

/* Our allocators bring caches of their own. */
static int init_rcaches(struct iova_domain *iovad)
{
	count(IOVA_MT_CALL_INIT_RCACHES);
	return 0;
}

static void put_domain(struct iova_domain *iovad)
{
	sleeper_enter();
	count(IOVA_MT_CALL_PUT);
	iova_mt_owned_put(iova_mt_owned_tag(iovad));
	sleeper_leave();
}

/*
 * For the caller, 0 is a failure. So pfn 0 cannot be handed out: another is
 * looked for while it is taken.
 */
static noinline unsigned long alloc_not_0(struct iova_mt_domain *domain,
					  unsigned long size,
					  unsigned long limit_pfn,
					  unsigned int flags)
{
	unsigned long pfn;

	if (iova_mt_alloc(domain, size, limit_pfn, flags, &pfn))
		pfn = 0;
	iova_mt_free(domain, 0, 0);
	return pfn;
}

static unsigned long alloc_fast(struct iova_domain *iovad, unsigned long size,
				unsigned long limit_pfn, bool flush_rcache)
{
	struct iova_mt_owned *owned = iova_mt_owned_tag(iovad);
	unsigned int flags = IOVA_MT_ALIGNED | IOVA_MT_CACHED;
	unsigned long pfn;

	count(IOVA_MT_CALL_ALLOC_FAST);
	size = fast_size(size);
	if (flush_rcache)
		flags |= IOVA_MT_FLUSH;
	if (iova_mt_alloc(owned->domain, size, limit_pfn, flags, &pfn))
		return 0;
	return likely(pfn) ? pfn :
		alloc_not_0(owned->domain, size, limit_pfn, flags);
}

/*
 * A range that has an object may have been allocated without rounding, or
 * alignment. So it does not go to a cache: size 0.
 */
static void free_fast(struct iova_domain *iovad, unsigned long pfn,
		      unsigned long size)
{
	struct iova_mt_owned *owned = iova_mt_owned_tag(iovad);
	unsigned long ignored;

	count(IOVA_MT_CALL_FREE_FAST);
	size = fast_size(size);
	if (iova_mt_objects_any_live(&owned->objects) &&
	    iova_mt_object_drop(&owned->objects, pfn, &ignored))
		size = 0;
	iova_mt_request_free(owned->domain, pfn, size, _RET_IP_);
}

static struct iova *alloc_object(struct iova_domain *iovad, unsigned long size,
				 unsigned long limit_pfn, bool size_aligned)
{
	struct iova_mt_owned *owned = iova_mt_owned_tag(iovad);
	struct iova_mt_range range = { .state = IOVA_MT_LIVE };
	struct iova_mt_object *object;

	count(IOVA_MT_CALL_ALLOC);
	object = iova_mt_object_alloc(owned->domain->id);
	if (!object)
		return NULL;
	if (iova_mt_alloc(owned->domain, size, limit_pfn,
			  size_aligned ? IOVA_MT_ALIGNED : 0, &range.first)) {
		iova_mt_object_free(object);
		return NULL;
	}
	range.last = range.first + size - 1;
	return iova_mt_object_insert(&owned->objects, object, &range);
}

/*
 * What was reserved over other ranges is in pieces, each of which is a range of
 * the allocator and may have got an object of its own by find_iova(). All of them
 * are freed, and nothing else: what was live there stays, be it at @first.
 */
static void free_reserved(struct iova_mt_owned *owned, unsigned long first,
			  unsigned long last, unsigned long caller)
{
	struct iova_mt_domain *domain = owned->domain;
	unsigned long from = first, ignored;
	struct iova_mt_range range;

	do {
		if (domain->ops->next(domain, from, &range) || range.first > last)
			break;
		from = range.last + 1;
		if (range.state != IOVA_MT_RESERVED || range.first < first)
			continue;
		iova_mt_object_drop(&owned->objects, range.first, &ignored);
		iova_mt_request_free(domain, range.first, 0, caller);
	} while (from && from <= last);
}

/* Free what an object stood for that has gone; @reserved_to: 0 for a live range. */
static void free_dropped(struct iova_mt_owned *owned, unsigned long first,
			 unsigned long reserved_to, unsigned long caller)
{
	if (reserved_to && owned->domain->ops->next)
		free_reserved(owned, first, reserved_to, caller);
	else
		iova_mt_request_free(owned->domain, first, 0, caller);
}

/* @pfn may be any of the range. */
static void free_pfn(struct iova_domain *iovad, unsigned long pfn)
{
	struct iova_mt_owned *owned = iova_mt_owned_tag(iovad);
	unsigned long reserved_to = 0;
	struct iova_mt_range range;

	count(IOVA_MT_CALL_FREE);
	if (iova_mt_objects_any(&owned->objects) &&
	    !iova_mt_find(owned->domain, pfn, &range) &&
	    iova_mt_object_drop(&owned->objects, range.first, &reserved_to))
		pfn = range.first;
	free_dropped(owned, pfn, reserved_to, _RET_IP_);
}

static void free_object(struct iova_domain *iovad, struct iova *iova)
{
	struct iova_mt_owned *owned = iova_mt_owned_tag(iovad);
	unsigned long first = iova->pfn_lo, reserved_to = 0;

	count(IOVA_MT_CALL_FREE_OBJECT);
	if (WARN_ON_ONCE(!iova_mt_object_drop(&owned->objects, first,
					      &reserved_to)))
		return;
	free_dropped(owned, first, reserved_to, _RET_IP_);
}

static struct iova *find_object(struct iova_domain *iovad, unsigned long pfn)
{
	struct iova_mt_owned *owned = iova_mt_owned_tag(iovad);
	struct iova_mt_object *object;
	struct iova_mt_range range;
	struct iova *found;

	count(IOVA_MT_CALL_FIND);
	if (iova_mt_find(owned->domain, pfn, &range))
		return NULL;
	found = iova_mt_object_find(&owned->objects, &range);
	if (found)
		return found;
	object = iova_mt_object_alloc(owned->domain->id);
	if (!object)
		return NULL;
	return iova_mt_object_insert(&owned->objects, object, &range);
}

/*
 * For the kernel's function NULL says that the range is not reserved, so the
 * object comes first. Where the range meets others, the kernel's may return one
 * of those, grown. Ours never grow: the caller gets an object that begins at
 * @pfn_lo and stands for all that was reserved. The pieces cannot be told from
 * others where the allocator does not list its ranges: there it is for the last
 * one, as the kernel's is.
 */
static struct iova *reserve_object(struct iova_domain *iovad,
				   unsigned long pfn_lo, unsigned long pfn_hi)
{
	struct iova_mt_owned *owned = iova_mt_owned_tag(iovad);
	struct iova_mt_range range = {
		.first = pfn_lo,
		.last = pfn_hi,
		.state = IOVA_MT_RESERVED,
	};
	struct iova_mt_object *object;

	count(IOVA_MT_CALL_RESERVE);
	object = iova_mt_object_alloc(owned->domain->id);
	if (!object)
		return NULL;
	if (iova_mt_reserve(owned->domain, pfn_lo, pfn_hi)) {
		iova_mt_object_free(object);
		return NULL;
	}
	if (!owned->domain->ops->next)
		iova_mt_find(owned->domain, pfn_hi, &range);
	range.state = IOVA_MT_RESERVED;
	return iova_mt_object_insert(&owned->objects, object, &range);
}

const struct iova_mt_call iova_mt_calls[IOVA_MT_NR_CALLS] = {
	[IOVA_MT_CALL_ALLOC_FAST] = { alloc_iova_fast, alloc_fast },
	[IOVA_MT_CALL_FREE_FAST] = { free_iova_fast, free_fast },
	[IOVA_MT_CALL_ALLOC] = { alloc_iova, alloc_object },
	[IOVA_MT_CALL_FREE] = { free_iova, free_pfn },
	[IOVA_MT_CALL_FIND] = { find_iova, find_object },
	[IOVA_MT_CALL_FREE_OBJECT] = { __free_iova, free_object },
	[IOVA_MT_CALL_RESERVE] = { reserve_iova, reserve_object },
	[IOVA_MT_CALL_INIT] = { init_iova_domain, init_domain },
	[IOVA_MT_CALL_INIT_RCACHES] = { iova_domain_init_rcaches, init_rcaches },
	[IOVA_MT_CALL_PUT] = { put_iova_domain, put_domain },
};

/**
 * iova_mt_calls_init() - make ready
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_calls_init(void)
{
	return iova_mt_counters_init(&counters, IOVA_MT_NR_CALLS);
}

/**
 * iova_mt_calls_exit() - undo iova_mt_calls_init()
 *
 * Context: Process, may sleep.
 */
void iova_mt_calls_exit(void)
{
	iova_mt_counters_destroy(&counters);
}

/**
 * iova_mt_calls_wait() - wait until nobody is in here any more
 *
 * The hooks have been detached, and no domain is owned. Then nobody comes in,
 * but somebody may still be on the way out, or on the way in to
 * init_iova_domain():
 *
 *  - In interrupts, or with interrupts, softirqs or preemption off: unregistering
 *    the hooks waited for an RCU grace period.
 *  - In a task that was preempted: it also waited for an RCU-tasks grace
 *    period, that is until every task has slept, or been in user space. The
 *    calls that do not sleep cannot have outlasted that.
 *  - In a task that sleeps inside init_iova_domain() or put_iova_domain(): the
 *    grace period says nothing about it. But it had been counted before it could
 *    sleep, so that from now on the count only falls.
 *  - In one of those two after it has left the count: it does not sleep any
 *    more, so a second RCU-tasks grace period sees it out.
 *
 * Context: Process, may sleep.
 */
void iova_mt_calls_wait(void)
{
	wait_event_idle(no_sleepers, !atomic_read(&sleepers));
	synchronize_rcu_tasks();
}

/**
 * iova_mt_calls_show() - print how often each function was called
 * @m: where to
 *
 * Context: Process.
 */
void iova_mt_calls_show(struct seq_file *m)
{
	u64 sum[IOVA_MT_NR_CALLS];
	unsigned int i;

	iova_mt_counters_sum(&counters, sum);
	for (i = 0; i < IOVA_MT_NR_CALLS; i++)
		seq_printf(m, "%ps: %llu\n", iova_mt_calls[i].from, sum[i]);
}
