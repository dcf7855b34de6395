/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text: what the benchmark has said since the last request.
 */
#ifndef _BENCH_TEXT_H
#define _BENCH_TEXT_H

#include <linux/compiler_attributes.h>
#include <linux/types.h>

int bench_text_init(void);
void bench_text_exit(void);
void bench_text_clear(void);
__printf(1, 2) void bench_text_add(const char *fmt, ...);
size_t bench_text_read(const char **where);
__printf(1, 2) void bench_complain(const char *fmt, ...);

#endif /* _BENCH_TEXT_H */
