// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workloads of frees that are deferred: which steps, in which order.
 *
 * Locks: none.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "bench_builder.h"

static void free_spread(struct builder *builder, unsigned int step)
{
	unsigned long nr = min(builder->request->units, builder->n / step), i;

	for (i = 0; i < nr; i++)
		builder_free_slot(builder, i * step);
}

static int build_spread(const struct bench_request *request,
			struct bench_trace *trace, struct test_rng *rng,
			unsigned int step)
{
	struct builder builder;

	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_fill(&builder);
	builder_begin(&builder, 1);
	free_spread(&builder, step);
	return builder_exit(&builder);
}

/**
 * bench_build_defer_adjacent() - defer ranges that lie side by side
 * @request: what it is for; @units of it are deferred
 * @trace: gets the steps
 * @rng: where random numbers come from
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int bench_build_defer_adjacent(const struct bench_request *request,
			       struct bench_trace *trace, struct test_rng *rng)
{
	return build_spread(request, trace, rng, 1);
}

/**
 * bench_build_defer_alternate() - defer every second range
 * @request: what it is for; @units of it are deferred
 * @trace: gets the steps
 * @rng: where random numbers come from
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int bench_build_defer_alternate(const struct bench_request *request,
				struct bench_trace *trace, struct test_rng *rng)
{
	return build_spread(request, trace, rng, 2);
}

/**
 * bench_build_defer_scattered() - defer ranges at random
 * @request: what it is for; @units of it are deferred
 * @trace: gets the steps
 * @rng: where random numbers come from
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int bench_build_defer_scattered(const struct bench_request *request,
				struct bench_trace *trace, struct test_rng *rng)
{
	unsigned long i, nr, other;
	struct builder builder;
	u32 *order;

	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_fill(&builder);
	builder_begin(&builder, 1);
	order = kvmalloc_array(builder.n, sizeof(*order), GFP_KERNEL);
	if (!order)
		builder.failed = true;
	for (i = 0; i < builder.n && order; i++)
		order[i] = i;
	nr = min(request->units, builder.n);
	for (i = 0; i < nr && order; i++) {
		other = i + test_rng_below(rng, builder.n - i);
		swap(order[i], order[other]);
		builder_free_slot(&builder, order[i]);
	}
	kvfree(order);
	return builder_exit(&builder);
}

/**
 * bench_build_defer_alloc() - allocate where half of a full space is deferred
 * @request: what it is for
 * @trace: gets the steps
 * @rng: where random numbers come from
 *
 * Erases fail until the timed part begins, so that the first allocations of it
 * find no gap, and a backlog that they can make one of.
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int bench_build_defer_alloc(const struct bench_request *request,
			    struct bench_trace *trace, struct test_rng *rng)
{
	struct builder builder;
	unsigned long i;

	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_fill(&builder);
	trace->arm = trace->nr;
	for (i = 0; i < builder.n; i += 2)
		builder_free_slot(&builder, i);
	builder_begin(&builder, 1);
	for (i = 0; i < min(request->units, builder.n / 2); i++)
		builder_alloc_slot(&builder, 2 * i);
	return builder_exit(&builder);
}
