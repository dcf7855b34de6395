#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The model check, or the threads, over an allocator with a bug in it. This has
# to fail for each bug but none: run-debug sees to that. One boot each.
#
#	BUG      one of iova_mt_planted.ko
#	SUITE    model or threads

# shellcheck source=lib.inc
. "$(dirname "$0")/lib.inc"

ktap_start
check "load" load_mt
check "load the allocator with the bug '$BUG'" \
	insmod "$ktap_dir/iova_mt_planted.ko" bug="$BUG"
case ${SUITE:?} in
model)   run_module_suite model allocator=planted ops=100000 ;;
threads) run_debug_suite "threads" suite=threads allocator=planted ops=5000 ;;
esac
check "unload the allocator" rmmod iova_mt_planted
check "unload" unload_mt
ktap_end
