// SPDX-License-Identifier: GPL-2.0
/*
 * Atomic contexts: one domain used from hardirq, softirq, tasks with interrupts
 * off and plain tasks, on two CPUs at once.
 *
 * Every user marks its pages in a map that all share: a page that is handed out
 * twice is seen at once. The users interrupt each other. A lock that lets them
 * do so in its middle hangs the machine when they meet there, which is a matter
 * of luck: the nomem suite looks at that for certain.
 */
#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include <iova_mt/fault.h>

#include "test.h"

/* Small, so that it is full at times. */
#define PAGES		6000UL
#define SLOTS		48
#define CPUS		2
#define STEPS		6

/**
 * struct arena - what the users share
 * @t: the case
 * @domain: of the case
 * @rounds: how many each CPU does
 * @map: a bit a page: somebody has it
 * @twice: pages that were handed out twice
 * @outside: ranges outside of the space, or not aligned
 * @errors: errors that should not be
 * @refused: requests for which there was no room
 */
struct arena {
	struct test *t;
	struct iova_mt_domain *domain;
	unsigned int rounds;
	unsigned long *map;
	atomic_t twice;
	atomic_t outside;
	atomic_t errors;
	atomic_t refused;
};

/**
 * struct holder - one user of the domain, in one context on one CPU
 * @arena: where
 * @rng: what it draws from
 * @pfn: what it has
 * @size: pages of it, 0 for nothing
 * @steps: done so far
 */
struct holder {
	struct arena *arena;
	struct test_rng rng;
	unsigned long pfn[SLOTS];
	unsigned int size[SLOTS];
	unsigned long steps;
};

enum context { TASK, IRQS_OFF, HARDIRQ, SOFTIRQ, NR_CONTEXTS };

static const char *const context_names[NR_CONTEXTS] = {
	"task", "interrupts off", "hardirq", "softirq",
};

/**
 * struct runner - the users of one CPU
 * @holder: one a context; each is used by one at a time
 * @work: runs the one in hardirq
 * @call: so does this, when the peer asks for it
 * @calls: of those, asked for and not done
 * @tasklet: runs the one in softirq
 * @peer: the other CPU, which this one interrupts, or NULL
 * @nr: its number
 * @wrong_context: steps that were not where they should be
 * @thread: the task
 * @done: it has ended
 */
struct runner {
	struct holder holder[NR_CONTEXTS];
	struct irq_work work;
	call_single_data_t call;
	atomic_t calls;
	struct tasklet_struct tasklet;
	struct runner *peer;
	unsigned int nr;
	atomic_t wrong_context;
	struct task_struct *thread;
	struct completion done;
};

/* --- One step ------------------------------------------------------------- */

static bool is_inside(unsigned long pfn, unsigned int size, unsigned int flags)
{
	return pfn >= 1 && pfn + size - 1 <= PAGES &&
	       (!(flags & IOVA_MT_ALIGNED) ||
		IS_ALIGNED(pfn, roundup_pow_of_two(size)));
}

static void mark(struct arena *arena, unsigned long pfn, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		if (test_and_set_bit(pfn + i, arena->map))
			atomic_inc(&arena->twice);
}

static void holder_alloc(struct holder *holder, unsigned int slot)
{
	struct arena *arena = holder->arena;
	unsigned int flags = test_rng_below(&holder->rng, 8);
	unsigned int size = 1 + test_rng_below(&holder->rng, 40);
	unsigned long pfn;
	int ret;

	if (flags & IOVA_MT_CACHED)
		size = 1U << test_rng_below(&holder->rng, 6);
	ret = iova_mt_alloc(arena->domain, size, PAGES, flags, &pfn);
	if (ret) {
		atomic_inc(ret == -ENOSPC || ret == -ENOMEM ?
			   &arena->refused : &arena->errors);
		return;
	}
	if (!is_inside(pfn, size, flags)) {
		atomic_inc(&arena->outside);
		return;
	}
	mark(arena, pfn, size);
	holder->pfn[slot] = pfn;
	holder->size[slot] = size;
}

static void holder_free(struct holder *holder, unsigned int slot)
{
	struct arena *arena = holder->arena;
	unsigned int size = holder->size[slot], i;

	for (i = 0; i < size; i++)
		clear_bit(holder->pfn[slot] + i, arena->map);
	/* The bits are clear before another can get the pages. */
	smp_mb__after_atomic();
	holder->size[slot] = 0;
	if (test_rng_below(&holder->rng, 4))
		iova_mt_free(arena->domain, holder->pfn[slot], size);
	else
		iova_mt_free(arena->domain,
			     holder->pfn[slot] + test_rng_below(&holder->rng, size),
			     0);
}

static void holder_steps(struct holder *holder)
{
	unsigned int i, slot;

	for (i = 0; i < STEPS; i++) {
		slot = test_rng_below(&holder->rng, SLOTS);
		if (holder->size[slot])
			holder_free(holder, slot);
		else
			holder_alloc(holder, slot);
		holder->steps++;
	}
}

/* --- Contexts ------------------------------------------------------------- */

static void in_context(struct runner *runner, enum context context, bool right)
{
	if (!right)
		atomic_inc(&runner->wrong_context);
	holder_steps(&runner->holder[context]);
}

static void work_fn(struct irq_work *work)
{
	in_context(container_of(work, struct runner, work), HARDIRQ,
		   in_hardirq() && irqs_disabled());
}

/*
 * The same from another CPU. An idle CPU looks for calls before it sleeps, so
 * that this is not always in an interrupt. Under PREEMPT_RT it always would be, and
 * in one where a spinlock may not be taken; lockdep is told that this is like the
 * work above, which would not.
 */
static void call_fn(void *arg)
{
	struct runner *runner = arg;

	lockdep_irq_work_enter(0);
	in_context(runner, HARDIRQ, irqs_disabled());
	lockdep_irq_work_exit(0);
	atomic_dec(&runner->calls);
}

static void tasklet_fn(struct tasklet_struct *tasklet)
{
	in_context(container_of(tasklet, struct runner, tasklet), SOFTIRQ,
		   in_serving_softirq());
}

static void ask_peer(struct runner *peer)
{
	atomic_inc(&peer->calls);
	if (smp_call_function_single_async(peer->nr, &peer->call))
		atomic_dec(&peer->calls);
}

/*
 * Work of the peer interrupts it wherever it is; own work comes when interrupts
 * come on again. What is queued already is not queued twice, so that a user is
 * never in two places.
 */
static void round_run(struct runner *runner)
{
	unsigned long flags;

	irq_work_queue(&runner->work);
	holder_steps(&runner->holder[TASK]);
	if (runner->peer)
		ask_peer(runner->peer);
	tasklet_schedule(&runner->tasklet);
	local_irq_save(flags);
	in_context(runner, IRQS_OFF, irqs_disabled());
	irq_work_queue(&runner->work);
	in_context(runner, IRQS_OFF, irqs_disabled());
	local_irq_restore(flags);
	holder_steps(&runner->holder[TASK]);
}

static int thread_fn(void *arg)
{
	struct runner *runner = arg;
	unsigned int i, rounds = runner->holder[TASK].arena->rounds;

	for (i = 0; i < rounds; i++) {
		round_run(runner);
		if (i % 16 == 0)
			cond_resched();
	}
	complete(&runner->done);
	return 0;
}

static void runner_init(struct runner *runner, struct arena *arena,
			unsigned int nr, u64 seed)
{
	unsigned int i;

	runner->nr = nr;
	runner->work = IRQ_WORK_INIT(work_fn);
	INIT_CSD(&runner->call, call_fn, runner);
	tasklet_setup(&runner->tasklet, tasklet_fn);
	init_completion(&runner->done);
	for (i = 0; i < NR_CONTEXTS; i++) {
		runner->holder[i].arena = arena;
		test_rng_init(&runner->holder[i].rng, seed * 16 + i);
	}
}

static bool runner_start(struct test *t, struct runner *runner)
{
	runner->thread = kthread_create(thread_fn, runner, "iova_mt_test/%u",
					runner->nr);
	if (!test_expect(t, !IS_ERR(runner->thread), "no thread: %pe", runner->thread))
		return false;
	kthread_bind(runner->thread, runner->nr);
	wake_up_process(runner->thread);
	return true;
}

static void runner_end(struct test *t, struct runner *runner)
{
	unsigned int i, slot;

	irq_work_sync(&runner->work);
	/* The peer has ended, but what it asked for may still be on its way. */
	while (atomic_read(&runner->calls))
		usleep_range(100, 1000);
	tasklet_kill(&runner->tasklet);
	EXPECT_EQ(t, atomic_read(&runner->wrong_context), 0);
	for (i = 0; i < NR_CONTEXTS; i++) {
		test_diag("CPU %u, %s: %lu steps", runner->nr, context_names[i],
			  runner->holder[i].steps);
		EXPECT(t, runner->holder[i].steps > 0);
		for (slot = 0; slot < SLOTS; slot++)
			if (runner->holder[i].size[slot])
				holder_free(&runner->holder[i], slot);
	}
}

/* --- Cases ---------------------------------------------------------------- */

static unsigned int runners_start(struct test *t, struct arena *arena,
				  struct runner *runners, unsigned int nr)
{
	unsigned int i, started = 0;
	int id = -1;

	for (i = 0; i < nr; i++) {
		id = cpumask_next(id, cpu_online_mask);
		runner_init(&runners[i], arena, id, t->seed + i);
	}
	for (i = 0; i < nr && nr > 1; i++)
		runners[i].peer = &runners[(i + 1) % nr];
	for (i = 0; i < nr; i++)
		started += runner_start(t, &runners[i]);
	return started;
}

static void arena_judge(struct test *t, struct arena *arena)
{
	EXPECT_EQ(t, atomic_read(&arena->twice), 0);
	EXPECT_EQ(t, atomic_read(&arena->outside), 0);
	EXPECT_EQ(t, atomic_read(&arena->errors), 0);
	EXPECT_EQ(t, bitmap_weight(arena->map, PAGES + 1), 0);
	test_diag("%s (%s): refused %d times", t->tcase->name, t->allocator,
		  atomic_read(&arena->refused));
}

static void contexts_run(struct test *t, unsigned int nr, unsigned int rounds)
{
	struct arena arena = {
		.t = t,
		.domain = t->domain,
		.rounds = rounds,
	};
	unsigned int i, started;
	struct runner *runners;

	arena.map = bitmap_zalloc(PAGES + 1, GFP_KERNEL);
	runners = kcalloc(nr, sizeof(*runners), GFP_KERNEL);
	if (!EXPECT(t, arena.map && runners))
		goto free;
	started = runners_start(t, &arena, runners, nr);
	for (i = 0; i < nr; i++)
		if (!IS_ERR_OR_NULL(runners[i].thread))
			wait_for_completion(&runners[i].done);
	for (i = 0; i < nr && started == nr; i++)
		runner_end(t, &runners[i]);
	arena_judge(t, &arena);
free:
	kfree(runners);
	bitmap_free(arena.map);
}

static void one_cpu(struct test *t)
{
	contexts_run(t, 1, t->ops / 40 + 1);
	test_expect_clean(t);
}

static void on_two_cpus(struct test *t, unsigned int rounds)
{
	if (num_online_cpus() < CPUS)
		test_skip(t, "this machine has one CPU");
	else
		contexts_run(t, CPUS, rounds);
}

static void two_cpus(struct test *t)
{
	on_two_cpus(t, t->ops / 40 + 1);
	test_expect_clean(t);
}

/* Slower: with much deferred, the space is full most of the time. */
static void on_two_cpus_with_faults(struct test *t)
{
	test_fault(t, "fail_erase", "1,20,0,-1");
	test_fault(t, "fail_insert", "1,5,0,-1");
	test_fault(t, "fail_magazine", "1,30,0,-1");
	on_two_cpus(t, t->ops / 200 + 1);
	EXPECT(t, t->skip[0] || test_backlog(t).total_deferred > 0);
}

static void two_cpus_with_faults(struct test *t)
{
	on_two_cpus_with_faults(t);
	test_expect_clean(t);
}

/* Everything that can be done to a domain, while it is used. */
static int disturb_fn(void *arg)
{
	struct test *t = arg;
	struct iova_mt_range range;
	unsigned int i = 0;

	while (!kthread_should_stop()) {
		iova_mt_flush(t->domain);
		iova_mt_drain(t->domain);
		iova_mt_find(t->domain, 1 + i++ % PAGES, &range);
		test_backlog(t);
		cond_resched();
	}
	return 0;
}

static void disturbed(struct test *t)
{
	struct task_struct *thread;

	thread = kthread_run(disturb_fn, t, "iova_mt_disturb");
	if (!EXPECT(t, !IS_ERR(thread)))
		return;
	on_two_cpus_with_faults(t);
	/* It may hold what it flushes until then. */
	kthread_stop(thread);
	test_expect_clean(t);
}

static const char use_after_free[] =
	"find of the kernel's own looks at an object that a free takes away";

static const struct test_case cases[] = {
	{ "all contexts of one CPU", one_cpu },
	{ "all contexts of two CPUs", two_cpus },
	{ "all contexts of two CPUs, with faults", two_cpus_with_faults,
	  TEST_NEEDS_BACKLOG },
	{ "and with flushes and drains meanwhile", disturbed,
	  TEST_NEEDS_BACKLOG, use_after_free },
};

const struct test_suite suite_atomic = {
	.name = "atomic",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
