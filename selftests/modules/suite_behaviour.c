// SPDX-License-Identifier: GPL-2.0
/*
 * Behaviour: what any allocator behind the ops table does.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "test_model.h"

#define ALIGNED		IOVA_MT_ALIGNED
#define CACHED		IOVA_MT_CACHED
#define FLUSH		IOVA_MT_FLUSH

#define MAX_PFNS	4096
/* Where ranges of the cases, whose domains begin at 1, can end. */
#define TOP		0xffffUL

static unsigned long pfns[MAX_PFNS];

static unsigned long limit_of_bits(unsigned int bits)
{
	return (1UL << (bits - 12)) - 1;
}

/* Take all of the space from the domain's first pfn to @limit, page by page. */
static unsigned int fill_pages(struct test *t, unsigned long limit)
{
	unsigned int nr = test_fill(t, 1, limit, 0, pfns, MAX_PFNS);

	EXPECT_EQ(t, nr, limit - t->domain->start_pfn + 1);
	return nr;
}

/* --- Alignment ------------------------------------------------------------ */

static void aligned_to_order(struct test *t)
{
	unsigned long pfn, blocker;
	unsigned int order, round;

	for (round = 0; round < 3; round++)
		for (order = 0; order <= 9; order++) {
			/* Something odd in the way of each. */
			if (!test_alloc(t, 1, TOP, 0, &blocker) ||
			    !test_alloc(t, 1UL << order, TOP, ALIGNED, &pfn))
				return;
			EXPECT_EQ(t, pfn & ((1UL << order) - 1), 0);
		}
}

static void aligned_to_rounded_size(struct test *t)
{
	static const unsigned int sizes[] = {
		3, 5, 6, 7, 9, 17, 31, 33, 63, 65, 100, 127, 129, 500, 513,
	};
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (!test_alloc(t, sizes[i], TOP, ALIGNED, &pfn))
			return;
		EXPECT_EQ(t, pfn & (roundup_pow_of_two(sizes[i]) - 1), 0);
	}
}

/* Blocks of 16, each second one free: all free ones are found. */
static void aligned_between_aligned_holes(struct test *t)
{
	const unsigned int blocks = 64, size = 16;
	const unsigned long limit = (blocks + 1) * size - 1;
	unsigned int nr, i, back;
	unsigned long pfn;

	if (!test_domain(t, size))
		return;
	nr = test_fill(t, size, limit, ALIGNED, pfns, blocks + 1);
	EXPECT_EQ(t, nr, blocks);
	for (i = 0; i < nr; i += 2)
		iova_mt_free(t->domain, pfns[i], 0);
	for (back = 0; back < blocks / 2; back++) {
		if (!test_alloc(t, size, limit, ALIGNED, &pfn))
			return;
		EXPECT(t, !(pfn % (2 * size)) == !(pfns[0] % (2 * size)));
		if (test_is_exact(t))
			EXPECT_EQ(t, pfn, pfns[2 * back]);
	}
	EXPECT_EQ(t, test_try(t, size, limit, ALIGNED), -ENOSPC);
}

/*
 * In a full space with one hole, an aligned block is found exactly where
 * arithmetic says: each position and length of the hole.
 */
static void hole_holds_aligned_block(struct test *t)
{
	const unsigned long base = 64, pages = 24, size = 4;
	unsigned long first, last, i, pfn;
	int ret;

	for (first = 0; first < pages; first++)
		for (last = first; last < pages; last++) {
			if (!test_domain(t, base))
				return;
			fill_pages(t, base + pages - 1);
			for (i = first; i <= last; i++)
				iova_mt_free(t->domain, base + i, 0);
			ret = iova_mt_alloc(t->domain, size, base + pages - 1,
					    ALIGNED, &pfn);
			i = round_down(last + 1, size);
			if (i >= first + size)
				test_expect(t, !ret && pfn == base + i - size,
					    "hole %lu to %lu: %d, %#lx", first,
					    last, ret, pfn);
			else
				test_expect(t, ret == -ENOSPC,
					    "hole %lu to %lu: %d", first, last,
					    ret);
		}
}

/* --- Placement ------------------------------------------------------------ */

static void descending_pages(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		if (!test_alloc(t, 1, TOP, 0, &pfn))
			return;
		if (!EXPECT_EQ(t, pfn, TOP - i))
			return;
	}
}

static void freed_place_is_used_again(struct test *t)
{
	unsigned long first, second, other;

	if (!test_alloc(t, 100, TOP, 0, &first) ||
	    !test_alloc(t, 1, TOP, 0, &other))
		return;
	iova_mt_free(t->domain, first, 0);
	if (!test_alloc(t, 100, TOP, 0, &second))
		return;
	EXPECT_EQ(t, second, first);
}

static void limits_of_any_width(struct test *t)
{
	static const unsigned int bits[] = { 64, 56, 48, 33, 32, 30, 24 };
	unsigned long pfn, limit;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		limit = limit_of_bits(bits[i]);
		if (!test_alloc(t, 3, limit, 0, &pfn))
			return;
		test_expect(t, pfn == limit - 2, "%u bits: %#lx", bits[i], pfn);
		if (!test_alloc(t, 5, limit, ALIGNED, &pfn))
			return;
		test_expect(t, pfn == limit - 7, "%u bits, aligned: %#lx",
			    bits[i], pfn);
	}
}

static void low_limit_below_busy_high_space(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < 1000; i++)
		if (!test_alloc(t, 1 + i % 5, PFN_64BIT, i % 2 ? ALIGNED : 0,
				&pfn))
			return;
	for (i = 0; i < 100; i++) {
		if (!test_alloc(t, 1, PFN_32BIT, 0, &pfn))
			return;
		EXPECT_EQ(t, pfn, PFN_32BIT - i);
	}
}

static void narrow_limit_first_wide_as_fallback(struct test *t)
{
	const unsigned long narrow = 511;
	unsigned long pfn;

	fill_pages(t, narrow);
	EXPECT_EQ(t, test_try(t, 1, narrow, 0), -ENOSPC);
	if (!test_alloc(t, 1, PFN_64BIT, 0, &pfn))
		return;
	EXPECT(t, pfn > narrow);
	EXPECT_EQ(t, test_try(t, 1, narrow, 0), -ENOSPC);
	iova_mt_free(t->domain, 77, 0);
	if (test_alloc(t, 1, narrow, 0, &pfn))
		EXPECT_EQ(t, pfn, 77);
}

/* Each second page of the top is taken: two pages are only below it. */
static void below_a_limit_in_a_fragmented_space(struct test *t)
{
	const unsigned int nr = 2048;
	const unsigned long bottom = PFN_32BIT - nr + 1;
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!test_alloc(t, 1, PFN_32BIT, 0, &pfns[i]))
			return;
	for (i = 0; i < nr; i += 2)
		iova_mt_free(t->domain, pfns[i], 0);
	if (test_alloc(t, 2, PFN_32BIT, 0, &pfn))
		EXPECT_EQ(t, pfn, bottom - 2);
	/* Inside of the fragmented part, where one page fits and two do not. */
	if (test_alloc(t, 1, bottom + 999, 0, &pfn))
		EXPECT(t, pfn <= bottom + 999);
	if (test_is_exact(t))
		EXPECT_EQ(t, pfn, bottom + 999);
	if (test_alloc(t, 2, bottom + 500, 0, &pfn))
		EXPECT_EQ(t, pfn, bottom - 4);
	if (test_alloc(t, 64, bottom + 500, ALIGNED, &pfn))
		EXPECT(t, pfn + 63 < bottom);
}

static void limit_at_the_end_of_a_hole(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	fill_pages(t, 255);
	for (i = 100; i < 104; i++)
		iova_mt_free(t->domain, i, 0);
	EXPECT_EQ(t, test_try(t, 4, 102, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 5, 103, 0), -ENOSPC);
	if (test_alloc(t, 4, 103, 0, &pfn))
		EXPECT_EQ(t, pfn, 100);
	iova_mt_free(t->domain, 100, 0);
	if (test_alloc(t, 4, 103, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, 100);
	EXPECT_EQ(t, test_try(t, 1, 103, 0), -ENOSPC);
}

static void start_pfn_is_the_lowest(struct test *t)
{
	const unsigned long start = 0x1000;
	unsigned int i, nr;

	if (!test_domain(t, start))
		return;
	EXPECT_EQ(t, test_try(t, 1, start - 1, 0), -ENOSPC);
	nr = fill_pages(t, start + 0xff);
	for (i = 0; i < nr; i++)
		EXPECT(t, pfns[i] >= start);
	EXPECT_EQ(t, test_try(t, 1, start + 0xff, 0), -ENOSPC);
}

static void pfn_0_can_be_used(struct test *t)
{
	unsigned long pfn;

	if (!test_domain(t, 0))
		return;
	EXPECT_EQ(t, fill_pages(t, 63), 64);
	EXPECT(t, test_is_taken(t, 0));
	iova_mt_free(t->domain, 0, 0);
	EXPECT(t, !test_is_taken(t, 0));
	if (test_alloc(t, 1, 63, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, 0);
}

/* The very last pfn may be nobody's; all below it can be had. */
static void the_end_of_all_pfns(struct test *t)
{
	unsigned long pfn, top;

	if (!test_alloc(t, 1, ULONG_MAX, 0, &top))
		return;
	EXPECT(t, top >= ULONG_MAX - 1);
	if (test_alloc(t, 8, ULONG_MAX, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, ULONG_MAX - 15);
	iova_mt_free(t->domain, top, 0);
	EXPECT(t, !test_is_taken(t, top));
	EXPECT_EQ(t, iova_mt_reserve(t->domain, ULONG_MAX - 3, ULONG_MAX), 0);
	EXPECT(t, test_is_taken(t, ULONG_MAX));
	if (test_alloc(t, 1, ULONG_MAX, 0, &pfn))
		EXPECT_EQ(t, pfn, ULONG_MAX - 4);
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

/* --- Caches --------------------------------------------------------------- */

static void cached_range_comes_back(struct test *t)
{
	unsigned long first, second;
	unsigned int order;

	for (order = 0; order <= 5; order++) {
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

	for (order = 0; order <= 5; order++) {
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

static void flush_empties_the_caches(struct test *t)
{
	const unsigned long limit = 1023;
	unsigned int nr, i;
	unsigned long pfn;

	if (!test_domain(t, 512))
		return;
	nr = test_fill(t, 8, limit, ALIGNED | CACHED, pfns, MAX_PFNS);
	EXPECT_EQ(t, nr, 64);
	for (i = 0; i < nr; i++)
		iova_mt_free(t->domain, pfns[i], 8);
	iova_mt_flush(t->domain);
	if (test_alloc(t, 512, limit, 0, &pfn))
		EXPECT_EQ(t, pfn, 512);
}

static void allocation_with_flush_empties_the_caches(struct test *t)
{
	const unsigned long limit = 1023;
	unsigned int nr, i;
	unsigned long pfn;

	if (!test_domain(t, 512))
		return;
	nr = test_fill(t, 8, limit, ALIGNED | CACHED, pfns, MAX_PFNS);
	EXPECT_EQ(t, nr, 64);
	for (i = 0; i < nr; i++)
		iova_mt_free(t->domain, pfns[i], 8);
	if (test_alloc(t, 512, limit, ALIGNED | CACHED | FLUSH, &pfn))
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
	if (!strcmp(t->allocator, "maple"))
		EXPECT(t, test_counter(t, "depot_push") > 0 &&
		       test_counter(t, "depot_pop") > 0);
	iova_mt_flush(t->domain);
	if (test_alloc(t, size * nr, limit, 0, &pfn))
		EXPECT_EQ(t, pfn, 2);
}

static void ranges_above_the_classes_are_not_cached(struct test *t)
{
	unsigned long pfn;

	if (!test_alloc(t, 256, TOP, ALIGNED | CACHED, &pfn))
		return;
	iova_mt_free(t->domain, pfn, 256);
	EXPECT(t, !test_is_taken(t, pfn));
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

static const char hint[] =
	"the kernel's own remembers refusals below 4 GiB by size alone";
static const char merges[] =
	"the kernel's own merges a reservation with ranges that it overlaps";
static const char zero[] = "for the kernel's own pfn 0 is an error";
static const char wraps[] = "the kernel's own adds 1 to the limit";
static const char onward[] =
	"the kernel's own goes on below the last place that it found";

static const struct test_case cases[] = {
	{ "orders 0 to 9 are aligned to their size", aligned_to_order },
	{ "other sizes are aligned to the next power of two",
	  aligned_to_rounded_size },
	{ "aligned blocks fill aligned holes", aligned_between_aligned_holes },
	{ "an aligned block is found in any hole that has one",
	  hole_holds_aligned_block },
	{ "single pages descend from the limit", descending_pages },
	{ "a freed place is used again", freed_place_is_used_again },
	{ "limits of 24 to 64 bits are used up to their last page",
	  limits_of_any_width },
	{ "a 32-bit request finds room below a busy 64-bit space",
	  low_limit_below_busy_high_space },
	{ "a full space below a limit leaves the rest usable",
	  narrow_limit_first_wide_as_fallback },
	{ "a fragmented 32-bit space is searched below any limit",
	  below_a_limit_in_a_fragmented_space, 0, onward },
	{ "a limit at the end of a hole", limit_at_the_end_of_a_hole, 0, hint },
	{ "nothing is below the domain's first pfn", start_pfn_is_the_lowest },
	{ "pfn 0 can be handed out", pfn_0_can_be_used, 0, zero },
	{ "pfns can be handed out up to the end of all", the_end_of_all_pfns, 0,
	  wraps },
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
	{ "bad arguments are refused", bad_arguments },
	{ "a refusal leaves the result alone",
	  refusal_leaves_the_result_alone },
	{ "domains do not know of each other", domains_are_independent },
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
	{ "the listing knows everything", listing_knows_everything,
	  TEST_NEEDS_LIST },
	{ "2048 random operations, all verified after each",
	  random_operations },
};

const struct test_suite suite_behaviour = {
	.name = "behaviour",
	.allocators = test_allocators_both,
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
