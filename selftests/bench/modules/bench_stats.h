/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Statistics: a histogram of durations.
 */
#ifndef _BENCH_STATS_H
#define _BENCH_STATS_H

#include <linux/types.h>

#define BENCH_SUB		32
#define BENCH_SUB_BITS		5
#define BENCH_BUCKETS		((64 - BENCH_SUB_BITS + 1) * BENCH_SUB)

/**
 * struct bench_stats - durations of a unit, picoseconds, each the mean of a batch
 * @nr: how many
 * @max: the longest
 * @bucket: how many in each; 32 buckets to a power of two
 */
struct bench_stats {
	u64 nr;
	u64 max;
	u32 bucket[BENCH_BUCKETS];
};

void bench_stats_add(struct bench_stats *stats, u64 ps);
void bench_stats_merge(struct bench_stats *into, const struct bench_stats *from);
u64 bench_stats_percentile(const struct bench_stats *stats, u32 per_mille_tenths);
u64 bench_stats_deviation(const struct bench_stats *stats);
u64 bench_stats_value(unsigned int bucket);

#endif /* _BENCH_STATS_H */
