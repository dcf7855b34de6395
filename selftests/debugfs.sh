#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck disable=SC2119 # ktap_start without a count
# shellcheck disable=SC2317 # check calls them
#
# The files in debugfs: which there are and for whom, what they take and what
# they refuse, that they agree with each other, and that they can be read while
# domains come and go.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

POINTS=$FAULT_POINTS
KNOBS="interval probability space times verbose domain"
MAX=2147483647
BACKLOG="pending_ranges pending_pages highest_ranges highest_pages \
total_deferred total_pages rounds retries drained_by_worker \
drained_by_alloc drained_by_request taken_over discarded oldest_ms backoff_ms "

list=$(mktemp)
copy=$(mktemp)

# --- the tree ---------------------------------------------------------------

# modes <directory>: "mode path" of the files below it
modes()
{
	(
		cd "$MT_DEBUGFS/$1" || exit
		find . -type f -exec stat -c '%a %n' {} + | sed 's|\./||' | sort -k 2
	)
}

expected_modes()
{
	local point knob

	{
		echo "444 allocators"
		echo "444 backlog"
		echo "200 drain"
		echo "600 lock_stat"
		echo "200 reset"
		echo "444 stats"
		echo "444 takeover/calls"
		echo "444 takeover/devices"
		echo "400 takeover/functions"
		echo "444 takeover/state"
		for point in $POINTS; do
			for knob in $KNOBS; do
				echo "600 $point/$knob"
			done
			echo "444 $point/hits"
			echo "444 $point/injected"
		done
	} | sort -k 2
}

expected_domain_modes()
{
	echo "444 backlog"
	echo "444 lock_stat"
	echo "400 ranges"
	echo "444 stats"
	echo "444 summary"
}

# all_lines_are <file> <extended regular expression>: and there are some
all_lines_are()
{
	dbg "$1" >"$copy" && [ -s "$copy" ] && ! grep -vE "^$2\$" "$copy"
}

# names_of <file>: what its lines are about, on one line
names_of()
{
	dbg "$1" | cut -d: -f1 | tr '\n' ' '
}

# --- writing ----------------------------------------------------------------

# write_file <path> <value>: the error on standard error, as from a command
write_file()
{
	sh -c 'echo "$1" >"$2"' sh "$2" "$MT_DEBUGFS/$1"
}

# refuses_write <path> <value> <text>: with EINVAL, and a message with the text
refuses_write()
{
	local output

	log_mark
	if output=$(write_file "$1" "$2" 2>&1); then
		echo "it took '$2'"
		return 1
	fi
	echo "$output"
	log_since_mark
	case $output in
	*"nvalid argument"*) ;;
	*) return 1 ;;
	esac
	log_since_mark | grep -qF "iova_mt: $3"
}

# What the faults' directories hold, to see that nothing has changed.
all_knobs()
{
	local point knob

	for point in $POINTS; do
		for knob in $KNOBS hits injected; do
			echo "$point/$knob $(dbg "$point/$knob")"
		done
	done
}

# refuses_knob <path> <value> <valid range>
refuses_knob()
{
	local before

	before=$(all_knobs)
	refuses_write "$1" "$2" "$1: '$2' is not valid; valid: $3" &&
		[ "$(all_knobs)" = "$before" ]
}

# takes_knob <path> <value>
takes_knob()
{
	write_file "$1" "$2" && [ "$(dbg "$1")" = "$2" ]
}

# Messages are ratelimited; this waits until the next ones come through.
let_messages_through()
{
	sleep 6
}

# knob, valid range, values of it
good_knobs()
{
	cat <<-EOT
	interval 7 $MAX 1
	probability 1 100 0
	space 1 $MAX 0
	times 0 1 $MAX -1
	verbose 1 2 0
	domain 1 $MAX 0
	EOT
}

# knob; valid range; value
bad_knobs()
{
	cat <<-EOT
	interval;1 to $MAX;0
	interval;1 to $MAX;-1
	interval;1 to $MAX;2147483648
	probability;0 to 100;101
	probability;0 to 100;-1
	probability;0 to 100;abc
	probability;0 to 100;
	probability;0 to 100;1.5
	probability;0 to 100;0x10
	probability;0 to 100;50 50
	probability;0 to 100;+5
	probability;0 to 100;18446744073709551617
	space;0 to $MAX;-1
	space;0 to $MAX;2147483648
	times;-1 to $MAX;-2
	times;-1 to $MAX;2147483648
	verbose;0 to 2;3
	verbose;0 to 2;-1
	domain;0 to $MAX;-1
	domain;0 to $MAX;2147483648
	EOT
}

test_knobs()
{
	local point knob range value

	good_knobs >"$list"
	while read -r knob range; do
		for value in $range; do
			for point in $POINTS; do
				check "$point/$knob takes $value" \
					takes_knob "$point/$knob" "$value"
			done
		done
	done <"$list"

	bad_knobs >"$list"
	while IFS=';' read -r knob range value; do
		check "fail_erase/$knob refuses '$value'" \
			refuses_knob "fail_erase/$knob" "$value" "$range"
	done <"$list"
	let_messages_through
	for point in $POINTS; do
		check "$point/probability refuses 101" \
			refuses_knob "$point/probability" 101 "0 to 100"
	done
	check "a long word is refused" refuses_write fail_erase/space \
		00000000000000000000000000000000000000001 "debugfs: "
	for point in $POINTS; do
		write_file "$point/times" 1
	done
	check "hits cannot be written" cannot write_file fail_erase/hits 1
}

# cannot <command...>
cannot()
{
	! "$@"
}

# refuses_action <drain|reset> <value>
refuses_action()
{
	refuses_write "$1" "$2" "$1: '$2' is not valid; valid: 1"
}

test_actions()
{
	local action value

	for action in drain reset; do
		let_messages_through
		for value in '' 0 2 11 '1 1' yes -1; do
			check "$action refuses '$value'" refuses_action $action "$value"
		done
		check "$action takes 1" write_file $action 1
		check "$action cannot be read" cannot dbg $action
	done
}

# --- without a domain -------------------------------------------------------

expected_allocators()
{
	echo "# name module domains"
	echo "maple iova_mt 0"
	echo "maple-plain iova_mt 0"
	echo "rbtree iova_mt 0"
}

pins_module()
{
	exec 5<"$MT_DEBUGFS/stats"
	if unload_mt; then
		exec 5<&-
		echo "unloaded under an open file"
		load_mt allocator=maple-plain
		return 1
	fi
	exec 5<&-
	mt_loaded
}

test_empty()
{
	check_equal "the files and their modes" "$(expected_modes)" "$(modes .)"
	check_equal "no domain yet" "" "$(ls "$MT_DEBUGFS/domains")"
	check "every counter is 0 at first" all_lines_are stats '[a-z0-9_.-]+: 0'
	check "there are counters of maple" grep -q '^maple\.' "$MT_DEBUGFS/stats"
	check "the backlog is 0 at first" all_lines_are backlog '[a-z_]+: 0'
	check_equal "all fields of the backlog" "$BACKLOG" "$(names_of backlog)"
	check_equal "all allocators, unused" "$(expected_allocators)" \
		"$(dbg allocators | tr -s ' ')"
	check "takeover/state is lines of 'name: value'" \
		all_lines_are takeover/state '[a-z_]+: .+'
	check "takeover/calls is counters" all_lines_are takeover/calls '[a-z_]+: [0-9]+'
	if can_redirect; then
		check_equal "takeover/functions lists ten" 10 \
			"$(dbg takeover/functions | wc -l | tr -d ' ')"
	else
		check_equal "takeover/functions lists none without ftrace" \
			"not supported by this kernel" "$(dbg takeover/functions)"
	fi
	check "an open file keeps the module" pins_module
}

# --- with the domain of a device --------------------------------------------

# The device whose domain it is, and the type that it had.
pci=
type=

domain_id()
{
	ls "$MT_DEBUGFS/domains"
}

owns_one()
{
	takeover new && new_domain "$pci" "$type" && disk=$(wait_for_disk "$pci") &&
		[ "$(domain_id | wc -l)" -eq 1 ]
}

owns_none()
{
	takeover off && new_domain "$pci" "$type" && wait_for_disk "$pci" &&
		[ -z "$(domain_id)" ]
}

# do_io <number>: that many reads through the device
do_io()
{
	dd if="$disk" of=/dev/null bs=4096 count="$1" iflag=direct 2>/dev/null
}

expected_summary()
{
	echo "id: $(domain_id)"
	echo "allocator: maple-plain"
	echo "module: iova_mt"
	echo "user: dma-iommu"
	echo "granule: 4096"
	echo "deferral: marker"
}

# ranges_are_well_formed <id>: ascending, no overlap, sizes and states right
ranges_are_well_formed()
{
	dbg "domains/$1/ranges" | awk '
	function bad(why) { print why ": " $0; status = 1 }
	# awk of busybox reads no hexadecimal numbers.
	function hex(text,    i, value) {
		for (i = 3; i <= length(text); i++)
			value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
		return value
	}
	NR == 1 && !/^# no snapshot/ { bad("first line") }
	/^#/ { next }
	NF != 4 { bad("fields"); next }
	{
		first = hex($1); last = hex($2); nr++
		if (first > last) bad("first above last")
		if (nr > 1 && first <= end) bad("not above the one before")
		if (last - first + 1 != $3) bad("pages")
		if ($4 !~ /^(live|reserved|deferred)$/) bad("state")
		end = last
	}
	END { exit status || !nr }'
}

# pages_in <state>: ranges and pages in that state, over all domains
pages_in()
{
	cat "$MT_DEBUGFS"/domains/*/ranges |
		awk -v state="$1" '$4 == state { nr++; pages += $3 }
				   END { print nr + 0, pages + 0 }'
}

# The same at once and in small pieces, when nothing changed meanwhile.
small_reads_agree()
{
	local file before tries=20

	file=$MT_DEBUGFS/domains/$(domain_id)/ranges
	while [ "$tries" -gt 0 ]; do
		before=$(cat "$file")
		dd if="$file" of="$copy" bs=24 2>/dev/null
		if [ "$(cat "$file")" = "$before" ]; then
			[ "$(cat "$copy")" = "$before" ]
			return
		fi
		tries=$((tries - 1))
	done
	echo "the ranges never stood still"
	return 1
}

test_domain()
{
	local id

	check "a device's domain is served" owns_one
	id=$(domain_id)
	check_equal "its files and their modes" "$(expected_domain_modes)" \
		"$(modes "domains/$id")"
	check_equal "its summary" "$(expected_summary)" "$(dbg "domains/$id/summary")"
	check_equal "its allocator has one domain" "maple-plain iova_mt 1" \
		"$(dbg allocators | tr -s ' ' | grep ^maple-)"
	do_io 20
	check "its counters are counters" all_lines_are "domains/$id/stats" \
		'[a-z0-9_.-]+: [0-9]+'
	check "its allocations are counted" [ "$(counter "domains/$id/stats" alloc)" -gt 0 ]
	check_equal "its counters have the names of the totals" \
		"$(names_of stats | tr ' ' '\n' | grep -vE '^(maple|rbtree)\.' | xargs)" \
		"$(names_of "domains/$id/stats" | xargs)"
	check "its ranges are well formed" ranges_are_well_formed "$id"
	check "some are live" [ "$(pages_in live)" != "0 0" ]
	check "some are reserved" [ "$(pages_in reserved)" != "0 0" ]
	check "they read the same in small pieces" small_reads_agree
}

# --- backlog ----------------------------------------------------------------

# Without magazines every free is an erase. To be switched on before there is a
# domain, which would keep those that it has.
fail_magazines()
{
	write_file fail_magazine/times -1
	write_file fail_magazine/probability "$1"
}

fail_erases()
{
	write_file fail_erase/times -1
	write_file fail_erase/probability "$1"
}

# do_big_read: a read that becomes many requests, all mapped at once. One after
# the other would not do: a deferred range is handed out again to its size.
do_big_read()
{
	dd if="$disk" of=/dev/null bs=32M count=1 iflag=direct 2>/dev/null
}

deferred_more_than()
{
	echo "pending: $(counter backlog pending_ranges)"
	[ "$(counter backlog pending_ranges)" -gt "$1" ]
}

# The backlog's numbers are those of the listing. Twice the same listing, so
# that nothing moved in between.
backlog_is_what_is_listed()
{
	local before tries=20

	while [ "$tries" -gt 0 ]; do
		before=$(pages_in deferred)
		found="$(counter backlog pending_ranges) $(counter backlog pending_pages)"
		if [ "$(pages_in deferred)" = "$before" ]; then
			echo "listed: $before, backlog: $found"
			[ "$before" = "$found" ]
			return
		fi
		tries=$((tries - 1))
	done
	echo "the ranges never stood still"
	return 1
}

# What was ever deferred has been drained, was handed out again, or went with
# its domain. Only with nothing pending are these numbers of one moment.
backlog_adds_up()
{
	dbg backlog | sed 's/^/  /'
	[ "$(counter backlog pending_ranges)" = 0 ] &&
	[ "$(counter backlog total_deferred)" = $((
		$(counter backlog drained_by_worker) +
		$(counter backlog drained_by_alloc) +
		$(counter backlog drained_by_request) +
		$(counter backlog taken_over) +
		$(counter backlog discarded) )) ]
}

drain_says_enomem()
{
	local output

	if output=$(write_file drain 1 2>&1); then
		echo "drained in spite of the fault"
		return 1
	fi
	echo "$output"
	case $output in
	*"annot allocate memory"*|*"ut of memory"*) ;;
	*) return 1 ;;
	esac
	! counter_is backlog pending_ranges 0
}

drains()
{
	write_file drain 1 && counter_is backlog pending_ranges 0
}

test_backlog()
{
	fail_magazines 100
	check "another domain is served, without magazines" owns_one
	fail_erases 100
	do_big_read
	check "frees are deferred" wait_for 10 deferred_more_than 30
	ktap_note "ranges deferred: $(counter backlog pending_ranges)"
	check "the backlog is what is listed" backlog_is_what_is_listed
	check "a long listing is well formed" ranges_are_well_formed "$(domain_id)"
	check "a long listing reads the same in small pieces" small_reads_agree
	check "drain says that something is left" drain_says_enomem
	check "its age is shown" [ "$(counter backlog oldest_ms)" -gt 0 ]
	fail_erases 0
	check "drain leaves nothing" drains
	check "all deferred ranges are accounted for" backlog_adds_up
	check_equal "no age when nothing is pending" 0 "$(counter backlog oldest_ms)"
}

# A domain that goes takes its backlog with it; the totals keep the rest.
retires()
{
	local allocs total

	fail_erases 100
	do_big_read
	allocs=$(counter stats alloc)
	total=$(counter backlog total_deferred)
	owns_none || return 1
	fail_erases 0
	fail_magazines 0
	echo "allocations $allocs, deferred $total before; then:"
	dbg stats
	dbg backlog
	[ "$(counter stats alloc)" -ge "$allocs" ] &&
	[ "$(counter backlog total_deferred)" -ge "$total" ] &&
	[ "$(counter backlog discarded)" -gt 0 ] &&
	counter_is backlog pending_ranges 0 && counter_is backlog pending_pages 0 &&
	counter_is backlog backoff_ms 0 && counter_is backlog oldest_ms 0
}

reset_zeroes_faults_only()
{
	local stats backlog point

	stats=$(dbg stats)
	backlog=$(dbg backlog)
	[ "$(dbg fail_erase/hits)" -gt 0 ] && [ "$(dbg fail_erase/injected)" -gt 0 ] ||
		return 1
	write_file reset 1
	for point in $POINTS; do
		[ "$(dbg "$point/hits") $(dbg "$point/injected")" = "0 0" ] || return 1
	done
	[ "$(dbg stats)" = "$stats" ] && [ "$(dbg backlog)" = "$backlog" ]
}

# --- coming and going -------------------------------------------------------

# An open file of a domain that goes must neither hold it nor crash the reader.
outlives_domain()
{
	local line

	exec 5<"$MT_DEBUGFS/domains/$(domain_id)/ranges"
	read -r line <&5
	echo "first line: $line"
	owns_none || { exec 5<&-; return 1; }
	if cat <&5; then
		exec 5<&-
		echo "the file of a domain that is gone could be read"
		return 1
	fi
	exec 5<&-
}

reader()
{
	while :; do
		cat "$MT_DEBUGFS"/domains/*/* "$MT_DEBUGFS"/takeover/* \
			"$MT_DEBUGFS/stats" "$MT_DEBUGFS/backlog" \
			"$MT_DEBUGFS/allocators"
		dd if="$MT_DEBUGFS/domains/$(domain_id | head -n 1)/ranges" bs=64
	done >/dev/null 2>&1
}

# ids_rise: every new domain has a number above all before
ids_rise()
{
	local last=0 round id

	for round in 1 2 3 4 5 6 7 8; do
		owns_one || return 1
		do_io 20
		id=$(domain_id)
		echo "round $round: domain $id"
		[ "$id" -gt "$last" ] || return 1
		last=$id
		owns_none || return 1
	done
}

test_coming_and_going()
{
	local readers

	reader &
	readers=$!
	reader &
	readers="$readers $!"
	check "domains come and go under readers" ids_rise
	# shellcheck disable=SC2086 # a list of numbers
	kill $readers
	wait
}

test_with_device()
{
	local why="no NVMe device behind an IOMMU"

	modprobe nvme 2>/dev/null
	if ! pci=$(nvme_pci) || ! wait_for_disk "$pci" >/dev/null ||
	   ! type=$(domain_type "$pci"); then
		ktap_skip "files of a domain" "$why"
		return
	fi
	test_domain
	check "it is given back" owns_none
	test_backlog
	check "a domain that goes leaves its counts in the totals" retires
	check "all deferred ranges are still accounted for" backlog_adds_up
	check "reset zeroes the faults' counts and nothing else" reset_zeroes_faults_only
	check "another domain is served" owns_one
	check "an open file outlives its domain" outlives_domain
	test_coming_and_going
	check "the device is given back" owns_none
}

# --- program ----------------------------------------------------------------

ktap_start
mt_loaded && ktap_skip_all "iova_mt is loaded already"
check "loads" load_mt allocator=maple-plain
test_empty
test_knobs
test_actions
test_with_device
check "unloads" unload_mt
check_equal "nothing is left in debugfs" "" "$(ls -d "$MT_DEBUGFS" 2>/dev/null)"
rm -f "$list" "$copy"
ktap_end
