// SPDX-License-Identifier: GPL-2.0
/*
 * Placement: where any allocator behind the ops table puts a range.
 */
#include <linux/align.h>
#include <linux/kernel.h>
#include <linux/log2.h>

#include "test.h"

#define ALIGNED		IOVA_MT_ALIGNED

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

static unsigned long limit_of_bits(unsigned int bits)
{
	return (1UL << (bits - 12)) - 1;
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
		EXPECT(t, test_is_highest(t) || test_is_rbtree(t) ?
			  pfn == bottom - 2 : pfn < bottom - 1);
	/* Inside of the fragmented part, where one page fits and two do not. */
	if (test_alloc(t, 1, bottom + 999, 0, &pfn))
		EXPECT(t, pfn <= bottom + 999);
	if (test_is_exact(t))
		EXPECT_EQ(t, pfn, bottom + 999);
	if (test_alloc(t, 2, bottom + 500, 0, &pfn))
		EXPECT(t, test_is_highest(t) || test_is_rbtree(t) ?
			  pfn == bottom - 4 : pfn < bottom - 3);
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

static const char hint[] =
	"the kernel's own remembers refusals below 4 GiB by size alone";
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
};

const struct test_suite suite_placement = {
	.name = "placement",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
