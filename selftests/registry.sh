#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# An allocator of a third module: registered, listed, used, tested like the
# others, and held while it is used. Then the same allocator with one mistake at
# a time: the suites have to see each of them.

. "$(dirname "$0")/lib.sh"

MISTAKES="unaligned limit start twice leak refuse low reserve find exact"

load_list()
{
	insmod "$ktap_dir/iova_mt_test_ops.ko" "$@"
}

is_listed()
{
	dbg allocators | grep -qw list
}

is_not_listed()
{
	! is_listed
}

# Succeeds when the behaviour suite finds something wrong with the allocator,
# and says what.
is_caught()
{
	local failed

	load_list mistake="$1" || return 1
	insmod "$ktap_dir/iova_mt_test.ko" suite=behaviour allocator=list
	failed=$(grep -c '^not ok' /sys/kernel/debug/iova_mt_test/ktap)
	rmmod iova_mt_test
	rmmod iova_mt_test_ops
	echo "failed: $failed"
	[ "$failed" -gt 0 ]
}

bad_suite()
{
	insmod "$ktap_dir/iova_mt_test.ko" suite=nonsense
}

ktap_start
check "the module loads" load_mt
check "a module brings an allocator" load_list
check "it is listed" is_listed
check "iova_mt stays while it is there" refused "can't unload" rmmod iova_mt
run_module_suite registry
run_module_suite behaviour allocator=list
run_module_suite model allocator=list ops=20000
check "the module that brought it goes" rmmod iova_mt_test_ops
check "it is not listed any more" is_not_listed
for mistake in $MISTAKES; do
	check "an allocator with mistake '$mistake' is caught" \
		is_caught "$mistake"
done
check "an unknown mistake is refused" refused "valid: none, unaligned" \
	load_list mistake=nonsense
check "an unknown suite is refused" refused "valid: behaviour, model" bad_suite
check "the module unloads" unload_mt
ktap_end
