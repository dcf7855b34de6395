// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trace: what the events of base/trace.h are made of, once.
 *
 * No locks.
 */
#define CREATE_TRACE_POINTS
#include "base/trace.h"
