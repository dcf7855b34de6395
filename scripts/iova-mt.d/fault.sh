# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
# shellcheck disable=SC2154 # put sets error
#
# iova-mt fault, drain, reset: what is written to debugfs.
#
# Rule: nothing is set when any of what was asked for is not valid, and nothing
# is tried that a lockdown of the kernel forbids.

KNOBS="probability interval space times verbose domain"
MAX=2147483647

help_fault()
{
	cat <<-EOT
	usage: iova-mt fault [--json]                    list the points
	       iova-mt fault off                         switch all off
	       iova-mt fault <point> <knob>=<value>...   set knobs
	       iova-mt fault <point> off                 probability=0
	       iova-mt fault <point> [show] [--json]     all knobs and counters

	  probability   0 to 100: likelihood in percent, 0 is off
	  interval      1 and up: only every so-many-th hit can fail
	  space         0 and up: with n, the first n - 1 hits pass
	  times         -1 and up: so many failures, -1 for no limit
	  verbose       0, 1, 2: silent, a line a failure, a stack a failure
	  domain        0 and up: only this domain's hits count, 0 for all

	The points and knobs are those of the module that is loaded. Nothing is set
	when one of the values is not valid; probability is set last.

	A kernel that is locked down (Secure Boot) takes no knobs, and shows neither
	verbose nor domain. Points can be set as the module is loaded then:
	modprobe iova_mt fail_erase=<interval>,<probability>,<space>,<times>
	EOT
}

help_drain()
{
	cat <<-EOT
	usage: iova-mt drain

	Erases the deferred ranges of all domains, now. Fails when some are left
	because there is no memory, and when the kernel is locked down.
	EOT
}

help_reset()
{
	cat <<-EOT
	usage: iova-mt reset

	Sets hits and injected of all fault points to 0. Their knobs, and the
	counters of domains, stay what they are.
	EOT
}

# knobs_of <point>: the names of its knobs
knobs_of()
{
	(cd "$DEBUGFS/$1" && ls) | grep -vxE 'hits|injected'
}

# knob_range <knob>: "<least> <most>", nothing for one that only the kernel knows
knob_range()
{
	case $1 in
	probability) echo "0 100" ;;
	interval)    echo "1 $MAX" ;;
	space)       echo "0 $MAX" ;;
	times)       echo "-1 $MAX" ;;
	verbose)     echo "0 2" ;;
	domain)      echo "0 $MAX" ;;
	esac
}

# check_knob <point> <knob>=<value>
check_knob()
{
	local point="$1" knob="${2%%=*}" value="${2#*=}" range

	case $2 in
	*=*) ;;
	*) wrong "'$2' is not valid; valid: off, show, <knob>=<value> with the knobs $(knobs_of "$point" | words)" ;;
	esac
	knobs_of "$point" | grep -qxF -e "$knob" ||
		wrong "$point has no knob '$knob'; valid: $(knobs_of "$point" | words)"
	range=$(knob_range "$knob")
	[ -n "$range" ] || return 0
	in_range "$value" "${range% *}" "${range#* }" ||
		wrong "$knob '$value' is not valid; valid: ${range% *} to ${range#* }"
}

# in_range <text> <least> <most>: a decimal number from there to there?
in_range()
{
	echo "$1" | grep -qE '^-?[0-9]{1,10}$' && [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

# set_knob <point> <knob> <value>
set_knob()
{
	put "$DEBUGFS/$1/$2" "$3" && return
	case $error in
	*"Invalid argument"*) ;;
	*) die "$2 of $1 cannot be set: $error" ;;
	esac
	wrong "the kernel does not take $2 '$3': $(dmesg | grep -F "iova_mt: $1/$2:" |
		tail -n 1 | sed 's/^.*is not valid; //' | grep . || echo "$error")"
}

# set_knobs <point> <knob>=<value>...
set_knobs()
{
	local point="$1" setting
	shift

	for setting; do check_knob "$point" "$setting"; done
	may_write "$DEBUGFS/$point" ||
		die "$point cannot be set: $error; when the module is loaded it can: modprobe iova_mt $point=<interval>,<probability>,<space>,<times>"
	for setting; do
		case $setting in
		probability=*) ;;
		*) set_knob "$point" "${setting%%=*}" "${setting#*=}" ;;
		esac
	done
	for setting; do
		case $setting in
		probability=*) set_knob "$point" probability "${setting#*=}" ;;
		esac
	done
	look_at_faults "$AWK_FAULTS" "$point"
}

# shellcheck disable=SC2016 # awk's own variables
AWK_FAULTS='
	function shown(path, name) {
		return text(path, name) == "" ? "?" : text(path, name)
	}
	function line(path) {
		printf "%-14s %11s %8s %7s %7s %7s %9s %9s%s\n", path,
			shown(path, "probability"), shown(path, "interval"),
			shown(path, "space"), shown(path, "times"),
			shown(path, "verbose"), shown(path, "hits"),
			shown(path, "injected"), more_knobs(path)
	}
	END {
		printf "%-14s %11s %8s %7s %7s %7s %9s %9s\n", "POINT", "PROBABILITY",
			"INTERVAL", "SPACE", "TIMES", "VERBOSE", "HITS", "INJECTED"
		for (i = 1; i <= nr_points[now]; i++)
			if (only == "" || only == point[now, i])
				line(point[now, i])
		# what has just been set has no hits yet
		for (i = 1; only == "" && i <= nr_points[now]; i++)
			if (idle(point[now, i]) != "")
				print point[now, i] " is " idle(point[now, i])
		if (text("lockdown", "state") != "")
			print "?: unreadable, the kernel is locked down (" \
				text("lockdown", "state") "); no knob can be set"
	}
'

# Known knobs first, counters last.
# shellcheck disable=SC2016 # awk's own variables
AWK_FAULT='
	function line(name) {
		if ((now, only, name) in S)
			print name ": " S[now, only, name]
		else if ((now, "unreadable", only "/" name) in S)
			print name ": unreadable, " (text("lockdown", "state") == "" ? \
				S[now, "unreadable", only "/" name] : "the kernel is locked down")
	}
	END {
		n = split(knobs, knob, " ")
		for (i = 1; i <= n; i++)
			line(knob[i])
		line("hits")
		line("injected")
		if (idle(only) != "")
			print "# " idle(only)
	}
'

# shellcheck disable=SC2016 # awk's own variables
AWK_FAULT_JSON='
	END { print faults_json(only) }
'

# look_at_faults <program> [point]: of all, or of that one
look_at_faults()
{
	local program="$1" point="${2:-}" knobs="$KNOBS"

	[ -z "$point" ] || knobs="$KNOBS $(knobs_of "$point" |
		grep -vxE "$(echo "$KNOBS" | tr ' ' '|')" | words)"
	snapshot_of 'fail_*/*' |
		awk -v only="$point" -v knobs="$knobs" "$AWK_SNAPSHOT $program"
}

all_off()
{
	local point

	for point in $(points); do
		put "$DEBUGFS/$point/probability" 0 || die "$point cannot be switched off: $error"
	done
}

# fault_json <word>...: the words without --json; sets json
fault_json()
{
	json='' rest=''
	for word; do
		case $word in
		--json) json=1 ;;
		*) rest="$rest $word" ;;
		esac
	done
	[ -n "$json" ] || return 1
	# shellcheck disable=SC2086 # a list of words
	set -- $rest
	[ "${2:-show}" = show ] && [ -z "${3:-}" ] && return
	wrong "--json is for what is shown; valid: fault --json, fault <point> --json"
}

# need_point <point>
need_point()
{
	[ -n "$(points)" ] || die "there is no fault point in $DEBUGFS: see dmesg"
	points | grep -qxF -e "$1" ||
		wrong "'$1' is not a fault point; valid: $(points | words), off"
}

cmd_fault()
{
	local point json rest

	need_module
	if fault_json "$@"; then
		point=$(echo "$rest" | cut -s -d' ' -f2)
		[ -z "$point" ] || need_point "$point"
		look_at_faults "$AWK_JSON $AWK_FAULT_JSON" "$point"
		return
	fi
	point=${1:-}
	case $point in
	'')
		look_at_faults "$AWK_FAULTS"
		return ;;
	off)
		no_arguments "fault off" ${2+"$2"}
		all_off
		return ;;
	esac
	need_point "$point"
	shift
	case ${1:-show} in
	off|show)
		[ $# -le 1 ] || wrong "fault $point $1 takes no more arguments, but was given '$2'" ;;
	esac
	case ${1:-show} in
	off)  put "$DEBUGFS/$point/probability" 0 || die "$point cannot be switched off: $error" ;;
	show) look_at_faults "$AWK_FAULT" "$point" ;;
	*)    set_knobs "$point" "$@" ;;
	esac
}

# is_are <number>
is_are()
{
	[ "$1" = 1 ] && echo is || echo are
}

cmd_drain()
{
	local before erased left

	no_arguments drain "$@"
	need_module
	may_write "$DEBUGFS/drain" ||
		die "nothing can be drained: $error; what is deferred is erased by and by"
	before=$(value backlog drained_by_request)
	[ -n "$before" ] || die "$DEBUGFS/backlog cannot be read: $(reason_for "$DEBUGFS/backlog")"
	put "$DEBUGFS/drain" 1 || {
		left=$(value backlog pending_ranges)
		case $error in
		*memory*) die "$(plural "$left" range) $(is_are "$left") left: $error" ;;
		*) die "nothing can be drained: $error" ;;
		esac
	}
	erased=$(($(value backlog drained_by_request) - before))
	left=$(value backlog pending_ranges)
	echo "$(plural "$erased" range) erased, $left $(is_are "$left") deferred"
}

cmd_reset()
{
	no_arguments reset "$@"
	need_module
	put "$DEBUGFS/reset" 1 || die "hits and injected cannot be reset: $error"
}
