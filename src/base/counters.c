// SPDX-License-Identifier: GPL-2.0
/*
 * Event counters: memory and sum.
 *
 * Responsible for the per-CPU memory of a set. Rule: counting never waits for
 * reading, so a sum that is taken while others count is not a snapshot. No
 * locks.
 */
#include <linux/string.h>

#include "base/counters.h"

/**
 * iova_mt_counters_init() - make a set of counters, all 0
 * @counters: the set
 * @nr: how many
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int iova_mt_counters_init(struct iova_mt_counters *counters, unsigned int nr)
{
	counters->nr = nr;
	counters->value = __alloc_percpu(nr * sizeof(u64), __alignof__(u64));
	return counters->value ? 0 : -ENOMEM;
}

/**
 * iova_mt_counters_destroy() - free a set of counters
 * @counters: the set; one that is all zero, or whose init failed, is fine
 *
 * Context: Process, may sleep. Nobody counts any more.
 */
void iova_mt_counters_destroy(struct iova_mt_counters *counters)
{
	free_percpu(counters->value);
	counters->value = NULL;
}

/**
 * iova_mt_counters_sum() - read a set of counters
 * @counters: the set
 * @sum: room for @counters->nr values
 *
 * Context: Any.
 */
void iova_mt_counters_sum(const struct iova_mt_counters *counters, u64 *sum)
{
	unsigned int cpu, i;

	memset(sum, 0, counters->nr * sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const u64 *value = per_cpu_ptr(counters->value, cpu);

		for (i = 0; i < counters->nr; i++)
			sum[i] += READ_ONCE(value[i]);
	}
}
