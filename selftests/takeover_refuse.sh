#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# What the takeover refuses, and how it says so: bad words, unloading under
# owned domains, other users of the same functions, and being switched off from
# below. And a forced unload, which has to wait.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/takeover.inc"

FTRACE_ENABLED=/proc/sys/kernel/ftrace_enabled
IPMODIFY=$ktap_dir/iova_mt_ipmodify.ko
VALID_WORDS="valid: off, new"
ATTACH_REFUSED="a livepatch or another module"
GOING_ON="they go on working"

log_says()
{
	log_since_mark | grep -F "$1"
}

set_ftrace()
{
	echo "$1" >"$FTRACE_ENABLED"
}

state_says()
{
	dbg takeover/state | grep "$1"
}

unload_refused()
{
	! unload_mt && mt_loaded
}

# Nothing that has to do with iova is left in ftrace but the conflicting module.
only_ipmodify_hooked()
{
	grep -E '_iova|iova_' "$ENABLED_FUNCTIONS"
	[ "$(hooked)" -eq 1 ] && grep -q '^alloc_iova_fast ' "$ENABLED_FUNCTIONS"
}

own_nvme()
{
	log_mark
	fresh_domain "$NVME" && owned_is 1
}

give_back_nvme()
{
	takeover off && fresh_domain "$NVME" && owned_is 0
}

# ends <command...>: its status; fails when it hangs. It may hang for good, so
# it is left behind then.
ends()
{
	local status

	status=$(mktemp)
	{ "$@"; echo $? >"$status"; } &
	wait_for 5 [ -s "$status" ] || { echo "hangs: $*"; return 1; }
	return "$(cat "$status")"
}

# A refusal, not a hang.
takeover_refused()
{
	echo "-ESHUTDOWN is expected"
	refused "transport endpoint shutdown" ends takeover new
}

rmmod_waits()
{
	kill -0 "$rmmod_pid" && mt_loaded
}

rmmod_done()
{
	! kill -0 "$rmmod_pid" 2>/dev/null
}

force_unload()
{
	log_mark
	rmmod -f iova_mt &
	rmmod_pid=$!
	wait_for 10 log_says "$GOING_ON"
}

ktap_start
need_disks

# --- bad words
check "a bad mode is refused at load" refused "$VALID_WORDS" load_mt takeover=maybe
check "and the module is not loaded" not_loaded
check "an unknown allocator is refused at load" refused "valid:" load_mt allocator=none
check "and the module is not loaded" not_loaded
check "the module loads with takeover=new" load_mt takeover=new
check "a bad mode is refused at run time" refused "$VALID_WORDS" takeover maybe
check "an empty mode is refused at run time" refused "$VALID_WORDS" takeover ""
check "and the mode stays" state_says "^mode: new"

# --- unloading under an owned domain
check "nothing stands against unloading" state_says "^unload: possible"
check "the NVMe disk gets an owned domain" own_nvme
check "the log says that unloading is refused" log_says "unloading is refused"
check "unloading is refused" unload_refused
check "the state says why" state_says "^unload: refused, 1 domain"
check "I/O goes on" disk_io both "$NVME" 1

# --- others, while we are attached
check "another module that redirects is refused" refused "busy" insmod "$IPMODIFY"
check "ftrace cannot be switched off" refused "busy" set_ftrace 0
check_equal "and it is still on" 1 "$(cat "$FTRACE_ENABLED")"
check_equal "all ten functions are still hooked" 10 "$(hooked)"
check "I/O goes on" disk_io both "$NVME" 2
check "the NVMe disk is given back" give_back_nvme
check "the module unloads" unload_mt
check_equal "nothing is hooked any more" 0 "$(hooked)"

# --- others before us
check "another module redirects" insmod "$IPMODIFY"
check "the load is refused, and says why" refused "$ATTACH_REFUSED" load_mt takeover=new
check "and the module is not loaded" not_loaded
check "and none of the functions is hooked" only_ipmodify_hooked
check "the module loads with the takeover off" load_mt
check "the takeover is refused at run time" refused "$ATTACH_REFUSED" takeover new
check "and the mode stays" state_says "^mode: off"
check "and it is not attached" attached_is no
check "and none of the functions is hooked" only_ipmodify_hooked
check "the other module goes" rmmod iova_mt_ipmodify
check "now the takeover attaches" takeover new
check "the module unloads" unload_mt

# --- ftrace switched off before us
check "ftrace is switched off" set_ftrace 0
check "the load is refused, and says why" refused "kernel.ftrace_enabled=0" load_mt takeover=new
check "and the module is not loaded" not_loaded
check "ftrace is switched on" set_ftrace 1
check_equal "nothing is hooked" 0 "$(hooked)"

# --- a forced unload
check "the module loads again" load_mt takeover=new
check "the NVMe disk gets an owned domain again" own_nvme
io_begin "$NVME"
check "a forced unload says that it waits" force_unload
sleep 2
check "it waits" rmmod_waits
check "the takeover's mode can be read meanwhile" ends cat "$MT_PARAMETERS/takeover"
check "the takeover cannot begin again meanwhile" takeover_refused
check "the I/O went on meanwhile" io_end
check "data is right meanwhile" disk_io both "$NVME" 3
check "it still waits" rmmod_waits
check "the NVMe disk gets a new domain" fresh_domain "$NVME"
check "the forced unload ends" wait_for 30 rmmod_done
check "and the module is gone" wait_for 10 not_loaded
check_equal "nothing is hooked any more" 0 "$(hooked)"
check "the same data through the kernel's allocator" disk_io verify "$NVME" 3
ktap_end
