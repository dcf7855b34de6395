// SPDX-License-Identifier: GPL-2.0
/*
 * The results of selftests/modules, compiled into this module as well.
 */
#include "../../modules/test_result.c"
