/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Output: what a cell has come to, as lines of text.
 */
#ifndef _BENCH_OUTPUT_H
#define _BENCH_OUTPUT_H

struct bench_cell;
struct bench_entry;

void bench_output_cell(const struct bench_cell *cell,
		       struct bench_entry *entry);

#endif /* _BENCH_OUTPUT_H */
