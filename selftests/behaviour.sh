#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What any allocator behind the ops table does, over maple and rbtree.

. "$(dirname "$0")/lib.sh"

unknown_is_counted()
{
	ktap_note "free_unknown: $(counter stats free_unknown)"
	[ "$(counter stats free_unknown)" -gt 0 ]
}

# Not all of them: the log's rate is limited.
unknown_is_said()
{
	log_since_mark | grep -E 'iova_mt: domain [0-9]+: [a-z0-9_.]+\+0x[0-9a-f/x]+ \[iova_mt_test\] frees pfn 0x[0-9a-f]+ .*is not allocated'
}

ktap_start
log_mark
check "the module loads" load_mt
run_module_suite behaviour
check "frees of what nobody has are counted" unknown_is_counted
check "and the log says by whom" unknown_is_said
check "the module unloads" unload_mt
ktap_end
