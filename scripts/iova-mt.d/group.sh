# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
# shellcheck disable=SC2034,SC2154 # names.sh and device.sh share what is found
#
# An IOMMU group gets another domain: its devices without their drivers, the
# group's type changed and changed back, the drivers given back.
#
# Rule: a device whose driver was taken away gets it back, and takeover is
# afterwards what it was before, whatever went wrong in between: a signal, an
# error, the end of this shell. While a driver is away, no program is started and
# no process made: the shell is all there is. Between begin_change and end_change
# there is nothing but the shell's own commands.

NEWLINE='
'

# find_group: of the device bdf. Sets group; members, which are all PCI devices in
# it; takes, of those the ones that lose their driver, "<BDF> <driver's directory>"
# a line; keeps, "<BDF> <driver's name>" of those whose driver stays.
find_group()
{
	local member driver

	device=$PCI/devices/$bdf
	[ -d "$device" ] ||
		die "there is no PCI device $bdf; valid: $(translated | words)"
	[ -e "$device/iommu_group" ] ||
		die "$bdf has no IOMMU group: no IOMMU translates its DMA; valid: $(translated | words)"
	group=$(readlink -f "$device/iommu_group")
	members=$(members_of "$group")
	takes='' keeps=''
	for member in $members; do
		driver=$(driver_of "$member")
		if [ -z "$driver" ]; then
			continue
		elif manages_dma "${driver##*/}"; then
			keeps="$keeps$member ${driver##*/}$NEWLINE"
		else
			takes="$takes$member $driver$NEWLINE"
		fi
	done
}

# translated: the PCI devices that have an IOMMU group, the first of them
translated()
{
	local dev nr=0

	for dev in "$PCI"/devices/*; do
		[ -e "$dev/iommu_group" ] || continue
		nr=$((nr + 1))
		[ $nr -gt 16 ] || printf '%s ' "${dev##*/}"
	done
	[ $nr -le 16 ] || printf 'and %d more ' $((nr - 16))
}

# choose_type <what was asked for>: sets type, old_type
choose_type()
{
	old_type=$(get "$group/type")
	[ -n "$old_type" ] ||
		die "IOMMU group ${group##*/} has no type that could be changed"
	type=${1:-$old_type}
	case $type in
	DMA|DMA-FQ) ;;
	*) die "$bdf has a domain of type $old_type, which no allocator serves; valid: --type DMA, --type DMA-FQ" ;;
	esac
}

# one_at_a_time: where there is flock; a second adopt would not see which domain
# is whose, and a release switches the takeover
one_at_a_time()
{
	command -v flock >/dev/null || return 0
	exec 9>"$LOCK"
	flock -n 9 || die "another iova-mt adopt or release is running"
}

# --- without a program, without a process ------------------------------------

# store <file> <value>: as put does, by the shell's own echo. Sets error to what
# it said: dash does not say which error it was.
store()
{
	error=
	# shellcheck disable=SC2320 # of echo
	echo "$2" 2>&8 >"$1" && return
	while read -r word; do error=$word; done <"$said"
	error=${error##*: }
	[ "$error" != "I/O error" ] || error=
	return 1
}

# failed <text>: one more thing that went wrong
failed()
{
	trouble="${trouble:+$trouble; }$1"
}

# begin_change [off]: from here on. With off the takeover is off until the end.
begin_change()
{
	trouble='' mode='' removed='' is_refused=''
	said=$(mktemp -p "$RUN") || die "cannot make a file in $RUN"
	exec 8>"$said"
	trap '' HUP INT QUIT TERM TSTP PIPE USR1 USR2
	trap end_change EXIT
	[ "${1:-}" = off ] || return 0
	read -r mode <"$MODULE/parameters/takeover"
	store "$MODULE/parameters/takeover" off && return
	mode=
	failed "the takeover cannot be switched off${error:+: $error}"
	return 1
}

# end_change: also when this shell ends before its time
end_change()
{
	trap - EXIT
	come_back
	give_back
	if [ -n "$mode" ] && [ "$mode" != off ]; then
		store "$MODULE/parameters/takeover" "$mode" ||
			failed "takeover is off, and cannot be '$mode' again${error:+: $error}"
	fi
	exec 8>&-
	trap - HUP INT QUIT TERM TSTP PIPE USR1 USR2
	rm -f "$said"
}

# each <lines> <command>: for the words of each line
each()
{
	local line status=0 old_ifs="$IFS"

	IFS=$NEWLINE
	for line in $1; do
		IFS=$old_ifs
		"$2" "${line%% *}" "${line#* }" || { status=1; break; }
		IFS=$NEWLINE
	done
	IFS=$old_ifs
	return $status
}

# take_driver <BDF> <driver's directory>
take_driver()
{
	store "$2/unbind" "$1" && return
	failed "$1 cannot be taken from its driver ${2##*/}${error:+: $error}"
	return 1
}

# give_driver <BDF> <driver's directory>: goes on with the others when it fails.
# To bind waits for a driver that is being bound already, and does nothing to one
# that is bound.
give_driver()
{
	store "$2/bind" "$1"
	[ ! -e "$PCI/devices/$1/driver" ] || return 0
	store "$PCI/drivers_probe" "$1"
	[ ! -e "$PCI/devices/$1/driver" ] || return 0
	failed "$1 did not get its driver ${2##*/} back${error:+: $error}: echo $1 > $2/bind"
	return 0
}

give_back()
{
	each "$takes" give_driver
}

# change_type: the detour makes the kernel give up the old domain; the same
# type again would keep it, and so would DMA-FQ instead of DMA
change_type()
{
	if ! store "$group/type" identity; then
		failed "the kernel refuses type identity for IOMMU group ${group##*/}${error:+: $error}"
		is_refused=1
		return 1
	fi
	store "$group/type" "$type" && return
	failed "the kernel refuses type $type for IOMMU group ${group##*/}${error:+: $error}"
	store "$group/type" "$old_type"
	return 1
}

# renew_domain: a new domain of that type for the group. Sets trouble when
# something went wrong, and is_refused when it is that the kernel does not give it
# the type identity.
renew_domain()
{
	each "$takes" take_driver && change_type
}

# remove_device <BDF>: what comes back is another device for the kernel
remove_device()
{
	removed="$removed$1 -$NEWLINE"
	store "$PCI/devices/$1/remove" 1 && return
	failed "$1 cannot be removed${error:+: $error}"
	return 1
}

# renew_devices: the other way to a new domain, where the kernel makes the group
# anew, too
renew_devices()
{
	each "$removes" remove_device
}

# come_back: what has been removed is looked for
come_back()
{
	each "$removed" rescan_bus
	each "$removed" expect_device
}

rescan_bus()
{
	[ -e "$PCI/devices/$1" ] || store "$SYSFS/class/pci_bus/${1%:*}/rescan" 1
	[ -e "$PCI/devices/$1" ] || store "$PCI/rescan" 1
	return 0
}

expect_device()
{
	[ -e "$PCI/devices/$1" ] ||
		failed "$1 did not come back${error:+: $error}: echo 1 > $PCI/rescan"
	return 0
}
