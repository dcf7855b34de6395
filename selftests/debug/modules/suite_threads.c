// SPDX-License-Identifier: GPL-2.0
/*
 * Threads: several of them on one domain, which allocate and free, and others
 * that flush, drain, list and look up meanwhile.
 *
 * Every page has a bit that its holder sets and clears: who finds it set has
 * got a page that another thread holds.
 */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "debug.h"

#define PAGES		4096UL
#define WORKERS		3
#define SLOTS		64
#define MAX_SIZE	40

/**
 * struct arena - what the threads share
 * @t: the case
 * @working: workers that have not finished
 * @twice: pages that were handed out twice
 * @lost: live ranges that were not found
 * @errors: results that cannot be
 * @map: a bit a page that somebody holds
 */
struct arena {
	struct test *t;
	atomic_t working;
	atomic_t twice;
	atomic_t lost;
	atomic_t errors;
	DECLARE_BITMAP(map, PAGES + 1);
};

/**
 * struct worker - a thread that allocates and frees
 * @arena: where
 * @rng: what it draws from
 * @task: the thread
 * @pfn: what it holds
 * @size: pages of it, 0 for nothing
 */
struct worker {
	struct arena *arena;
	struct test_rng rng;
	struct task_struct *task;
	unsigned long pfn[SLOTS];
	unsigned long size[SLOTS];
};

static void worker_alloc(struct worker *worker, unsigned int slot)
{
	struct arena *arena = worker->arena;
	unsigned long size = 1 + test_rng_below(&worker->rng, MAX_SIZE);
	unsigned int flags = test_rng_below(&worker->rng, IOVA_MT_ALLOC_FLAGS + 1);
	unsigned long pfn, i;
	int ret;

	ret = iova_mt_alloc(arena->t->domain, size, PAGES, flags, &pfn);
	if (ret) {
		if (ret != -ENOSPC && ret != -ENOMEM)
			atomic_inc(&arena->errors);
		return;
	}
	if (pfn < 1 || pfn + size - 1 > PAGES) {
		atomic_inc(&arena->errors);
		return;
	}
	for (i = pfn; i < pfn + size; i++)
		if (test_and_set_bit(i, arena->map))
			atomic_inc(&arena->twice);
	worker->pfn[slot] = pfn;
	worker->size[slot] = size;
}

static void worker_free(struct worker *worker, unsigned int slot)
{
	struct arena *arena = worker->arena;
	unsigned long pfn = worker->pfn[slot], size = worker->size[slot], i;
	struct iova_mt_range range;

	if (iova_mt_find(arena->t->domain, pfn, &range) || range.first != pfn ||
	    range.state != IOVA_MT_LIVE)
		atomic_inc(&arena->lost);
	for (i = pfn; i < pfn + size; i++)
		if (!test_and_clear_bit(i, arena->map))
			atomic_inc(&arena->twice);
	iova_mt_free(arena->t->domain, pfn,
		     test_rng_below(&worker->rng, 4) ? size : 0);
	worker->size[slot] = 0;
}

static int worker_fn(void *data)
{
	struct worker *worker = data;
	struct arena *arena = worker->arena;
	unsigned int i, slot;

	for (i = 0; i < arena->t->ops; i++) {
		slot = test_rng_below(&worker->rng, SLOTS);
		if (worker->size[slot])
			worker_free(worker, slot);
		else
			worker_alloc(worker, slot);
		cond_resched();
	}
	for (slot = 0; slot < SLOTS; slot++)
		if (worker->size[slot])
			worker_free(worker, slot);
	atomic_dec(&arena->working);
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

/* Flush, drain, list and ask, as long as there is work. */
static int observer_fn(void *data)
{
	struct arena *arena = data;
	struct test *t = arena->t;
	unsigned int nr;
	int ret;

	while (atomic_read(&arena->working) && !kthread_should_stop()) {
		iova_mt_flush(t->domain);
		test_listing_hash(t, &nr);
		ret = iova_mt_drain(t->domain);
		if (ret && ret != -ENOMEM)
			atomic_inc(&arena->errors);
		test_backlog(t);
		usleep_range(100, 1000);
	}
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static void workers_start(struct arena *arena, struct worker *workers)
{
	unsigned int i;

	for (i = 0; i < WORKERS; i++) {
		workers[i].arena = arena;
		test_rng_init(&workers[i].rng, arena->t->seed + i);
		atomic_inc(&arena->working);
		workers[i].task = kthread_run(worker_fn, &workers[i],
					      "iova_mt_work/%u", i);
		if (!test_expect(arena->t, !IS_ERR(workers[i].task),
				 "thread %u does not start", i))
			atomic_dec(&arena->working);
	}
}

static void threads_run(struct arena *arena, struct worker *workers)
{
	struct task_struct *observer;
	unsigned int i;

	workers_start(arena, workers);
	observer = kthread_run(observer_fn, arena, "iova_mt_observe");
	EXPECT(arena->t, !IS_ERR(observer));
	while (atomic_read(&arena->working))
		msleep(20);
	if (!IS_ERR(observer))
		kthread_stop(observer);
	for (i = 0; i < WORKERS; i++)
		if (!IS_ERR(workers[i].task))
			kthread_stop(workers[i].task);
}

/* Then most ranges have no entry of their own. */
static bool has_spans(struct test *t)
{
	return test_counter(t, "span_new");
}

static void threads(struct test *t)
{
	struct worker *workers = kvcalloc(WORKERS, sizeof(*workers), GFP_KERNEL);
	struct arena *arena = kvzalloc(sizeof(*arena), GFP_KERNEL);

	if (test_expect(t, workers && arena, "no memory for workers")) {
		arena->t = t;
		threads_run(arena, workers);
		EXPECT_EQ(t, atomic_read(&arena->twice), 0);
		EXPECT_EQ(t, atomic_read(&arena->lost), 0);
		EXPECT_EQ(t, atomic_read(&arena->errors), 0);
		EXPECT(t, test_counter(t, "insert") >
		       (has_spans(t) ? 0 : t->ops / 4));
		test_expect_clean(t);
	}
	kvfree(arena);
	kvfree(workers);
}

static void threads_plain(struct test *t)
{
	threads(t);
}

static void threads_failing(struct test *t)
{
	test_fault(t, "fail_erase", "1,30,0,-1");
	test_fault(t, "fail_insert", "1,10,0,-1");
	test_fault(t, "fail_magazine", "1,30,0,-1");
	threads(t);
	/* With spans, few frees erase. */
	EXPECT(t, has_spans(t) || test_backlog(t).total_deferred);
}

static const struct test_case cases[] = {
	{ "three threads allocate and free, one flushes and drains", threads_plain },
	{ "and with everything failing", threads_failing },
};

const struct test_suite suite_threads = {
	.name = "threads",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
