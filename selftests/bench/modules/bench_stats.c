// SPDX-License-Identifier: GPL-2.0-only
/*
 * Statistics: a histogram of durations, and what is read from it.
 *
 * Buckets are 1/32 of a power of two wide, so that a value that is read back is
 * wrong by 1.6 % at most. The maximum is exact.
 *
 * Locks: none; each player has its own.
 */
#include <linux/bitops.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "bench_stats.h"

/* Small values have a bucket each. */
static unsigned int bucket_of(u64 ps)
{
	unsigned int shift;

	if (ps < BENCH_SUB)
		return ps;
	shift = fls64(ps) - 1 - BENCH_SUB_BITS;
	return (shift + 1) * BENCH_SUB + (ps >> shift) % BENCH_SUB;
}

/**
 * bench_stats_value() - what a bucket stands for
 * @bucket: its number
 *
 * Return: its middle, picoseconds.
 */
u64 bench_stats_value(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < BENCH_SUB)
		return bucket;
	shift = bucket / BENCH_SUB - 1;
	return ((u64)(BENCH_SUB + bucket % BENCH_SUB) << shift) +
	       ((1ULL << shift) >> 1);
}

/**
 * bench_stats_add() - count a duration
 * @stats: where
 * @ps: picoseconds
 *
 * Context: Any.
 */
void bench_stats_add(struct bench_stats *stats, u64 ps)
{
	stats->bucket[bucket_of(ps)]++;
	stats->nr++;
	stats->max = max(stats->max, ps);
}

/**
 * bench_stats_merge() - count all that others have counted
 * @into: where
 * @from: the other
 */
void bench_stats_merge(struct bench_stats *into, const struct bench_stats *from)
{
	unsigned int i;

	for (i = 0; i < BENCH_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
	into->nr += from->nr;
	into->max = max(into->max, from->max);
}

/**
 * bench_stats_percentile() - the duration that so many do not exceed
 * @stats: the statistics
 * @per_mille_tenths: 5000 for the median, 9990 for 99.9 %
 *
 * Return: picoseconds.
 */
u64 bench_stats_percentile(const struct bench_stats *stats, u32 per_mille_tenths)
{
	u64 left = div_u64(stats->nr * per_mille_tenths + 9999, 10000);
	unsigned int i;

	for (i = 0; i < BENCH_BUCKETS; i++) {
		if (left <= stats->bucket[i])
			return min(bench_stats_value(i), stats->max);
		left -= stats->bucket[i];
	}
	return stats->max;
}

static u64 mean(const struct bench_stats *stats, unsigned int shift)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < BENCH_BUCKETS; i++)
		sum += (bench_stats_value(i) >> shift) * stats->bucket[i];
	return div64_u64(sum, stats->nr);
}

/**
 * bench_stats_deviation() - the standard deviation
 * @stats: the statistics
 *
 * Return: picoseconds, 0 when there is nothing.
 */
u64 bench_stats_deviation(const struct bench_stats *stats)
{
	/* The largest square times the largest number has to fit. */
	unsigned int shift = max(fls64(stats->max) - 20, 0), i;
	u64 middle, sum = 0;

	if (!stats->nr)
		return 0;
	middle = mean(stats, shift);
	for (i = 0; i < BENCH_BUCKETS; i++) {
		s64 off = (s64)(bench_stats_value(i) >> shift) - (s64)middle;

		if (stats->bucket[i])
			sum += (u64)(off * off) * stats->bucket[i];
	}
	return (u64)int_sqrt64(div64_u64(sum, stats->nr)) << shift;
}
