#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# iova-mt devices, adopt, release: with devices alone and in groups, with drivers
# that manage DMA themselves, and with all that can use a disk. What is refused is
# not touched; what is moved keeps its data and its driver, and can be moved back.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tool.inc
. "$(dirname "$0")/tool.inc"

NO_SUCH_BDF=0000:00:1e.7
MOUNT=$(mktemp -d)
PCI=/sys/bus/pci

driver_of()
{
	[ -e "$PCI/devices/$1/driver" ] && basename "$(readlink -f "$PCI/devices/$1/driver")"
}

driver_is()
{
	echo "$1 has the driver '$(driver_of "$1")'"
	[ "$(driver_of "$1")" = "$2" ]
}

owned_is()
{
	counter_is takeover/state owned "$1"
}

# controller, generic: the names of the NVMe disk's, which may be others after each
# move
controller()
{
	basename "$PCI/devices/$NVME/nvme"/nvme*
}

generic()
{
	basename "$PCI/devices/$NVME/nvme"/nvme*/ng*
}

# --- in use -----------------------------------------------------------------

# untouched <text> [option]: adopt of the NVMe disk is refused, release too, and
# both say the text; the disk has been left alone
untouched()
{
	local before text="$1" command
	shift

	before=$(ls "$MT_DEBUGFS/domains")
	for command in adopt release; do
		fails "$NVME is in use: $text" "$command" "$@" "$NVME" || return 1
	done
	[ "$(ls "$MT_DEBUGFS/domains")" = "$before" ] && driver_is "$NVME" nvme && [ -b "$DISK" ]
}

# refuses <text>: without --force, which is mentioned
refuses()
{
	untouched "$1; --force does it nevertheless"
}

# never_moves <text>: not even with it
never_moves()
{
	untouched "$1; not even --force does it" && untouched "$1; not even --force does it" -f
}

make_file_system()
{
	# Its checksums, which it asks for by another name.
	modprobe crc32c_generic 2>/dev/null || modprobe crc32c-cryptoapi
	modprobe ext4 && mke2fs -F "$DISK" 65536 && mount -t ext4 "$DISK" "$MOUNT" && umount "$MOUNT"
}

# while_mounted <mount point> <command...>
while_mounted()
{
	local point="$1" status=0
	shift

	mkdir -p "$point"
	mount -t ext4 "$DISK" "$point" || return 1
	"$@" || status=$?
	umount "$point" && return "$status"
}

while_swap()
{
	local status=0

	mkswap "$DISK" && swapon "$DISK" || return 1
	"$@" || status=$?
	swapoff "$DISK" && return "$status"
}

# elsewhere <process>: has the namespace of that process the disk?
mounted_elsewhere()
{
	grep -q " $MOUNT " "/proc/$1/mountinfo"
}

mounted_in_a_namespace()
{
	local pid status=0

	unshare -m sh -c "mount -t ext4 $DISK $MOUNT && exec sleep 1000" &
	pid=$!
	wait_for 30 mounted_elsewhere "$pid" || status=1
	! mounted_elsewhere self || status=1
	refuses "$DISK is mounted on $MOUNT for process $pid (sleep)" || status=1
	kill "$pid"
	wait "$pid"
	return "$status"
}

# A mount that nobody lists, as the file system of a ZFS is.
mounted_out_of_sight()
{
	local status=0

	mount -t ext4 "$DISK" "$MOUNT" || return 1
	: >"$MOUNT/file"
	exec 5<"$MOUNT/file"
	umount -l "$MOUNT"
	! grep -q "$DISK" /proc/self/mountinfo || status=1
	untouched "the kernel says so of $DISK" || status=1
	untouched "the kernel says so of $DISK" --force || status=1
	exec 5<&-
	return "$status"
}

while_looped()
{
	local status=0

	modprobe loop && mdev -s && losetup /dev/loop3 "$DISK" || return 1
	"$@" || status=$?
	losetup -d /dev/loop3 && return "$status"
}

# while_open <file> <command...>
while_open()
{
	local status=0

	[ -e "$1" ] || return 1
	exec 5<"$1"
	shift
	"$@" || status=$?
	exec 5<&-
	return "$status"
}

# The kernel holds on to a file system for a moment after the last close.
unused_again()
{
	wait_for 30 blockdev --rereadpt "$DISK"
}

# --- vfio -------------------------------------------------------------------

# Without a group of its own it does not open one, and without interrupts it has
# no use for the device: none of that is needed here.
give_to_vfio()
{
	EDU=$(pci_of_id 0x1234 0x11e8) && modprobe vfio_iommu_type1 && modprobe vfio-pci &&
		echo vfio-pci >"$PCI/devices/$EDU/driver_override" &&
		echo "$EDU" >"$PCI/drivers_probe" && driver_is "$EDU" vfio-pci || return 1
	VFIO_GROUP=/dev/vfio/$(basename "$(readlink -f "$PCI/devices/$EDU/iommu_group")")
	wait_for 30 test -e "$VFIO_GROUP"
}

open_group_is_left_alone()
{
	fails "$EDU is in use: $VFIO_GROUP is open in process $$ (sh); not even --force" \
		adopt --force "$EDU" && driver_is "$EDU" vfio-pci
}

# moves_kept <BDF> <driver>: both ways, and the driver stays
moves_kept()
{
	local before="$1: a new domain, type"

	says "$before" adopt "$1" && grep -q "driver $2, which has kept it" "$said" &&
		owned_is 1 && driver_is "$1" "$2" &&
		says "$1: the kernel's allocator" release "$1" && owned_is 0 && driver_is "$1" "$2"
}

take_from_vfio()
{
	echo "$EDU" >"$PCI/drivers/vfio-pci/unbind" && echo >"$PCI/devices/$EDU/driver_override"
}

# --- a group ----------------------------------------------------------------

# The south bridge: SATA and SMBus with a driver each, and one without.
need_group()
{
	local group

	modprobe ahci && modprobe sd_mod && modprobe i2c-i801 &&
		SATA=$(pci_of_class 0x010601) && SMBUS=$(pci_of_class 0x0c0500) &&
		ISA=$(pci_of_class 0x060100) || return 1
	group=$PCI/devices/$SATA/iommu_group/devices
	[ -e "$group/$SMBUS" ] && [ -e "$group/$ISA" ] && driver_is "$SMBUS" i801_smbus &&
		wait_for_disk "$SATA"
}

group_has_drivers()
{
	driver_is "$SATA" ahci && driver_is "$SMBUS" i801_smbus && ! driver_of "$ISA" &&
		wait_for_disk "$SATA"
}

# moves_group <command> <BDF> <text>: all of them are named, with that text
moves_group()
{
	says "$SATA: $3" "$1" "$2" && grep -q "^$SMBUS: $3.*driver i801_smbus\$" "$said" &&
		grep -q "^$ISA: $3.*driver none\$" "$said" && group_has_drivers
}

sata_io()
{
	dmacheck "$1" "$(disk_of "$SATA")" --mib 16 --seed 5
}

group_in_use()
{
	local disk status=0

	disk=$(disk_of "$SATA")
	mkswap "$disk" && swapon "$disk" || return 1
	fails "$SMBUS is in use: $disk is swap ($SATA); not even" adopt "$SMBUS" || status=$?
	swapoff "$disk"
	return "$status"
}

# --- others -----------------------------------------------------------------

# The kernel gives a device to no driver but the one that is asked for.
driver_stays_away()
{
	local status=0 dev="$PCI/devices/$NVME"

	echo nobody >"$dev/driver_override"
	fails "did not get its driver nvme back" adopt "$NVME" || status=$?
	[ ! -e "$dev/driver" ] || status=1
	echo >"$dev/driver_override"
	echo "$NVME" >"$PCI/drivers/nvme/bind" || status=1
	DISK=$(wait_for_disk "$NVME") || status=1
	return "$status"
}

adopts_by_name()
{
	for name; do
		adopts "$name" || return 1
	done
}

lists()
{
	says "IN USE BY" devices || return 1
	for pattern; do
		echo "looked for: $pattern"
		grep -qE "$pattern" "$said" || return 1
	done
}

# --- the program ------------------------------------------------------------

[ "$(id -u)" = 0 ] || ktap_skip_all "must be run as root"
mt_loaded && ktap_skip_all "iova_mt is loaded already"
need_disk || ktap_skip_all "there is no NVMe disk behind an IOMMU"
ktap_start
# What --force costs: a file system cannot write to the disk that it lost.
log_allow "Buffer I/O error on dev nvme.*lost (sync|async) page write"
name=${DISK#/dev/}
check "devices: without the module" lists "^$NVME  NVMe: nvme0 $name  nvme .* kernel's +-\$"
check "the module loads" load_mt allocator=maple takeover=new
check "a name that is nothing is refused" ends 2 "'nvme77' is not a PCI device; valid:" adopt nvme77
check "an unknown device is refused, the known ones are named" fails "$NVME" adopt $NO_SUCH_BDF
check "a device that is not owned is not released" \
	fails "$NVME is on no domain of this module" release "$NVME"
check "the names of a disk are good for its address" \
	adopts_by_name "$(controller)" "$name" "$DISK" "${NVME#0000:}"
check "devices: whose domain it is" lists "^$NVME .* ours, [0-9]+ +-\$"
check "a driver that does not come back is reported" driver_stays_away
check "it has an owned domain again" adopts "$NVME"

if make_file_system >/dev/null 2>&1; then
	check "in use: mounted" while_mounted "$MOUNT" refuses "$DISK is mounted on $MOUNT"
	check "devices: who uses it" while_mounted "$MOUNT" lists "^$NVME .* $DISK is mounted on $MOUNT\$"
	check "in use: mounted below what the machine needs" \
		while_mounted /var/lib never_moves "$DISK is mounted on /var/lib"
	check "in use: mounted in another namespace" mounted_in_a_namespace
	check "in use: mounted out of sight" mounted_out_of_sight
	check "and then no more" unused_again
	check "by force: a file system" while_mounted "$MOUNT" adopts --force "$NVME"
else
	ktap_fail "a file system can be made"
fi
check "in use: swap" while_swap never_moves "$DISK is swap"
check "in use: behind a loop device" while_looped refuses "$DISK is behind loop3"
check "in use: open" while_open "$DISK" refuses "$DISK is open in process $$ (sh)"
node=/dev/$(controller)
check "in use: its controller is open" while_open "$node" refuses "$node is open in process $$ (sh)"
node=/dev/$(generic)
check "in use: open for passthrough" while_open "$node" refuses "$node is open in process $$ (sh)"
check "by force: while it is open" while_open "$node" adopts --force "$NVME"

check "the data is written" dmacheck both "$DISK" --mib 16 --seed 3
check "release: the kernel's allocator" releases
check "adopt by removal" adopts --rescan "$NVME"
check "the data is there" dmacheck verify "$DISK" --mib 16 --seed 3
check "release by removal" says "$NVME: the kernel's allocator" release --rescan "$NVME"
check "nothing is owned" owned_is 0
check "the data is still there" wait_for_disk "$NVME"

check "a group of three devices" need_group
check "a group: in use by another member" group_in_use
check "a group: adopted" moves_group adopt "$SATA" "domain "
check "a group: its disk is written" sata_io both
check "a group: listed" lists "^$SATA  SATA: sda .* \\+${SMBUS#0000:}.* ours, [0-9]+ +-\$"
check "a group: adopted by another member" moves_group adopt "$ISA" "domain "
check "a group: the data is there" sata_io verify
check "a group: released by another member" moves_group release "$SMBUS" "the kernel's allocator"
check "a group: nothing is owned" owned_is 0
check "a group: the data is still there" sata_io verify

PORT=$(pci_of_class 0x060400)
check "pcieport keeps its device, both ways" moves_kept "$PORT" pcieport
check "a bridge is not removed" fails "is a bridge" adopt --rescan "$PORT"
check "a device without a driver, there" says "$(pci_of_id 0x1234 0x11e8): a new domain" adopt "$(pci_of_id 0x1234 0x11e8)"
check "and back" says "the kernel's allocator" release "$(pci_of_id 0x1234 0x11e8)"
check "a device is with vfio-pci" give_to_vfio
check "vfio-pci: an open group is left alone" while_open "$VFIO_GROUP" open_group_is_left_alone
check "vfio-pci: keeps its device, both ways" moves_kept "$EDU" vfio-pci
check "vfio-pci: gives it back" take_from_vfio
check "the module unloads" unload_mt
ktap_end
