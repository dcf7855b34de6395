// SPDX-License-Identifier: GPL-2.0
/*
 * Drain: sweeps over the backlog, by the worker, by allocations, on request.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/minmax.h>

#include <iova_mt/fault.h>

#include "test.h"

#define TOP		0xffffUL

/* --- Waiting -------------------------------------------------------------- */

/* Wait until the worker waits for that long. */
static void wait_backoff(struct test *t, u64 ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(TEST_TIMEOUT_MS);

	while (test_backlog(t).backoff_ms < ms && time_before(jiffies, end))
		msleep(20);
	EXPECT(t, test_backlog(t).backoff_ms >= ms);
}

static void wait_rounds(struct test *t, u64 rounds)
{
	unsigned long end = jiffies + msecs_to_jiffies(TEST_TIMEOUT_MS);

	while (test_backlog(t).rounds < rounds && time_before(jiffies, end))
		msleep(20);
	EXPECT(t, test_backlog(t).rounds >= rounds);
}

/* --- Sweeps --------------------------------------------------------------- */

/* As many as in the lockup that P2 is about. */
#define MANY		300000U

/*
 * Markers at the two ends of a space full of live ranges: a sweep passes all of
 * them, a bounded number in a lock hold.
 */
static void sweep_over_live_ranges_in_short_holds(struct test *t)
{
	u64 holds, entries;

	if (!test_take(t, MANY, 2, 2 * MANY))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, 1, 0);
	iova_mt_free(t->domain, 2 * MANY, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 2);
	holds = test_counter(t, "sweep_hold");
	entries = test_counter(t, "sweep_entry");
	test_fault(t, "fail_erase", TEST_NEVER);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
	holds = test_counter(t, "sweep_hold") - holds;
	entries = test_counter(t, "sweep_entry") - entries;
	test_diag("sweep over %u ranges: %llu entries in %llu lock holds", MANY,
		  entries, holds);
	EXPECT(t, entries >= MANY / 2 && entries <= 4 * MANY);
	EXPECT(t, holds >= entries / 128);
}

/* An allocation does not pay for a long sweep. */
static void allocation_sweeps_with_a_budget(struct test *t)
{
	unsigned long pfn;
	u64 entries;

	if (!test_take(t, MANY, 2, 2 * MANY))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, MANY, 0);
	iova_mt_free(t->domain, 2 * MANY, 0);
	/* The worker is far away once it has waited for its longest time. */
	wait_backoff(t, 500);
	msleep(30);
	test_fault(t, "fail_erase", TEST_NEVER);
	entries = test_counter(t, "sweep_entry");
	iova_mt_alloc(t->domain, 1, 2 * MANY, 0, &pfn);
	entries = test_counter(t, "sweep_entry") - entries;
	test_diag("an allocation without a gap looked at %llu entries", entries);
	EXPECT(t, entries > 0 || test_backlog(t).drained_by_worker);
	EXPECT(t, entries <= MANY / 30 || test_backlog(t).drained_by_worker);
	EXPECT(t, test_backlog_wait_empty(t));
}

/* --- Passes --------------------------------------------------------------- */

#define PASS_RANGES	20000U
#define PASS_TOP	(2UL * PASS_RANGES)

static bool is_deferred(struct test *t, unsigned long pfn)
{
	struct iova_mt_range range;

	return !t->domain->ops->next(t->domain, pfn, &range) &&
	       range.first <= pfn && range.state == IOVA_MT_DEFERRED;
}

/*
 * Defer the lowest range before each allocation, which finds no gap but that one,
 * until the highest range is gone. Return: lock holds of sweeps.
 */
static u64 trickle(struct test *t, unsigned int max)
{
	u64 holds = test_counter(t, "sweep_hold");
	unsigned long pfn;

	while (is_deferred(t, PASS_TOP) && max--) {
		test_fault(t, "fail_erase", TEST_ALWAYS);
		iova_mt_free(t->domain, 1, 0);
		test_fault(t, "fail_erase", TEST_NEVER);
		if (!test_alloc(t, 2, 2, 0, &pfn))
			break;
	}
	return test_counter(t, "sweep_hold") - holds;
}

/*
 * What is deferred at the low end again and again does not keep a sweep from the
 * high one. With the worker in its longest wait these are the sweeps of
 * allocations; should it come in between, once more.
 */
static void a_trickle_does_not_hold_up_a_pass(struct test *t)
{
	const unsigned int needed = PASS_RANGES / 64 + 1;
	unsigned int tries;
	u64 rounds, holds;

	for (tries = 0; tries < 5; tries++) {
		if (!test_domain(t, 1) || !test_take(t, PASS_RANGES, 2, PASS_TOP))
			return;
		test_fault(t, "fail_erase", TEST_ALWAYS);
		iova_mt_free(t->domain, PASS_TOP, 0);
		/* Where the worker is stuck, so that the pass begins there. */
		iova_mt_free(t->domain, 1, 0);
		wait_backoff(t, 500);
		/* Allocations pause after a sweep that got no memory. */
		msleep(30);
		rounds = test_backlog(t).rounds;
		holds = trickle(t, needed);
		if (test_backlog(t).rounds != rounds)
			continue;
		test_diag("%llu lock holds to get past %u ranges", holds,
			  PASS_RANGES);
		/* One pass, and then the last allocation goes on for a while. */
		EXPECT(t, holds <= needed + 32);
		EXPECT(t, !is_deferred(t, PASS_TOP));
		return;
	}
	test_expect(t, false, "the worker always came in between");
}

static void adjacent_ranges_go_in_one_store(struct test *t)
{
	const unsigned int nr = 600;
	struct iova_mt_backlog backlog;
	unsigned int i;
	u64 stores;

	if (!test_take(t, nr, 3, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (i = 0; i < nr; i++)
		iova_mt_free(t->domain, TOP - 3 * i, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, nr);
	stores = test_counter(t, "sweep_store");
	EXPECT_EQ(t, stores, 0);
	test_fault(t, "fail_erase", TEST_NEVER);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	stores = test_counter(t, "sweep_store");
	backlog = test_backlog(t);
	test_diag("%u adjacent ranges erased in %llu stores", nr, stores);
	EXPECT(t, stores >= 1 && stores <= nr / 16);
	EXPECT_EQ(t, backlog.drained_by_request + backlog.drained_by_worker, nr);
	test_expect_clean(t);
}

/* Markers between live ranges: each its own store, and no live one goes. */
static void scattered_ranges_leave_live_ones_alone(struct test *t)
{
	const unsigned int nr = 600;
	unsigned int i;

	if (!test_take(t, nr, 2, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (i = 0; i < nr; i += 3)
		iova_mt_free(t->domain, TOP - 2 * i, 0);
	test_fault(t, "fail_erase", TEST_NEVER);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	for (i = 0; i < nr; i++)
		EXPECT_EQ(t, test_is_taken(t, TOP - 2 * i), i % 3 != 0);
	EXPECT_EQ(t, test_counter(t, "sweep_store"), nr / 3);
}

/* Free pages between markers do not end a run. */
static void a_run_passes_free_pages(struct test *t)
{
	const unsigned int nr = 60;
	unsigned int i;

	if (!test_take(t, nr, 2, TOP))
		return;
	for (i = 0; i < nr; i += 2)
		iova_mt_free(t->domain, TOP - 2 * i, 0);
	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (i = 1; i < nr; i += 2)
		iova_mt_free(t->domain, TOP - 2 * i, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, nr / 2);
	test_expect_clean(t);
	EXPECT(t, test_counter(t, "sweep_store") <= 2);
}

/* As many as a lock hold looks at, and one less, and one more. */
static void a_backlog_at_the_end_of_all_pfns(struct test *t)
{
	unsigned int nr, i;

	for (nr = 63; nr <= 65; nr++) {
		if (!test_domain(t, 1))
			return;
		for (i = 0; i < nr; i++)
			EXPECT_EQ(t, iova_mt_reserve(t->domain, ULONG_MAX - i,
						     ULONG_MAX - i), 0);
		test_fault(t, "fail_erase", TEST_ALWAYS);
		for (i = 0; i < nr; i++)
			iova_mt_free(t->domain, ULONG_MAX - i, 0);
		EXPECT_EQ(t, test_backlog(t).pending_ranges, nr);
		test_expect_clean(t);
	}
}

/* --- Who drains, and when ------------------------------------------------- */

static void an_idle_domain_drains(struct test *t)
{
	struct iova_mt_backlog backlog;
	unsigned int i;

	if (!test_take(t, 100, 5, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (i = 0; i < 50; i++)
		iova_mt_free(t->domain, TOP - 5 * i, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 50);
	msleep(100);
	wait_rounds(t, 2);
	backlog = test_backlog(t);
	EXPECT(t, backlog.retries >= 1);
	EXPECT_EQ(t, backlog.pending_ranges, 50);
	EXPECT_EQ(t, backlog.drained_by_worker, 0);
	EXPECT(t, backlog.oldest_ms >= 80);
	test_fault(t, "fail_erase", TEST_NEVER);
	if (!test_backlog_wait_empty(t))
		return;
	backlog = test_backlog(t);
	EXPECT_EQ(t, backlog.drained_by_worker, 50);
	EXPECT_EQ(t, backlog.total_deferred, 50);
	EXPECT_EQ(t, backlog.highest_ranges, 50);
	EXPECT_EQ(t, backlog.pending_pages, 0);
	EXPECT_EQ(t, backlog.oldest_ms, 0);
}

/*
 * With the worker in its longest wait, the allocation comes first; should the
 * worker still be quicker, once more.
 */
static void an_allocation_without_a_gap_drains(struct test *t)
{
	struct iova_mt_backlog backlog;
	unsigned int tries;
	unsigned long pfn;

	for (tries = 0; tries < 5; tries++) {
		if (!test_domain(t, 1) || !test_take(t, 100, 2, 200))
			return;
		test_fault(t, "fail_erase", TEST_ALWAYS);
		iova_mt_free(t->domain, 77, 0);
		wait_backoff(t, 500);
		EXPECT_EQ(t, test_try(t, 1, 200, 0), -ENOMEM);
		/* Allocations pause after a sweep that got no memory. */
		msleep(30);
		test_fault(t, "fail_erase", TEST_NEVER);
		if (!test_alloc(t, 1, 200, 0, &pfn))
			return;
		EXPECT_EQ(t, pfn, 78);
		backlog = test_backlog(t);
		EXPECT_EQ(t, backlog.pending_ranges, 0);
		if (backlog.drained_by_alloc == 1)
			return;
		EXPECT_EQ(t, backlog.drained_by_worker, 1);
	}
	test_expect(t, false, "no allocation ever drained");
}

/* The backlog does not make allocations that find a gap try to erase. */
static void allocations_do_not_pay_for_the_backlog(struct test *t)
{
	struct iova_mt_backlog before, after;
	unsigned long pfn;
	u64 failed;
	unsigned int i;

	if (!test_take(t, 10, 1, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, TOP - 5, 0);
	before = test_backlog(t);
	failed = test_counter(t, "erase_failed");
	for (i = 0; i < 1000; i++)
		if (!test_alloc(t, 1, TOP, 0, &pfn))
			return;
	failed = test_counter(t, "erase_failed") - failed;
	after = test_backlog(t);
	EXPECT_EQ(t, after.pending_ranges, 1);
	/* One more: the worker may be between the two readings. */
	EXPECT(t, failed <= after.rounds - before.rounds + 1);
}

/* Who reads the backlog looks at entries, but does not sweep. */
static void a_reader_is_no_sweep(struct test *t)
{
	const unsigned int nr = 60, reads = 100;
	u64 entries, holds;
	unsigned int i;

	if (!test_take(t, nr, 2, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (i = 0; i < nr; i += 2)
		iova_mt_free(t->domain, TOP - 2 * i, 0);
	entries = test_counter(t, "sweep_entry");
	holds = test_counter(t, "sweep_hold");
	for (i = 0; i < reads; i++)
		EXPECT_EQ(t, test_backlog(t).pending_ranges, nr / 2);
	entries = test_counter(t, "sweep_entry") - entries;
	holds = test_counter(t, "sweep_hold") - holds;
	/* The worker comes meanwhile, and it gets as far as the first marker. */
	EXPECT(t, entries <= 2 * holds);
}

/* Nor do allocations that find none try each time. */
static void refusals_do_not_sweep_each_time(struct test *t)
{
	u64 failed;
	unsigned int i;
	unsigned long begin;

	if (!test_take(t, 100, 2, 200))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, 77, 0);
	begin = jiffies;
	failed = test_counter(t, "erase_failed");
	for (i = 0; i < 1000; i++)
		EXPECT_EQ(t, test_try(t, 1, 200, 0), -ENOMEM);
	failed = test_counter(t, "erase_failed") - failed;
	/* At most once in 5 ms, the worker included. */
	EXPECT(t, failed <= 3 + jiffies_to_msecs(jiffies - begin) / 5);
}

/* The wait after so many failed rounds. */
static u64 backoff_after(u64 rounds)
{
	u64 ms = jiffies_to_msecs(msecs_to_jiffies(10));

	while (rounds-- && ms < 1000)
		ms *= 2;
	return min(ms, 1000);
}

/* A round counts when it begins; its backoff is there when it has ended. */
static bool backoff_expect(struct test *t, u64 rounds_before)
{
	struct iova_mt_backlog backlog = test_backlog(t);
	u64 rounds = backlog.rounds - rounds_before;

	return test_expect(t, backlog.backoff_ms == backoff_after(rounds) ||
			   (rounds &&
			    backlog.backoff_ms == backoff_after(rounds - 1)),
			   "backoff is %llu ms in round %llu",
			   backlog.backoff_ms, rounds);
}

static void backoff_doubles_up_to_its_cap(struct test *t)
{
	unsigned int round;
	u64 rounds;

	if (!test_take(t, 2, 1, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, TOP, 0);
	for (round = 0; round <= 10; round++) {
		wait_rounds(t, round);
		if (!backoff_expect(t, 0))
			return;
	}
	EXPECT_EQ(t, test_backlog(t).backoff_ms, 1000);
	/* Success sets it back. */
	test_fault(t, "fail_erase", TEST_NEVER);
	if (!test_backlog_wait_empty(t))
		return;
	msleep(50);
	rounds = test_backlog(t).rounds;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, TOP - 1, 0);
	backoff_expect(t, rounds);
}

/* A warning after about ten rounds, one; another only after a recovery. */
static void one_warning_an_episode(struct test *t)
{
	unsigned int lines;
	char mark[32];
	u64 rounds;

	snprintf(mark, sizeof(mark), "domain %u: no memory", t->domain->id);
	if (!test_take(t, 3, 1, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, TOP, 0);
	wait_rounds(t, 5);
	lines = test_log_count(mark);
	EXPECT(t, !lines || test_backlog(t).rounds > 9);
	wait_rounds(t, 13);
	lines = test_log_count(mark);
	EXPECT_EQ(t, lines, 1);
	test_fault(t, "fail_erase", TEST_NEVER);
	if (!test_backlog_wait_empty(t))
		return;
	msleep(50);
	rounds = test_backlog(t).rounds;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, TOP - 1, 0);
	wait_rounds(t, rounds + 11);
	EXPECT_EQ(t, test_log_count(mark), 2);
}

static const struct test_case cases[] = {
	{ "P2: a sweep passes live ranges in short holds",
	  sweep_over_live_ranges_in_short_holds,
	  TEST_NEEDS_MAPLE | TEST_NEEDS_MARKER },
	{ "P2: an allocation sweeps with a budget",
	  allocation_sweeps_with_a_budget, TEST_NEEDS_MAPLE },
	{ "P2, P4: a trickle does not hold up a pass",
	  a_trickle_does_not_hold_up_a_pass,
	  TEST_NEEDS_MAPLE | TEST_NEEDS_MARKER },
	{ "P3: allocations do not pay for the backlog",
	  allocations_do_not_pay_for_the_backlog, TEST_NEEDS_MAPLE },
	{ "P3: refusals do not sweep each time",
	  refusals_do_not_sweep_each_time, TEST_NEEDS_MAPLE },
	{ "P4: an idle domain drains", an_idle_domain_drains,
	  TEST_NEEDS_BACKLOG },
	{ "R9: one warning an episode", one_warning_an_episode,
	  TEST_NEEDS_BACKLOG },
	{ "R36: who reads the backlog does not count as a sweep",
	  a_reader_is_no_sweep, TEST_NEEDS_MAPLE },
	{ "R10: the backoff doubles up to its cap",
	  backoff_doubles_up_to_its_cap, TEST_NEEDS_BACKLOG },
	{ "R17: adjacent ranges go in few stores",
	  adjacent_ranges_go_in_one_store,
	  TEST_NEEDS_MAPLE | TEST_NEEDS_MARKER },
	{ "R17: scattered ranges leave live ones alone",
	  scattered_ranges_leave_live_ones_alone, TEST_NEEDS_MAPLE },
	{ "R17: a run passes free pages", a_run_passes_free_pages,
	  TEST_NEEDS_MAPLE | TEST_NEEDS_MARKER },
	{ "a backlog at the end of all pfns drains",
	  a_backlog_at_the_end_of_all_pfns, TEST_NEEDS_BACKLOG },
	{ "S3: an allocation without a gap drains",
	  an_allocation_without_a_gap_drains, TEST_NEEDS_BACKLOG },
};

const struct test_suite suite_drain = {
	.name = "drain",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
