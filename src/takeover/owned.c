// SPDX-License-Identifier: GPL-2.0
/*
 * Owned domains: which struct iova_domain is ours.
 *
 * A domain becomes owned in init_iova_domain() and stops being so in
 * put_iova_domain(). In between, it is served by an iova_mt domain alone: no
 * code of iova.c ever runs on it, and it has none of the kernel's caches, so
 * that nothing of it is found by the kernel when a CPU goes.
 *
 * Rule: an owned domain holds a reference to this module, and is counted from
 * before it is made until after it has gone. While the count is not 0 the hooks
 * stay attached.
 *
 * Locks: lock, which protects everything here. Nothing that sleeps is done
 * under it. It is never taken by a call that allocates or frees ranges.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <iova_mt/ops.h>

#include "base/trace.h"
#include "core/domain.h"
#include "owned.h"

/* What the kernel's init_iova_domain() puts where our tag is. */
#define STOCK_TAG	(~0UL)

static DEFINE_SPINLOCK(lock);
static DECLARE_WAIT_QUEUE_HEAD(none_owned);
static LIST_HEAD(list);
static unsigned int count;
static unsigned long create_failed;
static bool accepting;
/* The log has said what the first owned domain means. */
static bool announced;
static const char *allocator_name;
static struct work_struct *idle_work;

/**
 * iova_mt_owned_init() - make ready
 * @allocator: name of the allocator of owned domains, kept
 * @idle: work that is queued whenever the last owned domain has gone
 *
 * Context: Process.
 */
void iova_mt_owned_init(const char *allocator, struct work_struct *idle)
{
	allocator_name = allocator;
	idle_work = idle;
}

/**
 * iova_mt_owned_accept() - shall new domains be owned?
 * @accept: yes or no
 *
 * After a call with false has returned, the number of owned domains can only
 * get smaller.
 *
 * Context: Process.
 */
void iova_mt_owned_accept(bool accept)
{
	spin_lock(&lock);
	if (accept && !accepting)
		announced = false;
	accepting = accept;
	spin_unlock(&lock);
}

/**
 * iova_mt_owned_count() - how many domains are owned
 *
 * Context: Process.
 * Return: their number, those being made and those going included.
 */
unsigned int iova_mt_owned_count(void)
{
	unsigned int n;

	spin_lock(&lock);
	n = count;
	spin_unlock(&lock);
	return n;
}

/**
 * iova_mt_owned_create_failed() - how many domains could not be owned
 *
 * Context: Process.
 * Return: how often an iova_mt domain could not be made, since load.
 */
unsigned long iova_mt_owned_create_failed(void)
{
	return READ_ONCE(create_failed);
}

/**
 * iova_mt_owned_near() - find an owned domain by where it lies
 * @address: an address
 *
 * Context: Process.
 * Return: number of the domain that serves the owned struct iova_domain which
 * begins at @address, or less than its own size behind; 0 if there is none.
 */
unsigned int iova_mt_owned_near(const void *address)
{
	struct iova_mt_owned *owned;
	unsigned int id = 0;

	spin_lock(&lock);
	list_for_each_entry(owned, &list, link)
		if ((unsigned long)owned->iovad - (unsigned long)address <
		    sizeof(*owned->iovad))
			id = owned->domain_id;
	spin_unlock(&lock);
	return id;
}

/**
 * iova_mt_owned_next_other() - walk over the domains that are not the DMA API's
 * @id: number of the last one, 0 to begin
 * @user: gets who has made the next one
 *
 * Context: Process.
 * Return: number of the next one, 0 at the end.
 */
unsigned int iova_mt_owned_next_other(unsigned int id,
				      struct iova_mt_caller *user)
{
	struct iova_mt_owned *owned;
	unsigned int next = 0;

	spin_lock(&lock);
	list_for_each_entry(owned, &list, link) {
		if (owned->domain_id <= id ||
		    owned->user.kind == IOVA_MT_CALLER_DMA_API ||
		    (next && next < owned->domain_id))
			continue;
		next = owned->domain_id;
		*user = owned->user;
	}
	spin_unlock(&lock);
	return next;
}

/**
 * iova_mt_owned_show_others() - print who has those that are not the DMA API's
 * @m: where to: "<domain> module/<name>" or "<domain> kernel/<function>" lines
 *
 * Context: Process, may sleep.
 */
void iova_mt_owned_show_others(struct seq_file *m)
{
	struct iova_mt_caller user;
	unsigned int id = 0;

	while ((id = iova_mt_owned_next_other(id, &user)))
		seq_printf(m, "%u %s/%s\n", id,
			   iova_mt_caller_kind_names[user.kind], user.name);
}

/**
 * iova_mt_owned_wait() - wait until no domain is owned
 * @timeout: for how long, in jiffies
 *
 * An idle wait, which neither loads the system nor looks hung.
 *
 * Context: Process, may sleep.
 * Return: true when none is.
 */
bool iova_mt_owned_wait(unsigned long timeout)
{
	return wait_event_idle_timeout(none_owned, !iova_mt_owned_count(),
				       timeout);
}

static struct iova_mt_owned *find_locked(const struct iova_domain *iovad)
{
	struct iova_mt_owned *owned;

	lockdep_assert_held(&lock);
	list_for_each_entry(owned, &list, link)
		if (owned->iovad == iovad && !owned->creator)
			return owned;
	return NULL;
}

static bool creating_locked(void)
{
	struct iova_mt_owned *owned;

	lockdep_assert_held(&lock);
	list_for_each_entry(owned, &list, link)
		if (owned->creator == current)
			return true;
	return false;
}

/*
 * Count @owned if domains are to be owned now. Not for a domain that an
 * allocator makes for itself inside our own create: that is the kernel's, or
 * there would be no end to it. Not while the module is going, when no reference
 * can be had.
 */
static bool claim(struct iova_mt_owned *owned)
{
	bool claimed = false;

	spin_lock(&lock);
	if (accepting && !creating_locked() && try_module_get(THIS_MODULE)) {
		list_add_tail(&owned->link, &list);
		count++;
		claimed = true;
	}
	spin_unlock(&lock);
	return claimed;
}

/*
 * The work is queued under the lock: whoever has seen the count at 0 can
 * cancel it and knows that it does not come back.
 */
static void unclaim(struct iova_mt_owned *owned)
{
	spin_lock(&lock);
	list_del(&owned->link);
	if (!--count) {
		schedule_work(idle_work);
		wake_up(&none_owned);
	}
	spin_unlock(&lock);
	module_put(THIS_MODULE);
	kfree(owned);
}

/* Said once for each time that domains are to be owned: they come and go. */
static void created(struct iova_mt_owned *owned)
{
	bool first;

	spin_lock(&lock);
	owned->user = *iova_mt_domain_user(owned->domain);
	owned->domain_id = owned->domain->id;
	owned->creator = NULL;
	first = !announced;
	announced = true;
	spin_unlock(&lock);

	trace_iova_mt_takeover_own(owned->domain->id);
	WRITE_ONCE(owned->iovad->anchor.pfn_hi, (unsigned long)owned);
	if (first)
		pr_info("takeover: a domain is owned; unloading is refused until all are given back, see takeover/state in debugfs\n");
}

static void create_fails(struct iova_mt_owned *owned, int error)
{
	spin_lock(&lock);
	create_failed++;
	spin_unlock(&lock);
	pr_warn_ratelimited("takeover: a new domain stays with the kernel's allocator: %pe\n",
			    ERR_PTR(error));
	if (owned)
		unclaim(owned);
}

/*
 * Its memory was used for something else, and now for a new domain, without a
 * put. The kernel would forget the old one, and so do we.
 */
static void forget(const struct iova_domain *iovad)
{
	struct iova_mt_owned *owned;

	spin_lock(&lock);
	owned = find_locked(iovad);
	spin_unlock(&lock);
	if (owned)
		iova_mt_owned_put(owned);
}

/**
 * iova_mt_owned_create() - own a domain, if that is to be
 * @iovad: the domain, fresh from the kernel's init_iova_domain()
 * @granule: bytes a page
 * @start_pfn: lowest pfn to hand out
 *
 * When it cannot be owned it stays the kernel's, which works as well. If
 * somebody wanted it owned, the log and a counter say so.
 *
 * Context: Process, may sleep; nobody else uses @iovad yet.
 */
void iova_mt_owned_create(struct iova_domain *iovad, unsigned long granule,
			  unsigned long start_pfn)
{
	struct iova_mt_domain *domain;
	struct iova_mt_owned *owned;

	forget(iovad);
	if (!READ_ONCE(accepting))
		return;

	owned = kzalloc(sizeof(*owned), GFP_KERNEL);
	if (!owned) {
		create_fails(NULL, -ENOMEM);
		return;
	}
	owned->iovad = iovad;
	owned->creator = current;
	iova_mt_objects_init(&owned->objects);
	if (!claim(owned)) {
		kfree(owned);
		return;
	}

	domain = iova_mt_domain_create(allocator_name, granule, start_pfn);
	if (IS_ERR(domain)) {
		create_fails(owned, PTR_ERR(domain));
		return;
	}
	owned->domain = domain;
	created(owned);
}

/**
 * iova_mt_owned_put() - stop owning a domain
 * @owned: what belongs to it
 *
 * All its ranges go. Live ranges are normal here. Afterwards it looks as the
 * kernel's init_iova_domain() has left it, with nothing in it to free.
 *
 * Context: Process, may sleep; nobody else uses the domain any more.
 */
void iova_mt_owned_put(struct iova_mt_owned *owned)
{
	trace_iova_mt_takeover_disown(owned->domain->id);
	iova_mt_domain_destroy(owned->domain);
	iova_mt_objects_destroy(&owned->objects);
	WRITE_ONCE(owned->iovad->anchor.pfn_hi, STOCK_TAG);
	unclaim(owned);
}
