#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# What the takeover refuses, and how it says so: bad words, unloading under
# owned domains or open files, other users of the same functions, and being
# switched off from below.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/takeover.inc"

FTRACE_ENABLED=/proc/sys/kernel/ftrace_enabled
IPMODIFY=$ktap_dir/iova_mt_ipmodify.ko
VALID_WORDS="valid: off, new"
ATTACH_REFUSED="a livepatch or another module"
KPROBE_REFUSED="a kprobe with a post_handler"
IS_OWNED="a domain is owned"

set_ftrace()
{
	echo "$1" >"$FTRACE_ENABLED"
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

# Other domains come, go, and come again.
own_nvme_again()
{
	fresh_domain "$NVME" && fresh_domain "$NVME" && owned_is 1
}

said_once()
{
	log_since_mark | grep -F "$1"
	[ "$(log_since_mark | grep -cF "$1")" = 1 ]
}

# functions_say <word>: of all ten
functions_say()
{
	dbg takeover/functions
	[ "$(dbg takeover/functions | grep -c "hooked: $1\$")" = 10 ]
}

state_of_an_open_file()
{
	state_says "^unload: refused, others hold references: 1;" 5<"$MT_DEBUGFS/stats"
}

give_back_nvme()
{
	takeover off && fresh_domain "$NVME" && owned_is 0
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

# --- unloading under an open file, and under an owned domain
check "nothing stands against unloading" state_says "^unload: possible"
check "but an open file does" state_of_an_open_file
check "closed, it does not any more" state_says "^unload: possible"
check "the functions are hooked, as ftrace has it" functions_say yes
check "the NVMe disk gets an owned domain" own_nvme
check "the log says that unloading is refused" log_says "unloading is refused"
check "unloading is refused" unload_refused
check "the state says why" state_says "^unload: refused, 1 domain"
check "other domains come and go" own_nvme_again
check "the log has told of the first only" said_once "$IS_OWNED"
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
check "a kprobe with a post_handler does as well" insmod "$IPMODIFY" kprobe=1
check "the takeover is refused at run time" refused "$KPROBE_REFUSED" takeover new
check "and no function is hooked by us" functions_say no
check "the kprobe goes" rmmod iova_mt_ipmodify
check "now the takeover attaches" takeover new
check "the module unloads" unload_mt

# --- ftrace switched off before us
check "ftrace is switched off" set_ftrace 0
check "the load is refused, and says why" refused "kernel.ftrace_enabled=0" load_mt takeover=new
check "and the module is not loaded" not_loaded
check "ftrace is switched on" set_ftrace 1
check_equal "nothing is hooked" 0 "$(hooked)"

ktap_end
