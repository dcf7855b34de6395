#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# A CPU goes and comes back while both disks are busy on owned domains. What it
# had cached is there for all, and no data is lost.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/takeover.inc"

CPU=1
ONLINE=/sys/devices/system/cpu/cpu$CPU/online
ROUNDS=5

handed_over()
{
	counter stats maple.magazine_left
}

set_online()
{
	echo "$1" >"$ONLINE" && [ "$(cat "$ONLINE")" = "$1" ]
}

# Fill the caches of that CPU, so that there is something to hand over.
fill()
{
	taskset -c "$CPU" "$ktap_dir/dmacheck" both "$(disk_of "$NVME")" \
		--mib 16 --seed 5 --jobs 2
}

off_hands_over()
{
	local before after

	fill || return 1
	before=$(handed_over)
	set_online 0 || return 1
	after=$(handed_over)
	echo "magazine_left $before, then $after"
	[ "$after" -gt "$before" ]
}

ktap_start
need_disks
[ -w "$ONLINE" ] || ktap_skip_all "CPU $CPU cannot be switched off"

check "the module loads" load_mt takeover=new
check "both disks get owned domains" own_disks
check "data to be kept: virtio" disk_io write "$VIRTIO" 9
io_begin "$NVME"
check "each keeps what it has as long as all CPUs are there" [ "$(handed_over)" -eq 0 ]
round=0
while [ $round -lt $ROUNDS ]; do
	round=$((round + 1))
	check "CPU $CPU goes and hands its caches over ($round)" off_hands_over
	check "I/O without it ($round)" disk_io verify "$VIRTIO" 9
	check "CPU $CPU comes back ($round)" set_online 1
	check "I/O with it ($round)" disk_io verify "$VIRTIO" 9
done
check "all that was read back meanwhile is right" io_end
check "both disks are given back" give_back_disks
check "the data is there through the kernel's allocator" disk_io verify "$VIRTIO" 9
check "the module unloads" unload_mt
ktap_end
