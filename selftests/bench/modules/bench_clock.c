// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clocks: one that is read around each batch, one that is read around each chunk.
 *
 * The first has to be cheap: the processor's time stamp counter, where there is
 * one; its tick is measured against the kernel's clock when the module is
 * loaded. The second has to be honest. In User-Mode Linux, which shares its CPUs
 * with whatever else the host does, only the host knows how long a CPU has
 * really run: CLOCK_THREAD_CPUTIME_ID there, by a system call, as the kernel
 * itself makes them. Elsewhere it is the kernel's clock.
 *
 * Locks: none.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/timekeeping.h>

#include "bench_clock.h"

#define CALIBRATE_MS	50

#define COST_CALLS	1000

/* Picoseconds a tick, times 2^20. */
static u64 ps_per_tick;
/* What bench_clock_cpu_ns() takes: written once, when the module is loaded. */
u64 bench_clock_cpu_cost_ns;

static u64 cpu_cost_ns(void)
{
	u64 begun = bench_clock_cpu_ns();
	unsigned int i;

	for (i = 1; i < COST_CALLS; i++)
		bench_clock_cpu_ns();
	return div_u64(bench_clock_cpu_ns() - begun, COST_CALLS);
}

/**
 * bench_clock_init() - measure how long a tick is, and what a look costs
 *
 * Context: Process, sleeps for a moment.
 * Return: 0; -ENODEV when the clock stands still.
 */
int bench_clock_init(void)
{
	u64 ns = ktime_get_ns(), ticks = bench_clock_now();

	msleep(CALIBRATE_MS);
	ns = ktime_get_ns() - ns;
	ticks = bench_clock_now() - ticks;
	if (!ticks || !ns)
		return -ENODEV;
	ps_per_tick = div64_u64((ns * 1000) << 20, ticks);
	bench_clock_cpu_cost_ns = cpu_cost_ns();
	return 0;
}

/**
 * bench_clock_ps() - convert a duration
 * @ticks: between two moments
 *
 * Context: Any.
 * Return: picoseconds.
 */
u64 bench_clock_ps(u64 ticks)
{
	return mul_u64_u64_shr(ticks, ps_per_tick, 20);
}

/**
 * bench_clock_ticks_of_us() - convert a duration
 * @us: microseconds
 *
 * Context: Any.
 * Return: ticks.
 */
u64 bench_clock_ticks_of_us(u64 us)
{
	return mul_u64_u64_div_u64(us * 1000000, 1 << 20, ps_per_tick);
}

#ifdef CONFIG_UML

/* Of the host: its numbers, as its programs know them. */
#define HOST_CLOCK_GETTIME		228
#define HOST_CLOCK_THREAD_CPUTIME_ID	3

/**
 * bench_clock_cpu_ns() - how long has this CPU worked for us?
 *
 * Context: Any; two values can be compared when they come from one CPU.
 * Return: nanoseconds.
 */
u64 bench_clock_cpu_ns(void)
{
	struct { s64 sec, nsec; } time;
	long ret;

	asm volatile("syscall" : "=a" (ret)
		     : "a" (HOST_CLOCK_GETTIME),
		       "D" (HOST_CLOCK_THREAD_CPUTIME_ID), "S" (&time)
		     : "rcx", "r11", "memory");
	return ret ? 0 : time.sec * NSEC_PER_SEC + time.nsec;
}

/**
 * bench_clock_names() - what are the clocks?
 *
 * Return: a line for people.
 */
const char *bench_clock_names(void)
{
	return "means: CPU time of the host's thread; percentiles: time stamp counter";
}

#else

u64 bench_clock_cpu_ns(void)
{
	return ktime_get_mono_fast_ns();
}

const char *bench_clock_names(void)
{
	return "means: monotonic clock; percentiles: time stamp counter or monotonic clock";
}

#endif
