#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# "iova-mt adopt" and "release" while a driver is away: no program runs, no signal
# ends them, and the driver is given back whatever fails. Groups of several devices,
# and what "iova-mt devices" says of a machine on which nothing can be adopted. With
# devices of files. Loads nothing.

KTAP_LOG=no
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=fake.inc
. "$(dirname "$0")/fake.inc"

# --- what runs --------------------------------------------------------------

# make_programs: each program of this machine behind one that writes down when it
# runs while the device has no driver. Those that a shell brings with it count, too.
make_programs()
{
	local program path

	mkdir "$work/programs"
	for program in awk basename cat cut dirname echo env find flock grep head id ls mktemp \
		       printf readlink rm sed sleep sort stat tail test touch tr true uniq; do
		path=$(PATH=/usr/bin:/bin:/usr/sbin:/sbin command -v "$program")
		case $path in
		/*) ;;
		*) path=/usr/bin/$program ;;
		esac
		cat >"$work/programs/$program" <<-EOT
		#!/bin/sh
		[ ! -e $example/unbind ] || [ -e $example/bind ] || echo $program >>$work/ran
		exec $path "\$@"
		EOT
	done
	chmod +x "$work/programs"/*
}

runs_nothing()
{
	local PATH="$work/programs:$PATH" status=0

	: >"$work/ran"
	ends 1 "$@" || status=1
	sort "$work/ran" | uniq -c
	[ ! -s "$work/ran" ] && came_back && return "$status"
}

# --- what fails -------------------------------------------------------------

# A type that is read as ever, and cannot be written: no shell reads it without cat.
refuse_types()
{
	rm "$sys/kernel/iommu_groups/7/type"
	link /dev/full "$sys/kernel/iommu_groups/7/type"
	mkdir -p "$work/refusing"
	cat >"$work/refusing/cat" <<-EOT
	#!/bin/sh
	case \$1 in
	*/type) echo DMA ;;
	*) exec /bin/cat "\$@" ;;
	esac
	EOT
	chmod +x "$work/refusing/cat"
}

accept_types()
{
	rm "$sys/kernel/iommu_groups/7/type"
	echo DMA-FQ >"$sys/kernel/iommu_groups/7/type"
}

type_is_refused()
{
	local PATH="$work/refusing:$PATH" status=0

	refuse_types
	ends 1 "the kernel refuses type identity for IOMMU group 7" "$1" "$BDF" || status=1
	grep -qF "another way is iova-mt $1 --rescan $BDF" "$said" || status=1
	accept_types
	came_back && [ "$(cat "$sys/module/iova_mt/parameters/takeover")" = new ] &&
		return "$status"
}

# at_type: it waits for somebody who reads the type that it writes
at_type()
{
	[ -e "$example/unbind" ]
}

# Signals come while the driver is away.
signals_do_not_end_it()
{
	local pid status=0 type="$sys/kernel/iommu_groups/7/type"

	refuse_types
	rm "$type"
	mkfifo "$type"
	PATH="$work/refusing:$PATH" IOVA_MT_SYSFS=$sys IOVA_MT_PROCFS=$proc \
		sh "$TOOL" release "$BDF" >"$said" 2>&1 &
	pid=$!
	wait_for 30 at_type || status=1
	for signal in HUP INT QUIT TERM TSTP PIPE USR1; do
		kill -s "$signal" "$pid" || status=1
	done
	[ ! -e "$example/bind" ] || status=1
	exec 6<>"$type"
	head -n 2 <&6
	exec 6<&-
	wait "$pid" || status=$?
	cat "$said"
	accept_types
	came_back && grep -qF "$BDF: the kernel's allocator" "$said" && return "$status"
}

# --- groups -----------------------------------------------------------------

# moves_both <command>: both lose their driver and get it back, and both are named
moves_both()
{
	ends "$1" "$2" "$3" "$BDF" || return 1
	[ "$1" != 0 ] || grep -q "^$OTHER: the kernel's allocator, type DMA-FQ, driver example\$" "$said" &&
		rm "$example/unbind" "$example/bind"
}

# with_driver <name> <command...>: the other device has a driver of that name
with_driver()
{
	local status=0 dev="$sys/devices/pci0000:00/$OTHER"

	mkdir -p "$sys/bus/pci/drivers/$1"
	rm "$dev/driver"
	link "$sys/bus/pci/drivers/$1" "$dev/driver"
	shift
	"$@" || status=1
	rm "$dev/driver"
	link "$example" "$dev/driver"
	return "$status"
}

# driver_stays <name>
driver_stays()
{
	ends 0 "$OTHER: the kernel's allocator, type DMA-FQ, driver $1, which has kept it" \
		release "$BDF" && came_back && [ ! -e "$sys/bus/pci/drivers/$1/unbind" ]
}

# Two of them, in one group; the module names none here, so it is an error when one
# is adopted.
groups()
{
	add_device "$OTHER"
	check "a group of two: released" moves_both 0 "$BDF: the kernel's allocator" release
	check "a group of two: adopted" moves_both 1 "but it is the kernel's" adopt
	for name in pcieport pci-stub vfio-pci mlx5_vfio_pci; do
		check "a group with $name" with_driver "$name" driver_stays "$name"
	done
	check "a group with a bridge: not by removal" with_driver pcieport \
		ends 1 "$OTHER pcieport: not with --rescan" adopt --rescan "$BDF"
	remove_device "$OTHER"
}

# --- removal ----------------------------------------------------------------

# In a device of files nothing goes, and what is asked for is seen.
removes()
{
	mkdir -p "$sys/class/pci_bus/0000:04"
	ends 1 "but it is the kernel's" adopt --rescan "$BDF" || return 1
	[ "$(cat "$pci/remove")" = 1 ] && [ ! -e "$example/unbind" ] && rm "$pci/remove" "$example/bind"
}

# has <file> <content> <command...>: while the device has that file
has()
{
	local file="$pci/$1" status=0

	echo "$2" >"$file"
	shift 2
	"$@" || status=1
	rm "$file"
	return "$status"
}

removal()
{
	check "a removal asks for it" removes
	check "no removal of a virtual function" has physfn . \
		ends 1 "is a virtual function" adopt -r "$BDF"
	check "no removal of a driver that was asked for" has driver_override special \
		ends 1 "has the driver_override 'special'" release -r "$BDF"
	check "no removal with a type" ends 2 "not with --type" adopt -r -t DMA "$BDF"
}

# --- where nothing can be adopted -------------------------------------------

no_iommu()
{
	local status=0

	mv "$sys/kernel/iommu_groups" "$work/groups"
	ends 0 "there is no IOMMU group" devices || status=1
	mv "$work/groups" "$sys/kernel/iommu_groups"
	return "$status"
}

passthrough()
{
	echo identity >"$sys/kernel/iommu_groups/7/type"
	ends 0 "all IOMMU groups are of type identity (iommu=pt)" devices &&
		grep -q "^$BDF .* identity  none " "$said" && accept_types
}

lists_a_group()
{
	add_device "$OTHER"
	printf '3 pci/%s\n' "$BDF" >"$sys/kernel/debug/iova_mt/takeover/devices"
	ends 0 "DOMAIN" devices && grep -q "^$BDF  NVMe .*example  7 +04:00.1  DMA-FQ  ours, 3  -\$" "$said" &&
		grep -q "^$OTHER  NVMe .*example  7 +04:00.0  DMA-FQ  ours, 3  -\$" "$said" || return 1
	rm "$sys/kernel/debug/iova_mt/takeover/devices"
	ends 0 "kernel's" devices "$OTHER" && ! grep -q "^$BDF" "$said" && remove_device "$OTHER"
}

# came_meanwhile <id> <status> <text>: a domain comes while a device without a driver
# is adopted; of domain 8 the module says that it is another device's
came_meanwhile()
{
	local PATH="$work/late:$PATH" status=0

	mkdir -p "$work/late"
	cat >"$work/late/mktemp" <<-EOT
	#!/bin/sh
	mkdir -p $sys/kernel/debug/iova_mt/domains/$1
	exec /bin/mktemp "\$@"
	EOT
	chmod +x "$work/late/mktemp"
	rm "$pci/driver"
	printf '8 pci/0000:09:00.0\n' >"$sys/kernel/debug/iova_mt/takeover/devices"
	ends "$2" "$3" adopt "$BDF" || status=1
	rm -r "$sys/kernel/debug/iova_mt/takeover/devices" "$sys/kernel/debug/iova_mt/domains/$1"
	link "$example" "$pci/driver"
	return "$status"
}

# while_going <command...>: while a forced unload waits, as the kernel shows the
# module then: its files are there, and nobody can open them. A directory is that for
# root, too.
while_going()
{
	local status=0 dir="$sys/kernel/debug/iova_mt/takeover" file

	echo going >"$sys/module/iova_mt/initstate"
	echo off >"$sys/module/iova_mt/parameters/takeover"
	mkdir -p "$sys/kernel/debug/iova_mt/domains/4"
	for file in state devices; do
		rm -f "$dir/$file"
		mkdir "$dir/$file"
	done
	"$@" || status=1
	rm -r "$sys/module/iova_mt/initstate" "$sys/kernel/debug/iova_mt"
	make_module
	return "$status"
}

releases_unseen()
{
	ends 0 "whether the module served $BDF cannot be verified: the module is being unloaded" \
		release "$BDF" && grep -q "^$BDF: a new domain, type DMA-FQ, driver example\$" "$said" &&
		came_back
}

# Neither ours nor the kernel's: it cannot be told.
lists_unseen()
{
	ends 0 "whose the domains are cannot be told" devices &&
		grep -q "^$BDF .* DMA-FQ  ?  *-\$" "$said"
}

going()
{
	check "release: works while a forced unload waits" while_going releases_unseen
	check "devices: a forced unload hides whose they are" while_going lists_unseen
	check "adopt: not while a forced unload waits" while_going \
		ends 1 "the module is being unloaded, and takes over no new domain" adopt "$BDF"
}

ktap_start
[ "$(id -u)" = 0 ] || ktap_skip_all "must be run as root"
make_programs
for shell in $SHELLS; do
	ktap_note "with $shell"
	make_fake
	check "adopt: nothing runs while a driver is away" \
		runs_nothing "has a new domain, but it is the kernel's" adopt "$BDF"
	# Some busyboxes have their own programs, and do not take those of the PATH.
	[ "$shell" = busybox ] || {
		check "adopt: the driver is given back when the type is refused" \
			type_is_refused adopt
		check "release: the driver is given back when the type is refused" \
			type_is_refused release
		check "no signal ends it while a driver is away" signals_do_not_end_it
		check "a domain that came is another device's" \
			came_meanwhile 8 1 "but it is the kernel's"
		check "a domain that came, and nobody's" came_meanwhile 9 0 "Domain 9 has come meanwhile"
	}
	groups
	removal
	going
	check "devices: a group" lists_a_group
	check "devices: without an IOMMU" no_iommu
	check "devices: passthrough" passthrough
	remove_fake
done
ktap_end
