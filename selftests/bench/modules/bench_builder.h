/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Builder: what the workloads make their traces with.
 *
 * Slots 0 to n - 1 hold the live ranges; slot n is for what comes and goes within
 * a unit. A lack of memory is remembered, and told of at the end.
 *
 * Locks: none.
 */
#ifndef _BENCH_BUILDER_H
#define _BENCH_BUILDER_H

#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "bench_request.h"
#include "bench_trace.h"
#include "../../modules/test_rng.h"

#define MIB_PAGES(_mib)	((_mib) * 256UL)

/**
 * struct builder - a trace in the making
 * @request: what it is for
 * @trace: the trace
 * @rng: where random numbers come from
 * @n: live ranges of this thread
 * @size: a slot each: pages of the range that was last put there
 * @failed: no memory
 */
struct builder {
	const struct bench_request *request;
	struct bench_trace *trace;
	struct test_rng *rng;
	unsigned long n;
	u32 *size;
	bool failed;
};

static inline void builder_add(struct builder *builder, enum bench_op op,
			       unsigned long slot, unsigned long size)
{
	if (!bench_trace_add(builder->trace, op, slot, size))
		builder->failed = true;
}

static inline unsigned long builder_draw_size(struct builder *builder)
{
	const struct bench_request *request = builder->request;

	return request->size_min +
	       test_rng_below(builder->rng,
			      request->size_max - request->size_min + 1);
}

static inline void builder_alloc_slot(struct builder *builder,
				      unsigned long slot)
{
	builder->size[slot] = builder_draw_size(builder);
	builder_add(builder, BENCH_ALLOC, slot, builder->size[slot]);
}

static inline void builder_free_slot(struct builder *builder,
				     unsigned long slot)
{
	builder_add(builder, BENCH_FREE, slot, builder->size[slot]);
}

static inline void builder_fill(struct builder *builder)
{
	unsigned long slot;

	for (slot = 0; slot < builder->n; slot++)
		builder_alloc_slot(builder, slot);
}

static inline unsigned long builder_draw_slot(struct builder *builder)
{
	return test_rng_below(builder->rng, builder->n);
}

static inline unsigned long builder_units(const struct builder *builder)
{
	return builder->request->units + builder->request->warm;
}

/* What follows is timed, in units of so many steps. */
static inline void builder_begin(struct builder *builder,
				 unsigned int unit)
{
	builder->trace->prepare = builder->trace->nr;
	builder->trace->unit = unit;
}

static inline int builder_init(struct builder *builder,
			       const struct bench_request *request,
			       struct bench_trace *trace, struct test_rng *rng)
{
	*builder = (struct builder){
		.request = request,
		.trace = trace,
		.rng = rng,
		.n = request->n / request->threads,
	};
	trace->slots = builder->n + 1;
	builder->size = kvcalloc(trace->slots, sizeof(u32), GFP_KERNEL);
	return builder->size ? 0 : -ENOMEM;
}

static inline int builder_exit(struct builder *builder)
{
	kvfree(builder->size);
	return builder->failed ? -ENOMEM : 0;
}

/*
 * Workloads of a full space. Context: Process, may sleep. Return: 0; -ENOMEM;
 * -EINVAL after a complaint.
 */
int bench_build_full(const struct bench_request *request,
		     struct bench_trace *trace, struct test_rng *rng);
int bench_build_garry(const struct bench_request *request,
		      struct bench_trace *trace, struct test_rng *rng);
int bench_build_gaps(const struct bench_request *request,
		     struct bench_trace *trace, struct test_rng *rng);
int bench_build_jitta(const struct bench_request *request,
		      struct bench_trace *trace, struct test_rng *rng);

/* The same of deferred frees. */
int bench_build_defer_adjacent(const struct bench_request *request,
			       struct bench_trace *trace, struct test_rng *rng);
int bench_build_defer_alternate(const struct bench_request *request,
				struct bench_trace *trace, struct test_rng *rng);
int bench_build_defer_scattered(const struct bench_request *request,
				struct bench_trace *trace, struct test_rng *rng);
int bench_build_defer_alloc(const struct bench_request *request,
			    struct bench_trace *trace, struct test_rng *rng);

#endif /* _BENCH_BUILDER_H */
