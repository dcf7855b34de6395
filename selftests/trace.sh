#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck disable=SC2119 # ktap_start without a count
# shellcheck disable=SC2317 # check calls them
#
# Tracepoints: which there are, and that they say what the counters say: as many
# events as the counters count, with the same sums in them.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

TRACEFS=/sys/kernel/tracing
EVENTS=$TRACEFS/events/iova_mt
# Steps of each task of the load.
STEPS=3000

trace=$(mktemp)
copy=$(mktemp)

expected_events()
{
	cat <<-EOT
	iova_mt_alloc
	iova_mt_defer
	iova_mt_domain_create
	iova_mt_domain_destroy
	iova_mt_drain
	iova_mt_free
	iova_mt_retry
	iova_mt_reuse
	iova_mt_sweep_begin
	iova_mt_sweep_end
	iova_mt_takeover_attach
	iova_mt_takeover_detach
	iova_mt_takeover_disown
	iova_mt_takeover_own
	EOT
}

found_events()
{
	find "$EVENTS"/* -type d -exec basename {} \; | sort
}

trace_begin()
{
	echo 0 >"$TRACEFS/tracing_on"
	echo 16384 >"$TRACEFS/buffer_size_kb"
	echo >"$TRACEFS/trace"
	echo iova_mt >"$TRACEFS/set_event"
	echo 1 >"$TRACEFS/tracing_on"
}

# trace_end: what was traced into $trace; fails when something is missing
trace_end()
{
	echo 0 >"$TRACEFS/tracing_on"
	echo >"$TRACEFS/set_event"
	cat "$TRACEFS/trace" >"$trace"
	! grep -E '^(overrun|commit overrun|dropped events): [^0]' \
		"$TRACEFS"/per_cpu/cpu*/stats
}

trace_reset()
{
	echo >"$TRACEFS/trace"
	echo 1 >"$TRACEFS/tracing_on"
}

# --- numbers ----------------------------------------------------------------

# nr <event> [word]: how many such events, with that word in them
nr()
{
	grep -F " $1: " "$trace" | grep -cF -- "${2:-}"
}

# sum <event> <field> [word]
sum()
{
	grep -F " $1: " "$trace" | grep -F -- "${3:-}" | awk -v name="$2" '
	{
		for (i = 1; i <= NF; i++)
			if (index($i, name "=") == 1)
				total += substr($i, length(name) + 2)
	}
	END { print total + 0 }'
}

# pages <event>: in the ranges of such events
pages()
{
	grep -F " $1: " "$trace" | awk '
	# awk of busybox reads no hexadecimal numbers.
	function hex(text,    i, value) {
		for (i = 3; i <= length(text); i++)
			value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
		return value
	}
	function field(name,    i) {
		for (i = 1; i <= NF; i++)
			if (index($i, name "=") == 1)
				return substr($i, length(name) + 2)
	}
	{ total += hex(field("last")) - hex(field("first")) + 1 }
	END { print total + 0 }'
}

# same <name> <by the events> <by the counters>: and more than none
same()
{
	check_equal "$1" "$3" "$2"
	check "$1: and there were some" [ "$2" -gt 0 ]
}

# grown <file> <counter>: since the module was loaded, which is when they were 0
grown()
{
	counter "$1" "$2"
}

# --- a load with faults -----------------------------------------------------

# arm <point> <probability>
arm()
{
	echo -1 >"$MT_DEBUGFS/$1/times"
	echo "$2" >"$MT_DEBUGFS/$1/probability"
}

# load_parameter <name>: of iova_mt_load.ko
load_parameter()
{
	cat "/sys/module/iova_mt_load/parameters/$1"
}

# waiting <number>: so many tasks of the load are done
waiting()
{
	[ "$(load_parameter waiting)" = "$1" ]
}

nothing_pending()
{
	counter_is backlog pending_ranges 0
}

# The worker comes once more after the last erase, at most a second later.
worker_rests()
{
	rounds=$(counter backlog rounds)
	sleep 1.5
	nothing_pending && counter_is backlog rounds "$rounds"
}

# Erases and inserts fail. Then no erase succeeds, for a drain that fails. When
# this ends a domain is still there, at rest.
run_load()
{
	arm fail_erase 40
	arm fail_insert 20
	insmod "$ktap_dir/iova_mt_load.ko" allocator=maple-plain \
		steps="$STEPS" || return 1
	wait_for 300 waiting 2 || return 1
	arm fail_erase 0
	arm fail_insert 0
	wait_for 30 worker_rests && rmmod iova_mt_load || return 1

	arm fail_erase 100
	insmod "$ktap_dir/iova_mt_load.ko" allocator=maple-plain steps=200 || return 1
	wait_for 300 waiting 2 || return 1
	! echo 1 >"$MT_DEBUGFS/drain" 2>/dev/null || return 1
	arm fail_erase 0
	echo 1 >"$MT_DEBUGFS/drain" && wait_for 30 worker_rests
}

test_load()
{
	trace_begin
	check "a load with failing erases and inserts" run_load
	check "no event was lost" trace_end
	ktap_note "$(grep -c ' iova_mt_' "$trace") events"
	grep -F iova_mt_sweep "$trace" | head -n 4 | ktap_notes

	same "alloc: as many as allocations" "$(nr iova_mt_alloc)" \
		$(($(grown stats alloc) + $(grown stats alloc_no_space) + $(grown stats alloc_no_memory)))
	same "alloc: as many succeeded" "$(nr iova_mt_alloc ' error=0 ')" "$(grown stats alloc)"
	same "alloc: with as many pages" "$(sum iova_mt_alloc size ' error=0 ')" \
		"$(grown stats alloc_pages)"
	same "free: as many as frees" "$(nr iova_mt_free)" "$(grown stats free)"
	same "defer: as many as deferred ranges" "$(nr iova_mt_defer)" \
		"$(grown backlog total_deferred)"
	same "defer: with as many pages" "$(pages iova_mt_defer)" "$(grown backlog total_pages)"
	same "reuse: as many as ranges taken over" "$(nr iova_mt_reuse)" \
		"$(grown backlog taken_over)"
	same "retry: as many as retries" "$(nr iova_mt_retry)" "$(grown backlog retries)"
	same "sweep_begin: as many by the worker as rounds" \
		"$(nr iova_mt_sweep_begin ' by=worker ')" "$(grown backlog rounds)"
	check_equal "sweep_end: as many as begun" "$(nr iova_mt_sweep_begin)" \
		"$(nr iova_mt_sweep_end)"
	same "sweep_end: erased as much as was drained" "$(sum iova_mt_sweep_end erased)" \
		$(($(grown backlog drained_by_worker) + $(grown backlog drained_by_alloc) +
		   $(grown backlog drained_by_request)))
	check_equal "sweep_end: as many by the worker" "$(sum iova_mt_sweep_end erased ' by=worker ')" \
		"$(grown backlog drained_by_worker)"
	check "drain: some that failed" [ "$(nr iova_mt_drain ' error=-12')" -gt 0 ]
	check "drain: some that left nothing" [ "$(nr iova_mt_drain ' error=0')" -gt 0 ]
	check "each event has its fields" well_formed
	check "the load ends" rmmod iova_mt_load
}

# Domains come and go, some with what is deferred in them.
run_churn()
{
	insmod "$ktap_dir/iova_mt_load.ko" allocator=maple-plain steps="$STEPS" threads=1 churn=2 ||
		return 1
	wait_for 300 waiting 3 || return 1
	domains=$(load_parameter domains)
	rmmod iova_mt_load
}

test_churn()
{
	arm fail_erase 40
	trace_begin
	check "domains come and go" run_churn
	check "no event of them was lost" trace_end
	arm fail_erase 0
	check "there were some" [ "$domains" -gt 4 ]
	check_equal "domain_create: one a domain" $((domains + 1)) "$(nr iova_mt_domain_create)"
	check_equal "domain_destroy: one a domain" $((domains + 1)) "$(nr iova_mt_domain_destroy)"
	check "each event of theirs has its fields" well_formed
}

# One form an event; flags are names.
well_formed()
{
	sed -n 's/.*: \(iova_mt_[a-z_]*\): /\1 /p' "$trace" >"$copy"
	[ -s "$copy" ] && ! grep -vE "^(\
iova_mt_domain_create domain=[0-9]+ allocator=maple-plain granule=4096 start_pfn=0x1|\
iova_mt_domain_destroy domain=[0-9]+|\
iova_mt_alloc domain=[0-9]+ size=[0-9]+ limit_pfn=0xfffff flags=[a-z|]* error=(0|-12|-28) pfn=(0|0x[0-9a-f]+)|\
iova_mt_free domain=[0-9]+ pfn=0x[0-9a-f]+ size=[0-9]+|\
iova_mt_(defer|reuse) domain=[0-9]+ first=0x[0-9a-f]+ last=0x[0-9a-f]+ ranges=[0-9]+|\
iova_mt_sweep_begin domain=[0-9]+ by=(worker|alloc|request) ranges=[0-9]+|\
iova_mt_sweep_end domain=[0-9]+ by=(worker|alloc|request) erased=[0-9]+ ranges=[0-9]+ error=(0|-11|-12)|\
iova_mt_retry domain=[0-9]+ by=(worker|alloc|request) first=0x[0-9a-f]+ last=0x[0-9a-f]+ ranges=[0-9]+|\
iova_mt_drain domain=[0-9]+ error=(0|-12))\$" "$copy"
}

# --- takeover ---------------------------------------------------------------

# The client makes a domain of the kernel's, and destroys it.
run_takeover()
{
	takeover new && insmod "$ktap_dir/iova_mt_client.ko" case=objects &&
		rmmod iova_mt_client && takeover off &&
		wait_for 10 counter_is takeover/state attached no
}

takeover_order()
{
	sed -n 's/.*: iova_mt_\(takeover_[a-z]*\|domain_[a-z]*\): .*/\1/p' "$trace" | tr '\n' ' '
}

test_takeover()
{
	if ! [ -d /sys/kernel/tracing/events/ftrace/function ] ||
	   ! modinfo "$ktap_dir/iova_mt_client.ko" >/dev/null 2>&1 ||
	   ! takeover new 2>/dev/null; then
		ktap_skip "events of the takeover" "this kernel cannot redirect functions"
		return
	fi
	takeover off
	trace_begin
	check "a domain of the kernel is taken over" run_takeover
	check "no event of it was lost" trace_end
	check_equal "its events, in their order" \
		"takeover_attach domain_create takeover_own takeover_disown domain_destroy takeover_detach " \
		"$(takeover_order)"
	check_equal "all of the same domain" 1 \
		"$(sed -n 's/.* iova_mt_\(takeover_[a-z]*\|domain_[a-z]*\): \(domain=[0-9]*\).*/\2/p' "$trace" | sort -u | wc -l | tr -d ' ')"
}

# --- program ----------------------------------------------------------------

[ -d "$TRACEFS/events" ] || mount -t tracefs tracefs "$TRACEFS" 2>/dev/null
[ -d "$TRACEFS/events" ] || ktap_skip_all "no tracefs"
mt_loaded && ktap_skip_all "iova_mt is loaded already"
ktap_start
log_allow 'takeover: cannot attach'
check "loads" load_mt allocator=maple-plain
check_equal "the events" "$(expected_events)" "$(found_events)"
test_load
test_churn
test_takeover
check "unloads while events are on" sh -c "echo iova_mt >$TRACEFS/set_event && rmmod iova_mt"
check "its events are gone" [ ! -e "$EVENTS" ]
trace_reset
rm -f "$trace" "$copy"
ktap_end
