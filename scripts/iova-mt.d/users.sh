# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
# shellcheck disable=SC2154 # tables.sh makes the tables
#
# Who uses a device: what would lose it with its driver.
#
# Each user is a line: a rank and a text. Rank '-' loses I/O, which --force
# accepts. Rank '!' is never accepted: the machine would not survive it, or the
# kernel would wait for the user for ever.
#
# Where it looks: the tables of tables.sh, which look_at_users makes.

# --- what belongs to a device -----------------------------------------------

# files_of <BDF>: the files "dev" (of what has a node in /dev) and "flags" (of
# network interfaces) below it. What is behind a bridge has drivers of its own
# that stay; what is behind another device (as VMD) goes with it.
files_of()
{
	local parent behind=nothing

	! is_bridge "$1" || behind='[0-9a-f]*:[0-9a-f][0-9a-f]:[0-9a-f][0-9a-f].[0-7]'
	for parent in "$PCI/devices/$1" $(nvme_subsystems_of "$1"); do
		find "$parent/" -mindepth 1 -name "$behind" -prune -o \
			\( -name dev -o -name flags \) -print 2>/dev/null
	done
}

# nvme_subsystems_of <BDF>: where NVMe has several ways to its disks, they are
# there
nvme_subsystems_of()
{
	local controller

	for controller in "$SYSFS"/class/nvme-subsystem/*/nvme*; do
		case $([ ! -e "$controller" ] || readlink -f "$controller")/ in
		*/"$1"/*) readlink -f "${controller%/*}" ;;
		esac
	done | sort -u
}

# nodes_of <BDF>: number as in the table of processes, and name, of what it has in
# /dev, and of its group for vfio
nodes_of()
{
	local file group

	files_of "$1" | while read -r file; do
		case $file in
		*/dev) node "${file%/dev}" ;;
		esac
	done
	group=$(readlink -f "$PCI/devices/$1/iommu_group") || return 0
	group=$SYSFS/class/vfio/${group##*/}
	[ ! -e "$group/dev" ] || node "$group" vfio/
}

# node <directory> [prefix]
node()
{
	local number name kind=c

	read -r number <"$1/dev" || return
	name=$(sed -n 's/^DEVNAME=//p' "$1/uevent" 2>/dev/null)
	[ -n "$name" ] || name=${2:-}$(echo "${1##*/}" | tr '!' /)
	[ ! -e "$SYSFS/class/block/${1##*/}" ] || kind=b
	printf '%s%x:%x %s %s\n' $kind "${number%:*}" "${number#*:}" "$name" "${1##*/}"
}

# blocks_of <BDF>: the block devices among them
blocks_of()
{
	nodes_of "$1" | awk '/^b/ { print $3 }'
}

# nets_of <BDF>: its network interfaces' directories
nets_of()
{
	files_of "$1" | sed -n 's,\(/net/[^/]*\)/flags$,\1,p'
}

# --- users ------------------------------------------------------------------

# block_users <block device>: of it, and of what is stacked on it
block_users()
{
	local dev above name

	name=$(echo "$1" | tr '!' /)
	dev=$(get "$SYSFS/class/block/$1/dev")
	mount_users "$name" "$dev"
	awk -v name="/dev/$name" '$1 == name { print "! " name " is swap" }' "$PROCFS/swaps"
	exported "/dev/$name"
	for above in "$SYSFS/class/block/$1/holders"/*; do
		[ -e "$above" ] || continue
		echo "- /dev/$name is part of ${above##*/}"
		block_users "${above##*/}"
	done
	for above in $(loops_on "/dev/$name" "$dev"); do
		echo "- /dev/$name is behind $above"
		block_users "$above"
	done
}

# loops_on <path> <number>
loops_on()
{
	printf '%s\n' "$loops" | awk -F '\t' -v path="$1" -v dev="$2" '
		$2 == path || ($3 != "" && ($3 == dev || $4 == path)) { print $1 }'
}

# mount_users <name> <number>: where this namespace knows the mount, it is enough
mount_users()
{
	local who text rank

	printf '%s\n' "$mounts" | NEEDED=$needed awk -F '\t' \
		-v name="/dev/$1" -v dev="$2" '
		BEGIN {
			n = split(ENVIRON["NEEDED"], point, "\n")
			for (i = 1; i <= n; i++)
				needed[point[i]] = 1
		}
		$1 != dev && $2 != name { next }
		{ rank = ($4 == "-" || $4 == 1) && $3 in needed ? "!" : "-" }
		$4 == "-" {
			own[++owns] = rank " - " name " is mounted on " $3
			must = must || rank == "!"
			next
		}
		!($4 in seen) || rank == "!" {
			other[++others] = rank " " $4 " " name " is mounted on " $3
			seen[$4] = 1
		}
		END {
			for (i = 1; i <= owns; i++)
				print own[i]
			for (i = 1; i <= others; i++)
				if (!owns || (!must && other[i] ~ /^!/))
					print other[i]
		}' | while read -r rank who text; do
			[ "$who" = - ] || text="$text for $(called "$who")"
			echo "$rank $text"
		done
}

# exported <path>: what the kernel serves to others
exported()
{
	local file

	for file in "$SYSFS"/kernel/config/nvmet/subsystems/*/namespaces/*/device_path \
		    "$SYSFS"/kernel/config/target/core/*/*/udev_path; do
		[ "$(get "$file")" != "$1" ] || echo "- $1 is exported by ${file%/*}"
	done
}

# is_passing <pid>: has it gone, or will it go by itself? This shell and its
# children have inherited what is open in their parent, and udev only looks at what
# has just come.
is_passing()
{
	local pid="$1"

	case $(get "$PROCFS/$pid/comm") in
	''|*udev*) return 0 ;;
	esac
	while [ "${pid:-0}" -gt 1 ]; do
		[ "$pid" != $$ ] || return 0
		pid=$(sed -n 's/^PPid:[[:space:]]*//p' "$PROCFS/$pid/status" 2>/dev/null)
	done
	return 1
}

# open_users <BDF>: processes that have a node of it open, or a file of it mapped
open_users()
{
	local pid what rank

	{
		nodes_of "$1" | sed 's/^/node /'
		printf '%s\n' "$opened"
	} | awk -v resource="/$1/resource" '
		$1 == "node" { name[$2] = name["/dev/" $3] = "/dev/" $3; next }
		$1 in name { print $2, name[$1] }
		index($1, resource) { print $2, $1 }' |
		sort -u | while read -r pid what; do
			! is_passing "$pid" || continue
			rank=-
			case $what in
			/dev/vfio/*) rank=! ;;
			esac
			echo "$rank $what is open in $(called "$pid")"
		done
}

# function_users <BDF>: its driver would take the virtual functions along
function_users()
{
	local nr

	nr=$(get "$PCI/devices/$1/sriov_numvfs")
	[ "${nr:-0}" = 0 ] || echo "! $nr virtual functions of it are enabled (sriov_numvfs)"
}

net_users()
{
	local net rank=-

	# A root by network does not come back with the interface.
	! root_is_remote || rank=!
	nets_of "$1" | while read -r net; do
		[ $(($(get "$net/flags") & 1)) = 0 ] ||
			echo "$rank network interface ${net##*/} is up"
	done
}

root_is_remote()
{
	printf '%s\n' "$mounts" | NEEDED=$needed awk -F '\t' '
		BEGIN {
			n = split(ENVIRON["NEEDED"], point, "\n")
			for (i = 1; i <= n; i++)
				needed[point[i]] = 1
		}
		$4 == "-" && $3 in needed && $5 ~ /^(nfs|cifs|smb|ceph)/ { found = 1 }
		END { exit !found }'
}

# users_of <BDF>: a line each; look_at_users comes first
users_of()
{
	local block

	{
		for block in $(blocks_of "$1"); do
			block_users "$block"
		done
		net_users "$1"
		open_users "$1"
		function_users "$1"
	} | awk '!seen[$0]++'
}

# kernel_refuses <BDF>: the disks of it that the kernel does not open exclusively,
# or with a partition in use: somebody has claimed them. To read its partitions
# again is how a shell asks that; a disk that is about to lose its driver reads
# them again anyway.
kernel_refuses()
{
	local key name block

	command -v blockdev >/dev/null || return 0
	nodes_of "$1" | while read -r key name block; do
		[ ! -e "$SYSFS/class/block/$block/partition" ] || continue
		[ "$key" = "b$(stat -c %t:%T "/dev/$name" 2>/dev/null)" ] || continue
		case $(LC_ALL=C blockdev --rereadpt "/dev/$name" 2>&1) in
		*busy*) echo "/dev/$name" ;;
		esac
	done
}
