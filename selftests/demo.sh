#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# The guest's side of "make demo": real DMA of an NVMe disk on the maple-tree
# allocator while its erases are being failed, and the way back; once with each
# way to defer a free.
#
# Environment: MIB how much to write, FAULT as the parameter fail_erase,
# DEFERRALS the ways to defer, RECORD=yes prints the recordings of the backlog
# as well, for scripts/demo.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

MIB=${MIB:-512}
FAULT=${FAULT:-1,90,0,-1}
DEFERRALS=${DEFERRALS:-marker list}
RECORD=${RECORD:-no}
SEED=20260
# The NVMe driver keeps its transfers so small that all fit in magazines, whose
# ranges stay in the tree. Without memory for magazines every free is an erase.
NO_MAGAZINES=fail_magazine=1,100,0,-1
DRAIN_TIMEOUT=60
SAMPLE_SECONDS=0.1

TOOL=$(dirname "$ktap_dir")/scripts/iova-mt
work=$(mktemp -d)
recorder=

heading()
{
	echo
	echo "== $* =="
}

say()
{
	echo "   $*"
}

indented()
{
	sed 's/^/   /'
}

# The last line of every run is the outcome.
fail()
{
	stop_recording
	say "the kernel's log, from the start of the demo:"
	log_since "$ktap_canary" | tail -n 30 | indented
	echo
	echo "DEMO FAILED: $*"
	exit 1
}

try()
{
	local what="$1"
	shift
	"$@" || fail "$what"
}

# tool <argument...>: scripts/iova-mt, shown as it is called
tool()
{
	say "iova-mt $*"
	"$TOOL" "$@" 2>&1 | indented
}

# --- the backlog ------------------------------------------------------------

# Prints a recording as it grows: twice a second while there is a backlog.
show_recording()
{
	awk -F '\t' '
	NR == 2 { for (i = 1; i <= NF; i++) column[$i] = i; next }
	NR < 3 { next }
	{
		pending = $column["pending_ranges"]
		if (pending == shown || (pending && $1 - last < 0.5))
			next
		shown = pending
		last = $1
		printf "     %5.1f s  backlog %6d ranges %7d pages | deferred %6d | drained %6d | oldest %5d ms\n",
			$1, pending, $column["pending_pages"], $column["total_deferred"],
			$column["drained_by_worker"] + $column["drained_by_alloc"] + $column["drained_by_request"],
			$column["oldest_ms"]
		fflush()
	}'
}

# start_recording <file>
start_recording()
{
	mkfifo "$work/fifo"
	: >"$1"
	tee "$1" <"$work/fifo" | show_recording &
	shower=$!
	"$TOOL" record -n $SAMPLE_SECONDS >"$work/fifo" &
	recorder=$!
	try "nothing is recorded" wait_for 30 recording "$1"
}

# recording <file>: has it begun?
recording()
{
	[ "$(wc -l <"$1")" -ge 4 ]
}

stop_recording()
{
	[ -n "$recorder" ] || return 0
	kill "$recorder"
	wait "$recorder" 2>/dev/null
	wait "$shower" 2>/dev/null
	recorder=
	rm "$work/fifo"
}

backlog_empty()
{
	counter_is backlog pending_ranges 0
}

# print_recording <way>: between two lines that scripts/demo looks for
print_recording()
{
	[ "$RECORD" = yes ] || return 0
	echo "IOVA_MT_RECORDING $1"
	cat "$work/$1.tsv"
	echo "IOVA_MT_RECORDING"
}

# --- I/O --------------------------------------------------------------------

# transfer <what the table calls it> <who serves it> <write|verify>
transfer()
{
	local line

	line=$(dmacheck "$3" "$disk" --mib "$MIB" --seed $SEED --jobs 8) || {
		echo "$line" | indented
		fail "$1: the data is not what was written"
	}
	say "$line"
	# dmacheck: wrote N MiB in N requests ..., N.N s: N errors
	echo "$line" | awk -v what="$1" -v server="$2" '{
		printf "%-32s %-14s %5s %9s %8s %7s\n",
			what, server, $3, $6, $(NF - 3), $(NF - 1)
	}' >>"$work/transfers"
}

# --- one way to defer -------------------------------------------------------

# count <way> <what> <value>: for the table
count()
{
	echo "$1:$2:$3" >>"$work/counts"
}

remember_counters()
{
	local way="$1" injected deferred

	injected=$(dbg fail_erase/injected)
	deferred=$(counter backlog total_deferred)
	[ "$injected" -eq 0 ] || [ "$deferred" -gt 0 ] ||
		fail "$injected erases failed, but nothing was deferred"
	count "$way" "erases failed on purpose" "$injected"
	count "$way" "frees deferred, none failed" "$deferred"
	count "$way" "longest backlog (ranges)" "$(counter backlog highest_ranges)"
	count "$way" "  erased by the worker" "$(counter backlog drained_by_worker)"
	count "$way" "  erased by allocations" "$(counter backlog drained_by_alloc)"
	count "$way" "  handed out again whole" "$(counter backlog taken_over)"
	count "$way" "backlog at the end" "$(counter backlog pending_ranges)"
	injected_total=$((injected_total + injected))
}

adopt()
{
	tool adopt "$nvme"
	counter_is takeover/state owned 1 || return 1
	disk=$(wait_for_disk "$nvme")
}

release()
{
	tool release "$nvme"
	wait_for 30 counter_is takeover/state owned 0 || return 1
	disk=$(wait_for_disk "$nvme")
}

# deferred_as <way>: does every domain defer like that?
deferred_as()
{
	! grep -L "^deferral: $1\$" "$MT_DEBUGFS"/domains/*/summary | grep -q .
}

under_fault()
{
	heading "$1: $MIB MiB through the device, erases fail (interval,probability,space,times: $FAULT)"
	start_recording "$work/$1.tsv"
	transfer "write, erases failing" "maple/$1" write
	transfer "read back, erases failing" "maple/$1" verify
}

drained()
{
	heading "$1: faults switched off, the backlog drains"
	tool fault off
	wait_for $DRAIN_TIMEOUT backlog_empty ||
		fail "the backlog did not drain in $DRAIN_TIMEOUT s"
	# The picture shows that it stays empty.
	sleep 2
	stop_recording
	remember_counters "$1"
}

given_back()
{
	heading "$1: giving the device back to the kernel's allocator"
	try "the takeover cannot be switched off" takeover off
	try "the device is not given back" release
	transfer "read back, given back" kernel verify
	try "the module does not unload" unload_mt
}

# show <way>: all of it, from load to unload
show()
{
	heading "$1: the module with failing erases, and a new domain for $nvme"
	say "insmod iova_mt.ko allocator=maple-plain deferral=$1 takeover=new fail_erase=$FAULT $NO_MAGAZINES"
	try "the module does not load" \
		load_mt allocator=maple-plain deferral="$1" takeover=new \
		"fail_erase=$FAULT" $NO_MAGAZINES
	try "the domain was not taken over" adopt
	try "the domain does not defer by $1" deferred_as "$1"
	under_fault "$1"
	drained "$1"
	given_back "$1"
}

# --- the table --------------------------------------------------------------

table()
{
	printf '   %-32s %-14s %5s %9s %8s %7s\n' \
		"transfer" "served by" MiB requests seconds errors
	indented <"$work/transfers"
	echo
	awk -F : -v ways="$DEFERRALS" '
	!($2 in known) { known[$2] = 1; row[++rows] = $2 }
	{ value[$1, $2] = $3 }
	function line(what,    i, n, way) {
		printf "   %-32s", what == "" ? "deferral" : what
		n = split(ways, way, " ")
		for (i = 1; i <= n; i++)
			printf " %10s", what == "" ? way[i] : value[way[i], what]
		print ""
	}
	END {
		line("")
		for (r = 1; r <= rows; r++)
			line(row[r])
	}' "$work/counts"
}

# --- the demo ---------------------------------------------------------------

log_begin
injected_total=0

heading "The machine"
try "no NVMe driver" modprobe nvme
nvme=$(nvme_pci) || fail "no NVMe device"
disk=$(wait_for_disk "$nvme") || fail "$nvme has no disk"
type=$(domain_type "$nvme")
say "Linux $(uname -r), $disk is $nvme, IOMMU domain type $type"
case $type in
DMA|DMA-FQ) ;;
*) fail "$nvme is not translated by an IOMMU" ;;
esac

for way in $DEFERRALS; do show "$way"; done

heading "The kernel's log"
say "$(log_since "$ktap_canary" | wc -l) lines; those of the module:"
log_since "$ktap_canary" | grep -F 'iova_mt:' | indented
bad=$(log_scan) || { echo "$bad" | indented; fail "the kernel's log has errors"; }
for way in $DEFERRALS; do print_recording "$way"; done

heading "Result"
table
echo
echo "DEMO PASSED: $MIB MiB intact through $injected_total failed erases on $(uname -r); nothing left behind"
