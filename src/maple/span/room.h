/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Room: spans take what is free beside them in their windows, lose what others
 * need, and go when they are free as a whole.
 */
#ifndef _IOVA_MT_ROOM_H
#define _IOVA_MT_ROOM_H

#include <linux/types.h>

struct iova_mt_span;
struct iova_mt_spans;

void iova_mt_room_init(struct iova_mt_spans *spans);

void iova_mt_room_tidy(struct iova_mt_spans *spans);

bool iova_mt_room_is_partial(const struct iova_mt_spans *spans,
			     const struct iova_mt_span *span);
bool iova_mt_room_release_locked(struct iova_mt_spans *spans,
				 struct iova_mt_span *span);
int iova_mt_room_resize_locked(struct iova_mt_spans *spans,
			       struct iova_mt_span *span, unsigned long first,
			       unsigned long last);
bool iova_mt_room_beside_locked(const struct iova_mt_spans *spans,
				const struct iova_mt_span *span,
				unsigned long *first, unsigned long *last);
int iova_mt_room_grow_locked(struct iova_mt_spans *spans,
			     struct iova_mt_span *span);
struct iova_mt_span *iova_mt_room_span_locked(struct iova_mt_spans *spans,
					      unsigned long pfn);

#endif /* _IOVA_MT_ROOM_H */
