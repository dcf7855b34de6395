/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fault points: places where memory may be made to run out on purpose.
 *
 * Knobs, their meaning, their order and their defaults are those of the
 * kernel's lib/fault-inject.c, which Debian's kernels are built without; only
 * verbose is 0 by default. The decisions are drawn from a seed and the number
 * of the hit, so that a run repeats.
 *
 * Where the kernel has fault injection of its own, a task's fail-nth counts
 * these points as well, whatever their knobs say.
 */
#ifndef _IOVA_MT_FAULT_H
#define _IOVA_MT_FAULT_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/types.h>

/* F(name, what fails) */
#define IOVA_MT_FAULTS(F)						\
	F(fail_erase, "nodes for erasing a range, the spare ones included") \
	F(fail_insert, "nodes for inserting a range into the tree")	\
	F(fail_node, "nodes for a store, unless there are spare ones")	\
	F(fail_refill, "spare nodes")				\
	F(fail_swap, "a marker in place of a range, which takes no memory") \
	F(fail_span, "a span, or what is to be noted of its pages")	\
	F(fail_magazine, "a magazine for the per-CPU caches")		\
	F(fail_object, "an object per range: for callers that want one, for deferral by list")

/* K(name, least, most): the four of the parameter in its order, then others */
#define IOVA_MT_FAULT_KNOBS(K)						\
	K(interval, 1, INT_MAX)						\
	K(probability, 0, 100)						\
	K(space, 0, INT_MAX)						\
	K(times, -1, INT_MAX)						\
	K(verbose, 0, 2)						\
	K(domain, 0, INT_MAX)

enum iova_mt_fault_knob {
#define IOVA_MT_FAULT_KNOB(_name, _least, _most)	IOVA_MT_FAULT_KNOB_##_name,
	IOVA_MT_FAULT_KNOBS(IOVA_MT_FAULT_KNOB)
#undef IOVA_MT_FAULT_KNOB
	IOVA_MT_FAULT_NR_KNOBS,
};

extern const char *const iova_mt_fault_knob_names[IOVA_MT_FAULT_NR_KNOBS];

/**
 * struct iova_mt_fault - one fault point
 * @name: name of its parameter and of its debugfs directory
 * @probability: likelihood in percent, 0 to 100; 0 is off
 * @interval: only every interval-th hit can fail
 * @times: how many failures are left, -1 for no limit
 * @space: no hit can fail until this has come down to 1, by 1 a hit: 0 and 1
 *	hold nothing back, n holds back n - 1 hits
 * @verbose: 0 for silence, 1 for a line in the log a failure, 2 for a stack
 *	trace as well. Callers hold locks, so not together with a console that
 *	does DMA of its own (netconsole) on a domain of iova_mt
 * @domain: number of the only domain whose hits count, 0 for any
 * @count: hits counted for @interval
 * @hits: hits of that domain while @probability was not 0
 * @injected: failures made, those by fail-nth included
 *
 * All of it is written without a lock, each field by itself.
 */
struct iova_mt_fault {
	const char *name;
	unsigned int probability;
	unsigned int interval;
	atomic_t times;
	atomic_t space;
	unsigned int verbose;
	unsigned int domain;
	atomic_t count;
	atomic64_t hits;
	atomic64_t injected;
};

enum iova_mt_fault_id {
#define IOVA_MT_FAULT(_name, _what)	IOVA_MT_FAULT_##_name,
	IOVA_MT_FAULTS(IOVA_MT_FAULT)
#undef IOVA_MT_FAULT
	IOVA_MT_NR_FAULTS,
};

extern struct iova_mt_fault iova_mt_faults[IOVA_MT_NR_FAULTS];
extern unsigned long iova_mt_fault_seed;

bool iova_mt_fault_decide(struct iova_mt_fault *fault, unsigned int domain_id);
int iova_mt_fault_parse(struct iova_mt_fault *fault, const char *arg);
int iova_mt_fault_set(struct iova_mt_fault *fault, enum iova_mt_fault_knob knob,
		      const char *text);
int iova_mt_fault_get(struct iova_mt_fault *fault, enum iova_mt_fault_knob knob);
void iova_mt_fault_reset(void);

/* Does the task count down to a failure? Calls in interrupts do not count. */
static inline bool iova_mt_fault_nth(void)
{
#ifdef CONFIG_FAULT_INJECTION
	return in_task() && READ_ONCE(current->fail_nth);
#else
	return false;
#endif
}

/**
 * iova_mt_fault_hit() - shall this operation fail?
 * @id: the fault point
 * @domain_id: the domain that it is reached for
 *
 * Context: Any.
 * Return: true when the caller is to behave as if it got no memory.
 */
static inline bool iova_mt_fault_hit(enum iova_mt_fault_id id,
				     unsigned int domain_id)
{
	struct iova_mt_fault *fault = &iova_mt_faults[id];

	return unlikely(READ_ONCE(fault->probability) || iova_mt_fault_nth()) &&
	       iova_mt_fault_decide(fault, domain_id);
}

#endif /* _IOVA_MT_FAULT_H */
