#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2119 # ktap_start without a count
#
# Several threads on one domain, over the maple allocator and over the one that
# is looked at from inside; with each way to defer.
#
#	OPS    operations a thread (40000)

# shellcheck source=lib.inc
. "$(dirname "$0")/lib.inc"

ktap_start
check "load" load_mt
for way in $DEFERRALS; do
	check "deferral by $way" defer_by "$way"
	run_debug_suite "threads" suite=threads ops="${OPS:-40000}"
	run_debug_suite "threads, maple-plain" suite=threads \
		allocator=maple-plain ops="${OPS:-40000}"
	check "load the checked allocator" \
		insmod "$ktap_dir/iova_mt_checked.ko" every=200
	run_debug_suite "threads, checked" suite=threads allocator=checked \
		ops="${OPS:-40000}"
	check "unload the checked allocator" rmmod iova_mt_checked
done
check "unload" unload_mt
ktap_end
