// SPDX-License-Identifier: GPL-2.0
/*
 * Deferral: frees that get no memory.
 *
 * Frees by pfn (size 0) never go to a cache, so that each is an erase.
 */
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include <iova_mt/fault.h>

#include "test_model.h"

#define ALIGNED		IOVA_MT_ALIGNED
#define CACHED		IOVA_MT_CACHED
#define FLUSH		IOVA_MT_FLUSH

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

/* --- Erases that fail ----------------------------------------------------- */

static void erase_with_interrupts_off(struct test *t)
{
	unsigned long switches, flags;
	struct iova_mt_backlog backlog;
	bool still_off = true;
	unsigned int i;

	if (!test_take(t, 100, 3, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	spin_lock_irqsave(&test_atomic, flags);
	switches = current->nvcsw + current->nivcsw;
	for (i = 0; i < 100; i++) {
		iova_mt_free(t->domain, TOP - 3 * i, 0);
		still_off &= irqs_disabled() != TEST_ON_RT;
	}
	switches = current->nvcsw + current->nivcsw - switches;
	spin_unlock_irqrestore(&test_atomic, flags);
	EXPECT(t, still_off);
	/* It can be preempted on PREEMPT_RT. */
	EXPECT(t, TEST_ON_RT || !switches);
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

	if (!test_take(t, 3, 48, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
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

	if (!test_take(t, 500, 2, 1000))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, 601, 0);
	iova_mt_free(t->domain, 603, 0);
	EXPECT_EQ(t, test_try(t, 1, 1000, 0), -ENOMEM);
	EXPECT_EQ(t, test_try(t, 3, 1000, 0), -ENOMEM);
	EXPECT_EQ(t, test_try(t, 4, 1000, 0), -ENOMEM);
	EXPECT_EQ(t, test_try(t, 1, 1000, ALIGNED | CACHED | FLUSH), -ENOMEM);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 2);
	EXPECT(t, test_is_taken(t, 600) && test_is_taken(t, 605));
	test_fault(t, "fail_erase", TEST_NEVER);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	if (test_alloc(t, 4, 1000, 0, &pfn))
		EXPECT_EQ(t, pfn, 601);
}

/* Whole, and where it suits: limit and alignment hold for it too. */
static void deferred_is_taken_over(struct test *t)
{
	struct iova_mt_range range;
	unsigned long pfn;

	if (!test_take(t, 500, 2, 1000))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
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
	test_fault(t, "fail_erase", TEST_NEVER);
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
	test_fault(t, "fail_erase", TEST_ALWAYS);
	test_fault(t, "fail_insert", TEST_ALWAYS);
	test_fault(t, "fail_magazine", TEST_ALWAYS);
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

	if (!test_take(t, 2000, 2, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
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
	if (!test_take(t, 6, 10, TOP))
		return false;
	test_fault(t, "fail_erase", TEST_NEVER);
	iova_mt_free(t->domain, TOP - 30, 0);
	test_fault(t, "fail_erase", TEST_ALWAYS);
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
	if (!test_take(t, 1, 30, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
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
		if (!test_domain(t, 1) || !test_take(t, nr, 2, TOP))
			return;
		if (!test_alloc(t, 4, TOP, ALIGNED | CACHED, &pfn))
			return;
		iova_mt_free(t->domain, pfn, 4);
		test_fault(t, "fail_erase", TEST_ALWAYS);
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
		if (!test_domain(t, 1) || !test_take(t, nr, 1, TOP))
			return;
		test_fault(t, "fail_erase", TEST_ALWAYS);
		for (i = 0; i < nr; i += 2)
			iova_mt_free(t->domain, TOP - i, 0);
		EXPECT_EQ(t, test_backlog(t).pending_ranges, nr / 2);
		test_fault(t, "fail_erase", TEST_NEVER);
		usleep_range(500 * round, 500 * round + 100);
		test_domain_destroy(t);
	}
}

static const struct test_case cases[] = {
	{ "fail each erase of a script in turn", each_erase_fails_once,
	  TEST_NEEDS_MAPLE },
	{ "fail each insert of a script in turn", each_insert_fails_once,
	  TEST_NEEDS_MAPLE },
	{ "fail each magazine of a script in turn", each_magazine_fails_once,
	  TEST_NEEDS_MAPLE },
	{ "B4: an erase with interrupts off", erase_with_interrupts_off,
	  TEST_NEEDS_BACKLOG },
	{ "B7: a reserve that fails changes nothing",
	  reserve_that_fails_changes_nothing, TEST_NEEDS_MARKER },
	{ "B7: reserve over live and deferred ranges",
	  reserve_over_live_and_deferred, TEST_NEEDS_MARKER },
	{ "B7: reserve inside of a deferred range",
	  reserve_inside_a_deferred_range, TEST_NEEDS_MARKER },
	{ "B8: teardown while the worker is due",
	  teardown_while_the_worker_is_due, TEST_NEEDS_BACKLOG },
	{ "B8: teardown while the worker drains",
	  teardown_while_the_worker_drains, TEST_NEEDS_BACKLOG },
	{ "B9: a deferred range is neither found nor freed again",
	  deferred_is_neither_found_nor_freed_again, TEST_NEEDS_BACKLOG },
	{ "R2, R30: a marker needs no memory", marker_needs_no_memory,
	  TEST_NEEDS_MAPLE | TEST_NEEDS_MARKER },
	{ "R3: a deferred range is not handed out",
	  deferred_is_not_handed_out, TEST_NEEDS_BACKLOG },
	{ "S4: a deferred range is taken over by its size",
	  deferred_is_taken_over, TEST_NEEDS_MAPLE },
	{ "S4: a steady load goes on without memory",
	  steady_load_without_memory, TEST_NEEDS_MAPLE },
};

const struct test_suite suite_deferral = {
	.name = "deferral",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
