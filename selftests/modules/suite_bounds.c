// SPDX-License-Identifier: GPL-2.0
/*
 * Bounds: what one lock hold does when there is very much of everything.
 *
 * The budget is counted in entries looked at, which is exact and the same on
 * every machine; how long that takes is what lock_stat is for. Needs some 100 MiB
 * of memory for the million.
 */
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include <iova_mt/fault.h>

#include "test.h"

#define MILLION		1000000U
#define BACKLOG		(MILLION / 2)
#define TOP		((1UL << 30) - 1)

/* Entries in a hold of a sweep, and in one call that looks for a range. */
#define HOLD_ENTRIES	64
#define CALL_ENTRIES	(128 * HOLD_ENTRIES)

/* A million live ranges, every second of them freed and deferred. */
static bool half_deferred(struct test *t)
{
	unsigned int i;

	if (!test_take(t, MILLION, 1, TOP))
		return false;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (i = 0; i < MILLION; i += 2) {
		iova_mt_free(t->domain, TOP - i, 0);
		if (i % 4096 == 0)
			cond_resched();
	}
	return EXPECT_EQ(t, test_backlog(t).pending_ranges, BACKLOG);
}

/* What @name has risen by, a hold of a sweep. */
static u64 a_hold(struct test *t, u64 entries, u64 holds)
{
	entries = test_counter(t, "sweep_entry") - entries;
	holds = test_counter(t, "sweep_hold") - holds;
	test_diag("%llu entries in %llu holds", entries, holds);
	return holds ? DIV_ROUND_UP_ULL(entries, holds) : 0;
}

/* How long the lock was held, if that is measured: read by people, not judged. */
static void say_holds(struct test *t)
{
	const struct iova_mt_lock_times *hold;
	struct iova_mt_lock_stat *stat;
	unsigned int i;

	stat = kzalloc(sizeof(*stat), GFP_KERNEL);
	if (!stat || t->domain->ops->lock_stat(t->domain, stat))
		goto free;
	hold = &stat->hold;
	test_diag("the lock was held %llu times, at most for %llu ns",
		  iova_mt_lock_times_nr(hold), hold->max);
	for (i = 0; i < IOVA_MT_LOCK_BUCKETS; i++)
		if (hold->bucket[i])
			test_diag("  from %10lu ns: %9llu", i ? BIT(i - 1) : 0,
				  hold->bucket[i]);
free:
	kfree(stat);
}

static void draining_half_a_million(struct test *t)
{
	u64 entries, holds, before;
	unsigned long pfn;
	unsigned int i;

	if (!half_deferred(t))
		return;

	/* The worker cannot, and each of its rounds gives up soon. */
	entries = test_counter(t, "sweep_entry");
	holds = test_counter(t, "sweep_hold");
	EXPECT_EQ(t, iova_mt_drain(t->domain), -ENOMEM);
	EXPECT(t, a_hold(t, entries, holds) <= HOLD_ENTRIES);

	/* Allocations, of what is there and what is not. */
	test_fault(t, "fail_insert", TEST_ALWAYS);
	for (i = 0; i < 1000; i++) {
		before = test_counter(t, "reuse_entry");
		EXPECT_EQ(t, test_try(t, 2, TOP, 0), -ENOMEM);
		EXPECT(t, test_counter(t, "reuse_entry") - before <= CALL_ENTRIES);
		if (!test_alloc(t, 1, TOP, 0, &pfn))
			break;
	}
	EXPECT_EQ(t, test_backlog(t).taken_over, i);
	test_fault(t, "fail_insert", TEST_NEVER);

	/* Memory is back. */
	entries = test_counter(t, "sweep_entry");
	holds = test_counter(t, "sweep_hold");
	test_fault(t, "fail_erase", TEST_NEVER);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
	EXPECT(t, a_hold(t, entries, holds) <= HOLD_ENTRIES);
	say_holds(t);
}

/* A backlog goes at once when there is memory, not a piece a round. */
static void one_round_is_enough(struct test *t)
{
	u64 rounds;

	if (!half_deferred(t))
		return;
	test_fault(t, "fail_erase", TEST_NEVER);
	/* One may be on its way that still failed. */
	rounds = test_backlog(t).rounds;
	test_backlog_wait_empty(t);
	EXPECT(t, test_backlog(t).rounds <= rounds + 2);
	say_holds(t);
}

static const struct test_case cases[] = {
	{ "N1, P2, R6: a million live, half a million deferred",
	  draining_half_a_million, TEST_NEEDS_MAPLE },
	{ "R10: one round drains half a million", one_round_is_enough,
	  TEST_NEEDS_MAPLE },
};

const struct test_suite suite_bounds = {
	.name = "bounds",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
