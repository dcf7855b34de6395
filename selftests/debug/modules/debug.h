/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Suites that need a kernel with debug options.
 */
#ifndef _IOVA_MT_DEBUG_H
#define _IOVA_MT_DEBUG_H

#include "test.h"

extern const struct test_suite suite_enomem_nth;
extern const struct test_suite suite_enomem_random;
extern const struct test_suite suite_threads;

#endif /* _IOVA_MT_DEBUG_H */
