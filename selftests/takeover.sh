#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# Real DMA of an NVMe and a virtio disk on owned domains: the data is right, our
# allocator has served it, and it is still right when the disks are back with
# the kernel's.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/takeover.inc"

# The calls that every mapping makes. There is one free for each allocation,
# sooner or later.
calls_rise()
{
	local before alloc free

	before=$(counter takeover/calls alloc_iova_fast)
	disk_io both "$1" 7 || return 1
	alloc=$(counter takeover/calls alloc_iova_fast)
	free=$(counter takeover/calls free_iova_fast)
	echo "alloc_iova_fast $before, then $alloc; free_iova_fast $free"
	[ "$alloc" -gt $((before + 100)) ] && [ "$free" -gt 0 ]
}

remove_device()
{
	echo 1 >"/sys/bus/pci/devices/$1/remove"
}

rescan_device()
{
	echo 1 >/sys/bus/pci/rescan
	wait_for_disk "$1"
}

# Each owned domain is listed, is served by the allocator, and has live ranges:
# at least the queues of its disk.
domains_listed()
{
	local dir nr=0

	for dir in "$MT_DEBUGFS"/domains/*/; do
		nr=$((nr + 1))
		cat "$dir/summary"
		grep -q "^allocator: $1\$" "$dir/summary" || return 1
		grep -q "^user: dma-iommu\$" "$dir/summary" || return 1
		grep -q ' live$' "$dir/ranges" || return 1
	done
	[ "$nr" -eq 2 ]
}

domains_gone()
{
	[ -z "$(ls "$MT_DEBUGFS/domains")" ]
}

served_by_kernel()
{
	local before after

	before=$(counter takeover/calls alloc_iova_fast)
	disk_io verify "$NVME" 1 && disk_io verify "$VIRTIO" 2 || return 1
	after=$(counter takeover/calls alloc_iova_fast)
	echo "alloc_iova_fast $before, then $after"
	[ "$before" = "$after" ]
}

ktap_start
need_disks
ktap_note "NVMe $NVME: $NVME_TYPE, virtio $VIRTIO: $VIRTIO_TYPE"

check "the module loads with the takeover off" load_mt
check_equal "nothing is hooked" 0 "$(hooked)"
check "the kernel's allocator: NVMe" disk_io both "$NVME" 1
check "the kernel's allocator: virtio" disk_io both "$VIRTIO" 2
check_equal "what exists is not taken over" 0 "$(counter takeover/state owned)"

check "both disks get owned domains" own_disks
check_equal "all ten functions are hooked" 10 "$(hooked)"
check_equal "two domains are owned" 2 "$(counter takeover/state owned)"
check_equal "none could not be owned" 0 "$(counter takeover/state create_failed)"
check "they are listed, and maple serves them" domains_listed maple
check "what the kernel's allocator wrote is there: NVMe" disk_io verify "$NVME" 1
check "what the kernel's allocator wrote is there: virtio" disk_io verify "$VIRTIO" 2
check "our functions are called: NVMe" calls_rise "$NVME"
check "our functions are called: virtio" calls_rise "$VIRTIO"
check "a device that goes gives its domain back" remove_device "$NVME"
check_equal "one domain is owned" 1 "$(counter takeover/state owned)"
check "it gets an owned domain when it is back" rescan_device "$NVME"
check_equal "two domains are owned again" 2 "$(counter takeover/state owned)"
check "write and verify: NVMe" disk_io both "$NVME" 1 128
check "write and verify: virtio" disk_io both "$VIRTIO" 2 128
check "the caches are used" [ "$(counter stats maple.magazine_hit)" -gt 100 ]

check "both disks are given back" give_back_disks
check "no domain is owned" wait_for 10 owned_is 0
check "nothing is attached any more" wait_for 10 attached_is no
check_equal "nothing is hooked any more" 0 "$(hooked)"
check "their directories are gone" domains_gone
check "the same data through the kernel's allocator" served_by_kernel

check "the takeover can begin again" own_disks
check "and the data is there: NVMe" disk_io verify "$NVME" 1 128
check "and the data is there: virtio" disk_io verify "$VIRTIO" 2 128
check "and it can end again" give_back_disks
check "the module unloads" unload_mt

check "the rbtree allocator serves them as well" load_mt takeover=new allocator=rbtree
check "both disks get owned domains (rbtree)" own_disks
check_equal "two domains are owned (rbtree)" 2 "$(counter takeover/state owned)"
check "write and verify: NVMe (rbtree)" disk_io both "$NVME" 3
check "write and verify: virtio (rbtree)" disk_io both "$VIRTIO" 4
check "both disks are given back (rbtree)" give_back_disks
check "the module unloads (rbtree)" unload_mt
ktap_end
