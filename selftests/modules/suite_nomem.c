// SPDX-License-Identifier: GPL-2.0
/*
 * Real allocation failures: tree nodes that the slab allocator refuses.
 *
 * Refusing only requests for several nodes gives a partial allocation, the case
 * in which mas_store_gfp(GFP_ATOMIC) of some kernels asks again for ever.
 */
#include <linux/kernel.h>
#include <linux/maple_tree.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>

#include "test.h"
#include "test_gate.h"

#define TOP		0xffffUL

#define NR_RANGES	600

/* What the gate has seen of a domain's calls in atomic context. */
static void expect_gfp(struct test *t)
{
	test_expect(t, !(gate.gfp & __GFP_DIRECT_RECLAIM),
		    "nodes were asked for with flags %#x, which can sleep",
		    (__force unsigned int)gate.gfp);
}

static void expect_atomic(struct test *t)
{
	test_expect(t, gate.refused < MAX_REFUSALS,
		    "the store asked for nodes again and again");
	expect_gfp(t);
}

/* Free every range with the gate closed. Return: how many were refused. */
static unsigned int free_all(struct test *t, enum gate_mode mode)
{
	unsigned long flags, pfn;

	spin_lock_irqsave(&test_atomic, flags);
	gate_close(mode);
	for (pfn = TOP; pfn > TOP - NR_RANGES; pfn--)
		iova_mt_free(t->domain, pfn, 0);
	gate_open();
	spin_unlock_irqrestore(&test_atomic, flags);
	expect_atomic(t);
	return gate.refused;
}

/* The nodes that are asked for are those of the gate, so the rest holds. */
static void gate_sees_the_allocator(struct test *t)
{
	unsigned long pfn;
	unsigned int i;

	if (!gate_is_there(t))
		return;
	gate_close(GATE_COUNT);
	for (i = 0; i < NR_RANGES; i++)
		if (!test_alloc(t, 1, TOP, 0, &pfn))
			break;
	gate_open();
	EXPECT(t, gate.asked > 0);
	expect_atomic(t);
	EXPECT_EQ(t, free_all(t, GATE_COUNT), 0);
	EXPECT(t, gate.asked > 0);
	EXPECT_EQ(t, test_backlog(t).total_deferred, 0);
	test_expect_clean(t);
}

/*
 * Nodes are asked for under the tree's lock, magazines under that of the CPU's
 * cache: a look at the interrupts there tells how the locks were taken. On
 * PREEMPT_RT they sleep, and have to be taken with interrupts on.
 */
static void locks_keep_interrupts_out(struct test *t)
{
	unsigned long pfn;
	unsigned int i;
	int ret = 0;

	if (!gate_is_there(t))
		return;
	gate_close(GATE_COUNT);
	for (i = 0; i < NR_RANGES && !ret; i++)
		ret = iova_mt_alloc(t->domain, 1, TOP, 0, &pfn);
	for (i = 0; i < NR_RANGES; i += 3)
		iova_mt_free(t->domain, TOP - i, 0);
	for (i = 1; i < NR_RANGES; i += 3)
		iova_mt_free(t->domain, TOP - i, 1);
	iova_mt_flush(t->domain);
	gate_open();
	EXPECT_EQ(t, ret, 0);
	EXPECT(t, gate.asked > 0 && gate.others > 0);
	EXPECT_EQ(t, TEST_ON_RT ? gate.irqs_off : gate.irqs_on, 0);
}

/* Refused frees are deferred, and drain when there is memory again. */
static void frees_are_deferred(struct test *t, enum gate_mode mode)
{
	u64 deferred, before;
	unsigned int refused;
	unsigned long pfn;

	if (!gate_is_there(t) || !test_reserve_spend(t) ||
	    !test_take(t, NR_RANGES, 1, TOP))
		return;
	before = test_backlog(t).total_deferred;
	refused = free_all(t, mode);
	deferred = test_backlog(t).total_deferred - before;
	test_diag("%s: %u frees, %u node requests, %u refused, %llu ranges deferred",
		  t->tcase->name, NR_RANGES, gate.asked, refused, deferred);
	EXPECT(t, refused > 0);
	/* One request an erase, and none for the marker. */
	EXPECT_EQ(t, deferred, refused);
	EXPECT_EQ(t, test_counter(t, "swap_failed"), 0);
	for (pfn = TOP; pfn > TOP - NR_RANGES; pfn--)
		EXPECT(t, !test_is_taken(t, pfn));
	EXPECT(t, test_backlog_wait_empty(t));
	test_expect_clean(t);
}

static void frees_without_memory_are_deferred(struct test *t)
{
	frees_are_deferred(t, GATE_ALL);
}

static void frees_with_partial_memory_do_not_spin(struct test *t)
{
	frees_are_deferred(t, GATE_PARTIAL);
}

static void allocs_without_memory(struct test *t, enum gate_mode mode)
{
	unsigned int i, refused = 0, taken = 0;
	unsigned long pfn, flags;
	int ret;

	if (!gate_is_there(t))
		return;
	for (i = 0; i < NR_RANGES; i++) {
		spin_lock_irqsave(&test_atomic, flags);
		gate_close(mode);
		ret = iova_mt_alloc(t->domain, 1, TOP, 0, &pfn);
		gate_open();
		spin_unlock_irqrestore(&test_atomic, flags);
		expect_atomic(t);
		EXPECT(t, ret == 0 || ret == -ENOMEM);
		/* And at once with memory: the same place. */
		if (ret == -ENOMEM) {
			refused++;
			EXPECT(t, gate.refused > 0);
			if (!test_alloc(t, 1, TOP, 0, &pfn))
				return;
		}
		if (!EXPECT_EQ(t, pfn, TOP - taken))
			return;
		taken++;
	}
	test_diag("%s: %u of %u allocations without memory", t->tcase->name,
		  refused, NR_RANGES);
	EXPECT(t, refused > 0);
}

static void allocs_without_memory_fail(struct test *t)
{
	allocs_without_memory(t, GATE_ALL);
}

static void allocs_with_partial_memory_do_not_spin(struct test *t)
{
	allocs_without_memory(t, GATE_PARTIAL);
}

/*
 * A full space: what is freed is erased where that needs no node, and deferred
 * where it does; either way it can be had again.
 */
static void steady_load(struct test *t)
{
	unsigned long pfn, flags;
	unsigned int round;
	int ret = 0;

	if (!gate_is_there(t) || !test_domain(t, TOP - NR_RANGES + 1) ||
	    !test_reserve_spend(t) || !test_take(t, NR_RANGES, 1, TOP))
		return;
	spin_lock_irqsave(&test_atomic, flags);
	gate_close(GATE_ALL);
	for (round = 0; round < 2 * NR_RANGES && !ret; round++) {
		iova_mt_free(t->domain, TOP - round % NR_RANGES, 0);
		ret = iova_mt_alloc(t->domain, 1, TOP, 0, &pfn);
		if (!ret && pfn != TOP - round % NR_RANGES)
			ret = -EINVAL;
	}
	gate_open();
	spin_unlock_irqrestore(&test_atomic, flags);
	expect_gfp(t);
	EXPECT_EQ(t, ret, 0);
	EXPECT_EQ(t, round, 2 * NR_RANGES);
	test_diag("%s: %u node requests, %u refused, %llu ranges taken over",
		  t->tcase->name, gate.asked, gate.refused,
		  test_backlog(t).taken_over);
	EXPECT(t, gate.refused > 0 && test_backlog(t).taken_over > 0);
}

/* The reserve serves as many erases as it has nodes for, and those only. */
static void spare_nodes_serve_erases(struct test *t)
{
	u64 used, deferred;
	unsigned int refused;

	if (!gate_is_there(t) || !test_take(t, NR_RANGES, 1, TOP))
		return;
	test_fault(t, "fail_refill", TEST_ALWAYS);
	refused = free_all(t, GATE_ALL);
	used = test_counter(t, "spare_used");
	deferred = test_backlog(t).total_deferred;
	test_diag("%u requests refused, %llu erases from the spare nodes, %llu deferred",
		  refused, used, deferred);
	EXPECT(t, used > 0);
	EXPECT(t, refused >= used);
	EXPECT_EQ(t, test_counter(t, "lost"), 0);
	test_expect_clean(t);
}

/* What cannot be had at once can be waited for, by those who may. */
static void a_drain_waits(struct test *t)
{
	unsigned int i;
	int ret;

	if (!gate_is_there(t) || !test_reserve_spend(t) ||
	    !test_take(t, NR_RANGES, 1, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (i = 0; i < NR_RANGES; i += 2)
		iova_mt_free(t->domain, TOP - i, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, NR_RANGES / 2);
	gate_close(GATE_ATOMIC);
	test_fault(t, "fail_refill", TEST_NEVER);
	test_fault(t, "fail_erase", TEST_NEVER);
	ret = iova_mt_drain(t->domain);
	gate_open();
	EXPECT_EQ(t, ret, 0);
	EXPECT(t, test_counter(t, "spare_fill") > 1);
	for (i = 1; i < NR_RANGES; i += 2)
		iova_mt_free(t->domain, TOP - i, 0);
	test_expect_clean(t);
}

/* A drain without memory ends, and loses nothing. */
static void drain_without_memory(struct test *t)
{
	u64 deferred, drained;
	unsigned int i;
	int ret;

	if (!gate_is_there(t) || !test_take(t, NR_RANGES, 1, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (i = 0; i < NR_RANGES; i += 3)
		iova_mt_free(t->domain, TOP - i, 0);
	deferred = test_backlog(t).pending_ranges;
	EXPECT_EQ(t, deferred, NR_RANGES / 3);
	test_faults_off();
	gate_close(GATE_ALL);
	ret = iova_mt_drain(t->domain);
	gate_open();
	EXPECT(t, gate.refused < MAX_REFUSALS);
	EXPECT(t, !ret || ret == -ENOMEM);
	drained = test_backlog(t).drained_by_request +
		  test_backlog(t).drained_by_worker;
	EXPECT(t, ret || drained == deferred);
	EXPECT_EQ(t, test_backlog(t).total_deferred, deferred);
	for (i = 0; i < NR_RANGES; i++)
		if (i % 3)
			iova_mt_free(t->domain, TOP - i, 0);
	test_expect_clean(t);
}

/* Refused frees in a log that a machine with panic_on_warn looks at, too. */
static void nothing_warns(struct test *t)
{
	unsigned int before = test_log_count("WARNING: ");
	unsigned int round;

	if (!gate_is_there(t))
		return;
	for (round = 0; round < 5; round++) {
		if (!test_domain(t, 1) || !test_take(t, NR_RANGES, 1, TOP))
			return;
		EXPECT(t, free_all(t, round % 2 ? GATE_ALL : GATE_PARTIAL) > 0);
	}
	EXPECT_EQ(t, test_log_count("WARNING: "), before);
}

/* --- That it could be otherwise ------------------------------------------- */

static void tree_fill(struct maple_tree *tree, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		mtree_store_range(tree, i, i, xa_mk_value(1), GFP_KERNEL);
}

/* Erase as one would without thinking, until it asked too often. */
static void tree_erase_naively(struct maple_tree *tree, unsigned int nr)
{
	unsigned long flags;
	unsigned int i;

	for (i = 0; i < nr && gate.refused < MAX_REFUSALS; i++) {
		MA_STATE(mas, tree, i, i);

		spin_lock_irqsave(&tree->ma_lock, flags);
		gate_close(GATE_PARTIAL);
		mas_store_gfp(&mas, NULL, GFP_ATOMIC | __GFP_NOWARN);
		gate_open();
		spin_unlock_irqrestore(&tree->ma_lock, flags);
	}
}

/*
 * Proof that the cases above can fail: plain mas_store_gfp() asks for ever. Only
 * kernels that take nodes in bulk, without sheaves, are known to do that.
 */
static void plain_store_would_spin(struct test *t)
{
	struct maple_tree tree;
	bool spins;

	if (!gate_is_there(t))
		return;
	mt_init_flags(&tree, MT_FLAGS_ALLOC_RANGE);
	tree_fill(&tree, NR_RANGES);
	gate.refused = 0;
	tree_erase_naively(&tree, NR_RANGES);
	spins = gate.refused >= MAX_REFUSALS;
	mtree_destroy(&tree);
	if (spins)
		test_diag("mas_store_gfp() was refused %u times in a row",
			  gate.refused);
	else
		test_skip(t, "mas_store_gfp() of this kernel gives up");
}

static const struct test_case cases[] = {
	{ "the gate sees the allocator's nodes", gate_sees_the_allocator,
	  TEST_NEEDS_MAPLE },
	{ "R14: locks keep interrupts out", locks_keep_interrupts_out,
	  TEST_NEEDS_MAPLE },
	{ "P7: plain mas_store_gfp() would spin", plain_store_would_spin,
	  TEST_NEEDS_MAPLE },
	{ "R30: frees without memory are deferred, the marker needs none",
	  frees_without_memory_are_deferred, TEST_NEEDS_MAPLE },
	{ "P7: frees with partial memory do not spin",
	  frees_with_partial_memory_do_not_spin, TEST_NEEDS_MAPLE },
	{ "allocations without memory fail, and are not remembered",
	  allocs_without_memory_fail, TEST_NEEDS_MAPLE },
	{ "P7: allocations with partial memory do not spin",
	  allocs_with_partial_memory_do_not_spin, TEST_NEEDS_MAPLE },
	{ "S4: a steady load goes on without memory", steady_load,
	  TEST_NEEDS_MAPLE },
	{ "S5: spare nodes serve erases", spare_nodes_serve_erases,
	  TEST_NEEDS_MAPLE },
	{ "S6, R5: a drain waits for memory", a_drain_waits, TEST_NEEDS_MAPLE },
	{ "a drain without memory ends", drain_without_memory,
	  TEST_NEEDS_MAPLE },
	{ "P6: nothing warns", nothing_warns, TEST_NEEDS_MAPLE },
};

const struct test_suite suite_nomem = {
	.name = "nomem",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
	.init = gate_init,
	.exit = gate_exit,
};
