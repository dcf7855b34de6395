#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# A CPU goes and comes back while both disks are busy on owned domains. What it
# had cached is given back to all, and no data is lost.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/takeover.inc"

CPU=1
ONLINE=/sys/devices/system/cpu/cpu$CPU/online
ROUNDS=5

flushed()
{
	counter stats maple.magazine_flush
}

set_online()
{
	echo "$1" >"$ONLINE" && [ "$(cat "$ONLINE")" = "$1" ]
}

# Fill the caches of that CPU, so that there is something to flush.
fill()
{
	taskset -c "$CPU" "$ktap_dir/dmacheck" both "$(disk_of "$NVME")" \
		--mib 16 --seed 5 --jobs 2
}

# Nothing else flushes meanwhile: there is space enough, and trimming is
# counted by itself.
off_flushes()
{
	local before after

	fill || return 1
	before=$(flushed)
	set_online 0 || return 1
	after=$(flushed)
	echo "magazine_flush $before, then $after"
	[ "$after" -gt "$before" ]
}

ktap_start
need_disks
[ -w "$ONLINE" ] || ktap_skip_all "CPU $CPU cannot be switched off"

check "the module loads" load_mt takeover=new
check "both disks get owned domains" own_disks
check "data to be kept: virtio" disk_io write "$VIRTIO" 9
io_begin "$NVME"
check "nothing is flushed as long as all CPUs are there" [ "$(flushed)" -eq 0 ]
round=0
while [ $round -lt $ROUNDS ]; do
	round=$((round + 1))
	check "CPU $CPU goes and its caches are flushed ($round)" off_flushes
	check "I/O without it ($round)" disk_io verify "$VIRTIO" 9
	check "CPU $CPU comes back ($round)" set_online 1
	check "I/O with it ($round)" disk_io verify "$VIRTIO" 9
done
check "all that was read back meanwhile is right" io_end
check "both disks are given back" give_back_disks
check "the data is there through the kernel's allocator" disk_io verify "$VIRTIO" 9
check "the module unloads" unload_mt
ktap_end
