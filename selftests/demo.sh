#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# The guest's side of "make demo": real DMA of an NVMe disk on the maple-tree
# allocator while its erases are being failed, and the way back.
#
# Environment: MIB how much to write, FAULT as the parameter fail_erase.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

MIB=${MIB:-512}
FAULT=${FAULT:-1,90,0,-1}
SEED=20260
# The NVMe driver keeps its transfers so small that all fit in magazines, whose
# ranges stay in the tree. Without memory for magazines every free is an erase.
NO_MAGAZINES=fail_magazine=1,100,0,-1
DRAIN_TIMEOUT=60

results=$(mktemp)
seen=$(mktemp)
monitor=

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
	[ -z "$monitor" ] || kill "$monitor" 2>/dev/null
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

# --- watching the backlog ---------------------------------------------------

backlog_line()
{
	dbg backlog | awk '
	{ sub(":", "", $1); v[$1] = $2 }
	END {
		printf "pending %5d ranges %6d pages | deferred %6d | rounds %4d | retries %5d | backoff %4d ms\n",
			v["pending_ranges"], v["pending_pages"], v["total_deferred"],
			v["rounds"], v["retries"], v["backoff_ms"]
	}'
}

# Prints the backlog whenever it has changed.
show_backlog()
{
	local line

	line=$(backlog_line)
	[ "$line" != "$(cat "$seen")" ] || return 0
	echo "$line" >"$seen"
	say "  backlog: $line"
}

watch_backlog()
{
	while sleep 0.2; do show_backlog; done
}

backlog_empty()
{
	show_backlog
	counter_is backlog pending_ranges 0
}

# --- I/O --------------------------------------------------------------------

# transfer <what the table calls it> <allocator> <write|verify>
transfer()
{
	local line

	line=$(dmacheck "$3" "$disk" --mib "$MIB" --seed $SEED --jobs 8) || {
		echo "$line" | indented
		fail "$1: the data is not what was written"
	}
	say "$line"
	# dmacheck: wrote N MiB in N requests ..., N.N s: N errors
	echo "$line" | awk -v what="$1" -v allocator="$2" '{
		printf "%-32s %-10s %6s %9s %8s %7s\n",
			what, allocator, $3, $6, $(NF - 3), $(NF - 1)
	}' >>"$results"
}

transfers_under_fault()
{
	watch_backlog &
	monitor=$!
	transfer "write, erases failing" maple write
	transfer "read back, erases failing" maple verify
	kill "$monitor"
	wait "$monitor" 2>/dev/null
	monitor=
	show_backlog
}

# --- the table --------------------------------------------------------------

row()
{
	printf '   %-44s %s\n' "$1" "$2"
}

remember_counters()
{
	injected=$(dbg fail_erase/injected)
	deferred=$(counter backlog total_deferred)
	highest=$(counter backlog highest_ranges)
	by_worker=$(counter backlog drained_by_worker)
	by_alloc=$(counter backlog drained_by_alloc)
	by_request=$(counter backlog drained_by_request)
}

table()
{
	printf '   %-32s %-10s %6s %9s %8s %7s\n' \
		"transfer" allocator MiB requests seconds errors
	indented <"$results"
	echo
	row "erases failed on purpose" "$injected"
	row "frees deferred, none failed" "$deferred"
	row "longest backlog (ranges)" "$highest"
	row "drained by worker, allocation, request" "$by_worker, $by_alloc, $by_request"
	row "backlog at the end" "$pending"
	row "kernel log" clean
}

# --- the demo ---------------------------------------------------------------

log_begin

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

heading "Loading the module, with failing erases"
say "insmod iova_mt.ko takeover=new fail_erase=$FAULT $NO_MAGAZINES"
try "the module does not load" load_mt takeover=new "fail_erase=$FAULT" $NO_MAGAZINES
dbg takeover/state | indented

heading "A new domain for $nvme"
try "no new domain" new_domain "$nvme" "$type" 2>&1
disk=$(wait_for_disk "$nvme") || fail "$nvme lost its disk"
domain=$(ls $MT_DEBUGFS/domains)
[ -n "$domain" ] || fail "the domain was not taken over"
for id in $domain; do
	dbg "domains/$id/summary" | indented
done

heading "$MIB MiB through the device, erases fail (interval,probability,space,times: $FAULT)"
transfers_under_fault
say "calls that the module served:"
dbg takeover/calls | grep -v ': 0$' | indented

heading "Fault switched off: the backlog drains"
: >"$seen"
show_backlog
for point in fail_erase fail_magazine; do
	echo 0 >$MT_DEBUGFS/$point/probability
done
wait_for $DRAIN_TIMEOUT backlog_empty ||
	fail "the backlog did not drain in $DRAIN_TIMEOUT s"
pending=$(counter backlog pending_ranges)
remember_counters
[ "$injected" -eq 0 ] || [ "$deferred" -gt 0 ] ||
	fail "$injected erases failed, but nothing was deferred"

heading "Giving the device back to the kernel's allocator"
try "the takeover cannot be switched off" takeover off
try "no new domain" new_domain "$nvme" "$type" 2>&1
disk=$(wait_for_disk "$nvme") || fail "$nvme lost its disk"
try "a domain is still owned" wait_for 30 counter_is takeover/state owned 0
dbg takeover/state | indented
transfer "read back, given back" kernel verify

heading "Unloading"
try "the module does not unload" unload_mt
say "the kernel's log: $(log_since "$ktap_canary" | wc -l) lines; those of the module:"
log_since "$ktap_canary" | grep -F 'iova_mt:' | indented
bad=$(log_scan) || { echo "$bad" | indented; fail "the kernel's log has errors"; }

heading "Result"
table
echo
echo "DEMO PASSED: $MIB MiB intact through $injected failed erases on $(uname -r); nothing left behind"
