/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices: whose DMA an owned domain serves.
 */
#ifndef _IOVA_MT_DEVICES_H
#define _IOVA_MT_DEVICES_H

struct seq_file;

/* For debugfs: "<domain> <bus>/<device>" lines. Context: Process, may sleep. */
void iova_mt_devices_show(struct seq_file *m);

#endif /* _IOVA_MT_DEVICES_H */
