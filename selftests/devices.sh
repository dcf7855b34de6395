#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck disable=SC2119 # ktap_start without a count
# shellcheck disable=SC2317 # check calls them
#
# takeover/devices: the devices beside the domains that serve them, as they come
# and go.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=takeover.inc
. "$(dirname "$0")/takeover.inc"

# listed: the lines without the heading
listed()
{
	dbg takeover/devices | grep -v '^#'
}

# domain_of <pci device>: the number that stands beside it
domain_of()
{
	listed | sed -n "s|^\([0-9]*\) pci/$1\$|\1|p"
}

nothing_is_listed()
{
	dbg takeover/devices
	[ -z "$(listed)" ]
}

is_served()
{
	local id

	dbg takeover/devices
	id=$(domain_of "$1")
	[ -n "$id" ] && [ -d "$MT_DEBUGFS/domains/$id" ]
}

not_served()
{
	dbg takeover/devices
	[ -z "$(domain_of "$1")" ]
}

# serves_alone <pci device>: I/O of the device is what the domain counts, and
# the other disk's is not
serves_alone()
{
	local id before other

	id=$(domain_of "$1")
	other=$VIRTIO
	[ "$1" = "$NVME" ] || other=$NVME
	before=$(counter "domains/$id/stats" free)
	dd if="$(disk_of "$1")" of=/dev/null bs=1M count=8 iflag=direct 2>/dev/null
	echo "domain $id: $before frees, then $(counter "domains/$id/stats" free)"
	[ "$(counter "domains/$id/stats" free)" -gt "$before" ] || return 1
	before=$(counter "domains/$(domain_of "$other")/stats" alloc)
	dd if="$(disk_of "$1")" of=/dev/null bs=1M count=8 iflag=direct 2>/dev/null
	[ "$(counter "domains/$(domain_of "$other")/stats" alloc)" = "$before" ]
}

unbind()
{
	driver=$(readlink -f "/sys/bus/pci/devices/$1/driver")
	echo "$1" >"$driver/unbind"
}

bind()
{
	echo "$1" >"$driver/bind" && wait_for_disk "$1"
}

served_and_given_back()
{
	takeover new && fresh_domain "$NVME" && is_served "$NVME" &&
		takeover off && fresh_domain "$NVME" && not_served "$NVME"
}

comes_and_goes()
{
	local round

	for round in 1 2 3 4; do
		echo "round $round"
		served_and_given_back || return 1
	done
}

reader()
{
	while [ -e "$stop" ]; do
		dbg takeover/devices
	done >/dev/null
}

comes_and_goes_under_readers()
{
	local readers status=0

	stop=$(mktemp)
	reader & readers=$!
	reader & readers="$readers $!"
	comes_and_goes || status=1
	rm "$stop"
	# shellcheck disable=SC2086 # a list of numbers
	wait $readers
	return "$status"
}

# busy_is_said: and the list ends
busy_is_said()
{
	ends dbg takeover/devices
	[ -n "$(domain_of "$VIRTIO")" ] && [ -z "$(domain_of "$NVME")" ] &&
		dbg takeover/devices | grep "^# not known: pci/$NVME is busy"
}

mt_loaded && ktap_skip_all "iova_mt is loaded already"
need_disks
ktap_start
check "loads" load_mt allocator=maple-plain
check "nothing is listed at first" nothing_is_listed
check "both disks get new domains" own_disks
check "the NVMe disk is beside its domain" is_served "$NVME"
check "the virtio disk is beside its domain" is_served "$VIRTIO"
check "not the same one" [ "$(domain_of "$NVME")" != "$(domain_of "$VIRTIO")" ]
check "each device once" [ "$(listed | wc -l)" = "$(listed | sort -u -k 2 | wc -l)" ]
check "the NVMe disk's domain serves it alone" serves_alone "$NVME"
check "a device that is busy" insmod "$ktap_dir/iova_mt_lock_device.ko" device="$NVME"
check "is not waited for" busy_is_said
check "its lock is left" rmmod iova_mt_lock_device
check "then it is listed again" is_served "$NVME"
check "a device without a driver" unbind "$NVME"
check "is not listed" not_served "$NVME"
check "the other one still is" is_served "$VIRTIO"
check "with a driver again" bind "$NVME"
check "it is listed again" is_served "$NVME"
check "the disks are given back" give_back_disks
check "nothing is listed at last" nothing_is_listed
check "the list is right while domains come and go" comes_and_goes_under_readers
check "unloads" unload_mt
ktap_end
