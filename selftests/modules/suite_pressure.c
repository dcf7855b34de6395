// SPDX-License-Identifier: GPL-2.0
/*
 * Pressure: memory is really gone, with nothing injected.
 *
 * Takes every page that an atomic allocation can get, for as long as it takes to
 * free some thousand ranges, with all CPUs stopped: whoever else asked for memory
 * meanwhile would call the OOM killer.
 */
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/stop_machine.h>

#include <iova_mt/fault.h>

#include "test.h"

#define TOP		((1UL << 24) - 1)
#define NR_RANGES	20000U
#define MORE_RANGES	100000U
#define HOG_ORDER	10

/* Blocks that are held, linked through their first pages; per order. */
static struct list_head hog[HOG_ORDER + 1];

static void hog_take(void)
{
	struct page *page;
	int order;

	for (order = HOG_ORDER; order >= 0; order--) {
		INIT_LIST_HEAD(&hog[order]);
		while ((page = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, order)))
			list_add(&page->lru, &hog[order]);
	}
}

static void hog_release(void)
{
	struct page *page, *next;
	int order;

	for (order = 0; order <= HOG_ORDER; order++)
		list_for_each_entry_safe(page, next, &hog[order], lru)
			__free_pages(page, order);
}

/* Singles from the top down until there is no memory for one. Return: how many. */
static unsigned int take_until_refused(struct test *t)
{
	unsigned long pfn;
	unsigned int nr;

	for (nr = 0; nr < MORE_RANGES; nr++)
		if (iova_mt_alloc(t->domain, 1, TOP, 0, &pfn))
			break;
	return nr;
}

/* Frees that found nothing. */
static unsigned int nr_unknown;

/* In an order that empties leaves late, so that many erases need nodes. */
static void free_all(struct test *t, unsigned int nr)
{
	unsigned int step, i;

	for (step = 0; step < 3; step++)
		for (i = step; i < nr; i += 3)
			nr_unknown += !t->domain->ops->free(t->domain,
							    TOP - i, 0);
}

/* How many ranges there were more than before. */
static unsigned int nr_more;

static int under_pressure(void *t)
{
	hog_take();
	nr_more = take_until_refused(t);
	free_all(t, NR_RANGES + nr_more);
	hog_release();
	return 0;
}

static void frees_under_pressure(struct test *t)
{
	u64 refused, deferred;
	unsigned int nr;

	if (!test_take(t, NR_RANGES, 1, TOP))
		return;
	nr_unknown = 0;
	stop_machine(under_pressure, t, NULL);
	nr = nr_more;
	refused = test_counter(t, "node_refused");
	deferred = test_backlog(t).total_deferred;

	test_diag("%u more ranges, %llu requests for nodes refused, %llu frees deferred",
		  nr, refused, deferred);
	EXPECT(t, nr < MORE_RANGES);
	/*
	 * Else there was memory all the time, and nothing of this was put to a test.
	 * By list, a range gets no record before the tree gets no node.
	 */
	EXPECT(t, refused > 0 || test_defers_by(t, "list"));
	EXPECT_EQ(t, test_counter(t, "lost"), 0);
	EXPECT_EQ(t, nr_unknown, 0);
	EXPECT_EQ(t, iova_mt_fault_injected("fail_erase"), 0);
	test_backlog_wait_empty(t);
	test_expect_clean(t);
}

static const struct test_case cases[] = {
	{ "R1, R3, R36: frees when memory is really gone", frees_under_pressure,
	  TEST_NEEDS_MAPLE },
};

const struct test_suite suite_pressure = {
	.name = "pressure",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
