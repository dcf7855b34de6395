#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# One domain in hardirq, softirq and tasks, on two CPUs at once.

. "$(dirname "$0")/lib.sh"

ktap_start
check "the module loads" load_mt
run_module_suite atomic ops="${OPS:-100000}" seed="${SEED:-1}"
check "the module unloads" unload_mt
ktap_end
