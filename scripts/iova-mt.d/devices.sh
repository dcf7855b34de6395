# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
#
# iova-mt devices: the PCI devices, and what one looks for before one moves them.

help_devices()
{
	cat <<-EOT
	usage: iova-mt devices [<device>...]

	Lists the PCI devices, all or those given, a line each:

	  BDF        the address, as adopt and release want it
	  DEVICE     what it is, its disks and network interfaces
	  DRIVER     its driver
	  GROUP      its IOMMU group, and the others in it: they have one domain
	  TYPE       the type of the domain; identity: nothing is translated
	  DOMAIN     whose the allocator of the domain is: the kernel's, or the number
	             of a domain of this module; ? cannot be told without a
	             driver that leaves DMA to the kernel, or while the module is
	             being unloaded
	  IN USE BY  who would lose the device while it is moved; ! marks what even
	             'iova-mt adopt --force' does not move

	A <device> is an address or a name, as for 'iova-mt adopt'. The module need
	not be loaded.
	EOT
}

# device_names <BDF>: its disks, NVMe controllers and network interfaces
device_names()
{
	local block path

	for path in "$PCI/devices/$1"/nvme/nvme*; do
		[ ! -e "$path" ] || echo "${path##*/}"
	done
	for block in $(blocks_of "$1"); do
		[ -e "$SYSFS/class/block/$block/partition" ] || echo "$block"
	done
	nets_of "$1" | sed 's,.*/,,'
}

# group_of <BDF>: its number and the other members, - for none
group_of()
{
	local group member others=''

	if [ ! -e "$PCI/devices/$1/iommu_group" ]; then
		echo -
		return
	fi
	group=$(readlink -f "$PCI/devices/$1/iommu_group")
	for member in $(members_of "$group"); do
		[ "$member" = "$1" ] || others="$others +${member#0000:}"
	done
	echo "${group##*/}$others"
}

# served_by <BDF> <type>: whose domain it is. The group has one domain, and one
# member with a driver that leaves DMA to the kernel is enough to know it.
served_by()
{
	local member driver answer='?' id

	case $2 in
	DMA*) ;;
	*) echo none; return ;;
	esac
	[ -z "$blind" ] || { echo '?'; return; }
	[ -n "$owned" ] || answer="kernel's"
	for member in $(members_of "$PCI/devices/$1/iommu_group"); do
		id=$(printf '%s\n' "$owned" | awk -v bdf="$member" '$2 == bdf { print $1 }')
		if [ -n "$id" ]; then
			echo "ours, $id"
			return
		fi
		driver=$(driver_of "$member")
		[ -z "$driver" ] || manages_dma "${driver##*/}" || answer="kernel's"
	done
	echo "$answer"
}

# device_row <BDF>: the columns, with tabs between them
device_row()
{
	local type driver users

	type=$(get "$PCI/devices/$1/iommu_group/type")
	driver=$(driver_of "$1")
	driver=${driver##*/}
	users=$(users_of "$1" | sed 's/^- //' | awk '
		{ all = all (NR > 1 ? ", " : "") $0 } END { print all }')
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$1" \
		"$(class_name "$1")$(device_names "$1" | words | sed 's/^./: &/')" \
		"${driver:--}" "$(group_of "$1")" "${type:--}" \
		"$(served_by "$1" "$type")" "${users:--}"
}

# in_columns: as wide as what is in them
in_columns()
{
	awk -F '\t' '
	{
		line[NR] = $0
		for (i = 1; i < NF; i++)
			if (length($i) > width[i])
				width[i] = length($i)
	}
	END {
		for (n = 1; n <= NR; n++) {
			count = split(line[n], cell, "\t")
			for (i = 1; i < count; i++)
				printf "%-" width[i] "s  ", cell[i]
			print cell[count]
		}
	}'
}

# explain_types: what the whole list means where nothing can be adopted
explain_types()
{
	local types

	types=$(cat "$SYSFS"/kernel/iommu_groups/*/type 2>/dev/null | sort -u | words)
	case $types in
	'')
		say "there is no IOMMU group: the IOMMU is off or missing, and no device can be adopted; look: ls $SYSFS/kernel/iommu_groups; dmesg | grep -i -e iommu -e dmar; switch it on in the firmware, and boot with intel_iommu=on (AMD and Arm need no parameter)" ;;
	identity)
		say "all IOMMU groups are of type identity (iommu=pt): no allocator serves them; look: cat $SYSFS/kernel/iommu_groups/*/type; boot with iommu.passthrough=0, or for one device: iova-mt adopt --type DMA-FQ <device>" ;;
	esac
}

cmd_devices()
{
	local name bdf all='' blind

	for name; do
		case $name in
		-*) wrong "devices: '$name' is not valid; valid: <device>..." ;;
		esac
		parse_device "$name"
		[ -d "$PCI/devices/$bdf" ] || die "there is no PCI device $bdf"
		all="$all $bdf"
	done
	[ "$(id -u)" = 0 ] || die "must be run as root"
	[ -n "$all" ] || all=$(cd "$PCI/devices" 2>/dev/null && echo *)
	[ -n "$all" ] || die "there is no PCI device in $PCI/devices"
	owned=$(owned_devices)
	blind=$(unseen) || blind=
	look_at_users
	{
		printf 'BDF\tDEVICE\tDRIVER\tGROUP\tTYPE\tDOMAIN\tIN USE BY\n'
		for bdf in $all; do
			device_row "$bdf"
		done
	} | in_columns
	[ -z "$blind" ] || say "whose the domains are cannot be told: $blind"
	explain_types
}
