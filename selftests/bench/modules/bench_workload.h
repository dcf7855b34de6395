/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Workloads: which steps, in which order.
 */
#ifndef _BENCH_WORKLOAD_H
#define _BENCH_WORKLOAD_H

#include <linux/types.h>

struct bench_request;
struct bench_trace;
struct test_rng;

/**
 * struct bench_workload - a way to use an allocator
 * @name: what users call it
 * @unit: what is timed
 * @build: makes the steps; returns 0, or -EINVAL after a complaint
 * @n: live ranges when the request does not say
 * @units: units when the request does not say, 0 for as many as there are ranges
 * @full: the space has as many pages as there are ranges
 * @limit: highest pfn when the request does not say, 0 for 48 bits of address
 * @size: pages of a range when the request does not say
 * @queue: frees are held back, and come in bursts of so many, in softirq
 * @cross: frees are made by another CPU than the one that allocates
 * @one_go: a chunk ends only when all is done
 * @defer: erases fail in the timed part, and what they leave is drained behind it
 * @unaligned: not naturally aligned when the request does not say
 */
struct bench_workload {
	const char *name;
	const char *unit;
	int (*build)(const struct bench_request *request,
		     struct bench_trace *trace, struct test_rng *rng);
	unsigned long n;
	unsigned long units;
	bool full;
	unsigned long limit;
	unsigned long size;
	unsigned int queue;
	bool cross;
	bool one_go;
	bool defer;
	bool unaligned;
};

const struct bench_workload *bench_workload_find(const char *name);
void bench_workload_names(char *buffer, size_t size);
struct bench_trace *bench_workload_trace(const struct bench_request *request,
					 unsigned int thread);

#endif /* _BENCH_WORKLOAD_H */
