// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workloads: which steps, in which order.
 *
 * Each puts first the steps that prepare, then, after builder_begin(), the units
 * that are timed.
 *
 * Locks: none.
 */
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bench_builder.h"
#include "bench_request.h"
#include "bench_text.h"
#include "bench_workload.h"

/* --- fill ----------------------------------------------------------------- */

static int build_fill(const struct bench_request *request,
		      struct bench_trace *trace, struct test_rng *rng)
{
	struct builder builder;

	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_begin(&builder, 1);
	builder_fill(&builder);
	return builder_exit(&builder);
}

/* --- free, in the order of allocation, at random, or most of it ----------- */

static int build_free_order(const struct bench_request *request,
			    struct bench_trace *trace, struct test_rng *rng)
{
	struct builder builder;
	unsigned long slot;

	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_fill(&builder);
	builder_begin(&builder, 1);
	for (slot = 0; slot < builder.n; slot++)
		builder_free_slot(&builder, slot);
	return builder_exit(&builder);
}

/* The first @nr of all slots in random order; the rest follows somehow. */
static u32 *draw_order(struct builder *builder, unsigned long nr)
{
	unsigned long i, other;
	u32 *order;

	order = kvmalloc_array(builder->n, sizeof(*order), GFP_KERNEL);
	if (!order)
		return NULL;
	for (i = 0; i < builder->n; i++)
		order[i] = i;
	for (i = 0; i < nr; i++) {
		other = i + test_rng_below(builder->rng, builder->n - i);
		swap(order[i], order[other]);
	}
	return order;
}

static int build_free_part(const struct bench_request *request,
			   struct bench_trace *trace, struct test_rng *rng,
			   unsigned int percent)
{
	struct builder builder;
	unsigned long i, nr;
	u32 *order;

	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_fill(&builder);
	builder_begin(&builder, 1);
	nr = builder.n * percent / 100;
	order = draw_order(&builder, nr);
	if (!order)
		builder.failed = true;
	for (i = 0; i < nr && order; i++)
		builder_free_slot(&builder, order[i]);
	kvfree(order);
	return builder_exit(&builder);
}

static int build_free_random(const struct bench_request *request,
			     struct bench_trace *trace, struct test_rng *rng)
{
	return build_free_part(request, trace, rng, 100);
}

static int build_drain(const struct bench_request *request,
		       struct bench_trace *trace, struct test_rng *rng)
{
	return build_free_part(request, trace, rng, 90);
}

/* --- pair: free one, allocate one ----------------------------------------- */

static int build_pair(const struct bench_request *request,
		      struct bench_trace *trace, struct test_rng *rng)
{
	struct builder builder;
	unsigned long i, slot;

	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_fill(&builder);
	builder_begin(&builder, 2);
	for (i = 0; i < builder_units(&builder) && !builder.failed; i++) {
		slot = builder_draw_slot(&builder);
		builder_free_slot(&builder, slot);
		builder_alloc_slot(&builder, slot);
	}
	return builder_exit(&builder);
}

/*
 * queue, cross: the same pairs, in bursts. First all frees of a burst, which are
 * of ranges in random order and are made elsewhere, then the allocations.
 */
static void add_bursts(struct builder *builder, const u32 *order)
{
	const unsigned int burst = builder->request->workload->queue;
	unsigned long nr = DIV_ROUND_UP(builder_units(builder), burst);
	unsigned long i, next = 0;

	while (nr-- && !builder->failed) {
		for (i = 0; i < burst; i++)
			builder_free_slot(builder, order[(next + i) % builder->n]);
		for (i = 0; i < burst; i++)
			builder_alloc_slot(builder, order[(next + i) % builder->n]);
		next += burst;
	}
}

static int build_bursts(const struct bench_request *request,
			struct bench_trace *trace, struct test_rng *rng)
{
	const unsigned int burst = request->workload->queue;
	struct builder builder;
	u32 *order;

	if (request->n / request->threads < burst || request->warm ||
	    request->context != BENCH_TASK) {
		bench_complain("workload '%s' needs n of %u a thread, no warm, no context",
			       request->workload->name, burst);
		return -EINVAL;
	}
	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_fill(&builder);
	builder_begin(&builder, 2);
	order = draw_order(&builder, builder.n);
	if (order)
		add_bursts(&builder, order);
	else
		builder.failed = true;
	kvfree(order);
	return builder_exit(&builder);
}

/* --- Table ---------------------------------------------------------------- */

static const char pair_unit[] = "free a range, allocate one";
static const char full_unit[] = "free a range, allocate one, fail to allocate one";
static const char gaps_unit[] =
	"allocate a page, free it, fail to allocate two aligned ones";

static const struct bench_workload workloads[] = {
	{ .name = "fill", .unit = "allocate", .build = build_fill,
	  .n = 10000, .size = 1 },
	{ .name = "free-order", .unit = "free", .build = build_free_order,
	  .n = 10000, .size = 1 },
	{ .name = "free-random", .unit = "free", .build = build_free_random,
	  .n = 10000, .size = 1 },
	{ .name = "drain", .unit = "free, until a tenth is left",
	  .build = build_drain, .n = 10000, .size = 1 },
	{ .name = "pair", .unit = pair_unit, .build = build_pair,
	  .n = 10000, .units = 200000, .size = 1 },
	{ .name = "cross", .unit = pair_unit, .build = build_bursts,
	  .n = 10000, .units = 100000, .size = 1, .queue = 64, .cross = true },
	{ .name = "queue", .unit = pair_unit, .build = build_bursts,
	  .n = 10000, .units = 100000, .size = 1, .queue = 256 },
	{ .name = "full", .unit = full_unit, .build = bench_build_full,
	  .n = 10000, .units = 100000, .size = 1, .full = true },
	{ .name = "gaps", .unit = gaps_unit, .build = bench_build_gaps,
	  .n = BIT(20) - 1, .units = 10000, .size = 1, .full = true },
	{ .name = "peng2022", .unit = full_unit, .build = bench_build_full,
	  .n = BIT(20) - 1, .units = 100000, .size = 1, .full = true },
	{ .name = "garry2021",
	  .unit = "allocate the last range, fail to allocate one, free one",
	  .build = bench_build_garry,
	  .n = BIT(20) - 1, .units = 100000, .size = 1, .full = true },
	{ .name = "jitta2020", .unit = "one call", .build = bench_build_jitta,
	  .n = 5, .size = 1, .limit = MIB_PAGES(1024), .unaligned = true },
	{ .name = "defer-adjacent", .unit = "free and defer",
	  .build = bench_build_defer_adjacent,
	  .n = 1000000, .units = 1000, .size = 1, .defer = true },
	{ .name = "defer-alternate", .unit = "free and defer",
	  .build = bench_build_defer_alternate,
	  .n = 1000000, .units = 1000, .size = 1, .defer = true },
	{ .name = "defer-scattered", .unit = "free and defer",
	  .build = bench_build_defer_scattered,
	  .n = 1000000, .units = 1000, .size = 1, .defer = true },
	{ .name = "defer-alloc", .unit = "allocate, with half of the space deferred",
	  .build = bench_build_defer_alloc,
	  .n = 1000000, .units = 1000, .size = 1, .full = true },
	{ .name = "meta-softlockup", .unit = pair_unit, .build = build_pair,
	  .n = 1000000, .units = 256, .size = 64, .one_go = true },
};

/**
 * bench_workload_find() - find a workload
 * @name: its name
 *
 * Return: the workload, or NULL.
 */
const struct bench_workload *bench_workload_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(workloads); i++)
		if (!strcmp(workloads[i].name, name))
			return &workloads[i];
	return NULL;
}

/**
 * bench_workload_names() - which workloads are there?
 * @buffer: gets their names, with commas between
 * @size: of @buffer
 */
void bench_workload_names(char *buffer, size_t size)
{
	size_t i, used = 0;

	for (i = 0; i < ARRAY_SIZE(workloads); i++)
		used += scnprintf(buffer + used, size - used, "%s%s",
				  i ? ", " : "", workloads[i].name);
}

/**
 * bench_workload_trace() - make the trace of a thread
 * @request: what it is for
 * @thread: which
 *
 * Context: Process, may sleep.
 * Return: the trace; ERR_PTR(-ENOMEM); ERR_PTR(-EINVAL) when the numbers of the
 * request do not fit the workload, with a complaint.
 */
struct bench_trace *bench_workload_trace(const struct bench_request *request,
					 unsigned int thread)
{
	struct bench_trace *trace;
	struct test_rng rng;
	int ret;

	trace = bench_trace_make();
	if (!trace)
		return ERR_PTR(-ENOMEM);
	test_rng_init(&rng, request->seed * BENCH_THREADS_MAX + thread);
	ret = request->workload->build(request, trace, &rng);
	if (ret) {
		bench_trace_free(trace);
		return ERR_PTR(ret);
	}
	return trace;
}
