// SPDX-License-Identifier: GPL-2.0
/*
 * Reuse: what a deferred range is handed out again for, what a search for one
 * costs, and what must not come out of where it was.
 */
#include <linux/delay.h>
#include <linux/kernel.h>

#include <iova_mt/fault.h>

#include "test.h"

#define TOP		0xffffUL
#define MANY		20000U

/* So many of about one size are remembered; see IOVA_MT_RECENT. */
#define REMEMBERED	32U

/* An allocation looks at so many entries before it gives up. */
#define BUDGET		300
/* And one that might have had room, had there been memory, at so many. */
#define STARVED_BUDGET	(BUDGET + 128 * 64)

/*
 * Entries that an allocation of @size looked at in vain. @starved: a sweep, its
 * own or the worker's, got no memory meanwhile.
 */
static u64 entries_of_refusal(struct test *t, unsigned long size, bool *starved)
{
	u64 entries, retries;

	retries = test_backlog(t).retries;
	entries = test_counter(t, "reuse_entry");
	EXPECT_EQ(t, test_try(t, size, MANY, IOVA_MT_ALIGNED), -ENOSPC);
	entries = test_counter(t, "reuse_entry") - entries;
	*starved = test_backlog(t).retries != retries;
	return entries;
}

/*
 * A full space with a marker at each end: every refusal would walk all the live
 * ranges between them for a deferred one of its size.
 */
static void refusal_searches_with_a_budget(struct test *t)
{
	unsigned int i;
	bool starved;
	u64 entries;

	if (!test_take(t, MANY, 1, MANY))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, 1, 0);
	iova_mt_free(t->domain, MANY, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 2);
	for (i = 0; i < 10; i++) {
		entries = entries_of_refusal(t, 2, &starved);
		EXPECT(t, entries <= (starved ? STARVED_BUDGET : BUDGET));
	}
	EXPECT(t, test_counter(t, "reuse_entry"));
}

/* Too large to be remembered. */
#define LARGE		4096U
/* More than a refusal looks at in all tries, less than one without memory. */
#define BETWEEN		6000U

/*
 * There is no gap, but there would be one if the sweep had memory: that is worth
 * a longer search. A sweep of the worker may be the last one before that; then
 * once more.
 */
static void a_starved_sweep_is_worth_a_search(struct test *t)
{
	const unsigned long top = BETWEEN + LARGE;
	unsigned int tries = 5;
	unsigned long pfn;
	int ret;

	if (!test_take(t, 1, LARGE, top) || !test_take(t, BETWEEN, 1, BETWEEN))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, 1, 0);
	iova_mt_free(t->domain, top, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 2);
	do {
		msleep(30);
		ret = iova_mt_alloc(t->domain, LARGE, top, 0, &pfn);
	} while (ret && --tries);
	if (EXPECT_EQ(t, ret, 0))
		EXPECT_EQ(t, pfn, BETWEEN + 1);
	EXPECT_EQ(t, test_backlog(t).taken_over, 1);
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
	/* The middle one, and then others that are remembered instead of it. */
	iova_mt_free(t->domain, MANY / 2, 0);
	for (i = 1; i <= REMEMBERED; i++)
		iova_mt_free(t->domain, i, 0);
	for (i = 1; i <= REMEMBERED; i++)
		if (test_alloc(t, 1, MANY, 0, &pfn))
			EXPECT(t, pfn <= REMEMBERED);
	EXPECT_EQ(t, test_backlog(t).taken_over, REMEMBERED);
	for (i = 0; i < tries && ret; i++)
		ret = iova_mt_alloc(t->domain, 1, MANY, 0, &pfn);
	EXPECT_EQ(t, ret, 0);
	EXPECT_EQ(t, pfn, MANY / 2);
	EXPECT_EQ(t, test_backlog(t).taken_over, REMEMBERED + 1);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
}

/* From both ends, which are further apart than a search gets. */
static unsigned long scattered(unsigned int i)
{
	return i % 2 ? MANY - 3 * i : 1 + 3 * i;
}

/*
 * No memory at all: what has just been freed can be had again, all of it, however
 * far apart it is.
 */
static void what_was_freed_of_late_is_found(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	if (!test_take(t, MANY, 1, MANY))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	test_fault(t, "fail_insert", TEST_ALWAYS);
	test_fault(t, "fail_node", TEST_ALWAYS);
	for (i = 0; i < REMEMBERED; i++)
		iova_mt_free(t->domain, scattered(i), 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, REMEMBERED);
	for (i = 0; i < REMEMBERED; i++)
		if (!test_alloc(t, 1, 2 * MANY, 0, &pfn))
			return;
	EXPECT_EQ(t, test_backlog(t).taken_over, REMEMBERED);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
}

/* Four pages, and below them three each as often as goes with these. */
static bool take_four_and_threes(struct test *t)
{
	unsigned long pfn;

	test_faults_off();
	return test_alloc(t, 4, TOP, 0, &pfn) && EXPECT_EQ(t, pfn, TOP - 3) &&
	       test_take(t, REMEMBERED - 1, 3, TOP - 4);
}

static void defer_four_and_threes(struct test *t)
{
	unsigned int i;

	test_fault(t, "fail_erase", TEST_ALWAYS);
	test_fault(t, "fail_insert", TEST_ALWAYS);
	iova_mt_free(t->domain, TOP, 0);
	for (i = 0; i < REMEMBERED - 1; i++)
		iova_mt_free(t->domain, TOP - 4 - 3 * i, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, REMEMBERED);
}

/* Sizes of one order are noted together: one that does not fit keeps its place. */
static void what_is_remembered_may_not_fit(struct test *t)
{
	unsigned long pfn;
	unsigned int i;
	u64 looked;

	if (!take_four_and_threes(t))
		return;
	defer_four_and_threes(t);
	for (i = 0; i < REMEMBERED - 1; i++)
		if (!test_alloc(t, 3, TOP, 0, &pfn))
			return;
	EXPECT_EQ(t, test_try(t, 3, TOP, 0), -ENOMEM);
	looked = test_counter(t, "reuse_entry");
	if (test_alloc(t, 4, TOP, 0, &pfn))
		EXPECT_EQ(t, pfn, TOP - 3);
	EXPECT_EQ(t, test_counter(t, "reuse_entry") - looked, 1);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
}

/* What is noted has been erased, and is live again: it is looked at once. */
static void what_is_remembered_may_be_gone(struct test *t)
{
	unsigned long pfn;
	u64 looked;

	if (!take_four_and_threes(t))
		return;
	defer_four_and_threes(t);
	test_faults_off();
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	if (!take_four_and_threes(t))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	test_fault(t, "fail_insert", TEST_ALWAYS);
	iova_mt_free(t->domain, TOP - 10, 0);
	EXPECT_EQ(t, test_try(t, 4, TOP, 0), -ENOMEM);
	looked = test_counter(t, "reuse_entry");
	if (test_alloc(t, 3, TOP, 0, &pfn))
		EXPECT_EQ(t, pfn, TOP - 12);
	EXPECT_EQ(t, test_counter(t, "reuse_entry") - looked, 1);
	EXPECT_EQ(t, test_try(t, 3, TOP, 0), -ENOMEM);
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
	{ "S3, S4: a starved sweep is worth a search",
	  a_starved_sweep_is_worth_a_search, TEST_NEEDS_BACKLOG },
	{ "S4: searches of the backlog get round", searches_get_round,
	  TEST_NEEDS_BACKLOG },
	{ "S4: what was freed of late is found among very many",
	  what_was_freed_of_late_is_found, TEST_NEEDS_BACKLOG },
	{ "S4: what is remembered may not fit",
	  what_is_remembered_may_not_fit, TEST_NEEDS_MAPLE },
	{ "S4: what is remembered may be gone",
	  what_is_remembered_may_be_gone, TEST_NEEDS_MAPLE },
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
