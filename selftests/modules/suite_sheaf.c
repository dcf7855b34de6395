// SPDX-License-Identifier: GPL-2.0
/*
 * Requests for nodes in interrupts: what they may not do where slab hands out
 * sheaves.
 */
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include "test.h"
#include "test_gate.h"

#define TOP		0xffffUL

#define NR_RANGES	600
#define JOBS		150
#define JOB_OPS		20

/**
 * struct job - allocations and frees in hardirq
 * @work: runs it
 * @domain: of the case
 * @rng: what it draws from
 * @pfn: what it has, 0 for nothing
 * @asked: requests for nodes
 * @several: those for several nodes
 * @locks: calls that interrupts must not make
 * @allocs: allocations
 * @no_memory: those without memory
 * @errors: other errors
 */
struct job {
	struct irq_work work;
	struct iova_mt_domain *domain;
	struct test_rng rng;
	unsigned long pfn[NR_RANGES];
	unsigned int asked;
	unsigned int several;
	unsigned int locks;
	unsigned int allocs;
	unsigned int no_memory;
	unsigned int errors;
};

static void job_op(struct job *job)
{
	unsigned long *pfn = &job->pfn[test_rng_below(&job->rng, NR_RANGES)];
	int ret;

	if (*pfn) {
		iova_mt_free(job->domain, *pfn, 0);
		*pfn = 0;
		return;
	}
	job->allocs++;
	ret = iova_mt_alloc(job->domain, 1 + test_rng_below(&job->rng, 8), TOP,
			    test_rng_below(&job->rng, 2), pfn);
	if (ret)
		*pfn = 0;
	job->no_memory += ret == -ENOMEM;
	job->errors += ret && ret != -ENOMEM;
}

static void job_fn(struct irq_work *work)
{
	struct job *job = container_of(work, struct job, work);
	unsigned int i;

	gate_close(GATE_COUNT);
	for (i = 0; i < JOB_OPS; i++)
		job_op(job);
	gate_open();
	job->asked += gate.asked;
	job->several += gate.several;
	job->locks += gate.locks;
}

static void jobs_run(struct test *t, struct job *job)
{
	unsigned int i;

	job->work = IRQ_WORK_INIT(job_fn);
	job->domain = t->domain;
	test_rng_init(&job->rng, t->seed);
	for (i = 0; i < JOBS; i++) {
		irq_work_queue(&job->work);
		irq_work_sync(&job->work);
		/* What is kept ready for interrupts may be filled up here. */
		usleep_range(1000, 2000);
	}
	test_diag("in hardirq: %u requests for nodes, %u for several",
		  job->asked, job->several);
	test_diag("in hardirq: %u of %u allocations without memory",
		  job->no_memory, job->allocs);
	EXPECT_EQ(t, job->errors, 0);
	EXPECT_EQ(t, test_counter(t, "swap_failed"), 0);
	for (i = 0; i < NR_RANGES; i++)
		if (job->pfn[i])
			iova_mt_free(t->domain, job->pfn[i], 0);
	test_expect_clean(t);
}

/*
 * The slab allocator takes sheaves from the CPU, and puts them back, with
 * interrupts on: in an interrupt either can find the interrupted task in the
 * middle of it. Where there are no sheaves, it turns interrupts off.
 */
static void no_sheaves_in_interrupts(struct test *t)
{
	struct job *job;

	if (!gate_is_there(t))
		return;
	job = kvzalloc(sizeof(*job), GFP_KERNEL);
	if (!EXPECT(t, job))
		return;
	jobs_run(t, job);
	EXPECT_EQ(t, job->locks, 0);
	EXPECT(t, gate_has_sheaves() || job->several > 0);
	/* That must not cost allocations. */
	EXPECT_EQ(t, job->no_memory, 0);
	kvfree(job);
}

/*
 * Looked at as the module is loaded: else it keeps its hands off the spare nodes in
 * interrupts, and says so.
 */
static void reserve_is_no_sheaf_of_a_cpu(struct test *t)
{
	EXPECT_EQ(t, test_log_count("no larger than a CPU's sheaf"), 0);
}

static const struct test_case cases[] = {
	{ "interrupts neither take nor return a CPU's sheaf",
	  no_sheaves_in_interrupts, TEST_NEEDS_MAPLE | TEST_NEEDS_RAW },
	{ "the spare nodes are more than a CPU's sheaf",
	  reserve_is_no_sheaf_of_a_cpu, TEST_NEEDS_MAPLE },
};

const struct test_suite suite_sheaf = {
	.name = "sheaf",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
	.init = gate_init,
	.exit = gate_exit,
};
