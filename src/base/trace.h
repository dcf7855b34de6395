/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace: the events of iova_mt, for tracefs, perf and bpftrace.
 *
 * Read several times by <trace/define_trace.h>. An event carries numbers, so
 * that it can be filtered and counted in the kernel; domain is the number of the
 * domain, ranges are from first to last, both included, in pages of the domain's
 * granule. Where docs/tracing.md describes an event, this is what it means.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM iova_mt

#if !defined(_IOVA_MT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _IOVA_MT_TRACE_H

#include <linux/tracepoint.h>

/* As enum iova_mt_drainer, which is above this file. */
#define iova_mt_trace_drainer(_by)					\
	__print_symbolic(_by,						\
			 { 0, "worker" },				\
			 { 1, "alloc" },				\
			 { 2, "request" })

/* As IOVA_MT_ALIGNED and so on. */
#define iova_mt_trace_flags(_flags)					\
	__print_flags(_flags, "|",					\
		      { 1, "aligned" },					\
		      { 2, "cached" },					\
		      { 4, "flush" })

/* --- Domains -------------------------------------------------------------- */

TRACE_EVENT(iova_mt_domain_create,
	TP_PROTO(unsigned int domain, const char *allocator,
		 unsigned long granule, unsigned long start_pfn),
	TP_ARGS(domain, allocator, granule, start_pfn),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__string(allocator, allocator)
		__field(unsigned long, granule)
		__field(unsigned long, start_pfn)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__assign_str(allocator);
		__entry->granule = granule;
		__entry->start_pfn = start_pfn;
	),
	TP_printk("domain=%u allocator=%s granule=%lu start_pfn=%#lx",
		  __entry->domain, __get_str(allocator), __entry->granule,
		  __entry->start_pfn)
);

DECLARE_EVENT_CLASS(iova_mt_domain,
	TP_PROTO(unsigned int domain),
	TP_ARGS(domain),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
	),
	TP_fast_assign(
		__entry->domain = domain;
	),
	TP_printk("domain=%u", __entry->domain)
);

DEFINE_EVENT(iova_mt_domain, iova_mt_domain_destroy,
	TP_PROTO(unsigned int domain),
	TP_ARGS(domain)
);

/* --- Requests ------------------------------------------------------------- */

TRACE_EVENT(iova_mt_alloc,
	TP_PROTO(unsigned int domain, unsigned long size,
		 unsigned long limit_pfn, unsigned int flags, int error,
		 unsigned long pfn),
	TP_ARGS(domain, size, limit_pfn, flags, error, pfn),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(unsigned int, flags)
		__field(unsigned long, size)
		__field(unsigned long, limit_pfn)
		__field(unsigned long, pfn)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->flags = flags;
		__entry->size = size;
		__entry->limit_pfn = limit_pfn;
		__entry->pfn = error ? 0 : pfn;
		__entry->error = error;
	),
	TP_printk("domain=%u size=%lu limit_pfn=%#lx flags=%s error=%d pfn=%#lx",
		  __entry->domain, __entry->size, __entry->limit_pfn,
		  iova_mt_trace_flags(__entry->flags), __entry->error,
		  __entry->pfn)
);

TRACE_EVENT(iova_mt_free,
	TP_PROTO(unsigned int domain, unsigned long pfn, unsigned long size),
	TP_ARGS(domain, pfn, size),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(unsigned long, pfn)
		__field(unsigned long, size)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->pfn = pfn;
		__entry->size = size;
	),
	TP_printk("domain=%u pfn=%#lx size=%lu",
		  __entry->domain, __entry->pfn, __entry->size)
);

/* --- Deferred ranges ------------------------------------------------------ */

/* ranges: in the backlog afterwards */
DECLARE_EVENT_CLASS(iova_mt_deferred,
	TP_PROTO(unsigned int domain, unsigned long first, unsigned long last,
		 unsigned long ranges),
	TP_ARGS(domain, first, last, ranges),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(unsigned long, first)
		__field(unsigned long, last)
		__field(unsigned long, ranges)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->first = first;
		__entry->last = last;
		__entry->ranges = ranges;
	),
	TP_printk("domain=%u first=%#lx last=%#lx ranges=%lu",
		  __entry->domain, __entry->first, __entry->last,
		  __entry->ranges)
);

DEFINE_EVENT(iova_mt_deferred, iova_mt_defer,
	TP_PROTO(unsigned int domain, unsigned long first, unsigned long last,
		 unsigned long ranges),
	TP_ARGS(domain, first, last, ranges)
);

DEFINE_EVENT(iova_mt_deferred, iova_mt_reuse,
	TP_PROTO(unsigned int domain, unsigned long first, unsigned long last,
		 unsigned long ranges),
	TP_ARGS(domain, first, last, ranges)
);

/* --- Sweeps --------------------------------------------------------------- */

/* ranges: in the backlog when it begins */
TRACE_EVENT(iova_mt_sweep_begin,
	TP_PROTO(unsigned int domain, unsigned int by, unsigned long ranges),
	TP_ARGS(domain, by, ranges),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(unsigned int, by)
		__field(unsigned long, ranges)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->by = by;
		__entry->ranges = ranges;
	),
	TP_printk("domain=%u by=%s ranges=%lu", __entry->domain,
		  iova_mt_trace_drainer(__entry->by), __entry->ranges)
);

/*
 * erased: ranges that it erased; ranges: in the backlog when it ends; error: 0
 * when that is empty, -EAGAIN when its budget was used up, -ENOMEM
 */
TRACE_EVENT(iova_mt_sweep_end,
	TP_PROTO(unsigned int domain, unsigned int by, unsigned long erased,
		 unsigned long ranges, int error),
	TP_ARGS(domain, by, erased, ranges, error),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(unsigned int, by)
		__field(unsigned long, erased)
		__field(unsigned long, ranges)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->by = by;
		__entry->erased = erased;
		__entry->ranges = ranges;
		__entry->error = error;
	),
	TP_printk("domain=%u by=%s erased=%lu ranges=%lu error=%d",
		  __entry->domain, iova_mt_trace_drainer(__entry->by),
		  __entry->erased, __entry->ranges, __entry->error)
);

/*
 * A sweep ends for lack of memory, and is to be tried again; ranges: in the
 * backlog, all of them between first and last
 */
TRACE_EVENT(iova_mt_retry,
	TP_PROTO(unsigned int domain, unsigned int by, unsigned long first,
		 unsigned long last, unsigned long ranges),
	TP_ARGS(domain, by, first, last, ranges),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(unsigned int, by)
		__field(unsigned long, first)
		__field(unsigned long, last)
		__field(unsigned long, ranges)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->by = by;
		__entry->first = first;
		__entry->last = last;
		__entry->ranges = ranges;
	),
	TP_printk("domain=%u by=%s first=%#lx last=%#lx ranges=%lu",
		  __entry->domain, iova_mt_trace_drainer(__entry->by),
		  __entry->first, __entry->last, __entry->ranges)
);

/* error: 0, or -ENOMEM when something is left */
TRACE_EVENT(iova_mt_drain,
	TP_PROTO(unsigned int domain, int error),
	TP_ARGS(domain, error),
	TP_STRUCT__entry(
		__field(unsigned int, domain)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->domain = domain;
		__entry->error = error;
	),
	TP_printk("domain=%u error=%d", __entry->domain, __entry->error)
);

/* --- Takeover ------------------------------------------------------------- */

DECLARE_EVENT_CLASS(iova_mt_takeover,
	TP_PROTO(int error),
	TP_ARGS(error),
	TP_STRUCT__entry(
		__field(int, error)
	),
	TP_fast_assign(
		__entry->error = error;
	),
	TP_printk("error=%d", __entry->error)
);

/* error: 0, or why the functions could not be redirected */
DEFINE_EVENT(iova_mt_takeover, iova_mt_takeover_attach,
	TP_PROTO(int error),
	TP_ARGS(error)
);

/* error: 0, it cannot fail */
DEFINE_EVENT(iova_mt_takeover, iova_mt_takeover_detach,
	TP_PROTO(int error),
	TP_ARGS(error)
);

/* A struct iova_domain of the kernel is ours from now on; the domain is new */
DEFINE_EVENT(iova_mt_domain, iova_mt_takeover_own,
	TP_PROTO(unsigned int domain),
	TP_ARGS(domain)
);

/* ... and no more; the domain goes next */
DEFINE_EVENT(iova_mt_domain, iova_mt_takeover_disown,
	TP_PROTO(unsigned int domain),
	TP_ARGS(domain)
);

#endif /* _IOVA_MT_TRACE_H */

/*
 * Found by way of the -I of Kbuild, wherever the tree lies; a path from the
 * kernel's include directory would not be the same under dkms.
 */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH base
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
