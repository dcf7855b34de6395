/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A span: pages that one entry of the index stands for, handed out by bitmap.
 */
#ifndef _IOVA_MT_SPAN_H
#define _IOVA_MT_SPAN_H

#include "maple/span/span_map.h"

int iova_mt_span_module_init(void);
void iova_mt_span_module_exit(void);

struct iova_mt_span *iova_mt_span_new(unsigned long first, unsigned long last,
				      unsigned int domain_id);
void iova_mt_span_free(struct iova_mt_span *span);
int iova_mt_span_resize(struct iova_mt_span *span, unsigned long first,
			unsigned long last, unsigned int domain_id);

int iova_mt_span_alloc(struct iova_mt_span *span, unsigned long size,
		       unsigned int order, unsigned long limit,
		       unsigned int domain_id, unsigned long *pfn);
int iova_mt_span_take(struct iova_mt_span *span, unsigned long pfn,
		      unsigned long size, unsigned int domain_id);
void iova_mt_span_put(struct iova_mt_span *span, unsigned long first,
		      unsigned long last);

#endif /* _IOVA_MT_SPAN_H */
