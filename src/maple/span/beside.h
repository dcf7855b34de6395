/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Beside: blocks of free pages that lie partly in a span, partly beside it.
 */
#ifndef _IOVA_MT_BESIDE_H
#define _IOVA_MT_BESIDE_H

struct iova_mt_spans;
struct iova_mt_wanted;

int iova_mt_beside_alloc(struct iova_mt_spans *spans,
			 const struct iova_mt_wanted *wanted, unsigned long *pfn);

#endif /* _IOVA_MT_BESIDE_H */
