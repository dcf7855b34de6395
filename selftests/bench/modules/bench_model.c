// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model: a bit for each page that is taken.
 *
 * Says when a contestant hands out what is taken, out of bounds or not aligned,
 * and when it refuses what there is room for. Knows the pages below the limit as
 * far down as all ranges together could reach, twice over: a range further down
 * counts as wrong, too.
 *
 * Locks: none; the bits are atomic.
 */
#include <linux/bitmap.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/vmalloc.h>

#include "bench_model.h"
#include "bench_request.h"

/* 32 bits of address, and 64 MiB of bits. */
#define PAGES_MIN	BIT(20)
#define PAGES_MAX	BIT(29)

/**
 * bench_model_init() - make an empty space
 * @model: the model
 * @request: what is going to be played
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int bench_model_init(struct bench_model *model,
		     const struct bench_request *request)
{
	unsigned long most = roundup_pow_of_two(request->size_max) *
			     (request->n + 1024) * 2;

	most = roundup_pow_of_two(clamp(most, PAGES_MIN, PAGES_MAX));
	*model = (struct bench_model){
		.start = 1,
		.limit = request->limit,
		.aligned = request->aligned,
		.alone = request->threads == 1,
	};
	model->base = request->limit < most ? 0 : request->limit + 1 - most;
	model->pages = request->limit - model->base + 1;
	model->map = vzalloc(BITS_TO_LONGS(model->pages) * sizeof(long));
	return model->map ? 0 : -ENOMEM;
}

/**
 * bench_model_exit() - free a model
 * @model: the model
 *
 * Context: Process, may sleep.
 */
void bench_model_exit(struct bench_model *model)
{
	vfree(model->map);
}

static bool is_valid(const struct bench_model *model, unsigned long pfn,
		     unsigned long size)
{
	return pfn >= max(model->start, model->base) && pfn <= model->limit &&
	       size - 1 <= model->limit - pfn &&
	       (!model->aligned || IS_ALIGNED(pfn, roundup_pow_of_two(size)));
}

/**
 * bench_model_taken() - a range has been handed out
 * @model: the model
 * @pfn: its first pfn
 * @size: pages
 *
 * Context: Any.
 */
void bench_model_taken(struct bench_model *model, unsigned long pfn,
		       unsigned long size)
{
	unsigned long i;

	if (!is_valid(model, pfn, size)) {
		atomic_long_inc(&model->errors);
		return;
	}
	for (i = 0; i < size; i++)
		if (test_and_set_bit(pfn - model->base + i, model->map))
			atomic_long_inc(&model->errors);
}

/**
 * bench_model_freed() - a range is about to be freed
 * @model: the model
 * @pfn: its first pfn
 * @size: pages
 *
 * Context: Any.
 */
void bench_model_freed(struct bench_model *model, unsigned long pfn,
		       unsigned long size)
{
	unsigned long i;

	if (!is_valid(model, pfn, size))
		return;
	for (i = 0; i < size; i++)
		if (!test_and_clear_bit(pfn - model->base + i, model->map))
			atomic_long_inc(&model->errors);
}

/**
 * bench_model_refused() - an allocation has been refused
 * @model: the model
 * @size: pages
 *
 * Context: Any; takes as long as the space is large.
 */
void bench_model_refused(struct bench_model *model, unsigned long size)
{
	unsigned long mask = model->aligned ? roundup_pow_of_two(size) - 1 : 0;
	unsigned long start = max(model->start, model->base) - model->base;

	if (!model->alone)
		return;
	if (bitmap_find_next_zero_area_off(model->map, model->pages, start, size,
					   mask, model->base & mask) <
	    model->pages || model->base > model->start)
		atomic_long_inc(&model->false_refusals);
}
