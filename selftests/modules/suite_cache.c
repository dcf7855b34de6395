// SPDX-License-Identifier: GPL-2.0
/*
 * Cache: what comes out of any allocator's caches.
 */
#include <linux/bits.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/sched.h>
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

/* --- Frees that are drivers' mistakes --------------------------------------- */

/* What begins at 0 is no range of a domain that begins at 1. */
static void free_of_pfn_0_costs_no_mapping(struct test *t)
{
	unsigned long pfn;
	unsigned int order, i;

	for (order = 0; order <= 9; order++) {
		for (i = 0; i < 4; i++)
			iova_mt_free(t->domain, 0, BIT(order));
		for (i = 0; i < 8; i++)
			if (!test_alloc(t, BIT(order), TOP,
					ALIGNED | CACHED | FLUSH, &pfn))
				return;
	}
}

static void outside_of_the_domain_is_not_handed_out(struct test *t)
{
	unsigned long pfn;
	unsigned int order;

	if (!test_domain(t, 4096))
		return;
	for (order = 0; order <= 9; order++) {
		unsigned long size = BIT(order);

		iova_mt_free(t->domain, 2048, size);
		iova_mt_free(t->domain, 4096 - size, size);
		iova_mt_free(t->domain, ULONG_MAX - size + 1, size);
		/* Would wrap around. */
		iova_mt_free(t->domain, ULONG_MAX - size + 1, 2 * size);
		if (!test_alloc(t, size, TOP, ALIGNED | CACHED, &pfn) ||
		    !test_alloc(t, size, TOP, ALIGNED | CACHED | FLUSH, &pfn) ||
		    !test_alloc(t, size, ULONG_MAX, ALIGNED | CACHED, &pfn))
			return;
		/* Without caches the very last pages may be handed out. */
		EXPECT(t, pfn < ULONG_MAX - size + 1 || !t->domain->ops->flush);
	}
}

/* The kernel's own caches up to 32 pages, and there takes the driver's word. */
#define FIRST_EXACT	6
#define LAST_EXACT	10

static bool is_given_twice(struct test *t, unsigned long size)
{
	unsigned long one, other;

	return test_alloc(t, size, TOP, ALIGNED | CACHED, &one) &&
	       test_alloc(t, size, TOP, ALIGNED | CACHED, &other) &&
	       !EXPECT(t, one != other);
}

static void freed_twice_is_handed_out_once(struct test *t)
{
	unsigned long pfn, size;
	unsigned int order;

	for (order = FIRST_EXACT; order <= LAST_EXACT; order++) {
		size = BIT(order);
		if (!test_alloc(t, size, TOP, ALIGNED | CACHED, &pfn))
			return;
		iova_mt_free(t->domain, pfn, size);
		iova_mt_free(t->domain, pfn, size);
		if (is_given_twice(t, size))
			return;
		/* And not by pfn, either, nor once it has been flushed. */
		if (!test_alloc(t, size, TOP, ALIGNED | CACHED, &pfn))
			return;
		iova_mt_free(t->domain, pfn, size);
		iova_mt_free(t->domain, pfn + size - 1, 0);
		if (is_given_twice(t, size))
			return;
		if (!test_alloc(t, size, TOP, ALIGNED | CACHED, &pfn))
			return;
		iova_mt_free(t->domain, pfn, size);
		iova_mt_flush(t->domain);
		iova_mt_free(t->domain, pfn, size);
		if (is_given_twice(t, size))
			return;
	}
}

/* A range that comes out of a cache is its owner's to free again. */
static void second_free_is_known(struct test *t)
{
	const struct iova_mt_ops *ops = t->domain->ops;
	unsigned long pfn, size;
	unsigned int order, i;

	for (order = FIRST_EXACT; order <= LAST_EXACT; order++) {
		size = BIT(order);
		for (i = 0; i < 5; i++) {
			if (!test_alloc(t, size, TOP, ALIGNED | CACHED, &pfn))
				return;
			EXPECT(t, ops->free(t->domain, pfn, size));
			EXPECT(t, !ops->free(t->domain, pfn, size));
			EXPECT(t, !ops->free(t->domain, pfn, 0));
			if (i == 3)
				iova_mt_flush(t->domain);
			EXPECT(t, !ops->free(t->domain, pfn, size));
		}
	}
	test_expect_clean(t);
}

/* As the kernel's own does it: the range that holds it is freed. */
static void piece_of_a_range_is_not_cached(struct test *t)
{
	struct iova_mt_range range;
	unsigned long pfn, piece;

	if (!test_alloc(t, 512, TOP, ALIGNED | CACHED, &pfn))
		return;
	iova_mt_free(t->domain, pfn + 64, 64);
	EXPECT(t, !test_is_taken(t, pfn));
	if (!test_alloc(t, 64, TOP, ALIGNED | CACHED, &piece))
		return;
	EXPECT(t, !iova_mt_find(t->domain, piece, &range) &&
	       range.first == piece && range.last == piece + 63);
	if (test_alloc(t, 512, TOP, ALIGNED | CACHED, &pfn))
		EXPECT(t, piece < pfn || piece > pfn + 511);
}

/* Found only as the cache is emptied, but found, and none is lost or left. */
static void freed_twice_in_small_is_found_in_the_end(struct test *t)
{
	unsigned int lines = test_log_count("in a cache was freed twice");
	unsigned long pfn;

	if (!test_alloc(t, 4, TOP, ALIGNED | CACHED, &pfn))
		return;
	iova_mt_free(t->domain, pfn, 4);
	iova_mt_free(t->domain, pfn, 4);
	iova_mt_flush(t->domain);
	EXPECT_EQ(t, test_log_count("in a cache was freed twice"),
		  lines + 1);
	test_expect_clean(t);
}

/* --- Flush ------------------------------------------------------------------ */

/* What lies in the caches is taken as it is, or given back in pieces. */
static void flush_for_a_request_is_bounded(struct test *t)
{
	const unsigned int nr = 20000, few = 5000;
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!test_alloc(t, 1, nr, ALIGNED | CACHED, &pfn))
			return;
	for (i = 1; i <= nr; i++)
		iova_mt_free(t->domain, i, 1);
	EXPECT_EQ(t, test_counter(t, "magazine_put"), nr);
	if (!test_alloc(t, 1, nr, FLUSH, &pfn))
		return;
	test_diag("%llu of %u ranges were flushed for one page",
		  test_counter(t, "magazine_flush"), nr);
	EXPECT(t, test_counter(t, "magazine_flush") <= few);
	/* This takes all of it. */
	iova_mt_free(t->domain, pfn, 1);
	if (test_alloc(t, nr, nr, FLUSH, &pfn))
		EXPECT_EQ(t, pfn, 1);
}

#if defined(CONFIG_KPROBES)

#define HALF	64U

/**
 * struct meanwhile - a request in the middle of a flush
 * @probe: on what stores into the tree
 * @work: the interrupt that comes when the lock is released
 * @task: that flushes
 * @domain: of the case
 * @done: it has been
 * @ret: what became of it
 */
static struct meanwhile {
	struct kprobe probe;
	struct irq_work work;
	struct task_struct *task;
	struct iova_mt_domain *domain;
	bool done;
	int ret;
} meanwhile;

static void ask_for_all(struct irq_work *work)
{
	unsigned long pfn;

	meanwhile.ret = iova_mt_alloc(meanwhile.domain, HALF, 2 * HALF - 1,
				      ALIGNED | FLUSH, &pfn);
}

static int store_handler(struct kprobe *probe, struct pt_regs *regs)
{
	if (current == meanwhile.task && !meanwhile.done) {
		meanwhile.done = true;
		irq_work_queue(&meanwhile.work);
	}
	return 0;
}

/* All is free, and all is needed; a part of it is in another's hands. */
static void flush_hides_nothing(struct test *t)
{
	unsigned int i;

	if (!test_domain(t, HALF) ||
	    !EXPECT_EQ(t, test_fill(t, 1, 2 * HALF - 1, ALIGNED | CACHED, pfns,
				    MAX_PFNS), HALF))
		return;
	for (i = 0; i < HALF; i++)
		iova_mt_free(t->domain, pfns[i], 1);
	meanwhile = (struct meanwhile){
		.probe.symbol_name = "mas_preallocate",
		.probe.pre_handler = store_handler,
		.work = IRQ_WORK_INIT(ask_for_all),
		.task = current,
		.domain = t->domain,
	};
	if (register_kprobe(&meanwhile.probe)) {
		test_skip(t, "no kprobe can be put on mas_preallocate()");
		return;
	}
	iova_mt_flush(t->domain);
	unregister_kprobe(&meanwhile.probe);
	irq_work_sync(&meanwhile.work);
	if (!meanwhile.done)
		test_skip(t, "a flush stores nothing into the tree");
	else
		EXPECT_EQ(t, meanwhile.ret, 0);
}

#else

static void flush_hides_nothing(struct test *t)
{
	test_skip(t, "this kernel has no kprobes");
}

#endif

static const char own_rules[] =
	"the kernel's own takes a driver's word for where a range is";

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
	{ "N6: a free of pfn 0 costs no mapping later",
	  free_of_pfn_0_costs_no_mapping },
	{ "N6: what lies outside of the domain is not handed out",
	  outside_of_the_domain_is_not_handed_out, 0, own_rules },
	{ "N7: what was freed twice above 32 pages is handed out once",
	  freed_twice_is_handed_out_once },
	{ "N7: a second free above 32 pages is known for one",
	  second_free_is_known, 0, own_rules },
	{ "N7: a piece of a range is not cached",
	  piece_of_a_range_is_not_cached },
	{ "N7: what was freed twice in small is found in the end",
	  freed_twice_in_small_is_found_in_the_end, TEST_NEEDS_MAPLE },
	{ "N1: a request flushes no more than it needs",
	  flush_for_a_request_is_bounded, TEST_NEEDS_MAPLE },
	{ "a flush hides nothing from others", flush_hides_nothing,
	  TEST_NEEDS_MAPLE },
};

const struct test_suite suite_cache = {
	.name = "cache",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
