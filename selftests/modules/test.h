/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A small test harness for the kernel, KTAP out. Debian's kernels are built
 * without KUnit.
 *
 * A suite is a table of cases. A case runs once for each allocator it is asked
 * for, in process context, and gets its domain from test_domain(), which the
 * harness destroys after it. A failed expectation does not end a case: the case
 * returns where going on makes no sense.
 */
#ifndef _IOVA_MT_TEST_H
#define _IOVA_MT_TEST_H

#include <linux/kconfig.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include <iova_mt/iova_mt.h>
#include <iova_mt/ops.h>

#include "test_rng.h"

/* Hang detector for everything that waits. */
#define TEST_TIMEOUT_MS		30000

/* 32 bits of address in pages of 4 KiB. */
#define PFN_32BIT		((1UL << 20) - 1)
/* 52 bits of pfn: all that a 64-bit address can hold. */
#define PFN_64BIT		((1UL << 52) - 1)

/* For test_fault(). */
#define TEST_ALWAYS		"1,100,0,-1"
#define TEST_NEVER		"1,0,0,-1"

/**
 * struct test - one case on one allocator
 * @tcase: the case
 * @allocator: the allocator's name
 * @domain: what test_domain() made
 * @seed: what to draw random numbers from
 * @ops: how many random operations
 * @nr_failed: expectations that failed
 * @skip: why the case does not apply, empty when it does
 */
struct test {
	const struct test_case *tcase;
	const char *allocator;
	struct iova_mt_domain *domain;
	u64 seed;
	unsigned int ops;
	unsigned int nr_failed;
	char skip[128];
};

/* What an allocator needs to have for a case to apply. */
#define TEST_NEEDS_LIST		BIT(0)	/* ops->next */
#define TEST_NEEDS_BACKLOG	BIT(1)	/* ops->backlog: it defers */
#define TEST_NEEDS_CACHE	BIT(2)	/* ops->flush: it caches */
#define TEST_NEEDS_MAPLE	BIT(3)	/* counters of the maple allocator */
#define TEST_NEEDS_MARKER	BIT(4)	/* deferral by marker */
#define TEST_NEEDS_RECORD	BIT(5)	/* deferral by list */
#define TEST_NEEDS_SPANS	BIT(6)	/* small ranges share an entry */
#define TEST_NEEDS_ENTRIES	BIT(7)	/* and the opposite: each has one */
#define TEST_NEEDS_RAW		BIT(8)	/* calls in hardirq, or with interrupts off */

/* There, neither is promised: see Contexts in <iova_mt/iova_mt.h>. */
#define TEST_ON_RT		IS_ENABLED(CONFIG_PREEMPT_RT)
#define TEST_WHY_NOT_RAW \
	"on PREEMPT_RT a spinlock_t sleeps: no calls from raw atomic contexts"

/*
 * Taken irqsave around calls that are to be as atomic as they may be: with
 * interrupts off, on PREEMPT_RT with a spinlock held.
 */
extern spinlock_t test_atomic;

/**
 * struct test_case - one test
 * @name: what holds when it passes
 * @run: the test
 * @needs: TEST_NEEDS_*
 * @not_rbtree: why it does not apply to the kernel's own allocator, or NULL
 */
struct test_case {
	const char *name;
	void (*run)(struct test *t);
	unsigned int needs;
	const char *not_rbtree;
};

/**
 * struct test_suite - a table of tests
 * @name: what it is about
 * @cases: the tests
 * @nr: how many
 * @init: called before them, or NULL
 * @exit: called after them, or NULL
 */
struct test_suite {
	const char *name;
	const struct test_case *cases;
	size_t nr;
	void (*init)(void);
	void (*exit)(void);
};

extern const struct test_suite suite_placement;
extern const struct test_suite suite_behaviour;
extern const struct test_suite suite_cache;
extern const struct test_suite suite_model;
extern const struct test_suite suite_span;
extern const struct test_suite suite_deferral;
extern const struct test_suite suite_search;
extern const struct test_suite suite_drain;
extern const struct test_suite suite_reuse;
extern const struct test_suite suite_list;
extern const struct test_suite suite_recovery;
extern const struct test_suite suite_bounds;
extern const struct test_suite suite_pressure;
extern const struct test_suite suite_nomem;
extern const struct test_suite suite_sheaf;
extern const struct test_suite suite_truth;
extern const struct test_suite suite_ends;
extern const struct test_suite suite_registry;
extern const struct test_suite suite_atomic;
extern const struct test_suite suite_sweep;
extern const struct test_suite suite_requirements;

/* --- Results -------------------------------------------------------------- */

int test_result_init(void);
void test_result_exit(void);
void test_result_plan(unsigned int nr);
void test_result_case(const struct test *t, unsigned int number);

__printf(1, 2) void test_diag(const char *fmt, ...);
__printf(2, 3) void test_skip(struct test *t, const char *fmt, ...);
__printf(3, 4) bool test_expect(struct test *t, bool ok, const char *fmt, ...);
bool test_expect_eq(struct test *t, const char *func, int line,
		    const char *what, s64 value, s64 expected);

/* true when @_cond holds; else the case has failed */
#define EXPECT(_t, _cond) \
	test_expect(_t, _cond, "%s:%d: expected %s", __func__, __LINE__, #_cond)
/* true when both are the same number; else the case has failed */
#define EXPECT_EQ(_t, _value, _expected) \
	test_expect_eq(_t, __func__, __LINE__, #_value, _value, _expected)

/* --- Domains -------------------------------------------------------------- */

struct iova_mt_domain *test_domain(struct test *t, unsigned long start_pfn);
void test_domain_destroy(struct test *t);

bool test_alloc(struct test *t, unsigned long size, unsigned long limit,
		unsigned int flags, unsigned long *pfn);
int test_try(struct test *t, unsigned long size, unsigned long limit,
	     unsigned int flags);
int test_fill(struct test *t, unsigned long size, unsigned long limit,
	      unsigned int flags, unsigned long *pfns, unsigned int max);
bool test_take(struct test *t, unsigned int nr, unsigned long size,
	       unsigned long limit);
bool test_is_taken(struct test *t, unsigned long pfn);
bool test_is_exact(const struct test *t);
bool test_is_highest(const struct test *t);
unsigned int test_cache_order(const struct test *t);
bool test_is_rbtree(const struct test *t);
bool test_defers_by(const struct test *t, const char *deferral);

u64 test_counter(struct test *t, const char *name);
struct iova_mt_backlog test_backlog(struct test *t);
bool test_backlog_wait_empty(struct test *t);
u64 test_listing_hash(struct test *t, unsigned int *nr);
void test_expect_clean(struct test *t);

bool test_reserve_spend(struct test *t);
bool test_fault(struct test *t, const char *point, const char *arg);
void test_faults_off(void);

unsigned int test_log_count(const char *text);

#endif /* _IOVA_MT_TEST_H */
