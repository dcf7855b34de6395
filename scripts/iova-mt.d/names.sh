# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
#
# PCI devices by name: what a user calls one, what it is, what the kernel has
# made of it, and which domain of the module serves it.

PCI=$SYSFS/bus/pci
PCI_NAME='[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]'

# pci_of_path <path in sysfs>: the PCI device that it belongs to, the nearest one
pci_of_path()
{
	readlink -f "$1" | tr / '\n' | grep -xE "$PCI_NAME" | tail -n 1
}

# pci_of_name <name>: the PCI device of a disk, an NVMe controller, or a network
# interface, as nvme1, nvme1n1, sda, enp0s6; a line each where there are several
pci_of_name()
{
	local class path subsystem

	case ${1#/dev/} in
	''|*/*) return ;;
	esac
	for class in nvme block net; do
		path=$SYSFS/class/$class/${1#/dev/}
		[ -e "$path" ] || continue
		pci_of_path "$path"
		# Where NVMe has several ways to a disk, it belongs to none of them.
		subsystem=$(readlink -f "$path" | sed -n 's,\(/nvme-subsystem/[^/]*\)/.*,\1,p')
		[ -z "$subsystem" ] || pci_of_subsystem "${subsystem##*/}"
		return
	done
}

# pci_of_subsystem <NVMe subsystem>: the devices of its controllers
pci_of_subsystem()
{
	local controller

	for controller in "$SYSFS/class/nvme-subsystem/$1"/nvme*; do
		! below_pci "$controller" || pci_of_path "$controller"
	done
}

below_pci()
{
	[ -e "$1" ] && [ -n "$(pci_of_path "$1")" ]
}

# parse_device <text>: sets bdf
parse_device()
{
	local found

	bdf=$(echo "$1" | tr A-F a-f)
	case $bdf in
	*:*:*) ;;
	*) bdf=0000:$bdf ;;
	esac
	! echo "$bdf" | grep -qxE "$PCI_NAME" || return 0
	found=$(pci_of_name "$1" | sort -u | words)
	case $found in
	*' '*) wrong "'$1' has several PCI devices; valid: one of $found" ;;
	'') wrong "'$1' is not a PCI device; valid: <domain>:<bus>:<device>.<function>, as 0000:04:00.0, or the name of its disk, NVMe controller or network interface ('iova-mt devices' lists them)" ;;
	esac
	bdf=$found
}

# class_is <BDF> <pattern>: of the six digits of its class code
class_is()
{
	# shellcheck disable=SC2254 # a pattern
	case $(get "$PCI/devices/$1/class") in
	0x$2) return 0 ;;
	esac
	return 1
}

is_bridge()
{
	class_is "$1" '060[49]*'
}

# class_name <BDF>: what it is, from its class code
class_name()
{
	local class

	class=$(get "$PCI/devices/$1/class")
	class=${class#0x}
	case $class in
	0100*) echo "SCSI" ;;
	0101*) echo "IDE" ;;
	0104*) echo "RAID" ;;
	0106*) echo "SATA" ;;
	0107*) echo "SAS" ;;
	0108*) echo "NVMe" ;;
	01*)   echo "storage" ;;
	0200*) echo "Ethernet" ;;
	0207*) echo "InfiniBand" ;;
	02*)   echo "network" ;;
	03*)   echo "display" ;;
	0401*|0403*) echo "audio" ;;
	04*)   echo "multimedia" ;;
	05*)   echo "memory" ;;
	0600*) echo "host bridge" ;;
	0601*) echo "ISA bridge" ;;
	0604*|0609*) echo "PCI bridge" ;;
	06*)   echo "bridge" ;;
	0700*) echo "serial port" ;;
	0806*) echo "IOMMU" ;;
	0805*) echo "SD card" ;;
	0c03*) echo "USB" ;;
	0c05*) echo "SMBus" ;;
	0d*)   echo "wireless" ;;
	10*)   echo "crypto" ;;
	11*)   echo "signals" ;;
	12*)   echo "accelerator" ;;
	'')    echo "?" ;;
	*)     echo "class $class" ;;
	esac
}

# driver_of <BDF>: its driver's directory, nothing when it has none
driver_of()
{
	[ ! -e "$PCI/devices/$1/driver" ] || readlink -f "$PCI/devices/$1/driver"
}

# members_of <group's directory>: the PCI devices in it
members_of()
{
	local dev

	for dev in "$1"/devices/*; do
		[ ! -e "$dev" ] || echo "${dev##*/}"
	done | grep -xE "$PCI_NAME"
}

# owned_devices: "<domain id> <BDF>" of the PCI devices that the module names,
# which are those with a driver
owned_devices()
{
	get "$DEBUGFS/takeover/devices" |
		sed -nE 's,^([0-9]+)[[:space:]]+pci/([^[:space:]]+).*,\1 \2,p'
}

# domain_of <BDF>: the id of the domain that serves it, if the module says so
domain_of()
{
	owned_devices | awk -v bdf="$1" '$2 == bdf { print $1 }'
}

# unseen: why the module's list of devices cannot be read; fails when it can, or
# there is none. A module that is being unloaded has it, and lets nobody open it.
unseen()
{
	local list="$DEBUGFS/takeover/devices"

	if going; then
		echo "the module is being unloaded, and its files cannot be opened any more"
	elif [ -e "$list" ] && ! cat "$list" >/dev/null 2>&1; then
		echo "unreadable: takeover/devices: $(reason_for "$list")"
	else
		return 1
	fi
}

# manages_dma <driver's name>: does it manage the DMA of its devices itself, or
# never have any? The kernel changes a group's domain under such a driver, and no
# domain of the DMA API serves a device that it has.
manages_dma()
{
	case $1 in
	pcieport|pci-stub|*vfio*) return 0 ;;
	esac
	return 1
}
