/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Event counters: per CPU, summed on read.
 *
 * A noun that counts has one X-macro list C(name, comment), an enum made from
 * it with IOVA_MT_COUNTER_ENUM, and a name table made with
 * IOVA_MT_COUNTER_NAME. Counting costs one instruction on the local CPU.
 */
#ifndef _IOVA_MT_COUNTERS_H
#define _IOVA_MT_COUNTERS_H

#include <linux/percpu.h>
#include <linux/types.h>

#define IOVA_MT_COUNTER_ENUM(_name, _what)	COUNTER_##_name,
#define IOVA_MT_COUNTER_NAME(_name, _what) \
	[COUNTER_##_name] = #_name,

/**
 * struct iova_mt_counters - a set of counters
 * @value: @nr of them for each CPU
 * @nr: how many
 */
struct iova_mt_counters {
	u64 __percpu *value;
	unsigned int nr;
};

int iova_mt_counters_init(struct iova_mt_counters *counters, unsigned int nr);
void iova_mt_counters_destroy(struct iova_mt_counters *counters);
void iova_mt_counters_sum(const struct iova_mt_counters *counters, u64 *sum);

/* Context: Any. */
static inline void iova_mt_count(const struct iova_mt_counters *counters,
				 unsigned int id)
{
	this_cpu_inc(counters->value[id]);
}

/* Context: Any. */
static inline void iova_mt_count_add(const struct iova_mt_counters *counters,
				     unsigned int id, u64 nr)
{
	this_cpu_add(counters->value[id], nr);
}

#endif /* _IOVA_MT_COUNTERS_H */
