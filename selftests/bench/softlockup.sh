#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# A soft lockup of the kernel's allocator, on demand, and none of ours.
#
# A million ranges of 64 pages are live, as of a machine with much registered
# memory: too large for the kernel's caches, which end at 32 pages. Then a ring of
# 256 buffers is replaced in one softirq, as a network driver does: each frees a
# range and allocates another. Where the freed one lies below the kernel's hint,
# the allocation walks from the hint down to the hole, a third of all ranges on
# average, with interrupts off. One such walk is a matter of milliseconds; 256 in
# a row, and nothing else has run on that CPU for seconds. See docs/benchmarks.md.
#
# The same calls of the kernel's API (alloc_iova_fast(), free_iova_fast()) are made
# three times: as the kernel is, with the API taken over, and by a domain of the
# module's own.

KTAP_LOG=no
MT_KO=$(dirname "$0")/../../iova_mt.ko
. "$(dirname "$0")/../lib.sh"

BENCH=$ktap_dir/iova_mt_bench.ko
RESULTS=/sys/kernel/debug/iova_mt_bench/results
THRESHOLD=/proc/sys/kernel/watchdog_thresh

# figure <name>: of the last run
figure()
{
	awk -F'\t' -v name="$1" '$9 == name { print $10 }' "$RESULTS"
}

# play <contestant>: says in $said what came out
play()
{
	echo "workload=meta-softlockup context=softirq contestants=$1 cap_ms=600000" \
		>/sys/kernel/debug/iova_mt_bench/run || return 1
	said="$1: $(figure units) buffers replaced, $(figure refused) refused, in $(figure longest_chunk_ns) ns"
	[ "$(figure units)" = 256 ] && [ "$(figure refused)" = 0 ]
}

# lockups: how many the kernel has reported so far
lockups()
{
	dmesg | grep -c 'BUG: soft lockup'
}

# play_and_count <contestant>: says in $new how often the kernel has complained
play_and_count()
{
	local before

	before=$(lockups)
	play "$1" || return 1
	new=$(($(lockups) - before))
	said="$said; soft lockups reported: $new"
}

locks_up()
{
	play_and_count "$1" && [ "$new" -gt 0 ]
}

does_not_lock_up()
{
	play_and_count "$1" && [ "$new" -eq 0 ]
}

# report: what the kernel said, without times
report()
{
	dmesg | sed -e "s,^\[[^]]*\] *,," | sed -n '/BUG: soft lockup/,/<\/TASK>/p' |
		grep -oE 'BUG: soft lockup.*|RIP: .*|[_a-z]*alloc[_a-z]*iova[_a-z]*\+.*|.*softirq.*' |
		head -n 8
}

load_both()
{
	insmod "$MT_KO" "$@" && insmod "$BENCH"
}

unload_both()
{
	rmmod iova_mt_bench && rmmod iova_mt
}

ktap_start
[ "$(id -u)" = 0 ] || ktap_skip_all "must be run as root"
[ -e "$BENCH" ] || ktap_skip_all "iova_mt_bench.ko was not built"
[ -w "$THRESHOLD" ] || ktap_skip_all "the kernel has no soft lockup detector"
old=$(cat "$THRESHOLD")
echo "${WATCHDOG:-1}" >"$THRESHOLD"

check "the modules load" load_both
check "the kernel's own allocator locks a CPU up" locks_up rbf-direct
ktap_note "$said"
report | ktap_notes
check "a domain of the module's own does not" does_not_lock_up maple+cache
ktap_note "$said"
check "the modules unload" unload_both
if [ -e /sys/kernel/tracing/enabled_functions ]; then
	check "the modules load, taking over" load_both takeover=new
	check "the same calls, taken over, do not" does_not_lock_up rbf-direct
	ktap_note "$said"
	check "the modules unload" unload_both
fi
echo "$old" >"$THRESHOLD"
ktap_end
