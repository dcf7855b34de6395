// SPDX-License-Identifier: GPL-2.0
/*
 * Recovery: the spare nodes, the memory that the worker waits for, and what
 * happens when not even a marker can be stored.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/sched.h>

#include <iova_mt/fault.h>

#include "test.h"

#define TOP	0xffffUL
#define NR	2000U

/* --- Spare nodes ---------------------------------------------------------- */

/* Free every second of NR pages, so that no two erases make one gap. */
static void free_half(struct test *t)
{
	unsigned int i;

	for (i = 0; i < NR; i += 2)
		iova_mt_free(t->domain, TOP - i, 0);
}

static void free_rest(struct test *t)
{
	unsigned int i;

	for (i = 1; i < NR; i += 2)
		iova_mt_free(t->domain, TOP - i, 0);
}

/* An erase that gets no node takes spare ones, as long as there are any. */
static void erases_are_served_from_the_reserve(struct test *t)
{
	u64 used, deferred;

	if (!test_take(t, NR, 1, TOP))
		return;
	test_fault(t, "fail_node", TEST_ALWAYS);
	test_fault(t, "fail_refill", TEST_ALWAYS);
	free_half(t);
	used = test_counter(t, "spare_used");
	deferred = test_backlog(t).total_deferred;
	test_diag("%llu erases from the spare nodes, %llu deferred", used, deferred);
	EXPECT(t, used > 0);
	EXPECT_EQ(t, used + deferred, NR / 2);
	EXPECT_EQ(t, test_counter(t, "spare_spent"), 1);
	EXPECT(t, !test_is_taken(t, TOP));
	free_rest(t);
	test_expect_clean(t);
}

/* An insert has no claim on it: who allocates can be told. */
static void inserts_leave_the_reserve_alone(struct test *t)
{
	test_fault(t, "fail_node", TEST_ALWAYS);
	EXPECT_EQ(t, test_try(t, 1, TOP, 0), -ENOMEM);
	EXPECT_EQ(t, test_counter(t, "spare_used"), 0);
}

static bool wait_counter(struct test *t, const char *name, u64 least)
{
	unsigned int waited;

	for (waited = 0; waited < TEST_TIMEOUT_MS; waited += 10) {
		if (test_counter(t, name) >= least)
			return true;
		msleep(20);
	}
	return test_expect(t, false, "%s is %llu, not %llu", name,
			   test_counter(t, name), least);
}

/* A task fills it again, later and later as long as that fails. */
static void spare_nodes_are_filled_again(struct test *t)
{
	u64 fills;

	if (!test_take(t, NR, 1, TOP))
		return;
	fills = test_counter(t, "spare_fill");
	EXPECT(t, fills >= 1);
	test_fault(t, "fail_node", TEST_ALWAYS);
	test_fault(t, "fail_refill", "1,100,0,3");
	free_half(t);
	EXPECT_EQ(t, test_counter(t, "spare_spent"), 1);
	wait_counter(t, "spare_fill_failed", 3);
	wait_counter(t, "spare_fill", fills + 1);
	free_rest(t);
	test_expect_clean(t);
}

/* --- The worker ----------------------------------------------------------- */

/* Nothing can be had at once, ever; but it can be waited for. */
static void the_worker_waits_for_memory(struct test *t)
{
	if (!test_take(t, NR, 1, TOP))
		return;
	test_fault(t, "fail_node", TEST_ALWAYS);
	free_half(t);
	EXPECT(t, test_backlog(t).total_deferred > 0);
	if (test_backlog_wait_empty(t)) {
		EXPECT(t, test_backlog(t).drained_by_worker > 0);
		EXPECT(t, test_counter(t, "spare_fill") > 1);
	}
	EXPECT(t, iova_mt_fault_injected("fail_node") > 0);
	free_rest(t);
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	test_expect_clean(t);
}

/* A domain that goes waits for a piece of a sweep, not for all of it. */
static void a_sweep_ends_when_its_domain_goes(struct test *t)
{
	u64 holds;

	if (!test_take(t, NR, 1, TOP))
		return;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	free_half(t);
	t->domain->ops->stop(t->domain);
	test_fault(t, "fail_erase", TEST_NEVER);
	holds = test_counter(t, "sweep_hold");
	iova_mt_drain(t->domain);
	EXPECT_EQ(t, test_counter(t, "sweep_hold") - holds, 1);
	EXPECT(t, test_backlog(t).pending_ranges > 0);
}

/*
 * A round that erases some, and then can neither get nodes nor wait for any, is not
 * the last one: nobody else comes here.
 */
static void a_round_gets_part_of_the_way(struct test *t)
{
	unsigned int i;

	if (!test_take(t, 100, 2, TOP))
		return;
	test_fault(t, "fail_refill", TEST_ALWAYS);
	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (i = 0; i < 100; i += 2)
		iova_mt_free(t->domain, TOP - 2 * i, 0);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 50);
	/* Nine pass, the tenth fails, and all after that pass. */
	test_fault(t, "fail_erase", "1,100,10,1");
	if (!test_backlog_wait_empty(t))
		return;
	EXPECT_EQ(t, iova_mt_fault_injected("fail_erase"), 1);
	EXPECT_EQ(t, test_backlog(t).drained_by_worker, 50);
}

/* More than the log takes at once. */
#define STUCK	12U

/* One that cannot be erased. Return: its domain, or NULL. */
static struct iova_mt_domain *stuck_domain(struct test *t)
{
	struct iova_mt_domain *domain;
	unsigned long pfn;

	domain = iova_mt_domain_create(t->allocator, 4096, 1);
	if (!test_expect(t, !IS_ERR(domain), "no domain: %pe", domain))
		return NULL;
	if (EXPECT_EQ(t, iova_mt_alloc(domain, 1, TOP, 0, &pfn), 0))
		iova_mt_free(domain, pfn, 0);
	return domain;
}

/* Each of them is named, be it later than the others. */
static void each_of_many_domains_is_named(struct test *t)
{
	const char *mark = ": no memory to erase 1 freed ranges";
	unsigned long end = jiffies + msecs_to_jiffies(TEST_TIMEOUT_MS);
	unsigned int nr, lines = test_log_count(mark);
	struct iova_mt_domain *domains[STUCK];

	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (nr = 0; nr < STUCK; nr++) {
		domains[nr] = stuck_domain(t);
		if (!domains[nr])
			break;
	}
	while (test_log_count(mark) < lines + nr && time_before(jiffies, end))
		msleep(200);
	EXPECT_EQ(t, test_log_count(mark), lines + nr);
	test_faults_off();
	while (nr--)
		iova_mt_domain_destroy(domains[nr]);
}

/* --- Orphans -------------------------------------------------------------- */

/* So many are noted; see IOVA_MT_ORPHANS. */
#define ORPHANS	64U

static bool orphans(struct test *t, unsigned int nr)
{
	unsigned int i;

	if (!test_take(t, NR, 2, TOP))
		return false;
	test_fault(t, "fail_erase", TEST_ALWAYS);
	test_fault(t, "fail_swap", TEST_ALWAYS);
	for (i = 0; i < nr; i++)
		iova_mt_free(t->domain, TOP - 4 * i, 0);
	return EXPECT_EQ(t, test_counter(t, "orphan"), nr) &&
	       EXPECT_EQ(t, test_backlog(t).pending_ranges, nr);
}

/* Neither erased nor marked: it is deferred all the same, and seen as that. */
static void an_orphan_is_deferred(struct test *t)
{
	struct iova_mt_range range;
	unsigned long pfn;

	if (!orphans(t, 3))
		return;
	EXPECT(t, !test_is_taken(t, TOP));
	EXPECT(t, !t->domain->ops->free(t->domain, TOP, 0));
	EXPECT_EQ(t, test_backlog(t).total_deferred, 3);
	EXPECT(t, !t->domain->ops->next(t->domain, TOP, &range) &&
	       range.state == IOVA_MT_DEFERRED);
	if (test_alloc(t, 2, TOP, 0, &pfn))
		EXPECT_EQ(t, pfn, TOP - 2 * NR - 1);
	EXPECT_EQ(t, iova_mt_drain(t->domain), -ENOMEM);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, 3);
}

/* First it becomes a marker, when that is what goes; then it is erased. */
static void orphans_are_swept(struct test *t)
{
	if (!orphans(t, ORPHANS))
		return;
	test_fault(t, "fail_swap", TEST_NEVER);
	EXPECT_EQ(t, iova_mt_drain(t->domain), -ENOMEM);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, ORPHANS);
	EXPECT(t, test_counter(t, "swap") >= ORPHANS);
	test_fault(t, "fail_erase", TEST_NEVER);
	test_backlog_wait_empty(t);
	EXPECT_EQ(t, test_counter(t, "lost"), 0);
	EXPECT_EQ(t, test_backlog(t).total_deferred, ORPHANS);
	EXPECT(t, !test_is_taken(t, TOP));
}

static void orphans_are_erased(struct test *t)
{
	if (!orphans(t, ORPHANS))
		return;
	test_fault(t, "fail_erase", TEST_NEVER);
	test_backlog_wait_empty(t);
	EXPECT_EQ(t, test_counter(t, "swap"), 0);
	EXPECT(t, !test_is_taken(t, TOP));
	EXPECT(t, !test_is_taken(t, TOP - 4 * (ORPHANS - 1)));
}

static void reserve_over_an_orphan(struct test *t)
{
	struct iova_mt_range range;

	if (!orphans(t, 2))
		return;
	EXPECT_EQ(t, iova_mt_reserve(t->domain, TOP, TOP), -ENOMEM);
	test_fault(t, "fail_swap", TEST_NEVER);
	EXPECT_EQ(t, iova_mt_reserve(t->domain, TOP, TOP), 0);
	EXPECT_EQ(t, test_backlog(t).pending_pages, 3);
	test_faults_off();
	EXPECT_EQ(t, iova_mt_drain(t->domain), 0);
	EXPECT(t, !iova_mt_find(t->domain, TOP, &range) &&
	       range.state == IOVA_MT_RESERVED);
	EXPECT(t, !test_is_taken(t, TOP - 1));
}

/* More than can be noted: said once, counted, and nobody else is harmed. */
static void more_orphans_than_there_is_room(struct test *t)
{
	unsigned int i;

	if (!orphans(t, ORPHANS))
		return;
	for (i = ORPHANS; i < ORPHANS + 3; i++)
		iova_mt_free(t->domain, TOP - 4 * i, 0);
	EXPECT_EQ(t, test_counter(t, "lost"), 3);
	EXPECT_EQ(t, test_backlog(t).pending_ranges, ORPHANS);
	EXPECT_EQ(t, test_log_count("are lost until the domain goes"), 1);
	test_faults_off();
	test_backlog_wait_empty(t);
	EXPECT(t, !test_is_taken(t, TOP));
	/* What is lost is out of use, not handed out. */
	EXPECT(t, test_is_taken(t, TOP - 4 * ORPHANS));
}

#define MARKER	(TEST_NEEDS_MAPLE | TEST_NEEDS_MARKER)

static const struct test_case cases[] = {
	{ "S5: erases are served from the spare nodes",
	  erases_are_served_from_the_reserve, TEST_NEEDS_MAPLE },
	{ "S5: inserts leave the spare nodes alone",
	  inserts_leave_the_reserve_alone, TEST_NEEDS_MAPLE },
	{ "S5: spare nodes are filled again", spare_nodes_are_filled_again,
	  TEST_NEEDS_MAPLE },
	{ "S6, R5, R19: the worker waits for memory",
	  the_worker_waits_for_memory, TEST_NEEDS_MAPLE },
	{ "P4: a round that gets part of the way is not the last",
	  a_round_gets_part_of_the_way, TEST_NEEDS_MAPLE },
	{ "R11: each of many domains without memory is named",
	  each_of_many_domains_is_named, TEST_NEEDS_BACKLOG },
	{ "B8: a sweep ends when its domain goes",
	  a_sweep_ends_when_its_domain_goes, TEST_NEEDS_MAPLE },
	{ "R12, B3, B9: an orphan is deferred", an_orphan_is_deferred, MARKER },
	{ "R12, B3: orphans become markers, and are swept", orphans_are_swept,
	  MARKER },
	{ "R12, B3: orphans are erased", orphans_are_erased, MARKER },
	{ "R12, B7: reserve over an orphan", reserve_over_an_orphan, MARKER },
	{ "R12, R31: more orphans than there is room",
	  more_orphans_than_there_is_room, MARKER },
};

const struct test_suite suite_recovery = {
	.name = "recovery",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
