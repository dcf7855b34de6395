// SPDX-License-Identifier: GPL-2.0
/*
 * Model check: many random operations, each judged against a bitmap.
 *
 * The space is small enough to be full most of the time. Seeds differ in where
 * it lies: at the bottom, across 4 GiB, far above.
 */
#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/sched.h>

#include <iova_mt/fault.h>

#include "test_model.h"

#define SEEDS		3
/* Operations between two comparisons of everything. */
#define VERIFY_EVERY	2500

/**
 * struct faults - what fails meanwhile
 * @erase: fail_erase, or NULL
 * @insert: fail_insert, or NULL
 * @magazine: fail_magazine, or NULL
 */
struct faults {
	const char *erase;
	const char *insert;
	const char *magazine;
};

/* Where the space of a seed begins, and its pages. */
static const struct {
	unsigned long first;
	unsigned long pages;
} spaces[SEEDS] = {
	{ 1, 32768 },
	{ PFN_32BIT - 8000, 16384 },
	{ 1UL << 36, 4096 },
};

static void faults_on(struct model *model, const struct faults *faults)
{
	if (faults->erase)
		test_fault(model->t, "fail_erase", faults->erase);
	if (faults->insert)
		test_fault(model->t, "fail_insert", faults->insert);
	if (faults->magazine)
		test_fault(model->t, "fail_magazine", faults->magazine);
	model->may_defer = faults->erase;
	model->may_lack_memory = faults->insert;
}

static void ops_run(struct model *model, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr && !model->t->nr_failed; i++) {
		model_op(model);
		if (i % VERIFY_EVERY == 0)
			model_verify(model);
		if (i % 64 == 0)
			cond_resched();
	}
}

static void report(struct model *model, u64 seed)
{
	test_diag("%s, seed %llu: %u allocations, %u refused, %u without memory",
		  model->t->allocator, seed, model->allocs, model->refusals,
		  model->no_memory);
	test_diag("%s, seed %llu: %u not in the highest place, %u refused wrongly",
		  model->t->allocator, seed, model->not_highest,
		  model->wrong_refusals);
}

/* With faults, then without: exact again once all is drained. */
static void seed_run(struct test *t, unsigned int nr,
		     const struct faults *faults, unsigned int ops)
{
	u64 seed = t->seed + nr;
	struct model *model = model_create(t, spaces[nr].first,
					   spaces[nr].pages, seed);

	if (!model)
		return;
	faults_on(model, faults);
	ops_run(model, ops);
	model_verify(model);
	if (faults->erase)
		model_verify_backlog(model);
	model_settle(model);
	model_verify(model);
	ops_run(model, ops / 10);
	model_settle(model);
	model_verify(model);
	EXPECT(t, model->refusals && model->allocs);
	report(model, seed);
	model_destroy(model);
}

static void seeds_run(struct test *t, const struct faults *faults,
		      unsigned int ops)
{
	unsigned int i;

	for (i = 0; i < SEEDS && !t->nr_failed; i++)
		seed_run(t, i, faults, DIV_ROUND_UP(ops, SEEDS));
}

static void no_faults(struct test *t)
{
	seeds_run(t, &(struct faults){}, t->ops);
}

/* One kind of fault, and proof that it happened. */
static void one_fault(struct test *t, const char *point,
		      const struct faults *faults)
{
	struct model *model = model_create(t, spaces[0].first, spaces[0].pages,
					   t->seed);

	if (!model)
		return;
	faults_on(model, faults);
	ops_run(model, t->ops / 10);
	test_diag("%s: %s hit %lld times", t->tcase->name, point,
		  iova_mt_fault_injected(point));
	EXPECT(t, iova_mt_fault_injected(point) > 0);
	model_settle(model);
	model_verify(model);
	model_destroy(model);
	seeds_run(t, faults, DIV_ROUND_UP(t->ops, 5));
}

static void failing_erases(struct test *t)
{
	one_fault(t, "fail_erase", &(struct faults){ .erase = "1,30,0,-1" });
}

static void failing_inserts(struct test *t)
{
	one_fault(t, "fail_insert", &(struct faults){ .insert = "1,10,0,-1" });
}

static void failing_magazines(struct test *t)
{
	one_fault(t, "fail_magazine",
		  &(struct faults){ .magazine = "1,50,0,-1" });
}

static void failing_everything(struct test *t)
{
	static const struct faults faults = {
		.erase = "1,30,0,-1",
		.insert = "1,10,0,-1",
		.magazine = "1,50,0,-1",
	};

	seeds_run(t, &faults, t->ops);
}

static const struct test_case cases[] = {
	{ "every result is as the model says", no_faults },
	{ "and with failing erases", failing_erases, TEST_NEEDS_BACKLOG },
	{ "and with failing inserts", failing_inserts, TEST_NEEDS_MAPLE },
	{ "and with failing magazines", failing_magazines, TEST_NEEDS_MAPLE },
	{ "and with everything failing", failing_everything, TEST_NEEDS_BACKLOG },
};

const struct test_suite suite_model = {
	.name = "model",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
