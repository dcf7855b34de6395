# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
# shellcheck disable=SC2154 # put sets error
#
# iova-mt adopt, release: another domain for a device.
#
# Rule: a device whose driver was taken away gets it back, whatever went wrong
# in between; and takeover is afterwards what it was before.

PCI=$SYSFS/bus/pci
LOCK=/run/iova-mt.lock

help_adopt()
{
	cat <<-EOT
	usage: iova-mt adopt [-f] [-t <type>] <BDF>

	Gives a PCI device a new IOMMU domain while takeover is 'new', so that this
	module's allocator serves it: takes its driver away, changes the type of
	its IOMMU group to identity and back, gives the driver back, and looks
	whether the new domain is the module's. I/O of the device is interrupted.

	  <BDF>                     as 0000:04:00.0 or 04:00.0
	  -t, --type <DMA|DMA-FQ>   the new domain's type (the one it has)
	  -f, --force               even if the device is in use

	Refused without --force: a file system mounted, swap, a block device
	stacked on top, a network interface that is up.
	EOT
}

help_release()
{
	cat <<-EOT
	usage: iova-mt release [-f] [-t <type>] <BDF>

	Gives a PCI device a new IOMMU domain with the kernel's own allocator, in
	the way of 'iova-mt adopt'. Takeover is 'off' for that moment: a device
	that gets its domain in the same moment stays with the kernel, too.

	  <BDF>, -t, -f             as in 'iova-mt adopt --help'
	EOT
}

# below <path> <directory>: does it exist, in the directory or deeper?
below()
{
	[ -e "$1" ] || return 1
	case $(readlink -f "$1")/ in
	*/"$2"/*) return 0 ;;
	esac
	return 1
}

# block_parents <BDF>: whose block devices go with the device: its own, and,
# where NVMe has several paths to them, those of the NVMe subsystem
block_parents()
{
	local controller

	echo "$1"
	for controller in "$SYSFS"/class/nvme-subsystem/*/nvme*; do
		! below "$controller" "$1" || basename "$(dirname "$controller")"
	done
}

# block_users <block device>: what uses it, a line each
block_users()
{
	local sys="$SYSFS/class/block/$1"

	awk -v dev="$(get "$sys/dev")" -v name="/dev/$1" '
		{
			source = $0
			sub(/^.* - [^ ]+ /, "", source)
			sub(/ .*/, "", source)
		}
		$3 == dev || source == name { print name " is mounted on " $5 }
	' "$PROCFS/self/mountinfo"
	awk -v name="/dev/$1" '$1 == name { print name " is swap" }' "$PROCFS/swaps"
	(
		cd "$sys/holders" 2>/dev/null || exit 0
		for holder in *; do
			[ ! -e "$holder" ] || echo "/dev/$1 is part of $holder"
		done
	)
}

# users_of <BDF>: what would lose the device, a line each
users_of()
{
	local parent path

	for parent in $(block_parents "$1"); do
		for path in "$SYSFS"/class/block/*; do
			! below "$path" "$parent" || block_users "${path##*/}"
		done
	done
	for path in "$SYSFS"/class/net/*; do
		below "$path" "$1" || continue
		[ $(($(get "$path/flags") & 1)) = 0 ] ||
			echo "network interface ${path##*/} is up"
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

# find_device: sets device, group, driver ('' for none)
find_device()
{
	device=$PCI/devices/$bdf
	[ -d "$device" ] ||
		die "there is no PCI device $bdf; valid: $(translated | words)"
	[ -e "$device/iommu_group" ] ||
		die "$bdf has no IOMMU group: no IOMMU translates its DMA; valid: $(translated | words)"
	group=$(readlink -f "$device/iommu_group")
	driver=
	[ ! -e "$device/driver" ] || driver=$(readlink -f "$device/driver")
}

need_group_alone()
{
	local others

	others=$(cd "$group/devices" && for dev in *; do
		[ "$dev" = "$bdf" ] || echo "$dev"
	done | words)
	[ -z "$others" ] ||
		die "$bdf shares its IOMMU group ${group##*/}, and so its domain, with $others: cannot give it a domain of its own"
}

need_unused()
{
	local users

	users=$(users_of "$bdf" | sort -u | awk '
		{ all = all (NR > 1 ? ", " : "") $0 } END { print all }')
	[ -z "$users" ] || die "$bdf is in use: $users; --force does it nevertheless"
}

# choose_type <what was asked for>: sets type
choose_type()
{
	local has

	has=$(get "$group/type") || die "IOMMU group ${group##*/} has no type that could be changed"
	type=${1:-$has}
	case $type in
	DMA|DMA-FQ) ;;
	*) die "$bdf has a domain of type $has, which no allocator serves; valid: --type DMA, --type DMA-FQ" ;;
	esac
}

# owned_devices: "<domain id> <BDF>" of the PCI devices that the module names
owned_devices()
{
	get "$DEBUGFS/takeover/devices" | sed -n 's,^\([0-9][0-9]*\) pci/,\1 ,p'
}

# domain_of <BDF>: the id of the domain that serves it, if the module says so
domain_of()
{
	owned_devices | awk -v bdf="$1" '$2 == bdf { print $1 }'
}

# need_owned: where the module names devices, and for those with a driver only, is
# this one of them?
need_owned()
{
	local named

	[ "$(value takeover/state owned)" != 0 ] ||
		die "$bdf is on no domain of this module: it has none"
	named=$(owned_devices | cut -d' ' -f2 | words)
	[ -z "$driver" ] || [ -z "$named" ] || [ -n "$(domain_of "$bdf")" ] ||
		die "$bdf is on no domain of this module; valid: $named"
}

# one_at_a_time: where there is flock; a second adopt would not see which domain
# is whose, and a release switches the takeover
one_at_a_time()
{
	command -v flock >/dev/null || return 0
	exec 9>"$LOCK"
	flock -n 9 || die "another iova-mt adopt or release is running"
}

# change_type: the detour makes the kernel give up the old domain; the same
# type again would keep it, and so would DMA-FQ instead of DMA
change_type()
{
	put "$group/type" identity || {
		trouble="the kernel refuses type identity for IOMMU group ${group##*/}: $error"
		return 1
	}
	put "$group/type" "$type" && return
	trouble="the kernel refuses type $type for IOMMU group ${group##*/}: $error"
	put "$group/type" "$old_type"
	return 1
}

bind_again()
{
	[ -n "$driver" ] || return 0
	put "$driver/bind" "$bdf"
	[ ! -e "$device/driver" ] || return 0
	put "$PCI/drivers_probe" "$bdf"
	[ ! -e "$device/driver" ] || return 0
	trouble="${trouble:+$trouble; }$bdf did not get its driver ${driver##*/} back: ${error:-see dmesg}; echo $bdf > $driver/bind"
	return 1
}

# renew_domain: a new domain of that type for the device, which keeps its
# driver. Sets trouble when something went wrong. The caller ignores signals.
renew_domain()
{
	local old_type

	old_type=$(get "$group/type")
	if [ -n "$driver" ] && ! put "$driver/unbind" "$bdf"; then
		trouble="$bdf cannot be taken from its driver ${driver##*/}: $error"
		return
	fi
	change_type
	bind_again
}

# added <ids before>, gone <ids before>: ids of domains that came, that went
added()
{
	domain_ids | while read -r id; do
		case " $1 " in
		*" $id "*) ;;
		*) echo "$id" ;;
		esac
	done
}

gone()
{
	local id

	for id in $1; do
		[ -d "$DEBUGFS/domains/$id" ] || echo "$id"
	done
}

describe_device()
{
	local name=none

	[ -z "$driver" ] || name=${driver##*/}
	echo "$bdf: $1, type $(get "$group/type"), driver $name"
}

# parse_bdf <text>: sets bdf
parse_bdf()
{
	bdf=$(echo "$1" | tr A-F a-f)
	case $bdf in
	*:*:*) ;;
	*) bdf=0000:$bdf ;;
	esac
	echo "$bdf" | grep -qE '^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$' ||
		wrong "'$1' is not a PCI device; valid: <domain>:<bus>:<device>.<function>, as 0000:04:00.0"
}

# device_arguments <command> <argument...>: sets force, asked_type, bdf
device_arguments()
{
	local command="$1"

	shift
	force='' asked_type='' bdf=''
	while [ $# -gt 0 ]; do
		case $1 in
		-f|--force) force=1 ;;
		-t|--type)
			need_value "$1" $#
			case $2 in
			DMA|DMA-FQ) asked_type=$2 ;;
			*) wrong "$1 '$2' is not valid; valid: DMA, DMA-FQ" ;;
			esac
			shift ;;
		-*) wrong "$command: '$1' is not valid; valid: -f, -t <type>, <BDF>" ;;
		*)
			[ -z "$bdf" ] || wrong "$command takes one device, but was given '$1' as well"
			parse_bdf "$1" ;;
		esac
		shift
	done
	[ -n "$bdf" ] || wrong "$command: which device? valid: <BDF>, as 0000:04:00.0"
}

prepare_device()
{
	find_device
	need_group_alone
	choose_type "$asked_type"
	[ -n "$force" ] || need_unused
	one_at_a_time
	trouble=
}

cmd_adopt()
{
	local mode before id

	device_arguments adopt "$@"
	need_module
	mode=$(get "$MODULE/parameters/takeover")
	[ "$mode" = new ] ||
		die "takeover is '$mode', so a new domain would be the kernel's: echo new > $MODULE/parameters/takeover"
	prepare_device
	before=$(domain_ids | words)
	trap '' HUP INT TERM
	renew_domain
	trap - HUP INT TERM
	[ -z "$trouble" ] || die "$trouble"
	id=$(domain_of "$bdf")
	[ -n "$id" ] || id=$(added "$before" | words)
	[ -n "$id" ] ||
		die "$bdf has a new domain, but it is the kernel's: dmesg may say why"
	describe_device "domain $id, allocator $(value "domains/$id/summary" allocator)$(deferral_of "$id")"
}

# deferral_of <id>: ", deferral <name>" when the domain has one
deferral_of()
{
	local deferral

	deferral=$(value "domains/$1/summary" deferral)
	echo "${deferral:+, deferral $deferral}"
}

cmd_release()
{
	local mode before id

	device_arguments release "$@"
	need_module
	prepare_device
	need_owned
	before=$(domain_ids | words)
	mode=$(get "$MODULE/parameters/takeover")
	trap '' HUP INT TERM
	if put "$MODULE/parameters/takeover" off; then
		renew_domain
		[ "$mode" = off ] || put "$MODULE/parameters/takeover" "$mode" ||
			trouble="${trouble:+$trouble; }takeover is off, and cannot be '$mode' again: $error"
	else
		trouble="the takeover cannot be switched off: $error"
	fi
	trap - HUP INT TERM
	[ -z "$trouble" ] || die "$trouble"
	id=$(gone "$before" | words)
	[ -n "$id" ] ||
		say "$bdf was on no domain of this module before; it has a new one of the kernel's"
	[ -z "$(added "$before")" ] ||
		die "domain $(added "$before" | words) is new: is it of $bdf? its domain should be the kernel's"
	describe_device "the kernel's allocator${id:+ (domain $id is gone)}"
}
