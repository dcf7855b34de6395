/* SPDX-License-Identifier: GPL-2.0 */
/*
 * iova_mt: the ops table, the contract between a domain and its allocator.
 *
 * Rules of the contract:
 *  - A domain keeps its allocator for life and holds a reference to @owner.
 *  - Arguments have been checked when they arrive here: sizes are not 0, ranges
 *    do not wrap, flags are known.
 *  - Calls on one domain come from several CPUs at once. The allocator does its
 *    own locking, with spin_lock_irqsave() of a spinlock_t. create and destroy are
 *    alone on the domain.
 *  - "Context: Any" is explained in <iova_mt/iova_mt.h>, under Contexts: hardirq
 *    and interrupts off are part of it, except on PREEMPT_RT.
 *  - free cannot fail. What the allocator cannot erase now, it keeps out of use
 *    until it can. A free of what nobody has changes nothing, and is reported.
 */
#ifndef _IOVA_MT_OPS_H
#define _IOVA_MT_OPS_H

#include <linux/module.h>

#include <iova_mt/iova_mt.h>

/*
 * The backlog, as F(name, how it adds up over domains, what it is). Times are
 * those of the moment, they are not kept when a domain goes.
 */
#define IOVA_MT_BACKLOG_FIELDS(F)					\
	F(pending_ranges, SUM, "ranges deferred now")			\
	F(pending_pages, SUM, "pages in them")				\
	F(highest_ranges, MAX, "most ranges ever deferred at once in one domain") \
	F(highest_pages, MAX, "most pages ever deferred at once in one domain") \
	F(total_deferred, SUM, "ranges ever deferred")			\
	F(total_pages, SUM, "pages in them")				\
	F(rounds, SUM, "sweeps by the worker")			\
	F(retries, SUM, "sweeps that ended for lack of memory")		\
	F(drained_by_worker, SUM, "ranges erased by the worker")	\
	F(drained_by_alloc, SUM, "ranges erased by an allocation that found no gap") \
	F(drained_by_request, SUM, "ranges erased by a drain that somebody asked for") \
	F(taken_over, SUM, "ranges handed out again whole, without an erase") \
	F(discarded, SUM, "ranges still deferred when their domain went")	\
	F(oldest_ms, MAX, "age of the oldest deferred range, ms")	\
	F(backoff_ms, MAX, "wait before the worker's next sweep, ms")

/* The backlog of a domain: a u64 for each of IOVA_MT_BACKLOG_FIELDS. */
struct iova_mt_backlog {
#define IOVA_MT_BACKLOG_FIELD(_name, _add, _what)	u64 _name;
	IOVA_MT_BACKLOG_FIELDS(IOVA_MT_BACKLOG_FIELD)
#undef IOVA_MT_BACKLOG_FIELD
};

/* Bucket 0 is for 0 ns, bucket n for 2^(n-1) ns up to below twice that. */
#define IOVA_MT_LOCK_BUCKETS	32

/**
 * struct iova_mt_lock_times - how long something took, again and again
 * @sum: of all, ns
 * @max: the longest, ns
 * @bucket: how often it took about so long; the last is for all above
 */
struct iova_mt_lock_times {
	u64 sum;
	u64 max;
	u64 bucket[IOVA_MT_LOCK_BUCKETS];
};

/* How often? Context: Any. */
static inline u64 iova_mt_lock_times_nr(const struct iova_mt_lock_times *times)
{
	u64 nr = 0;
	int i;

	for (i = 0; i < IOVA_MT_LOCK_BUCKETS; i++)
		nr += times->bucket[i];
	return nr;
}

/**
 * struct iova_mt_lock_stat - what was measured of a lock
 * @wait: from asking for it to having it; 0 ns when it was free
 * @hold: from having it to releasing it
 * @irqs_off_max: longest time that one wait and its hold kept interrupts off, ns;
 *	longer, if they had been off before; 0 on PREEMPT_RT, where they stay on
 */
struct iova_mt_lock_stat {
	struct iova_mt_lock_times wait;
	struct iova_mt_lock_times hold;
	u64 irqs_off_max;
};

/**
 * struct iova_mt_ops - an allocator
 * @name: what users call it: lower case letters, digits, '-' and '_'
 * @owner: the module it lives in
 * @counter_names: names of the allocator's own counters, or NULL
 * @nr_counters: how many
 */
struct iova_mt_ops {
	const char *name;
	struct module *owner;
	const char *const *counter_names;
	unsigned int nr_counters;

	/**
	 * @create: Make the state of @domain and keep it in @domain->priv.
	 * Mandatory.
	 *
	 * Context: Process, may sleep.
	 * Return: 0, or -ENOMEM.
	 */
	int (*create)(struct iova_mt_domain *domain);

	/**
	 * @stop: End what goes on in the background. Called before @destroy,
	 * so that the numbers of the domain stand still when they are added to
	 * the totals. NULL: nothing goes on.
	 *
	 * Context: Process, may sleep.
	 */
	void (*stop)(struct iova_mt_domain *domain);

	/**
	 * @destroy: Free that state. Live ranges are normal at this point.
	 * Mandatory.
	 *
	 * Context: Process, may sleep.
	 */
	void (*destroy)(struct iova_mt_domain *domain);

	/**
	 * @alloc: Take @size pages at or below @limit_pfn, from the top down,
	 * not below @domain->start_pfn. An aligned range need not be the very
	 * highest. @flags is of IOVA_MT_ALLOC_FLAGS. Mandatory.
	 *
	 * Context: Any, see Contexts. Does not sleep.
	 * Return: 0 with the first pfn in @pfn, which is untouched otherwise;
	 * -ENOSPC when no such range is free, whatever others do meanwhile;
	 * -ENOMEM when there is one but no memory to record it, or to make it
	 * one of what has been freed.
	 */
	int (*alloc)(struct iova_mt_domain *domain, unsigned long size,
		     unsigned long limit_pfn, unsigned int flags,
		     unsigned long *pfn);

	/**
	 * @free: Give a range back. @size is what it was allocated with, and
	 * @pfn its first pfn; or @size is 0 for "the range that holds @pfn, if
	 * there is one", which never goes to a cache. Mandatory.
	 *
	 * A driver's mistake may give any @pfn. What lies outside of what @alloc
	 * hands out must never come out of a cache.
	 *
	 * Context: Any, see Contexts. Does not sleep.
	 * Return: false when nobody has such a range, so that nothing has been
	 * freed; true otherwise, and when that is not looked up. See
	 * iova_mt_free_unknown().
	 */
	bool (*free)(struct iova_mt_domain *domain, unsigned long pfn,
		     unsigned long size);

	/**
	 * @reserve: Keep @first to @last from being handed out. May overlap
	 * ranges that exist: those stay what they are, a deferred one becomes
	 * reserved where they overlap. All or nothing. Mandatory.
	 *
	 * What is between them is reserved in pieces, each a range of its own:
	 * a free of one leaves the others. A page that was live before is not
	 * reserved: freed, it is handed out again. (It is with the kernel's own,
	 * too, where the range that it is in grows over what is reserved below
	 * it, and goes with that in one free.)
	 *
	 * Context: Any. Does not sleep.
	 * Return: 0; -ENOMEM; -EINVAL for pfns that the allocator cannot
	 * represent.
	 */
	int (*reserve)(struct iova_mt_domain *domain, unsigned long first,
		       unsigned long last);

	/**
	 * @find: Find the live or reserved range that holds @pfn. A deferred
	 * one is not found. Mandatory.
	 *
	 * Context: Any. Does not sleep.
	 * Return: 0 or -ENOENT.
	 */
	int (*find)(struct iova_mt_domain *domain, unsigned long pfn,
		    struct iova_mt_range *range);

	/**
	 * @flush: Empty all caches into the index. NULL: there are none that
	 * can be emptied.
	 *
	 * Context: Any. Does not sleep.
	 */
	void (*flush)(struct iova_mt_domain *domain);

	/**
	 * @next: For listings: the first range that ends at or above @from.
	 * Several calls in a row are no snapshot. NULL: cannot be listed.
	 *
	 * Context: Any: a reservation that is freed is walked. Does not
	 * sleep.
	 * Return: 0 or -ENOENT at the end.
	 */
	int (*next)(struct iova_mt_domain *domain, unsigned long from,
		    struct iova_mt_range *range);

	/**
	 * @drain: Erase what is deferred, now. NULL: nothing is ever deferred.
	 * Ends, whatever is deferred while it runs.
	 *
	 * Context: Process, may sleep.
	 * Return: 0 when nothing is left of what was deferred when it was
	 * called, -ENOMEM when some is.
	 */
	int (*drain)(struct iova_mt_domain *domain);

	/**
	 * @backlog: Fill in @backlog, which is all 0, but for oldest_ms. NULL:
	 * nothing is ever deferred.
	 *
	 * Context: Process. Does not sleep.
	 */
	void (*backlog)(struct iova_mt_domain *domain,
			struct iova_mt_backlog *backlog);

	/**
	 * @oldest_ms: How old is the oldest deferred range? Apart from @backlog,
	 * since it may cost a walk over all of them. NULL: not known.
	 *
	 * Context: Process, may sleep.
	 * Return: its age in ms, 0 when there is none.
	 */
	u64 (*oldest_ms)(struct iova_mt_domain *domain);

	/**
	 * @deferral: Which way does @domain defer? NULL: nothing is ever
	 * deferred, or there is only one way.
	 *
	 * Context: Process. Does not sleep.
	 * Return: its name.
	 */
	const char *(*deferral)(struct iova_mt_domain *domain);

	/**
	 * @counters: Fill in @values, @nr_counters of them. Mandatory when
	 * there are names.
	 *
	 * Context: Process. Does not sleep.
	 */
	void (*counters)(struct iova_mt_domain *domain, u64 *values);

	/**
	 * @lock_stat: Copy what was measured of the lock that the domain's
	 * allocations and frees share. NULL: it cannot be measured.
	 *
	 * Context: Process. Does not sleep.
	 * Return: 0; -ENODATA when nothing has been measured.
	 */
	int (*lock_stat)(struct iova_mt_domain *domain,
			 struct iova_mt_lock_stat *stat);
};

/**
 * struct iova_mt_domain - what an allocator may see of a domain
 * @ops: the allocator, for life
 * @priv: the allocator's own
 * @granule: bytes a page, a power of two
 * @start_pfn: lowest pfn that is handed out
 * @id: number in messages and in debugfs, never used twice
 */
struct iova_mt_domain {
	const struct iova_mt_ops *ops;
	void *priv;
	unsigned long granule;
	unsigned long start_pfn;
	unsigned int id;
};

/*
 * For an allocator that took a range into a cache unseen, and finds out later
 * that nobody had it. Context: Any.
 */
void iova_mt_free_unknown(struct iova_mt_domain *domain, unsigned long pfn,
			  unsigned long size);

int iova_mt_register(const struct iova_mt_ops *ops);
int iova_mt_unregister(const struct iova_mt_ops *ops);

#endif /* _IOVA_MT_OPS_H */
