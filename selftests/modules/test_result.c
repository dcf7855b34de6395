// SPDX-License-Identifier: GPL-2.0
/*
 * Results: KTAP lines in /sys/kernel/debug/iova_mt_test/ktap.
 *
 * Collected in memory while the module loads, read afterwards. What fails goes
 * to the log as well, and so does the name of each case as it begins, so that
 * a crash tells where. The lines have a spinlock: threads of a test report.
 */
#define pr_fmt(fmt) "iova_mt_test: " fmt

#include <linux/debugfs.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "test.h"

/* Failed expectations that are printed, a case. */
#define MAX_MESSAGES	12

struct line {
	struct list_head link;
	char text[];
};

static LIST_HEAD(lines);
static DEFINE_SPINLOCK(lines_lock);
static struct dentry *dir;

static void line_add(const char *text)
{
	size_t size = strlen(text) + 1;
	struct line *line = kmalloc(sizeof(*line) + size, GFP_ATOMIC);
	unsigned long flags;

	if (!line) {
		pr_err("no memory for: %s\n", text);
		return;
	}
	memcpy(line->text, text, size);
	spin_lock_irqsave(&lines_lock, flags);
	list_add_tail(&line->link, &lines);
	spin_unlock_irqrestore(&lines_lock, flags);
}

/* Complete when the module has loaded, so no lock is needed to read. */
static int ktap_show(struct seq_file *m, void *unused)
{
	const struct line *line;

	list_for_each_entry(line, &lines, link)
		seq_printf(m, "%s\n", line->text);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(ktap);

int test_result_init(void)
{
	dir = debugfs_create_dir("iova_mt_test", NULL);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	debugfs_create_file("ktap", 0444, dir, NULL, &ktap_fops);
	return 0;
}

void test_result_exit(void)
{
	struct line *line, *next;

	debugfs_remove(dir);
	list_for_each_entry_safe(line, next, &lines, link)
		kfree(line);
}

void test_result_plan(unsigned int nr)
{
	char text[32];

	line_add("KTAP version 1");
	snprintf(text, sizeof(text), "1..%u", nr);
	line_add(text);
}

void test_result_case(const struct test *t, unsigned int number)
{
	char text[384];

	snprintf(text, sizeof(text), "%sok %u %s (%s)%s%s",
		 t->nr_failed ? "not " : "", number, t->tcase->name, t->allocator,
		 !t->nr_failed && t->skip[0] ? " # SKIP " : "",
		 t->nr_failed ? "" : t->skip);
	line_add(text);
	if (t->nr_failed)
		pr_err("%s\n", text);
}

static void diag(const char *text)
{
	char line[320];

	snprintf(line, sizeof(line), "# %s", text);
	line_add(line);
}

/* A line of information, which decides nothing. */
void test_diag(const char *fmt, ...)
{
	char text[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	diag(text);
}

/* The case does not apply. What failed before still counts. */
void test_skip(struct test *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->skip, sizeof(t->skip), fmt, args);
	va_end(args);
}

static void fail(struct test *t, const char *text)
{
	if (t->nr_failed++ >= MAX_MESSAGES)
		return;
	diag(text);
	pr_err("%s (%s): %s\n", t->tcase->name, t->allocator, text);
}

bool test_expect(struct test *t, bool ok, const char *fmt, ...)
{
	char text[300];
	va_list args;

	if (ok)
		return true;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fail(t, text);
	return false;
}

bool test_expect_eq(struct test *t, const char *func, int line,
		    const char *what, s64 value, s64 expected)
{
	return test_expect(t, value == expected,
			   "%s:%d: %s is %lld, expected %lld", func, line, what,
			   value, expected);
}
