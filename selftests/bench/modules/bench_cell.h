/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cells: one contestant plays all traces once.
 */
#ifndef _BENCH_CELL_H
#define _BENCH_CELL_H

#include <linux/types.h>

#include "bench_erase.h"
#include "bench_memory.h"
#include "bench_player.h"
#include "bench_stats.h"

struct bench_request;
struct bench_trace;

/**
 * struct bench_cell - what one contestant did with the traces
 * @request: what was run
 * @name: of the contestant
 * @repeat: which time
 * @prepared: answers before the timed part
 * @counts: answers of the timed part
 * @stats: durations of all players
 * @units: units timed, of all players
 * @cpu_ns: CPU time of all players
 * @wall_ps: from the first unit to the last
 * @longest_ps: the longest chunk
 * @batch: units a batch, at least
 * @capped: somebody gave up
 * @errors: wrong answers
 * @false_refusals: refusals of what there was room for
 * @empty: memory before the domain was made
 * @ready: memory when all was prepared
 * @after: memory after the timed part
 * @live: ranges that are live after the timed part
 * @used_ready: pages from the lowest live one to the limit, when all was prepared
 * @used_after: and after the timed part
 * @drained: what was deferred, and its drain
 */
struct bench_cell {
	const struct bench_request *request;
	const char *name;
	unsigned int repeat;
	struct bench_counts prepared;
	struct bench_counts counts;
	struct bench_stats stats;
	u64 units;
	u64 cpu_ns;
	u64 wall_ps;
	u64 longest_ps;
	unsigned int batch;
	bool capped;
	u64 errors;
	u64 false_refusals;
	struct bench_memory empty;
	struct bench_memory ready;
	struct bench_memory after;
	u64 live;
	u64 used_ready;
	u64 used_after;
	struct bench_drained drained;
};

int bench_cell_run(struct bench_cell *cell, struct bench_trace *const *traces);

#endif /* _BENCH_CELL_H */
