// SPDX-License-Identifier: GPL-2.0
/*
 * Truth: what is refused is not there, whatever others do at the same moment.
 *
 * Pages that are on their way from one place to another (from the backlog or a
 * span into a gap, from a gap into a span) are free all the time. A request that
 * has looked in the one place before and looks in the other after that has seen
 * them in neither.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "test.h"

#define ALIGNED		IOVA_MT_ALIGNED

/* --- One CPU: an interrupt between two looks ------------------------------ */

#if defined(CONFIG_KPROBES)

/**
 * struct overtaking - what an interrupt does behind a search's back
 * @probe: on what looks for a gap
 * @work: the interrupt, which comes when the lock is released; on PREEMPT_RT a
 *	thread, which comes after that
 * @task: that searches
 * @domain: of the case
 * @act: what it does
 * @armed: it has not come yet
 */
static struct overtaking {
	struct kprobe probe;
	struct irq_work work;
	struct task_struct *task;
	struct iova_mt_domain *domain;
	void (*act)(struct iova_mt_domain *domain);
	bool armed;
} overtaking;

static void overtake(struct irq_work *work)
{
	overtaking.act(overtaking.domain);
}

/* Under the tree's lock, with interrupts off. */
static int look_handler(struct kprobe *probe, struct pt_regs *regs)
{
	if (current == overtaking.task && overtaking.armed) {
		overtaking.armed = false;
		irq_work_queue(&overtaking.work);
	}
	return 0;
}

static bool overtaking_begin(struct test *t,
			     void (*act)(struct iova_mt_domain *domain))
{
	overtaking = (struct overtaking){
		.probe.symbol_name = "mas_empty_area_rev",
		.probe.pre_handler = look_handler,
		.work = IRQ_WORK_INIT(overtake),
		.task = current,
		.domain = t->domain,
		.act = act,
	};
	if (!register_kprobe(&overtaking.probe))
		return true;
	test_skip(t, "no kprobe can be put on mas_empty_area_rev()");
	return false;
}

/* By the next look for a gap. */
static void overtaking_arm(struct test *t)
{
	overtaking.domain = t->domain;
	WRITE_ONCE(overtaking.armed, true);
}

/* Return: whether it has come. */
static bool overtaking_came(struct test *t)
{
	irq_work_sync(&overtaking.work);
	return EXPECT(t, !overtaking.armed);
}

static void overtaking_end(void)
{
	unregister_kprobe(&overtaking.probe);
}

#else

static bool overtaking_begin(struct test *t,
			     void (*act)(struct iova_mt_domain *domain))
{
	test_skip(t, "this kernel has no kprobes");
	return false;
}

static void overtaking_arm(struct test *t)
{
}

static bool overtaking_came(struct test *t)
{
	return false;
}

static void overtaking_end(void)
{
}

#endif

#define NR_PAGES	64U

/* It sweeps, and finds nothing all the same. */
static void ask_for_too_much(struct iova_mt_domain *domain)
{
	unsigned long pfn;

	if (!iova_mt_alloc(domain, NR_PAGES + 1, NR_PAGES + 1, 0, &pfn))
		iova_mt_free(domain, pfn, 0);
}

/* And there is memory: all of it can be had. */
static void defer_all(struct test *t)
{
	unsigned int i;

	test_fault(t, "fail_erase", TEST_ALWAYS);
	for (i = 1; i <= NR_PAGES; i += 2)
		iova_mt_free(t->domain, i, 0);
	test_faults_off();
}

/* All pages up to NR_PAGES, and the one behind them, which stays. */
static bool all_deferred(struct test *t)
{
	if (!test_domain(t, 1) || !test_take(t, 1, 1, NR_PAGES + 1))
		return false;
	/* Two pages each: nobody asks for such a range again. */
	if (!test_take(t, NR_PAGES / 2, 2, NR_PAGES))
		return false;
	defer_all(t);
	return true;
}

/*
 * The pages leave the backlog after the gaps have been looked at. Should the worker
 * have been quicker, once more.
 */
static void while_another_request_sweeps(struct test *t)
{
	unsigned int tries = 10;
	unsigned long pfn;

	if (!overtaking_begin(t, ask_for_too_much))
		return;
	while (tries-- && all_deferred(t)) {
		overtaking_arm(t);
		if (test_alloc(t, NR_PAGES, NR_PAGES, 0, &pfn))
			EXPECT_EQ(t, pfn, 1);
		if (!overtaking_came(t) ||
		    test_backlog(t).drained_by_alloc == NR_PAGES / 2)
			break;
	}
	EXPECT_EQ(t, test_backlog(t).drained_by_alloc, NR_PAGES / 2);
	overtaking_end();
}

#define WINDOW		4096UL

/* One window's pages are a gap, those of the other are a span that is free. */
static bool a_free_span_beside_a_gap(struct test *t)
{
	unsigned long pfn;

	if (!test_domain(t, 2 * WINDOW) ||
	    !test_alloc(t, 64, 3 * WINDOW - 1, ALIGNED, &pfn))
		return false;
	iova_mt_free(t->domain, pfn, 0);
	return EXPECT_EQ(t, test_counter(t, "span_new"), 1) &&
	       EXPECT_EQ(t, test_counter(t, "span_gone"), 0);
}

/* The free span goes after the gaps have been looked at. */
static void while_another_flushes_spans(struct test *t)
{
	unsigned long pfn;

	if (!overtaking_begin(t, iova_mt_flush))
		return;
	if (a_free_span_beside_a_gap(t)) {
		overtaking_arm(t);
		if (test_alloc(t, 2 * WINDOW, 4 * WINDOW - 1, ALIGNED, &pfn))
			EXPECT_EQ(t, pfn, 2 * WINDOW);
		overtaking_came(t);
	}
	overtaking_end();
	EXPECT_EQ(t, test_counter(t, "span_gone"), 1);
}

/* --- Two CPUs ------------------------------------------------------------- */

#define ROUNDS		4000U

/**
 * struct other - a thread that does something in each round
 * @task: the thread
 * @domain: of the case
 * @act: what it does
 * @round: rounds that have begun
 * @done: rounds that it has ended
 */
struct other {
	struct task_struct *task;
	struct iova_mt_domain *domain;
	void (*act)(struct iova_mt_domain *domain);
	atomic_t round;
	atomic_t done;
};

static void wait_for(const atomic_t *what, int value)
{
	while (atomic_read(what) < value) {
		cpu_relax();
		cond_resched();
	}
}

static int other_fn(void *data)
{
	struct other *other = data;
	unsigned int round;

	for (round = 1; round <= ROUNDS; round++) {
		wait_for(&other->round, round);
		other->act(other->domain);
		atomic_inc(&other->done);
	}
	while (!kthread_should_stop())
		cond_resched();
	return 0;
}

static bool other_begin(struct test *t, struct other *other,
			void (*act)(struct iova_mt_domain *domain))
{
	*other = (struct other){ .domain = t->domain, .act = act };
	other->task = kthread_run(other_fn, other, "iova_mt_other");
	return EXPECT(t, !IS_ERR(other->task));
}

static void drain(struct iova_mt_domain *domain)
{
	iova_mt_drain(domain);
}

static void while_another_drains(struct test *t)
{
	unsigned int round, refused = 0;
	struct other other;
	unsigned long pfn;
	int ret;

	if (!all_deferred(t) || !other_begin(t, &other, drain))
		return;
	for (round = 1; round <= ROUNDS; round++) {
		atomic_inc(&other.round);
		ret = iova_mt_alloc(t->domain, NR_PAGES, NR_PAGES, 0, &pfn);
		refused += ret == -ENOSPC;
		wait_for(&other.done, round);
		if (!ret)
			iova_mt_free(t->domain, pfn, 0);
		iova_mt_drain(t->domain);
		if (!test_take(t, NR_PAGES / 2, 2, NR_PAGES))
			break;
		defer_all(t);
	}
	atomic_set(&other.round, ROUNDS);
	kthread_stop(other.task);
	test_expect(t, !refused, "%u of %u refused", refused, ROUNDS);
}

/**
 * struct sharer - one of two who share a space with room for both
 * @task: its thread
 * @domain: of the case
 * @size: pages that it asks for, again and again
 * @flags: with these
 * @refused: how often there was no room
 * @go: when both begin
 */
struct sharer {
	struct task_struct *task;
	struct iova_mt_domain *domain;
	unsigned long size;
	unsigned int flags;
	unsigned int refused;
	struct completion *go;
};

static int sharer_fn(void *data)
{
	struct sharer *sharer = data;
	unsigned long limit = 4 * sharer->size - 1, pfn;
	unsigned int round;
	int ret;

	wait_for_completion(sharer->go);
	for (round = 0; round < ROUNDS; round++) {
		ret = iova_mt_alloc(sharer->domain, sharer->size, limit,
				    sharer->flags, &pfn);
		if (!ret)
			iova_mt_free(sharer->domain, pfn, 0);
		sharer->refused += ret == -ENOSPC;
		if (round % 64 == 0)
			cond_resched();
	}
	while (!kthread_should_stop())
		cond_resched();
	return 0;
}

/* Two blocks, two users, each of whom has one block at most. */
static void share(struct test *t, unsigned long size, unsigned int flags)
{
	DECLARE_COMPLETION_ONSTACK(go);
	struct sharer sharers[2];
	unsigned int i;

	if (!test_domain(t, 2 * size))
		return;
	for (i = 0; i < ARRAY_SIZE(sharers); i++) {
		sharers[i] = (struct sharer){
			.domain = t->domain,
			.size = size,
			.flags = flags,
			.go = &go,
		};
		sharers[i].task = kthread_run(sharer_fn, &sharers[i], "iova_mt_sharer");
		if (!EXPECT(t, !IS_ERR(sharers[i].task)))
			break;
	}
	complete_all(&go);
	while (i--) {
		kthread_stop(sharers[i].task);
		test_expect(t, !sharers[i].refused,
			    "%lu pages, flags %#x: %u of %u refused", size,
			    flags, sharers[i].refused, ROUNDS);
	}
}

static void two_users_share_room_for_two(struct test *t)
{
	static const unsigned long sizes[] = { 1, 8, 64, 512, 1024, 4096, 8192 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		share(t, sizes[i], ALIGNED);
}

/* The same while every second erase fails, so that ranges are deferred. */
static void two_users_share_what_is_deferred(struct test *t)
{
	test_fault(t, "fail_erase", "2,100,0,-1");
	share(t, 8, ALIGNED);
	test_fault(t, "fail_erase", "2,100,0,-1");
	share(t, 1024, ALIGNED);
}

static const struct test_case cases[] = {
	{ "N8: while another request sweeps", while_another_request_sweeps,
	  TEST_NEEDS_ENTRIES },
	{ "N8: while another one gives free spans back",
	  while_another_flushes_spans, TEST_NEEDS_SPANS },
	{ "N8: while another one drains", while_another_drains,
	  TEST_NEEDS_ENTRIES },
	{ "N8: two users share room for two", two_users_share_room_for_two,
	  TEST_NEEDS_MAPLE },
	{ "N8: two users share what is deferred",
	  two_users_share_what_is_deferred, TEST_NEEDS_BACKLOG },
};

const struct test_suite suite_truth = {
	.name = "truth",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
