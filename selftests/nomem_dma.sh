#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# S4, R1, R3: a steady load on a real disk while nothing of what the allocator
# asks memory for can be had. Freed ranges are handed out again whole: no mapping
# fails, no range is lost, and the data is right.
#
#	SECONDS_MARKER, SECONDS_LIST   how long, with each way to defer (60, 20)
#	SECONDS_SPANS                  how long with spans (20)

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/takeover.inc"

POINTS="fail_erase fail_insert fail_span fail_magazine fail_object"

# fail <percent> <points...>: without end
fail()
{
	local percent="$1" point
	shift

	for point; do
		echo -1 >"$MT_DEBUGFS/$point/times" &&
		echo "$percent" >"$MT_DEBUGFS/$point/probability" || return 1
	done
}

# Requests of all sizes, more of them at once than later: what is freed is
# deferred, and there is enough of each size for the rest of the time.
warm_up()
{
	dmacheck both "$(disk_of "$NVME")" --mib 64 --seed 1 --jobs 16
}

# load <seconds>: write and verify, again and again
load()
{
	local end rounds=0

	end=$(($(date +%s) + $1))
	while [ "$(date +%s)" -lt "$end" ]; do
		rounds=$((rounds + 1))
		dmacheck both "$(disk_of "$NVME")" --mib 16 --seed "$rounds" \
			--jobs 4 || return 1
	done
	echo "$rounds rounds"
	[ "$rounds" -gt 0 ]
}

failed_mappings()
{
	echo $(($(counter stats alloc_no_memory) + $(counter stats alloc_no_space)))
}

own_nvme()
{
	takeover new && fresh_domain "$NVME"
}

give_back_nvme()
{
	takeover off && fresh_domain "$NVME"
}

# injected <points...>: how often they failed, together
injected()
{
	local point sum=0

	for point; do
		sum=$((sum + $(dbg "$point/injected")))
	done
	echo $sum
}

# steady <allocator> <way> <seconds>
steady()
{
	local way="$1, $2" before taken refused spans

	check "the module loads ($way)" \
		load_mt allocator="$1" deferral="$2"
	check "the disk gets an owned domain ($way)" own_nvme
	check "frees and caches fail ($way)" fail 100 fail_erase fail_magazine
	check "warm up ($way)" warm_up
	before=$(failed_mappings)
	taken=$(counter backlog taken_over)
	spans=$(injected fail_span fail_magazine)
	# shellcheck disable=SC2086 # a list of words
	check "everything fails ($way)" fail 100 $POINTS
	check "the load goes on for $3 s, and the data is right ($way)" load "$3"
	check_equal "no mapping failed ($way)" "$before" "$(failed_mappings)"
	taken=$(($(counter backlog taken_over) - taken))
	# Without an object, by list, it does not come to the insert.
	refused=$(injected fail_insert fail_object)
	spans=$(($(injected fail_span fail_magazine) - spans))
	ktap_note "$taken ranges handed out again, $refused allocations had no memory," \
		"$spans spans and magazines"
	# Spans need no memory for it: what fails are caches and new spans.
	if [ "$1" = maple-plain ]; then
		check "ranges were handed out again ($way)" [ "$taken" -gt 100 ]
		check "allocations had no memory ($way)" [ "$refused" -gt 100 ]
	else
		check "spans and caches had no memory ($way)" [ "$spans" -gt 0 ]
	fi
	check_equal "no range was lost ($way)" 0 "$(counter stats "$1.lost")"
	# shellcheck disable=SC2086 # a list of words
	check "memory is back ($way)" fail 0 $POINTS
	check "the backlog drains ($way)" wait_for 30 counter_is backlog pending_ranges 0
	check "the data is still right ($way)" disk_io both "$NVME" 9
	check "the disk is given back ($way)" give_back_nvme
	check_equal "nothing was deferred when the domain went ($way)" 0 \
		"$(counter backlog discarded)"
	check "the module unloads ($way)" unload_mt
}

ktap_start
need_disks
steady maple-plain marker "${SECONDS_MARKER:-60}"
steady maple-plain list "${SECONDS_LIST:-20}"
steady maple marker "${SECONDS_SPANS:-20}"
ktap_end
