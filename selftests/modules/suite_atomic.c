// SPDX-License-Identifier: GPL-2.0
/*
 * Atomic contexts: one domain used from hardirq, softirq, tasks with interrupts
 * or bottom halves off and plain tasks, on two CPUs at once. What is promised is
 * in <iova_mt/iova_mt.h>, under Contexts; on PREEMPT_RT that is less.
 *
 * The users interrupt each other, and mark their pages in a map that all share. A
 * lock that lets them do so in its middle hangs the machine when they meet there,
 * which is a matter of luck: the nomem suite looks at that for certain.
 */
#include <linux/bits.h>
#include <linux/bottom_half.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>

#include <iova_mt/fault.h>

#include "test_arena.h"

#define CPUS		2

enum context { TASK, LOCKED, BH_OFF, SOFTIRQ, IRQS_OFF, HARDIRQ, NR_CONTEXTS };

static const char *const context_names[NR_CONTEXTS] = {
	"task", "spinlock held", "bottom halves off", "softirq",
	"interrupts off", "hardirq",
};

#define RAW_CONTEXTS	(BIT(IRQS_OFF) | BIT(HARDIRQ))
#define ALL_CONTEXTS	((BIT(NR_CONTEXTS) - 1) & ~(TEST_ON_RT ? RAW_CONTEXTS : 0))

/**
 * struct runner - the users of one CPU
 * @rounds: how many it does
 * @contexts: in which of them, a bit each
 * @holder: one a context; each is used by one at a time
 * @work: runs the one in hardirq
 * @call: so does this, when the peer asks for it
 * @calls: of those, asked for and not done
 * @tasklet: runs the one in softirq
 * @peer: the other CPU, which this one interrupts, or NULL
 * @nr: its number
 * @lock: that is held in one of the contexts
 * @wrong_context: steps that were not where they should be
 * @left_other: steps that left interrupts or preemption other than they were
 * @thread: the task
 * @done: it has ended
 */
struct runner {
	unsigned int rounds;
	unsigned int contexts;
	struct holder holder[NR_CONTEXTS];
	struct irq_work work;
	call_single_data_t call;
	atomic_t calls;
	struct tasklet_struct tasklet;
	struct runner *peer;
	unsigned int nr;
	spinlock_t lock; /* nothing: to hold it is all */
	atomic_t wrong_context;
	atomic_t left_other;
	struct task_struct *thread;
	struct completion done;
};

/* --- Contexts ------------------------------------------------------------- */

static bool runs_in(const struct runner *runner, enum context context)
{
	return runner->contexts & BIT(context);
}

static void in_context(struct runner *runner, enum context context, bool right)
{
	bool were_off = irqs_disabled();
	int count = preempt_count();

	if (!right)
		atomic_inc(&runner->wrong_context);
	holder_steps(&runner->holder[context]);
	if (irqs_disabled() == were_off && preempt_count() == count)
		return;
	atomic_inc(&runner->left_other);
	/* So that the machine lives to tell. */
	if (irqs_disabled() && !were_off)
		local_irq_enable();
}

static void work_fn(struct irq_work *work)
{
	in_context(container_of(work, struct runner, work), HARDIRQ,
		   in_hardirq() && irqs_disabled());
}

/*
 * The same from another CPU. An idle CPU looks for calls before it sleeps, so
 * that this is not always in an interrupt. On PREEMPT_RT it always would be, and
 * in one where a spinlock may not be taken, so there it is not done; lockdep, which
 * may look for such places on other kernels, is told that this is like the work
 * above.
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

/* Own work comes when interrupts come on again. */
static void with_irqs_off(struct runner *runner)
{
	unsigned long flags;

	local_irq_save(flags);
	in_context(runner, IRQS_OFF, irqs_disabled());
	if (runs_in(runner, HARDIRQ))
		irq_work_queue(&runner->work);
	in_context(runner, IRQS_OFF, irqs_disabled());
	local_irq_restore(flags);
}

static void with_bh_off(struct runner *runner)
{
	local_bh_disable();
	in_context(runner, BH_OFF, in_softirq());
	local_bh_enable();
}

static void with_lock_held(struct runner *runner)
{
	unsigned long flags;

	spin_lock_irqsave(&runner->lock, flags);
	in_context(runner, LOCKED, irqs_disabled() != TEST_ON_RT);
	spin_unlock_irqrestore(&runner->lock, flags);
}

/*
 * Work of the peer interrupts it wherever it is. What is queued already is not
 * queued twice, so that a user is never in two places.
 */
static void round_run(struct runner *runner)
{
	if (runs_in(runner, HARDIRQ))
		irq_work_queue(&runner->work);
	in_context(runner, TASK, in_task());
	if (runs_in(runner, HARDIRQ) && runner->peer)
		ask_peer(runner->peer);
	if (runs_in(runner, SOFTIRQ))
		tasklet_schedule(&runner->tasklet);
	if (runs_in(runner, IRQS_OFF))
		with_irqs_off(runner);
	if (runs_in(runner, BH_OFF))
		with_bh_off(runner);
	if (runs_in(runner, LOCKED))
		with_lock_held(runner);
	in_context(runner, TASK, in_task());
}

static int thread_fn(void *arg)
{
	struct runner *runner = arg;
	unsigned int i;

	for (i = 0; i < runner->rounds; i++) {
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
	spin_lock_init(&runner->lock);
	init_completion(&runner->done);
	for (i = 0; i < NR_CONTEXTS; i++)
		holder_init(&runner->holder[i], arena, seed * 16 + i);
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
	unsigned int i;

	irq_work_sync(&runner->work);
	/* The peer has ended, but what it asked for may still be on its way. */
	while (atomic_read(&runner->calls))
		usleep_range(100, 1000);
	tasklet_kill(&runner->tasklet);
	EXPECT_EQ(t, atomic_read(&runner->wrong_context), 0);
	EXPECT_EQ(t, atomic_read(&runner->left_other), 0);
	for (i = 0; i < NR_CONTEXTS; i++) {
		if (!runs_in(runner, i))
			continue;
		test_diag("CPU %u, %s: %lu steps", runner->nr, context_names[i],
			  runner->holder[i].steps);
		EXPECT(t, runner->holder[i].steps > 0);
		holder_free_all(&runner->holder[i]);
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

static void contexts_run(struct test *t, unsigned int contexts, unsigned int nr,
			 unsigned int rounds)
{
	unsigned int i, started;
	struct runner *runners;
	struct arena arena;

	runners = kcalloc(nr, sizeof(*runners), GFP_KERNEL);
	if (!EXPECT(t, arena_init(&arena, t) && runners))
		goto free;
	for (i = 0; i < nr; i++) {
		runners[i].rounds = rounds;
		runners[i].contexts = contexts;
	}
	started = runners_start(t, &arena, runners, nr);
	for (i = 0; i < nr; i++)
		if (!IS_ERR_OR_NULL(runners[i].thread))
			wait_for_completion(&runners[i].done);
	for (i = 0; i < nr && started == nr; i++)
		runner_end(t, &runners[i]);
	arena_judge(&arena);
free:
	kfree(runners);
	arena_exit(&arena);
}

static void one_cpu(struct test *t)
{
	contexts_run(t, ALL_CONTEXTS, 1, t->ops / 40 + 1);
	test_expect_clean(t);
}

/* A context alone, but for the task in which it is begun. */
static void alone(struct test *t, enum context context)
{
	contexts_run(t, BIT(TASK) | BIT(context), 1, t->ops / 400 + 1);
	test_expect_clean(t);
}

static void hardirq_alone(struct test *t)
{
	alone(t, HARDIRQ);
}

static void irqs_off_alone(struct test *t)
{
	alone(t, IRQS_OFF);
}

static void softirq_alone(struct test *t)
{
	alone(t, SOFTIRQ);
}

static void bh_off_alone(struct test *t)
{
	alone(t, BH_OFF);
}

static void locked_alone(struct test *t)
{
	alone(t, LOCKED);
}

static void on_two_cpus(struct test *t, unsigned int rounds)
{
	if (num_online_cpus() < CPUS)
		test_skip(t, "this machine has one CPU");
	else
		contexts_run(t, ALL_CONTEXTS, CPUS, rounds);
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
		iova_mt_find(t->domain, 1 + i++ % ARENA_PAGES, &range);
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
	{ "N10: calls in hardirq", hardirq_alone, TEST_NEEDS_RAW },
	{ "N10: calls with interrupts off", irqs_off_alone, TEST_NEEDS_RAW },
	{ "N10: calls in softirq", softirq_alone },
	{ "N10: calls with bottom halves off", bh_off_alone },
	{ "N10: calls with a spinlock held", locked_alone },
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
