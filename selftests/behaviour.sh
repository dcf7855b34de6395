#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What any allocator behind the ops table does, over maple and rbtree.

. "$(dirname "$0")/lib.sh"

ktap_start
check "the module loads" load_mt
run_module_suite behaviour
check "the module unloads" unload_mt
ktap_end
