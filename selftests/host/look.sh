#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# iova-mt with a module that is not well: what cannot be read is not shown as
# if it had been, what went wrong is shown, and what is for programs can be
# read by them. Files that look like the module's: loads nothing.

KTAP_LOG=no
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=module.inc
. "$ktap_dir/module.inc"

top=$(cd "$ktap_dir/../.." && pwd)
TOOL=$top/scripts/iova-mt
work=$(mktemp -d)
dir=$work/sys/kernel/debug/iova_mt

# again <domains>: a module as it should be
again()
{
	rm -rf "$work/sys"
	make_module "$work/sys" "$1"
}

# shows <status> <extended regular expression> <argument...>: ends with that
# status, and a line is like that
shows()
{
	local expected="$1" line="$2" status=0
	shift 2

	IOVA_MT_SYSFS="$work/sys" "$TOOL" "$@" >"$work/said" 2>&1 || status=$?
	cat "$work/said"
	echo "exit status $status, expected $expected and '$line'"
	[ "$status" -eq "$expected" ] && grep -qE -e "$line" "$work/said"
}

# hides <text>: the last shows did not say that
hides()
{
	! grep -F -e "$1" "$work/said"
}

# --- what is wrong ----------------------------------------------------------

lock_down()
{
	echo "none [integrity] confidentiality" >"$work/sys/kernel/security/lockdown"
}

counts_refusals()
{
	printf 'alloc: 9\nalloc_no_space: 8232\nalloc_no_memory: 7\nfree_unknown: 16\n' |
		tee "$dir/stats" >"$dir/domains/1/stats"
	shows 0 '^refused  *8232 requests for want of space, 7 for want of memory$' status &&
		shows 0 '^unknown  *16 frees of what was not handed out$' status &&
		shows 0 '^  *1 maple/marker .* 8232/7  *16 0000:00:01.0$' status
}

# Before domains counted them the allocators did.
counts_unknown_of_allocators()
{
	printf 'alloc: 9\nmaple.free_unknown: 1\nmaple-plain.free_unknown: 2\n' >"$dir/stats"
	shows 0 '^unknown  *3 frees of what' status
}

# The state that a forced unload leaves it in while domains are owned.
unload_is_an_error()
{
	again 2
	echo going >"$work/sys/module/iova_mt/initstate"
	shows 1 '^module  *iova_mt 1.2.3, which is being unloaded$' status &&
		shows 1 '2 domains are owned' status &&
		shows 1 'iova-mt release <BDF> for each device' status
}

# As it was when debugfs answered nothing in that state.
unreadable_is_said()
{
	again 2
	rm "$dir/takeover/state"
	mkdir "$dir/takeover/state"
	shows 1 '^takeover  *unreadable: takeover/state: ' status &&
		hides "takeover    none"
}

# --- lockdown ---------------------------------------------------------------

knows_what_is_on()
{
	again 1
	make_point fail_erase 1 50 0 -1 100 51
	lock_down
	shows 0 '^faults  *fail_erase 50 %; 51 injected$' status && hides "all off" &&
		shows 0 '^lockdown  *integrity: ' status &&
		shows 0 '^fail_erase  *50  *1  *0  *-1  *\?  *100  *51$' fault &&
		shows 0 '^verbose: unreadable, the kernel is locked down$' fault fail_erase &&
		shows 0 '	51	fail_erase$' record -n 0.01 -c 2
}

# cannot <argument...>: and nothing has been written
cannot()
{
	shows 1 'the kernel is locked down \(integrity\)' "$@" &&
		hides "Operation not permitted" && hides "ranges are left" &&
		[ ! -s "$dir/drain" ] && [ ! -s "$dir/reset" ] &&
		[ "$(cat "$dir/lock_stat" "$dir/fail_erase/probability" | words)" = "0 50" ]
}

words()
{
	tr '\n' ' ' | sed 's/ $//'
}

# --- the rest ---------------------------------------------------------------

says_why_idle()
{
	again 1
	make_point fail_erase 1 50 0 -1 0 0
	shows 0 '^fail_erase is on, 0 hits: caches or spans take the frees' fault &&
		shows 0 '^  *on, 0 hits: caches or spans take the frees' status || return 1
	make_point fail_erase 1 50 0 0 9 1
	shows 0 '^fail_erase is on, times is 0: ' fault && shows 0 '^  *on, times is 0: ' status
}

names_the_iommu()
{
	again 0
	shows 0 '^iommu  *1 DMA-FQ, 1 identity$' status &&
		shows 0 '^next  *iova-mt devices, then iova-mt adopt' status || return 1
	echo identity >"$work/sys/kernel/iommu_groups/0/type"
	shows 0 '^iommu  *2 identity: no DMA is translated \(iommu=pt\?\)$' status &&
		shows 0 'cat /sys/kernel/iommu_groups/\*/type$' status || return 1
	rm -r "$work/sys/kernel/iommu_groups"
	shows 0 '^iommu  *none: there is no IOMMU, or it is off' status && hides "next "
}

speaks_properly()
{
	again 1
	printf 'pending_ranges: 1\npending_pages: 1\ndrained_by_request: 3\n' >"$dir/backlog"
	shows 0 '^takeover  *new, attached, 1 domain is owned$' status &&
		shows 0 '^backlog  *1 range, 1 page; ' status &&
		shows 0 '^0 ranges erased, 1 is deferred$' drain || return 1
	rm -r "$dir/domains/1"
	shows 2 "'9' is not a domain; valid: on, off$" locks 9
}

has_help()
{
	again 0
	shows 0 '^usage: iova-mt <command>' help &&
		shows 0 '^usage: iova-mt drain' help drain &&
		shows 2 "'nothing' is not a command; valid: status " help nothing
}

# is_json <argument...>
is_json()
{
	shows 0 '^' "$@" && python3 -m json.tool <"$work/said" >"$work/json"
}

# json <expression>: true of what the last is_json has read
json()
{
	python3 -c "import json, sys; j = json.load(open('$work/json')); sys.exit(not ($1))" ||
		{ echo "not so: $1"; return 1; }
}

status_is_json()
{
	again 2
	printf 'id: 1\nallocator: ma"p\\le\n' >"$dir/domains/1/summary"
	is_json status --json && json "j['takeover']['owned'] == 2" &&
		json "j['domains'][0]['summary']['allocator'] == 'ma\"p\\\\le'" &&
		json "j['domains'][1]['devices'] == ['0000:00:02.0']" &&
		json "j['stats']['alloc_no_space'] == 0 and j['unknown'] == 0" &&
		json "j['faults'][0]['point'] == 'fail_erase'" &&
		json "j['iommu_groups'] == {'DMA-FQ': 1, 'identity': 1}" &&
		json "j['unreadable'] == [] and j['lockdown'] is None" || return 1
	lock_down
	is_json status --json && json "j['faults'][0]['verbose'] is None" &&
		json "j['faults'][0]['probability'] == 0 and j['lockdown'] == 'integrity'" &&
		json "{'file': 'lock_stat', 'reason': 'lockdown'} in j['unreadable']"
}

others_are_json()
{
	again 2
	is_json fault --json && json "[p['hits'] for p in j] == [0, 0]" &&
		is_json fault fail_node --json && json "[p['point'] for p in j] == ['fail_node']" &&
		is_json locks --json && json "j['measured'] is False" &&
		json "j['domains'][0]['lock_stat']['hold_count'] == 7" &&
		shows 2 'valid: fault --json' fault fail_erase probability=3 --json
}

# completes <expected> <word>...: the last is what is completed
completes()
{
	local expected="$1" found
	shift

	# shellcheck disable=SC2016 # expanded by bash
	found=$(IOVA_MT_SYSFS="$work/sys" bash -c '. "$1"; shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _iova_mt 2>/dev/null
		echo "${COMPREPLY[*]}"' bash "$top/scripts/completion/iova-mt" "$@")
	echo "expected '$expected', found '$found'"
	[ "$found" = "$expected" ]
}

completes_all()
{
	local command

	again 2
	mkdir -p "$work/sys/bus/pci/devices/0000:00:04.0"
	completes "status" iova-mt st && completes "fail_erase fail_node" iova-mt fault fail_ &&
		completes "probability=" iova-mt fault fail_erase pr &&
		completes "1" iova-mt locks 1 && completes "0000:00:04.0" iova-mt adopt 0000 &&
		completes "DMA DMA-FQ" iova-mt adopt --type D || return 1
	# and no command is missing
	sed -n 's/^COMMANDS="\(.*\)"$/\1/p' "$TOOL" | tr ' ' '\n' >"$work/commands"
	while read -r command; do
		completes "$command" iova-mt "$command" || return 1
	done <"$work/commands"
}

# Installed somewhere else, all of it works, and it goes again.
installs()
{
	local to="$work/to"

	make -s -C "$top" install-tools DESTDIR="$to" PREFIX=/usr || return 1
	(cd "$to" && find . -type f | sort)
	"$to/usr/sbin/iova-mt" help && [ -f "$to/usr/share/man/man8/iova-mt.8" ] &&
		[ -f "$to/usr/share/bash-completion/completions/iova-mt" ] || return 1
	"$to/usr/sbin/iova-mt-plot-backlog" >"$work/said" 2>&1
	grep -q "^usage: iova-mt-plot-backlog " "$work/said" || return 1
	make -s -C "$top" uninstall-tools DESTDIR="$to" PREFIX=/usr &&
		[ -z "$(find "$to" -type f)" ]
}

draws_when_installed()
{
	make -s -C "$top" install-tools DESTDIR="$work/to" PREFIX=/usr || return 1
	again 1
	IOVA_MT_SYSFS="$work/sys" "$TOOL" record -n 0.01 -c 5 >"$work/recording" &&
		"$work/to/usr/sbin/iova-mt-plot-backlog" -o "$work/picture" "$work/recording" &&
		[ -s "$work/picture.svg" ] && [ -s "$work/picture.png" ]
}

# --- the program ------------------------------------------------------------

ktap_start
[ "$(id -u)" = 0 ] || ktap_skip_all "must be run as root"
again 1
check "refused requests and unknown frees are counted" counts_refusals
check "unknown frees that allocators count, too" counts_unknown_of_allocators
check "a forced unload that waits is an error" unload_is_an_error
check "what cannot be read is not 'none'" unreadable_is_said
check "lockdown: what is on is known" knows_what_is_on
for command in "fault off" "fault fail_erase off" "fault fail_erase probability=1" drain reset \
	       "locks on"; do
	# shellcheck disable=SC2086 # a list of words
	check "lockdown: '$command' says what forbids it" cannot $command
done
check "a point that is on and injects nothing: why" says_why_idle
check "the IOMMU, and what is next" names_the_iommu
check "one is not many, and no list is empty" speaks_properly
check "help is a command" has_help
if command -v python3 >/dev/null; then
	check "status --json" status_is_json
	check "fault --json, locks --json" others_are_json
else
	ktap_skip "--json" "there is no python3"
fi
check "bash completes commands, points, knobs, devices" completes_all
check "install-tools, uninstall-tools" installs
if command -v gnuplot >/dev/null; then
	check "a recording is drawn by the installed tool" draws_when_installed
else
	ktap_skip "a recording is drawn by the installed tool" "there is no gnuplot"
fi
rm -r "$work"
ktap_end
