/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Instruments: /sys/kernel/debug/iova_mt. They look, they never decide.
 */
#ifndef _IOVA_MT_INSTRUMENTS_H
#define _IOVA_MT_INSTRUMENTS_H

#include <linux/types.h>

struct seq_file;

/**
 * struct iova_mt_instruments_source - a file that somebody above fills in
 * @dir: directory below the root, made when needed
 * @name: the file
 * @mode: 0444, or 0400 when it shows addresses
 * @show: prints it; called from the init of the instruments to their exit,
 *	whatever state the one above is in
 */
struct iova_mt_instruments_source {
	const char *dir;
	const char *name;
	umode_t mode;
	void (*show)(struct seq_file *m);
};

void iova_mt_instruments_init(const struct iova_mt_instruments_source *sources,
			      size_t nr);
void iova_mt_instruments_exit(void);

#endif /* _IOVA_MT_INSTRUMENTS_H */
