# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
# shellcheck disable=SC2034 # users.sh reads the tables
#
# What is mounted, looped and opened on this machine: the tables in which users.sh
# looks for a device. They are made once, by look_at_users, for all devices. Their
# fields are separated by tabs.

TAB=$(printf '\t')
# What a machine needs: these, and what is below them.
NEEDED_DIRECTORIES='^/(boot|etc|usr|var)(/|$)'
# What must be there while a device is moved, beside the shell.
NEEDED_PROGRAMS="awk cat find grep ls readlink sed sort stat tail tr"

look_at_users()
{
	mounts=$(look_at_mounts | with_btrfs_devices)
	needed=$(printf '%s\n' "$mounts" | needed_mounts "$(needed_paths)")
	loops=$(look_at_loops)
	opened=$(look_at_processes)
}

# called <pid>: "process <pid> (<name>)"
called()
{
	echo "process $1 ($(get "$PROCFS/$1/comm"))"
}

# look_at_mounts: number of the device, source, mount point, process (- for this
# one's namespace), type of file system, and for an overlay its options
look_at_mounts()
{
	local table who

	mount_tables | while read -r table who; do
		get "$table" | awk -v who="$who" '
			BEGIN { OFS = "\t" }
			{
				rest = $0
				sub(/^.* - /, "", rest)
				split(rest, part, " ")
				print $3, part[2], $5, who, part[1], \
				      part[1] == "overlay" ? part[3] : "-"
			}'
	done
}

# mount_tables: one of each mount namespace, and the process that has it. That of
# process 1 also when it is this one's: this one may be in a chroot.
mount_tables()
{
	echo "$PROCFS/self/mountinfo -"
	# shellcheck disable=SC2012 # names without surprises
	ls -ld "$PROCFS/self/ns/mnt" "$PROCFS"/[0-9]*/ns/mnt 2>/dev/null |
		awk -v proc="$PROCFS/" '
		{
			pid = $0
			sub(/ -> .*/, "", pid)
			pid = substr(pid, index(pid, proc) + length(proc))
			sub(/\/.*/, "", pid)
		}
		(!seen[$NF]++ || pid == "1") && pid != "self" {
			print proc pid "/mountinfo " pid
		}'
}

# with_btrfs_devices: a line of a btrfs once more for each of its other devices
with_btrfs_devices()
{
	local line source set fs dev

	while IFS= read -r line; do
		printf '%s\n' "$line"
		case $line in
		*"$TAB"btrfs"$TAB"*) ;;
		*) continue ;;
		esac
		source=$(printf '%s\n' "$line" | cut -f 2)
		set=$(readlink -f "$source" || echo "$source")
		for fs in "$SYSFS"/fs/btrfs/*/devices; do
			[ -e "$fs/${set##*/}" ] || continue
			for dev in "$fs"/*; do
				printf '%s\n' "$line" | awk -F '\t' -v OFS='\t' \
					-v source="/dev/${dev##*/}" '{ $2 = source; print }'
			done
		done
	done
}

# needed_paths: files without which nothing goes on, a line each
needed_paths()
{
	local program

	readlink -f "$0"
	readlink -f "/proc/$$/exe"
	for program in $NEEDED_PROGRAMS; do
		program=$(command -v "$program") && readlink -f "$program"
	done
	awk '$2 == "file" { print $1 }' "$PROCFS/swaps" 2>/dev/null
}

# needed_mounts <paths>, the table of mounts on the standard input: the mount
# points that the machine needs. An overlay needs what it lies over.
needed_mounts()
{
	NEEDED_PATHS=$1 awk -F '\t' -v directories="$NEEDED_DIRECTORIES" '
	function mount_of(path,    nr, best) {
		best = ""
		for (nr = 1; nr <= count; nr++)
			if (length(point[nr]) >= length(best) &&
			    (point[nr] == "/" || index(path "/", point[nr] "/") == 1))
				best = point[nr]
		return best
	}
	function need(path) {
		path = mount_of(path)
		if (path in wanted)
			return
		wanted[path] = 1
		need_layers(path)
	}
	function need_layers(path,    option, layer, i, j, n, m) {
		n = split(options[path], option, ",")
		for (i = 1; i <= n; i++) {
			if (option[i] !~ /^(lowerdir|upperdir)[+=]/)
				continue
			sub(/^[^=]*=/, "", option[i])
			m = split(option[i], layer, ":")
			for (j = 1; j <= m; j++)
				need(layer[j])
		}
	}
	$4 == "-" || $4 == 1 { point[++count] = $3; options[$3] = $6 }
	END {
		n = split(ENVIRON["NEEDED_PATHS"] "\n/", path, "\n")
		for (i = 1; i <= n; i++)
			if (path[i] != "")
				need(path[i])
		for (i = 1; i <= count; i++)
			if (point[i] ~ directories)
				need(point[i])
		for (i in wanted)
			print i
	}'
}

# look_at_loops: loop device, what is behind it, number and source of the device
# that a file behind it is on
look_at_loops()
{
	local loop

	for loop in "$SYSFS"/block/loop*/loop/backing_file; do
		[ -e "$loop" ] || continue
		loop=${loop%/loop/backing_file}
		printf '%s\n' "$mounts" | awk -F '\t' -v OFS='\t' -v loop="${loop##*/}" \
			-v file="$(get "$loop/loop/backing_file")" '
			$4 == "-" && ($3 == "/" || index(file, $3 "/") == 1) &&
			length($3) >= length(best) { best = $3; dev = $1; source = $2 }
			END { print loop, file, dev, source }'
	done
}

# look_at_processes: number of an open device in hexadecimal, with a letter for
# its kind, or the path of a mapped file; and the process
look_at_processes()
{
	find "$PROCFS"/[0-9]*/fd -maxdepth 1 -type l \
		-exec stat -L -c '%F|%t|%T|%n' {} + 2>/dev/null |
		awk -F '|' -v proc="$PROCFS/" '
		/^(block|character) special/ {
			pid = substr($4, length(proc) + 1)
			sub(/\/.*/, "", pid)
			key = substr($1, 1, 1) $2 ":" $3 "\t" pid
			if (!seen[key]++)
				print key
		}'
	grep -HE ' /(dev|sys)/' "$PROCFS"/[0-9]*/maps 2>/dev/null |
		awk -v proc="$PROCFS/" '
		{
			pid = substr($1, length(proc) + 1)
			sub(/\/.*/, "", pid)
			if (!seen[$NF, pid]++)
				print $NF "\t" pid
		}'
}
