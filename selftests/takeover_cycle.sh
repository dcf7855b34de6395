#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# Load, own a disk, use it, give it back, unload: over and over, so that what
# one round leaves behind shows in a later one.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/takeover.inc"

ROUNDS=${ROUNDS:-20}

# The disk's data of one round is verified by the kernel's allocator in the
# same round, and by ours in the next.
cycle()
{
	local round="$1"

	load_mt takeover=new &&
		fresh_domain "$NVME" &&
		owned_is 1 &&
		{ [ "$round" -eq 1 ] || disk_io verify "$NVME" $((round - 1)) 16; } &&
		disk_io write "$NVME" "$round" 16 &&
		takeover off &&
		fresh_domain "$NVME" &&
		disk_io verify "$NVME" "$round" 16 &&
		unload_mt &&
		[ "$(hooked)" -eq 0 ]
}

# Unloaded under I/O on a domain of the kernel's: what is called then is on its
# way through the hooks.
cycle_under_io()
{
	local round

	io_begin "$NVME"
	for round in 1 2 3 4 5 6 7 8 9 10; do
		if ! { load_mt takeover=new && unload_mt; }; then
			io_end
			return 1
		fi
	done
	echo "$round rounds of load and unload"
	io_end
}

ktap_start
need_disks
round=0
while [ $round -lt "$ROUNDS" ]; do
	round=$((round + 1))
	check "round $round of load, own, give back, unload" cycle $round
done
check "load and unload under I/O of others" cycle_under_io
ktap_end
