// SPDX-License-Identifier: GPL-2.0-only
/*
 * Output: what a cell has come to, as lines of text.
 *
 * Lines of tab-separated values: label, workload, n, size, threads, context,
 * contestant, repeat, figure, value.
 *
 * Locks: the caller's, who runs one request at a time.
 */
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include <iova_mt/ops.h>

#include "bench_cell.h"
#include "bench_contestant.h"
#include "bench_output.h"
#include "bench_request.h"
#include "bench_text.h"
#include "bench_workload.h"

static const char *const context_names[] = {
	[BENCH_TASK] = "task",
	[BENCH_SOFTIRQ] = "softirq",
	[BENCH_HARDIRQ] = "hardirq",
};

static void say_prefix(const struct bench_cell *cell, const char *figure)
{
	const struct bench_request *request = cell->request;

	bench_text_add("%s\t%s\t%lu\t%lu-%lu\t%u\t%s\t%s\t%u\t%s\t",
		       request->label, request->workload->name, request->n,
		       request->size_min, request->size_max, request->threads,
		       context_names[request->context], cell->name,
		       cell->repeat, figure);
}

static void say_number(const struct bench_cell *cell, const char *figure,
		       s64 value)
{
	say_prefix(cell, figure);
	bench_text_add("%lld\n", value);
}

/* Thousandths, with a point. */
static void say_milli(const struct bench_cell *cell, const char *figure,
		      u64 value)
{
	u32 milli;

	value = div_u64_rem(value, 1000, &milli);
	say_prefix(cell, figure);
	bench_text_add("%llu.%03u\n", value, milli);
}

static u64 ratio(u64 value, u64 of)
{
	return of ? div64_u64(value, of) : 0;
}

static void say_times(const struct bench_cell *cell)
{
	const struct bench_stats *stats = &cell->stats;

	say_number(cell, "units", cell->units);
	say_milli(cell, "mean_ns", ratio(cell->cpu_ns * 1000, cell->units));
	say_milli(cell, "wall_ns", ratio(cell->wall_ps, cell->units));
	say_milli(cell, "p50_ns", bench_stats_percentile(stats, 5000));
	say_milli(cell, "p99_ns", bench_stats_percentile(stats, 9900));
	say_milli(cell, "p99.9_ns", bench_stats_percentile(stats, 9990));
	say_milli(cell, "max_ns", stats->max);
	say_milli(cell, "deviation_ns", bench_stats_deviation(stats));
	say_milli(cell, "longest_chunk_ns", cell->longest_ps);
	say_number(cell, "batch", cell->batch);
	say_number(cell, "capped", cell->capped);
}

static void say_counts(const struct bench_cell *cell)
{
	const struct bench_counts *prepared = &cell->prepared;
	const struct bench_counts *counts = &cell->counts;

	say_number(cell, "prepare_ok", prepared->ok);
	say_number(cell, "prepare_refused", prepared->refused);
	say_number(cell, "ok", counts->ok);
	say_number(cell, "refused", counts->refused);
	say_number(cell, "tries_ok", counts->tries_ok);
	say_number(cell, "tries_refused", counts->tries_refused);
	say_number(cell, "freed", counts->freed);
	say_number(cell, "skipped", counts->skipped);
	say_milli(cell, "success", ratio(counts->ok * 1000,
					 counts->ok + counts->refused));
	if (!cell->request->verify)
		return;
	say_number(cell, "errors", cell->errors);
	say_number(cell, "false_refusals", cell->false_refusals);
}

static void say_memory(const struct bench_cell *cell)
{
	say_number(cell, "slab_ready", cell->ready.slab - cell->empty.slab);
	say_number(cell, "slab_after", cell->after.slab - cell->empty.slab);
	say_number(cell, "pages_ready", cell->empty.free - cell->ready.free);
	say_number(cell, "pages_after", cell->empty.free - cell->after.free);
	say_number(cell, "live", cell->live);
	say_number(cell, "used_ready", cell->used_ready);
	say_number(cell, "used_after", cell->used_after);
}

static void say_lock(const struct bench_cell *cell, struct bench_entry *entry)
{
	struct iova_mt_lock_stat *stat;

	stat = kzalloc(sizeof(*stat), GFP_KERNEL);
	if (stat && bench_entry_lock(entry, stat)) {
		say_number(cell, "lock_holds", iova_mt_lock_times_nr(&stat->hold));
		say_number(cell, "lock_hold_mean_ns",
			   ratio(stat->hold.sum, iova_mt_lock_times_nr(&stat->hold)));
		say_number(cell, "lock_hold_max_ns", stat->hold.max);
		say_number(cell, "lock_wait_mean_ns",
			   ratio(stat->wait.sum, iova_mt_lock_times_nr(&stat->wait)));
		say_number(cell, "lock_wait_max_ns", stat->wait.max);
		say_number(cell, "irqs_off_max_ns", stat->irqs_off_max);
	}
	kfree(stat);
}

static void say_deferred(const struct bench_cell *cell)
{
	const struct iova_mt_backlog *backlog = &cell->drained.backlog;

	if (!backlog->total_deferred)
		return;
	say_number(cell, "deferred", backlog->total_deferred);
	say_number(cell, "drained_by_alloc", backlog->drained_by_alloc);
	say_number(cell, "drained_by_worker", backlog->drained_by_worker);
	say_number(cell, "taken_over", backlog->taken_over);
	say_number(cell, "drained", cell->drained.ranges);
	say_number(cell, "drain_ns", cell->drained.ns);
}

static void say_histogram(const struct bench_cell *cell)
{
	unsigned int i;

	say_prefix(cell, "histogram_ps");
	for (i = 0; i < BENCH_BUCKETS; i++)
		if (cell->stats.bucket[i])
			bench_text_add("%llu:%u ", bench_stats_value(i),
				       cell->stats.bucket[i]);
	bench_text_add("\n");
}

static void say_counter(void *arg, const char *name, u64 value)
{
	const struct bench_cell *cell = arg;
	char figure[BENCH_LABEL_MAX];

	if (!value)
		return;
	snprintf(figure, sizeof(figure), "c.%s", name);
	say_number(cell, figure, value);
}

/**
 * bench_output_cell() - say what a contestant did
 * @cell: what it did
 * @entry: the contestant, for its own counters
 */
void bench_output_cell(const struct bench_cell *cell, struct bench_entry *entry)
{
	say_times(cell);
	say_counts(cell);
	say_memory(cell);
	say_histogram(cell);
	say_deferred(cell);
	say_lock(cell, entry);
	bench_entry_counters(entry, say_counter, (void *)cell);
}
