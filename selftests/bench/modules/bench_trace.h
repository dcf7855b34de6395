/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traces: the steps that every contestant is asked to make.
 */
#ifndef _BENCH_TRACE_H
#define _BENCH_TRACE_H

#include <linux/types.h>

/**
 * enum bench_op - what a step does
 * @BENCH_ALLOC: allocate into a slot
 * @BENCH_FREE: free what is in a slot, if anything is
 * @BENCH_TRY: allocate what there is no room for; free it, should there be
 * @BENCH_FREE_PFN: free the range that begins at a pfn
 */
enum bench_op { BENCH_ALLOC, BENCH_FREE, BENCH_TRY, BENCH_FREE_PFN };

/**
 * struct bench_step - one call
 * @slot: which slot; the pfn for BENCH_FREE_PFN
 * @size: pages
 * @op: enum bench_op
 */
struct bench_step {
	u32 slot;
	u32 size : 28;
	u32 op : 4;
};

/**
 * struct bench_trace - the steps of one player
 * @steps: all of them, those that prepare first
 * @nr: how many
 * @room: for how many there is room
 * @prepare: how many prepare
 * @arm: from which one on of those erases fail, 0 for none
 * @unit: steps a unit
 * @slots: how many slots they use
 */
struct bench_trace {
	struct bench_step *steps;
	unsigned long nr;
	unsigned long room;
	unsigned long prepare;
	unsigned long arm;
	unsigned int unit;
	unsigned long slots;
};

struct bench_trace *bench_trace_make(void);
void bench_trace_free(struct bench_trace *trace);
bool bench_trace_add(struct bench_trace *trace, enum bench_op op,
		     unsigned long slot, unsigned long size);
u64 bench_trace_hash(const struct bench_trace *trace);

#endif /* _BENCH_TRACE_H */
