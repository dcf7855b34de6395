// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests: a line of name=value words, and what is valid in it.
 *
 *	workload=	which one; see bench_workload.c
 *	label=		what its rows are called (the workload's name)
 *	contestants=	names with commas between; see bench_contestant.c
 *			(rb,rbf,maple,maple+cache)
 *	n=		live ranges of all threads together (the workload's)
 *	units=		timed units of each thread (the workload's)
 *	warm=		units before those that are timed (0)
 *	sizes=		pages of a range, one number or two with - between
 *			(the workload's)
 *	limit=		highest pfn (the workload's)
 *	aligned=	0 or 1: natural alignment (the workload's)
 *	flush=		0 or 1: caches are emptied before a refusal (1)
 *	threads=	each on a CPU of its own (1)
 *	context=	task, softirq, hardirq (task)
 *	batch=		units between two looks at the clock (64)
 *	verify=		0 or 1: check every answer; times are of no use then (0)
 *	seed=		of the traces (1)
 *	cap_ms=		time limit of a contestant (3000)
 *	repeat=		how often all contestants play (1)
 *
 * Locks: none.
 */
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "bench_request.h"
#include "bench_text.h"
#include "bench_workload.h"

#define SIZE_LIMIT	BIT(20)
#define RANGES_MAX	(8UL << 20)
#define UNITS_MAX	(64UL << 20)

/* 48 bits of address, in pages of 4 KiB. */
#define LIMIT_48BIT	(BIT(36) - 1)

static int parse_number(const char *name, const char *value, unsigned long min,
			unsigned long max, unsigned long *result)
{
	unsigned long number;

	if (kstrtoul(value, 0, &number) || number < min || number > max) {
		bench_complain("%s '%s' is not valid; valid: %lu to %lu", name,
			       value, min, max);
		return -EINVAL;
	}
	*result = number;
	return 0;
}

static int parse_workload(struct bench_request *request, const char *value)
{
	char names[256];

	request->workload = bench_workload_find(value);
	if (request->workload)
		return 0;
	bench_workload_names(names, sizeof(names));
	bench_complain("workload '%s' is not valid; valid: %s", value, names);
	return -EINVAL;
}

static int parse_context(struct bench_request *request, const char *value)
{
	static const char *const names[] = { "task", "softirq", "hardirq" };
	int i = match_string(names, ARRAY_SIZE(names), value);

	if (i < 0) {
		bench_complain("context '%s' is not valid; valid: task, softirq, hardirq",
			       value);
		return -EINVAL;
	}
	request->context = i;
	return 0;
}

static int parse_label(struct bench_request *request, const char *value)
{
	if (!*value || strpbrk(value, "\t ") ||
	    strscpy(request->label, value, sizeof(request->label)) < 0) {
		bench_complain("label '%s' is not valid; valid: up to %d characters",
			       value, BENCH_LABEL_MAX - 1);
		return -EINVAL;
	}
	return 0;
}

static int parse_contestants(struct bench_request *request, char *value)
{
	char *name;

	request->nr_contestants = 0;
	while ((name = strsep(&value, ","))) {
		if (request->nr_contestants == BENCH_CONTESTANTS_MAX) {
			bench_complain("contestants: at most %d", BENCH_CONTESTANTS_MAX);
			return -EINVAL;
		}
		if (!*name ||
		    strscpy(request->contestants[request->nr_contestants++],
			    name, BENCH_LABEL_MAX) < 0) {
			bench_complain("contestant '%s' is not valid", name);
			return -EINVAL;
		}
	}
	return 0;
}

static int parse_sizes(struct bench_request *request, char *value)
{
	char *max = value, *min = strsep(&max, "-");
	int ret;

	ret = parse_number("sizes", min, 1, SIZE_LIMIT, &request->size_min);
	request->size_max = request->size_min;
	if (!ret && max)
		ret = parse_number("sizes", max, request->size_min, SIZE_LIMIT,
				   &request->size_max);
	return ret;
}

/**
 * struct word - a name whose value is a number
 * @name: the name
 * @min: least value
 * @max: highest value
 * @value: gets it
 */
struct word {
	const char *name;
	unsigned long min;
	unsigned long max;
	unsigned long value;
};

enum {
	WORD_N, WORD_UNITS, WORD_WARM, WORD_LIMIT, WORD_ALIGNED, WORD_FLUSH,
	WORD_THREADS, WORD_BATCH, WORD_VERIFY, WORD_SEED, WORD_CAP_MS,
	WORD_REPEAT, NR_WORDS
};

/* What is not given stays what it is here; 0 for what the workload has. */
static const struct word words_default[NR_WORDS] = {
	[WORD_N]	= { "n", 1, RANGES_MAX, 0 },
	[WORD_UNITS]	= { "units", 1, UNITS_MAX, 0 },
	[WORD_WARM]	= { "warm", 0, UNITS_MAX, 0 },
	[WORD_LIMIT]	= { "limit", 1, BIT(52) - 1, 0 },
	[WORD_ALIGNED]	= { "aligned", 0, 1, ULONG_MAX },
	[WORD_FLUSH]	= { "flush", 0, 1, 1 },
	[WORD_THREADS]	= { "threads", 1, BENCH_THREADS_MAX, 1 },
	[WORD_BATCH]	= { "batch", 1, 65536, 64 },
	[WORD_VERIFY]	= { "verify", 0, 1, 0 },
	[WORD_SEED]	= { "seed", 0, U32_MAX, 1 },
	[WORD_CAP_MS]	= { "cap_ms", 1, 600000, 3000 },
	[WORD_REPEAT]	= { "repeat", 1, 100, 1 },
};

static void complain_of_name(const char *name)
{
	char names[256] = "workload, label, contestants, sizes, context";
	size_t used = strlen(names);
	unsigned int i;

	for (i = 0; i < NR_WORDS; i++)
		used += scnprintf(names + used, sizeof(names) - used, ", %s",
				  words_default[i].name);
	bench_complain("'%s' is not valid; valid: %s", name, names);
}

static int parse_word(struct bench_request *request, struct word *words,
		      char *text)
{
	char *value = text, *name = strsep(&value, "=");
	unsigned int i;

	if (!value)
		value = name + strlen(name);
	if (!strcmp(name, "workload"))
		return parse_workload(request, value);
	if (!strcmp(name, "context"))
		return parse_context(request, value);
	if (!strcmp(name, "label"))
		return parse_label(request, value);
	if (!strcmp(name, "contestants"))
		return parse_contestants(request, value);
	if (!strcmp(name, "sizes"))
		return parse_sizes(request, value);
	for (i = 0; i < NR_WORDS; i++)
		if (!strcmp(name, words[i].name))
			return parse_number(name, value, words[i].min,
					    words[i].max, &words[i].value);
	complain_of_name(name);
	return -EINVAL;
}

/* What was not said, from the workload. */
static void complete_request(struct bench_request *request,
			     const struct word *words)
{
	const struct bench_workload *workload = request->workload;

	request->n = words[WORD_N].value ?: workload->n;
	request->units = words[WORD_UNITS].value ?: workload->units;
	request->warm = words[WORD_WARM].value;
	request->aligned = words[WORD_ALIGNED].value == ULONG_MAX ?
			   !workload->unaligned : words[WORD_ALIGNED].value;
	request->flush = words[WORD_FLUSH].value;
	request->threads = words[WORD_THREADS].value;
	request->batch = words[WORD_BATCH].value;
	request->verify = words[WORD_VERIFY].value;
	request->seed = words[WORD_SEED].value;
	request->cap_ms = words[WORD_CAP_MS].value;
	request->repeat = words[WORD_REPEAT].value;
	if (!request->size_min) {
		request->size_min = workload->size;
		request->size_max = workload->size;
	}
	request->limit = words[WORD_LIMIT].value ?: workload->limit ?:
			 LIMIT_48BIT;
	if (workload->full)
		request->limit = request->n;
	if (!request->label[0])
		strscpy(request->label, workload->name, sizeof(request->label));
}

/* Numbers that are valid alone, and not together. */
static int check_request(const struct bench_request *request)
{
	const struct bench_workload *workload = request->workload;

	if (request->threads > num_online_cpus()) {
		bench_complain("threads '%u' is not valid; valid: 1 to %u, one a CPU",
			       request->threads, num_online_cpus());
		return -EINVAL;
	}
	if (workload->cross && num_online_cpus() < 2) {
		bench_complain("workload '%s' needs two CPUs", workload->name);
		return -EINVAL;
	}
	/* A spinlock_t sleeps there; see Contexts in <iova_mt/iova_mt.h>. */
	if (IS_ENABLED(CONFIG_PREEMPT_RT) &&
	    (workload->cross || request->context == BENCH_HARDIRQ)) {
		bench_complain("workload '%s' makes calls in hardirq, not valid on PREEMPT_RT",
			       workload->name);
		return -EINVAL;
	}
	if (workload->full && request->threads > 1) {
		bench_complain("workload '%s' is for one thread", workload->name);
		return -EINVAL;
	}
	if (request->n < request->threads) {
		bench_complain("n '%lu' is not valid; valid: at least one a thread",
			       request->n);
		return -EINVAL;
	}
	return 0;
}

/**
 * bench_request_parse() - read a request
 * @request: gets it; all 0
 * @text: the line, which is torn to pieces
 *
 * Context: Process.
 * Return: 0; -EINVAL after a complaint that says what is valid.
 */
int bench_request_parse(struct bench_request *request, char *text)
{
	static const char everybody[] = "rb,rbf,maple,maple+cache";
	struct word words[NR_WORDS];
	char names[sizeof(everybody)];
	char *one;
	int ret;

	memcpy(words, words_default, sizeof(words));
	memcpy(names, everybody, sizeof(names));
	parse_contestants(request, names);
	while ((one = strsep(&text, " \t\n"))) {
		if (!*one)
			continue;
		ret = parse_word(request, words, one);
		if (ret)
			return ret;
	}
	if (!request->workload)
		return parse_workload(request, "");
	complete_request(request, words);
	return check_request(request);
}
