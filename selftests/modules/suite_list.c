// SPDX-License-Identifier: GPL-2.0
/*
 * Deferral by list: what the posted series got wrong with it, and what only it
 * does.
 */
#include <linux/kernel.h>

#include <iova_mt/fault.h>

#include "test.h"

#define TOP	0xffffUL
#define NR	1000U

static bool defer(struct test *t, unsigned long pfn)
{
	u64 before = test_backlog(t).pending_ranges;

	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, pfn, 0);
	return EXPECT_EQ(t, test_backlog(t).pending_ranges, before + 1);
}

/* The entry stays what it is: nothing is stored, the address is not given out. */
static void deferring_stores_nothing(struct test *t)
{
	struct iova_mt_range range;
	unsigned long pfn;
	unsigned int i;

	if (!test_take(t, NR, 1, TOP))
		return;
	for (i = 0; i < NR; i++)
		if (!defer(t, TOP - i))
			return;
	EXPECT_EQ(t, test_counter(t, "swap"), 0);
	EXPECT_EQ(t, test_counter(t, "erase"), 0);
	EXPECT(t, !t->domain->ops->next(t->domain, TOP, &range) &&
	       range.state == IOVA_MT_DEFERRED);
	if (test_alloc(t, 2, TOP, 0, &pfn))
		EXPECT_EQ(t, pfn, TOP - NR - 1);
	test_faults_off();
	iova_mt_free(t->domain, pfn, 0);
	test_expect_clean(t);
}

/*
 * A record that is still on the list may be live again, be deferred again, or
 * have left the tree. It is on the list once, and is erased and freed once.
 */
static void a_record_is_queued_once(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	if (!test_take(t, 3, 4, TOP))
		return;
	for (i = 0; i < 3; i++)
		if (!defer(t, TOP - 4 * i))
			return;
	test_fault(t, "fail_insert", TEST_ALWAYS);
	/* All are taken over. One stays, one is erased, one is deferred again. */
	for (i = 0; i < 3; i++)
		if (!test_alloc(t, 4, TOP, 0, &pfn))
			return;
	EXPECT_EQ(t, test_backlog(t).taken_over, 3);
	if (!defer(t, TOP))
		return;
	test_faults_off();
	iova_mt_free(t->domain, TOP - 4, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 1);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	EXPECT_EQ(t, test_backlog(t).drained_by_request, 1);
	EXPECT(t, !test_is_taken(t, TOP));
	EXPECT(t, !test_is_taken(t, TOP - 4));
	EXPECT(t, test_is_taken(t, TOP - 8));
	iova_mt_free(t->domain, TOP - 8, 0);
	test_expect_clean(t);
}

/* A record is for a whole range, so a part of one cannot become reserved. */
static void reserve_over_deferred_needs_the_erase(struct test *t)
{
	struct iova_mt_range range;

	if (!test_take(t, 1, 30, TOP) || !defer(t, TOP))
		return;
	EXPECT_EQ(t, iova_mt_reserve(t->domain, TOP - 19, TOP - 10), -ENOMEM);
	EXPECT_EQ(t, test_backlog(t).pending_pages, 30);
	test_faults_off();
	EXPECT_EQ(t, iova_mt_reserve(t->domain, TOP - 19, TOP - 10), 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
	EXPECT(t, !iova_mt_find(t->domain, TOP - 12, &range) &&
	       range.first == TOP - 19 && range.last == TOP - 10 &&
	       range.state == IOVA_MT_RESERVED);
	EXPECT(t, !test_is_taken(t, TOP));
	iova_mt_free(t->domain, TOP - 12, 0);
	test_expect_clean(t);
}

/* Without memory for a record there is no range, but a deferred one will do. */
static void records_that_cannot_be_had(struct test *t)
{
	unsigned long pfn;

	if (!test_take(t, 1, 8, TOP) || !defer(t, TOP))
		return;
	test_fault(t, "fail_object", TEST_ALWAYS);
	EXPECT_EQ(t, test_try(t, 4, TOP, 0), -ENOMEM);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 1, 10), -ENOMEM);
	if (test_alloc(t, 8, TOP, 0, &pfn))
		EXPECT_EQ(t, pfn, TOP - 7);
	test_faults_off();
	iova_mt_free(t->domain, TOP, 0);
	test_expect_clean(t);
}

/* What is on the list, off it, and live, all goes with the domain, once. */
static void teardown_in_every_state(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	if (!test_take(t, NR, 1, TOP))
		return;
	for (i = 0; i < NR; i += 2)
		if (!defer(t, TOP - i))
			return;
	test_fault(t, "fail_insert", TEST_ALWAYS);
	for (i = 0; i < NR / 8; i++)
		if (!test_alloc(t, 1, TOP, 0, &pfn))
			return;
	/* In the tree no more, but on the list. */
	test_faults_off();
	for (i = 0; i < NR; i += 4)
		iova_mt_free(t->domain, TOP - i, 0);
	test_fault(t, "fail_erase", TEST_ALWAYS);
	test_domain_destroy(t);
}

#define NEEDS	(TEST_NEEDS_MAPLE | TEST_NEEDS_RECORD)

static const struct test_case cases[] = {
	{ "S1: deferring stores nothing", deferring_stores_nothing, NEEDS },
	{ "S1, B9: a record is queued once", a_record_is_queued_once, NEEDS },
	{ "S1: reserve over a deferred range needs its erase",
	  reserve_over_deferred_needs_the_erase, NEEDS },
	{ "S1, S4: records that cannot be had", records_that_cannot_be_had,
	  NEEDS },
	{ "S1, B8: teardown with records in every state",
	  teardown_in_every_state, NEEDS },
};

const struct test_suite suite_list = {
	.name = "list",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
