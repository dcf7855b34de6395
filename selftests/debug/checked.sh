#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2119 # ktap_start without a count
#
# The model check at length, with the tree, the backlog's numbers, the watermarks
# and the remembered refusals looked at from inside all along; with each way to
# defer.
#
#	OPS    random operations of the model (600000)
#	SEED   the first of the seeds (1)

# shellcheck source=lib.inc
. "$(dirname "$0")/lib.inc"

has_config()
{
	zcat /proc/config.gz 2>/dev/null | grep -q "^$1=y"
}

ktap_start
has_config CONFIG_DEBUG_MAPLE_TREE ||
	ktap_skip_all "this kernel is built without CONFIG_DEBUG_MAPLE_TREE"
check "load" load_mt
for way in $DEFERRALS; do
	check "deferral by $way" defer_by "$way"
	check "load the checked allocator" \
		insmod "$ktap_dir/iova_mt_checked.ko" every=200
	run_module_suite model allocator=checked \
		ops="${OPS:-600000}" seed="${SEED:-1}"
	check "unload the checked allocator" rmmod iova_mt_checked
	ktap_note "$(log_since "$ktap_canary" |
		     sed -n 's/.*iova_mt_checked: \([0-9]* checks.*\)/\1/p' | tail -n 1)"
done
check "unload" unload_mt
ktap_end
