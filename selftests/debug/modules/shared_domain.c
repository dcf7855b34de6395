// SPDX-License-Identifier: GPL-2.0
/*
 * The helpers of selftests/modules, compiled into this module as well.
 */
#include "../../modules/test_domain.c"
