#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The model check, the threads, or all contexts at once, over an allocator with a
# bug in it. This has to fail for each bug but none: run-debug and run-selftests
# see to that. One boot each.
#
#	BUG      one of iova_mt_planted.ko
#	SUITE    model, threads or atomic
#	OPS      operations of the model check (100000)

# shellcheck source=lib.inc
. "$(dirname "$0")/lib.inc"

ktap_start
check "load" load_mt
check "load the allocator with the bug '$BUG'" \
	insmod "$ktap_dir/iova_mt_planted.ko" bug="$BUG"
case ${SUITE:?} in
model)   run_module_suite model allocator=planted ops="${OPS:-100000}" ;;
atomic)  run_module_suite atomic allocator=planted ops=20000 ;;
threads) run_debug_suite "threads" suite=threads allocator=planted ops=5000 ;;
esac
check "unload the allocator" rmmod iova_mt_planted
check "unload" unload_mt
ktap_end
