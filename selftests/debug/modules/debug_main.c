// SPDX-License-Identifier: GPL-2.0
/*
 * The test module for debug kernels: runs one suite as it loads.
 *
 * Works as iova_mt_test does, and leaves its results in the same place; its
 * suites need what a distribution's kernel does not have.
 */
#define pr_fmt(fmt) "iova_mt_debug: " fmt

#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "debug.h"

static char *suite = "";
module_param(suite, charp, 0444);
MODULE_PARM_DESC(suite, "which suite to run: enomem_nth, enomem_random, threads");

static char *allocator = "maple";
module_param(allocator, charp, 0444);
MODULE_PARM_DESC(allocator, "the allocator to run it over (default: maple)");

static ulong seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "seed of the random numbers (default: 1)");

static uint ops = 20000;
module_param(ops, uint, 0444);
MODULE_PARM_DESC(ops, "random operations, at least 1 (default: 20000)");

static const struct test_suite *const suites[] = {
	&suite_enomem_nth,
	&suite_enomem_random,
	&suite_threads,
};

static const struct test_suite *suite_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(suites); i++)
		if (!strcmp(suites[i]->name, name))
			return suites[i];
	return NULL;
}

static void case_run(const struct test_case *tcase, unsigned int number)
{
	struct test t = {
		.tcase = tcase,
		.allocator = allocator,
		.seed = seed,
		.ops = ops,
	};

	pr_info("%s (%s)\n", tcase->name, allocator);
	if (test_domain(&t, 1))
		tcase->run(&t);
	test_faults_off();
	test_domain_destroy(&t);
	test_result_case(&t, number);
	cond_resched();
}

static int __init iova_mt_debug_init(void)
{
	const struct test_suite *chosen = suite_find(suite);
	unsigned int i;
	int ret;

	if (!chosen || !ops) {
		pr_err("suite '%s', ops %u: not valid; valid: enomem_nth, enomem_random, threads; 1 and more\n",
		       suite, ops);
		return -EINVAL;
	}
	ret = test_result_init();
	if (ret)
		return ret;
	test_result_plan(chosen->nr);
	for (i = 0; i < chosen->nr; i++)
		case_run(&chosen->cases[i], i + 1);
	return 0;
}
module_init(iova_mt_debug_init);

static void __exit iova_mt_debug_exit(void)
{
	test_result_exit();
}
module_exit(iova_mt_debug_exit);

MODULE_DESCRIPTION("Tests of iova_mt that need a debug kernel");
MODULE_LICENSE("GPL");
MODULE_INFO(import_ns, "IOVA_MT");
