// SPDX-License-Identifier: GPL-2.0
/*
 * Deferral: frees that get no memory, and what becomes of them.
 *
 * Frees by pfn (size 0) never go to a cache, so that each is an erase.
 */
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <iova_mt/fault.h>

#include "test_model.h"

#define ALIGNED		IOVA_MT_ALIGNED
#define CACHED		IOVA_MT_CACHED
#define FLUSH		IOVA_MT_FLUSH

#define ALWAYS		"1,100,0,-1"
#define NEVER		"1,0,0,-1"

#define TOP		0xffffUL

/* --- Fail the 1st, the 2nd, the 3rd ... ----------------------------------- */

#define SCRIPT_OPS	400
#define SCRIPT_PAGES	1024
#define MAX_NTH		2000

/* The same operations each time: drawn from a constant. */
static struct model *script_run(struct test *t, const char *point,
				unsigned int nth)
{
	struct model *model = model_create(t, 1, SCRIPT_PAGES, 4711);
	unsigned int i;
	char arg[32];

	if (!model)
		return NULL;
	snprintf(arg, sizeof(arg), "1,100,%u,1", nth);
	test_fault(t, point, arg);
	model->may_defer = !strcmp(point, "fail_erase");
	model->may_lack_memory = !strcmp(point, "fail_insert");
	for (i = 0; i < SCRIPT_OPS && !t->nr_failed; i++)
		model_op(model);
	model_verify(model);
	model_verify_backlog(model);
	return model;
}

/* Return: true when there was an nth time, so that there may be a next. */
static bool nth_run(struct test *t, const char *point, unsigned int nth)
{
	struct model *model = script_run(t, point, nth);
	s64 injected;

	if (!model)
		return false;
	injected = iova_mt_fault_injected(point);
	EXPECT(t, injected == 0 || injected == 1);
	if (!injected)
		EXPECT_EQ(t, test_backlog(t).total_deferred, 0);
	if (!injected || !model->may_lack_memory)
		EXPECT_EQ(t, model->no_memory, 0);
	/* Each second domain goes as it is. */
	if (nth % 2) {
		model_settle(model);
		model_verify(model);
	}
	if (t->nr_failed)
		test_diag("%s, number %u", point, nth);
	test_domain_destroy(t);
	model_destroy(model);
	return injected && !t->nr_failed;
}

static void each_fails_once(struct test *t, const char *point)
{
	unsigned int nth = 1;

	while (nth < MAX_NTH && nth_run(t, point, nth))
		nth++;
	test_diag("%s: %u runs", point, nth);
	EXPECT(t, nth > 1 && nth < MAX_NTH);
}

static void each_erase_fails_once(struct test *t)
{
	each_fails_once(t, "fail_erase");
}

static void each_insert_fails_once(struct test *t)
{
	each_fails_once(t, "fail_insert");
}

static void each_magazine_fails_once(struct test *t)
{
	each_fails_once(t, "fail_magazine");
}

/* --- Hints: no memory is not no space ------------------------------------- */

static void no_memory_is_not_remembered(struct test *t)
{
	unsigned long pfn = 4711;

	test_fault(t, "fail_insert", ALWAYS);
	EXPECT_EQ(t, iova_mt_alloc(t->domain, 8, TOP, 0, &pfn), -ENOMEM);
	EXPECT_EQ(t, pfn, 4711);
	EXPECT_EQ(t, test_try(t, 8, TOP, 0), -ENOMEM);
	EXPECT_EQ(t, test_try(t, 8, TOP, ALIGNED | CACHED | FLUSH), -ENOMEM);
	test_fault(t, "fail_insert", NEVER);
	if (test_alloc(t, 8, TOP, 0, &pfn))
		EXPECT_EQ(t, pfn, TOP - 7);
	if (test_alloc(t, 8, TOP, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, TOP - 15);
}

/* Full up to 255, but for six pages from 100: an aligned four is among them. */
static bool six_pages_left(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	for (i = 1; i < 256; i++)
		if (!test_alloc(t, 1, 255, 0, &pfn))
			return false;
	for (i = 100; i < 106; i++)
		iova_mt_free(t->domain, i, 0);
	return true;
}

static void refusals_do_not_poison_others(struct test *t)
{
	unsigned long pfn;

	if (!six_pages_left(t))
		return;
	EXPECT_EQ(t, test_try(t, 8, 255, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 8, 255, ALIGNED), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 4, 102, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 4, 102, ALIGNED), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 2, 100, ALIGNED), -ENOSPC);
	/* A smaller one, of the same order too; another limit; both. */
	EXPECT_EQ(t, test_try(t, 6, 255, 0), 0);
	EXPECT_EQ(t, test_try(t, 4, 255, ALIGNED), 0);
	EXPECT_EQ(t, test_try(t, 3, 102, 0), 0);
	EXPECT_EQ(t, test_try(t, 2, 101, ALIGNED), 0);
	EXPECT_EQ(t, test_try(t, 4, 103, ALIGNED), 0);
	if (test_alloc(t, 8, PFN_32BIT, 0, &pfn))
		EXPECT(t, pfn > 255);
	/* And what is refused rightly is, until there is room. */
	EXPECT_EQ(t, test_try(t, 8, 255, 0), -ENOSPC);
	iova_mt_free(t->domain, 106, 0);
	EXPECT_EQ(t, test_try(t, 8, 255, 0), -ENOSPC);
	iova_mt_free(t->domain, 107, 0);
	if (test_alloc(t, 8, 255, 0, &pfn))
		EXPECT_EQ(t, pfn, 100);
}

/* The same order, with sizes between two powers of two. */
static void refusals_are_by_size_not_by_order(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	if (!six_pages_left(t))
		return;
	for (i = 103; i < 106; i++)
		if (!test_alloc(t, 1, 105, 0, &pfn))
			return;
	for (i = 96; i < 100; i++)
		iova_mt_free(t->domain, i, 0);
	/* Seven pages from 96: 5 to 7 fit, aligned to 8. */
	EXPECT_EQ(t, test_try(t, 8, 255, ALIGNED), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 7, 101, ALIGNED), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 7, 102, ALIGNED), 0);
	EXPECT_EQ(t, test_try(t, 5, 101, ALIGNED), 0);
	EXPECT_EQ(t, test_try(t, 6, 255, ALIGNED), 0);
}

/* A search that finds room but no memory must not spoil a later one. */
static void no_memory_in_a_tight_space(struct test *t)
{
	unsigned long pfn;

	if (!six_pages_left(t))
		return;
	test_fault(t, "fail_insert", ALWAYS);
	EXPECT_EQ(t, test_try(t, 4, 255, ALIGNED), -ENOMEM);
	EXPECT_EQ(t, test_try(t, 6, 255, 0), -ENOMEM);
	EXPECT_EQ(t, test_try(t, 8, 255, 0), -ENOSPC);
	test_fault(t, "fail_insert", NEVER);
	if (test_alloc(t, 4, 255, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, 100);
	if (test_alloc(t, 2, 255, 0, &pfn))
		EXPECT_EQ(t, pfn, 104);
}

/* --- Erases that fail ----------------------------------------------------- */

/* Allocate one after the other, descending from @limit. */
static bool take(struct test *t, unsigned int nr, unsigned long size,
		 unsigned long limit)
{
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!test_alloc(t, size, limit, 0, &pfn) ||
		    !EXPECT_EQ(t, pfn, limit - (i + 1) * size + 1))
			return false;
	return true;
}

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

static void erase_with_interrupts_off(struct test *t)
{
	unsigned long switches, flags;
	struct iova_mt_backlog backlog;
	bool still_off = true;
	unsigned int i;

	if (!take(t, 100, 3, TOP))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	local_irq_save(flags);
	switches = current->nvcsw + current->nivcsw;
	for (i = 0; i < 100; i++) {
		iova_mt_free(t->domain, TOP - 3 * i, 0);
		still_off &= irqs_disabled();
	}
	switches = current->nvcsw + current->nivcsw - switches;
	local_irq_restore(flags);
	EXPECT(t, still_off);
	EXPECT_EQ(t, switches, 0);
	backlog = test_backlog(t);
	EXPECT_EQ(t, backlog.pending_ranges, 100);
	EXPECT_EQ(t, backlog.pending_pages, 300);
	EXPECT_EQ(t, backlog.total_deferred, 100);
	EXPECT_EQ(t, iova_mt_drain(t->domain), -ENOMEM);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 100);
	test_expect_clean(t);
}

static void deferred_is_neither_found_nor_freed_again(struct test *t)
{
	struct iova_mt_backlog before, after;
	struct iova_mt_range range;
	unsigned int nr;
	u64 listing;

	if (!take(t, 3, 48, TOP))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	iova_mt_free(t->domain, TOP - 50, 0);
	EXPECT_EQ(t, iova_mt_find(t->domain, TOP - 50, &range), -ENOENT);
	EXPECT_EQ(t, iova_mt_find(t->domain, TOP - 95, &range), -ENOENT);
	before = test_backlog(t);
	listing = test_listing_hash(t, &nr);
	EXPECT_EQ(t, nr, 3);
	EXPECT_EQ(t, before.pending_pages, 48);
	iova_mt_free(t->domain, TOP - 50, 0);
	iova_mt_free(t->domain, TOP - 95, 0);
	iova_mt_free(t->domain, TOP - 95, 48);
	after = test_backlog(t);
	EXPECT_EQ(t, after.pending_ranges, before.pending_ranges);
	EXPECT_EQ(t, after.pending_pages, before.pending_pages);
	EXPECT_EQ(t, after.total_deferred, before.total_deferred);
	EXPECT(t, test_listing_hash(t, &nr) == listing);
	EXPECT(t, test_is_taken(t, TOP) && test_is_taken(t, TOP - 96));
}

/* Not in part, that is, and not without an erase. */
static void deferred_is_not_handed_out(struct test *t)
{
	unsigned long pfn;

	if (!take(t, 500, 2, 1000))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	iova_mt_free(t->domain, 601, 0);
	iova_mt_free(t->domain, 603, 0);
	EXPECT_EQ(t, test_try(t, 1, 1000, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 3, 1000, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 4, 1000, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 1, 1000, ALIGNED | CACHED | FLUSH), -ENOSPC);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 2);
	EXPECT(t, test_is_taken(t, 600) && test_is_taken(t, 605));
	test_fault(t, "fail_erase", NEVER);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	if (test_alloc(t, 4, 1000, 0, &pfn))
		EXPECT_EQ(t, pfn, 601);
}

/* Whole, and where it suits: limit and alignment hold for it too. */
static void deferred_is_taken_over(struct test *t)
{
	struct iova_mt_range range;
	unsigned long pfn;

	if (!take(t, 500, 2, 1000))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	iova_mt_free(t->domain, 601, 0);
	EXPECT_EQ(t, test_try(t, 2, 601, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 2, 1000, ALIGNED), -ENOSPC);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 1);
	if (test_alloc(t, 2, 602, 0, &pfn))
		EXPECT_EQ(t, pfn, 601);
	EXPECT(t, !iova_mt_find(t->domain, 602, &range) &&
	       range.first == 601 && range.last == 602 &&
	       range.state == IOVA_MT_LIVE);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
	EXPECT_EQ(t, test_backlog(t).pending_pages, 0);
	EXPECT_EQ(t, test_backlog(t).taken_over, 1);
	EXPECT_EQ(t, test_try(t, 2, 1000, 0), -ENOSPC);
	/* And again, and this time it is erased in the end. */
	iova_mt_free(t->domain, 601, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 1);
	test_fault(t, "fail_erase", NEVER);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	EXPECT(t, !test_is_taken(t, 601));
}

/* A steady load that once had memory goes on without any. */
static void steady_load_without_memory(struct test *t)
{
	static const unsigned int sizes[] = { 1, 2, 3, 7, 16, 33, 64, 100 };
	unsigned long pfns[ARRAY_SIZE(sizes)];
	unsigned int round, i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (!test_alloc(t, sizes[i], TOP, ALIGNED, &pfns[i]))
			return;
	test_fault(t, "fail_erase", ALWAYS);
	test_fault(t, "fail_insert", ALWAYS);
	test_fault(t, "fail_magazine", ALWAYS);
	for (round = 0; round < 200; round++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			iova_mt_free(t->domain, pfns[i], sizes[i]);
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			if (!test_alloc(t, sizes[i], TOP, ALIGNED | CACHED,
					&pfns[i]))
				return;
	}
	EXPECT_EQ(t, test_backlog(t).taken_over, 200 * ARRAY_SIZE(sizes));
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
	EXPECT_EQ(t, test_counter(t, "swap_failed"), 0);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		iova_mt_free(t->domain, pfns[i], 0);
	test_expect_clean(t);
}

/* The store of the marker never fails, however many erases do. */
static void marker_needs_no_memory(struct test *t)
{
	unsigned int i;

	if (!take(t, 2000, 2, TOP))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	for (i = 0; i < 2000; i++)
		iova_mt_free(t->domain, TOP - 2 * i, 0);
	EXPECT_EQ(t, test_counter(t, "swap"), 2000);
	EXPECT_EQ(t, test_counter(t, "swap_failed"), 0);
	EXPECT_EQ(t, test_backlog(t).pending_pages, 4000);
	test_expect_clean(t);
	EXPECT_EQ(t, test_counter(t, "swap_failed"), 0);
}

/* --- Reserve -------------------------------------------------------------- */

static unsigned long reserved_pages(struct test *t)
{
	struct iova_mt_range range;
	unsigned long from = 0, pages = 0;

	while (!t->domain->ops->next(t->domain, from, &range)) {
		if (range.state == IOVA_MT_RESERVED)
			pages += range.last - range.first + 1;
		from = range.last + 1;
	}
	return pages;
}

/* From the top: live, deferred, live, free, live, deferred; ten pages each. */
static bool patchwork(struct test *t)
{
	if (!take(t, 6, 10, TOP))
		return false;
	test_fault(t, "fail_erase", NEVER);
	iova_mt_free(t->domain, TOP - 30, 0);
	test_fault(t, "fail_erase", ALWAYS);
	iova_mt_free(t->domain, TOP - 10, 0);
	iova_mt_free(t->domain, TOP - 50, 0);
	return EXPECT_EQ(t, test_backlog(t).pending_ranges, 2);
}

static void patchwork_live_expect(struct test *t)
{
	static const unsigned int tops[] = { 0, 20, 40 };
	struct iova_mt_range range;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tops); i++)
		EXPECT(t, !iova_mt_find(t->domain, TOP - tops[i], &range) &&
		       range.last == TOP - tops[i] &&
		       range.first == TOP - tops[i] - 9 &&
		       range.state == IOVA_MT_LIVE);
}

/* Whatever store of it fails, nothing stays reserved and nothing is lost. */
static void reserve_that_fails_changes_nothing(struct test *t)
{
	unsigned int nth, nr;
	char arg[32];
	u64 listing;
	int ret;

	for (nth = 1; nth < 100; nth++) {
		if (!test_domain(t, 1) || !patchwork(t))
			return;
		listing = test_listing_hash(t, &nr);
		snprintf(arg, sizeof(arg), "1,100,%u,1", nth);
		test_fault(t, "fail_insert", arg);
		ret = iova_mt_reserve(t->domain, TOP - 54, TOP - 5);
		if (!iova_mt_fault_injected("fail_insert"))
			break;
		EXPECT_EQ(t, ret, -ENOMEM);
		if (nth == 1)
			EXPECT(t, listing == test_listing_hash(t, &nr));
		EXPECT_EQ(t, reserved_pages(t), 0);
		patchwork_live_expect(t);
		test_faults_off();
		EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
		test_listing_hash(t, &nr);
		EXPECT_EQ(t, nr, 3);
	}
	EXPECT_EQ(t, ret, 0);
	EXPECT(t, nth > 2);
}

static void reserve_over_live_and_deferred(struct test *t)
{
	struct iova_mt_range range;
	unsigned int i, nr;

	if (!patchwork(t))
		return;
	/* The last marker only in part: the five pages above are reserved. */
	EXPECT_EQ(t, iova_mt_reserve(t->domain, TOP - 54, TOP - 5), 0);
	patchwork_live_expect(t);
	for (i = 10; i < 20; i++)
		EXPECT(t, !iova_mt_find(t->domain, TOP - i, &range) &&
		       range.state == IOVA_MT_RESERVED);
	EXPECT_EQ(t, reserved_pages(t), 10 + 10 + 5);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 1);
	EXPECT_EQ(t, test_backlog(t).pending_pages, 5);
	for (i = 55; i < 60; i++)
		EXPECT(t, !test_is_taken(t, TOP - i));
	test_faults_off();
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	EXPECT_EQ(t, reserved_pages(t), 25);
	patchwork_live_expect(t);
	for (i = 0; i <= 40; i += 20)
		iova_mt_free(t->domain, TOP - i, 0);
	EXPECT_EQ(t, reserved_pages(t), 25);
	test_listing_hash(t, &nr);
	EXPECT(t, nr >= 3);
}

/* A reservation in the middle of a marker leaves two of them. */
static void reserve_inside_a_deferred_range(struct test *t)
{
	if (!take(t, 1, 30, TOP))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	iova_mt_free(t->domain, TOP, 0);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, TOP - 19, TOP - 10), 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 2);
	EXPECT_EQ(t, test_backlog(t).pending_pages, 20);
	EXPECT_EQ(t, reserved_pages(t), 10);
	test_faults_off();
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	EXPECT_EQ(t, test_backlog(t).pending_pages, 0);
	EXPECT_EQ(t, reserved_pages(t), 10);
}

/* --- Teardown ------------------------------------------------------------- */

/*
 * Deferred, live and cached ranges, and a worker that is due or running. The
 * program around this knows how many ranges are discarded here.
 */
static void teardown_while_the_worker_is_due(struct test *t)
{
	const unsigned int rounds = 60, nr = 64;
	unsigned long pfn;
	unsigned int round, i;

	for (round = 0; round < rounds; round++) {
		if (!test_domain(t, 1) || !take(t, nr, 2, TOP))
			return;
		if (!test_alloc(t, 4, TOP, ALIGNED | CACHED, &pfn))
			return;
		iova_mt_free(t->domain, pfn, 4);
		test_fault(t, "fail_erase", ALWAYS);
		for (i = 0; i < nr; i += 2)
			iova_mt_free(t->domain, TOP - 2 * i, 0);
		EXPECT_EQ(t, test_backlog(t).pending_ranges, nr / 2);
		/* The worker is due after 10 ms: before, at, and after that. */
		usleep_range(1000 * (round % 20), 1000 * (round % 20) + 100);
		test_domain_destroy(t);
	}
	test_diag("ranges discarded: %u", rounds * nr / 2);
}

/* The worker makes progress when the domain goes. */
static void teardown_while_the_worker_drains(struct test *t)
{
	const unsigned int rounds = 40, nr = 1000;
	unsigned int round, i;

	for (round = 0; round < rounds; round++) {
		if (!test_domain(t, 1) || !take(t, nr, 1, TOP))
			return;
		test_fault(t, "fail_erase", ALWAYS);
		for (i = 0; i < nr; i += 2)
			iova_mt_free(t->domain, TOP - i, 0);
		EXPECT_EQ(t, test_backlog(t).pending_ranges, nr / 2);
		test_fault(t, "fail_erase", NEVER);
		usleep_range(500 * round, 500 * round + 100);
		test_domain_destroy(t);
	}
}

/* --- Sweeps --------------------------------------------------------------- */

#define MANY		100000U

/* Many ranges of two pages, up to pfn 2 * MANY. */
static bool take_many(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		if (!test_alloc(t, 2, 2 * MANY, 0, &pfn))
			return false;
		if (i % 1024 == 0)
			cond_resched();
	}
	return true;
}

/*
 * Markers at the two ends of a space full of live ranges: a sweep passes all of
 * them, a bounded number in a lock hold.
 */
static void sweep_over_live_ranges_in_short_holds(struct test *t)
{
	u64 holds, entries;

	if (!take_many(t))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	iova_mt_free(t->domain, 1, 0);
	iova_mt_free(t->domain, 2 * MANY, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 2);
	holds = test_counter(t, "sweep_hold");
	entries = test_counter(t, "sweep_entry");
	test_fault(t, "fail_erase", NEVER);
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

	if (!take_many(t))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	iova_mt_free(t->domain, MANY, 0);
	iova_mt_free(t->domain, 2 * MANY, 0);
	/* The worker is far away once it has waited for its longest time. */
	wait_backoff(t, 500);
	msleep(30);
	test_fault(t, "fail_erase", NEVER);
	entries = test_counter(t, "sweep_entry");
	iova_mt_alloc(t->domain, 1, 2 * MANY, 0, &pfn);
	entries = test_counter(t, "sweep_entry") - entries;
	test_diag("an allocation without a gap looked at %llu entries", entries);
	EXPECT(t, entries > 0 || test_backlog(t).drained_by_worker);
	EXPECT(t, entries <= MANY / 10 || test_backlog(t).drained_by_worker);
	EXPECT(t, test_backlog_wait_empty(t));
}

static void adjacent_ranges_go_in_one_store(struct test *t)
{
	const unsigned int nr = 600;
	struct iova_mt_backlog backlog;
	unsigned int i;
	u64 stores;

	if (!take(t, nr, 3, TOP))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	for (i = 0; i < nr; i++)
		iova_mt_free(t->domain, TOP - 3 * i, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, nr);
	stores = test_counter(t, "sweep_store");
	EXPECT_EQ(t, stores, 0);
	test_fault(t, "fail_erase", NEVER);
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

	if (!take(t, nr, 2, TOP))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	for (i = 0; i < nr; i += 3)
		iova_mt_free(t->domain, TOP - 2 * i, 0);
	test_fault(t, "fail_erase", NEVER);
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

	if (!take(t, nr, 2, TOP))
		return;
	for (i = 0; i < nr; i += 2)
		iova_mt_free(t->domain, TOP - 2 * i, 0);
	test_fault(t, "fail_erase", ALWAYS);
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
		test_fault(t, "fail_erase", ALWAYS);
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

	if (!take(t, 100, 5, TOP))
		return;
	test_fault(t, "fail_erase", ALWAYS);
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
	test_fault(t, "fail_erase", NEVER);
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
		if (!test_domain(t, 1) || !take(t, 100, 2, 200))
			return;
		test_fault(t, "fail_erase", ALWAYS);
		iova_mt_free(t->domain, 77, 0);
		wait_backoff(t, 500);
		EXPECT_EQ(t, test_try(t, 1, 200, 0), -ENOSPC);
		/* Allocations pause after a sweep that got no memory. */
		msleep(30);
		test_fault(t, "fail_erase", NEVER);
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

	if (!take(t, 10, 1, TOP))
		return;
	test_fault(t, "fail_erase", ALWAYS);
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

/* Nor do allocations that find none try each time. */
static void refusals_do_not_sweep_each_time(struct test *t)
{
	u64 failed;
	unsigned int i;
	unsigned long begin;

	if (!take(t, 100, 2, 200))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	iova_mt_free(t->domain, 77, 0);
	begin = jiffies;
	failed = test_counter(t, "erase_failed");
	for (i = 0; i < 1000; i++)
		EXPECT_EQ(t, test_try(t, 1, 200, 0), -ENOSPC);
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

	if (!take(t, 2, 1, TOP))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	iova_mt_free(t->domain, TOP, 0);
	for (round = 0; round <= 10; round++) {
		wait_rounds(t, round);
		if (!backoff_expect(t, 0))
			return;
	}
	EXPECT_EQ(t, test_backlog(t).backoff_ms, 1000);
	/* Success sets it back. */
	test_fault(t, "fail_erase", NEVER);
	if (!test_backlog_wait_empty(t))
		return;
	msleep(50);
	rounds = test_backlog(t).rounds;
	test_fault(t, "fail_erase", ALWAYS);
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
	if (!take(t, 3, 1, TOP))
		return;
	test_fault(t, "fail_erase", ALWAYS);
	iova_mt_free(t->domain, TOP, 0);
	wait_rounds(t, 5);
	lines = test_log_count(mark);
	EXPECT(t, !lines || test_backlog(t).rounds > 9);
	wait_rounds(t, 13);
	lines = test_log_count(mark);
	EXPECT_EQ(t, lines, 1);
	test_fault(t, "fail_erase", NEVER);
	if (!test_backlog_wait_empty(t))
		return;
	msleep(50);
	rounds = test_backlog(t).rounds;
	test_fault(t, "fail_erase", ALWAYS);
	iova_mt_free(t->domain, TOP - 1, 0);
	wait_rounds(t, rounds + 11);
	EXPECT_EQ(t, test_log_count(mark), 2);
}

/* --- Search --------------------------------------------------------------- */

/*
 * For each order one exactly aligned hole of the very size, below as many that
 * are of that size but not aligned, in a space that has nothing else.
 */
static void exactly_aligned_hole_order(struct test *t, unsigned int order)
{
	const unsigned long size = 1UL << order, limit = 256 * size - 1;
	unsigned long hole = 16 * size, pfn, at;

	if (!test_domain(t, 1))
		return;
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 1, hole - 1), 0);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, hole + size, 18 * size), 0);
	for (at = 18 * size + 1; at + size <= limit && size > 1; at += 3 * size)
		EXPECT_EQ(t, iova_mt_reserve(t->domain, at + size,
					     min(limit, at + 3 * size - 1)), 0);
	if (size == 1)
		EXPECT_EQ(t, iova_mt_reserve(t->domain, 18, limit), 0);
	if (test_alloc(t, size, limit, ALIGNED, &pfn))
		test_expect(t, pfn == hole, "order %u: %#lx, not %#lx", order,
			    pfn, hole);
	EXPECT_EQ(t, test_try(t, size, limit, ALIGNED), -ENOSPC);
	iova_mt_free(t->domain, pfn, 0);
	if (test_alloc(t, size, limit, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, hole);
}

static void exactly_aligned_hole_is_found(struct test *t)
{
	unsigned int order;

	for (order = 0; order <= 9; order++)
		exactly_aligned_hole_order(t, order);
}

/* Many gaps that look right and are not: no lock hold looks at all of them. */
static void failing_search_in_short_holds(struct test *t)
{
	const unsigned int gaps = 20000;
	u64 looked, pauses;
	unsigned long pfn;
	unsigned int i;

	/* Two free, two taken, the free ones at odd pfns. */
	if (!take(t, 2 * gaps, 2, 4 * gaps))
		return;
	for (i = 0; i < 2 * gaps; i += 2)
		iova_mt_free(t->domain, 4 * gaps - 2 * i, 0);
	looked = test_counter(t, "search_gap");
	pauses = test_counter(t, "search_pause");
	EXPECT_EQ(t, test_try(t, 2, 4 * gaps, ALIGNED), -ENOSPC);
	looked = test_counter(t, "search_gap") - looked;
	pauses = test_counter(t, "search_pause") - pauses;
	test_diag("a failing search looked at %llu of %u gaps in %llu lock holds",
		  looked, gaps, pauses + 1);
	EXPECT(t, looked <= 128 * (pauses + 1));
	/* Remembered: the same question is answered without a search. */
	looked = test_counter(t, "search_gap");
	EXPECT_EQ(t, test_try(t, 2, 4 * gaps, ALIGNED), -ENOSPC);
	EXPECT_EQ(t, test_counter(t, "search_gap"), looked);
	if (test_alloc(t, 2, 4 * gaps, 0, &pfn))
		EXPECT_EQ(t, pfn, 4 * gaps - 1);
}

static const struct test_case cases[] = {
	{ "fail each erase of a script in turn", each_erase_fails_once,
	  TEST_NEEDS_MAPLE },
	{ "fail each insert of a script in turn", each_insert_fails_once,
	  TEST_NEEDS_MAPLE },
	{ "fail each magazine of a script in turn", each_magazine_fails_once,
	  TEST_NEEDS_MAPLE },
	{ "B1: no memory is not remembered as no space",
	  no_memory_is_not_remembered, TEST_NEEDS_MAPLE },
	{ "B1: a refusal does not poison other sizes and limits",
	  refusals_do_not_poison_others, TEST_NEEDS_MAPLE },
	{ "B1: nor other sizes of the same order",
	  refusals_are_by_size_not_by_order, TEST_NEEDS_MAPLE },
	{ "B1: no memory in a tight space", no_memory_in_a_tight_space,
	  TEST_NEEDS_MAPLE },
	{ "B4: an erase with interrupts off", erase_with_interrupts_off,
	  TEST_NEEDS_BACKLOG },
	{ "B7: a reserve that fails changes nothing",
	  reserve_that_fails_changes_nothing, TEST_NEEDS_BACKLOG },
	{ "B7: reserve over live and deferred ranges",
	  reserve_over_live_and_deferred, TEST_NEEDS_BACKLOG },
	{ "B7: reserve inside of a deferred range",
	  reserve_inside_a_deferred_range, TEST_NEEDS_BACKLOG },
	{ "B8: teardown while the worker is due",
	  teardown_while_the_worker_is_due, TEST_NEEDS_BACKLOG },
	{ "B8: teardown while the worker drains",
	  teardown_while_the_worker_drains, TEST_NEEDS_BACKLOG },
	{ "B9: a deferred range is neither found nor freed again",
	  deferred_is_neither_found_nor_freed_again, TEST_NEEDS_BACKLOG },
	{ "P1: an exactly aligned hole is found",
	  exactly_aligned_hole_is_found },
	{ "P2: a sweep passes live ranges in short holds",
	  sweep_over_live_ranges_in_short_holds, TEST_NEEDS_MAPLE },
	{ "P2: an allocation sweeps with a budget",
	  allocation_sweeps_with_a_budget, TEST_NEEDS_MAPLE },
	{ "P3: allocations do not pay for the backlog",
	  allocations_do_not_pay_for_the_backlog, TEST_NEEDS_MAPLE },
	{ "P3: refusals do not sweep each time",
	  refusals_do_not_sweep_each_time, TEST_NEEDS_MAPLE },
	{ "P4: an idle domain drains", an_idle_domain_drains,
	  TEST_NEEDS_BACKLOG },
	{ "R2: a marker needs no memory", marker_needs_no_memory,
	  TEST_NEEDS_MAPLE },
	{ "R3: a deferred range is not handed out",
	  deferred_is_not_handed_out, TEST_NEEDS_BACKLOG },
	{ "R9: one warning an episode", one_warning_an_episode,
	  TEST_NEEDS_BACKLOG },
	{ "R10: the backoff doubles up to its cap",
	  backoff_doubles_up_to_its_cap, TEST_NEEDS_BACKLOG },
	{ "R17: adjacent ranges go in few stores",
	  adjacent_ranges_go_in_one_store, TEST_NEEDS_MAPLE },
	{ "R17: scattered ranges leave live ones alone",
	  scattered_ranges_leave_live_ones_alone, TEST_NEEDS_MAPLE },
	{ "R17: a run passes free pages", a_run_passes_free_pages,
	  TEST_NEEDS_MAPLE },
	{ "a backlog at the end of all pfns drains",
	  a_backlog_at_the_end_of_all_pfns, TEST_NEEDS_BACKLOG },
	{ "S4: a deferred range is taken over by its size",
	  deferred_is_taken_over, TEST_NEEDS_MAPLE },
	{ "S4: a steady load goes on without memory",
	  steady_load_without_memory, TEST_NEEDS_MAPLE },
	{ "S3: an allocation without a gap drains",
	  an_allocation_without_a_gap_drains, TEST_NEEDS_BACKLOG },
	{ "N1: a failing search in short holds",
	  failing_search_in_short_holds, TEST_NEEDS_MAPLE },
};

const struct test_suite suite_deferral = {
	.name = "deferral",
	.allocators = test_allocators_maple,
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
