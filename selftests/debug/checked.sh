#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2119 # ktap_start without a count
#
# The model check at length, with the tree, the backlog's numbers, the watermarks
# and the remembered refusals looked at from inside all along, and the spans; with
# each way to defer.
#
#	OPS    random operations of the model (300000)
#	SEED   the first of the seeds (1)

# shellcheck source=lib.inc
. "$(dirname "$0")/lib.inc"

has_config()
{
	zcat /proc/config.gz 2>/dev/null | grep -q "^$1=y"
}

# checked_as <allocator> <way to defer> <calls between two checks>
checked_as()
{
	check "deferral by $2" defer_by "$2"
	check "load the checked allocator, $1" \
		insmod "$ktap_dir/iova_mt_checked.ko" inner="maple${1#checked}" every="$3"
	run_module_suite model allocator="$1" \
		ops="${OPS:-300000}" seed="${SEED:-1}"
	check "unload the checked allocator" rmmod iova_mt_checked
	ktap_note "$(log_since "$ktap_canary" |
		     sed -n 's/.*iova_mt_checked: \([0-9]* checks.*\)/\1/p' | tail -n 1)"
}

ktap_start
has_config CONFIG_DEBUG_MAPLE_TREE ||
	ktap_skip_all "this kernel is built without CONFIG_DEBUG_MAPLE_TREE"
check "load" load_mt
for way in $DEFERRALS; do
	checked_as checked-plain "$way" 200
	checked_as checked "$way" 400
done
check "unload" unload_mt
ktap_end
