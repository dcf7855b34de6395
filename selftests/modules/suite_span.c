// SPDX-License-Identifier: GPL-2.0
/*
 * Spans: many small ranges share an entry of the index, and nothing is refused
 * that would fit, whatever lies in between.
 */
#include <linux/align.h>
#include <linux/bits.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched.h>

#include "test.h"
#include "test_gate.h"

#define ALIGNED		IOVA_MT_ALIGNED

/* The pages that a span can have. */
#define WINDOW		4096UL
/* The spaces of the cases begin here and have some windows. */
#define BASE		(16 * WINDOW)
#define NR_WINDOWS	4
#define TOP		(BASE + NR_WINDOWS * WINDOW - 1)

static unsigned long pfns[NR_WINDOWS * WINDOW];

static bool space(struct test *t)
{
	return test_domain(t, BASE);
}

/* All of it, in ranges of @size pages. */
static unsigned int fill(struct test *t, unsigned long size)
{
	unsigned int nr = test_fill(t, size, TOP, ALIGNED, pfns,
				    ARRAY_SIZE(pfns));

	EXPECT_EQ(t, nr, NR_WINDOWS * WINDOW / size);
	cond_resched();
	return nr;
}

static void free_each(struct test *t, unsigned int from, unsigned int to,
		      unsigned int step)
{
	unsigned int i;

	for (i = from; i < to; i += step)
		iova_mt_free(t->domain, pfns[i], 0);
	cond_resched();
}

/* --- What it is for ------------------------------------------------------- */

static void few_entries_for_many_ranges(struct test *t)
{
	unsigned int order, nr;

	for (order = 0; order <= 9; order++) {
		if (!space(t))
			return;
		nr = fill(t, BIT(order));
		EXPECT_EQ(t, test_counter(t, "insert"), NR_WINDOWS);
		free_each(t, 0, nr, 1);
		EXPECT(t, test_counter(t, "erase") <= NR_WINDOWS);
		test_expect_clean(t);
	}
}

/* Down, each right below the one before, and again where one was freed. */
static void dense_from_the_top(struct test *t)
{
	unsigned long pfn;
	unsigned int i, nr;

	if (!space(t))
		return;
	nr = fill(t, 1);
	for (i = 0; i < nr; i++)
		if (!EXPECT_EQ(t, pfns[i], TOP - i))
			return;
	free_each(t, 7, nr, 1000);
	for (i = 7; i < nr; i += 1000)
		if (test_alloc(t, 1, TOP, ALIGNED, &pfn))
			EXPECT_EQ(t, pfn, pfns[i]);
}

/* No erase of an entry is needed, so none can fail. */
static void frees_do_without_memory(struct test *t)
{
	unsigned int i, nr;
	unsigned long pfn;

	if (!space(t))
		return;
	nr = fill(t, 2);
	test_fault(t, "fail_erase", TEST_ALWAYS);
	test_fault(t, "fail_insert", TEST_ALWAYS);
	test_fault(t, "fail_span", TEST_ALWAYS);
	for (i = 0; i < nr; i += 3) {
		iova_mt_free(t->domain, pfns[i], 0);
		if (!test_alloc(t, 2, TOP, ALIGNED, &pfn) ||
		    !EXPECT_EQ(t, pfn, pfns[i]))
			return;
	}
	EXPECT_EQ(t, test_backlog(t).total_deferred, 0);
	EXPECT_EQ(t, test_counter(t, "lost"), 0);
}

/* A free span whose erase fails stays, and serves again. */
static void a_free_span_is_kept_without_memory(struct test *t)
{
	unsigned int nr;

	if (!space(t))
		return;
	nr = fill(t, 64);
	test_fault(t, "fail_erase", TEST_ALWAYS);
	free_each(t, 0, nr, 1);
	EXPECT(t, test_counter(t, "span_kept") > 0);
	EXPECT_EQ(t, test_backlog(t).total_deferred, 0);
	nr = fill(t, 1);
	EXPECT_EQ(t, test_counter(t, "insert"), NR_WINDOWS);
	free_each(t, 0, nr, 1);
	test_faults_off();
	test_expect_clean(t);
	EXPECT_EQ(t, test_counter(t, "span_gone"), NR_WINDOWS);
}

/* Nobody asks for anything: it goes all the same, once there is memory. */
static void an_idle_domain_gives_free_spans_back(struct test *t)
{
	unsigned long end;
	unsigned int nr;

	if (!space(t))
		return;
	nr = fill(t, 64);
	test_fault(t, "fail_erase", TEST_ALWAYS);
	free_each(t, 0, nr, 1);
	msleep(100);
	EXPECT_EQ(t, test_counter(t, "span_gone"), 0);
	test_faults_off();
	end = jiffies + msecs_to_jiffies(TEST_TIMEOUT_MS);
	while (test_counter(t, "span_gone") < NR_WINDOWS &&
	       time_before(jiffies, end))
		msleep(20);
	EXPECT_EQ(t, test_counter(t, "span_gone"), NR_WINDOWS);
}

/* At the border between two windows, spans do not come and go all the time. */
static void one_free_span_is_kept(struct test *t)
{
	unsigned long pfn, more;
	unsigned int i;

	if (!space(t))
		return;
	for (i = 0; i < WINDOW; i++)
		if (!test_alloc(t, 1, TOP, 0, &pfn))
			return;
	for (i = 0; i < 100; i++) {
		if (!test_alloc(t, 1, TOP, 0, &more))
			return;
		iova_mt_free(t->domain, more, 0);
	}
	EXPECT_EQ(t, test_counter(t, "span_new"), 2);
	EXPECT_EQ(t, test_counter(t, "span_gone"), 0);
}

static void without_memory_for_a_span_the_index_serves(struct test *t)
{
	unsigned int nr;

	if (!space(t))
		return;
	test_fault(t, "fail_span", TEST_ALWAYS);
	nr = test_fill(t, 4, TOP, ALIGNED, pfns, 1000);
	EXPECT_EQ(t, nr, 1000);
	EXPECT_EQ(t, test_counter(t, "insert"), nr);
	EXPECT_EQ(t, test_counter(t, "span_new"), 0);
	EXPECT(t, test_counter(t, "span_no_memory") >= nr);
	test_faults_off();
	free_each(t, 0, nr, 1);
	test_expect_clean(t);
}

/* --- No false refusals ---------------------------------------------------- */

/* Of each size freed in holes, every other size takes what fits. */
static void sizes_use_the_holes_of_others(struct test *t)
{
	unsigned int from, to, nr, got;

	for (from = 0; from <= 9; from += 3)
		for (to = 0; to <= 9; to++) {
			if (!space(t))
				return;
			nr = fill(t, BIT(from));
			/* Pairs of neighbours, each second pair. */
			free_each(t, 0, nr, 4);
			free_each(t, 1, nr, 4);
			got = test_fill(t, BIT(to), TOP, ALIGNED, pfns,
					ARRAY_SIZE(pfns));
			test_expect(t, got == (to <= from + 1 ?
				    NR_WINDOWS * WINDOW / 2 >> to : 0),
				    "order %u in holes of order %u: %u", to,
				    from, got);
			cond_resched();
		}
}

/* Each size that is no power of two fits where just so many pages are free. */
static void odd_sizes_fit_exactly(struct test *t)
{
	static const unsigned int sizes[] = {
		3, 7, 33, 63, 65, 100, 127, 129, 200, 257, 300, 511, 513, 1000,
		2049, 4095,
	};
	unsigned long first, pfn;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (!space(t))
			return;
		fill(t, 1);
		first = BASE + WINDOW;
		for (j = 0; j < sizes[i]; j++)
			iova_mt_free(t->domain, first + j, 0);
		EXPECT_EQ(t, test_try(t, sizes[i] + 1, TOP, ALIGNED), -ENOSPC);
		EXPECT_EQ(t, test_try(t, sizes[i], first + sizes[i] - 2, ALIGNED),
			  -ENOSPC);
		if (test_alloc(t, sizes[i], first + sizes[i] - 1, ALIGNED, &pfn))
			EXPECT_EQ(t, pfn, first);
		cond_resched();
	}
}

/* A range that begins anywhere leaves room for aligned ones where it was. */
static void ranges_freed_off_their_alignment(struct test *t)
{
	const unsigned long first = BASE + WINDOW + 64;
	unsigned long pfn;
	unsigned int i;

	if (!space(t))
		return;
	fill(t, 1);
	for (i = 1; i < 8; i++)
		iova_mt_free(t->domain, first + i, 0);
	/* Now one range of seven pages, which is freed as a whole. */
	EXPECT_EQ(t, iova_mt_reserve(t->domain, first + 1, first + 7), 0);
	EXPECT_EQ(t, test_try(t, 1, TOP, ALIGNED), -ENOSPC);
	iova_mt_free(t->domain, first + 1, 0);
	EXPECT_EQ(t, test_try(t, 8, TOP, ALIGNED), -ENOSPC);
	if (test_alloc(t, 4, TOP, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, first + 4);
	if (test_alloc(t, 2, TOP, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, first + 2);
	if (test_alloc(t, 1, TOP, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, first + 1);
}

/* A range may begin in one span and end in another one's free pages. */
static void ranges_across_the_border_of_spans(struct test *t)
{
	const unsigned long border = BASE + 2 * WINDOW;
	unsigned long pfn;
	unsigned int i;

	if (!space(t))
		return;
	fill(t, 1);
	for (i = 0; i < 20; i++)
		iova_mt_free(t->domain, border - 10 + i, 0);
	EXPECT_EQ(t, test_try(t, 21, TOP, 0), -ENOSPC);
	if (test_alloc(t, 20, TOP, 0, &pfn))
		EXPECT_EQ(t, pfn, border - 10);
	iova_mt_free(t->domain, pfn, 0);
	/* And what has been given back for it serves pages again. */
	for (i = 0; i < 20; i++)
		if (!test_alloc(t, 1, TOP, 0, &pfn))
			return;
	EXPECT_EQ(t, test_try(t, 1, TOP, 0), -ENOSPC);
}

/* More than a window, with its end in the free pages of a span. */
static void large_ranges_end_in_spans(struct test *t)
{
	const unsigned long size = WINDOW + 900;
	unsigned long pfn;
	unsigned int i;

	if (!space(t))
		return;
	fill(t, 1);
	for (i = 0; i < size; i++)
		iova_mt_free(t->domain, BASE + i, 0);
	EXPECT_EQ(t, test_try(t, size + 1, TOP, ALIGNED), -ENOSPC);
	if (test_alloc(t, size, TOP, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, BASE);
}

/* What is freed beside a span in its window serves a range over both. */
static void spans_grow_over_what_is_freed(struct test *t)
{
	unsigned long large, pfn, first;
	unsigned int i;

	/* 600 pages of the window's own, the rest a span. */
	if (!space(t) || !test_alloc(t, 600, BASE + WINDOW - 1, ALIGNED, &large))
		return;
	first = large + 600;
	for (i = 0; i < NR_WINDOWS * WINDOW - 600; i++)
		if (!test_alloc(t, 1, TOP, 0, &pfn))
			return;
	EXPECT_EQ(t, test_try(t, 1, TOP, 0), -ENOSPC);
	/* 40 pages of the span, in front of which the large one goes. */
	for (i = 0; i < 40; i++)
		iova_mt_free(t->domain, first + i, 0);
	iova_mt_free(t->domain, large, 0);
	EXPECT(t, first % 64);
	if (test_alloc(t, 64, TOP, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, ALIGN_DOWN(first, 64) > first - 64 &&
			  ALIGN_DOWN(first, 64) + 63 < first + 40 ?
			  ALIGN_DOWN(first, 64) : ALIGN_DOWN(first - 64, 64));
	for (i = 0; i < 640 - 64; i++)
		if (!test_alloc(t, 1, TOP, 0, &pfn))
			return;
	EXPECT_EQ(t, test_try(t, 1, TOP, 0), -ENOSPC);
	EXPECT(t, test_counter(t, "span_grown") > 0);
}

/* --- Refusals ------------------------------------------------------------- */

/* Of each window the page in the middle is live, and no other. */
static bool one_page_a_window(struct test *t)
{
	unsigned int i, nr;

	if (!space(t))
		return false;
	nr = fill(t, 1);
	for (i = 0; i < nr; i++)
		if (pfns[i] % WINDOW != WINDOW / 2)
			iova_mt_free(t->domain, pfns[i], 0);
	cond_resched();
	return true;
}

/* What has not been touched, and what was looked at. */
static void refuse_across(struct test *t, unsigned long size,
			  unsigned int flags, u64 looks)
{
	u64 erases = test_counter(t, "erase"), inserts = test_counter(t, "insert");

	looks += test_counter(t, "span_look");
	EXPECT_EQ(t, test_try(t, size, TOP, flags), -ENOSPC);
	EXPECT(t, test_counter(t, "span_look") <= looks);
	EXPECT_EQ(t, test_counter(t, "erase"), erases);
	EXPECT_EQ(t, test_counter(t, "insert"), inserts);
}

static void refusals_leave_spans_as_they_are(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	if (!one_page_a_window(t))
		return;
	refuse_across(t, WINDOW, 0, NR_WINDOWS);
	/* Remembered, and with it what is larger, or more of it. */
	for (i = 0; i < 10; i++)
		refuse_across(t, WINDOW + i, 0, 0);
	/* Whole windows are needed, and there are none. */
	for (i = 0; i < 10; i++)
		refuse_across(t, 2 * WINDOW - i, ALIGNED, 0);
	EXPECT_EQ(t, test_counter(t, "span_cut"), 0);
	/* Until something is freed that may change it. */
	iova_mt_free(t->domain, BASE + WINDOW / 2, 0);
	if (test_alloc(t, WINDOW, TOP, 0, &pfn))
		EXPECT(t, pfn <= BASE + WINDOW / 2 + 1);
}

static void only_spans_that_matter_are_cut(struct test *t)
{
	u64 erases, looks;
	unsigned long pfn;

	if (!one_page_a_window(t))
		return;
	erases = test_counter(t, "erase");
	looks = test_counter(t, "span_look");
	if (test_alloc(t, WINDOW - 1, TOP, 0, &pfn))
		EXPECT_EQ(t, pfn, TOP - WINDOW - WINDOW / 2 + 2);
	EXPECT_EQ(t, test_counter(t, "span_cut"), 2);
	EXPECT_EQ(t, test_counter(t, "erase") - erases, 2);
	EXPECT_EQ(t, test_counter(t, "span_look") - looks, 1);
}

/* Free pages that only memory keeps from being one range. */
static void no_memory_to_join_is_no_memory(struct test *t)
{
	unsigned long pfn;

	if (!space(t))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	free_each(t, 0, fill(t, 64), 1);
	EXPECT_EQ(t, test_try(t, 2 * WINDOW, TOP, ALIGNED), -ENOMEM);
	EXPECT_EQ(t, test_try(t, WINDOW + 1, TOP, 0), -ENOMEM);
	EXPECT_EQ(t, test_try(t, NR_WINDOWS * WINDOW, TOP, ALIGNED), -ENOMEM);
	/* In each pair of windows, one page is live. */
	if (!test_alloc(t, 1, TOP, 0, &pfn) ||
	    !test_alloc(t, 1, BASE + WINDOW, 0, &pfn))
		return;
	EXPECT_EQ(t, test_try(t, 2 * WINDOW, TOP, ALIGNED), -ENOSPC);
	EXPECT_EQ(t, test_try(t, NR_WINDOWS * WINDOW, TOP, 0), -ENOSPC);
	EXPECT_EQ(t, test_try(t, WINDOW + 1, TOP, 0), -ENOMEM);
	iova_mt_free(t->domain, pfn, 0);
	test_faults_off();
	if (test_alloc(t, 2 * WINDOW, TOP, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, BASE);
}

static void no_memory_to_grow_is_no_memory(struct test *t)
{
	unsigned long large, pfn;
	unsigned int i;

	/* A window of 600 pages, and a span that has the rest. */
	if (!space(t) || !test_alloc(t, 600, BASE + WINDOW - 1, ALIGNED, &large))
		return;
	for (i = 0; i < NR_WINDOWS * WINDOW - 600; i++)
		if (!test_alloc(t, 1, TOP, 0, &pfn))
			return;
	for (i = 0; i < 40; i++)
		iova_mt_free(t->domain, large + 600 + i, 0);
	iova_mt_free(t->domain, large, 0);
	/* 640 pages, which begin at a multiple of 1024. */
	test_fault(t, "fail_insert", TEST_ALWAYS);
	for (i = 0; i < 10; i++)
		EXPECT_EQ(t, test_try(t, 640, TOP, ALIGNED), -ENOMEM);
	EXPECT_EQ(t, test_try(t, 641, TOP, ALIGNED), -ENOSPC);
	test_faults_off();
	if (test_alloc(t, 640, TOP, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, large);
}

/* The limit cuts a span, a block, a word. */
static void any_limit_cuts_exactly(struct test *t)
{
	unsigned long limit, pfn;

	for (limit = BASE + WINDOW - 70; limit < BASE + WINDOW + 70; limit++) {
		if (!space(t))
			return;
		/* A span that reaches above the limit. */
		if (!test_alloc(t, 1, TOP, 0, &pfn) ||
		    !test_alloc(t, 1, BASE + 2 * WINDOW - 1, 0, &pfn))
			return;
		if (test_alloc(t, 1, limit, ALIGNED, &pfn)) {
			EXPECT_EQ(t, pfn, limit);
			iova_mt_free(t->domain, pfn, 0);
		}
		if (test_alloc(t, 32, limit, ALIGNED, &pfn))
			EXPECT_EQ(t, pfn, ALIGN_DOWN(limit - 31, 32));
		if (test_alloc(t, 128, limit, ALIGNED, &pfn))
			EXPECT(t, pfn + 127 <= limit);
	}
	if (space(t)) {
		EXPECT_EQ(t, test_try(t, 2, BASE, ALIGNED), -ENOSPC);
		if (test_alloc(t, 1, BASE, ALIGNED, &pfn))
			EXPECT_EQ(t, pfn, BASE);
	}
}

/* --- Reserved pages ------------------------------------------------------- */

static void expect_state(struct test *t, unsigned long pfn,
			 enum iova_mt_state state, unsigned long first,
			 unsigned long last)
{
	struct iova_mt_range range;

	if (EXPECT_EQ(t, iova_mt_find(t->domain, pfn, &range), 0)) {
		EXPECT_EQ(t, range.state, state);
		EXPECT_EQ(t, range.first, first);
		EXPECT_EQ(t, range.last, last);
	}
}

static void reserved_between_live_ranges(struct test *t)
{
	const unsigned long first = BASE + WINDOW + 100;
	unsigned long pfn;

	if (!space(t))
		return;
	fill(t, 4);
	iova_mt_free(t->domain, first, 0);
	iova_mt_free(t->domain, first + 8, 0);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, first - 2, first + 9), 0);
	expect_state(t, first, IOVA_MT_RESERVED, first, first + 3);
	expect_state(t, first + 4, IOVA_MT_LIVE, first + 4, first + 7);
	expect_state(t, first + 9, IOVA_MT_RESERVED, first + 8, first + 9);
	expect_state(t, first - 1, IOVA_MT_LIVE, first - 4, first - 1);
	if (test_alloc(t, 2, TOP, ALIGNED, &pfn))
		EXPECT_EQ(t, pfn, first + 10);
	EXPECT_EQ(t, test_try(t, 1, TOP, 0), -ENOSPC);
	/* A reserved range is freed like any other. */
	iova_mt_free(t->domain, first, 0);
	if (test_alloc(t, 4, TOP, ALIGNED, &pfn))
		expect_state(t, first, IOVA_MT_LIVE, first, first + 3);
}

/* All or nothing, and what others have reserved stays. */
static void a_failed_reservation_leaves_nothing(struct test *t)
{
	const unsigned long first = BASE + WINDOW;
	unsigned int nr_before, nr_after;
	u64 before;

	if (!space(t))
		return;
	fill(t, 1);
	free_each(t, 0, NR_WINDOWS * WINDOW, 2);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, first, first + 9), 0);
	before = test_listing_hash(t, &nr_before);
	test_fault(t, "fail_span", "1,100,30,1");
	EXPECT_EQ(t, iova_mt_reserve(t->domain, first, first + 999), -ENOMEM);
	test_faults_off();
	EXPECT_EQ(t, test_listing_hash(t, &nr_after), before);
	EXPECT_EQ(t, nr_after, nr_before);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, first, first + 999), 0);
	test_listing_hash(t, &nr_after);
	EXPECT_EQ(t, nr_after, nr_before + 495);
}

/* --- In interrupts -------------------------------------------------------- */

/* So many that their entries fill leaves of the tree. */
#define CUT_WINDOWS	40
#define CUT_TOP		(BASE + CUT_WINDOWS * WINDOW - 1)
#define CUT_SIZE	512UL
#define CUT_EACH	(WINDOW / CUT_SIZE)
/* More than one end of a span has, less than two that meet. */
#define CUT_ASKED	600UL

/**
 * struct cut - allocations in hardirq
 * @work: runs them
 * @domain: of the case
 * @pfn: what the first one got
 * @nr: how many got something
 * @locks: calls that interrupts must not make
 */
struct cut {
	struct irq_work work;
	struct iova_mt_domain *domain;
	unsigned long pfn;
	unsigned int nr;
	unsigned int locks;
};

static void cut_fn(struct irq_work *work)
{
	struct cut *cut = container_of(work, struct cut, work);
	unsigned long pfn;

	gate_close(GATE_COUNT);
	while (!iova_mt_alloc(cut->domain, CUT_ASKED, CUT_TOP, 0, &pfn)) {
		if (!cut->nr++)
			cut->pfn = pfn;
	}
	gate_open();
	cut->locks = gate.locks;
}

/* All of it, and then both ends of each span are free. */
static bool spans_with_free_ends(struct test *t)
{
	const unsigned int nr = CUT_WINDOWS * CUT_EACH;

	if (!space(t) ||
	    !EXPECT_EQ(t, test_fill(t, CUT_SIZE, CUT_TOP, ALIGNED, pfns,
				    ARRAY_SIZE(pfns)), nr))
		return false;
	free_each(t, 0, nr, CUT_EACH);
	free_each(t, CUT_EACH - 1, nr, CUT_EACH);
	return true;
}

/*
 * Each span loses its ends, and so the tree gets an entry more than it had: in a
 * full leaf that takes several nodes, which an interrupt may not ask for where
 * they come in sheaves. Where there is no gate, lockdep sees it.
 */
static void interrupts_cut_spans(struct test *t)
{
	struct cut cut = { .work = IRQ_WORK_INIT(cut_fn) };
	u64 erases, used;

	if (!spans_with_free_ends(t))
		return;
	cut.domain = t->domain;
	erases = test_counter(t, "erase");
	used = test_counter(t, "spare_used");
	irq_work_queue(&cut.work);
	irq_work_sync(&cut.work);
	erases = test_counter(t, "erase") - erases;
	used = test_counter(t, "spare_used") - used;
	test_diag("%llu ends cut in hardirq, %llu stores from the spare nodes",
		  erases, used);
	if (EXPECT_EQ(t, cut.nr, CUT_WINDOWS - 1))
		EXPECT_EQ(t, cut.pfn, CUT_TOP + 1 - WINDOW + CUT_SIZE - CUT_ASKED);
	EXPECT_EQ(t, erases, 2 * cut.nr);
	EXPECT_EQ(t, cut.locks, 0);
}

static const struct test_case cases[] = {
	{ "few entries for many ranges", few_entries_for_many_ranges },
	{ "dense from the top", dense_from_the_top },
	{ "frees do without memory, and so do allocations", frees_do_without_memory },
	{ "a free span is kept without memory", a_free_span_is_kept_without_memory },
	{ "P4: an idle domain gives free spans back",
	  an_idle_domain_gives_free_spans_back },
	{ "one free span is kept", one_free_span_is_kept },
	{ "without memory for a span the index serves",
	  without_memory_for_a_span_the_index_serves },
	{ "sizes use the holes of others", sizes_use_the_holes_of_others },
	{ "odd sizes fit exactly", odd_sizes_fit_exactly },
	{ "ranges freed off their alignment", ranges_freed_off_their_alignment },
	{ "ranges across the border of spans", ranges_across_the_border_of_spans },
	{ "large ranges end in spans", large_ranges_end_in_spans },
	{ "spans grow over what is freed beside them", spans_grow_over_what_is_freed },
	{ "P3: a refusal leaves spans as they are",
	  refusals_leave_spans_as_they_are },
	{ "only the spans that matter are cut", only_spans_that_matter_are_cut },
	{ "B1: no memory to join free pages is no memory",
	  no_memory_to_join_is_no_memory },
	{ "B1: no memory to let a span grow is no memory",
	  no_memory_to_grow_is_no_memory },
	{ "any limit cuts exactly", any_limit_cuts_exactly },
	{ "reserved pages between live ranges", reserved_between_live_ranges },
	{ "a failed reservation leaves nothing", a_failed_reservation_leaves_nothing },
	{ "interrupts cut spans without a CPU's sheaf", interrupts_cut_spans },
};

const struct test_suite suite_span = {
	.name = "span",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
	.init = gate_init,
	.exit = gate_exit,
};
