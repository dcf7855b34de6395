#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# Forced unloads (rmmod -f). The module must not go while anything holds it: an
# open file in debugfs, the domain of a device, or one of another module. It says
# what it waits for, goes on working, and ends as soon as that has been given back.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/takeover.inc"

CLIENT=$ktap_dir/iova_mt_client.ko

# forced <text>: a forced unload begins, and says that. It must not have inherited
# the file that it would wait for.
forced()
{
	log_mark
	rmmod -f iova_mt 5<&- &
	rmmod_pid=$!
	wait_for 60 log_says "$1"
}

rmmod_waits()
{
	kill -0 "$rmmod_pid" && mt_loaded
}

rmmod_done()
{
	! kill -0 "$rmmod_pid" 2>/dev/null
}

forced_ends()
{
	wait_for 60 rmmod_done && wait_for 10 not_loaded
}

# A refusal, not a hang.
takeover_refused()
{
	echo "-ESHUTDOWN is expected"
	refused "valid: off" ends takeover new
}

owns_nvme()
{
	takeover new && fresh_domain "$NVME" && owned_is 1
}

# --- an open file

test_open_file()
{
	check "the module loads" load_mt
	exec 5<"$MT_DEBUGFS/stats"
	check "unloading is refused under an open file" refused "can't unload" unload_mt
	check "a forced unload waits for it, and says so" forced "references are held: 1"
	check "it waits" rmmod_waits
	exec 5<&-
	check "the file is closed, and it ends" forced_ends
}

# --- the domain of a device

test_device()
{
	check "the module loads" load_mt takeover=new
	check "the NVMe disk gets an owned domain" owns_nvme
	io_begin "$NVME"
	check "a forced unload says that it waits" forced "they go on working"
	check "the log names the device" wait_for 10 log_says "serves pci/$NVME"
	sleep 2
	check "it waits" rmmod_waits
	check "the takeover's mode can be read meanwhile" ends cat "$MT_PARAMETERS/takeover"
	check "the takeover cannot begin again meanwhile" takeover_refused
	check "the takeover can be switched off meanwhile" ends takeover off
	check "the I/O went on meanwhile" io_end
	check "data is right meanwhile" disk_io both "$NVME" 3
	check "the virtio disk's new domain is not taken over" fresh_domain "$VIRTIO"
	check "it still waits" rmmod_waits
	check "the NVMe disk gets a new domain" fresh_domain "$NVME"
	check "the forced unload ends" forced_ends
	check_equal "nothing is hooked any more" 0 "$(hooked)"
	check "the same data through the kernel's allocator" disk_io verify "$NVME" 3
}

# --- the domain of another module, and an open file

test_module()
{
	check "the module loads" load_mt takeover=new
	check "a module gets an owned domain" insmod "$CLIENT" case=keep
	exec 5<"$MT_DEBUGFS/stats"
	check "a forced unload waits" forced "they go on working"
	check "the log names the module" wait_for 10 log_says "belongs to module iova_mt_client"
	check "the module gives its domain back" rmmod iova_mt_client
	check "then it waits for the open file" wait_for 60 log_says "references are held: 1"
	check "it waits" rmmod_waits
	exec 5<&-
	check "the file is closed, and it ends" forced_ends
	check_equal "nothing is hooked any more" 0 "$(hooked)"
}

ktap_start
need_disks
test_open_file
test_device
test_module
check "the module loads once more" load_mt
check "and unloads" unload_mt
ktap_end
