/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Domains: the list of them, and what is counted for every allocator alike.
 */
#ifndef _IOVA_MT_DOMAIN_H
#define _IOVA_MT_DOMAIN_H

#include <linux/container_of.h>
#include <linux/list.h>
#include <linux/types.h>

#include <iova_mt/ops.h>

#include "base/caller.h"
#include "base/counters.h"

struct iova_mt_allocator;

/* Counted for every allocator alike: C(name, comment) */
#define IOVA_MT_DOMAIN_COUNTERS(C)					\
	C(alloc, "allocations that succeeded")				\
	C(alloc_pages, "pages in them")					\
	C(alloc_no_space, "allocations refused: no such range is free")	\
	C(alloc_no_memory, "allocations refused: no memory to record one") \
	C(free, "frees asked for")					\
	C(free_unknown, "frees of what is not allocated: nothing was freed")	\
	C(reserve, "ranges reserved")					\
	C(reserve_failed, "reservations refused")

enum iova_mt_domain_counter {
#define IOVA_MT_DOMAIN_COUNTER(_name, _what)	IOVA_MT_DOMAIN_##_name,
	IOVA_MT_DOMAIN_COUNTERS(IOVA_MT_DOMAIN_COUNTER)
#undef IOVA_MT_DOMAIN_COUNTER
	IOVA_MT_DOMAIN_NR_COUNTERS,
};

extern const char *const iova_mt_domain_counter_names[IOVA_MT_DOMAIN_NR_COUNTERS];

/**
 * struct iova_mt_domain_private - a domain with what its allocator need not see
 * @public: what the allocator sees
 * @link: in the list, under its mutex
 * @allocator: held for life
 * @user: who has made it
 * @counters: of IOVA_MT_DOMAIN_COUNTERS
 */
struct iova_mt_domain_private {
	struct iova_mt_domain public;
	struct list_head link;
	struct iova_mt_allocator *allocator;
	struct iova_mt_caller user;
	struct iova_mt_counters counters;
};

static inline struct iova_mt_domain_private *
iova_mt_domain_private(struct iova_mt_domain *domain)
{
	return container_of(domain, struct iova_mt_domain_private, public);
}

/**
 * iova_mt_domain_user() - who has made a domain?
 * @domain: the domain
 *
 * Context: Any; the caller keeps the domain from going.
 * Return: who called iova_mt_domain_create(), or the kernel's function in whose
 * place it was called.
 */
static inline const struct iova_mt_caller *
iova_mt_domain_user(struct iova_mt_domain *domain)
{
	return &iova_mt_domain_private(domain)->user;
}

/* Context: Any. */
static inline void iova_mt_domain_count(struct iova_mt_domain *domain,
					enum iova_mt_domain_counter counter)
{
	iova_mt_count(&iova_mt_domain_private(domain)->counters, counter);
}

/* Context: Any. */
static inline void iova_mt_domain_count_add(struct iova_mt_domain *domain,
					    enum iova_mt_domain_counter counter,
					    u64 nr)
{
	iova_mt_count_add(&iova_mt_domain_private(domain)->counters, counter, nr);
}

/* Erase what is deferred, as iova_mt_drain() says. Context: Process, may sleep. */
static inline int iova_mt_domain_drain(struct iova_mt_domain *domain)
{
	return domain->ops->drain ? domain->ops->drain(domain) : 0;
}

/**
 * struct iova_mt_domain_observer - told of domains that come and go
 * @added: called after a domain has been made, under the mutex of the list
 * @removed: called before it goes, and after it has left the list; when it
 *	returns, nothing of the observer's looks at the domain any more. It may
 *	have to wait for others, so that mutex is not held
 *
 * Both run in process context and may sleep.
 */
struct iova_mt_domain_observer {
	void (*added)(struct iova_mt_domain *domain);
	void (*removed)(struct iova_mt_domain *domain);
};

void iova_mt_domain_observe(const struct iova_mt_domain_observer *observer);

/*
 * What can be asked of one domain. Context: Process; the caller keeps the domain
 * from going (removed() has not returned).
 */
void iova_mt_domain_counters(struct iova_mt_domain *domain, u64 *values);
void iova_mt_domain_backlog(struct iova_mt_domain *domain,
			    struct iova_mt_backlog *backlog);

typedef int (*iova_mt_domain_allocator_fn)(struct iova_mt_allocator *allocator,
					   const u64 *totals, void *arg);

/*
 * What can be asked of all. The totals include domains that are gone. fn may
 * not create or destroy a domain; a value other than 0 ends the walk.
 */
int iova_mt_domain_walk_allocators(iova_mt_domain_allocator_fn fn, void *arg);
void iova_mt_domain_total_counters(u64 *values);
void iova_mt_domain_total_backlog(struct iova_mt_backlog *backlog);
int iova_mt_domain_drain_all(void);

#endif /* _IOVA_MT_DOMAIN_H */
