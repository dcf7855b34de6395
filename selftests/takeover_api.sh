#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# The kernel's iova API as seen by its users, struct iova included: the same on
# a domain of the kernel's and on one that was taken over, by each allocator.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/takeover.inc"

CLIENT=$ktap_dir/iova_mt_client.ko
CASES="objects aligned free_by_pfn find_fast free_object_fast next_at_same_pfn reserve
	reserve_over_freed reserve_from_inside
	full again interrupts_off interrupts_off_fast free_of_pfn_0 freed_twice"

run_case()
{
	log_mark
	insmod "$CLIENT" case="$1" || { log_since_mark; return 1; }
	rmmod iova_mt_client
}

# run_owned <case>: the case must also have been served by us, and leave nothing
run_owned()
{
	local before after

	before=$(counter takeover/calls init_iova_domain)
	run_case "$1" || return 1
	after=$(counter takeover/calls init_iova_domain)
	echo "owned domains made: $before, then $after"
	[ "$after" -gt "$before" ] && owned_is 0
}

# free_is_said: who called the kernel's function is in the log, and it is counted
free_is_said()
{
	local before

	before=$(counter stats free_unknown)
	run_case free_of_pfn_0 || return 1
	log_since_mark | grep "free_of_pfn_0+0x.*\[iova_mt_client\] frees pfn 0x0 " &&
		[ "$(counter stats free_unknown)" -eq $((before + 4)) ]
}

# keeps_a_domain: the client has a domain until it is unloaded
keeps_a_domain()
{
	insmod "$CLIENT" case=keep && owned_is 1
}

# named_as_user: wherever the domain is shown
named_as_user()
{
	local id

	cat "$MT_DEBUGFS"/domains/*/summary
	dbg takeover/devices
	dbg takeover/state
	id=$(ls "$MT_DEBUGFS/domains")
	[ "$(counter "domains/$id/summary" user)" = "module iova_mt_client" ] &&
		dbg takeover/devices | grep "^$id module/iova_mt_client\$" &&
		state_says "^unload: refused, 1 .*; domain $id belongs to module iova_mt_client: unload it"
}

ktap_start
[ "$(id -u)" = 0 ] || ktap_skip_all "must be run as root"
[ -e "$CLIENT" ] || ktap_skip_all "iova_mt_client.ko was not built"

for case in $CASES; do
	check "the kernel's domain: $case" run_case "$case"
done

for allocator in maple rbtree; do
	check "the module loads with $allocator" load_mt takeover=new allocator=$allocator
	# The first ones since then, before the limit of the log's rate. The
	# kernel's own does not say that nobody has it.
	[ $allocator = rbtree ] || check "a free of pfn 0 is said, and by whom" free_is_said
	for case in $CASES; do
		check "owned, $allocator: $case" run_owned "$case"
	done
	check "owned, $allocator: not_rounded" run_owned not_rounded
	check "owned, $allocator: reserve_over" run_owned reserve_over
	check "owned, $allocator: a module keeps a domain" keeps_a_domain
	check "it is named as the domain's user" named_as_user
	check "its unloading gives the domain back" rmmod iova_mt_client
	check "no domain is owned" owned_is 0
	check_equal "a case that does not exist is refused" 1 \
		"$(run_case none >/dev/null 2>&1; echo $?)"
	check "the module unloads" unload_mt
done

check "the module loads, out of objects" load_mt takeover=new fail_object=1,100,0,-1
check "owned, maple: no_objects" run_owned no_objects
check "the module unloads" unload_mt
ktap_end
