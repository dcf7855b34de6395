/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Room: spans give back what others may need, and take what is free beside them.
 */
#ifndef _IOVA_MT_ROOM_H
#define _IOVA_MT_ROOM_H

#include <linux/types.h>

struct iova_mt_span;
struct iova_mt_spans;

void iova_mt_room_init(struct iova_mt_spans *spans);

bool iova_mt_room_is_short(const struct iova_mt_spans *spans,
			   const struct iova_mt_span *span);
bool iova_mt_room_release_locked(struct iova_mt_spans *spans,
				 struct iova_mt_span *span);
bool iova_mt_room_grow_locked(struct iova_mt_spans *spans,
			      struct iova_mt_span *span);
struct iova_mt_span *iova_mt_room_span_locked(struct iova_mt_spans *spans,
					      unsigned long pfn);
bool iova_mt_room_make(struct iova_mt_spans *spans, unsigned long size,
		       unsigned long limit, bool aligned);

#endif /* _IOVA_MT_ROOM_H */
