/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the maple allocator counts.
 */
#ifndef _IOVA_MT_MAPLE_COUNTERS_H
#define _IOVA_MT_MAPLE_COUNTERS_H

#include "base/counters.h"

/* C(name, comment) */
#define IOVA_MT_MAPLE_COUNTERS(C)					\
	C(magazine_hit, "allocations served by a magazine")		\
	C(magazine_miss, "allocations that found none there")		\
	C(magazine_put, "frees that went to a magazine")		\
	C(magazine_no_memory, "magazines that got no memory")		\
	C(magazine_no_room, "magazines that would have held more than the caches may") \
	C(magazine_flush, "ranges flushed from magazines")		\
	C(magazine_trim, "ranges trimmed from magazines")		\
	C(trim_run, "times that the caches were looked at for what to trim") \
	C(magazine_left, "magazines that a CPU left behind as it went")	\
	C(depot_push, "magazines put into the depot")		\
	C(depot_pop, "magazines taken from the depot")		\
	C(span_new, "spans made")					\
	C(span_gone, "spans given back")				\
	C(span_kept, "spans that are free, but got no memory for their erase") \
	C(span_grown, "spans that took what was free beside them")	\
	C(span_look, "spans looked at for a range across their borders")	\
	C(span_cut, "spans that lost free pages to such a range")	\
	C(span_no_memory, "spans, or notes of their pages, that got no memory") \
	C(search_gap, "gaps looked at")					\
	C(search_pause, "searches that released the lock on the way")	\
	C(search_hint, "searches spared by a remembered refusal")	\
	C(insert, "ranges stored")					\
	C(insert_failed, "stores of a range that got no memory")	\
	C(erase, "stores of NULL")					\
	C(erase_nodes, "stores of NULL that asked for nodes")		\
	C(erase_failed, "stores of NULL that got no memory")		\
	C(swap, "entries swapped in place, for a marker or back")	\
	C(swap_failed, "swaps that failed: never, but when injected")	\
	C(node_refused, "requests for nodes that the kernel refused")	\
	C(spare_used, "stores through the spare nodes")			\
	C(spare_empty, "stores that found no spare node")		\
	C(spare_spent, "times that the spare nodes were not enough")	\
	C(spare_fill, "times that the spare nodes were filled")		\
	C(spare_fill_failed, "times that it could not be filled")	\
	C(orphan, "frees that could be neither erased nor marked: never, but when injected") \
	C(lost, "frees that could not even be noted: never, but when injected") \
	C(reuse_entry, "entries looked at for one to take over")		\
	C(sweep_hold, "lock holds of sweeps")				\
	C(sweep_entry, "entries looked at by sweeps")			\
	C(sweep_store, "stores of NULL by sweeps")

enum iova_mt_maple_counter {
	IOVA_MT_MAPLE_COUNTERS(IOVA_MT_COUNTER_ENUM)
	NR_MAPLE_COUNTERS,
};

#endif /* _IOVA_MT_MAPLE_COUNTERS_H */
