/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Spans, looked at from inside.
 */
#ifndef _IOVA_MT_CHECKED_SPANS_H
#define _IOVA_MT_CHECKED_SPANS_H

struct iova_mt_spans;

void check_spans_locked(const struct iova_mt_spans *spans);
void plant_room_locked(struct iova_mt_spans *spans);
void plant_short_locked(struct iova_mt_spans *spans);
void plant_best_locked(struct iova_mt_spans *spans);

#endif /* _IOVA_MT_CHECKED_SPANS_H */
