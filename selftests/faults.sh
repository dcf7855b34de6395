#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck disable=SC2119 # ktap_start without a count
# shellcheck disable=SC2317 # check calls them
#
# Fault points: each knob does what the same knob of the kernel's fault
# injection does, in the same order, and a run can be repeated.
#
# The hits come from I/O on a device whose domain has no magazines, so that
# every free asks fail_erase. Failed erases disturb nobody.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

MAX=2147483647

# Which hits of fail_erase fail at 10 percent, the first eight; worked out from
# the description of the draw, not taken from a run.
SEED_1="14 17 18 32 39 52 54 55 "
SEED_2="15 43 45 46 56 77 86 95 "

# knob <name> [value]: of fail_erase
knob()
{
	if [ $# -eq 2 ]; then
		echo "$2" >"$MT_DEBUGFS/fail_erase/$1"
	else
		dbg "fail_erase/$1"
	fi
}

# --- a device ---------------------------------------------------------------

own()
{
	takeover new && new_domain "$pci" "$type" && disk=$(wait_for_disk "$pci")
}

give_back()
{
	takeover off && new_domain "$pci" "$type" && wait_for_disk "$pci"
}

# start [parameter=value...]: load, and own the device without magazines
start()
{
	load_mt allocator=maple-plain takeover=new fail_magazine=1,100,0,-1 "$@" && own
}

stop()
{
	give_back && unload_mt
}

do_io()
{
	dd if="$disk" of=/dev/null bs=4096 count=200 iflag=direct 2>/dev/null
}

# run <probability> <interval> <space> <times>: with I/O; sets hits and injected.
# The point is off when they are read, and frees under way have had their time.
run()
{
	knob probability 0
	knob interval "$2"
	knob space "$3"
	knob times "$4"
	echo 1 >"$MT_DEBUGFS/reset"
	knob probability "$1"
	do_io
	knob probability 0
	sleep 0.2
	hits=$(knob hits)
	injected=$(knob injected)
	echo "hits $hits, injected $injected"
}

# --- one knob at a time -----------------------------------------------------

off_counts_nothing()
{
	run 0 1 0 -1
	[ "$hits $injected" = "0 0" ]
}

always_fails_all()
{
	run 100 1 0 -1
	[ "$hits" -gt 50 ] && [ "$injected" = "$hits" ]
}

sometimes_fails_some()
{
	run 30 1 0 -1
	[ "$injected" -gt 0 ] && [ $((injected * 2)) -lt "$hits" ]
}

times_runs_out()
{
	run 100 1 0 3
	[ "$injected" = 3 ] && [ "$(knob times)" = 0 ] && [ "$hits" -gt 3 ]
}

times_0_fails_none()
{
	run 100 1 0 0
	[ "$injected" = 0 ] && [ "$hits" -gt 50 ]
}

times_unlimited_stays()
{
	run 100 1 0 -1
	[ "$(knob times)" = -1 ]
}

interval_lets_pass()
{
	run 100 10 0 -1
	[ "$hits" -gt 50 ] && [ "$injected" = $((hits / 10)) ]
}

# 0 and 1 hold nothing back, as in the kernel: n holds back n - 1.
space_holds_back()
{
	run 100 1 20 -1
	[ "$hits" -gt 50 ] && [ "$injected" = $((hits - 19)) ] &&
		[ "$(knob space)" = 1 ]
}

space_1_holds_nothing_back()
{
	run 100 1 1 -1
	[ "$hits" -gt 50 ] && [ "$injected" = "$hits" ]
}

# only_in <domain>: hits with that filter
only_in()
{
	knob domain "$1"
	run 100 1 0 -1
	knob domain 0
}

filter_of_its_own_passes()
{
	only_in "$(ls "$MT_DEBUGFS/domains")"
	[ "$hits" -gt 50 ] && [ "$injected" = "$hits" ]
}

# A hit in another domain is none for space and times either.
filter_of_another_spares()
{
	knob domain "$MAX"
	run 100 1 20 3
	knob domain 0
	[ "$hits $injected" = "0 0" ] && [ "$(knob space) $(knob times)" = "20 3" ]
}

# --- their order ------------------------------------------------------------

# A hit that space holds back is none for interval.
space_before_interval()
{
	run 100 7 6 -1
	[ "$hits" -gt 50 ] && [ "$injected" = $(((hits - 5) / 7)) ]
}

# Hits that interval lets pass do not use up times.
interval_before_times()
{
	run 100 5 0 4
	[ "$injected" = 4 ] && [ "$(knob times)" = 0 ]
}

# With none left nothing is held back any more: space stays as it is.
times_before_space()
{
	run 100 1 9 0
	[ "$injected" = 0 ] && [ "$(knob space)" = 9 ]
}

# --- messages ---------------------------------------------------------------

# failing_hits: which hits failed since the mark, as the log says
failing_hits()
{
	log_since_mark |
		sed -n 's/.*iova_mt: fail_erase: hit \([0-9]*\) fails.*/\1/p' |
		sort -n | tr '\n' ' '
}

# Messages are ratelimited; this waits until the next ones come through.
let_messages_through()
{
	sleep 6
}

silent_by_default()
{
	log_mark
	run 100 1 0 5
	[ "$injected" = 5 ] && [ -z "$(failing_hits)" ]
}

says_one_line_a_failure()
{
	log_mark
	knob verbose 1
	run 100 1 0 4
	knob verbose 0
	echo "said: $(failing_hits)"
	[ "$(failing_hits)" = "1 2 3 4 " ] &&
		! log_since_mark | grep -q 'Call Trace'
}

shows_a_stack()
{
	log_mark
	knob verbose 2
	run 100 1 0 1
	knob verbose 0
	[ "$(failing_hits)" = "1 " ] &&
		log_since_mark | grep -q 'Call Trace' &&
		log_since_mark | grep -q 'iova_mt_fault_decide'
}

# --- repeating a run --------------------------------------------------------

# fails_as <list>: the failures at 10 percent are those
fails_as()
{
	let_messages_through
	log_mark
	knob verbose 1
	run 10 1 0 8
	knob verbose 0
	echo "expected $1"
	echo "found    $(failing_hits)"
	[ "$(failing_hits)" = "$1" ]
}

# --- parameters -------------------------------------------------------------

# The point is armed from the load on, and stops after five.
armed_at_load()
{
	start fail_erase=1,100,0,5 || return 1
	do_io
	echo "parameter: $(cat "$MT_PARAMETERS/fail_erase")"
	[ "$(knob injected)" = 5 ] &&
		[ "$(cat "$MT_PARAMETERS/fail_erase")" = "1,100,0,0" ] &&
		counter_is backlog total_deferred 5
}

# ask_points <allocator>: hits at the points that it has. Magazines really fail,
# which makes frees erase, and so do some erases, which makes them swap; at the
# others interval never comes round.
ask_points()
{
	local point parameters='fail_magazine=1,100,0,-1 fail_erase=2,100,0,-1'

	for point in $FAULT_POINTS; do
		case $point in
		fail_magazine|fail_erase) ;;
		*) parameters="$parameters $point=$MAX,100,0,-1" ;;
		esac
	done
	# shellcheck disable=SC2086 # a list of words
	load_mt allocator="$1" takeover=new $parameters && own && do_io && give_back
}

# is_asked <point>: and fails only if it was told to
is_asked()
{
	echo "$1: $(dbg "$1/hits") hits, $(dbg "$1/injected") injected"
	[ "$(dbg "$1/hits")" -gt 0 ] || return 1
	case $1 in
	fail_magazine|fail_erase) ;;
	*) [ "$(dbg "$1/injected")" = 0 ] ;;
	esac
}

# Those of spans are not asked without, most others not with them.
all_are_asked()
{
	local point

	ask_points maple && is_asked fail_span && unload_mt || return 1
	ask_points maple-plain || return 1
	for point in $FAULT_POINTS; do
		[ "$point" = fail_span ] || is_asked "$point" || return 1
	done
	unload_mt
}

# --- program ----------------------------------------------------------------

mt_loaded && ktap_skip_all "iova_mt is loaded already"
modprobe nvme 2>/dev/null
if ! pci=$(nvme_pci) || ! wait_for_disk "$pci" >/dev/null ||
   ! type=$(domain_type "$pci"); then
	ktap_skip_all "no NVMe device behind an IOMMU"
fi

ktap_start
log_allow 'Call Trace'
check "loads with a seed, and owns the device" start fault_seed=1
check "probability 0 counts nothing" off_counts_nothing
check "probability 100 fails every hit" always_fails_all
check "probability 30 fails some" sometimes_fails_some
check "times counts down and runs out" times_runs_out
check "times 0 fails none" times_0_fails_none
check "times -1 stays" times_unlimited_stays
check "interval 10 fails every tenth" interval_lets_pass
check "space 20 holds back 19" space_holds_back
check "space 1 holds nothing back" space_1_holds_nothing_back
check "a filter of its own domain spares nothing" filter_of_its_own_passes
check "a filter of another domain spares it" filter_of_another_spares
check "space comes before interval" space_before_interval
check "interval comes before times" interval_before_times
check "times comes before space" times_before_space
check "silent by default" silent_by_default
check "verbose 1 says a line a failure" says_one_line_a_failure
check "verbose 2 shows a stack as well" shows_a_stack
check "seed 1 fails the hits that it always fails" fails_as "$SEED_1"
check "and again" fails_as "$SEED_1"
check "gives back and unloads" stop
check "loads with another seed" start fault_seed=2
check "seed 2 fails others" fails_as "$SEED_2"
check "gives back and unloads again" stop
check "a point can be armed at load" armed_at_load
check "gives back and unloads once more" stop
check "every point is asked" all_are_asked
ktap_end
