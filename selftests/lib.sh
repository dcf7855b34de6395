# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# Helpers of the selftest programs. A program is plain sh (busybox in the
# virtual machine), prints KTAP and exits with kselftest's codes:
#
#	#!/bin/sh
#	. "$(dirname "$0")/lib.sh"
#	ktap_start
#	check "the module loads" load_mt
#	check "the module unloads" unload_mt
#	ktap_end
#
# ktap_start writes a canary line to the kernel's log; ktap_end scans the log
# from there on, as a test point of its own. Programs that run on a machine
# whose log is none of their business set KTAP_LOG=no before they source this.
#
# A variable that nobody has set ends the program, which has failed then: what
# is written to a file without a name must not pass.

set -u

KSFT_PASS=0
KSFT_FAIL=1
KSFT_SKIP=4

ktap_program=$(basename "$0" .sh)
ktap_dir=$(cd "$(dirname "$0")" && pwd)
ktap_nr=0
ktap_planned=
ktap_passed=0
ktap_failed=0
ktap_skipped=0
ktap_canary=
ktap_log_allowed=${LOG_ALLOWED:-^$}
ktap_marks=0

# --- test points ------------------------------------------------------------

# ktap_start [count]: begin. With a count (of the program's own points) a
# missing or extra one is a failure; without, the plan is printed at the end.
ktap_start()
{
	echo "TAP version 13"
	ktap_planned=${1:-}
	if [ -n "$ktap_planned" ]; then
		[ "${KTAP_LOG:-}" = no ] || ktap_planned=$((ktap_planned + 1))
		echo "1..$ktap_planned"
	fi
	trap ktap_died EXIT
	log_begin
}

# A program that ends before ktap_end has failed, whatever it printed.
ktap_died()
{
	local status=$?

	trap - EXIT
	ktap_fail "$ktap_program ran to its end (exit status $status)"
	exit $KSFT_FAIL
}

# ktap_note <text...>: a diagnostic line
ktap_note()
{
	echo "# $*"
}

# ktap_notes: standard input as diagnostic lines
ktap_notes()
{
	sed 's/^/# /'
}

# ktap_pass <name>
ktap_pass()
{
	ktap_nr=$((ktap_nr + 1))
	ktap_passed=$((ktap_passed + 1))
	echo "ok $ktap_nr $1"
}

# ktap_fail <name>
ktap_fail()
{
	ktap_nr=$((ktap_nr + 1))
	ktap_failed=$((ktap_failed + 1))
	echo "not ok $ktap_nr $1"
}

# ktap_skip <name> <reason>
ktap_skip()
{
	ktap_nr=$((ktap_nr + 1))
	ktap_skipped=$((ktap_skipped + 1))
	echo "ok $ktap_nr $1 # SKIP $2"
}

# ktap_result <status> <name>: pass when the status is 0
ktap_result()
{
	if [ "$1" -eq 0 ]; then
		ktap_pass "$2"
	else
		ktap_fail "$2"
	fi
}

# check <name> <command...>: passes when the command succeeds; shows what the
# command printed when it does not. The command runs in this shell.
check()
{
	local name="$1" status=0 output
	shift

	output=$(mktemp)
	"$@" >"$output" 2>&1 || status=$?
	if [ $status -ne 0 ]; then
		ktap_note "failed ($status): $*"
		ktap_notes <"$output"
	fi
	rm -f "$output"
	ktap_result $status "$name"
}

# check_equal <name> <expected> <found>
check_equal()
{
	if [ "$2" = "$3" ]; then
		ktap_pass "$1"
	else
		ktap_note "expected '$2', found '$3'"
		ktap_fail "$1"
	fi
}

# refused <text> <command...>: succeeds when the command fails and says <text>,
# itself or in the kernel's log (as a refused insmod does)
refused()
{
	local text="$1" output
	shift

	log_mark
	if output=$("$@" 2>&1); then
		echo "not refused: $*"
		return 1
	fi
	output="$output
$(log_since_mark)"
	case $output in
	*"$text"*) return 0 ;;
	esac
	echo "refused without saying '$text': $output"
	return 1
}

# ktap_skip_all <reason>: end here; nothing of this program can run
ktap_skip_all()
{
	trap - EXIT
	echo "1..0 # SKIP $1"
	exit $KSFT_SKIP
}

# ktap_end: scan the log, print the totals and exit
ktap_end()
{
	trap - EXIT
	[ "${KTAP_LOG:-}" = no ] || log_check
	if [ -z "$ktap_planned" ]; then
		echo "1..$ktap_nr"
	elif [ "$ktap_nr" -ne "$ktap_planned" ]; then
		ktap_note "planned $ktap_planned points, ran $ktap_nr"
		ktap_failed=$((ktap_failed + 1))
	fi
	ktap_note "Totals: pass:$ktap_passed fail:$ktap_failed skip:$ktap_skipped"
	[ $ktap_failed -eq 0 ] || exit $KSFT_FAIL
	[ $ktap_passed -gt 0 ] || exit $KSFT_SKIP
	exit $KSFT_PASS
}

# --- the kernel's log -------------------------------------------------------

# What must not be there after a program ran.
LOG_BAD='WARNING: |BUG: |BUG at |kernel BUG|Oops|Call Trace|general protection'
LOG_BAD="$LOG_BAD|DMAR: .*[Ff]ault|DMAR: \\[DMA|virtio_iommu .*fault|AMD-Vi: .*IO_PAGE_FAULT"
LOG_BAD="$LOG_BAD|lockdep|possible circular|inconsistent lock state|suspicious RCU"
LOG_BAD="$LOG_BAD|kmemleak: |UBSAN|KASAN|objects remaining"
LOG_BAD="$LOG_BAD|hung_task|blocked for more than|soft lockup|hard LOCKUP|rcu.*stall"
LOG_BAD="$LOG_BAD|nvme .*(timeout|I/O error)|I/O error, dev|Buffer I/O error"

log_begin()
{
	[ "${KTAP_LOG:-}" != no ] || return 0
	ktap_canary="iova_mt selftest $ktap_program begins $(cut -d' ' -f1 /proc/uptime)"
	echo "$ktap_canary" >/dev/kmsg
}

# log_allow <extended regular expression>: lines that a test provokes on
# purpose and that would otherwise fail it
log_allow()
{
	ktap_log_allowed="$ktap_log_allowed|$1"
}

# log_since <text of a line>: the log after that line
log_since()
{
	dmesg | awk -v mark="$1" 'seen; index($0, mark) { seen = 1 }'
}

# log_mark, log_since_mark: the log between now and then. The uptime alone is
# no mark: it counts hundredths of a second.
log_mark()
{
	ktap_marks=$((ktap_marks + 1))
	ktap_mark="iova_mt selftest $ktap_program mark $ktap_marks"
	ktap_mark="$ktap_mark at $(cut -d' ' -f1 /proc/uptime)"
	[ "${KTAP_LOG:-}" = no ] || echo "$ktap_mark" >/dev/kmsg
}

log_since_mark()
{
	[ "${KTAP_LOG:-}" = no ] || log_since "$ktap_mark"
}

# log_scan: print the bad lines since ktap_start; succeeds when there are none
log_scan()
{
	if ! dmesg | grep -qF "$ktap_canary"; then
		echo "the log no longer holds the line '$ktap_canary'"
		return 1
	fi
	! log_since "$ktap_canary" | grep -vE "$ktap_log_allowed" | grep -E "$LOG_BAD"
}

log_check()
{
	check "the kernel's log is clean" log_scan
}

# --- waiting ----------------------------------------------------------------

# wait_for <seconds> <command...>: try until it succeeds. A hang detector: the
# limit is generous and no test may depend on it.
wait_for()
{
	local tries=$(($1 * 10))
	shift

	while ! "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

# ends <command...>: its status and output; fails when it hangs. It may hang for
# good, so it is left behind then.
ends()
{
	local status output result=1

	status=$(mktemp)
	output=$(mktemp)
	{ "$@" >"$output" 2>&1; echo $? >"$status"; } >/dev/null 2>&1 &
	if wait_for 60 [ -s "$status" ]; then
		result=$(cat "$status")
	else
		echo "hangs: $*"
	fi
	cat "$output"
	return "$result"
}

# --- the module -------------------------------------------------------------

MT_KO=${MT_KO:-$(dirname "$ktap_dir")/iova_mt.ko}
MT_DEBUGFS=/sys/kernel/debug/iova_mt
MT_PARAMETERS=/sys/module/iova_mt/parameters

# Where failures can be injected.
# shellcheck disable=SC2034 # used by those who source this
FAULT_POINTS="fail_erase fail_insert fail_node fail_refill fail_swap fail_span \
fail_magazine fail_object"

mt_loaded()
{
	[ -d /sys/module/iova_mt ]
}

# load_mt [parameter=value...]
load_mt()
{
	insmod "$MT_KO" "$@"
}

unload_mt()
{
	rmmod iova_mt
}

# dbg <file>: a file below the module's debugfs directory
dbg()
{
	cat "$MT_DEBUGFS/$1"
}

# counter <file> <name>: the value of the line "name: value"
counter()
{
	dbg "$1" | sed -n "s/^$2:[[:space:]]*//p"
}

# counter_is <file> <name> <value>: for wait_for and check
counter_is()
{
	[ "$(counter "$1" "$2")" = "$3" ]
}

# can_redirect: can this kernel redirect functions, as the takeover needs?
can_redirect()
{
	[ -e /proc/sys/kernel/ftrace_enabled ]
}

# on_rt: is this a kernel with PREEMPT_RT?
on_rt()
{
	grep -q PREEMPT_RT /proc/version
}

# The ways to defer, and defer_by <way>: for domains from then on
# shellcheck disable=SC2034 # used by those who source this
DEFERRALS="marker list"

defer_by()
{
	echo "$1" >"$MT_PARAMETERS/deferral"
}

# takeover <off|new>: switch it at run time
takeover()
{
	echo "$1" >"$MT_PARAMETERS/takeover"
}

# run_module_suite <suite> [parameter=value...]: the points of a suite of
# iova_mt_test.ko become points of this program. The module must be loaded.
run_module_suite()
{
	local suite="$1" before=$ktap_nr output
	shift

	output=$(mktemp)
	if ! insmod "$ktap_dir/iova_mt_test.ko" suite="$suite" "$@" 2>"$output"; then
		ktap_notes <"$output"
		ktap_fail "$suite: the test module loads"
		rm -f "$output"
		return
	fi
	cat /sys/kernel/debug/iova_mt_test/ktap >"$output"
	ktap_renumber "$suite" <"$output"
	check "$suite: its plan holds" suite_plan_holds $((ktap_nr - before)) <"$output"
	rm -f "$output"
	rmmod iova_mt_test || ktap_fail "$suite: the test module unloads"
}

# ktap_renumber <prefix> <KTAP lines: as points of this program
ktap_renumber()
{
	local line name

	while IFS= read -r line; do
		name=${line#*ok * }
		name=${name#- }
		case $line in
		"ok "*"# SKIP"*) ktap_skip "$1: ${name%% # SKIP*}" "${name##*# SKIP }" ;;
		"ok "*)          ktap_pass "$1: $name" ;;
		"not ok "*)      ktap_fail "$1: $name" ;;
		"# "*)           echo "$line" ;;
		esac
	done
}

# suite_plan_holds <points seen> <KTAP lines
suite_plan_holds()
{
	local planned

	planned=$(sed -n 's/^1\.\.//p')
	echo "planned ${planned:-nothing}, ran $1"
	[ "$1" -gt 0 ] && [ "$planned" = "$1" ]
}

# --- devices ----------------------------------------------------------------

# pci_of_class <class>, pci_of_id <vendor> <device>: first such device's
# address, as 0000:00:04.0; fails when there is none
pci_of_class()
{
	local dev

	for dev in /sys/bus/pci/devices/*; do
		[ "$(cat "$dev/class")" != "$1" ] || { basename "$dev"; return; }
	done
	return 1
}

pci_of_id()
{
	local dev

	for dev in /sys/bus/pci/devices/*; do
		[ "$(cat "$dev/vendor") $(cat "$dev/device")" != "$1 $2" ] ||
			{ basename "$dev"; return; }
	done
	return 1
}

# nvme_pci, virtio_blk_pci: the address of the first such device
nvme_pci()
{
	pci_of_class 0x010802
}

virtio_blk_pci()
{
	pci_of_id 0x1af4 0x1042
}

# disk_of <pci device>: its block device, as /dev/nvme0n1; fails when none
disk_of()
{
	local block

	for block in /sys/block/*; do
		case $(readlink -f "$block") in
		*/"$1"/*)
			echo "/dev/$(basename "$block")"
			return ;;
		esac
	done
	return 1
}

# wait_for_disk <pci device>: print its block device when it is there
wait_for_disk()
{
	wait_for 30 disk_of "$1" >/dev/null && disk_of "$1"
}

# domain_type <pci device>: identity, DMA or DMA-FQ
domain_type()
{
	cat "/sys/bus/pci/devices/$1/iommu_group/type"
}

# new_domain <pci device> <DMA|DMA-FQ>: a fresh IOMMU domain for the device,
# which keeps its driver. The detour by identity is needed: the same type
# again does nothing, and from DMA to DMA-FQ the kernel keeps the domain.
new_domain()
{
	local dev="/sys/bus/pci/devices/$1" group driver

	group=$(readlink -f "$dev/iommu_group")
	driver=$(readlink -f "$dev/driver") || driver=
	[ -n "$group" ] || { echo "$1 has no iommu group"; return 1; }
	[ -z "$driver" ] || echo "$1" >"$driver/unbind" || return 1
	echo identity >"$group/type" || return 1
	echo "$2" >"$group/type" || return 1
	[ -z "$driver" ] || echo "$1" >"$driver/bind"
}

# dmacheck <arguments...>: see dmacheck.c
dmacheck()
{
	"$ktap_dir/dmacheck" "$@"
}
