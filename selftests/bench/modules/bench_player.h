/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Players: make the steps of a trace, and time them.
 */
#ifndef _BENCH_PLAYER_H
#define _BENCH_PLAYER_H

#include <linux/types.h>

#include "bench_stats.h"

struct bench_entry;
struct bench_model;
struct bench_request;
struct bench_trace;

/**
 * struct bench_counts - what the answers were
 * @ok: allocations that succeeded
 * @refused: allocations that did not
 * @tries_ok: BENCH_TRY that succeeded
 * @tries_refused: and those that did not, as they should
 * @freed: frees
 * @skipped: frees of what had been refused
 */
struct bench_counts {
	u64 ok;
	u64 refused;
	u64 tries_ok;
	u64 tries_refused;
	u64 freed;
	u64 skipped;
};

/**
 * struct bench_player - who plays a trace
 * @request: what to run
 * @entry: the contestant; the caller sets it before the player is used
 * @trace: the steps
 * @model: to check answers with, or NULL
 * @pfn: a slot each: the first pfn of the range, 0 for none
 * @next: next step
 * @batch: units a batch
 * @chunk_ticks: how long a chunk may last
 * @deadline: when to give up, in ticks
 * @started: when the first unit was timed, in ticks
 * @ended: when the last one had been
 * @cpu_ns: CPU time of all chunks
 * @seen_cpu_ns: the CPU's clock when it was last read
 * @seen_ticks: and the moment
 * @longest: the longest chunk, in ticks
 * @units: units timed
 * @capped: gave up
 * @prepared: answers before the timed part
 * @counts: answers of the timed part
 * @stats: durations
 */
struct bench_player {
	const struct bench_request *request;
	struct bench_entry *entry;
	const struct bench_trace *trace;
	struct bench_model *model;
	unsigned long *pfn;
	unsigned long next;
	unsigned int batch;
	u64 chunk_ticks;
	u64 deadline;
	u64 started;
	u64 ended;
	u64 cpu_ns;
	u64 seen_cpu_ns;
	u64 seen_ticks;
	u64 longest;
	u64 units;
	bool capped;
	struct bench_counts prepared;
	struct bench_counts counts;
	struct bench_stats stats;
};

struct bench_player *bench_player_make(const struct bench_request *request,
				       const struct bench_trace *trace,
				       struct bench_model *model);
void bench_player_free(struct bench_player *player);
void bench_player_prepare(struct bench_player *player);
void bench_player_run(void *player);
unsigned long bench_player_lowest(const struct bench_player *player);

#endif /* _BENCH_PLAYER_H */
