#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# cache_mib limits what the caches of a domain hold.

# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

LOAD=$ktap_dir/iova_mt_load.ko

# load_of <MiB>: some work on a domain whose caches may hold that much
load_of()
{
	echo "$1" >"$MT_PARAMETERS/cache_mib" && insmod "$LOAD" steps=20000 threads=1 &&
		wait_for 60 grep -qx 1 /sys/module/iova_mt_load/parameters/waiting &&
		rmmod iova_mt_load
}

# counted <name>: since the module was loaded
counted()
{
	counter stats "maple.$1"
}

none_is_cached()
{
	load_of 0 || return 1
	ktap_note "$(counted magazine_put) cached, $(counted magazine_no_room) magazines refused"
	[ "$(counted magazine_put)" = 0 ] && [ "$(counted magazine_hit)" = 0 ] &&
		[ "$(counted magazine_no_room)" -gt 0 ] &&
		[ "$(counted magazine_no_memory)" = 0 ]
}

# A magazine of each class of the load is 9 MiB: single pages are 126.
some_are_cached()
{
	load_of 1 || return 1
	ktap_note "$(counted magazine_put) cached, $(counted magazine_no_room) magazines refused"
	[ "$(counted magazine_put)" -gt 0 ]
}

all_are_cached()
{
	local refused

	refused=$(counted magazine_no_room)
	load_of 1024 && [ "$(counted magazine_no_room)" = "$refused" ]
}

ktap_start
check "the module loads" load_mt
check "with cache_mib=0 nothing is cached" none_is_cached
check "with cache_mib=1 a little is" some_are_cached
check "with cache_mib=1024 all is that can be" all_are_cached
check "the module unloads" unload_mt
ktap_end
