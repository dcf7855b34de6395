#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# The functions that the takeover redirects are traced and probed at the same
# time. What is owned must still never see the kernel's code, nor the other way
# round: that would lose ranges, or hand them out twice.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/takeover.inc"

# tracer <name>: trace all that has iova in its name, ours included
tracer()
{
	echo nop >/sys/kernel/tracing/current_tracer &&
		echo '*iova*' >/sys/kernel/tracing/set_ftrace_filter &&
		echo "$1" >/sys/kernel/tracing/current_tracer
}

tracer_off()
{
	echo nop >/sys/kernel/tracing/current_tracer && echo >/sys/kernel/tracing/set_ftrace_filter
}

probes_on()
{
	echo 'p:iova_mt_entry alloc_iova_fast' >>/sys/kernel/tracing/kprobe_events &&
		echo 'r:iova_mt_return free_iova_fast' >>/sys/kernel/tracing/kprobe_events &&
		echo 1 >/sys/kernel/tracing/events/kprobes/enable
}

probes_off()
{
	echo 0 >/sys/kernel/tracing/events/kprobes/enable && echo >/sys/kernel/tracing/kprobe_events
}

traced()
{
	grep -q alloc_iova_fast /sys/kernel/tracing/trace
}

probed()
{
	grep -q iova_mt_entry /sys/kernel/tracing/trace && grep -q iova_mt_return /sys/kernel/tracing/trace
}

# balanced: whatever was allocated on the owned domains was served by our
# functions, to the last call: they have allocated as much as they count
balanced()
{
	local calls allocs

	calls=$(counter takeover/calls alloc_iova_fast)
	allocs=$(counter stats alloc)
	echo "alloc_iova_fast $calls, allocations $allocs"
	[ "$calls" -gt 0 ] && [ "$calls" = "$allocs" ]
}

# A whole life under a tracer: attach, own, use, give back, detach.
life()
{
	load_mt takeover=new && own_disks && owned_is 2 &&
		disk_io both "$NVME" 1 && disk_io both "$VIRTIO" 2 &&
		"$1" && give_back_disks && balanced &&
		disk_io verify "$NVME" 1 && disk_io verify "$VIRTIO" 2 &&
		unload_mt
}

# The same, but what traces comes and goes under I/O on owned domains.
# <on command> <off command>
come_and_go()
{
	local round

	io_begin "$NVME"
	for round in 1 2 3; do
		if ! { $1 && sleep 0.5 && $2 && sleep 0.5; }; then
			io_end
			return 1
		fi
	done
	echo "$round rounds"
	io_end
}

ktap_start
need_disks
grep -qw function_graph /sys/kernel/tracing/available_tracers || ktap_skip_all "there are no tracers"

for name in function function_graph; do
	check "$name: the tracer starts" tracer $name
	check "$name: own, use and give back" life traced
	check "$name: the tracer stops" tracer_off
done
check "probes: they start" probes_on
check "probes: own, use and give back" life probed
check "probes: they stop" probes_off

check "the module loads" load_mt takeover=new
check "both disks get owned domains" own_disks
check "function: comes and goes under I/O" come_and_go "tracer function" tracer_off
check "function_graph: comes and goes under I/O" come_and_go "tracer function_graph" tracer_off
check "probes: come and go under I/O" come_and_go probes_on probes_off
check "both disks are given back" give_back_disks
check "all calls were ours" balanced
check "the module unloads" unload_mt
ktap_end
