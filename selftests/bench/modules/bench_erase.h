/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Erases: those that fail on purpose, and what it takes to catch up.
 */
#ifndef _BENCH_ERASE_H
#define _BENCH_ERASE_H

#include <linux/types.h>

#include <iova_mt/ops.h>

struct bench_entry;

/**
 * struct bench_drained - what was deferred, and its drain
 * @backlog: of the domain, when it has been drained
 * @ns: CPU time of the drain
 * @ranges: ranges erased by it
 */
struct bench_drained {
	struct iova_mt_backlog backlog;
	u64 ns;
	u64 ranges;
};

int bench_erase_arm(bool on);
void bench_erase_drain(struct bench_entry *entry, struct bench_drained *drained);

#endif /* _BENCH_ERASE_H */
