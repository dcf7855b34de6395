// SPDX-License-Identifier: GPL-2.0
/*
 * Domains: their making, their end, and the list.
 *
 * Responsible for totals that never go down when a domain goes. Knows no
 * allocator in particular.
 *
 * Rule: a domain in the list can be looked at by whoever holds the mutex of the
 * list, and by the observer until removed() has returned. removed() waits for
 * those who look, for as long as they like (a reader may be in a page fault), so
 * it is called without the mutex: the one who destroys that domain waits, and
 * nobody else.
 *
 * Lock order: mutex of the list, then the observer's for added() (debugfs), then
 * the mutex of the registry, then the allocator's own locks.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/bits.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "base/counters.h"
#include "base/trace.h"
#include "compat.h"
#include "core/domain.h"
#include "core/registry.h"

/* --- Data ----------------------------------------------------------------- */

#define COUNTER_NAME(_name, _what) \
	[IOVA_MT_DOMAIN_##_name] = #_name,
const char *const iova_mt_domain_counter_names[IOVA_MT_DOMAIN_NR_COUNTERS] = {
	IOVA_MT_DOMAIN_COUNTERS(COUNTER_NAME)
};

/* Protects what follows, and the list. */
static DEFINE_MUTEX(list_mutex);
static LIST_HEAD(domains);
static const struct iova_mt_domain_observer *observer;
static unsigned int last_id;

/* Of the domains that are gone. */
static u64 retired_counters[IOVA_MT_DOMAIN_NR_COUNTERS];
static struct iova_mt_backlog retired_backlog;

/* --- Internals ------------------------------------------------------------ */

static void add_backlog(struct iova_mt_backlog *total,
			const struct iova_mt_backlog *one)
{
#define ADD_SUM(_name)		(total->_name += one->_name)
#define ADD_MAX(_name)		(total->_name = max(total->_name, one->_name))
#define ADD(_name, _add, _what)	ADD_##_add(_name);
	IOVA_MT_BACKLOG_FIELDS(ADD)
#undef ADD
#undef ADD_MAX
#undef ADD_SUM
}

/* All but the age of the oldest range, which costs a walk. */
static void read_backlog(struct iova_mt_domain *domain,
			 struct iova_mt_backlog *backlog)
{
	memset(backlog, 0, sizeof(*backlog));
	if (domain->ops->backlog)
		domain->ops->backlog(domain, backlog);
}

/* What is deferred now goes with the domain; the rest stays in the totals. */
static void retire_backlog_locked(struct iova_mt_domain *domain)
{
	struct iova_mt_backlog backlog;

	lockdep_assert_held(&list_mutex);
	read_backlog(domain, &backlog);
	backlog.discarded += backlog.pending_ranges;
	backlog.pending_ranges = 0;
	backlog.pending_pages = 0;
	backlog.backoff_ms = 0;
	add_backlog(&retired_backlog, &backlog);
}

static void retire_counters_locked(struct iova_mt_domain *domain)
{
	u64 sum[IOVA_MT_DOMAIN_NR_COUNTERS];
	int i;

	lockdep_assert_held(&list_mutex);
	iova_mt_domain_counters(domain, sum);
	for (i = 0; i < IOVA_MT_DOMAIN_NR_COUNTERS; i++)
		retired_counters[i] += sum[i];
	iova_mt_registry_retire(iova_mt_domain_private(domain)->allocator, domain);
}

/*
 * Its counters move to the totals as it leaves the list, in one step.
 * Return: whom to tell, who may still look at it.
 */
static const struct iova_mt_domain_observer *
unlink_domain(struct iova_mt_domain_private *domain)
{
	guard(mutex)(&list_mutex);
	retire_counters_locked(&domain->public);
	retire_backlog_locked(&domain->public);
	list_del(&domain->link);
	return observer;
}

static void delist(struct iova_mt_domain_private *domain)
{
	const struct iova_mt_domain_observer *told = unlink_domain(domain);

	if (told)
		told->removed(&domain->public);
}

static void enlist(struct iova_mt_domain_private *domain)
{
	guard(mutex)(&list_mutex);
	list_add_tail(&domain->link, &domains);
	if (observer)
		observer->added(&domain->public);
}

/* Numbers are never used twice, so they can run out. */
static int take_id(unsigned int *id)
{
	guard(mutex)(&list_mutex);
	if (last_id == UINT_MAX)
		return -EOVERFLOW;
	*id = ++last_id;
	return 0;
}

static struct iova_mt_allocator *get_allocator(const char *name)
{
	struct iova_mt_allocator *allocator = iova_mt_registry_get(name);
	char names[128];

	if (allocator == ERR_PTR(-ENOENT)) {
		iova_mt_registry_names(names, sizeof(names));
		pr_err("there is no allocator '%s'; valid: %s\n", name, names);
	}
	return allocator;
}

static int init_domain(struct iova_mt_domain_private *domain)
{
	int ret;

	ret = take_id(&domain->public.id);
	if (ret)
		return ret;
	ret = iova_mt_counters_init(&domain->counters,
				    IOVA_MT_DOMAIN_NR_COUNTERS);
	if (ret)
		return ret;
	ret = domain->public.ops->create(&domain->public);
	if (ret)
		iova_mt_counters_destroy(&domain->counters);
	return ret;
}

static struct iova_mt_domain_private *
make_domain(struct iova_mt_allocator *allocator, unsigned long granule,
	    unsigned long start_pfn)
{
	struct iova_mt_domain_private *domain;
	int ret;

	domain = kzalloc(sizeof(*domain), GFP_KERNEL);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	domain->allocator = allocator;
	domain->public.ops = allocator->ops;
	domain->public.granule = granule;
	domain->public.start_pfn = start_pfn;
	iova_mt_caller_get(&domain->user);
	ret = init_domain(domain);
	if (ret) {
		kfree(domain);
		return ERR_PTR(ret);
	}
	return domain;
}

/* --- Interface: the API of domains ---------------------------------------- */

/**
 * iova_mt_domain_create() - make a domain
 * @name: of the allocator that serves it, for life
 * @granule: bytes a page: a power of two, at most PAGE_SIZE
 * @start_pfn: lowest pfn that is handed out
 *
 * Context: Process, may sleep.
 * Return: the domain; ERR_PTR(-EINVAL) when @name is NULL or @granule is not
 * valid; ERR_PTR(-ENOENT) when there is no such allocator, both with a message
 * that says what is valid; ERR_PTR(-EBUSY) when its module is being unloaded;
 * ERR_PTR(-EOVERFLOW) when all numbers of domains have been used;
 * ERR_PTR(-ENOMEM).
 */
struct iova_mt_domain *iova_mt_domain_create(const char *name,
					     unsigned long granule,
					     unsigned long start_pfn)
{
	struct iova_mt_allocator *allocator;
	struct iova_mt_domain_private *domain;

	if (!name) {
		pr_err("a domain needs the name of an allocator\n");
		return ERR_PTR(-EINVAL);
	}
	if (!is_power_of_2(granule) || granule > PAGE_SIZE) {
		pr_err("granule %lu is not valid; valid: powers of two up to %lu\n",
		       granule, PAGE_SIZE);
		return ERR_PTR(-EINVAL);
	}
	allocator = get_allocator(name);
	if (IS_ERR(allocator))
		return ERR_CAST(allocator);
	domain = make_domain(allocator, granule, start_pfn);
	if (IS_ERR(domain)) {
		iova_mt_registry_put(allocator);
		return ERR_CAST(domain);
	}
	trace_iova_mt_domain_create(domain->public.id, name, granule, start_pfn);
	enlist(domain);
	return &domain->public;
}

IOVA_MT_EXPORT(iova_mt_domain_create);

/**
 * iova_mt_domain_destroy() - free a domain
 * @domain: from iova_mt_domain_create(), or NULL, which does nothing; nobody
 *	uses it any more
 *
 * Ranges that are still live are normal, they go with it.
 *
 * Context: Process, may sleep.
 */
void iova_mt_domain_destroy(struct iova_mt_domain *domain)
{
	struct iova_mt_domain_private *private;
	struct iova_mt_allocator *allocator;

	if (!domain)
		return;
	private = iova_mt_domain_private(domain);
	allocator = private->allocator;
	if (domain->ops->stop)
		domain->ops->stop(domain);
	delist(private);
	domain->ops->destroy(domain);
	trace_iova_mt_domain_destroy(domain->id);
	iova_mt_counters_destroy(&private->counters);
	kfree(private);
	iova_mt_registry_put(allocator);
}

IOVA_MT_EXPORT(iova_mt_domain_destroy);

/* --- Interface: for those who look ---------------------------------------- */

/**
 * iova_mt_domain_observe() - be told of domains that come and go
 * @new: the observer, there is one at a time; or NULL to end it
 *
 * It is told at once of the domains that exist. When it ends, it is told
 * nothing: it forgets what it knew by itself. It stays where it is until no
 * domain is left that it was told of.
 *
 * Context: Process, may sleep.
 */
void iova_mt_domain_observe(const struct iova_mt_domain_observer *new)
{
	struct iova_mt_domain_private *domain;

	guard(mutex)(&list_mutex);
	observer = new;
	if (!observer)
		return;
	list_for_each_entry(domain, &domains, link)
		observer->added(&domain->public);
}

/**
 * iova_mt_domain_counters() - read what is counted for every allocator alike
 * @domain: the domain
 * @values: gets IOVA_MT_DOMAIN_NR_COUNTERS values
 *
 * Context: Any; the caller keeps the domain from going.
 */
void iova_mt_domain_counters(struct iova_mt_domain *domain, u64 *values)
{
	iova_mt_counters_sum(&iova_mt_domain_private(domain)->counters, values);
}

/**
 * iova_mt_domain_backlog() - read the backlog of a domain
 * @domain: the domain
 * @backlog: gets it; all 0 for an allocator that never defers
 *
 * Context: Process; the caller keeps the domain from going.
 */
void iova_mt_domain_backlog(struct iova_mt_domain *domain,
			    struct iova_mt_backlog *backlog)
{
	read_backlog(domain, backlog);
	if (backlog->pending_ranges && domain->ops->oldest_ms)
		backlog->oldest_ms = domain->ops->oldest_ms(domain);
}

/* What sum_allocator() needs of its caller. */
struct allocator_walk {
	iova_mt_domain_allocator_fn fn;
	void *arg;
};

static int sum_allocator(struct iova_mt_allocator *allocator, void *arg)
{
	const unsigned int nr = allocator->ops->nr_counters;
	struct allocator_walk *walk = arg;
	struct iova_mt_domain_private *domain;
	unsigned int i;
	u64 *totals;
	int ret;

	lockdep_assert_held(&list_mutex);
	totals = kcalloc(nr, sizeof(*totals), GFP_KERNEL);
	if (!totals)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		totals[i] = allocator->retired[i];
	list_for_each_entry(domain, &domains, link) {
		if (domain->allocator != allocator || !nr)
			continue;
		allocator->ops->counters(&domain->public, allocator->scratch);
		for (i = 0; i < nr; i++)
			totals[i] += allocator->scratch[i];
	}
	ret = walk->fn(allocator, totals, walk->arg);
	kfree(totals);
	return ret;
}

/**
 * iova_mt_domain_walk_allocators() - look at all allocators
 * @fn: called for each, with its counters over all domains, those that are gone
 *	included; a value other than 0 ends the walk. May not call anything of
 *	the registry, nor create or destroy a domain
 * @arg: for @fn
 *
 * Context: Process, may sleep.
 * Return: what @fn returned last, or -ENOMEM.
 */
int iova_mt_domain_walk_allocators(iova_mt_domain_allocator_fn fn, void *arg)
{
	struct allocator_walk walk = { .fn = fn, .arg = arg };

	guard(mutex)(&list_mutex);
	return iova_mt_registry_for_each(sum_allocator, &walk);
}

/**
 * iova_mt_domain_total_counters() - counters of all domains there ever were
 * @values: gets IOVA_MT_DOMAIN_NR_COUNTERS values
 *
 * Context: Process, may sleep.
 */
void iova_mt_domain_total_counters(u64 *values)
{
	u64 sum[IOVA_MT_DOMAIN_NR_COUNTERS];
	struct iova_mt_domain_private *domain;
	int i;

	guard(mutex)(&list_mutex);
	memcpy(values, retired_counters, sizeof(retired_counters));
	list_for_each_entry(domain, &domains, link) {
		iova_mt_domain_counters(&domain->public, sum);
		for (i = 0; i < IOVA_MT_DOMAIN_NR_COUNTERS; i++)
			values[i] += sum[i];
	}
}

/**
 * iova_mt_domain_total_backlog() - backlog of all domains there ever were
 * @backlog: gets it, added up as IOVA_MT_BACKLOG_FIELDS says
 *
 * Context: Process, may sleep.
 */
void iova_mt_domain_total_backlog(struct iova_mt_backlog *backlog)
{
	struct iova_mt_backlog one;
	struct iova_mt_domain_private *domain;

	guard(mutex)(&list_mutex);
	*backlog = retired_backlog;
	list_for_each_entry(domain, &domains, link) {
		iova_mt_domain_backlog(&domain->public, &one);
		add_backlog(backlog, &one);
	}
}

/**
 * iova_mt_domain_drain_all() - drain every domain
 *
 * Does not stop at one that cannot be drained.
 *
 * Context: Process, may sleep. Domains cannot come or go meanwhile.
 * Return: 0 when nothing is left of what was deferred when it began, -ENOMEM when
 * some is.
 */
int iova_mt_domain_drain_all(void)
{
	struct iova_mt_domain_private *domain;
	int ret = 0;

	guard(mutex)(&list_mutex);
	list_for_each_entry(domain, &domains, link) {
		int err = iova_mt_domain_drain(&domain->public);

		if (err)
			ret = err;
	}
	return ret;
}
