#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# "iova-mt adopt" and a device in use: what is mounted, stacked on top, or up,
# is found and named. The device is made of files, and so is what is mounted: the
# machine's own list may name a disk once or many times. Loads nothing.

KTAP_LOG=no
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

TOOL=$(cd "$ktap_dir/../.." && pwd)/scripts/iova-mt
BDF=0000:04:00.0
# The number of the disk that is mounted.
DISK=250:1

work=$(mktemp -d)
sys=$work/sys
proc=$work/proc
said=$work/said
pci=$sys/devices/pci0000:00/$BDF

# --- a device of files ------------------------------------------------------

make_module()
{
	mkdir -p "$sys/module/iova_mt/parameters" "$sys/kernel/debug/iova_mt/domains"
	echo new >"$sys/module/iova_mt/parameters/takeover"
}

# As the kernel writes them; a file system in memory comes without a disk.
make_mounts()
{
	mkdir -p "$proc/self"
	cat >"$proc/self/mountinfo" <<-EOT
	27 1 0:21 / / rw,relatime - tmpfs none rw
	28 27 $DISK / /srv rw,relatime shared:3 - ext4 /dev/root rw
	29 27 0:40 / /home rw,relatime - btrfs /dev/sdy rw
	EOT
	printf 'Filename\tType\tSize\tUsed\tPriority\n/dev/sdz partition 8 0 -2\n' >"$proc/swaps"
}

# link <from> <to>: as sysfs does, with the directories on the way
link()
{
	mkdir -p "$(dirname "$2")"
	ln -s "$1" "$2"
}

make_device()
{
	local group="$sys/kernel/iommu_groups/7" driver="$sys/bus/pci/drivers/example"

	mkdir -p "$pci" "$group/devices" "$driver"
	echo DMA-FQ >"$group/type"
	link "$pci" "$sys/bus/pci/devices/$BDF"
	link "$pci" "$group/devices/$BDF"
	link "$group" "$pci/iommu_group"
	link "$driver" "$pci/driver"
}

# add_block <directory> <name> <device number>
add_block()
{
	mkdir -p "$1/$2/holders"
	echo "$3" >"$1/$2/dev"
	link "$1/$2" "$sys/class/block/$2"
}

# add_net <name> <flags>
add_net()
{
	mkdir -p "$pci/net/$1"
	echo "$2" >"$pci/net/$1/flags"
	link "$pci/net/$1" "$sys/class/net/$1"
}

remove_users()
{
	rm -rf "$sys/class" "${pci:?}/block" "$pci/net" "$pci/nvme" "$sys/devices/virtual"
}

# --- what is asked for ------------------------------------------------------

adopt()
{
	IOVA_MT_SYSFS=$sys IOVA_MT_PROCFS=$proc "$TOOL" adopt "$@" "$BDF" >"$said" 2>&1
}

touched()
{
	[ -e "$sys/bus/pci/drivers/example/unbind" ]
}

# refuses <text>: with status 1, the text, and the device is left alone
refuses()
{
	local status=0

	adopt || status=$?
	cat "$said"
	[ "$status" -eq 1 ] && grep -qF "$BDF is in use: $1; --force" "$said" && ! touched
}

# goes_on [--force]: as far as one can with a device of files, whose driver has
# been asked for it and has been given it back
goes_on()
{
	local unbind="$sys/bus/pci/drivers/example/unbind"

	adopt "$@"
	cat "$said"
	grep -qF "has a new domain, but it is the kernel's" "$said" &&
		[ "$(cat "$unbind")" = "$BDF" ] &&
		[ "$(cat "$(dirname "$unbind")/bind")" = "$BDF" ] &&
		[ "$(cat "$pci/iommu_group/type")" = DMA-FQ ] &&
		rm "$unbind" "$(dirname "$unbind")/bind"
}

# refuses_group <another device in it>
refuses_group()
{
	! adopt --force || return 1
	cat "$said"
	grep -qF "shares its IOMMU group 7, and so its domain, with $1" "$said" && ! touched
}

ktap_start
[ "$(id -u)" = 0 ] || ktap_skip_all "must be run as root"
make_module
make_device
make_mounts

check "a device that nobody uses" goes_on
add_block "$pci/block" sdx 250:250
check "a disk that nobody uses" goes_on
add_block "$pci/block/sdx" sdx1 "$DISK"
check "a partition that is mounted" refuses "/dev/sdx1 is mounted on /srv"
check "the same by force" goes_on --force
remove_users

add_block "$pci/block" sdy 250:251
check "a disk that is mounted by name" refuses "/dev/sdy is mounted on /home"
remove_users

add_block "$pci/block" sdz 250:252
check "a disk that is swapped to" refuses "/dev/sdz is swap"
remove_users

add_block "$pci/block" sdx 250:250
mkdir "$pci/block/sdx/holders/dm-3"
check "a disk with another one on top" refuses "/dev/sdx is part of dm-3"
remove_users

add_block "$sys/devices/virtual/nvme-subsystem/nvme-subsys5" nvme5n1 "$DISK"
link "$pci/nvme/nvme5" "$sys/class/nvme-subsystem/none"
mkdir -p "$pci/nvme/nvme5"
rm "$sys/class/nvme-subsystem/none"
link "$sys/devices/virtual/nvme-subsystem/nvme-subsys5" "$sys/class/nvme-subsystem/nvme-subsys5"
check "an NVMe subsystem of other controllers" goes_on
link "$pci/nvme/nvme5" "$sys/devices/virtual/nvme-subsystem/nvme-subsys5/nvme5"
check "an NVMe subsystem that the device belongs to" refuses "/dev/nvme5n1 is mounted on /srv"
remove_users

add_net example0 0x1002
check "a network interface that is down" goes_on
echo 0x1003 >"$pci/net/example0/flags"
check "a network interface that is up" refuses "network interface example0 is up"
add_block "$pci/block" sdx "$DISK"
check "all that uses it is named" refuses "/dev/sdx is mounted on /srv, network interface example0 is up"

mkdir "$sys/kernel/iommu_groups/7/devices/0000:04:00.1"
check "a group of several devices, even by force" refuses_group 0000:04:00.1
rm -r "$work"
ktap_end
