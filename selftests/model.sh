#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Random operations, each judged against a bitmap: without and with faults.
# What it prints of the kernel's own allocator is information: refusals that
# were wrong, places that were not the highest.

. "$(dirname "$0")/lib.sh"

ktap_start
check "the module loads" load_mt
run_module_suite model ops="${OPS:-100000}" seed="${SEED:-1}"
check "the module unloads" unload_mt
ktap_end
