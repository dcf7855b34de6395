# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
# shellcheck disable=SC2154 # put sets error
#
# iova-mt fault, drain, reset: what is written to debugfs.
#
# Rule: nothing is set when any of what was asked for is not valid.

KNOBS="probability interval space times verbose domain"
MAX=2147483647

help_fault()
{
	cat <<-EOT
	usage: iova-mt fault                             list the points
	       iova-mt fault off                         switch all off
	       iova-mt fault <point> <knob>=<value>...   set knobs
	       iova-mt fault <point> off                 probability=0
	       iova-mt fault <point> show                all knobs and counters

	  probability   0 to 100: likelihood in percent, 0 is off
	  interval      1 and up: only every so-many-th hit can fail
	  space         0 and up: with n, the first n - 1 hits pass
	  times         -1 and up: so many failures, -1 for no limit
	  verbose       0, 1, 2: silent, a line a failure, a stack a failure
	  domain        0 and up: only this domain's hits count, 0 for all

	The points and knobs are those of the module that is loaded. Nothing is set
	when one of the values is not valid; probability is set last.
	EOT
}

help_drain()
{
	cat <<-EOT
	usage: iova-mt drain

	Erases the deferred ranges of all domains, now. Fails when some are left
	because there is no memory.
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
	put "$DEBUGFS/$1/$2" "$3" ||
		wrong "the kernel does not take $2 '$3': $(dmesg | grep -F "iova_mt: $1/$2:" |
			tail -n 1 | sed 's/^.*is not valid; //' | grep . || echo "$error")"
}

# set_knobs <point> <knob>=<value>...
set_knobs()
{
	local point="$1" setting
	shift

	for setting; do check_knob "$point" "$setting"; done
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
	list_faults "$point"
}

# knob_values <point>: "name: value", known knobs first, counters last
knob_values()
{
	local name

	for name in $KNOBS $(knobs_of "$1" | grep -vxE "$(echo "$KNOBS" | tr ' ' '|')") \
		    hits injected; do
		[ ! -e "$DEBUGFS/$1/$name" ] || echo "$name: $(get "$DEBUGFS/$1/$name")"
	done
}

# list_faults <point>...
list_faults()
{
	local point

	printf '%-14s %11s %8s %7s %7s %7s %9s %9s\n' \
		POINT PROBABILITY INTERVAL SPACE TIMES VERBOSE HITS INJECTED
	for point; do
		knob_values "$point" | awk -v point="$point" '
			{ name = $1; sub(":", "", name); v[name] = $2 }
			$2 != "0" && name !~ /^(probability|interval|space|times|verbose|hits|injected)$/ {
				more = more " " name "=" $2
			}
			END {
				printf "%-14s %11s %8s %7s %7s %7s %9s %9s%s\n", point,
					v["probability"], v["interval"], v["space"],
					v["times"], v["verbose"], v["hits"],
					v["injected"], more
			}'
	done
}

all_off()
{
	local point

	for point in $(points); do
		put "$DEBUGFS/$point/probability" 0 || die "$point cannot be switched off: $error"
	done
}

cmd_fault()
{
	local point="${1:-}"

	need_module
	case $point in
	'')
		# shellcheck disable=SC2046 # a list of words
		list_faults $(points)
		return ;;
	off)
		no_arguments "fault off" ${2+"$2"}
		all_off
		return ;;
	esac
	points | grep -qxF -e "$point" ||
		wrong "'$point' is not a fault point; valid: $(points | words), off"
	shift
	case ${1:-show} in
	off|show)
		[ $# -le 1 ] || wrong "fault $point $1 takes no more arguments, but was given '$2'" ;;
	esac
	case ${1:-show} in
	off)  put "$DEBUGFS/$point/probability" 0 || die "$point cannot be switched off: $error" ;;
	show) knob_values "$point" ;;
	*)    set_knobs "$point" "$@" ;;
	esac
}

cmd_drain()
{
	local before

	no_arguments drain "$@"
	need_module
	before=$(value backlog drained_by_request)
	put "$DEBUGFS/drain" 1 ||
		die "$(value backlog pending_ranges) ranges are left: $error"
	echo "$(($(value backlog drained_by_request) - before)) ranges erased," \
	     "$(value backlog pending_ranges) are deferred"
}

cmd_reset()
{
	no_arguments reset "$@"
	need_module
	put "$DEBUGFS/reset" 1 || die "hits and injected cannot be reset: $error"
}
