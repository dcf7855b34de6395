// SPDX-License-Identifier: GPL-2.0
/*
 * Search: what is found, what is refused, and what is remembered of refusals.
 */
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "test.h"

#define ALIGNED		IOVA_MT_ALIGNED
#define CACHED		IOVA_MT_CACHED
#define FLUSH		IOVA_MT_FLUSH

#define TOP		0xffffUL

/* --- Hints: no memory is not no space ------------------------------------- */

static void no_memory_is_not_remembered(struct test *t)
{
	unsigned long pfn = 4711;

	test_fault(t, "fail_insert", TEST_ALWAYS);
	EXPECT_EQ(t, iova_mt_alloc(t->domain, 8, TOP, 0, &pfn), -ENOMEM);
	EXPECT_EQ(t, pfn, 4711);
	EXPECT_EQ(t, test_try(t, 8, TOP, 0), -ENOMEM);
	EXPECT_EQ(t, test_try(t, 8, TOP, ALIGNED | CACHED | FLUSH), -ENOMEM);
	test_fault(t, "fail_insert", TEST_NEVER);
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
	test_fault(t, "fail_insert", TEST_ALWAYS);
	EXPECT_EQ(t, test_try(t, 4, 255, ALIGNED), -ENOMEM);
	EXPECT_EQ(t, test_try(t, 6, 255, 0), -ENOMEM);
	EXPECT_EQ(t, test_try(t, 8, 255, 0), -ENOSPC);
	test_fault(t, "fail_insert", TEST_NEVER);
	if (test_alloc(t, 4, 255, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, 100);
	if (test_alloc(t, 2, 255, 0, &pfn))
		EXPECT_EQ(t, pfn, 104);
}

/* Whether there would be memory for what is not there is nobody's question. */
static void no_room_whatever_memory(struct test *t)
{
	if (!six_pages_left(t))
		return;
	test_fault(t, "fail_insert", TEST_ALWAYS);
	test_fault(t, "fail_object", TEST_ALWAYS);
	EXPECT_EQ(t, test_try(t, 7, 255, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 8, 255, ALIGNED), -ENOSPC);
	EXPECT_EQ(t, test_try(t, 6, 255, 0), -ENOMEM);
	EXPECT_EQ(t, test_try(t, 8, TOP, ALIGNED), -ENOMEM);
	test_fault(t, "fail_insert", TEST_NEVER);
	EXPECT_EQ(t, test_try(t, 7, 255, 0), -ENOSPC);
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
	if (!test_take(t, 2 * gaps, 2, 4 * gaps))
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

/* --- A search that is overtaken ------------------------------------------- */

#if defined(CONFIG_KPROBES)

/**
 * struct overtaking - a free in an interrupt, in the middle of a search
 * @probe: on what looks for a gap
 * @work: frees
 * @domain: of the case
 * @task: that searches
 * @pfn: what is freed, behind the search's back
 * @looks: gaps that are left to look at before that
 */
static struct overtaking {
	struct kprobe probe;
	struct irq_work work;
	struct iova_mt_domain *domain;
	struct task_struct *task;
	unsigned long pfn;
	unsigned int looks;
} overtaking;

static void overtake(struct irq_work *work)
{
	iova_mt_free(overtaking.domain, overtaking.pfn, 0);
}

/* Under the tree's lock: the work waits until interrupts are on again. */
static int look_handler(struct kprobe *probe, struct pt_regs *regs)
{
	if (current == overtaking.task && overtaking.looks &&
	    !--overtaking.looks)
		irq_work_queue(&overtaking.work);
	return 0;
}

/* All gaps are at odd pfns, but for two pages at the top, which are taken. */
static bool overtaking_begin(struct test *t, unsigned long top)
{
	unsigned long pfn;

	if (!test_take(t, 1, 2, top) || !test_take(t, top / 2 - 1, 2, top - 3))
		return false;
	for (pfn = 3; pfn < top - 4; pfn += 4)
		iova_mt_free(t->domain, pfn, 0);
	overtaking = (struct overtaking){
		.probe.symbol_name = "mas_empty_area_rev",
		.probe.pre_handler = look_handler,
		.work = IRQ_WORK_INIT(overtake),
		.domain = t->domain,
		.task = current,
		.pfn = top - 1,
		.looks = 200,
	};
	if (!register_kprobe(&overtaking.probe))
		return true;
	test_skip(t, "no kprobe can be put on mas_empty_area_rev()");
	return false;
}

/*
 * What becomes free above a search while it goes on may be missed by it. That
 * nothing was found must then not be remembered.
 */
static void overtaken_search_is_not_remembered(struct test *t)
{
	const unsigned long top = 4001;
	unsigned long pfn;
	int ret;

	if (!overtaking_begin(t, top))
		return;
	ret = test_try(t, 2, top, ALIGNED);
	irq_work_sync(&overtaking.work);
	unregister_kprobe(&overtaking.probe);
	EXPECT_EQ(t, overtaking.looks, 0);
	EXPECT(t, !ret || ret == -ENOSPC);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	if (test_alloc(t, 2, top, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, top - 1);
}

#else

static void overtaken_search_is_not_remembered(struct test *t)
{
	test_skip(t, "this kernel has no kprobes");
}

#endif

static const struct test_case cases[] = {
	{ "B1: no memory is not remembered as no space",
	  no_memory_is_not_remembered, TEST_NEEDS_MAPLE },
	{ "B1: a refusal does not poison other sizes and limits",
	  refusals_do_not_poison_others, TEST_NEEDS_MAPLE },
	{ "B1: nor other sizes of the same order",
	  refusals_are_by_size_not_by_order, TEST_NEEDS_MAPLE },
	{ "B1: no memory in a tight space", no_memory_in_a_tight_space,
	  TEST_NEEDS_MAPLE },
	{ "B1: no room is no room, whatever memory there is",
	  no_room_whatever_memory, TEST_NEEDS_MAPLE },
	{ "P1: an exactly aligned hole is found",
	  exactly_aligned_hole_is_found },
	{ "a search that is overtaken is not remembered",
	  overtaken_search_is_not_remembered, TEST_NEEDS_MAPLE },
	{ "N1: a failing search in short holds",
	  failing_search_in_short_holds, TEST_NEEDS_MAPLE },
};

const struct test_suite suite_search = {
	.name = "search",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
