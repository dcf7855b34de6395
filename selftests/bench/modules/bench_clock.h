/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clocks: one that is cheap to read, one that is honest.
 */
#ifndef _BENCH_CLOCK_H
#define _BENCH_CLOCK_H

#include <linux/kconfig.h>
#include <linux/timekeeping.h>
#include <linux/types.h>

extern u64 bench_clock_cpu_cost_ns;

int bench_clock_init(void);
u64 bench_clock_ps(u64 ticks);
u64 bench_clock_ticks_of_us(u64 us);
u64 bench_clock_cpu_ns(void);
const char *bench_clock_names(void);

/* Do others use the CPU without our knowing? */
#define BENCH_CLOCK_SHARED	IS_ENABLED(CONFIG_UML)

/* A moment, in ticks of unknown length: see bench_clock_ps(). Context: Any. */
#ifdef __x86_64__
static inline u64 bench_clock_now(void)
{
	u32 low, high;

	/* Not before what comes before it has been done. */
	asm volatile("lfence; rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (u64)high << 32 | low;
}
#else
static inline u64 bench_clock_now(void)
{
	return ktime_get_mono_fast_ns();
}
#endif

#endif /* _BENCH_CLOCK_H */
