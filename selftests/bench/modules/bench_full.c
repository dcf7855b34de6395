// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workloads of a space that has no room: which steps, in which order.
 *
 * Locks: none.
 */
#include <linux/errno.h>
#include <linux/kernel.h>

#include "bench_builder.h"
#include "bench_text.h"
#include "bench_workload.h"

/**
 * bench_build_full() - free one, allocate one, and one that there is no room for
 * @request: what it is for
 * @trace: gets the steps
 * @rng: where random numbers come from
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int bench_build_full(const struct bench_request *request,
		     struct bench_trace *trace, struct test_rng *rng)
{
	struct builder builder;
	unsigned long i, slot;

	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_fill(&builder);
	builder_begin(&builder, 3);
	for (i = 0; i < builder_units(&builder) && !builder.failed; i++) {
		slot = builder_draw_slot(&builder);
		builder_free_slot(&builder, slot);
		builder_alloc_slot(&builder, slot);
		builder_add(&builder, BENCH_TRY, builder.n, request->size_min);
	}
	return builder_exit(&builder);
}

/**
 * bench_build_garry() - allocate the last one, fail, free one, again and again
 * @request: what it is for
 * @trace: gets the steps
 * @rng: where random numbers come from
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int bench_build_garry(const struct bench_request *request,
		      struct bench_trace *trace, struct test_rng *rng)
{
	struct builder builder;
	unsigned long i, slot = 0;

	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_fill(&builder);
	builder_free_slot(&builder, slot);
	builder_begin(&builder, 3);
	for (i = 0; i < builder_units(&builder) && !builder.failed; i++) {
		builder_alloc_slot(&builder, slot);
		builder_add(&builder, BENCH_TRY, builder.n, request->size_min);
		slot = builder_draw_slot(&builder);
		builder_free_slot(&builder, slot);
	}
	return builder_exit(&builder);
}

/**
 * bench_build_gaps() - a space full of holes of two pages, none of them aligned
 * @request: what it is for
 * @trace: gets the steps
 * @rng: where random numbers come from
 *
 * The space is filled with single pages, and of four in a row the second and the
 * third are freed: an aligned request for two fits nowhere. A unit takes a page
 * of a hole, gives it back, so that whoever has remembered a refusal may have to
 * look again, and asks for two.
 *
 * Context: Process, may sleep.
 * Return: 0; -ENOMEM; -EINVAL for ranges of several pages and several threads.
 */
int bench_build_gaps(const struct bench_request *request,
		     struct bench_trace *trace, struct test_rng *rng)
{
	struct builder builder;
	unsigned long i;

	if (request->size_max != 1 || request->threads != 1) {
		bench_complain("workload '%s' is for single pages and one thread",
			       request->workload->name);
		return -EINVAL;
	}
	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_fill(&builder);
	for (i = 1; i <= builder.n; i++)
		if (i % 4 == 1 || i % 4 == 2)
			builder_add(&builder, BENCH_FREE_PFN, i, 1);
	builder_begin(&builder, 3);
	for (i = 0; i < builder_units(&builder) && !builder.failed; i++) {
		builder_alloc_slot(&builder, builder.n);
		builder_free_slot(&builder, builder.n);
		builder_add(&builder, BENCH_TRY, builder.n, 2);
	}
	return builder_exit(&builder);
}

/**
 * bench_build_jitta() - 500 MiB, 12, 499; without the 12 there is room for 13, 2
 * @request: what it is for
 * @trace: gets the steps
 * @rng: where random numbers come from
 *
 * In a space of 1 GiB. The last request, for 2 MiB, was refused by kernels of
 * that time though 12 MiB were free above the range allocated last.
 *
 * Context: Process, may sleep.
 * Return: 0; -ENOMEM; -EINVAL when the request has numbers of its own.
 */
int bench_build_jitta(const struct bench_request *request,
		      struct bench_trace *trace, struct test_rng *rng)
{
	static const unsigned int mib[] = { 500, 12, 499 };
	struct builder builder;
	unsigned long i;

	if (request->n < 5 || request->limit != MIB_PAGES(1024) ||
	    request->aligned) {
		bench_complain("workload '%s' has its own n, sizes, limit, and aligned=0",
			       request->workload->name);
		return -EINVAL;
	}
	if (builder_init(&builder, request, trace, rng))
		return -ENOMEM;
	builder_begin(&builder, 1);
	for (i = 0; i < ARRAY_SIZE(mib); i++)
		builder_add(&builder, BENCH_ALLOC, i, MIB_PAGES(mib[i]));
	builder_add(&builder, BENCH_FREE, 1, MIB_PAGES(12));
	builder_add(&builder, BENCH_ALLOC, 3, MIB_PAGES(13));
	builder_add(&builder, BENCH_ALLOC, 4, MIB_PAGES(2));
	return builder_exit(&builder);
}
