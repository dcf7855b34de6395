/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The version: in modinfo, in the line at load, and the same in dkms.conf.
 */
#ifndef _IOVA_MT_VERSION_H
#define _IOVA_MT_VERSION_H

#define IOVA_MT_VERSION	"0.1.0"

#endif /* _IOVA_MT_VERSION_H */
