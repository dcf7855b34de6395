// SPDX-License-Identifier: GPL-2.0-only
/*
 * Players: make the steps of a trace, and time them.
 *
 * The clock is read around batches of units, and the CPU's clock around chunks
 * of batches. Between chunks the CPU can be given to others, and the player may
 * be in another context than that of the steps.
 *
 * Locks: none; a player is used by one thread at a time.
 */
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include "bench_clock.h"
#include "bench_contestant.h"
#include "bench_context.h"
#include "bench_erase.h"
#include "bench_model.h"
#include "bench_player.h"
#include "bench_request.h"
#include "bench_trace.h"
#include "bench_workload.h"

/* A chunk lasts so long, if a batch does not last longer. */
#define CHUNK_US	2000
/* A batch that seems to last longer than this is looked at with both clocks. */
#define SUSPECT_NS	20000ULL
/* The first units are timed one by one, to see how long they take. */
#define PROBE_UNITS	8
/* A batch of units that take longer than this is one unit. */
#define SLOW_NS		20000

/**
 * bench_player_make() - make a player
 * @request: what to run
 * @trace: the steps
 * @model: to check answers with, or NULL
 *
 * Context: Process, may sleep.
 * Return: the player, or NULL without memory.
 */
struct bench_player *bench_player_make(const struct bench_request *request,
				       const struct bench_trace *trace,
				       struct bench_model *model)
{
	struct bench_player *player;

	player = kvzalloc(sizeof(*player), GFP_KERNEL);
	if (!player)
		return NULL;
	player->pfn = kvcalloc(trace->slots, sizeof(*player->pfn), GFP_KERNEL);
	if (!player->pfn) {
		kvfree(player);
		return NULL;
	}
	player->request = request;
	player->trace = trace;
	player->model = model;
	player->chunk_ticks = request->workload->one_go ? U64_MAX :
			      bench_clock_ticks_of_us(CHUNK_US);
	return player;
}

/**
 * bench_player_free() - free a player
 * @player: the player, or NULL; the ranges it holds go with their domain
 *
 * Context: Process, may sleep.
 */
void bench_player_free(struct bench_player *player)
{
	if (!player)
		return;
	kvfree(player->pfn);
	kvfree(player);
}

/* --- Steps ---------------------------------------------------------------- */

static void give(struct bench_player *player, unsigned long pfn,
		 unsigned long size)
{
	if (unlikely(player->model))
		bench_model_freed(player->model, pfn, size);
	player->entry->kind->free(player->entry, pfn, size);
}

static bool take(struct bench_player *player, unsigned long size,
		 unsigned long *pfn)
{
	bool ok = !player->entry->kind->alloc(player->entry, size, pfn);

	if (unlikely(player->model)) {
		if (ok)
			bench_model_taken(player->model, *pfn, size);
		else
			bench_model_refused(player->model, size);
	}
	return ok;
}

static void step_alloc(struct bench_player *player,
		       const struct bench_step *step)
{
	unsigned long pfn;

	if (likely(take(player, step->size, &pfn))) {
		player->pfn[step->slot] = pfn;
		player->counts.ok++;
	} else {
		player->counts.refused++;
	}
}

static void step_free(struct bench_player *player, const struct bench_step *step)
{
	unsigned long pfn = player->pfn[step->slot];

	if (unlikely(!pfn)) {
		player->counts.skipped++;
		return;
	}
	player->pfn[step->slot] = 0;
	give(player, pfn, step->size);
	player->counts.freed++;
}

static void step_try(struct bench_player *player, const struct bench_step *step)
{
	unsigned long pfn;

	if (likely(!take(player, step->size, &pfn))) {
		player->counts.tries_refused++;
		return;
	}
	player->counts.tries_ok++;
	give(player, pfn, step->size);
}

static void play(struct bench_player *player, unsigned long nr)
{
	const struct bench_step *step = &player->trace->steps[player->next];
	const struct bench_step *end = step + nr;

	for (; step < end; step++) {
		switch (step->op) {
		case BENCH_ALLOC:
			step_alloc(player, step);
			break;
		case BENCH_FREE:
			step_free(player, step);
			break;
		case BENCH_TRY:
			step_try(player, step);
			break;
		case BENCH_FREE_PFN:
			give(player, step->slot, step->size);
			player->counts.freed++;
			break;
		}
	}
	player->next += nr;
}

/* --- Chunks --------------------------------------------------------------- */

static u64 units_left(const struct bench_player *player)
{
	return (player->trace->nr - player->next) / player->trace->unit;
}

/*
 * How long has a batch taken? When it seems long, the host may have given the
 * CPU to somebody else meanwhile: then it is what the CPU's own clock has
 * advanced since it was last read, without what came before the batch.
 */
static u64 duration(struct bench_player *player, u64 begun, u64 ended)
{
	u64 ps = bench_clock_ps(ended - begun), cpu_ns, before, ran;

	if (!BENCH_CLOCK_SHARED || ps < SUSPECT_NS * 1000)
		return ps;
	cpu_ns = bench_clock_cpu_ns() - bench_clock_cpu_cost_ns;
	player->cpu_ns -= bench_clock_cpu_cost_ns;
	before = bench_clock_ps(begun - player->seen_ticks);
	ran = (cpu_ns - player->seen_cpu_ns) * 1000;
	player->seen_cpu_ns = cpu_ns + bench_clock_cpu_cost_ns;
	player->seen_ticks = bench_clock_now();
	return min(ran > before ? ran - before : 0, ps);
}

static u64 play_batch(struct bench_player *player, u64 units)
{
	const unsigned int unit = player->trace->unit;
	u64 begun, ended;

	units = min(units, units_left(player));
	begun = bench_clock_now();
	play(player, units * unit);
	ended = bench_clock_now();
	bench_stats_add(&player->stats,
			div64_u64(duration(player, begun, ended), units));
	player->units += units;
	return ended;
}

static bool is_over(struct bench_player *player, u64 now)
{
	if (player->next >= player->trace->nr)
		return true;
	player->capped = now > player->deadline;
	return player->capped;
}

static void play_chunk(void *arg)
{
	struct bench_player *player = arg;
	u64 cpu_ns = bench_clock_cpu_ns();
	u64 begun = bench_clock_now(), now;

	player->seen_cpu_ns = cpu_ns;
	player->seen_ticks = begun;
	do {
		now = play_batch(player, player->batch);
	} while (!is_over(player, now) && now - begun < player->chunk_ticks);
	player->cpu_ns += bench_clock_cpu_ns() - cpu_ns;
	player->longest = max(player->longest, now - begun);
	player->ended = now;
}

/*
 * How many units a batch should be: what is slow enough is timed one by one.
 * These units count, but not as batches.
 */
static void probe(void *arg)
{
	struct bench_player *player = arg;
	const u64 units = min(PROBE_UNITS, units_left(player));
	u64 cpu_ns = bench_clock_cpu_ns();
	u64 begun = bench_clock_now();

	play(player, units * player->trace->unit);
	player->cpu_ns += bench_clock_cpu_ns() - cpu_ns;
	player->ended = bench_clock_now();
	player->units += units;
	if (bench_clock_ps(player->ended - begun) > units * SLOW_NS * 1000)
		player->batch = 1;
}

/* --- Bursts --------------------------------------------------------------- */

/**
 * struct burst - steps that are made somewhere
 * @player: who makes them
 * @nr: how many
 * @ticks: how long that took
 */
struct burst {
	struct bench_player *player;
	unsigned long nr;
	u64 ticks;
};

static void play_burst(void *arg)
{
	struct burst *burst = arg;
	u64 begun = bench_clock_now();

	play(burst->player, burst->nr);
	burst->ticks += bench_clock_now() - begun;
}

/* On another CPU than this one, in a hardirq of it. */
static void play_burst_elsewhere(struct burst *burst)
{
	unsigned int cpu = cpumask_any_but(cpu_online_mask,
					   raw_smp_processor_id());

	smp_call_function_single(cpu, play_burst, burst, true);
}

/*
 * The frees of a burst in a softirq or on another CPU, the allocations here. How
 * long it takes to get there and back is not the allocator's business: only what
 * the steps take is added up.
 */
static void run_bursts(struct bench_player *player)
{
	const struct bench_workload *workload = player->request->workload;
	struct burst burst = { .player = player, .nr = workload->queue };

	do {
		burst.ticks = 0;
		if (workload->cross)
			play_burst_elsewhere(&burst);
		else
			bench_context_run(BENCH_SOFTIRQ, play_burst, &burst);
		play_burst(&burst);
		bench_stats_add(&player->stats,
				div64_u64(bench_clock_ps(burst.ticks), burst.nr));
		player->cpu_ns += div64_u64(bench_clock_ps(burst.ticks), 1000);
		player->longest = max(player->longest, burst.ticks);
		player->units += burst.nr;
		cond_resched();
		player->ended = bench_clock_now();
	} while (!is_over(player, player->ended));
}

/* --- Interface ------------------------------------------------------------ */

/* Where the steps that prepare are interrupted next. */
static unsigned long next_stop(const struct bench_trace *trace,
			       unsigned long step)
{
	return step < trace->arm ? trace->arm : trace->prepare;
}

/**
 * bench_player_prepare() - make the steps that are not timed
 * @player: the player
 *
 * Those that only warm up are left out when they take longer than half of the
 * time limit; then fewer units are warmed up, and the rest is timed.
 *
 * Context: Process, sleeps.
 */
void bench_player_prepare(struct bench_player *player)
{
	const struct bench_trace *trace = player->trace;
	unsigned long end = trace->prepare;
	u64 deadline;

	while (player->next < end) {
		if (trace->arm && player->next == trace->arm)
			bench_erase_arm(true);
		play(player, min(1024, next_stop(trace, player->next) - player->next));
		cond_resched();
	}
	end += player->request->warm * trace->unit;
	deadline = bench_clock_now() +
		   bench_clock_ticks_of_us(player->request->cap_ms * 500ULL);
	while (player->next < end && bench_clock_now() < deadline) {
		play(player, trace->unit);
		if (player->next % 1024 == 0)
			cond_resched();
	}
	player->prepared = player->counts;
	memset(&player->counts, 0, sizeof(player->counts));
}

/**
 * bench_player_run() - make the steps that are timed
 * @arg: the player
 *
 * Context: Process, bound to a CPU; sleeps.
 */
void bench_player_run(void *arg)
{
	struct bench_player *player = arg;
	const struct bench_request *request = player->request;

	player->batch = request->batch;
	player->started = bench_clock_now();
	player->deadline = player->started +
			   bench_clock_ticks_of_us(request->cap_ms * 1000ULL);
	if (request->workload->queue) {
		player->batch = request->workload->queue;
		run_bursts(player);
		return;
	}
	if (player->batch > 1 && !request->workload->one_go)
		bench_context_run(request->context, probe, player);
	while (!is_over(player, bench_clock_now())) {
		bench_context_run(request->context, play_chunk, player);
		cond_resched();
	}
}

/**
 * bench_player_lowest() - the lowest pfn that the player holds
 * @player: the player
 *
 * Return: the pfn, ULONG_MAX when it holds nothing.
 */
unsigned long bench_player_lowest(const struct bench_player *player)
{
	unsigned long i, lowest = ULONG_MAX;

	for (i = 0; i < player->trace->slots; i++)
		if (player->pfn[i])
			lowest = min(lowest, player->pfn[i]);
	return lowest;
}
