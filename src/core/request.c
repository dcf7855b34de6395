// SPDX-License-Identifier: GPL-2.0
/*
 * Requests: what the user of a domain calls.
 *
 * Checks arguments before an allocator sees them, and counts what is counted for
 * every allocator alike.
 *
 * Locks: none.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/instruction_pointer.h>
#include <linux/jiffies.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>

#include "base/trace.h"
#include "compat.h"
#include "core/domain.h"
#include "core/request.h"

/* A driver that does it once does it all the time: the counter has how often. */
#define UNKNOWN_INTERVAL	(10 * HZ)
#define UNKNOWN_BURST		3

/* Could the space hold such a range, if it were empty? */
static bool fits(const struct iova_mt_domain *domain, unsigned long size,
		 unsigned long limit_pfn)
{
	return limit_pfn >= domain->start_pfn &&
	       size - 1 <= limit_pfn - domain->start_pfn;
}

/**
 * iova_mt_alloc() - allocate a range
 * @domain: the domain
 * @size: in pages; not 0, and not above half of what an unsigned long counts
 * @limit_pfn: highest pfn that may be used
 * @flags: of IOVA_MT_ALLOC_FLAGS
 * @pfn: gets the first pfn; untouched on failure
 *
 * Context: Any, see Contexts in <iova_mt/iova_mt.h>. Does not sleep.
 * Return: 0; -EINVAL when @size or @flags is not valid; -ENOSPC when no such
 * range is free; -ENOMEM when there is one but no memory to record it.
 */
int iova_mt_alloc(struct iova_mt_domain *domain, unsigned long size,
		  unsigned long limit_pfn, unsigned int flags,
		  unsigned long *pfn)
{
	int ret = -ENOSPC;

	/* Above that, rounding up to a power of two overflows. */
	if (unlikely(!size || size > BIT(BITS_PER_LONG - 1) ||
		     flags & ~IOVA_MT_ALLOC_FLAGS))
		return -EINVAL;
	if (likely(fits(domain, size, limit_pfn)))
		ret = domain->ops->alloc(domain, size, limit_pfn, flags, pfn);
	if (likely(!ret)) {
		iova_mt_domain_count(domain, IOVA_MT_DOMAIN_alloc);
		iova_mt_domain_count_add(domain, IOVA_MT_DOMAIN_alloc_pages,
					 size);
	} else if (ret == -ENOSPC) {
		iova_mt_domain_count(domain, IOVA_MT_DOMAIN_alloc_no_space);
	} else {
		iova_mt_domain_count(domain, IOVA_MT_DOMAIN_alloc_no_memory);
	}
	trace_iova_mt_alloc(domain->id, size, limit_pfn, flags, ret,
			    ret ? 0 : *pfn);
	return ret;
}

IOVA_MT_EXPORT(iova_mt_alloc);

/*
 * A driver's mistake, which it should hear of: somebody else may get the range
 * next, and lose it.
 */
static noinline void report_unknown(struct iova_mt_domain *domain,
				    unsigned long pfn, unsigned long size,
				    unsigned long caller)
{
	static DEFINE_RATELIMIT_STATE(limit, UNKNOWN_INTERVAL, UNKNOWN_BURST);

	iova_mt_domain_count(domain, IOVA_MT_DOMAIN_free_unknown);
	if (__ratelimit(&limit))
		pr_warn("domain %u: %pS frees pfn %#lx (pages: %lu), which is not allocated: ignored (its devices: takeover/devices)\n",
			domain->id, (void *)caller, pfn, size);
}

static __always_inline void free_range(struct iova_mt_domain *domain,
				       unsigned long pfn, unsigned long size,
				       unsigned long caller)
{
	iova_mt_domain_count(domain, IOVA_MT_DOMAIN_free);
	/* A range that wraps around was never handed out. */
	if (unlikely(size && pfn + (size - 1) < pfn)) {
		report_unknown(domain, pfn, size, caller);
		return;
	}
	/* Before the range can be handed out again. */
	trace_iova_mt_free(domain->id, pfn, size);
	if (unlikely(!domain->ops->free(domain, pfn, size)))
		report_unknown(domain, pfn, size, caller);
}

/**
 * iova_mt_free() - free a range
 * @domain: the domain
 * @pfn: its first pfn; any pfn of it when @size is 0
 * @size: what it was allocated with; 0 for "the range that holds @pfn, if there
 *	is one"
 *
 * Cannot fail: what cannot be erased now is deferred. A free of what nobody has
 * is ignored, counted, and said in the log with its caller, at a limited rate.
 *
 * Context: Any, see Contexts in <iova_mt/iova_mt.h>. Does not sleep.
 */
void iova_mt_free(struct iova_mt_domain *domain, unsigned long pfn,
		  unsigned long size)
{
	free_range(domain, pfn, size, _RET_IP_);
}

IOVA_MT_EXPORT(iova_mt_free);

/**
 * iova_mt_request_free() - free a range for somebody
 * @domain: the domain
 * @pfn: as for iova_mt_free()
 * @size: as for iova_mt_free()
 * @caller: address of the call that is to be named when nobody has the range
 *
 * Context: Any, see Contexts in <iova_mt/iova_mt.h>. Does not sleep.
 */
void iova_mt_request_free(struct iova_mt_domain *domain, unsigned long pfn,
			  unsigned long size, unsigned long caller)
{
	free_range(domain, pfn, size, caller);
}

/**
 * iova_mt_free_unknown() - a range that was freed into a cache was nobody's
 * @domain: the domain
 * @pfn: its first pfn
 * @size: pages
 *
 * It was freed twice, or never allocated. Who did that is not known any more.
 *
 * Context: Any.
 */
void iova_mt_free_unknown(struct iova_mt_domain *domain, unsigned long pfn,
			  unsigned long size)
{
	static DEFINE_RATELIMIT_STATE(limit, UNKNOWN_INTERVAL, UNKNOWN_BURST);

	iova_mt_domain_count(domain, IOVA_MT_DOMAIN_free_unknown);
	if (__ratelimit(&limit))
		pr_warn("domain %u: pfn %#lx (pages: %lu) in a cache was freed twice, or never allocated (its devices: takeover/devices)\n",
			domain->id, pfn, size);
}

IOVA_MT_EXPORT(iova_mt_free_unknown);

/**
 * iova_mt_reserve() - keep pfns from being handed out
 * @domain: the domain
 * @first: first pfn
 * @last: last pfn, inclusive
 *
 * May overlap ranges that exist: live ones stay live, deferred ones become
 * reserved where they overlap. All or nothing.
 *
 * Context: Any. Does not sleep.
 * Return: 0; -EINVAL when @first is above @last; -ENOMEM.
 */
int iova_mt_reserve(struct iova_mt_domain *domain, unsigned long first,
		    unsigned long last)
{
	int ret;

	if (first > last)
		return -EINVAL;
	ret = domain->ops->reserve(domain, first, last);
	iova_mt_domain_count(domain, ret ? IOVA_MT_DOMAIN_reserve_failed :
					   IOVA_MT_DOMAIN_reserve);
	return ret;
}

IOVA_MT_EXPORT(iova_mt_reserve);

/**
 * iova_mt_find() - find the range that holds a pfn
 * @domain: the domain
 * @pfn: the pfn
 * @range: gets it; untouched on failure
 *
 * A deferred range is not found: nobody has it.
 *
 * Context: Any. Does not sleep.
 * Return: 0 or -ENOENT.
 */
int iova_mt_find(struct iova_mt_domain *domain, unsigned long pfn,
		 struct iova_mt_range *range)
{
	return domain->ops->find(domain, pfn, range);
}

IOVA_MT_EXPORT(iova_mt_find);

/**
 * iova_mt_flush() - empty all caches of a domain
 * @domain: the domain
 *
 * Does nothing with an allocator whose caches cannot be emptied.
 *
 * Context: Any. Does not sleep.
 */
void iova_mt_flush(struct iova_mt_domain *domain)
{
	if (domain->ops->flush)
		domain->ops->flush(domain);
}

IOVA_MT_EXPORT(iova_mt_flush);

/**
 * iova_mt_drain() - erase what is deferred, now
 * @domain: the domain
 *
 * Context: Process, may sleep.
 * Return: 0 when nothing is left of what was deferred when this was called, or the
 * allocator never defers; -ENOMEM when some is left. What is deferred while this
 * runs may be left in any case.
 */
int iova_mt_drain(struct iova_mt_domain *domain)
{
	return iova_mt_domain_drain(domain);
}

IOVA_MT_EXPORT(iova_mt_drain);
