// SPDX-License-Identifier: GPL-2.0
/*
 * Ends: pfn 0, the very last pfn, and all that there is between them.
 */
#include <linux/align.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "test.h"

#define ALIGNED		IOVA_MT_ALIGNED

/* The very last one may be nobody's. */
#define HIGHEST		(ULONG_MAX - 1)

/* Free all there is. Return: how many ranges that was. */
static unsigned int free_all(struct test *t)
{
	struct iova_mt_range range;
	unsigned long from = 0;
	unsigned int nr = 0;

	while (!t->domain->ops->next(t->domain, from, &range)) {
		if (range.state != IOVA_MT_SPAN)
			iova_mt_free(t->domain, range.first, 0);
		nr++;
		if (range.last == ULONG_MAX)
			break;
		from = range.last + 1;
	}
	return nr;
}

/* --- Cases ---------------------------------------------------------------- */

static void a_refusal_beside_pfn_0_is_forgotten(struct test *t)
{
	unsigned long pfn;

	if (!test_domain(t, 0) || !test_alloc(t, 1, 0, 0, &pfn))
		return;
	EXPECT_EQ(t, pfn, 0);
	EXPECT_EQ(t, test_try(t, 1024, 1023, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 1024, 1023, ALIGNED), -ENOSPC);
	iova_mt_free(t->domain, 0, 0);
	EXPECT_EQ(t, test_try(t, 1024, 1023, 0), 0);
	EXPECT_EQ(t, test_try(t, 1024, 1023, ALIGNED), 0);
}

/* The same at the other end, and with a reservation. */
static void a_refusal_beside_the_last_pfn_is_forgotten(struct test *t)
{
	if (!test_domain(t, 0))
		return;
	EXPECT_EQ(t, iova_mt_reserve(t->domain, HIGHEST, ULONG_MAX), 0);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 0, HIGHEST - 8), 0);
	EXPECT_EQ(t, test_try(t, 8, ULONG_MAX, 0), -ENOSPC);
	iova_mt_free(t->domain, HIGHEST, 0);
	EXPECT_EQ(t, test_try(t, 8, ULONG_MAX, 0), 0);
}

static void expect_all_usable(struct test *t)
{
	unsigned long pfn;

	EXPECT(t, !test_is_taken(t, 0));
	EXPECT(t, !test_is_taken(t, BIT(63)));
	EXPECT(t, !test_is_taken(t, ULONG_MAX));
	if (test_alloc(t, 1, ULONG_MAX, 0, &pfn)) {
		EXPECT_EQ(t, pfn, HIGHEST);
		iova_mt_free(t->domain, pfn, 0);
	}
	iova_mt_flush(t->domain);
	if (test_alloc(t, BIT(63), ULONG_MAX, ALIGNED, &pfn)) {
		EXPECT_EQ(t, pfn, 0);
		iova_mt_free(t->domain, pfn, 0);
	}
}

/* Reserved in one piece or in several, freed from below or from above. */
static void all_pfns_are_reserved_and_freed(struct test *t)
{
	if (!test_domain(t, 0))
		return;
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 0, ULONG_MAX), 0);
	EXPECT(t, test_is_taken(t, 0));
	EXPECT(t, test_is_taken(t, BIT(63)));
	EXPECT(t, test_is_taken(t, HIGHEST));
	EXPECT(t, test_is_taken(t, ULONG_MAX));
	EXPECT_EQ(t, test_try(t, 1, ULONG_MAX, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, BIT(63), ULONG_MAX, ALIGNED), -ENOSPC);
	EXPECT(t, free_all(t) > 0);
	expect_all_usable(t);

	EXPECT_EQ(t, iova_mt_reserve(t->domain, 0x1000, 0x1fff), 0);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 0, ULONG_MAX), 0);
	iova_mt_free(t->domain, ULONG_MAX, 0);
	iova_mt_free(t->domain, HIGHEST, 0);
	iova_mt_free(t->domain, 0x1000, 0);
	iova_mt_free(t->domain, 0, 0);
	expect_all_usable(t);
}

/* The last pfn alone: reserved, found, freed, and none of its neighbours. */
static void the_last_pfn_alone(struct test *t)
{
	unsigned long pfn;

	if (!test_domain(t, 0))
		return;
	EXPECT_EQ(t, iova_mt_reserve(t->domain, ULONG_MAX, ULONG_MAX), 0);
	EXPECT(t, test_is_taken(t, ULONG_MAX));
	EXPECT(t, !test_is_taken(t, HIGHEST));
	if (test_alloc(t, 1, ULONG_MAX, 0, &pfn))
		EXPECT_EQ(t, pfn, HIGHEST);
	iova_mt_free(t->domain, ULONG_MAX, 0);
	EXPECT(t, !test_is_taken(t, ULONG_MAX));
	iova_mt_free(t->domain, HIGHEST, 0);
	iova_mt_flush(t->domain);
	expect_all_usable(t);
}

/* What is deferred from pfn 0 on does not keep a reservation from beginning. */
static void reserve_over_what_is_deferred_at_pfn_0(struct test *t)
{
	struct iova_mt_range range;

	EXPECT_EQ(t, iova_mt_reserve(t->domain, 0, 9), 0);
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, 0, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 1);
	test_faults_off();
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 0, 5), 0);
	if (EXPECT_EQ(t, iova_mt_find(t->domain, 0, &range), 0)) {
		EXPECT_EQ(t, range.first, 0);
		EXPECT_EQ(t, range.last, 5);
		EXPECT_EQ(t, range.state, IOVA_MT_RESERVED);
	}
	EXPECT(t, !test_is_taken(t, 6));
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	EXPECT_EQ(t, test_backlog(t).pending_pages, 0);
}

static void reserve_over_an_orphan_at_pfn_0(struct test *t)
{
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 0, 9), 0);
	test_fault(t, "fail_erase", TEST_ALWAYS);
	test_fault(t, "fail_swap", TEST_ALWAYS);
	iova_mt_free(t->domain, 0, 0);
	EXPECT_EQ(t, test_counter(t, "orphan"), 1);
	test_fault(t, "fail_swap", TEST_NEVER);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, 0, 5), 0);
	EXPECT(t, test_is_taken(t, 5));
	EXPECT(t, !test_is_taken(t, 6));
}

/* Each power of two, aligned and not, in a space that has nothing else. */
static void sizes_up_to_half_of_all(struct test *t)
{
	unsigned long size, pfn;
	unsigned int order;

	if (!test_domain(t, 0))
		return;
	for (order = 0; order < BITS_PER_LONG; order++) {
		size = BIT(order);
		if (test_alloc(t, size, ULONG_MAX, 0, &pfn)) {
			EXPECT_EQ(t, pfn, HIGHEST - size + 1);
			iova_mt_free(t->domain, pfn, 0);
		}
		if (test_alloc(t, size, ULONG_MAX, ALIGNED, &pfn)) {
			EXPECT_EQ(t, pfn, ALIGN_DOWN(HIGHEST - size + 1, size));
			iova_mt_free(t->domain, pfn, 0);
		}
		if (test_alloc(t, size, size - 1, ALIGNED, &pfn)) {
			EXPECT_EQ(t, pfn, 0);
			iova_mt_free(t->domain, pfn, 0);
		}
		if (size > 1)
			EXPECT_EQ(t, test_try(t, size, size - 2, 0), -ENOSPC);
		iova_mt_flush(t->domain);
	}
}

static void two_halves(struct test *t)
{
	unsigned long low, high;

	if (!test_domain(t, 0) ||
	    !test_alloc(t, BIT(63), ULONG_MAX, ALIGNED, &low))
		return;
	EXPECT_EQ(t, low, 0);
	EXPECT_EQ(t, test_try(t, BIT(63), ULONG_MAX, ALIGNED), -ENOSPC);
	EXPECT_EQ(t, test_try(t, BIT(63), ULONG_MAX, 0), -ENOSPC);
	if (test_alloc(t, BIT(63) - 1, ULONG_MAX, ALIGNED, &high))
		EXPECT_EQ(t, high, BIT(63));
	EXPECT_EQ(t, test_try(t, 1, ULONG_MAX, 0), -ENOSPC);
	iova_mt_free(t->domain, low, 0);
	if (test_alloc(t, BIT(63), ULONG_MAX, 0, &low))
		EXPECT_EQ(t, low, 0);
}

/* A space that begins near the end has what is left of it. */
static void spaces_of_few_pfns(struct test *t)
{
	unsigned long start, pfn, got;

	for (start = ULONG_MAX - 4; start; start++) {
		if (!test_domain(t, start))
			return;
		for (pfn = HIGHEST; pfn >= start; pfn--)
			EXPECT_EQ(t, test_try(t, pfn - start + 1, pfn, 0), 0);
		for (pfn = HIGHEST; pfn >= start; pfn--)
			if (test_alloc(t, 1, ULONG_MAX, 0, &got))
				EXPECT_EQ(t, got, pfn);
		EXPECT_EQ(t, test_try(t, 1, ULONG_MAX, 0), -ENOSPC);
		EXPECT_EQ(t, free_all(t), ULONG_MAX - start);
	}
}

/* --- A model of both ends ------------------------------------------------- */

/* So many pfns at each end; all between them is reserved. */
#define END		64U
#define NR_PFNS		(2 * END)
#define NR_OPS		4000

static unsigned long pfn_of(unsigned int i)
{
	return i < END ? i : ULONG_MAX - (NR_PFNS - 1 - i);
}

static unsigned int index_of(unsigned long pfn)
{
	return pfn < END ? pfn : NR_PFNS - 1 - (unsigned int)(ULONG_MAX - pfn);
}

/**
 * struct model - what must be
 * @range: which range each pfn is in, 0 for none
 * @nr: ranges so far
 * @rng: what is drawn from
 */
struct model {
	unsigned int range[NR_PFNS];
	unsigned int nr;
	struct test_rng rng;
};

/* Is there room in one end? */
static bool has_room(const struct model *model, unsigned int size,
		     unsigned int limit, bool aligned)
{
	unsigned long align = aligned ? roundup_pow_of_two(size) : 1;
	unsigned int first, i;

	/* The very last one is nobody's. */
	limit = min(limit, NR_PFNS - 2);
	for (first = 0; first + size - 1 <= limit; first++) {
		if (!IS_ALIGNED(pfn_of(first), align) ||
		    (first < END && first + size > END))
			continue;
		for (i = first; i < first + size && !model->range[i]; i++)
			;
		if (i == first + size)
			return true;
	}
	return false;
}

static void model_alloc(struct test *t, struct model *model)
{
	unsigned int size = 1 + test_rng_below(&model->rng, 16), i;
	unsigned int limit = test_rng_below(&model->rng, NR_PFNS);
	bool aligned = test_rng_below(&model->rng, 2);
	unsigned long pfn;
	int ret;

	ret = iova_mt_alloc(t->domain, size, pfn_of(limit),
			    aligned ? ALIGNED : 0, &pfn);
	if (ret) {
		EXPECT_EQ(t, ret, -ENOSPC);
		test_expect(t, !has_room(model, size, limit, aligned),
			    "%u pages below %#lx, aligned %d: refused", size,
			    pfn_of(limit), aligned);
		return;
	}
	if (!test_expect(t, (pfn < END || pfn > ULONG_MAX - END) &&
			 index_of(pfn) + size - 1 <= limit,
			 "%u pages at %#lx", size, pfn))
		return;
	model->nr++;
	for (i = index_of(pfn); i < index_of(pfn) + size; i++) {
		EXPECT_EQ(t, model->range[i], 0);
		model->range[i] = model->nr;
	}
}

/* Each run of free pages becomes a range; the allocator may cut it in several. */
static void model_reserve(struct test *t, struct model *model)
{
	unsigned int first = test_rng_below(&model->rng, NR_PFNS);
	unsigned int last = test_rng_below(&model->rng, NR_PFNS), i;
	struct iova_mt_range range;

	if (first > last)
		swap(first, last);
	if (!EXPECT_EQ(t, iova_mt_reserve(t->domain, pfn_of(first),
					  pfn_of(last)), 0))
		return;
	for (i = first; i <= last; i++) {
		if (model->range[i])
			continue;
		if (!EXPECT_EQ(t, iova_mt_find(t->domain, pfn_of(i), &range), 0))
			return;
		EXPECT_EQ(t, range.state, IOVA_MT_RESERVED);
		EXPECT_EQ(t, range.first, pfn_of(i));
		model->nr++;
		for (; i <= last && pfn_of(i) <= range.last; i++)
			model->range[i] = model->nr;
		i--;
	}
}

static void model_free(struct test *t, struct model *model)
{
	unsigned int at = test_rng_below(&model->rng, NR_PFNS), i;
	unsigned int range = model->range[at];

	iova_mt_free(t->domain, pfn_of(at), 0);
	for (i = 0; range && i < NR_PFNS; i++)
		if (model->range[i] == range)
			model->range[i] = 0;
}

static bool model_agrees(struct test *t, const struct model *model)
{
	unsigned int i;

	for (i = 0; i < NR_PFNS; i++)
		if (!EXPECT_EQ(t, test_is_taken(t, pfn_of(i)), !!model->range[i]))
			return false;
	return true;
}

static void both_ends_are_as_the_model_says(struct test *t)
{
	static struct model model;
	unsigned int op;

	if (!test_domain(t, 0))
		return;
	memset(&model, 0, sizeof(model));
	test_rng_init(&model.rng, t->seed);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, END, ULONG_MAX - END), 0);
	for (op = 0; op < NR_OPS && !t->nr_failed; op++) {
		switch (test_rng_below(&model.rng, 8)) {
		case 0:
			model_reserve(t, &model);
			break;
		case 1 ... 4:
			model_alloc(t, &model);
			break;
		default:
			model_free(t, &model);
			break;
		}
		if (!model_agrees(t, &model))
			test_diag("operation %u of seed %llu", op, t->seed);
		if (op % 64 == 0)
			cond_resched();
	}
}

static const struct test_case cases[] = {
	{ "N9, R20: a refusal beside pfn 0 is forgotten",
	  a_refusal_beside_pfn_0_is_forgotten },
	{ "N9, R20: a refusal beside the last pfn is forgotten",
	  a_refusal_beside_the_last_pfn_is_forgotten },
	{ "N9: all pfns are reserved, and freed", all_pfns_are_reserved_and_freed },
	{ "N9: the last pfn alone", the_last_pfn_alone },
	{ "N9: reserve over what is deferred at pfn 0",
	  reserve_over_what_is_deferred_at_pfn_0, TEST_NEEDS_ENTRIES },
	{ "N9: reserve over an orphan at pfn 0", reserve_over_an_orphan_at_pfn_0,
	  TEST_NEEDS_MARKER },
	{ "N9: sizes up to half of all pfns", sizes_up_to_half_of_all },
	{ "N9: two halves", two_halves },
	{ "N9: spaces of few pfns at the end", spaces_of_few_pfns },
	{ "N9: both ends are as the model says", both_ends_are_as_the_model_says },
};

const struct test_suite suite_ends = {
	.name = "ends",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
