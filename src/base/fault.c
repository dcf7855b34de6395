// SPDX-License-Identifier: GPL-2.0
/*
 * Fault points: decisions and knobs.
 *
 * Responsible for whether a hit fails, and for what a knob may be set to. Rule:
 * given the same knobs, the same seed and the same number of the hit, the
 * decision is the same. No locks: a hit may be in hardirq, under any lock.
 */
#define pr_fmt(fmt) "iova_mt: " fmt

#include <linux/ctype.h>
#include <linux/fault-inject.h>
#include <linux/kernel.h>
#include <linux/math.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/string.h>

#include <iova_mt/fault.h>

#include "base/fault.h"
#include "compat.h"

/* The first knobs are those of the parameter. */
#define NR_PARAM_KNOBS	(IOVA_MT_FAULT_KNOB_times + 1)

#define FAULT(_name, _what)						\
	[IOVA_MT_FAULT_##_name] = {					\
		.name = #_name,						\
		.interval = 1,						\
		.times = ATOMIC_INIT(1),				\
	},
struct iova_mt_fault iova_mt_faults[IOVA_MT_NR_FAULTS] = {
	IOVA_MT_FAULTS(FAULT)
};

#define KNOB_NAME(_name, _least, _most) \
	[IOVA_MT_FAULT_KNOB_##_name] = #_name,
const char *const iova_mt_fault_knob_names[IOVA_MT_FAULT_NR_KNOBS] = {
	IOVA_MT_FAULT_KNOBS(KNOB_NAME)
};

#define KNOB_RANGE(_name, _least, _most)				\
	[IOVA_MT_FAULT_KNOB_##_name] = { _least, _most },
static const struct {
	int least;
	int most;
} ranges[IOVA_MT_FAULT_NR_KNOBS] = {
	IOVA_MT_FAULT_KNOBS(KNOB_RANGE)
};

/* Set at load, before the first hit; read only since. */
unsigned long iova_mt_fault_seed;

/* --- Decisions ------------------------------------------------------------ */

/*
 * The draw for hit @n, 0 to 99. The hits of a point are numbered, so whatever
 * other points and CPUs do, hit n of this one draws the same. The mixing steps
 * are those of splitmix64, which spread neighbouring numbers well.
 */
static u32 draw(const struct iova_mt_fault *fault, u64 n)
{
	u64 x = iova_mt_fault_seed;

	x ^= (u64)(fault - iova_mt_faults + 1) << 56;
	x += n * 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	x ^= x >> 31;
	return reciprocal_scale(x >> 32, 100);
}

/* Is this hit still held back? Never brings @space below 1. */
static bool held_back(struct iova_mt_fault *fault)
{
	int space = atomic_read(&fault->space);

	do {
		if (space <= 1)
			return false;
	} while (!atomic_try_cmpxchg(&fault->space, &space, space - 1));
	return true;
}

/* Take one of the failures that are left: two CPUs cannot share the last. */
static bool take_one(struct iova_mt_fault *fault)
{
	int times = atomic_read(&fault->times);

	do {
		if (times < 0)
			return true;
		if (!times)
			return false;
	} while (!atomic_try_cmpxchg(&fault->times, &times, times - 1));
	return true;
}

static void report(struct iova_mt_fault *fault, unsigned int domain_id, u64 n)
{
	static DEFINE_RATELIMIT_STATE(reports, 5 * HZ, 10);
	unsigned int verbose = READ_ONCE(fault->verbose);

	if (!verbose || !__ratelimit(&reports))
		return;
	pr_notice("%s: hit %llu fails in domain %u (interval %u, probability %u, space %d, times left %d)\n",
		  fault->name, n, domain_id, READ_ONCE(fault->interval),
		  READ_ONCE(fault->probability), atomic_read(&fault->space),
		  atomic_read(&fault->times));
	if (verbose > 1)
		dump_stack();
}

#ifdef CONFIG_FAULT_INJECTION
/*
 * The kernel counts for us: with a probability of 0 its should_fail() looks at
 * fail-nth and at nothing else. Silent: what there is to say, report() says.
 */
static bool nth_fails(void)
{
	static struct fault_attr attr = FAULT_ATTR_INITIALIZER;

	WRITE_ONCE(attr.verbose, 0);
	return should_fail(&attr, 1);
}
#else
static bool nth_fails(void)
{
	return false;
}
#endif

static bool inject(struct iova_mt_fault *fault, unsigned int domain_id, u64 n)
{
	atomic64_inc(&fault->injected);
	report(fault, domain_id, n);
	return true;
}

/**
 * iova_mt_fault_decide() - the slow part of iova_mt_fault_hit()
 * @fault: the fault point
 * @domain_id: the domain that it is reached for
 *
 * The order of the tests is that of the kernel's should_fail() for size 1, and
 * it matters: a hit that is held back by space is not counted for interval. As
 * there, fail-nth comes before all knobs, and the filter before all counting.
 *
 * Context: Any.
 * Return: true when this hit fails.
 */
bool iova_mt_fault_decide(struct iova_mt_fault *fault, unsigned int domain_id)
{
	unsigned int probability = READ_ONCE(fault->probability);
	unsigned int interval = READ_ONCE(fault->interval);
	unsigned int only = READ_ONCE(fault->domain);
	u64 n;

	if (iova_mt_fault_nth())
		return nth_fails() &&
		       inject(fault, domain_id, atomic64_read(&fault->hits));
	if (!probability)
		return false;
	if (only && only != domain_id)
		return false;
	n = atomic64_inc_return(&fault->hits);
	if (!atomic_read(&fault->times))
		return false;
	if (held_back(fault))
		return false;
	if (interval > 1 &&
	    (unsigned int)atomic_inc_return(&fault->count) % interval)
		return false;
	if (probability <= draw(fault, n))
		return false;
	if (!take_one(fault))
		return false;
	return inject(fault, domain_id, n);
}

static void begin_again(struct iova_mt_fault *fault)
{
	atomic64_set(&fault->hits, 0);
	atomic64_set(&fault->injected, 0);
	atomic_set(&fault->count, 0);
}

/**
 * iova_mt_fault_reset() - begin counting again, at all points
 *
 * Sets hits, injected and the count for interval to 0; the hits are drawn for
 * from the first again. Knobs stay what they are, times and space included.
 *
 * Context: Any.
 */
void iova_mt_fault_reset(void)
{
	int id;

	for (id = 0; id < IOVA_MT_NR_FAULTS; id++)
		begin_again(&iova_mt_faults[id]);
}

/* --- Knobs ---------------------------------------------------------------- */

/* Decimal digits, perhaps behind a '-', and nothing else. */
static int parse_number(enum iova_mt_fault_knob knob, const char *text,
			int *value)
{
	if (!isdigit(text[text[0] == '-']) || strchr(text, '\n'))
		return -EINVAL;
	if (kstrtoint(text, 10, value))
		return -EINVAL;
	if (*value < ranges[knob].least || *value > ranges[knob].most)
		return -EINVAL;
	return 0;
}

static void store(struct iova_mt_fault *fault, enum iova_mt_fault_knob knob,
		  int value)
{
	switch (knob) {
	case IOVA_MT_FAULT_KNOB_interval:
		WRITE_ONCE(fault->interval, value);
		break;
	case IOVA_MT_FAULT_KNOB_probability:
		WRITE_ONCE(fault->probability, value);
		break;
	case IOVA_MT_FAULT_KNOB_space:
		atomic_set(&fault->space, value);
		break;
	case IOVA_MT_FAULT_KNOB_times:
		atomic_set(&fault->times, value);
		break;
	case IOVA_MT_FAULT_KNOB_verbose:
		WRITE_ONCE(fault->verbose, value);
		break;
	case IOVA_MT_FAULT_KNOB_domain:
		WRITE_ONCE(fault->domain, value);
		break;
	case IOVA_MT_FAULT_NR_KNOBS:
		break;
	}
}

/* The problem goes first, then the whole form: a user sees both at once. */
static __printf(2, 3)
int refuse(const struct iova_mt_fault *fault, const char *problem, ...)
{
	char valid[160];
	struct va_format vaf = { .fmt = problem };
	va_list args;
	size_t len = 0;
	int knob;

	for (knob = 0; knob < NR_PARAM_KNOBS; knob++)
		len += scnprintf(valid + len, sizeof(valid) - len,
				 "%s%s %d to %d", knob ? ", " : "",
				 iova_mt_fault_knob_names[knob],
				 ranges[knob].least, ranges[knob].most);
	va_start(args, problem);
	vaf.va = &args;
	pr_err("%s: %pV; valid: <interval>,<probability>,<space>,<times> with %s (-1: no limit)\n",
	       fault->name, &vaf, valid);
	va_end(args);
	return -EINVAL;
}

/**
 * iova_mt_fault_parse() - set the knobs of a point from its parameter
 * @fault: the fault point
 * @arg: "<interval>,<probability>,<space>,<times>", all four, decimal
 *
 * All or nothing: a string that is not valid changes nothing. With one that is,
 * hits and injected start at 0 again.
 *
 * Context: Process.
 * Return: 0, or -EINVAL with a message that says what is valid.
 */
int iova_mt_fault_parse(struct iova_mt_fault *fault, const char *arg)
{
	int value[NR_PARAM_KNOBS];
	char buf[64], *rest = buf, *field;
	int knob;

	if (strscpy(buf, arg, sizeof(buf)) < 0)
		return refuse(fault, "the value is too long");
	for (knob = 0; knob < NR_PARAM_KNOBS; knob++) {
		field = strsep(&rest, ",");
		if (!field)
			return refuse(fault, "%s is missing in '%*pE'",
				      iova_mt_fault_knob_names[knob],
				      (int)strlen(arg), arg);
		if (parse_number(knob, field, &value[knob]))
			return refuse(fault, "%s '%*pE' is not valid",
				      iova_mt_fault_knob_names[knob],
				      (int)strlen(field), field);
	}
	if (rest)
		return refuse(fault, "',%*pE' behind times is not valid",
			      (int)strlen(rest), rest);

	/* Off while it changes: probability, which switches it on, is last. */
	WRITE_ONCE(fault->probability, 0);
	begin_again(fault);
	for (knob = 0; knob < NR_PARAM_KNOBS; knob++)
		if (knob != IOVA_MT_FAULT_KNOB_probability)
			store(fault, knob, value[knob]);
	store(fault, IOVA_MT_FAULT_KNOB_probability,
	      value[IOVA_MT_FAULT_KNOB_probability]);
	return 0;
}

/**
 * iova_mt_fault_set() - set one knob
 * @fault: the fault point
 * @knob: which
 * @text: its value, decimal, without a newline
 *
 * Context: Process.
 * Return: 0, or -EINVAL with a ratelimited message that says what is valid.
 */
int iova_mt_fault_set(struct iova_mt_fault *fault, enum iova_mt_fault_knob knob,
		      const char *text)
{
	static DEFINE_RATELIMIT_STATE(complaints, 5 * HZ, 20);
	int value;

	if (parse_number(knob, text, &value)) {
		if (__ratelimit(&complaints))
			pr_err("%s/%s: '%*pE' is not valid; valid: %d to %d\n",
			       fault->name, iova_mt_fault_knob_names[knob],
			       (int)strlen(text), text,
			       ranges[knob].least, ranges[knob].most);
		return -EINVAL;
	}
	store(fault, knob, value);
	return 0;
}

/**
 * iova_mt_fault_get() - read one knob
 * @fault: the fault point
 * @knob: which
 *
 * Context: Any.
 * Return: its value now; space and times count down with the hits.
 */
int iova_mt_fault_get(struct iova_mt_fault *fault, enum iova_mt_fault_knob knob)
{
	switch (knob) {
	case IOVA_MT_FAULT_KNOB_interval:
		return READ_ONCE(fault->interval);
	case IOVA_MT_FAULT_KNOB_probability:
		return READ_ONCE(fault->probability);
	case IOVA_MT_FAULT_KNOB_space:
		return atomic_read(&fault->space);
	case IOVA_MT_FAULT_KNOB_times:
		return atomic_read(&fault->times);
	case IOVA_MT_FAULT_KNOB_verbose:
		return READ_ONCE(fault->verbose);
	case IOVA_MT_FAULT_KNOB_domain:
		return READ_ONCE(fault->domain);
	case IOVA_MT_FAULT_NR_KNOBS:
		break;
	}
	return 0;
}

/* --- For test modules, see <iova_mt/fault.h> ------------------------------- */

static struct iova_mt_fault *find_fault(const char *name)
{
	int id;

	for (id = 0; id < IOVA_MT_NR_FAULTS; id++)
		if (!strcmp(iova_mt_faults[id].name, name))
			return &iova_mt_faults[id];
	return NULL;
}

int iova_mt_fault_arm(const char *name, const char *arg)
{
	struct iova_mt_fault *fault = find_fault(name);

	return fault ? iova_mt_fault_parse(fault, arg) : -ENOENT;
}

IOVA_MT_EXPORT(iova_mt_fault_arm);

int iova_mt_fault_filter(const char *name, unsigned int domain_id)
{
	struct iova_mt_fault *fault = find_fault(name);

	if (!fault)
		return -ENOENT;
	if (domain_id > INT_MAX)
		return -EINVAL;
	store(fault, IOVA_MT_FAULT_KNOB_domain, domain_id);
	return 0;
}

IOVA_MT_EXPORT(iova_mt_fault_filter);

const char *iova_mt_fault_name(unsigned int nr)
{
	return nr < IOVA_MT_NR_FAULTS ? iova_mt_faults[nr].name : NULL;
}

IOVA_MT_EXPORT(iova_mt_fault_name);

s64 iova_mt_fault_injected(const char *name)
{
	struct iova_mt_fault *fault = find_fault(name);

	return fault ? atomic64_read(&fault->injected) : -ENOENT;
}

IOVA_MT_EXPORT(iova_mt_fault_injected);
