// SPDX-License-Identifier: GPL-2.0
/*
 * Cache: what comes out of any allocator's caches.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "test.h"

#define ALIGNED		IOVA_MT_ALIGNED
#define CACHED		IOVA_MT_CACHED
#define FLUSH		IOVA_MT_FLUSH

#define MAX_PFNS	4096
/* Where ranges of the cases, whose domains begin at 1, can end. */
#define TOP		0xffffUL

static unsigned long pfns[MAX_PFNS];

/* --- Caches --------------------------------------------------------------- */

static void cached_range_comes_back(struct test *t)
{
	unsigned long first, second;
	unsigned int order;

	for (order = 0; order <= test_cache_order(t); order++) {
		if (!test_alloc(t, 1UL << order, TOP, ALIGNED | CACHED, &first))
			return;
		iova_mt_free(t->domain, first, 1UL << order);
		if (!test_alloc(t, 1UL << order, TOP, ALIGNED | CACHED, &second))
			return;
		EXPECT_EQ(t, second, first);
	}
}

static void cached_range_obeys_the_limit(struct test *t)
{
	unsigned long pfn, high;
	unsigned int order;

	for (order = 0; order <= test_cache_order(t); order++) {
		unsigned long size = 1UL << order, limit = 0x1000 + size - 1;

		if (!test_domain(t, 1) ||
		    !test_alloc(t, size, TOP, ALIGNED | CACHED, &high))
			return;
		iova_mt_free(t->domain, high, size);
		if (!test_alloc(t, size, limit, ALIGNED | CACHED, &pfn))
			return;
		EXPECT_EQ(t, pfn, 0x1000);
		iova_mt_free(t->domain, pfn, size);
		/* One page too low for the one that is cached now. */
		if (!test_alloc(t, size, limit - 1, ALIGNED | CACHED, &pfn))
			return;
		EXPECT_EQ(t, pfn, 0x1000 - size);
		iova_mt_free(t->domain, pfn, 0);
	}
}

/* What is not aligned must not come out of a cache for those who want it so. */
static void unaligned_ranges_do_not_spoil_the_cache(struct test *t)
{
	unsigned long pfn, odd;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		if (!test_alloc(t, 1, TOP, 0, &odd) ||
		    !test_alloc(t, 4, TOP, 0, &pfn))
			return;
		iova_mt_free(t->domain, pfn, 4);
		if (!test_alloc(t, 4, TOP, ALIGNED | CACHED, &pfn))
			return;
	}
}

/* Three pages given back must not serve a request of four. */
static void odd_sizes_do_not_spoil_the_cache(struct test *t)
{
	struct iova_mt_range range;
	unsigned long pfn, below, above;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		if (!test_alloc(t, 1, TOP, 0, &above) ||
		    !test_alloc(t, 3, TOP, ALIGNED | (i % 2 ? CACHED : 0), &pfn))
			return;
		iova_mt_free(t->domain, pfn, 3);
		if (!test_alloc(t, 1, TOP, 0, &below) ||
		    !test_alloc(t, 4, TOP, ALIGNED | CACHED, &pfn))
			return;
		EXPECT(t, !iova_mt_find(t->domain, pfn, &range) &&
		       range.first == pfn && range.last == pfn + 3);
	}
}

/* A space of 512 pages from 512 on, all of it in the caches. */
static bool space_in_the_caches(struct test *t)
{
	unsigned int nr, i;

	if (!test_domain(t, 512))
		return false;
	nr = test_fill(t, 8, 1023, ALIGNED | CACHED, pfns, MAX_PFNS);
	EXPECT_EQ(t, nr, 64);
	for (i = 0; i < nr; i++)
		iova_mt_free(t->domain, pfns[i], 8);
	return true;
}

static void flush_empties_the_caches(struct test *t)
{
	unsigned long pfn;

	if (!space_in_the_caches(t))
		return;
	iova_mt_flush(t->domain);
	if (test_alloc(t, 512, 1023, 0, &pfn))
		EXPECT_EQ(t, pfn, 512);
}

static void allocation_with_flush_empties_the_caches(struct test *t)
{
	unsigned long pfn;

	if (space_in_the_caches(t) &&
	    test_alloc(t, 512, 1023, ALIGNED | CACHED | FLUSH, &pfn))
		EXPECT_EQ(t, pfn, 512);
}

/* More than the caches of a CPU hold: each is handed out again once. */
static void many_cached_ranges(struct test *t)
{
	const unsigned int nr = 1000, size = 2;
	const unsigned long limit = 2 * nr + 1;
	unsigned int round, i;
	unsigned long pfn;

	if (!test_domain(t, 2))
		return;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < nr; i++)
			if (!test_alloc(t, size, limit, ALIGNED | CACHED | FLUSH,
					&pfns[i]))
				return;
		EXPECT_EQ(t, test_try(t, 1, limit, FLUSH), -ENOSPC);
		for (i = 0; i < nr; i++)
			iova_mt_free(t->domain, pfns[i], size);
	}
	if (!strncmp(t->allocator, "maple", 5))
		EXPECT(t, test_counter(t, "depot_push") > 0 &&
		       test_counter(t, "depot_pop") > 0);
	iova_mt_flush(t->domain);
	if (test_alloc(t, size * nr, limit, 0, &pfn))
		EXPECT_EQ(t, pfn, 2);
}

static void ranges_above_the_classes_are_not_cached(struct test *t)
{
	unsigned long pfn;

	if (!test_alloc(t, 1024, TOP, ALIGNED | CACHED, &pfn))
		return;
	iova_mt_free(t->domain, pfn, 1024);
	EXPECT(t, !test_is_taken(t, pfn));
}

static const struct test_case cases[] = {
	{ "a cached range comes back", cached_range_comes_back,
	  TEST_NEEDS_CACHE },
	{ "a cached range obeys the limit", cached_range_obeys_the_limit },
	{ "unaligned ranges do not spoil the caches",
	  unaligned_ranges_do_not_spoil_the_cache },
	{ "odd sizes do not spoil the caches",
	  odd_sizes_do_not_spoil_the_cache },
	{ "flush empties the caches", flush_empties_the_caches,
	  TEST_NEEDS_CACHE },
	{ "an allocation with FLUSH empties the caches",
	  allocation_with_flush_empties_the_caches },
	{ "many cached ranges are handed out once each", many_cached_ranges },
	{ "ranges above the size classes are not cached",
	  ranges_above_the_classes_are_not_cached },
};

const struct test_suite suite_cache = {
	.name = "cache",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
