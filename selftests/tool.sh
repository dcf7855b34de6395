#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# scripts/iova-mt: what it shows is what debugfs shows, what it is asked for
# happens, and what is not valid is refused with what is. A device that it moves
# keeps its data and its driver.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

COMMANDS="status watch record devices adopt release fault locks drain reset"
NO_SUCH_BDF=0000:00:1e.7

# shellcheck source=tool.inc
. "$(dirname "$0")/tool.inc"

escape=$(printf '\033')

# refuses <text> <argument...>: as asked for the wrong way, says what is valid,
# and touches no knob
refuses()
{
	local before text="$1"
	shift

	before=$(knobs)
	ends 2 "$text" "$@" && [ "$(knobs)" = "$before" ]
}

knobs()
{
	grep -H '' "$MT_DEBUGFS"/fail_*/* 2>/dev/null
}

knob()
{
	dbg "$1/$2"
}

# --- without the module -----------------------------------------------------

all_have_help()
{
	local command

	tool --help || return 1
	for command in $COMMANDS; do
		grep -q "^  $command " "$said" || return 1
	done
	for command in $COMMANDS; do
		says "usage: iova-mt $command" "$command" --help || return 1
		says "usage: iova-mt $command" help "$command" || return 1
	done
}

all_need_the_module()
{
	local command

	for command in status watch record fault locks drain reset; do
		fails "the module iova_mt is not loaded" "$command" || return 1
	done
	for command in adopt release; do
		fails "the module iova_mt is not loaded" "$command" "$NO_SUCH_BDF" || return 1
	done
}

# --- status, watch, record --------------------------------------------------

shows_version()
{
	[ "$("$TOOL" --version)" = "iova-mt $(cat /sys/module/iova_mt/version)" ]
}

status_agrees()
{
	tool status || return 1
	grep -q "^module  *iova_mt $(cat /sys/module/iova_mt/version)\$" "$said" &&
		grep -q "^allocator  *maple-plain (there are: .*rbtree" "$said" &&
		grep -q "^takeover  *$1\$" "$said" &&
		grep -q "^faults  *all off\$" "$said"
}

# plain <argument...>: no control characters, nothing wider than a terminal
plain()
{
	tool "$@" || return 1
	! grep -q "$escape" "$said" && ! grep -E '^.{81}' "$said" && [ -s "$said" ]
}

# A watch whose output is no terminal goes on; two tables, then it is ended.
watch_goes_on()
{
	local pid status=0

	"$TOOL" watch -n 0.1 >"$said" 2>&1 &
	pid=$!
	wait_for 30 two_tables || status=1
	kill "$pid"
	wait "$pid" || status=$?
	cat "$said"
	[ "$status" -eq 0 ] && ! grep -q "$escape" "$said"
}

two_tables()
{
	[ "$(grep -c '^backlog ' "$said")" -ge 2 ]
}

# As many fields as names in each line, in time's order, and the numbers of the
# backlog.
records()
{
	tool record -n 0.05 -c 4 || return 1
	awk -F '\t' -v deferred="$(counter backlog total_deferred)" '
		/^#/ { next }
		!names { names = NF; for (i = 1; i <= NF; i++) column[$i] = i; next }
		NF != names || $column["time"] < last || $column["total_deferred"] != deferred {
			bad = 1
		}
		{ last = $column["time"]; samples++ }
		END { exit bad || samples != 4 || !column["pending_ranges"] || !column["injected"] }
	' "$said"
}

# --- fault points -----------------------------------------------------------

lists_points()
{
	local point

	tool fault || return 1
	for point in $POINTS; do
		grep -q "^$point  *0  *1  *0  *1  *0 " "$said" || return 1
	done
	grep -q "^fail_erase " "$said" &&
		[ "$(wc -l <"$said")" -eq $(($(echo "$POINTS" | wc -w) + 1)) ]
}

sets_all_knobs()
{
	tool fault fail_insert times=7 probability=30 verbose=1 space=9 interval=4 || return 1
	grep -q "^fail_insert  *30  *4  *9  *7  *1 " "$said" &&
		[ "$(knob fail_insert probability) $(knob fail_insert interval)" = "30 4" ] &&
		[ "$(knob fail_insert space) $(knob fail_insert times)" = "9 7" ] &&
		[ "$(knob fail_insert verbose)" = 1 ]
}

shows_knobs()
{
	local name

	tool fault fail_insert show || return 1
	for name in probability interval space times verbose hits injected; do
		grep -qx "$name: $(knob fail_insert "$name")" "$said" || return 1
	done
}

switches_off()
{
	tool fault fail_insert off && [ "$(knob fail_insert probability)" = 0 ]
}

switches_all_off()
{
	local point

	tool fault fail_erase probability=5 && tool fault fail_insert probability=5 &&
		tool fault off || return 1
	for point in $POINTS; do
		[ "$(knob "$point" probability)" = 0 ] || return 1
	done
}

# json <argument...>: every bracket is closed again, and in the right order
json()
{
	tool "$@" || return 1
	awk '{
		gsub(/"[^"]*"/, "")
		for (i = 1; i <= length($0); i++) {
			c = substr($0, i, 1)
			if (c ~ /[[{]/)
				open = open (c == "{" ? "}" : "]")
			else if (c ~ /[]}]/) {
				if (substr(open, length(open), 1) != c)
					exit bad = 1
				open = substr(open, 1, length(open) - 1)
			} else if (c !~ /[-0-9, :nulltruefas]/)
				exit bad = 1
		}
	}
	END { exit bad || open != "" || !NR }' "$said"
}

# --- locks ------------------------------------------------------------------

# measures_locks <seed>: of I/O
measures_locks()
{
	local id

	id=$(ls "$MT_DEBUGFS/domains")
	says "not measured now" locks && tool locks on && [ "$(dbg lock_stat)" = 1 ] &&
		dmacheck verify "$DISK" --mib 32 --seed "$1" &&
		tool locks && grep -qE "^ +$id maple[^ ]* +[1-9][0-9k]* " "$said" &&
		says " ns" locks "$id" && grep -q " #" "$said" &&
		says "measured: held " status
}

stops_measuring()
{
	tool locks off && [ "$(dbg lock_stat)" = 0 ]
}

# --- a device ---------------------------------------------------------------

serves_io()
{
	local before

	before=$(counter takeover/calls alloc_iova_fast)
	dmacheck both "$DISK" --mib 32 --seed "$1" || return 1
	[ "$(counter takeover/calls alloc_iova_fast)" -gt $((before + 50)) ]
}

# With its device, where the module names devices.
lists_domain()
{
	local id device="$NVME"

	[ -e "$MT_DEBUGFS/takeover/devices" ] || device=-
	id=$(ls "$MT_DEBUGFS/domains")
	tool status && grep -q "^  *$id maple-plain/marker .* $device\$" "$said" &&
		grep -q '^takeover .* 1 domain is owned' "$said" && plain status &&
		tool watch -1 -n 0.1 && grep -q "^  *$id maple.* $device\$" "$said"
}

# A point that is on for another domain only does not fail for this one.
filters_by_domain()
{
	local id

	id=$(ls "$MT_DEBUGFS/domains")
	tool fault fail_magazine probability=100 times=-1 "domain=$((id + 1))" &&
		dmacheck verify "$DISK" --mib 32 --seed "$1" || return 1
	[ "$(knob fail_magazine injected)" = 0 ] && tool fault fail_magazine domain=0
}

# fills <seed>: a backlog, by I/O whose erases fail
fills()
{
	# In a new domain, which has no magazines yet: all frees go to the tree.
	tool fault fail_magazine probability=100 times=-1 &&
		adopts "$NVME" && tool fault fail_erase probability=100 times=-1 &&
		dmacheck verify "$DISK" --mib 32 --seed "$1" &&
		[ "$(counter backlog pending_ranges)" -gt 50 ]
}

status_shows_backlog()
{
	tool status && ! grep '^backlog  *0 ranges' "$said" &&
		grep -q '^faults  *fail_erase 100 %; ' "$said"
}

drain_fails()
{
	fails "left: Cannot allocate memory" drain || fails "left: Out of memory" drain
}

drains()
{
	tool fault off && says "0 are deferred" drain && counter_is backlog pending_ranges 0
}

resets()
{
	[ "$(knob fail_erase hits)" -gt 0 ] && tool reset &&
		[ "$(knob fail_erase hits) $(knob fail_erase injected)" = "0 0" ]
}

# The commands that a machine says first, where it says some.
first_words_work()
{
	local commands

	# what stands between the second empty line and the third
	commands=$(awk '!NF { n++ } n == 2 && NF' "$(dirname "$ktap_dir")/motd")
	echo "$commands"
	[ -n "$commands" ] && (cd "$(dirname "$ktap_dir")" && sh -ec "$commands") || return 1
	wait_for_disk "$NVME" && says "1 domain is owned" status &&
		says "$NVME: the kernel's allocator" release "$NVME" && unload_mt
}

# --- the program ------------------------------------------------------------

ktap_start
[ "$(id -u)" = 0 ] || ktap_skip_all "must be run as root"
[ -x "$TOOL" ] || ktap_skip_all "$TOOL is not there"

check "every command has a help" all_have_help
check "no command: the help, as an error" ends 2 "usage: iova-mt <command>"
check "an unknown command is refused" ends 2 "'look' is not a command; valid: $COMMANDS help" look
check "each says that the module is not loaded" all_need_the_module

check "the module loads" load_mt allocator=maple-plain
POINTS=$(cd "$MT_DEBUGFS" && echo fail_*)
check "the tool's version is the module's" shows_version
check "status agrees with debugfs" status_agrees "off, not attached, 0 domains are owned"
check "status is plain text of 80 columns" plain status
check "watch --once is plain text of 80 columns" plain watch --once -n 0.1
check "watch goes on where there is no terminal" watch_goes_on
check "record: a line a sample" records
for command in status fault locks; do
	check "$command --json" json "$command" --json
done

check "fault lists the points" lists_points
check "fault sets all knobs" sets_all_knobs
check "fault shows a point" shows_knobs
check "fault switches a point off" switches_off
check "fault switches all points off" switches_all_off

# What is asked for the wrong way: the status is 2, the message has what is
# valid, and no knob has changed.
check "an unknown point is refused" \
	refuses "'fail_all' is not a fault point; valid: $POINTS, off" fault fail_all probability=1
check "an unknown knob is refused" \
	refuses "has no knob 'chance'; valid: " fault fail_erase chance=1
check "a word that is no knob is refused" \
	refuses "'on' is not valid; valid: off, show, <knob>=<value>" fault fail_erase on
for bad in "probability=101 0 to 100" "probability=-1 0 to 100" "probability= 0 to 100" \
	   "interval=0 1 to 2147483647" "times=-2 -1 to 2147483647" "verbose=3 0 to 2" \
	   "space=2147483648 0 to 2147483647" "times=1x -1 to 2147483647" \
	   "domain=-1 0 to 2147483647"; do
	setting=${bad%% *}
	check "refused: $setting" refuses \
		"${setting%%=*} '${setting#*=}' is not valid; valid: ${bad#* }" \
		fault fail_erase "$setting"
done
check "one bad value, and nothing is set" refuses "interval '0' is not valid" \
	fault fail_erase probability=50 interval=0
check "an unknown domain is refused" refuses "'99' is not a domain; valid: " locks 99
check "too many words are refused" refuses "takes no more arguments" fault fail_erase off now
check "a bad interval is refused" refuses "valid: 0.1 to 3600 seconds" watch -n 0
check "a bad count is refused" refuses "valid: 1 and up" record -c none
check "a bad type is refused" refuses "valid: DMA, DMA-FQ" adopt -t identity "$NO_SUCH_BDF"
check "what is no BDF is refused" refuses \
	"'eth0' is not a PCI device; valid: <domain>:<bus>:<device>.<function>" adopt eth0
check "a missing BDF is refused" refuses "which device?" release

if need_disk; then
	check "adopt: refused while takeover is off" fails "takeover is 'off'" adopt "$NVME"
	check "release: refused while no domain is owned" \
		fails "$NVME is on no domain of this module" release "$NVME"
	check "the takeover can be switched on" takeover new
	check "adopt: an unknown device is refused, the known ones are named" \
		fails "$NVME" adopt $NO_SUCH_BDF
	check "adopt: the device gets an owned domain" adopts "$NVME"
	check "the allocator serves its I/O" serves_io 1
	check "status and watch list its domain" lists_domain
	check "status --json with a domain" json status --json
	check "locks --json with a domain" json locks --json
	check "adopt: an owned device gets another domain" adopts "${NVME#0000:}"
	check "its I/O is served again" serves_io 2
	check "locks: measured on request" measures_locks 2
	check "locks: until it is switched off" stops_measuring
	check "a failure can be kept to one domain" filters_by_domain 2
	check "erases fail on request" fills 2
	check "status shows it" status_shows_backlog
	check "record: the backlog's numbers" records
	check "drain: says what is left without memory" drain_fails
	check "drain: nothing is left" drains
	check "reset: hits and injected are 0" resets
	check "release: the kernel's allocator" releases
	check "the data is still there" dmacheck verify "$DISK" --mib 32 --seed 2
	check "adopt after release" adopts "$NVME"
	check "and the data is there" dmacheck verify "$DISK" --mib 32 --seed 2
	check "the takeover can be switched off" takeover off
	check "release: with the takeover off" releases
else
	ktap_skip "adopt and release" "there is no NVMe disk behind an IOMMU"
fi
check "the module unloads" unload_mt
if [ -n "${DISK:-}" ] && [ -e "$(dirname "$ktap_dir")/motd" ]; then
	check "the machine's first words put its disk on the module" first_words_work
fi
ktap_end
