#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck disable=SC2119 # ktap_start without a count
# shellcheck disable=SC2317 # check calls them
#
# Lock statistics (R35): off until they are switched on, and then every hold of
# a domain's lock is in the table, none twice, none that began before.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

copy=$(mktemp)

# The shared domain of iova_mt_load.ko.
table()
{
	dbg "domains/$id/lock_stat"
}

# value <name>: from the table that was read last, 0 when it has none
value()
{
	local value

	value=$(sed -n "s/^$1: //p" "$copy")
	echo "${value:-0}"
}

measure()
{
	echo "$1" >"$MT_DEBUGFS/lock_stat"
}

load_on()
{
	insmod "$ktap_dir/iova_mt_load.ko" "$@" || return 1
	# shellcheck disable=SC2012 # numbers
	id=$(ls "$MT_DEBUGFS/domains" | sort -n | head -n 1)
}

load_off()
{
	rmmod iova_mt_load
}

ms_now()
{
	awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime
}

# holds_above <number>: waits until there are as many
holds_above()
{
	table >"$copy"
	[ "$(value hold_count)" -gt "$1" ] 2>/dev/null
}

off_at_first()
{
	table | tee "$copy"
	[ "$(dbg lock_stat)" = 0 ] && grep -q '^# switched off' "$copy" &&
		! grep -qv '^#' "$copy"
}

says_how_it_counts()
{
	table | head -n 1 | grep -q '^# snapshot; .*begins anew'
}

# is_sound [1]: what must be true of a table; with 1, when it was switched off
# and somebody may have been inside just then. awk of busybox has doubles only,
# which count exactly up to 2^53.
is_sound()
{
	table >"$copy"
	cat "$copy"
	awk -v inside_then="${1:-0}" -v rt="$(on_rt && echo 1)" '
	function bad(why) { print "bad: " why; status = 1 }
	function inside(what, from, max) {
		if (max < from || max >= (from ? 2 * from : 1))
			bad(what " maximum is not in its highest row")
	}
	/^#/ { next }
	/:/ { sub(":", "", $1); v[$1] = $2; next }
	{
		waits += $2; holds += $3
		if (rows++ && $1 != (last ? 2 * last : 1)) bad("row " $1)
		last = $1
		if (!$1) free = $2
		if ($2) { wait_row = $1; wait_least += $1 * $2 }
		if ($3) { hold_row = $1; hold_least += $1 * $3 }
	}
	END {
		if (!rows) bad("no rows")
		if (waits != v["wait_count"]) bad("waits add up to " waits)
		if (holds != v["hold_count"]) bad("holds add up to " holds)
		# Each lock that was got has been released: the reader has it.
		if (waits < holds || waits > holds + inside_then)
			bad(waits " waits, " holds " holds")
		if (waits - free != v["wait_contended"]) bad("contended")
		if (!holds) bad("no holds")
		if (v["hold_mean_ns"] > v["hold_max_ns"]) bad("mean hold")
		if (v["wait_mean_ns"] > v["wait_max_ns"]) bad("mean wait")
		if ((v["hold_mean_ns"] + 1) * holds < hold_least) bad("sum of holds")
		if ((v["wait_mean_ns"] + 1) * waits < wait_least) bad("sum of waits")
		if (rt && v["irqs_off_max_ns"]) bad("irqs off on PREEMPT_RT")
		if (!rt && v["irqs_off_max_ns"] < v["hold_max_ns"]) bad("irqs off")
		if (v["irqs_off_max_ns"] > v["hold_max_ns"] + v["wait_max_ns"])
			bad("irqs off longer than both")
		inside("hold", hold_row, v["hold_max_ns"])
		inside("wait", wait_row, v["wait_max_ns"])
		exit status
	}' "$copy"
}

# One lock: its holds came one after the other, and all since it was switched
# on. A hold with the begin of another one would not fit in.
fits_in()
{
	local since="$1" ms

	table >"$copy"
	ms=$(($(ms_now) - since + 20))
	echo "$(value hold_count) holds, mean $(value hold_mean_ns) ns, max $(value hold_max_ns) ns, in $ms ms"
	[ $(($(value hold_count) * $(value hold_mean_ns))) -le $((ms * 1000000)) ] &&
		[ "$(value hold_max_ns)" -le $((ms * 1000000)) ]
}

counts()
{
	since=$(ms_now)
	measure 1 && [ "$(dbg lock_stat)" = 1 ] && wait_for 30 holds_above 2000
}

stands_still_when_off()
{
	local before

	measure 0
	# Who is inside just now still leaves.
	sleep 0.1
	before=$(table)
	sleep 0.3
	[ "$(table)" = "$before" ] && echo "$before" | grep -q '^hold_count: [1-9]'
}

# begins_anew: less than a moment before
begins_anew()
{
	local before

	wait_for 30 holds_above 2000 || return 1
	measure 0
	sleep 0.1
	holds_above 0 || return 1
	before=$(value hold_count)
	measure 1
	table >"$copy"
	echo "before: $before, then: $(value hold_count)"
	[ "$(value hold_count)" -lt "$before" ] || grep -q '^# the lock was not' "$copy"
}

# Under load: no hold is measured that has no begin of its own.
switching_makes_up_nothing()
{
	local round=0

	while [ "$round" -lt 40 ]; do
		round=$((round + 1))
		measure 0
		since=$(ms_now)
		measure 1
		fits_in "$since" >"$copy.fits" || { cat "$copy.fits"; return 1; }
	done
}

refuses()
{
	log_mark
	! (measure "$1") 2>/dev/null && log_since_mark |
		grep -qF "iova_mt: lock_stat: '$1' is not valid; valid: 0, 1"
}

# A new domain begins to count by itself when measuring is on.
counts_new_domains()
{
	load_off && load_on && wait_for 30 holds_above 100 && is_sound
}

rbtree_says_so()
{
	load_off && load_on allocator=rbtree || return 1
	table
	table | grep -q '^# allocator rbtree: not measured'
}

unloads_while_on()
{
	load_off && unload_mt && load_mt && [ "$(dbg lock_stat)" = 0 ]
}

mt_loaded && ktap_skip_all "iova_mt is loaded already"
ktap_start
check "loads" load_mt
check "a load begins" load_on
check "R35: off at first, and says so" off_at_first
check "R35: its first line says what it counts" says_how_it_counts
for word in '' 2 on -1; do
	check "refuses '$word'" refuses "$word"
done
check "R35: counts when it is switched on" counts
check "R35: the table is sound under load" is_sound
check "R35: the holds fit into the time" fits_in "$since"
ktap_note "$(table | tr '\n' ' ')"
check "R35: counts nothing when it is off" stands_still_when_off
check "what was counted stays sound" is_sound 1
measure 1
check "a 1 begins anew" begins_anew
check "switching under load makes up no holds" switching_makes_up_nothing
check "a new domain counts as well" counts_new_domains
check "a domain whose lock is not ours says so" rbtree_says_so
check "the load ends" load_off
check "N10: a lock that is measured is taken in all contexts" measure 1
run_module_suite atomic ops="${OPS:-20000}" seed="${SEED:-1}"
check "a load begins again" load_on
check "unloads while it is on, and is off then" unloads_while_on
check "unloads" unload_mt
rm -f "$copy" "$copy.fits"
ktap_end
