#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# "iova-mt adopt" and a device in use: what is mounted, stacked on top, open, or
# up, is found and named, and what the machine needs is not moved by force either.
# The device is made of files, and so is what is mounted: the machine's own list may
# name a disk once or many times. All of it with each shell that is there. Loads
# nothing.

KTAP_LOG=no
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# shellcheck source=fake.inc
. "$(dirname "$0")/fake.inc"

# --- what is asked for ------------------------------------------------------

# refuses <text>: with status 1, the text and a word about force, and the device is
# left alone
refuses()
{
	ends 1 "$BDF is in use: $1; --force does it" adopt "$BDF" && ! touched &&
		ends 1 "$BDF is in use: $1; --force does it" release "$BDF" && ! touched
}

# never <text> [more users]: not even by force
never()
{
	local text="$BDF is in use: $1; not even --force does it${2:+; also: $2}"

	ends 1 "$text" adopt "$BDF" && ! touched &&
		ends 1 "$text" adopt --force "$BDF" && ! touched &&
		ends 1 "$text" release --force "$BDF" && ! touched
}

# add_mount <number> <mount point> <type> <source> [options]
add_mount()
{
	echo "40 27 $1 / $2 rw,relatime - $3 $4 ${5:-rw}" >>"$proc/self/mountinfo"
}

# add_process <pid> <name>: in a mount namespace of its own, with a mount there
add_process()
{
	mkdir -p "$proc/$1/fd" "$proc/$1/ns"
	echo "$2" >"$proc/$1/comm"
	link "mnt:[$1]" "$proc/$1/ns/mnt"
	: >"$proc/$1/mountinfo"
}

# open_in <pid> <kind> <major> <minor>: as a file of that number
open_in()
{
	rm -f "$work/node$1" "$proc/$1/fd/3"
	mknod "$work/node$1" "$2" "$3" "$4" && link "$work/node$1" "$proc/$1/fd/3"
}

can_mknod()
{
	mknod "$work/node" b 250 250 2>/dev/null && rm "$work/node"
}

lists_users()
{
	ends 0 "IN USE BY" devices && grep -q "^$BDF .* 7  *DMA-FQ .*  ! $1\$" "$said"
}

# --- the points -------------------------------------------------------------

mounted_disks()
{
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
	add_block "$pci/block" sdx 250:250
	mkdir -p "$sys/fs/btrfs/c0ffee/devices/sdx" "$sys/fs/btrfs/c0ffee/devices/sdy"
	check "the second disk of a btrfs" refuses "/dev/sdx is mounted on /home"
	remove_users

	add_block "$pci/block" sdx 250:250
	add_process 4711 container
	echo "40 27 250:250 / /data rw - ext4 /dev/sdx rw" >"$proc/4711/mountinfo"
	check "a disk that is mounted in another namespace" \
		refuses "/dev/sdx is mounted on /data for process 4711 (container)"
	remove_users
}

needed_disks()
{
	for point in / /boot /boot/efi /etc /usr /var /var/lib "$(dirname "$TOOL")"; do
		add_block "$pci/block" sdx 250:250
		add_mount 250:250 "$point" ext4 /dev/sdx
		check "a disk with $point" never "/dev/sdx is mounted on $point"
		remove_users
	done
	add_block "$pci/block" sdx 250:250
	add_process 1 init
	echo "40 27 250:250 / / rw - ext4 /dev/sdx rw" >"$proc/1/mountinfo"
	check "a disk with the root of process 1" \
		never "/dev/sdx is mounted on / for process 1 (init)"
	remove_users

	add_block "$pci/block" sdx 250:250
	add_mount 250:250 /run/medium iso9660 /dev/sdx
	add_mount 250:77 /run/layer squashfs /dev/loop9
	add_mount 0:99 / overlay overlay "rw,lowerdir=/run/layer:/none,upperdir=/run/cow"
	add_block "$sys/devices/virtual/block" loop9 250:77
	mkdir -p "$sys/block/loop9/loop"
	echo /run/medium/image >"$sys/block/loop9/loop/backing_file"
	check "a disk below the layers of /" \
		never "/dev/loop9 is mounted on /run/layer" "/dev/sdx is mounted on /run/medium, /dev/sdx is behind loop9"
	remove_users

	add_block "$pci/block" sdx 250:250
	mkdir -p "$pci/block/sdx/holders/dm-3"
	check "a disk with another one on top" refuses "/dev/sdx is part of dm-3"
	add_block "$sys/devices/virtual/block" dm-3 250:33
	add_mount 250:33 /var ext4 /dev/mapper/var
	check "a disk below the one with /var" \
		never "/dev/dm-3 is mounted on /var" "/dev/sdx is part of dm-3"
	remove_users

	add_block "$pci/block" sdz 250:252
	check "a disk that is swapped to" never "/dev/sdz is swap"
	remove_users
}

other_disks()
{
	add_block "$pci/block" sdx 250:250
	mkdir -p "$sys/block/loop7/loop"
	echo /dev/sdx >"$sys/block/loop7/loop/backing_file"
	check "a disk behind a loop device" refuses "/dev/sdx is behind loop7"
	remove_users

	add_block "$pci/block" sdx 250:250
	mkdir -p "$sys/kernel/config/nvmet/subsystems/x/namespaces/1"
	echo /dev/sdx >"$sys/kernel/config/nvmet/subsystems/x/namespaces/1/device_path"
	check "a disk that is exported" \
		refuses "/dev/sdx is exported by $sys/kernel/config/nvmet/subsystems/x/namespaces/1"
	remove_users

	add_block "$sys/devices/virtual/nvme-subsystem/nvme-subsys5" nvme5n1 "$DISK"
	mkdir -p "$pci/nvme/nvme5"
	link "$sys/devices/virtual/nvme-subsystem/nvme-subsys5" "$sys/class/nvme-subsystem/nvme-subsys5"
	check "an NVMe subsystem of other controllers" goes_on
	link "$pci/nvme/nvme5" "$sys/devices/virtual/nvme-subsystem/nvme-subsys5/nvme5"
	check "an NVMe subsystem that the device belongs to" refuses "/dev/nvme5n1 is mounted on /srv"
	remove_users
}

open_files()
{
	can_mknod || { ktap_skip "open files" "no device nodes can be made here"; return; }
	add_block "$pci/block" sdx 250:250
	add_process 4711 reader
	open_in 4711 b 250 250
	check "a disk that is open" refuses "/dev/sdx is open in process 4711 (reader)"
	open_in 4711 b 250 251
	check "another disk that is open" goes_on
	add_process 4712 systemd-udevd
	open_in 4712 b 250 250
	check "a disk that udev looks at" goes_on
	remove_users

	mkdir -p "$pci/nvme/nvme5/ng5n1"
	echo 251:7 >"$pci/nvme/nvme5/ng5n1/dev"
	add_process 4711 reader
	open_in 4711 c 251 7
	check "a disk that is open for passthrough" refuses "/dev/ng5n1 is open in process 4711 (reader)"
	remove_users

	mkdir -p "$sys/class/vfio/7"
	echo 252:7 >"$sys/class/vfio/7/dev"
	add_process 4711 qemu
	open_in 4711 c 252 7
	check "a group that a virtual machine has" never "/dev/vfio/7 is open in process 4711 (qemu)"
	remove_users
}

others()
{
	add_process 4711 driver
	echo "7f00-7f01 rw-s 00000000 00:15 99 /sys/devices/pci0000:00/$BDF/resource0" >"$proc/4711/maps"
	check "a device whose registers are mapped" \
		refuses "/sys/devices/pci0000:00/$BDF/resource0 is open in process 4711 (driver)"
	remove_users

	echo 4 >"$pci/sriov_numvfs"
	check "a device with virtual functions" never "4 virtual functions of it are enabled (sriov_numvfs)"
	echo 0 >"$pci/sriov_numvfs"
	check "and without them" goes_on

	add_net example0 0x1002
	check "a network interface that is down" goes_on
	echo 0x1003 >"$pci/net/example0/flags"
	check "a network interface that is up" refuses "network interface example0 is up"
	check "by its name" ends 1 "$BDF is in use: network" adopt example0
	add_block "$pci/block" sdx "$DISK"
	check "all that uses it is named" refuses "/dev/sdx is mounted on /srv, network interface example0 is up"
	add_mount 0:77 / nfs server:/root
	check "a network interface below /" \
		never "network interface example0 is up" "/dev/sdx is mounted on /srv"
	remove_users

	add_device "$OTHER"
	add_block "$pci/block" sdx "$DISK"
	check "a disk of another device in the group" \
		ends 1 "$OTHER is in use: /dev/sdx is mounted on /srv ($BDF); --force" adopt "$OTHER"
	remove_device "$OTHER"
	remove_users

	add_block "$pci/block" sdz 250:252
	check "devices: lists it" lists_users "/dev/sdz is swap"
	remove_users
}

ktap_start
[ "$(id -u)" = 0 ] || ktap_skip_all "must be run as root"
for shell in $SHELLS; do
	ktap_note "with $shell"
	make_fake
	mounted_disks
	needed_disks
	other_disks
	open_files
	others
	remove_fake
done
ktap_end
