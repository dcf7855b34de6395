// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requirements: those that are about what something costs, in memory and in
 * steps, and that no other suite is about. See docs/requirements.md.
 *
 * Memory is what the slabs of the whole machine have grown by, so there is much
 * of everything, and what is expected is far from what a mistake would cost.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/vmstat.h>

#include <iova_mt/fault.h>

#include "test.h"
#include "test_gate.h"

#define ALIGNED		IOVA_MT_ALIGNED
#define CACHED		IOVA_MT_CACHED

#define TOP		0xffffUL
#define MANY		50000U
#define PIECE		1000U

/* --- Memory --------------------------------------------------------------- */

static s64 slab_bytes(void)
{
	return (s64)(global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B) +
		     global_node_page_state_pages(NR_SLAB_RECLAIMABLE_B)) *
	       PAGE_SIZE;
}

static bool kasan_keeps_memory(struct test *t)
{
	if (IS_ENABLED(CONFIG_KASAN))
		test_skip(t, "KASAN keeps what is freed");
	return IS_ENABLED(CONFIG_KASAN);
}

/* Until everything that is on its way to be freed is free, of cases before, too. */
static void settle(void)
{
	kvfree_rcu_barrier();
	rcu_barrier();
}

/*
 * In pieces, so that nodes that were replaced are used again. In one go they would
 * leave slabs behind that are nearly empty (N4, which is open).
 */
static void a_range_costs_less_than_an_iova(struct test *t)
{
	unsigned int taken;
	s64 bytes;

	if (kasan_keeps_memory(t))
		return;
	settle();
	bytes = slab_bytes();
	for (taken = 0; taken < MANY; taken += PIECE) {
		if (!test_take(t, PIECE, 1, TOP - taken))
			return;
		settle();
	}
	bytes = slab_bytes() - bytes;
	test_diag("%u ranges: %lld bytes", MANY, bytes);
	EXPECT(t, bytes > 0);
	EXPECT(t, bytes < 64 * (s64)MANY);
}

/* What RCU is to free stays until this has ended. */
static int pairs_in_a_burst(struct test *t, unsigned int flags)
{
	unsigned long pfn = 0;
	unsigned int i;
	int ret = 0;

	rcu_read_lock();
	for (i = 0; i < MANY && !ret; i++) {
		ret = iova_mt_alloc(t->domain, 1, TOP, flags, &pfn);
		if (!ret)
			iova_mt_free(t->domain, pfn, flags & CACHED ? 1 : 0);
	}
	rcu_read_unlock();
	return ret;
}

/*
 * The tree frees by RCU what it replaces, a node at least. Allocating and
 * freeing in turn replaces none, with the caches and without.
 */
static void a_burst_holds_no_memory(struct test *t)
{
	unsigned int i;
	s64 bytes;

	if (kasan_keeps_memory(t) || !test_take(t, 1000, 1, TOP))
		return;
	/* A hole of three, so that a store cuts it and adds an entry. */
	for (i = 500; i < 503; i++)
		iova_mt_free(t->domain, TOP - i, 0);
	settle();
	bytes = slab_bytes();
	EXPECT_EQ(t, pairs_in_a_burst(t, 0), 0);
	EXPECT_EQ(t, pairs_in_a_burst(t, ALIGNED | CACHED), 0);
	bytes = slab_bytes() - bytes;
	test_diag("%u pairs: %lld bytes", 2 * MANY, bytes);
	EXPECT(t, bytes < 4 * (s64)MANY);
}

static void deferring_costs_no_memory(struct test *t)
{
	unsigned int i;
	s64 bytes;

	if (!test_take(t, MANY, 1, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	settle();
	bytes = slab_bytes();
	for (i = 0; i < MANY; i++)
		iova_mt_free(t->domain, TOP - i, 0);
	bytes = slab_bytes() - bytes;
	EXPECT_EQ(t, test_backlog(t).pending_ranges, MANY);
	test_diag("%u deferred ranges: %lld bytes", MANY, bytes);
	/* The least that can be allocated is 8 bytes. */
	EXPECT(t, bytes < 4 * (s64)MANY);
}

/* Freed, and not worth a word; five times, so that one of them would show. */
static void live_ranges_go_with_their_domain(struct test *t)
{
	unsigned int lines = test_log_count("iova_mt: "), round;
	unsigned long pfn;
	s64 bytes = 0;

	for (round = 0; round <= 5; round++) {
		if (!test_domain(t, 1) || !test_take(t, MANY, 1, TOP) ||
		    !test_alloc(t, 4, TOP, ALIGNED | CACHED, &pfn))
			return;
		iova_mt_free(t->domain, pfn, 4);
		EXPECT_EQ(t, iova_mt_reserve(t->domain, 1, 100), 0);
		test_domain_destroy(t);
		settle();
		if (!round)
			bytes = slab_bytes();
	}
	bytes = slab_bytes() - bytes;
	test_diag("after five domains with %u ranges: %lld bytes", MANY, bytes);
	if (!IS_ENABLED(CONFIG_KASAN))
		EXPECT(t, bytes < 16 * (s64)MANY);
	EXPECT_EQ(t, test_log_count("iova_mt: "), lines);
}

/* --- Steps ---------------------------------------------------------------- */

/* Free every second page, and look at how many of the erases took nodes. */
static void most_stores_ask_for_no_node(struct test *t)
{
	u64 asked, erases;
	unsigned int i;

	if (!test_take(t, MANY, 1, TOP))
		return;
	for (i = 0; i < MANY; i += 2)
		iova_mt_free(t->domain, TOP - i, 0);
	asked = test_counter(t, "erase_nodes");
	erases = test_counter(t, "erase");
	test_diag("%llu erases, %llu of them asked for nodes", erases, asked);
	EXPECT_EQ(t, erases, MANY / 2);
	EXPECT(t, asked <= erases / 4);
}

/* Defer the ranges at two pfns, drain, and say how many entries that took. */
static u64 drain_two(struct test *t, unsigned long pfn, unsigned long other)
{
	u64 before = test_counter(t, "sweep_entry");

	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, pfn, 0);
	iova_mt_free(t->domain, other, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 2);
	test_fault(t, "fail_erase", TEST_NEVER);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
	return test_counter(t, "sweep_entry") - before;
}

/* Ranges that are far from all deferred ones are not looked at. */
static void sweeps_stay_between_the_watermarks(struct test *t)
{
	const unsigned int nr = 10000, between = 50;
	const unsigned int few = 4 * between;
	u64 entries;

	if (!test_take(t, nr, 2, 2 * nr))
		return;
	entries = drain_two(t, nr, nr + 2 * between);
	test_diag("in the middle: %llu entries of %u", entries, nr);
	EXPECT(t, entries >= 2 && entries <= few);
	/* Empty: nothing is remembered of where it was. */
	EXPECT(t, drain_two(t, 100, 100 + 2 * between) <= few);
	EXPECT(t, drain_two(t, 2 * nr - 2 * between, 2 * nr) <= few);
	EXPECT(t, drain_two(t, 500, 500 + 2 * between) <= few);
}

/*
 * What has been swept is not looked at again. The lower one of two goes, and the
 * other one cannot; then one is deferred a little below that.
 */
static void the_low_watermark_moves_up(struct test *t)
{
	const unsigned int nr = 10000, between = 50;
	u64 entries;

	if (!test_take(t, nr, 2, 2 * nr))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	iova_mt_free(t->domain, 100, 0);
	iova_mt_free(t->domain, 2 * nr, 0);
	/* One passes, and all after that fail. */
	test_fault(t, "fail_erase", "1,100,2,-1");
	EXPECT_EQ(t, iova_mt_drain(t->domain), -ENOMEM);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 1);
	iova_mt_free(t->domain, 2 * (nr - between), 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 2);
	entries = test_counter(t, "sweep_entry");
	test_fault(t, "fail_erase", TEST_NEVER);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	entries = test_counter(t, "sweep_entry") - entries;
	test_diag("behind a sweep: %llu entries of %u", entries, nr);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
	EXPECT(t, entries >= 2 && entries <= 4 * between);
}

/* --- Caches --------------------------------------------------------------- */

/* While this fails always, what it has injected is what was asked for. */
static s64 magazines_asked(void)
{
	return iova_mt_fault_injected("fail_magazine");
}

static void caches_cost_what_is_used(struct test *t)
{
	unsigned long pfns[6], pfn;
	unsigned int i;

	test_fault(t, "fail_magazine", TEST_ALWAYS);
	for (i = 0; i < 6; i++)
		if (!test_alloc(t, BIT(i), TOP, ALIGNED | CACHED, &pfns[i]))
			return;
	if (!test_alloc(t, 3, TOP, ALIGNED | CACHED, &pfn))
		return;
	iova_mt_free(t->domain, pfn, 3);
	iova_mt_flush(t->domain);
	EXPECT_EQ(t, magazines_asked(), 0);
	for (i = 0; i < 6; i++) {
		iova_mt_free(t->domain, pfns[i], BIT(i));
		EXPECT_EQ(t, magazines_asked(), i + 1);
	}
}

static void only_classes_are_cached(struct test *t)
{
	unsigned long pfn;
	unsigned int size;
	bool cached;

	for (size = 1; size <= 2048; size++) {
		if (!test_alloc(t, size, TOP, ALIGNED | CACHED, &pfn))
			return;
		iova_mt_free(t->domain, pfn, size);
		cached = test_is_taken(t, pfn);
		test_expect(t, cached == (is_power_of_2(size) &&
					  size <= BIT(test_cache_order(t))),
			    "%u pages are %scached", size, cached ? "" : "not ");
	}
}

static bool is_listed_empty(struct test *t)
{
	struct iova_mt_range range;

	return t->domain->ops->next(t->domain, 0, &range) == -ENOENT;
}

/* Left alone, they give back ranges and magazines. */
static void idle_caches_shrink(struct test *t)
{
	unsigned long pfns[200], end;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pfns); i++)
		if (!test_alloc(t, 4, TOP, ALIGNED, &pfns[i]))
			return;
	for (i = 0; i < ARRAY_SIZE(pfns); i++)
		iova_mt_free(t->domain, pfns[i], 4);
	EXPECT_EQ(t, test_counter(t, "magazine_put"), ARRAY_SIZE(pfns));
	EXPECT(t, !is_listed_empty(t));

	end = jiffies + msecs_to_jiffies(TEST_TIMEOUT_MS);
	while (!is_listed_empty(t) && time_before(jiffies, end))
		msleep(50);
	EXPECT(t, is_listed_empty(t));
	EXPECT_EQ(t, test_counter(t, "magazine_trim"), ARRAY_SIZE(pfns));
	/* No magazine is left, either: the next free needs one. */
	test_fault(t, "fail_magazine", TEST_ALWAYS);
	if (test_alloc(t, 4, TOP, ALIGNED, &pfns[0]))
		iova_mt_free(t->domain, pfns[0], 4);
	EXPECT_EQ(t, magazines_asked(), 1);
}

/* Single pages into the caches: the first @nr of the domain. */
static bool pages_into_the_caches(struct test *t, unsigned int nr)
{
	unsigned long pfn;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!test_alloc(t, 1, nr, ALIGNED | CACHED, &pfn))
			return false;
	for (i = 1; i <= nr; i++)
		iova_mt_free(t->domain, i, 1);
	return EXPECT_EQ(t, test_counter(t, "magazine_put"), nr);
}

/* A little at a time, so that the CPU is there for others. */
static void caches_are_trimmed_in_pieces(struct test *t)
{
	const unsigned int nr = 20000, piece = 1100;
	unsigned long end = jiffies + msecs_to_jiffies(TEST_TIMEOUT_MS);
	u64 runs;

	if (!pages_into_the_caches(t, nr))
		return;
	while (test_counter(t, "magazine_trim") < nr && time_before(jiffies, end))
		msleep(50);
	runs = test_counter(t, "trim_run");
	test_diag("%llu of %u ranges were trimmed in %llu runs",
		  test_counter(t, "magazine_trim"), nr, runs);
	EXPECT_EQ(t, test_counter(t, "magazine_trim"), nr);
	EXPECT(t, runs >= nr / piece);
	EXPECT(t, is_listed_empty(t));
}

/* As long as there is nothing to do, only a look every few seconds. */
static void little_use_is_no_work(struct test *t)
{
	unsigned long begin = jiffies, pfn, seconds;
	unsigned int i;
	u64 runs;

	for (i = 0; i < 30; i++) {
		if (!test_alloc(t, 1, TOP, ALIGNED | CACHED, &pfn))
			return;
		iova_mt_free(t->domain, pfn, 1);
		msleep(100);
	}
	seconds = (jiffies - begin) / HZ;
	runs = test_counter(t, "trim_run");
	test_diag("%llu looks in %lu s", runs, seconds);
	EXPECT(t, runs <= 1 + seconds / 4);
}

/* --- Requests for memory, seen from outside ------------------------------- */

/* Defer every second of the pages, and wait until the worker rests. */
static bool defer_and_rest(struct test *t)
{
	unsigned long end = jiffies + msecs_to_jiffies(TEST_TIMEOUT_MS);
	unsigned int i;

	if (!test_domain(t, 1) || !test_take(t, 2000, 1, TOP))
		return false;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (i = 0; i < 2000; i += 2)
		iova_mt_free(t->domain, TOP - i, 0);
	while (test_backlog(t).backoff_ms < 500 && time_before(jiffies, end))
		msleep(20);
	return EXPECT(t, test_backlog(t).backoff_ms >= 500);
}

/*
 * Nodes cannot be had at once, so a drain has to ask in a way that waits, with
 * interrupts on. Should the worker have been quicker, once more.
 */
static void who_may_sleep_waits(struct test *t)
{
	unsigned int tries;
	int ret = 0;

	if (!gate_is_there(t))
		return;
	for (tries = 0; tries < 5; tries++) {
		if (!defer_and_rest(t))
			return;
		test_fault(t, "fail_node", TEST_ALWAYS);
		gate_close(GATE_COUNT);
		test_fault(t, "fail_erase", TEST_NEVER);
		ret = iova_mt_drain(t->domain);
		gate_open();
		EXPECT_EQ(t, ret, 0);
		EXPECT_EQ(t, test_backlog(t).pending_ranges, 0);
		test_faults_off();
		if (test_backlog(t).drained_by_request)
			break;
	}
	EXPECT(t, gate.gfp & __GFP_DIRECT_RECLAIM);
	/* But not for I/O, which may wait for a mapping. */
	EXPECT(t, !(gate.gfp & (__GFP_IO | __GFP_FS)));
	EXPECT(t, gate.irqs_on > 0);
}

/*
 * Nothing injected: the counters tell how often the kernel has refused, and what
 * became of each time.
 */
static void refusals_are_counted(struct test *t)
{
	u64 refused, reserve, failed;
	unsigned long flags;
	unsigned int i;

	if (!gate_is_there(t) || !test_take(t, 2000, 1, TOP))
		return;
	EXPECT_EQ(t, test_counter(t, "node_refused"), 0);
	spin_lock_irqsave(&test_atomic, flags);
	gate_close(GATE_ALL);
	for (i = 0; i < 2000; i++)
		iova_mt_free(t->domain, TOP - i, 0);
	gate_open();
	spin_unlock_irqrestore(&test_atomic, flags);
	refused = test_counter(t, "node_refused");
	reserve = test_counter(t, "spare_used");
	failed = test_counter(t, "erase_failed");
	test_diag("%u refusals, %llu counted: %llu erases from the spare nodes, %llu failed",
		  gate.refused, refused, reserve, failed);
	EXPECT(t, refused > 0 && refused <= gate.refused);
	EXPECT(t, reserve + failed >= refused);
	EXPECT_EQ(t, test_backlog(t).total_deferred, failed);
	test_expect_clean(t);
}

static const struct test_case cases[] = {
	{ "R5, S6: who may sleep waits for memory", who_may_sleep_waits,
	  TEST_NEEDS_MAPLE },
	{ "R7: sweeps stay between the watermarks",
	  sweeps_stay_between_the_watermarks,
	  TEST_NEEDS_MAPLE | TEST_NEEDS_MARKER },
	{ "R7: the low watermark moves up with a sweep", the_low_watermark_moves_up,
	  TEST_NEEDS_MAPLE | TEST_NEEDS_MARKER },
	{ "R8: a deferred range costs no memory", deferring_costs_no_memory,
	  TEST_NEEDS_BACKLOG },
	{ "R16: most stores ask for no node", most_stores_ask_for_no_node,
	  TEST_NEEDS_MAPLE },
	{ "R23: a range costs less than the 64 bytes of the kernel's",
	  a_range_costs_less_than_an_iova,
	  TEST_NEEDS_MAPLE | TEST_NEEDS_MARKER },
	{ "R32: caches cost what is used", caches_cost_what_is_used,
	  TEST_NEEDS_MAPLE },
	{ "R33: only sizes of a class are cached", only_classes_are_cached,
	  TEST_NEEDS_MAPLE },
	{ "R34: idle caches shrink to nothing", idle_caches_shrink,
	  TEST_NEEDS_MAPLE },
	{ "R34: caches are trimmed in pieces", caches_are_trimmed_in_pieces,
	  TEST_NEEDS_MAPLE },
	{ "R34: little use is no work", little_use_is_no_work,
	  TEST_NEEDS_MAPLE },
	{ "R36: refusals of the kernel are counted", refusals_are_counted,
	  TEST_NEEDS_MAPLE },
	{ "N3: live ranges go with their domain", live_ranges_go_with_their_domain,
	  TEST_NEEDS_MAPLE },
	{ "N4: a burst of pairs holds no memory",
	  a_burst_holds_no_memory, TEST_NEEDS_MAPLE | TEST_NEEDS_MARKER },
};

const struct test_suite suite_requirements = {
	.name = "requirements",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
	.init = gate_init,
	.exit = gate_exit,
};
