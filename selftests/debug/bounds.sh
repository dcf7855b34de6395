#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# N1: a lock hold does a bounded amount of work with a million live ranges and
# half a million deferred ones, with each way to defer. How long the holds were
# is printed, and not judged.

# shellcheck source=lib.inc
. "$(dirname "$0")/lib.inc"

WAY=/sys/module/iova_mt/parameters/deferral
NEEDS_MIB=600

ktap_start
[ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -ge "$NEEDS_MIB" ] ||
	ktap_skip_all "this takes $NEEDS_MIB MiB of free memory"
check "the module loads" load_mt
for way in marker list; do
	check "deferral by $way" sh -c "echo $way >$WAY"
	run_module_suite bounds
done
check "the module unloads" unload_mt
ktap_end
