# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
# shellcheck disable=SC2034,SC2154 # names.sh and group.sh share what is found
#
# iova-mt adopt, release: another domain for a device and its group. The two are
# each other's mirror: what one can move, the other can move back.

RUN=/run
[ -d "$RUN" ] && [ -w "$RUN" ] || RUN=${TMPDIR:-/tmp}
LOCK=$RUN/iova-mt.lock

help_adopt()
{
	cat <<-EOT
	usage: iova-mt adopt [-f] [-t <type> | -r] <device>

	Gives a PCI device a new IOMMU domain while takeover is 'new', so that this
	module's allocator serves it: takes its driver away, changes the type of
	its IOMMU group to identity and back, gives the driver back, and looks
	whether the new domain is the module's. Devices that share the group have
	the same domain: all of them lose their driver for that moment. I/O of the
	devices is interrupted.

	  <device>                  as 0000:04:00.0 or 04:00.0, or by the name of
	                            what it brings: nvme1, nvme1n1, sda, enp0s6
	  -t, --type <DMA|DMA-FQ>   the new domain's type (the one it has)
	  -f, --force               even if the device is in use: I/O of its users
	                            fails, and a file system may be damaged
	  -r, --rescan              another way, where the kernel refuses the type
	                            identity: remove the PCI devices, and let the
	                            kernel find them again

	Refused without --force: a file system mounted in any mount namespace, a
	block device stacked on top (dm, md, loop), a network interface that is up,
	a process that has its files in /dev open, what the kernel exports.
	Refused with --force, too: what the machine itself needs (/, /usr, /boot,
	/etc, /var, swap, this tool), enabled virtual functions, an open vfio group,
	and what is in use in a way that cannot be named.

	pcieport, pci-stub and vfio-pci manage DMA themselves: they keep their
	devices.
	EOT
}

help_release()
{
	cat <<-EOT
	usage: iova-mt release [-f] [-t <type> | -r] <device>

	Gives a PCI device, and all others of its IOMMU group, a new domain with the
	kernel's own allocator, in the way of 'iova-mt adopt'. Takeover is 'off' for
	that moment: a device that gets its domain in the same moment stays with the
	kernel, too.

	  <device>, -t, -f, -r      as in 'iova-mt adopt --help'
	EOT
}

# --- what is asked for ------------------------------------------------------

# device_arguments <command> <argument...>: sets force, rescan, asked_type, bdf
device_arguments()
{
	local command="$1" asked=''

	shift
	force='' rescan='' asked_type=''
	while [ $# -gt 0 ]; do
		case $1 in
		-f|--force) force=1 ;;
		-r|--rescan) rescan=1 ;;
		-t|--type)
			need_value "$1" $#
			case $2 in
			DMA|DMA-FQ) asked_type=$2 ;;
			*) wrong "$1 '$2' is not valid; valid: DMA, DMA-FQ" ;;
			esac
			shift ;;
		-*) wrong "$command: '$1' is not valid; valid: -f, -r, -t <type>, <device>" ;;
		*)
			[ -z "$asked" ] || wrong "$command takes one device, but was given '$1' as well"
			asked=$1 ;;
		esac
		shift
	done
	[ -n "$asked" ] || wrong "$command: which device? valid: <BDF>, as 0000:04:00.0, or a name, as nvme1n1 or enp0s6"
	[ -z "$rescan" ] || [ -z "$asked_type" ] ||
		wrong "$command: --rescan gives the type that the kernel chooses: not with --type"
	parse_device "$asked"
}

# --- may it be done? --------------------------------------------------------

# users_of_group: of all its devices; those of the others with their address
users_of_group()
{
	local member

	look_at_users
	for member in $members; do
		users_of "$member" | if [ "$member" = "$bdf" ]; then
			cat
		else
			sed "s/\$/ ($member)/"
		fi
	done
}

# ranked <rank> <users>: those of that rank, in a line
ranked()
{
	printf '%s\n' "$2" | sed -n "s/^[$1] //p" | awk '
		!seen[$0]++ { all = all (all != "" ? ", " : "") $0 } END { print all }'
}

need_unused()
{
	local users fatal rest disk

	users=$(users_of_group)
	fatal=$(ranked ! "$users")
	rest=$(ranked - "$users")
	[ -z "$fatal" ] ||
		die "$bdf is in use: $fatal; not even --force does it${rest:+; also: $rest}"
	[ -z "$rest" ] || [ -n "$force" ] ||
		die "$bdf is in use: $rest; --force does it nevertheless, then I/O of its users fails, and what is on it may be damaged"
	disk=$(refused_disks "$users" | words)
	[ -z "$disk" ] ||
		die "$bdf is in use: the kernel says so of $disk, but not by whom (ZFS? a mount in a namespace without a process?); not even --force does it"
}

# refused_disks <users>: those without a user among them that the kernel holds for
# used
refused_disks()
{
	local member disk

	for member in $members; do
		for disk in $(kernel_refuses "$member"); do
			printf '%s\n' "$1" | grep -qE "[ !-]$disk(p?[0-9]+)? " || echo "$disk"
		done
	done
}

# need_removable: would all of it come back? Sets removes.
need_removable()
{
	local member override

	removes=
	for member in $members; do
		removes="$removes$member -$NEWLINE"
		! is_bridge "$member" ||
			die "$member (group ${group##*/}) is a bridge: --rescan would remove what is behind it"
		[ ! -e "$PCI/devices/$member/physfn" ] ||
			die "$member is a virtual function: a rescan does not find it again; --rescan is for its physical function"
		override=$(get "$PCI/devices/$member/driver_override")
		case $override in
		''|'(null)') ;;
		*) die "$member has the driver_override '$override', which a removal forgets: not with --rescan" ;;
		esac
	done
	[ -z "$keeps" ] ||
		die "$(printf '%s' "$keeps" | words): not with --rescan: unbind it first"
}

# prepare_device [what else must be]: may it be done, and how? Sets way.
prepare_device()
{
	find_group
	[ $# -eq 0 ] || "$@"
	if [ -n "$rescan" ]; then
		need_removable
		way=renew_devices
	else
		choose_type "$asked_type"
		way=renew_domain
	fi
	need_unused
	one_at_a_time
}

# --- what has come of it -----------------------------------------------------

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

# domain_of_group: the id, where the module names one of its devices
domain_of_group()
{
	local member

	for member in $members; do
		domain_of "$member"
	done | sort -nu | words
}

# unnamed <ids>: those that the module names no device for
unnamed()
{
	local id

	for id in $1; do
		[ -n "$(owned_devices | awk -v id="$id" '$1 == id')" ] || echo "$id"
	done
}

# can_be_named: would the module say so if a domain of it served the group? It
# names devices that have a driver which leaves DMA to the kernel.
can_be_named()
{
	[ -n "$takes" ] && [ -e "$DEBUGFS/takeover/devices" ] && ! unseen >/dev/null
}

# describe_group <text>: a line for each device of it
describe_group()
{
	local member driver type

	type=$(get "$group/type")
	for member in $members; do
		driver=$(driver_of "$member")
		driver=${driver##*/}
		! manages_dma "$driver" || driver="$driver, which has kept it"
		echo "$member: $1, type $type, driver ${driver:-none}"
	done
}

# deferral_of <id>: ", deferral <name>" when the domain has one
deferral_of()
{
	local deferral

	deferral=$(value "domains/$1/summary" deferral)
	echo "${deferral:+, deferral $deferral}"
}

# finish_change: the group may be another one; ends here after trouble
finish_change()
{
	end_change
	group=$(readlink -f "$PCI/devices/$bdf/iommu_group")
	[ -n "$trouble" ] || return 0
	[ -z "$is_refused" ] ||
		trouble="$trouble; another way is iova-mt $1 --rescan $bdf"
	die "$trouble"
}

cmd_adopt()
{
	local mode_now before id

	device_arguments adopt "$@"
	need_module
	! going || die "the module is being unloaded, and takes over no new domain"
	mode_now=$(get "$MODULE/parameters/takeover")
	[ "$mode_now" = new ] ||
		die "takeover is '$mode_now', so a new domain would be the kernel's: echo new > $MODULE/parameters/takeover"
	prepare_device
	before=$(domain_ids | words)
	begin_change
	"$way"
	finish_change adopt
	id=$(domain_of_group)
	if [ -n "$id" ]; then
		describe_group "domain $id, allocator $(value "domains/$id/summary" allocator)$(deferral_of "$id")"
		return
	fi
	id=$(unnamed "$(added "$before")" | words)
	if [ -z "$id" ] || can_be_named; then
		die "$bdf has a new domain, but it is the kernel's: dmesg may say why"
	fi
	describe_group "a new domain"
	say "the module cannot name the domain of $bdf: no driver in its group leaves DMA to the kernel. Domain $id has come meanwhile, and no other device is named for it"
}

# need_owned: a domain of the module's, if that can be seen. An unload that waits
# for the domain must not be what keeps it from being given back.
need_owned()
{
	local named

	! unseen >/dev/null || return 0
	[ "$(value takeover/state owned)" != 0 ] ||
		die "$bdf is on no domain of this module: it has none"
	! can_be_named || [ -n "$(domain_of_group)" ] || {
		named=$(owned_devices | cut -d' ' -f2 | words)
		die "$bdf is on no domain of this module; valid: ${named:-none that it can name}"
	}
}

cmd_release()
{
	local before had id blind

	device_arguments release "$@"
	need_module
	blind=$(unseen) || blind=
	prepare_device need_owned
	before=$(domain_ids | words)
	had=$(domain_of_group)
	! begin_change off || "$way"
	finish_change release
	id=$(domain_of_group)
	[ -z "$id" ] ||
		die "$bdf is still served by this module, by domain $id: dmesg may say why"
	if [ -n "$had" ]; then
		describe_group "the kernel's allocator (domain $had is gone)"
		return
	fi
	id=$(gone "$before" | words)
	if [ -n "$blind" ]; then
		describe_group "a new domain"
		say "whether the module served $bdf cannot be verified: $blind. Domains gone meanwhile: ${id:-none}"
		return
	fi
	describe_group "the kernel's allocator"
	say "the module could not name the domain of $bdf: no driver in its group leaves DMA to the kernel. Gone meanwhile: ${id:+domain }${id:-none}"
}
