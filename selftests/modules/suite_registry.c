// SPDX-License-Identifier: GPL-2.0
/*
 * Registry: other modules' allocators, and what is refused.
 *
 * The table that is registered here is a copy of a real one, with one thing
 * wrong at a time; it never serves a page of its own.
 */
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "test.h"

#define TOP		0xffffUL

/* A complete table under a name of its own: the maple allocator's functions. */
static struct iova_mt_ops table_of(struct test *t)
{
	struct iova_mt_ops table = *t->domain->ops;

	table.name = "copy";
	table.owner = THIS_MODULE;
	return table;
}

static void registered_and_used(struct test *t)
{
	struct iova_mt_ops table = table_of(t);
	struct iova_mt_domain *domain;
	unsigned long pfn;

	if (!EXPECT_EQ(t, iova_mt_register(&table), 0))
		return;
	domain = iova_mt_domain_create("copy", 4096, 1);
	if (EXPECT(t, !IS_ERR(domain))) {
		EXPECT(t, domain->ops == &table);
		EXPECT_EQ(t, iova_mt_alloc(domain, 4, TOP, 0, &pfn), 0);
		EXPECT_EQ(t, pfn, TOP - 3);
		iova_mt_free(domain, pfn, 4);
		iova_mt_domain_destroy(domain);
	}
	EXPECT_EQ(t, iova_mt_unregister(&table), 0);
	domain = iova_mt_domain_create("copy", 4096, 1);
	EXPECT_EQ(t, PTR_ERR_OR_ZERO(domain), -ENOENT);
}

static void name_taken(struct test *t)
{
	struct iova_mt_ops table = table_of(t), again = table_of(t);

	table.name = "maple";
	EXPECT_EQ(t, iova_mt_register(&table), -EEXIST);
	table.name = "rbtree";
	EXPECT_EQ(t, iova_mt_register(&table), -EEXIST);
	table.name = "copy";
	EXPECT_EQ(t, iova_mt_register(&table), 0);
	EXPECT_EQ(t, iova_mt_register(&again), -EEXIST);
	EXPECT_EQ(t, iova_mt_register(&table), -EEXIST);
	EXPECT_EQ(t, iova_mt_unregister(&again), -ENOENT);
	EXPECT_EQ(t, iova_mt_unregister(&table), 0);
}

static void bad_names(struct test *t)
{
	static const char *const names[] = {
		NULL, "", "Copy", "a copy", "copy!", "copy\n", "k\xc3\xb6pie",
		"a-name-that-is-so-long-that-no-message-and-no-file-name-holds-it-ever",
	};
	struct iova_mt_ops table = table_of(t);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		int ret;

		table.name = names[i];
		ret = iova_mt_register(&table);
		test_expect(t, ret == -EINVAL, "name '%s': %d", names[i], ret);
		if (!ret)
			iova_mt_unregister(&table);
	}
}

/* All are pointers. */
static const struct {
	const char *name;
	size_t offset;
} mandatory[] = {
	{ "create", offsetof(struct iova_mt_ops, create) },
	{ "destroy", offsetof(struct iova_mt_ops, destroy) },
	{ "alloc", offsetof(struct iova_mt_ops, alloc) },
	{ "free", offsetof(struct iova_mt_ops, free) },
	{ "reserve", offsetof(struct iova_mt_ops, reserve) },
	{ "find", offsetof(struct iova_mt_ops, find) },
	{ "counters", offsetof(struct iova_mt_ops, counters) },
	{ "counter_names", offsetof(struct iova_mt_ops, counter_names) },
};

static void missing_functions(struct test *t)
{
	struct iova_mt_ops table;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(mandatory); i++) {
		table = table_of(t);
		memset((char *)&table + mandatory[i].offset, 0, sizeof(void *));
		ret = iova_mt_register(&table);
		test_expect(t, ret == -EINVAL, "without %s: %d",
			    mandatory[i].name, ret);
		if (!ret)
			iova_mt_unregister(&table);
	}
	table = table_of(t);
	EXPECT_EQ(t, iova_mt_register(&table), 0);
	EXPECT_EQ(t, iova_mt_unregister(&table), 0);
}

/* What is not mandatory is not called when it is not there. */
static void optional_functions(struct test *t)
{
	struct iova_mt_ops table = table_of(t);
	struct iova_mt_domain *domain;
	unsigned long pfn;

	table.flush = NULL;
	table.next = NULL;
	table.drain = NULL;
	table.backlog = NULL;
	table.counters = NULL;
	table.counter_names = NULL;
	table.nr_counters = 0;
	if (!EXPECT_EQ(t, iova_mt_register(&table), 0))
		return;
	domain = iova_mt_domain_create("copy", 4096, 1);
	if (EXPECT(t, !IS_ERR(domain))) {
		EXPECT_EQ(t, iova_mt_alloc(domain, 4, TOP,
					   IOVA_MT_ALLOC_FLAGS, &pfn), 0);
		iova_mt_flush(domain);
		EXPECT_EQ(t, iova_mt_drain(domain), 0);
		iova_mt_domain_destroy(domain);
	}
	EXPECT_EQ(t, iova_mt_unregister(&table), 0);
}

static void unregister_while_used(struct test *t)
{
	struct iova_mt_ops table = table_of(t);
	struct iova_mt_domain *one, *two;

	EXPECT_EQ(t, iova_mt_unregister(&table), -ENOENT);
	if (!EXPECT_EQ(t, iova_mt_register(&table), 0))
		return;
	one = iova_mt_domain_create("copy", 4096, 1);
	two = iova_mt_domain_create("copy", 4096, 1);
	EXPECT(t, !IS_ERR(one) && !IS_ERR(two));
	EXPECT_EQ(t, iova_mt_unregister(&table), -EBUSY);
	if (!IS_ERR(one))
		iova_mt_domain_destroy(one);
	EXPECT_EQ(t, iova_mt_unregister(&table), -EBUSY);
	if (!IS_ERR(two))
		iova_mt_domain_destroy(two);
	EXPECT_EQ(t, iova_mt_unregister(&table), 0);
	EXPECT_EQ(t, iova_mt_unregister(&table), -ENOENT);
}

static int create_without_memory(struct iova_mt_domain *domain)
{
	return -ENOMEM;
}

static void domain_that_cannot_be_made(struct test *t)
{
	struct iova_mt_ops table = table_of(t);
	struct iova_mt_domain *domain;

	table.create = create_without_memory;
	if (!EXPECT_EQ(t, iova_mt_register(&table), 0))
		return;
	domain = iova_mt_domain_create("copy", 4096, 1);
	EXPECT_EQ(t, PTR_ERR_OR_ZERO(domain), -ENOMEM);
	/* Not held: it can go. */
	EXPECT_EQ(t, iova_mt_unregister(&table), 0);
}

static void unknown_allocators(struct test *t)
{
	static const char *const names[] = { "nobody", "", "Maple", "maple " };
	struct iova_mt_domain *domain;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		domain = iova_mt_domain_create(names[i], 4096, 1);
		test_expect(t, domain == ERR_PTR(-ENOENT), "'%s': %pe",
			    names[i], domain);
		if (!IS_ERR(domain))
			iova_mt_domain_destroy(domain);
	}
	EXPECT(t, IS_ERR(iova_mt_domain_create(NULL, 4096, 1)));
}

/* A domain keeps the module of its allocator loaded. */
static void domains_hold_the_module(struct test *t)
{
	struct iova_mt_domain *domain, *more;
	int before, with;

	domain = iova_mt_domain_create("list", 4096, 1);
	if (IS_ERR(domain)) {
		test_skip(t, "iova_mt_test_ops.ko is not loaded");
		return;
	}
	before = module_refcount(domain->ops->owner);
	EXPECT(t, domain->ops->owner != THIS_MODULE);
	EXPECT(t, before >= 1);
	more = iova_mt_domain_create("list", 4096, 1);
	with = module_refcount(domain->ops->owner);
	EXPECT_EQ(t, with, before + 1);
	if (!IS_ERR(more))
		iova_mt_domain_destroy(more);
	EXPECT_EQ(t, module_refcount(domain->ops->owner), before);
	EXPECT_EQ(t, iova_mt_unregister(domain->ops), -EBUSY);
	iova_mt_domain_destroy(domain);
}

static const struct test_case cases[] = {
	{ "an allocator of another module is used", registered_and_used },
	{ "a name that is taken: -EEXIST", name_taken },
	{ "a bad name: -EINVAL", bad_names },
	{ "a missing function: -EINVAL", missing_functions },
	{ "functions that are not mandatory", optional_functions },
	{ "unregister while domains use it: -EBUSY", unregister_while_used },
	{ "a domain that cannot be made holds nothing",
	  domain_that_cannot_be_made },
	{ "an unknown allocator: -ENOENT", unknown_allocators },
	{ "a domain holds its allocator's module", domains_hold_the_module },
};

const struct test_suite suite_registry = {
	.name = "registry",
	.cases = cases,
	.nr = ARRAY_SIZE(cases),
};
