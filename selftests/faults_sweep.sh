#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2119 # ktap_start without a count
#
# Every fault point, one failure at a time: the 1st, 2nd, 3rd ... hit of a script
# of operations, until none is left, with both ways to defer.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The kernel's own fault injection, where there is one, shows a stack a failure.
quiet_kernel()
{
	for file in /sys/kernel/debug/fail*/verbose; do
		[ ! -e "$file" ] || echo 0 >"$file"
	done
}

mt_loaded && ktap_skip_all "iova_mt is loaded already"
ktap_start
quiet_kernel
for deferral in marker list; do
	check "the module loads, deferral $deferral" load_mt deferral="$deferral"
	run_module_suite sweep
	check "the module unloads" unload_mt
done
ktap_end
