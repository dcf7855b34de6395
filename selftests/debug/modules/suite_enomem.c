// SPDX-License-Identifier: GPL-2.0
/*
 * Real failures to get memory, by the kernel's own fault injection, and only
 * for what is allocated inside of calls of iova_mt.
 *
 * enomem_nth fails the 1st, 2nd, 3rd ... allocation of each call (fail-nth)
 * until none is left to fail. enomem_random leaves it to the knobs of failslab,
 * which the program that loads this sets, and marks the calls for its
 * task-filter.
 *
 * Nobody looks at the domain meanwhile but this thread and iova_mt's workers.
 */
#include <linux/bitmap.h>
#include <linux/err.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "debug.h"

#ifndef CONFIG_FAILSLAB
#error "this needs a kernel with CONFIG_FAILSLAB"
#endif

#define PAGES		8192UL
#define MAX_SIZE	40
#define MAX_LIVE	1024
/* Ranges that are there before memory runs out: about half of the space. */
#define FILLED		200
/* No call makes as many allocations. */
#define MAX_NTH		200
#define NTH_OPS		400
/* Ranges that a long reserve goes across. */
#define RESERVE_MAX	48

/**
 * struct book - what is known about the domain
 * @t: the case
 * @rng: what is drawn
 * @nth: fail the nth allocation of each call, 0 for none
 * @filtered: mark the calls for failslab's task-filter
 * @injected: calls that had an allocation failed by fail-nth
 * @no_memory: -ENOMEM so far
 * @nr: live ranges
 * @first: their first pfns
 * @size: their sizes
 * @map: a bit a page that is live
 */
struct book {
	struct test *t;
	struct test_rng rng;
	unsigned int nth;
	bool filtered;
	unsigned int injected;
	unsigned int no_memory;
	unsigned int nr;
	unsigned long first[MAX_LIVE];
	unsigned long size[MAX_LIVE];
	DECLARE_BITMAP(map, PAGES + 1);
};

static void fail_begin(struct book *book)
{
	current->fail_nth = book->nth;
	current->make_it_fail = book->filtered;
}

static void fail_end(struct book *book)
{
	if (book->nth && !current->fail_nth)
		book->injected++;
	current->fail_nth = 0;
	current->make_it_fail = 0;
}

static void book_alloc(struct book *book)
{
	unsigned long size = 1 + test_rng_below(&book->rng, MAX_SIZE);
	unsigned int flags = test_rng_below(&book->rng, IOVA_MT_ALLOC_FLAGS + 1);
	unsigned long pfn;
	int ret;

	if (book->nr == MAX_LIVE)
		return;
	fail_begin(book);
	ret = iova_mt_alloc(book->t->domain, size, PAGES, flags, &pfn);
	fail_end(book);
	if (ret == -ENOMEM)
		book->no_memory++;
	if (!test_expect(book->t, !ret || ret == -ENOMEM || ret == -ENOSPC,
			 "alloc says %d", ret) || ret)
		return;
	if (!test_expect(book->t, pfn >= 1 && pfn + size - 1 <= PAGES,
			 "%lu pages at %#lx are outside", size, pfn))
		return;
	test_expect(book->t,
		    find_next_bit(book->map, pfn + size, pfn) >= pfn + size,
		    "%lu pages at %#lx were handed out twice", size, pfn);
	bitmap_set(book->map, pfn, size);
	book->first[book->nr] = pfn;
	book->size[book->nr++] = size;
}

static void book_free(struct book *book, unsigned int i, bool by_pfn)
{
	unsigned long first = book->first[i], size = book->size[i];

	fail_begin(book);
	iova_mt_free(book->t->domain, first, by_pfn ? 0 : size);
	fail_end(book);
	bitmap_clear(book->map, first, size);
	book->first[i] = book->first[--book->nr];
	book->size[i] = book->size[book->nr];
}

/* What cannot get memory may say so, and must have done nothing. */
static void book_flush_or_drain(struct book *book)
{
	int ret = 0;

	fail_begin(book);
	if (test_rng_below(&book->rng, 2))
		iova_mt_flush(book->t->domain);
	else
		ret = iova_mt_drain(book->t->domain);
	fail_end(book);
	test_expect(book->t, !ret || ret == -ENOMEM, "drain says %d", ret);
}

static void book_op(struct book *book)
{
	u32 kind = test_rng_below(&book->rng, 100);

	if (kind < 52)
		book_alloc(book);
	else if (kind < 98 && book->nr)
		book_free(book, test_rng_below(&book->rng, book->nr), kind & 1);
	else if (kind >= 98)
		book_flush_or_drain(book);
}

/* Everything that is live is found, as what it is. */
static void book_verify(struct book *book)
{
	struct iova_mt_range range;
	unsigned int i;
	int ret;

	for (i = 0; i < book->nr; i++) {
		ret = iova_mt_find(book->t->domain, book->first[i], &range);
		test_expect(book->t, !ret && range.first == book->first[i] &&
			    range.state == IOVA_MT_LIVE,
			    "%lu pages at %#lx are lost: %d", book->size[i],
			    book->first[i], ret);
	}
}

/* With memory again: all comes back, and nothing is left behind. */
static void book_close(struct book *book)
{
	book->nth = 0;
	book->filtered = false;
	book_verify(book);
	while (book->nr)
		book_free(book, 0, false);
	test_expect_clean(book->t);
}

static struct book *book_open(struct test *t)
{
	struct book *book = kvzalloc(sizeof(*book), GFP_KERNEL);

	if (!test_expect(t, book, "no memory for the book"))
		return NULL;
	book->t = t;
	test_rng_init(&book->rng, t->seed);
	return book;
}

/* --- fail-nth ------------------------------------------------------------- */

static void nth_create(struct test *t)
{
	struct iova_mt_domain *domain;
	unsigned int nth, failed = 0;
	bool injected = true;

	for (nth = 1; injected && nth < MAX_NTH; nth++) {
		current->fail_nth = nth;
		domain = iova_mt_domain_create(t->allocator, 4096, 1);
		injected = !current->fail_nth;
		current->fail_nth = 0;
		if (!IS_ERR(domain))
			iova_mt_domain_destroy(domain);
		else
			test_expect(t, injected && PTR_ERR(domain) == -ENOMEM,
				    "allocation %u fails: %pe", nth, domain);
		failed += IS_ERR(domain);
	}
	test_diag("create: %u allocations, %u of them decide", nth - 2, failed);
	EXPECT(t, !injected && failed);
}

static unsigned int nth_run(struct test *t, unsigned int nth)
{
	struct book *book = book_open(t);
	unsigned int i, injected;

	if (!book)
		return 0;
	book->nth = nth;
	for (i = 0; i < NTH_OPS && !t->nr_failed; i++)
		book_op(book);
	injected = book->injected;
	book_close(book);
	kvfree(book);
	return injected;
}

static void nth_calls(struct test *t)
{
	unsigned int nth, injected, total = 0;

	for (nth = 1; nth < MAX_NTH && !t->nr_failed; nth++) {
		test_domain(t, 1);
		injected = nth_run(t, nth);
		total += injected;
		if (!injected)
			break;
	}
	test_diag("calls: up to %u allocations each, %u failures", nth - 1, total);
	EXPECT(t, total && nth < MAX_NTH);
}

/*
 * Reserve a stretch that begins and ends inside of gaps, over @nr ranges. How
 * many nodes that takes depends on how full the leaves are.
 * Return: did an allocation fail?
 */
static bool nth_reserve_once(struct test *t, unsigned int nr, unsigned int nth)
{
	unsigned int before, after, i;
	unsigned long pfns[RESERVE_MAX];
	bool injected;
	u64 hash;
	int ret;

	test_domain(t, 1);
	EXPECT_EQ(t, test_fill(t, 7, nr * 7, 0, pfns, nr), nr);
	for (i = 0; i < nr; i += 2)
		iova_mt_free(t->domain, pfns[i], 0);
	hash = test_listing_hash(t, &before);
	current->fail_nth = nth;
	ret = iova_mt_reserve(t->domain, pfns[nr - 1] + 8, pfns[0] + 3);
	injected = !current->fail_nth;
	current->fail_nth = 0;
	if (!ret)
		return injected;
	test_expect(t, injected && ret == -ENOMEM, "reserve: %d", ret);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	EXPECT_EQ(t, test_listing_hash(t, &after), hash);
	return injected;
}

static void nth_reserve(struct test *t)
{
	unsigned int nr, nth, failed = 0;

	for (nr = 4; nr < RESERVE_MAX && !t->nr_failed; nr++) {
		for (nth = 1; nth < MAX_NTH; nth++) {
			if (!nth_reserve_once(t, nr, nth))
				break;
			failed++;
		}
		EXPECT(t, nth < MAX_NTH);
	}
	test_diag("reserve: %u failures", failed);
	EXPECT(t, failed);
}

static const struct test_case nth_cases[] = {
	{ "each allocation of a create fails in turn", nth_create },
	{ "each allocation of each call fails in turn", nth_calls },
	{ "each allocation of a reserve across ranges fails in turn", nth_reserve },
};

const struct test_suite suite_enomem_nth = {
	.name = "enomem_nth",
	.cases = nth_cases,
	.nr = ARRAY_SIZE(nth_cases),
};

/* --- failslab ------------------------------------------------------------- */

static void random_ops(struct book *book)
{
	struct test *t = book->t;
	unsigned int i;

	book->filtered = true;
	for (i = 0; i < t->ops && !t->nr_failed; i++) {
		book_op(book);
		if (i % 1000 == 0)
			book_verify(book);
		if (i % 64 == 0)
			cond_resched();
	}
}

static void random_report(struct book *book)
{
	struct test *t = book->t;

	test_diag("%u calls: no nodes %llu times, for %llu erases, %llu inserts",
		  t->ops, test_counter(t, "node_refused"),
		  test_counter(t, "erase_failed"),
		  test_counter(t, "insert_failed"));
	test_diag("no memory for %llu magazines, %llu spans",
		  test_counter(t, "magazine_no_memory"),
		  test_counter(t, "span_no_memory"));
	test_diag("%u allocations refused; %llu ranges deferred; %llu stores from the spare nodes",
		  book->no_memory, test_backlog(t).total_deferred,
		  test_counter(t, "spare_used"));
}

/* With spans, few calls ask for memory, and fewer need it. */
static void expect_failures(struct book *book, const char *expected)
{
	struct test *t = book->t;

	if (!strcmp(t->allocator, "maple")) {
		EXPECT(t, test_counter(t, "node_refused") +
		       test_counter(t, "magazine_no_memory") +
		       test_counter(t, "span_no_memory"));
		return;
	}
	EXPECT(t, test_counter(t, expected));
	EXPECT(t, test_counter(t, "node_refused"));
	EXPECT(t, test_counter(t, "magazine_no_memory"));
	EXPECT(t, book->no_memory);
}

/* The domain of @t is fresh. */
static void random_failures(struct test *t, const char *expected)
{
	struct book *book = book_open(t);

	if (!book)
		return;
	while (book->nr < FILLED && !t->nr_failed)
		book_alloc(book);
	random_ops(book);
	random_report(book);
	expect_failures(book, expected);
	book_close(book);
	kvfree(book);
}

/* The reserve is filled by a worker, which has memory. */
static void random_with_reserve(struct test *t)
{
	random_failures(t, "spare_used");
}

static void random_without_spare(struct test *t)
{
	test_fault(t, "fail_refill", TEST_ALWAYS);
	if (test_domain(t, 1))
		random_failures(t, "erase_failed");
}

static const struct test_case random_cases[] = {
	{ "free never fails and nothing is lost", random_with_reserve },
	{ "nor without spare nodes", random_without_spare },
};

const struct test_suite suite_enomem_random = {
	.name = "enomem_random",
	.cases = random_cases,
	.nr = ARRAY_SIZE(random_cases),
};
