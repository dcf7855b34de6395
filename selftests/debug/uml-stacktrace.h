/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Put in front of the kernel's stacktrace.c by scripts/uml.
 *
 * User-Mode Linux asks of each word on the stack whether it is an address of
 * code, modules' included, and then keeps those that end a frame. KASAN wants a
 * stack for each allocation and each free, and lockdep looks at the RCU read
 * section of each question: together nine tenths of the time of a test. The
 * other way round the same addresses are found: a word is only looked at when it
 * ends a frame.
 */
#include <linux/kernel.h>

/* In dump_trace(): where it looks, and the frame that it is in. */
#define __kernel_text_address(addr)	((unsigned long)sp == bp + sizeof(long))
