// SPDX-License-Identifier: GPL-2.0
/*
 * Arena: one domain and several users, each of which does random steps.
 */
#include <linux/align.h>
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "test_arena.h"

#define STEPS		6

static bool is_inside(unsigned long pfn, unsigned int size, unsigned int flags)
{
	return pfn >= 1 && pfn + size - 1 <= ARENA_PAGES &&
	       (!(flags & IOVA_MT_ALIGNED) ||
		IS_ALIGNED(pfn, roundup_pow_of_two(size)));
}

static void mark(struct arena *arena, unsigned long pfn, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		if (test_and_set_bit(pfn + i, arena->map))
			atomic_inc(&arena->twice);
}

static void holder_alloc(struct holder *holder, unsigned int slot)
{
	struct arena *arena = holder->arena;
	unsigned int flags = test_rng_below(&holder->rng, 8);
	unsigned int size = 1 + test_rng_below(&holder->rng, 40);
	unsigned long pfn;
	int ret;

	if (flags & IOVA_MT_CACHED)
		size = 1U << test_rng_below(&holder->rng, 6);
	ret = iova_mt_alloc(arena->domain, size, ARENA_PAGES, flags, &pfn);
	if (ret) {
		atomic_inc(ret == -ENOSPC || ret == -ENOMEM ?
			   &arena->refused : &arena->errors);
		return;
	}
	if (!is_inside(pfn, size, flags)) {
		atomic_inc(&arena->outside);
		return;
	}
	mark(arena, pfn, size);
	holder->pfn[slot] = pfn;
	holder->size[slot] = size;
}

static void holder_free(struct holder *holder, unsigned int slot)
{
	struct arena *arena = holder->arena;
	unsigned int size = holder->size[slot], i;

	for (i = 0; i < size; i++)
		clear_bit(holder->pfn[slot] + i, arena->map);
	/* The bits are clear before another can get the pages. */
	smp_mb__after_atomic();
	holder->size[slot] = 0;
	if (test_rng_below(&holder->rng, 4))
		iova_mt_free(arena->domain, holder->pfn[slot], size);
	else
		iova_mt_free(arena->domain,
			     holder->pfn[slot] + test_rng_below(&holder->rng, size),
			     0);
}

/* Any context in which the domain may be used. */
void holder_steps(struct holder *holder)
{
	unsigned int i, slot;

	for (i = 0; i < STEPS; i++) {
		slot = test_rng_below(&holder->rng, ARENA_SLOTS);
		if (holder->size[slot])
			holder_free(holder, slot);
		else
			holder_alloc(holder, slot);
		holder->steps++;
	}
}

void holder_init(struct holder *holder, struct arena *arena, u64 seed)
{
	holder->arena = arena;
	test_rng_init(&holder->rng, seed);
}

void holder_free_all(struct holder *holder)
{
	unsigned int slot;

	for (slot = 0; slot < ARENA_SLOTS; slot++)
		if (holder->size[slot])
			holder_free(holder, slot);
}

/* Return: false when there is no memory. */
bool arena_init(struct arena *arena, struct test *t)
{
	*arena = (struct arena){
		.t = t,
		.domain = t->domain,
		.map = bitmap_zalloc(ARENA_PAGES + 1, GFP_KERNEL),
	};
	return arena->map;
}

void arena_exit(struct arena *arena)
{
	bitmap_free(arena->map);
}

/* When all users have given back what they had. */
void arena_judge(const struct arena *arena)
{
	struct test *t = arena->t;

	EXPECT_EQ(t, atomic_read(&arena->twice), 0);
	EXPECT_EQ(t, atomic_read(&arena->outside), 0);
	EXPECT_EQ(t, atomic_read(&arena->errors), 0);
	EXPECT_EQ(t, bitmap_weight(arena->map, ARENA_PAGES + 1), 0);
	test_diag("%s (%s): refused %d times", t->tcase->name, t->allocator,
		  atomic_read(&arena->refused));
}
