/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests: what is not for other modules.
 */
#ifndef _IOVA_MT_REQUEST_H
#define _IOVA_MT_REQUEST_H

struct iova_mt_domain;

void iova_mt_request_free(struct iova_mt_domain *domain, unsigned long pfn,
			  unsigned long size, unsigned long caller);

#endif /* _IOVA_MT_REQUEST_H */
