/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arena: one domain and several users, each of which does random steps.
 *
 * Every user marks its pages in a map that all share: a page that is handed out
 * twice is seen at once.
 */
#ifndef _IOVA_MT_TEST_ARENA_H
#define _IOVA_MT_TEST_ARENA_H

#include <linux/atomic.h>
#include <linux/types.h>

#include "test.h"

/* Small, so that it is full at times. */
#define ARENA_PAGES	6000UL
#define ARENA_SLOTS	48

/**
 * struct arena - what the users share
 * @t: the case
 * @domain: of the case
 * @map: a bit a page: somebody has it
 * @twice: pages that were handed out twice
 * @outside: ranges outside of the space, or not aligned
 * @errors: errors that should not be
 * @refused: requests for which there was no room
 */
struct arena {
	struct test *t;
	struct iova_mt_domain *domain;
	unsigned long *map;
	atomic_t twice;
	atomic_t outside;
	atomic_t errors;
	atomic_t refused;
};

/**
 * struct holder - one user of the domain; never in two places at once
 * @arena: where
 * @rng: what it draws from
 * @pfn: what it has
 * @size: pages of it, 0 for nothing
 * @steps: done so far
 */
struct holder {
	struct arena *arena;
	struct test_rng rng;
	unsigned long pfn[ARENA_SLOTS];
	unsigned int size[ARENA_SLOTS];
	unsigned long steps;
};

bool arena_init(struct arena *arena, struct test *t);
void arena_exit(struct arena *arena);
void arena_judge(const struct arena *arena);

void holder_init(struct holder *holder, struct arena *arena, u64 seed);
void holder_steps(struct holder *holder);
void holder_free_all(struct holder *holder);

#endif /* _IOVA_MT_TEST_ARENA_H */
