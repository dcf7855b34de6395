/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory: how much of the machine's is taken.
 */
#ifndef _BENCH_MEMORY_H
#define _BENCH_MEMORY_H

#include <linux/types.h>

/**
 * struct bench_memory - memory of the machine
 * @slab: bytes in slabs, large requests included
 * @free: bytes that nobody has
 */
struct bench_memory {
	s64 slab;
	s64 free;
};

void bench_memory_read(struct bench_memory *memory);

#endif /* _BENCH_MEMORY_H */
