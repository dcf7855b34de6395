/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The benchmark: what its files have in common.
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
#ifndef _BENCH_H
#define _BENCH_H

#include <linux/bits.h>
#include <linux/types.h>

#include <iova_mt/iova_mt.h>
#include <iova_mt/ops.h>

#include "bench_clock.h"
#include "bench_model.h"
#include "bench_stats.h"
#include "../../modules/test_rng.h"

#define BENCH_LABEL_MAX		48
#define BENCH_CONTESTANTS_MAX	12
#define BENCH_THREADS_MAX	64

/* --- Requests ------------------------------------------------------------- */

enum bench_context { BENCH_TASK, BENCH_SOFTIRQ, BENCH_HARDIRQ };

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
__printf(1, 2) void bench_complain(const char *fmt, ...);

/* --- Workloads and traces ------------------------------------------------- */

/**
 * enum bench_op - what a step does
 * @BENCH_ALLOC: allocate into a slot
 * @BENCH_FREE: free what is in a slot, if anything is
 * @BENCH_TRY: allocate what there is no room for; free it, should there be
 * @BENCH_FREE_PFN: free the range that begins at a pfn
 */
enum bench_op { BENCH_ALLOC, BENCH_FREE, BENCH_TRY, BENCH_FREE_PFN };

/**
 * struct bench_step - one call
 * @slot: which slot; the pfn for BENCH_FREE_PFN
 * @size: pages
 * @op: enum bench_op
 */
struct bench_step {
	u32 slot;
	u32 size : 28;
	u32 op : 4;
};

/**
 * struct bench_trace - the steps of one player
 * @steps: all of them, those that prepare first
 * @nr: how many
 * @room: for how many there is room
 * @prepare: how many prepare
 * @arm: from which one on of those erases fail, 0 for none
 * @unit: steps a unit
 * @slots: how many slots they use
 */
struct bench_trace {
	struct bench_step *steps;
	unsigned long nr;
	unsigned long room;
	unsigned long prepare;
	unsigned long arm;
	unsigned int unit;
	unsigned long slots;
};

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

struct bench_trace *bench_trace_make(const struct bench_request *request,
				     unsigned int thread);
void bench_trace_free(struct bench_trace *trace);
bool bench_trace_add(struct bench_trace *trace, enum bench_op op,
		     unsigned long slot, unsigned long size);
u64 bench_trace_hash(const struct bench_trace *trace);

/* --- Contestants ---------------------------------------------------------- */

struct bench_entry;

/**
 * struct bench_kind - how a contestant is called
 * @alloc: takes pages; 0 or an error
 * @free: gives them back
 * @flush: empties its caches, or NULL
 * @close: ends it
 */
struct bench_kind {
	int (*alloc)(struct bench_entry *entry, unsigned long size,
		     unsigned long *pfn);
	void (*free)(struct bench_entry *entry, unsigned long pfn,
		     unsigned long size);
	void (*flush)(struct bench_entry *entry);
	void (*close)(struct bench_entry *entry);
};

/**
 * struct bench_entry - a contestant with its domain
 * @kind: how it is called
 * @name: what users call it
 * @domain: its domain, for those that are in the registry
 * @direct: that of the kernel's own, called without the ops table
 * @next: the next pfn of the one that does nothing
 * @limit: highest pfn
 * @flags: of iova_mt_alloc()
 * @before: its own counters before the timed part
 */
struct bench_entry {
	const struct bench_kind *kind;
	const char *name;
	struct iova_mt_domain *domain;
	struct iova_domain *direct;
	unsigned long next;
	unsigned long limit;
	unsigned int flags;
	u64 *before;
};

struct bench_entry *bench_entry_open(const struct bench_request *request,
				     const char *name);
void bench_entry_close(struct bench_entry *entry);
void bench_entry_mark(struct bench_entry *entry);
void bench_entry_counters(struct bench_entry *entry,
			  void (*fn)(void *arg, const char *name, u64 value),
			  void *arg);

bool bench_entry_lock(struct bench_entry *entry, struct iova_mt_lock_stat *stat);

/* --- Players and cells ---------------------------------------------------- */

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

int bench_context_init(void);
void bench_context_run(enum bench_context context, void (*fn)(void *arg),
		       void *arg);
int bench_context_threads(void (*fn)(void *arg), void **args, unsigned int nr);

/**
 * struct bench_memory - memory of the machine
 * @slab: bytes in slabs, large requests included
 * @free: bytes that nobody has
 */
struct bench_memory {
	s64 slab;
	s64 free;
};

void bench_memory_read(struct bench_memory *memory);

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
 * @backlog: of the domain, when it has been drained
 * @drain_ns: CPU time of that
 * @drained: ranges erased by it
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
	struct iova_mt_backlog backlog;
	u64 drain_ns;
	u64 drained;
};

int bench_cell_run(struct bench_cell *cell, struct bench_trace *const *traces);

int bench_defer_arm(bool on);
void bench_defer_drain(struct bench_cell *cell, struct bench_entry *entry);

/* --- Output --------------------------------------------------------------- */

int bench_output_init(void);
void bench_output_exit(void);
void bench_output_clear(void);
__printf(1, 2) void bench_output_add(const char *fmt, ...);
void bench_output_cell(const struct bench_cell *cell,
		       struct bench_entry *entry);
size_t bench_output_text(const char **text);

#endif /* _BENCH_H */
