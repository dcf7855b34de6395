// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traces: the steps that every contestant is asked to make.
 *
 * A trace depends on the request, the seed and the number of the thread, and on
 * no answer of any contestant: a step that frees a slot whose allocation was
 * refused is skipped when it is played. The workloads put the steps in.
 *
 * Locks: none; a trace does not change once it is made.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "bench_trace.h"

#define ROOM_FIRST	4096

/* The steps move to a place of twice the size. */
static bool grow(struct bench_trace *trace)
{
	unsigned long room = trace->room ? 2 * trace->room : ROOM_FIRST;
	struct bench_step *steps;

	steps = kvmalloc_array(room, sizeof(*steps), GFP_KERNEL);
	if (!steps)
		return false;
	memcpy(steps, trace->steps, trace->nr * sizeof(*steps));
	kvfree(trace->steps);
	trace->steps = steps;
	trace->room = room;
	return true;
}

/**
 * bench_trace_add() - add a step
 * @trace: the trace
 * @op: what it does
 * @slot: with which slot, or pfn
 * @size: pages
 *
 * Context: Process, may sleep.
 * Return: true; false when there is no memory.
 */
bool bench_trace_add(struct bench_trace *trace, enum bench_op op,
		     unsigned long slot, unsigned long size)
{
	if (trace->nr == trace->room && !grow(trace))
		return false;
	trace->steps[trace->nr++] = (struct bench_step){
		.slot = slot, .size = size, .op = op,
	};
	return true;
}

/**
 * bench_trace_make() - make a trace without steps
 *
 * Context: Process, may sleep.
 * Return: the trace, or NULL without memory.
 */
struct bench_trace *bench_trace_make(void)
{
	return kzalloc(sizeof(struct bench_trace), GFP_KERNEL);
}

/**
 * bench_trace_free() - free a trace
 * @trace: the trace, or NULL
 *
 * Context: Process, may sleep.
 */
void bench_trace_free(struct bench_trace *trace)
{
	if (!trace)
		return;
	kvfree(trace->steps);
	kfree(trace);
}

/**
 * bench_trace_hash() - which trace is it?
 * @trace: the trace
 *
 * Return: a number that is the same for the same steps.
 */
u64 bench_trace_hash(const struct bench_trace *trace)
{
	u64 hash = trace->prepare;
	unsigned long i;

	for (i = 0; i < trace->nr; i++) {
		const struct bench_step *step = &trace->steps[i];

		hash = (hash ^ step->slot ^ (u64)step->size << 32 ^
			(u64)step->op << 60) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	return hash;
}
