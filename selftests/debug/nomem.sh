#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Real failures to get memory: failslab, for maple nodes and for the module's
# own objects. Needs slab_nomerge slab_debug=F,maple_node on the kernel's command
# line: else requests of several nodes are served by caches that it does not see.

# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck source=lib.inc
. "$(dirname "$0")/lib.inc"

ktap_start
[ -d "$FAILSLAB" ] || ktap_skip_all "this kernel has no failslab"
grep -q 'slab_debug=[A-Z]*F[A-Z]*,maple_node' /proc/cmdline ||
	ktap_skip_all "not booted with slab_debug=F,maple_node"
failslab verbose=0 ignore-gfp-wait=N
echo 0 >/sys/kernel/debug/fail_page_alloc/verbose

# each_load_fails: the module's own unwinding, and the kernel's before it. The
# kernel's tracing warns when it has no memory for our tracepoints.
each_load_fails()
{
	local status=0

	echo 0 >/proc/sys/kernel/panic_on_warn
	loads=$("$ktap_dir/failnth" "$MT_KO" iova_mt 2>&1) || status=1
	echo 1 >/proc/sys/kernel/panic_on_warn
	[ "$status" = 0 ] || { echo "$loads"; return 1; }
	! mt_loaded
}

# random_failures <percent> <operations>: over $allocator
random_failures()
{
	# The likelihood last: until the filter is on, it is everybody's.
	failslab interval=1 times=-1 task-filter=Y "probability=$1"
	run_debug_suite "failslab $1 %, $allocator" suite=enomem_random \
		allocator="$allocator" ops="$2"
	failslab_off
}

# A page that cannot be had is announced, by loads that have no page to spare.
check "hold the kernel's caches" insmod "$ktap_dir/iova_mt_hold.ko"
log_allow '^Call Trace:|] Call Trace:'
log_allow 'WARNING: kernel/trace/trace_events.c:'
check "each allocation of a load fails in turn" each_load_fails
ktap_note "$loads"
check "load" load_mt

for way in $DEFERRALS; do
	check "deferral by $way" defer_by "$way"
	run_debug_suite "fail-nth" suite=enomem_nth
	for allocator in maple maple-plain; do
		random_failures 1 60000
		random_failures 10 20000
		random_failures 100 20000
	done
done

check "unload" unload_mt
ktap_end
