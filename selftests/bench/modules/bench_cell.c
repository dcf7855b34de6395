// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cells: one contestant plays all traces once.
 *
 * Makes the domain, prepares, lets all players run at once, and adds up what
 * they have seen.
 *
 * Locks: none.
 */
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "bench_cell.h"
#include "bench_clock.h"
#include "bench_contestant.h"
#include "bench_context.h"
#include "bench_model.h"
#include "bench_output.h"
#include "bench_request.h"
#include "bench_workload.h"

/**
 * struct stage - what a cell needs while it runs
 * @cell: the cell
 * @entry: the contestant
 * @model: what it is checked with, if it is
 * @players: one a thread
 */
struct stage {
	struct bench_cell *cell;
	struct bench_entry *entry;
	struct bench_model model;
	void *players[BENCH_THREADS_MAX];
};

static void counts_add(struct bench_counts *into, const struct bench_counts *from)
{
	into->ok += from->ok;
	into->refused += from->refused;
	into->tries_ok += from->tries_ok;
	into->tries_refused += from->tries_refused;
	into->freed += from->freed;
	into->skipped += from->skipped;
}

static u64 used_pages(const struct stage *stage)
{
	const struct bench_request *request = stage->cell->request;
	unsigned long lowest = ULONG_MAX;
	unsigned int i;

	for (i = 0; i < request->threads; i++)
		lowest = min(lowest, bench_player_lowest(stage->players[i]));
	return lowest > request->limit ? 0 : request->limit - lowest + 1;
}

/* Caches are as empty as those of a contestant that has only allocated. */
static void prepare_fn(void *arg)
{
	struct stage *stage = arg;
	unsigned int i;

	for (i = 0; i < stage->cell->request->threads; i++)
		bench_player_prepare(stage->players[i]);
	if (stage->entry->kind->flush && !stage->cell->request->warm)
		stage->entry->kind->flush(stage->entry);
}

static void sum_up(struct stage *stage)
{
	struct bench_cell *cell = stage->cell;
	u64 started = U64_MAX, ended = 0;
	unsigned int i;

	cell->batch = UINT_MAX;
	for (i = 0; i < cell->request->threads; i++) {
		const struct bench_player *player = stage->players[i];

		counts_add(&cell->prepared, &player->prepared);
		counts_add(&cell->counts, &player->counts);
		bench_stats_merge(&cell->stats, &player->stats);
		cell->units += player->units;
		cell->cpu_ns += player->cpu_ns;
		cell->longest_ps = max(cell->longest_ps,
				       bench_clock_ps(player->longest));
		cell->batch = min(cell->batch, player->batch);
		cell->capped |= player->capped;
		started = min(started, player->started);
		ended = max(ended, player->ended);
	}
	cell->used_after = used_pages(stage);
	cell->wall_ps = bench_clock_ps(ended - started);
	cell->live = cell->prepared.ok + cell->counts.ok -
		     cell->prepared.freed - cell->counts.freed;
	cell->errors = atomic_long_read(&stage->model.errors);
	cell->false_refusals = atomic_long_read(&stage->model.false_refusals);
}

static int perform(struct stage *stage)
{
	struct bench_cell *cell = stage->cell;
	void *self = stage;
	int ret;

	ret = bench_context_threads(prepare_fn, &self, 1);
	if (ret)
		return ret;
	bench_memory_read(&cell->ready);
	cell->used_ready = used_pages(stage);
	bench_entry_mark(stage->entry);
	bench_erase_arm(cell->request->workload->defer);
	ret = bench_context_threads(bench_player_run, stage->players,
				    cell->request->threads);
	if (!ret)
		bench_erase_drain(stage->entry, &cell->drained);
	bench_erase_arm(false);
	if (ret)
		return ret;
	bench_memory_read(&cell->after);
	sum_up(stage);
	bench_output_cell(cell, stage->entry);
	return 0;
}

/* The domain is made last: all that is taken from then on is the contestant's. */
static int stage_run(struct stage *stage)
{
	struct bench_cell *cell = stage->cell;
	unsigned int i;
	int ret;

	bench_memory_read(&cell->empty);
	stage->entry = bench_entry_open(cell->request, cell->name);
	if (IS_ERR(stage->entry))
		return PTR_ERR(stage->entry);
	for (i = 0; i < cell->request->threads; i++)
		((struct bench_player *)stage->players[i])->entry = stage->entry;
	ret = perform(stage);
	bench_entry_close(stage->entry);
	return ret;
}

static void stage_exit(struct stage *stage)
{
	unsigned int i;

	for (i = 0; i < stage->cell->request->threads; i++)
		bench_player_free(stage->players[i]);
	if (stage->cell->request->verify)
		bench_model_exit(&stage->model);
}

static int stage_init(struct stage *stage, struct bench_cell *cell,
		      struct bench_trace *const *traces)
{
	const struct bench_request *request = cell->request;
	struct bench_model *model = request->verify ? &stage->model : NULL;
	unsigned int i;

	stage->cell = cell;
	if (model && bench_model_init(model, request))
		return -ENOMEM;
	for (i = 0; i < request->threads; i++) {
		stage->players[i] = bench_player_make(request, traces[i], model);
		if (!stage->players[i]) {
			stage_exit(stage);
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * bench_cell_run() - let a contestant play
 * @cell: who, and what; gets what came out
 * @traces: one a thread
 *
 * Context: Process, sleeps.
 * Return: 0; -ENOMEM; what bench_entry_open() or making a thread returns.
 */
int bench_cell_run(struct bench_cell *cell, struct bench_trace *const *traces)
{
	struct stage *stage;
	int ret;

	stage = kvzalloc(sizeof(*stage), GFP_KERNEL);
	if (!stage)
		return -ENOMEM;
	ret = stage_init(stage, cell, traces);
	if (!ret) {
		ret = stage_run(stage);
		stage_exit(stage);
	}
	kvfree(stage);
	return ret;
}
