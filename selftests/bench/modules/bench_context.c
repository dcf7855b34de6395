// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts: running something as a task, in a softirq or in a hardirq, and on
 * several CPUs at once.
 *
 * A softirq is a tasklet here, a hardirq an irq_work. User-Mode Linux has no
 * interrupt for the latter and runs it at the next tick.
 *
 * Locks: none.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "bench_context.h"

/**
 * struct errand - something that runs elsewhere
 * @fn: what
 * @arg: for @fn
 * @tasklet: brings it to a softirq
 * @work: brings it to a hardirq
 * @done: it has run
 */
struct errand {
	void (*fn)(void *arg);
	void *arg;
	struct tasklet_struct tasklet;
	struct irq_work work;
	struct completion done;
};

static void tasklet_fn(struct tasklet_struct *tasklet)
{
	struct errand *errand = from_tasklet(errand, tasklet, tasklet);

	errand->fn(errand->arg);
	complete(&errand->done);
}

static void work_fn(struct irq_work *work)
{
	struct errand *errand = container_of(work, struct errand, work);

	errand->fn(errand->arg);
	complete(&errand->done);
}

/**
 * bench_context_run() - run something in a context, on this CPU
 * @context: which
 * @fn: what
 * @arg: for @fn
 *
 * Context: Process, bound to a CPU; sleeps until it is done.
 */
void bench_context_run(enum bench_context context, void (*fn)(void *arg),
		       void *arg)
{
	struct errand errand = { .fn = fn, .arg = arg };

	init_completion(&errand.done);
	switch (context) {
	case BENCH_TASK:
		fn(arg);
		return;
	case BENCH_SOFTIRQ:
		tasklet_setup(&errand.tasklet, tasklet_fn);
		tasklet_schedule(&errand.tasklet);
		wait_for_completion(&errand.done);
		tasklet_kill(&errand.tasklet);
		return;
	case BENCH_HARDIRQ:
		errand.work = IRQ_WORK_INIT(work_fn);
		irq_work_queue(&errand.work);
		wait_for_completion(&errand.done);
		irq_work_sync(&errand.work);
		return;
	}
}

/**
 * struct runner - a thread on a CPU of its own
 * @fn: what it runs; NULL when not all threads could be made
 * @arg: for @fn
 * @go: all are there
 * @task: the thread
 * @done: it has ended
 */
struct runner {
	void (*fn)(void *arg);
	void *arg;
	struct completion *go;
	struct task_struct *task;
	struct completion done;
};

static int runner_fn(void *arg)
{
	struct runner *runner = arg;

	wait_for_completion(runner->go);
	if (runner->fn)
		runner->fn(runner->arg);
	complete(&runner->done);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int runners_start(struct runner *runners, unsigned int nr,
			 struct completion *go)
{
	unsigned int i;
	int cpu = -1;

	for (i = 0; i < nr; i++) {
		struct runner *runner = &runners[i];

		runner->go = go;
		init_completion(&runner->done);
		cpu = cpumask_next(cpu, cpu_online_mask);
		runner->task = kthread_create(runner_fn, runner,
					      "iova_mt_bench/%d", cpu);
		if (IS_ERR(runner->task))
			return PTR_ERR(runner->task);
		get_task_struct(runner->task);
		kthread_bind(runner->task, cpu);
		wake_up_process(runner->task);
	}
	return 0;
}

/**
 * bench_context_threads() - run something on several CPUs at once
 * @fn: what
 * @args: for @fn, one a thread
 * @nr: how many threads, at most as many as there are CPUs
 *
 * Context: Process; sleeps until all are done.
 * Return: 0, or why a thread could not be made; then none has run.
 */
int bench_context_threads(void (*fn)(void *arg), void **args, unsigned int nr)
{
	struct completion go;
	struct runner *runners;
	unsigned int i;
	int ret;

	runners = kcalloc(nr, sizeof(*runners), GFP_KERNEL);
	if (!runners)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		runners[i].fn = fn;
		runners[i].arg = args[i];
	}
	init_completion(&go);
	ret = runners_start(runners, nr, &go);
	for (i = 0; i < nr && ret; i++)
		runners[i].fn = NULL;
	complete_all(&go);
	for (i = 0; i < nr && !IS_ERR_OR_NULL(runners[i].task); i++) {
		wait_for_completion(&runners[i].done);
		kthread_stop(runners[i].task);
		put_task_struct(runners[i].task);
	}
	kfree(runners);
	return ret;
}
