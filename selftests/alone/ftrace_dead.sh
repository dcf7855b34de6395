#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# ftrace shuts itself down under owned domains, as it does after an error of its
# own. From then on nothing can be set back: the kernel's functions call the module
# for good. So it stays, says so, and all goes on working; also under rmmod -f.
#
# Leaves a machine in which nothing can be taken over or unloaded.

MT_KO=${MT_KO:-$(dirname "$0")/../../iova_mt.ko}
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../takeover.inc"

MODULES=$(dirname "$ktap_dir")
FOR_GOOD="until the machine is restarted"

# Its own path: dmacheck lies beside the other programs.
dmacheck()
{
	"$MODULES/dmacheck" "$@"
}

kill_ftrace()
{
	log_mark
	insmod "$MODULES/iova_mt_ftrace_kill.ko"
}

give_back_nvme()
{
	takeover off && fresh_domain "$NVME" && wait_for 10 owned_is 0
}

forced()
{
	log_mark
	rmmod -f iova_mt &
	rmmod_pid=$!
	wait_for 60 log_says "the unload does not end"
}

rmmod_waits()
{
	kill -0 "$rmmod_pid" && mt_loaded
}

ktap_start
need_disks
check "the module loads" load_mt takeover=new
check "the NVMe disk gets an owned domain" fresh_domain "$NVME"
check "nothing stands against detaching" state_says "^unload: refused, 1 domain"
check "ftrace shuts itself down" kill_ftrace
check "the state says that the module stays" state_says "^unload: refused $FOR_GOOD"
check "the log says so" log_says "$FOR_GOOD"
check "I/O goes on" disk_io both "$NVME" 1
check "no more domains are taken over" refused "no more domains are taken over" takeover new
check "the disk is given back" give_back_nvme
check "it stays attached" attached_is yes
check "and says so" state_says "^unload: refused $FOR_GOOD"
check "the functions are hooked, as ftrace has it" \
	[ "$(dbg takeover/functions | grep -c 'hooked: yes$')" = 10 ]
check "I/O goes on through the kernel's allocator" disk_io verify "$NVME" 1
check "unloading is refused" refused "can't unload" unload_mt
check "a forced unload does not end, and says so" forced
check "I/O goes on" disk_io both "$NVME" 2
check "it still waits" rmmod_waits
ktap_end
