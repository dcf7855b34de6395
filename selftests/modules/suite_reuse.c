// SPDX-License-Identifier: GPL-2.0
/*
 * Reuse: what a deferred range is handed out again for, what a search for one
 * costs, and what must not come out of where it was.
 */
#include <linux/kernel.h>

#include <iova_mt/fault.h>

#include "test.h"

#define TOP		0xffffUL
#define MANY		20000U

/* An allocation looks at so many entries before it gives up. */
#define BUDGET		300

/*
 * A full space with a marker at each end: every refusal would walk all the live
 * ranges between them for a deferred one of its size.
 */
static void refusal_searches_with_a_budget(struct test *t)
{
	unsigned int i;
	u64 before;

	if (!test_take(t, MANY, 1, MANY))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, 1, 0);
	iova_mt_free(t->domain, MANY, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 2);
	for (i = 0; i < 10; i++) {
		before = test_counter(t, "take_entry");
		EXPECT_EQ(t, test_try(t, 2, MANY, IOVA_MT_ALIGNED), -ENOSPC);
		EXPECT(t, test_counter(t, "take_entry") - before <= BUDGET);
	}
	EXPECT(t, test_counter(t, "take_entry"));
}

/* With a budget a search goes on where the last one ended, and gets round. */
static void searches_get_round(struct test *t)
{
	const unsigned int tries = 2 * MANY / 64;
	unsigned long pfn;
	unsigned int i;
	int ret = -ENOSPC;

	if (!test_take(t, MANY, 1, MANY))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	/* The middle one, and then another that is remembered instead of it. */
	iova_mt_free(t->domain, MANY / 2, 0);
	iova_mt_free(t->domain, 1, 0);
	if (test_alloc(t, 1, MANY, 0, &pfn))
		EXPECT_EQ(t, pfn, 1);
	EXPECT_EQ(t, test_backlog(t).taken_over, 1);
	for (i = 0; i < tries && ret; i++)
		ret = iova_mt_alloc(t->domain, 1, MANY, 0, &pfn);
	EXPECT_EQ(t, ret, 0);
	EXPECT_EQ(t, pfn, MANY / 2);
	EXPECT_EQ(t, test_backlog(t).taken_over, 2);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
}

/* A reserved range may lie below the first pfn, and be freed there. */
static void nothing_below_start_pfn_is_taken_over(struct test *t)
{
	if (!test_domain(t, 0x100))
		return;
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 0x10, 0x1f), 0);
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, 0x10, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 1);
	test_fault(t, "fail_insert", TEST_ALWAYS);
	EXPECT_EQ(t, test_try(t, 16, TOP, 0), -ENOMEM);
	EXPECT_EQ(t, test_backlog(t).taken_over, 0);
}

/* A cached range is nobody's, although it looks live. */
static void reserve_empties_the_caches(struct test *t)
{
	unsigned long pfn;

	if (!test_domain(t, 1) ||
	    !test_alloc(t, 1, 0xfff, IOVA_MT_ALIGNED | IOVA_MT_CACHED, &pfn))
		return;
	EXPECT_EQ(t, pfn, 0xfff);
	iova_mt_free(t->domain, pfn, 1);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 0x800, 0xfff), 0);
	if (test_alloc(t, 1, 0xfff, IOVA_MT_ALIGNED | IOVA_MT_CACHED, &pfn))
		EXPECT_EQ(t, pfn, 0x7ff);
}

static const struct test_case cases[] = {
	{ "P3: a refusal searches the backlog with a budget",
	  refusal_searches_with_a_budget, TEST_NEEDS_MAPLE },
	{ "S4: searches of the backlog get round", searches_get_round,
	  TEST_NEEDS_BACKLOG },
	{ "S4: nothing below the first pfn is taken over",
	  nothing_below_start_pfn_is_taken_over, TEST_NEEDS_BACKLOG },
	{ "reserve empties the caches", reserve_empties_the_caches,
	  TEST_NEEDS_BACKLOG },
};

const struct test_suite suite_reuse = {
	.name = "reuse",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
