// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text: what the benchmark has said since the last request.
 *
 * Lines that begin with # are for people. Calls nothing of the benchmark: all its
 * files may complain.
 *
 * Locks: the caller's, who runs one request at a time.
 */
#define pr_fmt(fmt) "iova_mt_bench: " fmt

#include <linux/printk.h>
#include <linux/stdarg.h>
#include <linux/vmalloc.h>

#include "bench_text.h"

#define ROOM	(4UL << 20)

static char *text;
static size_t used;

/**
 * bench_text_init() - make room for the text
 *
 * Context: Process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int bench_text_init(void)
{
	text = vzalloc(ROOM);
	return text ? 0 : -ENOMEM;
}

/**
 * bench_text_exit() - free the text
 *
 * Context: Process, may sleep.
 */
void bench_text_exit(void)
{
	vfree(text);
}

/**
 * bench_text_clear() - forget what has been said
 */
void bench_text_clear(void)
{
	used = 0;
}

/**
 * bench_text_add() - say something
 * @fmt: as printf() takes it
 */
void bench_text_add(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	used += vscnprintf(text + used, ROOM - used, fmt, args);
	va_end(args);
}

/**
 * bench_text_read() - what has been said
 * @where: gets it
 *
 * Return: how many characters.
 */
size_t bench_text_read(const char **where)
{
	*where = text;
	return used;
}

/**
 * bench_complain() - say why a request is refused
 * @fmt: as printf() takes it, without a new line
 *
 * Context: Process, while a request runs.
 */
void bench_complain(const char *fmt, ...)
{
	struct va_format format = { .fmt = fmt };
	va_list args;

	va_start(args, fmt);
	format.va = &args;
	pr_err("%pV\n", &format);
	va_end(args);
	va_start(args, fmt);
	format.va = &args;
	bench_text_add("# refused: %pV\n", &format);
	va_end(args);
}
