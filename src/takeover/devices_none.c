// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: none, in a kernel whose DMA does not go through struct iova_domain.
 */
#include <linux/seq_file.h>

#include "devices.h"
#include "owned.h"

/* Context: Process. */
void iova_mt_devices_for_each(iova_mt_devices_fn fn, void *arg)
{
}

/**
 * iova_mt_devices_show() - print which devices owned domains serve
 * @m: where to
 *
 * Context: Process.
 */
void iova_mt_devices_show(struct seq_file *m)
{
	seq_puts(m, "# not known: this kernel has no DMA API for IOMMUs\n");
	iova_mt_owned_show_others(m);
}
