/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Put in front of the kernel's qspinlock.c by scripts/uml.
 *
 * A CPU of User-Mode Linux is a thread, and the host may have stopped the one
 * that holds a lock. Who waits for it gives way, so that it can go on: where
 * others compute as well, a machine with two CPUs spends nearly all of its time
 * waiting otherwise.
 */
#include <asm/processor.h>

/* The host's. */
int sched_yield(void);

#define cpu_relax()	((void)sched_yield())
