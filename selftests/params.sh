#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck disable=SC2317 # check calls them
# shellcheck disable=SC2119 # ktap_start without a count
#
# Module parameters: what is valid takes effect, what is not refuses the load
# (or the write) with a message that says what is, and changes nothing.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

POINTS=$FAULT_POINTS
FORM="<interval>,<probability>,<space>,<times>"
# Most of cache_mib: 64 bits of bytes.
MAX_MIB=17592186044415
MAX=2147483647

# parameter <name>: its value
parameter()
{
	cat "$MT_PARAMETERS/$1"
}

# --- valid values -----------------------------------------------------------

# One a line: arguments of the load, then what parameters read as.
good_loads()
{
	cat <<-EOT
	; allocator=maple takeover=off fault_seed=0 fail_erase=1,0,0,1
	allocator=maple; allocator=maple
	allocator=maple-plain; allocator=maple-plain
	allocator=rbtree; allocator=rbtree
	; deferral=marker
	deferral=marker; deferral=marker
	deferral=list; deferral=list
	; cache_mib=1024
	cache_mib=0; cache_mib=0
	cache_mib=$MAX_MIB; cache_mib=$MAX_MIB
	takeover=off; takeover=off
	fault_seed=42; fault_seed=42
	fault_seed=18446744073709551615; fault_seed=18446744073709551615
	fail_erase=$MAX,100,$MAX,$MAX; fail_erase=$MAX,100,$MAX,$MAX
	EOT
	if can_redirect; then
		echo "takeover=new; takeover=new"
		echo "takeover=new allocator=rbtree; takeover=new allocator=rbtree"
	fi
	for point in $POINTS; do
		echo "$point=1,100,0,-1; $point=1,100,0,-1"
		echo "$point=7,50,3,2; $point=7,50,3,2"
	done
}

# reads_as <name=value...>
reads_as()
{
	local pair

	for pair; do
		echo "expected $pair, found $(parameter "${pair%%=*}")"
		[ "$(parameter "${pair%%=*}")" = "${pair#*=}" ] || return 1
	done
}

# loads_as <arguments; expectations>
loads_as()
{
	local status=0

	# shellcheck disable=SC2086 # lists of words
	load_mt ${1%%;*} || return 1
	# shellcheck disable=SC2086 # lists of words
	reads_as ${1#*;} || status=1
	unload_mt && return "$status"
}

# --- values that are not valid ----------------------------------------------

# One a line: an argument, then what the message says.
bad_loads()
{
	local point

	cat <<-EOT
	allocator=; allocator '' is not valid; valid: maple, maple-plain, rbtree
	allocator=nonsense; allocator 'nonsense' is not valid; valid: maple, maple-plain, rbtree
	allocator=MAPLE; allocator 'MAPLE' is not valid; valid: maple, maple-plain, rbtree
	allocator=mapl; allocator 'mapl' is not valid; valid: maple, maple-plain, rbtree
	deferral=; deferral '' is not valid; valid: marker, list
	deferral=lists; deferral 'lists' is not valid; valid: marker, list
	cache_mib=; cache_mib '' is not valid; valid: 0 to $MAX_MIB
	cache_mib=many; cache_mib 'many' is not valid; valid: 0 to $MAX_MIB
	deferral=Marker; deferral 'Marker' is not valid; valid: marker, list
	takeover=; takeover '' is not valid; valid: off, new
	takeover=on; takeover 'on' is not valid; valid: off, new
	takeover=New; takeover 'New' is not valid; valid: off, new
	takeover=newer; takeover 'newer' is not valid; valid: off, new
	fault_seed=; fault_seed '' is not valid; valid: 0 to 18446744073709551615
	fault_seed=seed; fault_seed 'seed' is not valid; valid: 0 to
	fault_seed=-1; fault_seed '-1' is not valid; valid: 0 to
	fault_seed=0x10; fault_seed '0x10' is not valid; valid: 0 to
	fault_seed=18446744073709551616; fault_seed '18446744073709551616' is not
	fail_erase=; interval '' is not valid; valid: $FORM
	fail_erase=1; probability is missing in '1'; valid: $FORM
	fail_erase=1,100; space is missing in '1,100'; valid: $FORM
	fail_erase=1,100,0; times is missing in '1,100,0'; valid: $FORM
	fail_erase=1,100,0,; times '' is not valid; valid: $FORM
	fail_erase=1,,0,1; probability '' is not valid; valid: $FORM
	fail_erase=1,100,0,1,; ',' behind times is not valid; valid: $FORM
	fail_erase=1,100,0,1,5; ',5' behind times is not valid; valid: $FORM
	fail_erase=1,100,0,1x; times '1x' is not valid; valid: $FORM
	fail_erase=0x1,100,0,1; interval '0x1' is not valid; valid: $FORM
	fail_erase=+1,100,0,1; interval '+1' is not valid; valid: $FORM
	fail_erase=--1,100,0,1; interval '--1' is not valid; valid: $FORM
	fail_erase=0,100,0,1; interval '0' is not valid; valid: $FORM
	fail_erase=-1,100,0,1; interval '-1' is not valid; valid: $FORM
	fail_erase=2147483648,100,0,1; interval '2147483648' is not valid
	fail_erase=1,-1,0,1; probability '-1' is not valid; valid: $FORM
	fail_erase=1,100,-1,1; space '-1' is not valid; valid: $FORM
	fail_erase=1,100,2147483648,1; space '2147483648' is not valid
	fail_erase=1,100,0,-2; times '-2' is not valid; valid: $FORM
	fail_erase=1,100,0,2147483648; times '2147483648' is not valid
	fail_erase=1,100,0,99999999999999999999; times '99999999999999999999' is not
	fail_erase=1,100,0,000000000000000000000000000000000000000000000000000000001; the value is too long
	EOT
	for point in $POINTS; do
		echo "$point=abc; $point: interval 'abc' is not valid; valid: $FORM"
		echo "$point=1,101,0,-1; $point: probability '101' is not valid; valid: $FORM" \
		     "with interval 1 to $MAX, probability 0 to 100, space 0 to $MAX, times -1 to $MAX (-1: no limit)"
	done
}

# says_einval <command...>: fails, and its output names the error
says_einval()
{
	local output

	if output=$("$@" 2>&1); then
		echo "no error from: $*"
		return 1
	fi
	echo "$output"
	# What insmod of busybox and of kmod, and what the shell make of it.
	case $output in
	*"nvalid argument"*|*"nvalid parameter"*) ;;
	*) return 1 ;;
	esac
}

nothing_is_left()
{
	! mt_loaded && [ ! -e "$MT_DEBUGFS" ]
}

# refuses_load <argument; text>
refuses_load()
{
	refused "${1#*; }" load_mt "${1%%; *}" || { unload_mt; return 1; }
	says_einval load_mt "${1%%; *}" && nothing_is_left
}

# --- without ftrace ---------------------------------------------------------

# says_unsupported <command...>: fails, its output names the error, and the log
# names what the kernel lacks
says_unsupported()
{
	local output

	log_mark
	if output=$("$@" 2>&1); then
		echo "no error from: $*"
		return 1
	fi
	echo "$output"
	log_since_mark
	case $output in
	*"not supported"* | *"Not supported"*) ;;
	*) return 1 ;;
	esac
	log_since_mark | grep -qF "without CONFIG_DYNAMIC_FTRACE_WITH_ARGS"
}

# cannot_load <argument>
cannot_load()
{
	says_unsupported load_mt "$1" || { unload_mt; return 1; }
	nothing_is_left
}

# cannot_switch <mode>: and it is off as before
cannot_switch()
{
	says_unsupported write_parameter takeover "$1" && reads_as takeover=off
}

# --- the files --------------------------------------------------------------

file_modes()
{
	local file

	for file in "$MT_PARAMETERS"/*; do
		stat -c "%a ${file##*/}" "$file"
	done | sort -k 2
}

# Everything is 444 but what can be changed.
expected_modes()
{
	local name

	{
		for name in allocator fault_seed $POINTS; do
			echo "444 $name"
		done
		echo "644 cache_mib"
		echo "644 deferral"
		echo "644 takeover"
	} | sort -k 2
}

# Every parameter that the module has says its default.
every_one_is_described()
{
	local file name

	for file in "$MT_PARAMETERS"/*; do
		name=${file##*/}
		echo "$name"
		modinfo "$MT_KO" | grep "^parm: *$name:" | grep -q default ||
			return 1
	done
}

says_one_line()
{
	log_mark
	load_mt || return 1
	log_since_mark | grep 'iova_mt: version [0-9]' || return 1
	log_since_mark
	[ "$(log_since_mark | grep -c '\] iova_mt: ')" = 1 ]
}

# --- takeover at run time ---------------------------------------------------

# switches_to <name> <value>
switches_to()
{
	write_parameter "$1" "$2" && reads_as "$1=$2"
}

bad_modes()
{
	cat <<-EOT
	; takeover '' is not valid; valid: off, new
	on; takeover 'on' is not valid; valid: off, new
	OFF; takeover 'OFF' is not valid; valid: off, new
	new off; takeover 'new off' is not valid; valid: off, new
	EOT
}

bad_cache_sizes()
{
	cat <<-EOT
	; cache_mib '' is not valid; valid: 0 to $MAX_MIB
	-1; cache_mib '-1' is not valid; valid: 0 to $MAX_MIB
	1g; cache_mib '1g' is not valid; valid: 0 to $MAX_MIB
	0x10; cache_mib '0x10' is not valid; valid: 0 to $MAX_MIB
	$((MAX_MIB + 1)); cache_mib '$((MAX_MIB + 1))' is not valid; valid: 0 to $MAX_MIB
	EOT
}

bad_deferrals()
{
	cat <<-EOT
	; deferral '' is not valid; valid: marker, list
	none; deferral 'none' is not valid; valid: marker, list
	LIST; deferral 'LIST' is not valid; valid: marker, list
	marker list; deferral 'marker list' is not valid; valid: marker, list
	EOT
}

# write_parameter <name> <value>: the error on standard error, as from a command
write_parameter()
{
	sh -c 'echo "$1" >"$2"' sh "$2" "$MT_PARAMETERS/$1"
}

# refuses_value <name> <value; text>
refuses_value()
{
	local before

	before=$(parameter "$1")
	refused "${2#*; }" write_parameter "$1" "${2%%; *}" &&
		says_einval write_parameter "$1" "${2%%; *}" &&
		reads_as "$1=$before"
}

# refuses_values <name> <list of value; text>
refuses_values()
{
	local now line

	now=$(parameter "$1")
	while IFS= read -r line; do
		check "refuse $1 '${line%%; *}' while it is $now" \
			refuses_value "$1" "$line"
	done <"$2"
}

# read_only <name> <another valid value>
read_only()
{
	local before

	before=$(parameter "$1")
	! write_parameter "$1" "$2" && reads_as "$1=$before"
}

# --- program ----------------------------------------------------------------

ktap_start
mt_loaded && ktap_skip_all "iova_mt is loaded already"

good_loads >"${list:=$(mktemp)}"
while IFS= read -r line; do
	check "load '${line%%;*}'" loads_as "$line"
done <"$list"

bad_loads >"$list"
while IFS= read -r line; do
	check "refuse '${line%%; *}'" refuses_load "$line"
done <"$list"
can_redirect || check "refuse 'takeover=new' without ftrace" cannot_load takeover=new
check "loads after all these refusals" load_mt
check "and unloads" unload_mt

check "one line in the log at load" says_one_line
check_equal "modes of the files" "$(expected_modes)" "$(file_modes)"
check "every parameter is described with its default" every_one_is_described
modes="off new"
if can_redirect; then
	check "takeover switches on" switches_to takeover new
	check "takeover switches on again" switches_to takeover new
else
	modes=off
	check "takeover does not switch on without ftrace" cannot_switch new
fi
check "takeover switches off" switches_to takeover off
check "takeover switches off again" switches_to takeover off
bad_modes >"$list"
for mode in $modes; do
	takeover "$mode"
	refuses_values takeover "$list"
done
takeover off
bad_deferrals >"$list"
for how in list marker; do
	check "deferral switches to $how" switches_to deferral "$how"
	check "deferral switches to $how again" switches_to deferral "$how"
	refuses_values deferral "$list"
done
bad_cache_sizes >"$list"
check "cache_mib switches to 0" switches_to cache_mib 0
refuses_values cache_mib "$list"
check "cache_mib switches back" switches_to cache_mib 1024
rm -f "$list"
check "allocator cannot be changed" read_only allocator rbtree
check "fault_seed cannot be changed" read_only fault_seed 1
for point in $POINTS; do
	check "$point cannot be changed" read_only "$point" 1,0,0,1
done
check "unloads at the end" unload_mt
ktap_end
