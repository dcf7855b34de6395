// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deferred frees: erases that fail on purpose, and what it takes to catch up.
 *
 * Locks: none.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <iova_mt/fault.h>

#include "bench_builder.h"

/**
 * bench_defer_arm() - let erases fail, all of them
 * @on: or none
 *
 * Context: Process.
 * Return: 0, or what iova_mt_fault_arm() returns.
 */
int bench_defer_arm(bool on)
{
	return iova_mt_fault_arm("fail_erase", on ? "1,100,0,-1" : "1,0,0,-1");
}

/**
 * bench_defer_drain() - erase what is deferred
 * @cell: gets the backlog and the time
 * @entry: the contestant
 *
 * The worker may come in between: what counts is what was erased here.
 *
 * Context: Process, sleeps.
 */
void bench_defer_drain(struct bench_cell *cell, struct bench_entry *entry)
{
	struct iova_mt_domain *domain = entry->domain;
	u64 begun;

	if (!domain || !domain->ops->backlog)
		return;
	bench_defer_arm(false);
	begun = bench_clock_cpu_ns();
	iova_mt_drain(domain);
	cell->drain_ns = bench_clock_cpu_ns() - begun;
	domain->ops->backlog(domain, &cell->backlog);
	cell->drained = cell->backlog.drained_by_request;
}

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
