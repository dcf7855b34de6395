#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# What frees, sweeps and caches cost in memory and steps; with each way to defer.

. "$(dirname "$0")/lib.sh"

ktap_start
check "the module loads" load_mt
for way in $DEFERRALS; do
	check "deferral by $way" defer_by "$way"
	run_module_suite requirements
done
check "the module unloads" unload_mt
ktap_end
