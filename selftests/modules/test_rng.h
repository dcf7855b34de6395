/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Seeded random numbers, for tests and the benchmark: xorshift64*, the same on
 * every kernel.
 */
#ifndef _IOVA_MT_TEST_RNG_H
#define _IOVA_MT_TEST_RNG_H

#include <linux/types.h>

/**
 * struct test_rng - seeded random numbers, the same on every kernel
 * @state: where it stands
 */
struct test_rng {
	u64 state;
};

static inline void test_rng_init(struct test_rng *rng, u64 seed)
{
	rng->state = seed * 0x9e3779b97f4a7c15ULL + 0xd1b54a32d192ed03ULL;
	if (!rng->state)
		rng->state = 1;
}

/* 0 to @below - 1 */
static inline u32 test_rng_below(struct test_rng *rng, u32 below)
{
	rng->state ^= rng->state >> 12;
	rng->state ^= rng->state << 25;
	rng->state ^= rng->state >> 27;
	return (u32)(((rng->state * 0x2545f4914f6cdd1dULL >> 32) * below) >> 32);
}

#endif /* _IOVA_MT_TEST_RNG_H */
