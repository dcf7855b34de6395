// SPDX-License-Identifier: GPL-2.0
/*
 * Behaviour: what any allocator behind the ops table does and refuses.
 */
#include <linux/err.h>
#include <linux/kernel.h>

#include "test_model.h"

#define ALIGNED		IOVA_MT_ALIGNED
#define CACHED		IOVA_MT_CACHED
#define FLUSH		IOVA_MT_FLUSH

#define MAX_PFNS	4096
/* Where ranges of the cases, whose domains begin at 1, can end. */
#define TOP		0xffffUL

static unsigned long pfns[MAX_PFNS];

/* Take all of the space from the domain's first pfn to @limit, page by page. */
static unsigned int fill_pages(struct test *t, unsigned long limit)
{
	unsigned int nr = test_fill(t, 1, limit, 0, pfns, MAX_PFNS);

	EXPECT_EQ(t, nr, limit - t->domain->start_pfn + 1);
	return nr;
}

/* --- Full spaces ---------------------------------------------------------- */

static void full_space_refuses_and_recovers(struct test *t)
{
	const unsigned long limit = 1000;
	unsigned int nr = fill_pages(t, limit), i;
	unsigned long pfn;

	EXPECT_EQ(t, test_try(t, 1, limit, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 1, limit, ALIGNED | CACHED | FLUSH), -ENOSPC);
	iova_mt_free(t->domain, 500, 0);
	EXPECT_EQ(t, test_try(t, 2, limit, 0), -ENOSPC);
	if (test_alloc(t, 1, limit, 0, &pfn))
		EXPECT_EQ(t, pfn, 500);
	EXPECT_EQ(t, test_try(t, 1, limit, 0), -ENOSPC);
	for (i = 0; i < nr; i++)
		iova_mt_free(t->domain, pfns[i], 0);
	if (test_alloc(t, limit, limit, 0, &pfn))
		EXPECT_EQ(t, pfn, 1);
}

static void larger_than_the_space(struct test *t)
{
	unsigned long pfn;

	EXPECT_EQ(t, test_try(t, 101, 100, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 101, 100, ALIGNED), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 1UL << 40, PFN_32BIT, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 1UL << 40, PFN_32BIT, ALIGNED), -ENOSPC);
	/* There is room, but not for an aligned one: the domain begins at 1. */
	EXPECT_EQ(t, test_try(t, 64, 126, ALIGNED), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 65, 127, ALIGNED), -ENOSPC);
	if (test_domain(t, 1) && test_alloc(t, 64, 127, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, 64);
}

static void the_whole_space_at_once(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (!test_alloc(t, TOP, TOP, 0, &pfn))
			return;
		EXPECT_EQ(t, pfn, 1);
		EXPECT_EQ(t, test_try(t, 1, TOP, 0), -ENOSPC);
		iova_mt_free(t->domain, pfn, i ? TOP : 0);
	}
	if (test_alloc(t, 1, TOP, 0, &pfn))
		EXPECT_EQ(t, pfn, TOP);
}

/* --- Reserve -------------------------------------------------------------- */

static void nothing_inside_a_reserved_half(struct test *t)
{
	const unsigned long limit = 1023, half = 512;
	unsigned int nr, i;

	EXPECT_EQ(t, iova_mt_reserve(t->domain, half, limit), 0);
	nr = test_fill(t, 1, limit, 0, pfns, MAX_PFNS);
	EXPECT_EQ(t, nr, half - 1);
	for (i = 0; i < nr; i++)
		EXPECT(t, pfns[i] < half);
}

static void reserve_below_start_pfn(struct test *t)
{
	unsigned long pfn;

	if (!test_domain(t, 100))
		return;
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 10, 109), 0);
	if (test_alloc(t, 10, 119, 0, &pfn))
		EXPECT_EQ(t, pfn, 110);
	EXPECT_EQ(t, test_try(t, 1, 119, 0), -ENOSPC);
}

/* Two live ranges with a hole between them, all of it reserved over. */
static void reserve_over_live_ranges(struct test *t)
{
	struct iova_mt_range range;
	unsigned long high, low, hole, pfn;

	if (!test_alloc(t, 40, 199, 0, &high) ||
	    !test_alloc(t, 10, 199, 0, &hole) ||
	    !test_alloc(t, 40, 199, 0, &low))
		return;
	iova_mt_free(t->domain, hole, 0);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, low + 5, high + 35), 0);
	EXPECT(t, test_is_taken(t, hole));
	EXPECT(t, !iova_mt_find(t->domain, high + 39, &range) &&
	       range.first == high && range.last == high + 39 &&
	       range.state == IOVA_MT_LIVE);
	EXPECT(t, !iova_mt_find(t->domain, low, &range) && range.first == low &&
	       range.last == low + 39 && range.state == IOVA_MT_LIVE);
	EXPECT(t, !iova_mt_find(t->domain, hole, &range) &&
	       range.first == hole && range.last == hole + 9 &&
	       range.state == IOVA_MT_RESERVED);
	/* Live ones stay what they were: their pages become free. */
	iova_mt_free(t->domain, high, 0);
	if (test_alloc(t, 40, 199, 0, &pfn))
		EXPECT_EQ(t, pfn, high);
	iova_mt_free(t->domain, low, 40);
	if (test_alloc(t, 40, 199, 0, &pfn))
		EXPECT_EQ(t, pfn, low);
}

static void reserve_twice(struct test *t)
{
	unsigned int nr;

	EXPECT_EQ(t, iova_mt_reserve(t->domain, 50, 99), 0);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 50, 99), 0);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 60, 69), 0);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 90, 120), 0);
	nr = test_fill(t, 1, 149, 0, pfns, MAX_PFNS);
	EXPECT_EQ(t, nr, 149 - (120 - 50 + 1));
	EXPECT_EQ(t, pfns[0], 149);
	EXPECT(t, test_is_taken(t, 50) && test_is_taken(t, 120));
}

/* --- Find and free -------------------------------------------------------- */

static void find_and_free_by_a_pfn_inside(struct test *t)
{
	struct iova_mt_range range;
	unsigned long pfn, again;

	if (!test_alloc(t, 8, TOP, ALIGNED, &pfn))
		return;
	EXPECT(t, !iova_mt_find(t->domain, pfn + 3, &range) &&
	       range.first == pfn && range.last == pfn + 7 &&
	       range.state == IOVA_MT_LIVE);
	EXPECT(t, test_is_taken(t, pfn + 7));
	EXPECT(t, !test_is_taken(t, pfn - 1));
	iova_mt_free(t->domain, pfn + 5, 0);
	EXPECT_EQ(t, iova_mt_find(t->domain, pfn + 3, &range), -ENOENT);
	if (test_alloc(t, 8, TOP, ALIGNED, &again))
		EXPECT_EQ(t, again, pfn);
}

static void free_of_what_nobody_has(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	iova_mt_free(t->domain, 1234, 0);
	if (!test_alloc(t, 50, TOP, 0, &pfn))
		return;
	for (i = 0; i < 3; i++) {
		iova_mt_free(t->domain, pfn - 1, 0);
		iova_mt_free(t->domain, 0, 0);
	}
	EXPECT(t, test_is_taken(t, pfn) && test_is_taken(t, pfn + 49));
	iova_mt_free(t->domain, pfn, 0);
	iova_mt_free(t->domain, pfn, 0);
	iova_mt_free(t->domain, pfn + 20, 0);
	test_expect_clean(t);
}

/* What the allocator answers is what the domain counts, and says in the log. */
static void free_of_what_nobody_has_is_known(struct test *t)
{
	const struct iova_mt_ops *ops = t->domain->ops;
	unsigned long pfn;

	EXPECT(t, !ops->free(t->domain, 1234, 0));
	EXPECT(t, !ops->free(t->domain, 0, 1));
	if (!test_alloc(t, 50, TOP, 0, &pfn))
		return;
	EXPECT(t, !ops->free(t->domain, pfn - 1, 0));
	EXPECT(t, ops->free(t->domain, pfn + 20, 0));
	EXPECT(t, !ops->free(t->domain, pfn, 0));
	EXPECT(t, !ops->free(t->domain, pfn, 50));
	test_expect_clean(t);
}

static void bad_arguments(struct test *t)
{
	struct iova_mt_domain *domain;
	unsigned long pfn;

	EXPECT_EQ(t, iova_mt_alloc(t->domain, 0, TOP, 0, &pfn), -EINVAL);
	EXPECT_EQ(t, iova_mt_alloc(t->domain, 1, TOP, 0x80, &pfn), -EINVAL);
	EXPECT_EQ(t, iova_mt_alloc(t->domain, ULONG_MAX, TOP, 0, &pfn), -EINVAL);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 11, 10), -EINVAL);
	domain = iova_mt_domain_create(t->allocator, 3000, 1);
	EXPECT_EQ(t, PTR_ERR_OR_ZERO(domain), -EINVAL);
	domain = iova_mt_domain_create(t->allocator, 0, 1);
	EXPECT_EQ(t, PTR_ERR_OR_ZERO(domain), -EINVAL);
}

/* Whatever the reason: no room at all, no room left. */
static void refusal_leaves_the_result_alone(struct test *t)
{
	static const unsigned int flags[] = {
		0, ALIGNED, ALIGNED | CACHED, ALIGNED | CACHED | FLUSH,
	};
	unsigned long pfn = 4711;
	unsigned int i;

	fill_pages(t, 255);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(t, iova_mt_alloc(t->domain, 1, 255, flags[i], &pfn),
			  -ENOSPC);
		EXPECT_EQ(t, pfn, 4711);
		EXPECT_EQ(t, iova_mt_alloc(t->domain, 256, 255, flags[i], &pfn),
			  -ENOSPC);
		EXPECT_EQ(t, pfn, 4711);
	}
}

static void domains_are_independent(struct test *t)
{
	struct iova_mt_domain *other;
	unsigned long pfn;

	other = iova_mt_domain_create(t->allocator, 4096, 1);
	if (!EXPECT(t, !IS_ERR(other)))
		return;
	fill_pages(t, 255);
	EXPECT_EQ(t, iova_mt_alloc(other, 255, 255, 0, &pfn), 0);
	EXPECT_EQ(t, test_try(t, 1, 255, 0), -ENOSPC);
	iova_mt_domain_destroy(other);
	EXPECT(t, test_is_taken(t, 1) && test_is_taken(t, 255));
}

/* --- Random --------------------------------------------------------------- */

static void random_operations(struct test *t)
{
	struct model *model = model_create(t, 1, 4096, t->seed);
	unsigned int i;

	if (!model)
		return;
	for (i = 0; i < 2048 && !t->nr_failed; i++) {
		model_op(model);
		model_verify(model);
	}
	model_settle(model);
	model_verify(model);
	model_destroy(model);
}

/* Give everything back that a listing knows, in its order. */
static void listing_knows_everything(struct test *t)
{
	struct iova_mt_range range;
	unsigned int nr = 0;
	unsigned long pfn;

	for (nr = 0; nr < 100; nr++)
		if (!test_alloc(t, 1 + nr % 7, TOP, nr % 2 ? ALIGNED : 0, &pfn))
			return;
	while (nr-- && !t->domain->ops->next(t->domain, 0, &range)) {
		EXPECT_EQ(t, range.state, IOVA_MT_LIVE);
		iova_mt_free(t->domain, range.first, 0);
	}
	test_expect_clean(t);
}

static const char merges[] =
	"the kernel's own merges a reservation with ranges that it overlaps";

static const char silent[] =
	"the kernel's own does not say whether anything was freed";

static const struct test_case cases[] = {
	{ "a full space refuses, and recovers",
	  full_space_refuses_and_recovers },
	{ "what is larger than the space is refused", larger_than_the_space },
	{ "the whole space can be one range", the_whole_space_at_once },
	{ "nothing is inside of a reserved half",
	  nothing_inside_a_reserved_half },
	{ "reserve reaches below the domain's first pfn",
	  reserve_below_start_pfn },
	{ "reserve over live ranges leaves them live",
	  reserve_over_live_ranges, 0, merges },
	{ "reserve over what is reserved", reserve_twice, 0, merges },
	{ "find and free by a pfn inside of a range",
	  find_and_free_by_a_pfn_inside },
	{ "a free of what nobody has does nothing", free_of_what_nobody_has },
	{ "a free of what nobody has is known for one",
	  free_of_what_nobody_has_is_known, 0, silent },
	{ "bad arguments are refused", bad_arguments },
	{ "a refusal leaves the result alone",
	  refusal_leaves_the_result_alone },
	{ "domains do not know of each other", domains_are_independent },
	{ "the listing knows everything", listing_knows_everything,
	  TEST_NEEDS_LIST },
	{ "2048 random operations, all verified after each",
	  random_operations },
};

const struct test_suite suite_behaviour = {
	.name = "behaviour",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
