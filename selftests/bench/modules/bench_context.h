/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Contexts: where steps run, and on how many CPUs.
 */
#ifndef _BENCH_CONTEXT_H
#define _BENCH_CONTEXT_H

enum bench_context { BENCH_TASK, BENCH_SOFTIRQ, BENCH_HARDIRQ };

void bench_context_run(enum bench_context context, void (*fn)(void *arg),
		       void *arg);
int bench_context_threads(void (*fn)(void *arg), void **args, unsigned int nr);

#endif /* _BENCH_CONTEXT_H */
