// SPDX-License-Identifier: GPL-2.0
/*
 * The test module: runs suites as it loads, those of one name.
 *
 * The load succeeds whatever the tests say, so that the results can be read
 * from /sys/kernel/debug/iova_mt_test/ktap; rmmod takes them away. Uses only
 * what iova_mt exports.
 */
#define pr_fmt(fmt) "iova_mt_test: " fmt

#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "test.h"

static char *suite = "";
module_param(suite, charp, 0444);
MODULE_PARM_DESC(suite, "which suite to run: behaviour, model, span, deferral, bounds, pressure, nomem, truth, registry, atomic, sweep, requirements");

static char *allocator = "all";
module_param(allocator, charp, 0444);
MODULE_PARM_DESC(allocator, "an allocator to run it over, or all: those that the suite is meant for (default: all)");

static ulong seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "seed of the random numbers (default: 1)");

static uint ops = 100000;
module_param(ops, uint, 0444);
MODULE_PARM_DESC(ops, "random operations of a model check, at least 1 (default: 100000)");

DEFINE_SPINLOCK(test_atomic);

static const char *const all[] = { "maple", "maple-plain", "rbtree", NULL };
static const char *const maple[] = { "maple", NULL };
static const char *const both[] = { "maple", "maple-plain", NULL };
/* What is about entries of the tree needs ranges that have one each. */
static const char *const plain[] = { "maple-plain", NULL };

/**
 * struct group - suites that are run together
 * @name: what users call it
 * @allocators: what it runs over when nothing else is asked for, NULL ended
 * @parts: the suites, NULL ended
 */
struct group {
	const char *name;
	const char *const *allocators;
	const struct test_suite *parts[9];
};

static const struct group groups[] = {
	{ "behaviour", all,
	  { &suite_placement, &suite_behaviour, &suite_cache } },
	{ "model", all, { &suite_model } },
	{ "span", maple, { &suite_span } },
	{ "deferral", plain,
	  { &suite_deferral, &suite_search, &suite_drain, &suite_reuse,
	    &suite_list, &suite_recovery } },
	{ "bounds", plain, { &suite_bounds } },
	{ "pressure", plain, { &suite_pressure } },
	{ "nomem", plain, { &suite_nomem, &suite_sheaf } },
	{ "truth", both, { &suite_truth, &suite_ends } },
	{ "registry", maple, { &suite_registry } },
	{ "atomic", all, { &suite_atomic } },
	{ "sweep", both, { &suite_sweep } },
	{ "requirements", plain, { &suite_requirements } },
};

static const struct group *group_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		if (!strcmp(groups[i].name, name))
			return &groups[i];
	return NULL;
}

static void complain(const char *name)
{
	char names[128];
	size_t i, len = 0;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		len += scnprintf(names + len, sizeof(names) - len, "%s%s",
				 i ? ", " : "", groups[i].name);
	pr_err("suite '%s' is not valid; valid: %s\n", name, names);
}

/* Can this allocator pass that case at all? Else say why not. */
static bool case_applies(struct test *t)
{
	const struct iova_mt_ops *table = t->domain->ops;
	unsigned int needs = t->tcase->needs;

	if (t->tcase->not_rbtree && test_is_rbtree(t))
		test_skip(t, "%s", t->tcase->not_rbtree);
	else if ((needs & TEST_NEEDS_LIST) && !table->next)
		test_skip(t, "this allocator cannot be listed");
	else if ((needs & TEST_NEEDS_BACKLOG) && !table->backlog)
		test_skip(t, "this allocator never defers");
	else if ((needs & TEST_NEEDS_CACHE) && !table->flush)
		test_skip(t, "this allocator has no caches to flush");
	else if ((needs & TEST_NEEDS_MAPLE) && strncmp(t->allocator, "maple", 5))
		test_skip(t, "about the maple allocator's own counters");
	else if ((needs & TEST_NEEDS_MARKER) && !test_defers_by(t, "marker"))
		test_skip(t, "about deferral by marker");
	else if ((needs & TEST_NEEDS_RECORD) && !test_defers_by(t, "list"))
		test_skip(t, "about deferral by list");
	else if ((needs & TEST_NEEDS_SPANS) && strcmp(t->allocator, "maple"))
		test_skip(t, "this allocator has no spans");
	else if ((needs & TEST_NEEDS_ENTRIES) &&
		 strcmp(t->allocator, "maple-plain"))
		test_skip(t, "about ranges that have an entry each");
	else if ((needs & TEST_NEEDS_RAW) && TEST_ON_RT)
		test_skip(t, TEST_WHY_NOT_RAW);
	return !t->skip[0];
}

static void case_run(struct test *t)
{
	pr_info("%s (%s)\n", t->tcase->name, t->allocator);
	if (test_domain(t, 1) && case_applies(t))
		t->tcase->run(t);
	test_faults_off();
	test_domain_destroy(t);
	cond_resched();
}

/* Return: how many cases there were before and with these. */
static unsigned int suite_run(const struct test_suite *chosen,
			      const char *const *allocators,
			      unsigned int number)
{
	const char *const *name;
	size_t i;

	if (chosen->init)
		chosen->init();
	for (i = 0; i < chosen->nr; i++) {
		for (name = allocators; *name; name++) {
			struct test t = {
				.tcase = &chosen->cases[i],
				.allocator = *name,
				.seed = seed,
				.ops = ops,
			};

			case_run(&t);
			test_result_case(&t, ++number);
		}
	}
	if (chosen->exit)
		chosen->exit();
	return number;
}

static void group_run(const struct group *chosen,
		      const char *const *allocators)
{
	const struct test_suite *const *part;
	const char *const *name;
	unsigned int number = 0;

	for (part = chosen->parts; *part; part++)
		for (name = allocators; *name; name++)
			number += (*part)->nr;
	test_result_plan(number);
	number = 0;
	for (part = chosen->parts; *part; part++)
		number = suite_run(*part, allocators, number);
}

static int __init iova_mt_test_init(void)
{
	const char *const one[] = { allocator, NULL };
	const struct group *chosen = group_find(suite);
	int ret;

	if (!chosen) {
		complain(suite);
		return -EINVAL;
	}
	if (!ops) {
		pr_err("ops '0' is not valid; valid: 1 and more\n");
		return -EINVAL;
	}
	ret = test_result_init();
	if (ret)
		return ret;
	group_run(chosen, strcmp(allocator, "all") ? one : chosen->allocators);
	return 0;
}
module_init(iova_mt_test_init);

static void __exit iova_mt_test_exit(void)
{
	test_result_exit();
}
module_exit(iova_mt_test_exit);

MODULE_DESCRIPTION("Tests of iova_mt");
MODULE_LICENSE("GPL");
/*
 * MODULE_IMPORT_NS() takes a word up to 6.12 and a string since; this is what
 * both make of it.
 */
MODULE_INFO(import_ns, "IOVA_MT");
