// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark module: debugfs.
 *
 *	/sys/kernel/debug/iova_mt_bench/run	write a request: it is run now
 *	/sys/kernel/debug/iova_mt_bench/results	what came out of the last one
 *
 * A request is a line of name=value words, see bench_request.c. A write fails
 * with EINVAL when a word is not valid; why is in the log and in results.
 *
 * Locks: a mutex, for one request at a time.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bench_cell.h"
#include "bench_clock.h"
#include "bench_request.h"
#include "bench_text.h"
#include "bench_trace.h"
#include "bench_workload.h"

#define WORDS_MAX	1024

static struct dentry *directory;
static DEFINE_MUTEX(mutex);	/* one request at a time; the output */

static void say_request(const struct bench_request *request,
			struct bench_trace *const *traces)
{
	unsigned int i;

	bench_text_add("# %s (%llu ns a look)\n", bench_clock_names(),
		       bench_clock_cpu_cost_ns);
	bench_text_add("# a unit is: %s\n", request->workload->unit);
	for (i = 0; i < request->threads; i++)
		bench_text_add("# trace %u: %lu steps, hash %016llx\n", i,
			       traces[i]->nr, bench_trace_hash(traces[i]));
}

/*
 * Contestants that were asked the same should have the same success. One that
 * was given up has been asked less.
 */
static void compare(const struct bench_cell *cells, unsigned int nr)
{
	const struct bench_cell *first = NULL;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		const struct bench_cell *cell = &cells[i];

		if (cell->capped)
			continue;
		if (!first)
			first = cell;
		if (cell->prepared.ok == first->prepared.ok &&
		    cell->counts.ok == first->counts.ok &&
		    cell->counts.tries_ok == first->counts.tries_ok)
			continue;
		bench_text_add("# differs: %s got %llu+%llu+%llu ranges, %s %llu+%llu+%llu\n",
			       first->name, first->prepared.ok,
			       first->counts.ok, first->counts.tries_ok,
			       cell->name, cell->prepared.ok,
			       cell->counts.ok, cell->counts.tries_ok);
	}
}

static bool interrupted(void)
{
	return fatal_signal_pending(current);
}

static int play_all(const struct bench_request *request,
		    struct bench_trace *const *traces)
{
	const unsigned int nr = request->nr_contestants;
	struct bench_cell *cells;
	unsigned int repeat, i;
	int ret = 0;

	cells = kvcalloc(nr, sizeof(*cells), GFP_KERNEL);
	if (!cells)
		return -ENOMEM;
	for (repeat = 0; repeat < request->repeat && !ret; repeat++) {
		for (i = 0; i < nr && !ret; i++) {
			memset(&cells[i], 0, sizeof(cells[i]));
			cells[i].request = request;
			cells[i].name = request->contestants[i];
			cells[i].repeat = repeat;
			ret = bench_cell_run(&cells[i], traces);
			if (!ret && interrupted())
				ret = -EINTR;
		}
		if (!ret && !repeat)
			compare(cells, nr);
	}
	kvfree(cells);
	return ret;
}

static int run_request(const struct bench_request *request)
{
	struct bench_trace *traces[BENCH_THREADS_MAX] = {};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < request->threads && !ret; i++) {
		traces[i] = bench_workload_trace(request, i);
		if (IS_ERR(traces[i])) {
			ret = PTR_ERR(traces[i]);
			traces[i] = NULL;
		}
	}
	if (!ret) {
		say_request(request, traces);
		ret = play_all(request, traces);
	}
	for (i = 0; i < request->threads; i++)
		bench_trace_free(traces[i]);
	return ret;
}

static ssize_t run_write(struct file *file, const char __user *buffer,
			 size_t count, loff_t *pos)
{
	struct bench_request *request;
	char *words;
	int ret;

	if (count > WORDS_MAX)
		return -EINVAL;
	words = memdup_user_nul(buffer, count);
	if (IS_ERR(words))
		return PTR_ERR(words);
	request = kzalloc(sizeof(*request), GFP_KERNEL);
	if (!request) {
		kfree(words);
		return -ENOMEM;
	}
	mutex_lock(&mutex);
	bench_text_clear();
	ret = bench_request_parse(request, words);
	if (!ret)
		ret = run_request(request);
	mutex_unlock(&mutex);
	kfree(request);
	kfree(words);
	return ret ? ret : count;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = run_write,
};

static ssize_t results_read(struct file *file, char __user *buffer,
			    size_t count, loff_t *pos)
{
	const char *text;
	ssize_t ret;

	mutex_lock(&mutex);
	ret = bench_text_read(&text);
	ret = simple_read_from_buffer(buffer, count, pos, text, ret);
	mutex_unlock(&mutex);
	return ret;
}

static const struct file_operations results_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = results_read,
};

static int __init bench_init(void)
{
	int ret;

	ret = bench_clock_init();
	if (ret)
		return ret;
	ret = bench_text_init();
	if (ret)
		return ret;
	directory = debugfs_create_dir("iova_mt_bench", NULL);
	debugfs_create_file("run", 0200, directory, NULL, &run_fops);
	debugfs_create_file("results", 0400, directory, NULL, &results_fops);
	return 0;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
	debugfs_remove(directory);
	bench_text_exit();
}
module_exit(bench_exit);

MODULE_DESCRIPTION("Benchmark of IOVA allocators");
MODULE_LICENSE("GPL");
/*
 * MODULE_IMPORT_NS() takes a word up to 6.12 and a string since; this is what
 * both make of it.
 */
MODULE_INFO(import_ns, "IOVA_MT");
