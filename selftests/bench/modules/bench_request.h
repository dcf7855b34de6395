/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests: what to run.
 *
 * A request, written to debugfs, names a workload and its numbers. From these
 * and a seed come traces, one for each thread: the same requests for every
 * contestant. A cell is one contestant that plays the traces once. Players play
 * them, one a thread, in batches whose durations go into statistics.
 *
 * Vocabulary, beyond that of <iova_mt/iova_mt.h>:
 *
 * step		one call: an allocation or a free
 * unit		what a workload counts and times: one step, a pair, three steps
 * batch	units between two looks at the clock
 * chunk	batches that run without giving the CPU away
 * slot		where a player keeps the range that one step got for another
 * prepare	the part of a trace that makes the state, and is not timed
 */
#ifndef _BENCH_REQUEST_H
#define _BENCH_REQUEST_H

#include <linux/types.h>

#include "bench_context.h"

#define BENCH_LABEL_MAX		48
#define BENCH_CONTESTANTS_MAX	12
#define BENCH_THREADS_MAX	64

struct bench_workload;

/**
 * struct bench_request - what to run
 * @workload: which
 * @label: what the rows are called
 * @contestants: names
 * @nr_contestants: how many
 * @n: live ranges of all threads together
 * @units: timed units of each thread; 0 for what the workload has by itself
 * @warm: units before those that are timed
 * @size_min: pages of a range, at least
 * @size_max: and at most
 * @limit: highest pfn
 * @aligned: natural alignment
 * @flush: caches are emptied before an allocation is refused
 * @threads: how many, each on a CPU of its own
 * @context: where they run
 * @batch: units a batch
 * @verify: check every answer
 * @seed: of the traces
 * @cap_ms: give up timing a contestant after so long
 * @repeat: how often all contestants play
 */
struct bench_request {
	const struct bench_workload *workload;
	char label[BENCH_LABEL_MAX];
	char contestants[BENCH_CONTESTANTS_MAX][BENCH_LABEL_MAX];
	unsigned int nr_contestants;
	unsigned long n;
	unsigned long units;
	unsigned long warm;
	unsigned long size_min;
	unsigned long size_max;
	unsigned long limit;
	bool aligned;
	bool flush;
	unsigned int threads;
	enum bench_context context;
	unsigned int batch;
	bool verify;
	u64 seed;
	unsigned int cap_ms;
	unsigned int repeat;
};

int bench_request_parse(struct bench_request *request, char *words);

#endif /* _BENCH_REQUEST_H */
