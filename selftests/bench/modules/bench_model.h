/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model: which pages are taken.
 */
#ifndef _BENCH_MODEL_H
#define _BENCH_MODEL_H

#include <linux/atomic.h>
#include <linux/types.h>

struct bench_request;

/**
 * struct bench_model - which pages are taken, for those who doubt an allocator
 * @map: a bit a page, from @base on
 * @base: first pfn
 * @pages: how many
 * @start: lowest pfn that may be handed out
 * @limit: highest pfn
 * @aligned: ranges are naturally aligned
 * @alone: one player: what it is refused can be judged
 * @errors: answers that are wrong
 * @false_refusals: refusals of what there was room for
 */
struct bench_model {
	unsigned long *map;
	unsigned long base;
	unsigned long pages;
	unsigned long start;
	unsigned long limit;
	bool aligned;
	bool alone;
	atomic_long_t errors;
	atomic_long_t false_refusals;
};

int bench_model_init(struct bench_model *model,
		     const struct bench_request *request);
void bench_model_exit(struct bench_model *model);
void bench_model_taken(struct bench_model *model, unsigned long pfn,
		       unsigned long size);
void bench_model_freed(struct bench_model *model, unsigned long pfn,
		       unsigned long size);
void bench_model_refused(struct bench_model *model, unsigned long size);

#endif /* _BENCH_MODEL_H */
