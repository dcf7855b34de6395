#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# The tool in a kernel that is locked down, as with Secure Boot: what it cannot
# read or write it says, it tries nothing that is refused, and what it shows is
# so. There is no way back from a lockdown: whoever runs this runs it last.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

TOOL=$(dirname "$ktap_dir")/scripts/iova-mt
LOCKDOWN=/sys/kernel/security/lockdown

said=$(mktemp)

# ends <status> <text> <argument...>: with that status, says the text, and the
# kernel has had nothing to refuse
ends()
{
	local expected="$1" text="$2" status=0
	shift 2

	log_mark
	"$TOOL" "$@" >"$said" 2>&1 || status=$?
	cat "$said"
	echo "exit status $status, expected $expected and '$text'"
	[ "$status" -eq "$expected" ] && grep -qE -e "$text" "$said" || return 1
	! log_since_mark | grep Lockdown
}

# cannot <argument...>
cannot()
{
	ends 1 "the kernel is locked down \($level\)" "$@" &&
		! grep -E "Operation not permitted|ranges are left|does not take" "$said"
}

# Half of all erases fail: no tool may say that all is off.
knows_what_is_on()
{
	ends 0 '^faults  *fail_erase 50 %' status && ! grep "all off" "$said" &&
		ends 0 '^fail_erase  *50  *1  *0  *-1  *\?  *' fault &&
		ends 0 '^probability: 50$' fault fail_erase &&
		ends 0 '^verbose: unreadable, the kernel is locked down$' fault fail_erase
}

says_it_in_status()
{
	ends 0 "^lockdown  *$level: " status &&
		ends 0 "^  \"lockdown\": \"$level\",$" status --json &&
		ends 0 '"verbose": null' fault --json &&
		ends 0 "unreadable whether they are measured" locks &&
		ends 0 '"measured": null' locks --json
}

goes_on_looking()
{
	ends 0 '^faults  *fail_erase 50 %' watch -1 -n 0.1 &&
		ends 0 'fail_erase$' record -n 0.05 -c 2
}

# lock_down <level>: upwards only
lock_down()
{
	level=$1
	echo "$1" >"$LOCKDOWN" && grep -F "[$1]" "$LOCKDOWN"
}

# The takeover is a parameter, which a lockdown leaves alone.
owns()
{
	modprobe nvme 2>/dev/null
	pci=$(nvme_pci) && domain_type "$pci" || return 0
	"$TOOL" adopt "$pci" && "$TOOL" release "$pci"
}

mt_loaded && ktap_skip_all "iova_mt is loaded already"
grep -F "[none]" $LOCKDOWN >/dev/null 2>&1 ||
	ktap_skip_all "this kernel cannot be locked down, or is so already"

ktap_start
# A locked kernel would refuse it.
check "the module loads" load_mt allocator=maple-plain takeover=new fail_erase=1,50,0,-1
for level in integrity confidentiality; do
	check "$level: the kernel is locked down" lock_down $level
	check "$level: what is on is shown to be" knows_what_is_on
	check "$level: what cannot be read is said to be unreadable" says_it_in_status
	check "$level: watch and record go on" goes_on_looking
	for command in "fault off" "fault fail_erase off" "fault fail_erase times=-1" \
		       drain reset "locks on"; do
		# shellcheck disable=SC2086 # a list of words
		check "$level: '$command' says what forbids it" cannot $command
	done
done
check "a device is adopted and released nevertheless" owns
check "the module unloads" unload_mt
rm -f "$said"
ktap_end
