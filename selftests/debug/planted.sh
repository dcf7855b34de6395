#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck disable=SC2119 # ktap_start without a count
#
# A suite over an allocator with a bug in it, or over the checks of an allocator
# whose state has been spoilt. This has to fail for each bug but none: run-debug
# sees to that. One boot each.
#
#	BUG      one of iova_mt_planted.ko; for SUITE=checked, of iova_mt_checked.ko
#	SUITE    model, threads, atomic or checked
#	OPS      how many operations

# shellcheck source=lib.inc
. "$(dirname "$0")/lib.inc"

: "${BUG:?}" "${SUITE:?}"

# with_bug <module> <command...>: over the allocator of that module
with_bug()
{
	local module="$1" parameter="$2"
	shift 2

	# shellcheck disable=SC2086 # the bug's, behind others
	check "load $module with the bug '$BUG'" \
		insmod "$ktap_dir/$module.ko" $parameter="$BUG"
	"$@"
	check "unload it" rmmod "$module"
}

ktap_start
# A task that sleeps longer than this without a signal being able to wake it.
[ "$BUG" != stuck ] || echo 5 >/proc/sys/kernel/hung_task_timeout_secs
check "load" load_mt
case $SUITE in
model)
	with_bug iova_mt_planted bug \
		run_module_suite model allocator=planted ops="${OPS:-100000}" ;;
atomic)
	with_bug iova_mt_planted bug \
		run_module_suite atomic allocator=planted ops="${OPS:-20000}" ;;
threads)
	with_bug iova_mt_planted bug \
		run_debug_suite threads suite=threads allocator=planted ops="${OPS:-5000}" ;;
checked)
	# What is about the tree needs one with many entries.
	case $BUG in
	room|short|best) plain='' ;;
	*)         plain=-plain ;;
	esac
	with_bug iova_mt_checked "inner=maple$plain plant" \
		run_module_suite model "allocator=checked$plain" ops="${OPS:-100000}" ;;
esac
check "unload" unload_mt
ktap_end
