/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Takeover: struct iova_domains of the kernel that iova_mt serves.
 */
#ifndef _IOVA_MT_TAKEOVER_H
#define _IOVA_MT_TAKEOVER_H

#include <linux/types.h>

struct seq_file;

/**
 * enum iova_mt_takeover_mode - which domains are taken over
 * @IOVA_MT_TAKEOVER_OFF: none
 * @IOVA_MT_TAKEOVER_NEW: those that are created from now on
 */
enum iova_mt_takeover_mode {
	IOVA_MT_TAKEOVER_OFF,
	IOVA_MT_TAKEOVER_NEW,
};

int iova_mt_takeover_init(enum iova_mt_takeover_mode mode,
			  const char *allocator);
void iova_mt_takeover_exit(void);
int iova_mt_takeover_set_mode(enum iova_mt_takeover_mode mode);
enum iova_mt_takeover_mode iova_mt_takeover_get_mode(void);

/* For debugfs: "name: value" lines. Context: Process. */
void iova_mt_takeover_show_state(struct seq_file *m);
void iova_mt_takeover_show_functions(struct seq_file *m);
void iova_mt_takeover_show_calls(struct seq_file *m);

#endif /* _IOVA_MT_TAKEOVER_H */
