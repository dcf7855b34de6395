// SPDX-License-Identifier: GPL-2.0
/*
 * What cases do with domains, in few words, and the places where they look:
 * counters, backlog, listing and the log.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kmsg_dump.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <iova_mt/fault.h>

#include "test.h"

#define GRANULE			4096
#define MAX_COUNTERS		64

/* What a result is before the call. */
#define UNTOUCHED		0x5eedUL

/* --- Domains -------------------------------------------------------------- */

bool test_is_rbtree(const struct test *t)
{
	return !strcmp(t->allocator, "rbtree");
}

/*
 * Does it give the highest place, and refuse only when there is none? The
 * kernel's own begins at a cached node, and stops looking below 4 GiB once it
 * has failed there.
 */
bool test_is_exact(const struct test *t)
{
	return !test_is_rbtree(t);
}

/*
 * Does it give a range that need not be aligned the highest place? One with spans
 * prefers gaps to spans, or spans to gaps.
 */
bool test_is_highest(const struct test *t)
{
	return test_is_exact(t) && strcmp(t->allocator, "maple") &&
	       strcmp(t->allocator, "checked");
}

/*
 * The order of the largest ranges that it may keep in a cache. Above 32 pages a
 * span has to know of it.
 */
unsigned int test_cache_order(const struct test *t)
{
	return test_is_rbtree(t) || strstr(t->allocator, "plain") ||
	       !strcmp(t->allocator, "planted") ? 5 : 9;
}

bool test_defers_by(const struct test *t, const char *deferral)
{
	const struct iova_mt_ops *table = t->domain->ops;

	return table->deferral &&
	       !strcmp(table->deferral(t->domain), deferral);
}

void test_domain_destroy(struct test *t)
{
	if (t->domain)
		iova_mt_domain_destroy(t->domain);
	t->domain = NULL;
}

/* Make the domain of a case, in place of the one it has. */
struct iova_mt_domain *test_domain(struct test *t, unsigned long start_pfn)
{
	struct iova_mt_domain *domain;

	test_domain_destroy(t);
	domain = iova_mt_domain_create(t->allocator, GRANULE, start_pfn);
	if (!test_expect(t, !IS_ERR(domain), "no domain of '%s': %pe",
			 t->allocator, domain))
		return NULL;
	t->domain = domain;
	return domain;
}

static bool is_aligned_to_size(unsigned long pfn, unsigned long size)
{
	return IS_ALIGNED(pfn, roundup_pow_of_two(size));
}

/* Allocate, and check all that can be told from the result alone. */
bool test_alloc(struct test *t, unsigned long size, unsigned long limit,
		unsigned int flags, unsigned long *pfn)
{
	int ret = iova_mt_alloc(t->domain, size, limit, flags, pfn);

	if (!test_expect(t, !ret, "alloc of %lu pages below %#lx: %d", size,
			 limit, ret))
		return false;
	return test_expect(t, *pfn >= t->domain->start_pfn &&
			   *pfn <= limit && limit - *pfn >= size - 1,
			   "%lu pages at %#lx are not in %#lx to %#lx", size,
			   *pfn, t->domain->start_pfn, limit) &&
	       test_expect(t, !(flags & IOVA_MT_ALIGNED) ||
			   is_aligned_to_size(*pfn, size),
			   "%lu pages at %#lx are not aligned", size, *pfn);
}

/*
 * Allocate for the error alone; what is got is given back. A refusal, whatever the
 * reason, leaves the result alone.
 */
int test_try(struct test *t, unsigned long size, unsigned long limit,
	     unsigned int flags)
{
	unsigned long pfn = UNTOUCHED;
	int ret = iova_mt_alloc(t->domain, size, limit, flags, &pfn);

	if (!ret)
		iova_mt_free(t->domain, pfn, 0);
	else
		EXPECT_EQ(t, pfn, UNTOUCHED);
	return ret;
}

/* Allocate until it is refused, at most @max times. Return: how many. */
int test_fill(struct test *t, unsigned long size, unsigned long limit,
	      unsigned int flags, unsigned long *pfns, unsigned int max)
{
	unsigned int nr;
	int ret;

	for (nr = 0; nr < max; nr++) {
		ret = iova_mt_alloc(t->domain, size, limit, flags, &pfns[nr]);
		if (ret) {
			EXPECT_EQ(t, ret, -ENOSPC);
			break;
		}
	}
	return nr;
}

/* Allocate @nr ranges, each right below the one before, from @limit down. */
bool test_take(struct test *t, unsigned int nr, unsigned long size,
	       unsigned long limit)
{
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!test_alloc(t, size, limit, 0, &pfn) ||
		    !EXPECT_EQ(t, pfn, limit - (i + 1) * size + 1))
			return false;
		if (i % 1024 == 0)
			cond_resched();
	}
	return true;
}

bool test_is_taken(struct test *t, unsigned long pfn)
{
	struct iova_mt_range range;

	return !iova_mt_find(t->domain, pfn, &range);
}

/* --- Looking inside ------------------------------------------------------- */

/* A counter that is not there is a mistake of the case. */
u64 test_counter(struct test *t, const char *name)
{
	const struct iova_mt_ops *table = t->domain->ops;
	u64 values[MAX_COUNTERS] = {};
	unsigned int i;

	if (table->nr_counters <= MAX_COUNTERS && table->counters)
		table->counters(t->domain, values);
	for (i = 0; i < min(table->nr_counters, MAX_COUNTERS); i++)
		if (!strcmp(table->counter_names[i], name))
			return values[i];
	test_expect(t, false, "there is no counter '%s'", name);
	return 0;
}

struct iova_mt_backlog test_backlog(struct test *t)
{
	struct iova_mt_backlog backlog = {};

	if (t->domain->ops->backlog)
		t->domain->ops->backlog(t->domain, &backlog);
	/* As who shows a domain does: the age is asked for apart. */
	if (backlog.pending_ranges && t->domain->ops->oldest_ms)
		backlog.oldest_ms = t->domain->ops->oldest_ms(t->domain);
	return backlog;
}

/* Wait for the worker. Return: false, and a failure, when it does not come. */
bool test_backlog_wait_empty(struct test *t)
{
	unsigned long end = jiffies + msecs_to_jiffies(TEST_TIMEOUT_MS);

	while (test_backlog(t).pending_ranges) {
		if (time_after(jiffies, end))
			return test_expect(t, false,
					   "the worker did not drain the backlog in %u ms",
					   TEST_TIMEOUT_MS);
		msleep(20);
	}
	return true;
}

static u64 hash_add(u64 hash, u64 value)
{
	return (hash ^ value) * 0x100000001b3ULL;
}

/* All ranges with their states as one number, to tell whether any changed. */
u64 test_listing_hash(struct test *t, unsigned int *nr)
{
	struct iova_mt_range range;
	unsigned long from = 0;
	u64 hash = 0xcbf29ce484222325ULL;

	*nr = 0;
	while (!t->domain->ops->next(t->domain, from, &range)) {
		hash = hash_add(hash, range.first);
		hash = hash_add(hash, range.last);
		hash = hash_add(hash, range.state);
		++*nr;
		if (range.last == ULONG_MAX)
			break;
		from = range.last + 1;
	}
	return hash;
}

/*
 * Is anything left? What an idle cache gives up is on its way for a moment, so
 * look again before saying so.
 */
static bool is_empty(struct test *t, struct iova_mt_range *range)
{
	unsigned int tries = 50;

	while (!t->domain->ops->next(t->domain, 0, range)) {
		if (!tries--)
			return false;
		msleep(20);
	}
	return true;
}

/* Everything has been given back: nothing may be left, and all is usable. */
void test_expect_clean(struct test *t)
{
	unsigned long start = t->domain->start_pfn, pfn;
	struct iova_mt_range range;

	test_faults_off();
	iova_mt_flush(t->domain);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
	EXPECT_EQ(t, test_backlog(t).pending_pages, 0);
	if (t->domain->ops->next && !is_empty(t, &range))
		test_expect(t, false, "%#lx to %#lx is left, state %d",
			    range.first, range.last, range.state);
	if (test_alloc(t, PFN_32BIT - start + 1, PFN_32BIT, 0, &pfn))
		iova_mt_free(t->domain, pfn, 0);
}

/*
 * Use up the domain's spare nodes, and keep it from being filled before
 * test_faults_off(). The domain is as full as before.
 */
bool test_reserve_spend(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	if (!test_fault(t, "fail_refill", TEST_ALWAYS))
		return false;
	for (i = 0; i < 64 && !test_counter(t, "spare_spent"); i++) {
		if (!test_alloc(t, 1, PFN_32BIT, 0, &pfn))
			return false;
		test_fault(t, "fail_node", TEST_ALWAYS);
		iova_mt_free(t->domain, pfn, 0);
		test_fault(t, "fail_node", TEST_NEVER);
	}
	return EXPECT_EQ(t, test_counter(t, "spare_spent"), 1) &&
	       EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
}

/* --- Faults, the log -- --------------------------------------------- */

bool test_fault(struct test *t, const char *point, const char *arg)
{
	return test_expect(t, !iova_mt_fault_arm(point, arg),
			   "%s does not take '%s'", point, arg);
}

void test_faults_off(void)
{
	const char *name;
	unsigned int i;

	for (i = 0; (name = iova_mt_fault_name(i)); i++)
		iova_mt_fault_arm(name, TEST_NEVER);
}

/* How many lines of the log hold @text? */
unsigned int test_log_count(const char *text)
{
	struct kmsg_dump_iter iter;
	unsigned int nr = 0;
	char *line;
	size_t len;

	line = kmalloc(1024, GFP_KERNEL);
	if (!line)
		return 0;
	kmsg_dump_rewind(&iter);
	while (kmsg_dump_get_line(&iter, false, line, 1023, &len)) {
		line[min_t(size_t, len, 1023)] = '\0';
		nr += !!strstr(line, text);
	}
	kfree(line);
	return nr;
}
