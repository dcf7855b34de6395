#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# Frees that get no memory, injected and real, and what becomes of them; with
# each way to defer.

. "$(dirname "$0")/lib.sh"

# What the suite's teardown case leaves deferred in the domains it destroys.
DISCARDED=1920

discarded_at_least()
{
	local now

	now=$(counter backlog discarded)
	echo "discarded: $now"
	[ "$now" -ge "$1" ]
}

ktap_start
check "the module loads" load_mt
for way in $DEFERRALS; do
	check "deferral by $way" defer_by "$way"
	before=$(counter backlog discarded)
	run_module_suite deferral
	check "what is deferred when its domain goes is counted" \
		discarded_at_least $((before + DISCARDED))
	check "no domain, no backlog" counter_is backlog pending_ranges 0
	run_module_suite nomem
	run_module_suite pressure
done
check "the module unloads" unload_mt
ktap_end
