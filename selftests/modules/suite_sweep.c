// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every fault point, one failure at a time: the 1st, 2nd, 3rd ... hit of a
 * script of operations fails, until a run passes untouched; also while another
 * point fails all the time, for what is only reached then. Whatever fails,
 * nothing is lost: afterwards the listing is what the script knows to be taken,
 * and when all has been given back, every single page can be had again.
 *
 * Where the kernel has fault injection, the same by fail-nth, which fails the
 * kernel's own allocations as well.
 */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <iova_mt/fault.h>

#include "test.h"

/* The space of the script: pfns 1 to this. */
#define PAGES		1200UL
/* No script has as many hits. */
#define MAX_NTH		5000
#define MAX_POINTS	16

/* What the script allocates, so that it meets each way through an allocator. */
static const struct {
	unsigned long size;
	unsigned long limit;
	unsigned int flags;
} wishes[] = {
	{ 1, PAGES, IOVA_MT_ALIGNED | IOVA_MT_CACHED },
	{ 1, PAGES, IOVA_MT_ALIGNED | IOVA_MT_CACHED },
	{ 2, PAGES, IOVA_MT_ALIGNED | IOVA_MT_CACHED },
	{ 3, PAGES, 0 },
	{ 5, PAGES, IOVA_MT_ALIGNED },
	{ 8, PAGES, IOVA_MT_ALIGNED | IOVA_MT_CACHED | IOVA_MT_FLUSH },
	{ 64, PAGES, IOVA_MT_ALIGNED },
	{ 1, 100, 0 },
	{ 16, 255, IOVA_MT_ALIGNED | IOVA_MT_CACHED },
	{ 7, 500, IOVA_MT_FLUSH },
	{ 33, PAGES, IOVA_MT_ALIGNED | IOVA_MT_FLUSH },
	{ 4, PAGES, IOVA_MT_ALIGNED | IOVA_MT_CACHED },
	{ 4, PAGES, IOVA_MT_CACHED },
	{ 128, PAGES, IOVA_MT_ALIGNED | IOVA_MT_CACHED },
	{ 1, PAGES, 0 },
	{ 2, 300, IOVA_MT_ALIGNED },
};

#define NR_WISHES	ARRAY_SIZE(wishes)

/* Points that fail all the time, while the others are swept. */
static const char *const always[] = { NULL, "fail_erase", "fail_magazine" };

/* What the script knows. */
struct book {
	struct test *t;
	/* Where each wish is, and which of them are allocated. */
	unsigned long pfn[NR_WISHES];
	DECLARE_BITMAP(live, NR_WISHES);
	/* Pages: that are reserved, that must be taken, that are listed. */
	DECLARE_BITMAP(reserved, PAGES + 1);
	DECLARE_BITMAP(expected, PAGES + 1);
	DECLARE_BITMAP(listed, PAGES + 1);
	/* Hits of fail_swap so far, in all runs. */
	unsigned int swaps;
};

/* --- The script ----------------------------------------------------------- */

static bool is_free(const struct book *book, unsigned long first,
		    unsigned long size)
{
	return find_next_bit(book->expected, first + size, first) >= first + size;
}

/* What is deferred takes room. */
static bool may_say(const struct book *book, int error)
{
	return error == -ENOMEM ||
	       (error == -ENOSPC && test_backlog(book->t).total_deferred);
}

static void take(struct book *book, unsigned int i)
{
	unsigned long size = wishes[i].size;
	int ret;

	if (test_bit(i, book->live))
		return;
	ret = iova_mt_alloc(book->t->domain, size, wishes[i].limit,
			    wishes[i].flags, &book->pfn[i]);
	if (ret) {
		test_expect(book->t, may_say(book, ret), "alloc of %lu says %d",
			    size, ret);
		return;
	}
	if (!test_expect(book->t, book->pfn[i] >= 1 &&
			 book->pfn[i] + size - 1 <= wishes[i].limit &&
			 is_free(book, book->pfn[i], size),
			 "%lu pages at %#lx were not free", size, book->pfn[i]))
		return;
	__set_bit(i, book->live);
	bitmap_set(book->expected, book->pfn[i], size);
}

static void give(struct book *book, unsigned int i, bool by_pfn)
{
	unsigned long pfn = book->pfn[i], size = wishes[i].size;

	if (!test_bit(i, book->live))
		return;
	iova_mt_free(book->t->domain, by_pfn ? pfn + size / 2 : pfn,
		     by_pfn ? 0 : size);
	if (by_pfn)
		test_expect(book->t, !test_is_taken(book->t, pfn),
			    "%#lx is still there after its free", pfn);
	__clear_bit(i, book->live);
	bitmap_clear(book->expected, pfn, size);
}

static void look(struct book *book, unsigned int i)
{
	struct iova_mt_range range = {};
	int ret;

	if (!test_bit(i, book->live))
		return;
	ret = iova_mt_find(book->t->domain, book->pfn[i], &range);
	test_expect(book->t, !ret && range.first == book->pfn[i] &&
		    range.last == book->pfn[i] + wishes[i].size - 1,
		    "%lu pages at %#lx: find says %d, %#lx to %#lx",
		    wishes[i].size, book->pfn[i], ret, range.first, range.last);
}

static void keep(struct book *book, unsigned long first, unsigned long last)
{
	unsigned long pfn;
	int ret = iova_mt_reserve(book->t->domain, first, last);

	if (ret) {
		test_expect(book->t, ret == -ENOMEM, "reserve says %d", ret);
		return;
	}
	for (pfn = first; pfn <= last; pfn++)
		if (!test_bit(pfn, book->expected))
			__set_bit(pfn, book->reserved);
	bitmap_or(book->expected, book->expected, book->reserved, PAGES + 1);
}

static void try_drain(struct book *book)
{
	int ret = iova_mt_drain(book->t->domain);

	test_expect(book->t, !ret || ret == -ENOMEM, "drain says %d", ret);
}

/* Return: false when there is not even a domain. */
static bool play(struct book *book)
{
	struct test *t = book->t;
	unsigned int round, i;

	t->domain = iova_mt_domain_create(t->allocator, 4096, 1);
	if (IS_ERR(t->domain)) {
		EXPECT_EQ(t, PTR_ERR(t->domain), -ENOMEM);
		t->domain = NULL;
		return false;
	}
	keep(book, 40, 47);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < NR_WISHES; i++)
			take(book, i);
		for (i = 0; i < NR_WISHES; i++)
			look(book, i);
		for (i = round; i < NR_WISHES; i += 2)
			give(book, i, (i + round) % 3 == 0);
		if (round == 1)
			iova_mt_flush(t->domain);
	}
	keep(book, PAGES - 150, PAGES - 20);
	iova_mt_flush(t->domain);
	for (i = 0; i < NR_WISHES; i += 3)
		take(book, i);
	try_drain(book);
	return true;
}

/* --- What must be so afterwards ------------------------------------------- */

static void list(struct book *book)
{
	struct iova_mt_domain *domain = book->t->domain;
	struct iova_mt_range range;
	unsigned long from = 0;

	bitmap_zero(book->listed, PAGES + 1);
	while (!domain->ops->next(domain, from, &range)) {
		if (!test_expect(book->t, range.last <= PAGES,
				 "%#lx to %#lx is outside", range.first,
				 range.last))
			return;
		bitmap_set(book->listed, range.first,
			   range.last - range.first + 1);
		from = range.last + 1;
	}
}

/* What leaves an idle cache is neither there nor erased for a moment. */
static bool listed_as_expected(struct book *book)
{
	unsigned int tries;

	for (tries = 0; tries < 50; tries++) {
		iova_mt_flush(book->t->domain);
		EXPECT_EQ(book->t, iova_mt_drain(book->t->domain), 0);
		list(book);
		if (bitmap_equal(book->listed, book->expected, PAGES + 1))
			return true;
		schedule_timeout_uninterruptible(2);
	}
	return false;
}

static void give_all(struct book *book)
{
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < NR_WISHES; i++)
		give(book, i, i % 2);
	/* A reserved range goes whole: then its other pfns are unknown. */
	for_each_set_bit(pfn, book->reserved, PAGES + 1)
		iova_mt_free(book->t->domain, pfn, 0);
	bitmap_zero(book->reserved, PAGES + 1);
	bitmap_zero(book->expected, PAGES + 1);
}

/* Every page can be had, each once. */
static bool refill(struct book *book)
{
	unsigned long pfn, nr = 0;

	while (!iova_mt_alloc(book->t->domain, 1, PAGES, 0, &pfn) && nr <= PAGES)
		nr += pfn <= PAGES && !__test_and_set_bit(pfn, book->expected);
	return test_expect(book->t, nr == PAGES, "%lu of %lu pages came back",
			   nr, PAGES);
}

static void verify(struct book *book)
{
	struct test *t = book->t;

	test_expect(t, listed_as_expected(book),
		    "listed are %d pages, taken are %d",
		    bitmap_weight(book->listed, PAGES + 1),
		    bitmap_weight(book->expected, PAGES + 1));
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
	give_all(book);
	test_expect(t, listed_as_expected(book), "%d pages are left",
		    bitmap_weight(book->listed, PAGES + 1));
	refill(book);
}

/* --- One failure at a time ------------------------------------------------ */

static void end(struct book *book)
{
	if (book->t->domain)
		verify(book);
	test_domain_destroy(book->t);
}

static void begin(struct book *book)
{
	struct test *t = book->t;
	unsigned int swaps = book->swaps;

	memset(book, 0, sizeof(*book));
	book->t = t;
	book->swaps = swaps;
}

/* Return: did it fail? */
static bool fail_hit(struct book *book, const char *point, const char *other,
		     unsigned int nth, bool verified)
{
	char arg[32];
	s64 injected;

	begin(book);
	if (other)
		test_fault(book->t, other, TEST_ALWAYS);
	snprintf(arg, sizeof(arg), "1,100,%u,1", nth);
	test_fault(book->t, point, arg);
	play(book);
	injected = iova_mt_fault_injected(point);
	if (!verified)
		test_domain_destroy(book->t);
	test_faults_off();
	end(book);
	return injected;
}

static unsigned int sweep_point(struct book *book, const char *point,
				const char *other)
{
	struct test *t = book->t;
	unsigned int nth;
	bool failed;

	for (nth = 1; nth < MAX_NTH && !t->nr_failed; nth++) {
		failed = fail_hit(book, point, other, nth, true);
		fail_hit(book, point, other, nth, false);
		if (!failed)
			break;
		cond_resched();
	}
	test_expect(t, nth < MAX_NTH, "%s never passes", point);
	if (t->nr_failed)
		test_diag("%s: hit %u", point, nth);
	return nth - 1;
}

/*
 * Those that every kernel and every way to defer reaches, with no other on; and
 * that of spans, where there are any.
 */
static bool must_be_reached(const struct test *t, const char *point)
{
	if (!strcmp(point, "fail_span"))
		return !strcmp(t->allocator, "maple");
	return !strcmp(point, "fail_erase") || !strcmp(point, "fail_insert") ||
	       !strcmp(point, "fail_magazine");
}

static void sweep_points(struct book *book, const char *other)
{
	struct test *t = book->t;
	unsigned int nr, hits, swaps = 0;
	const char *point;

	for (nr = 0; (point = iova_mt_fault_name(nr)); nr++) {
		if (other && !strcmp(point, other))
			continue;
		hits = sweep_point(book, point, other);
		if (!strcmp(point, "fail_swap"))
			swaps = hits;
		test_diag("%s%s%s: %u hits, each failed once", point,
			  other ? " without " : "", other ? other + 5 : "", hits);
		test_expect(t, hits || other || !must_be_reached(t, point),
			    "%s was not reached", point);
	}
	book->swaps = max(book->swaps, swaps);
}

static struct book *book_alloc(struct test *t)
{
	struct book *book = kzalloc(sizeof(*book), GFP_KERNEL);

	if (!test_expect(t, book, "no memory"))
		return NULL;
	book->t = t;
	test_domain_destroy(t);
	return book;
}

static void each_point(struct test *t)
{
	bool by_marker = test_defers_by(t, "marker");
	struct book *book = book_alloc(t);
	unsigned int i;

	if (!book)
		return;
	for (i = 0; i < ARRAY_SIZE(always); i++)
		sweep_points(book, always[i]);
	EXPECT(t, book->swaps || !by_marker);
	kfree(book);
}

/* --- fail-nth ------------------------------------------------------------- */

#ifdef CONFIG_FAULT_INJECTION

/* Return: did it fail? */
static bool fail_nth(struct book *book, unsigned int nth, bool verified)
{
	bool failed;

	begin(book);
	current->fail_nth = nth;
	play(book);
	if (!verified)
		test_domain_destroy(book->t);
	failed = !current->fail_nth;
	current->fail_nth = 0;
	end(book);
	return failed;
}

/* All knobs are off: what a point injects, it does for fail-nth. */
static void count_points(s64 *sum)
{
	const char *point;
	unsigned int nr;

	for (nr = 0; nr < MAX_POINTS && (point = iova_mt_fault_name(nr)); nr++)
		sum[nr] += iova_mt_fault_injected(point);
}

static void each_allocation(struct test *t)
{
	struct book *book = book_alloc(t);
	s64 sum[MAX_POINTS] = {};
	const char *point;
	unsigned int nth, nr;
	bool failed = true;

	if (!book)
		return;
	for (nth = 1; nth < MAX_NTH && failed && !t->nr_failed; nth++) {
		fail_nth(book, nth, false);
		test_faults_off();
		failed = fail_nth(book, nth, true);
		count_points(sum);
		cond_resched();
	}
	EXPECT(t, !failed);
	test_diag("%u allocations and hits, each failed once", nth - 2);
	for (nr = 0; nr < MAX_POINTS && (point = iova_mt_fault_name(nr)); nr++) {
		test_diag("%s: %lld of them", point, sum[nr]);
		test_expect(t, sum[nr] || !must_be_reached(t, point),
			    "fail-nth did not fail %s", point);
	}
	kfree(book);
}

#else

static void each_allocation(struct test *t)
{
	test_skip(t, "this kernel has no fault injection of its own");
}

#endif

/* --- The filter ----------------------------------------------------------- */

/*
 * Two domains, the same frees, and only one of them fails. Three pages that need
 * not be aligned have an entry of their own with every allocator.
 */
static void filter_spares_other_domains(struct test *t)
{
	struct iova_mt_domain *other;
	struct iova_mt_backlog backlog = {};
	unsigned long pfn, other_pfn;

	other = iova_mt_domain_create(t->allocator, 4096, 1);
	if (!test_expect(t, !IS_ERR(other), "no second domain: %pe", other))
		return;
	if (!test_alloc(t, 3, PAGES, 0, &pfn) ||
	    !EXPECT_EQ(t, iova_mt_alloc(other, 3, PAGES, 0, &other_pfn), 0))
		goto destroy;
	EXPECT_EQ(t, iova_mt_fault_filter("fail_erase", t->domain->id), 0);
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(other, other_pfn, 0);
	EXPECT_EQ(t, iova_mt_fault_injected("fail_erase"), 0);
	iova_mt_free(t->domain, pfn, 0);
	EXPECT(t, iova_mt_fault_injected("fail_erase") >= 1);
	other->ops->backlog(other, &backlog);
	EXPECT_EQ(t, backlog.total_deferred, 0);
	EXPECT_EQ(t, test_backlog(t).total_deferred, 1);
destroy:
	EXPECT_EQ(t, iova_mt_fault_filter("fail_erase", 0), 0);
	iova_mt_domain_destroy(other);
	test_expect_clean(t);
}

static void filter_refuses(struct test *t)
{
	EXPECT_EQ(t, iova_mt_fault_filter("fail_nothing", 1), -ENOENT);
	EXPECT_EQ(t, iova_mt_fault_filter("fail_erase", UINT_MAX), -EINVAL);
}

static const struct test_case cases[] = {
	{ "R1, R12, R29: every hit of every fault point can fail", each_point,
	  TEST_NEEDS_LIST | TEST_NEEDS_BACKLOG },
	{ "R1, R29: every allocation can fail, by fail-nth", each_allocation,
	  TEST_NEEDS_LIST | TEST_NEEDS_BACKLOG },
	{ "R29: a filter spares the other domains", filter_spares_other_domains,
	  TEST_NEEDS_BACKLOG },
	{ "R29: a filter on what is not there is refused", filter_refuses },
};

const struct test_suite suite_sweep = {
	.name = "sweep",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
