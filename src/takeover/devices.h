/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices: whose DMA an owned domain serves.
 */
#ifndef _IOVA_MT_DEVICES_H
#define _IOVA_MT_DEVICES_H

struct device;
struct seq_file;

/**
 * typedef iova_mt_devices_fn - told of a device
 * @dev: the device
 * @id: number of the owned domain that serves it; 0 when that could not be seen
 * @arg: of the caller
 */
typedef void (*iova_mt_devices_fn)(struct device *dev, unsigned int id,
				   void *arg);

void iova_mt_devices_for_each(iova_mt_devices_fn fn, void *arg);

/* For debugfs: "<domain> <bus>/<device>" lines. Context: Process, may sleep. */
void iova_mt_devices_show(struct seq_file *m);

#endif /* _IOVA_MT_DEVICES_H */
