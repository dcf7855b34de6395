#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The model check at length, with the tree, the backlog's numbers, the watermarks
# and the remembered refusals looked at from inside all along.
#
#	OPS    random operations a seed (300000)
#	SEED   the first of the seeds (1)

# shellcheck source=lib.inc
. "$(dirname "$0")/lib.inc"

ktap_start
grep -q '^CONFIG_DEBUG_MAPLE_TREE=y' /proc/config 2>/dev/null ||
	zcat /proc/config.gz | grep -q '^CONFIG_DEBUG_MAPLE_TREE=y' ||
	ktap_skip_all "this kernel is built without CONFIG_DEBUG_MAPLE_TREE"
check "load" load_mt
check "load the checked allocator" \
	insmod "$ktap_dir/iova_mt_checked.ko" every=200
run_module_suite model allocator=checked \
	ops="${OPS:-300000}" seed="${SEED:-1}"
check "unload the checked allocator" rmmod iova_mt_checked
ktap_note "$(dmesg | sed -n 's/.*iova_mt_checked: \([0-9]* checks\)/\1/p' | tail -n 1)"
check "unload" unload_mt
ktap_end
