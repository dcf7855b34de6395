#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# N1: a lock hold does a bounded amount of work with a million live ranges and
# half a million deferred ones, with each way to defer. How long the holds were
# is printed, and not judged.

# shellcheck source=lib.inc
. "$(dirname "$0")/lib.inc"

LOCK_STAT=$MT_DEBUGFS/lock_stat
NEEDS_MIB=600

ktap_start
[ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -ge "$NEEDS_MIB" ] ||
	ktap_skip_all "this takes $NEEDS_MIB MiB of free memory"
check "the module loads" load_mt
# The suite prints it while its domains are there.
check "holds of the lock are measured" sh -c "echo 1 >$LOCK_STAT"
for way in $DEFERRALS; do
	check "deferral by $way" defer_by "$way"
	run_module_suite bounds
done
check "holds of the lock are measured no more" sh -c "echo 0 >$LOCK_STAT"
check "the module unloads" unload_mt
ktap_end
