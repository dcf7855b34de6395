# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
# shellcheck disable=SC2154 # put sets error
#
# iova-mt locks: how long the domains' locks are held and waited for.

help_locks()
{
	cat <<-EOT
	usage: iova-mt locks              a line for each domain
	       iova-mt locks <domain>     how its times are distributed
	       iova-mt locks on|off       begin to measure, anew; stop

	It is off when the module has been loaded. Measuring costs a little; the
	times include what an emulator or a hypervisor does meanwhile.
	EOT
}

# shellcheck disable=SC2016 # awk's own variables
AWK_LOCKS='
	END {
		sort_domains()
		printf "%6s %-13s %9s %9s %9s %9s %9s %9s\n", "DOMAIN", "ALLOCATOR",
			"HOLDS", "MEAN", "LONGEST", "WAITED", "LONGEST", "IRQS OFF"
		for (i = 1; i <= nr_domains[now]; i++) {
			id = order[i]
			path = "domains/" id "/lock_stat"
			if (text(path, "hold_count") == "") {
				printf "%6s %-13s %9s\n", id, kind(id), "-"
				continue
			}
			printf "%6s %-13s %9s %9s %9s %9s %9s %9s\n", id,
				kind(id), short(number(path, "hold_count")),
				nanoseconds(number(path, "hold_mean_ns")),
				nanoseconds(number(path, "hold_max_ns")),
				short(number(path, "wait_contended")),
				nanoseconds(number(path, "wait_max_ns")),
				nanoseconds(number(path, "irqs_off_max_ns"))
		}
	}
'

# Bars as long as the share of the longest one.
# shellcheck disable=SC2016 # awk's own variables
AWK_LOCK_TABLE='
	function bar(n,    i, words) {
		for (i = 0; i < n / most * 22; i++)
			words = words "#"
		return words
	}
	/^[0-9]/ {
		from[++n] = $1
		waits[n] = $2
		holds[n] = $3
		if ($2 > most)
			most = $2
		if ($3 > most)
			most = $3
	}
	END {
		if (!n)
			exit
		printf "%-9s %9s %-22s %9s %s\n", "FROM", "HELD", "", "WAITED", ""
		for (i = 1; i <= n; i++)
			printf "%-9s %9s %-22s %9s %s\n", nanoseconds(from[i]), holds[i],
				bar(holds[i]), waits[i], bar(waits[i])
	}
'

measured()
{
	[ "$(get "$DEBUGFS/lock_stat")" = 1 ]
}

# switch_locks <0|1>
switch_locks()
{
	put "$DEBUGFS/lock_stat" "$1" || die "the measuring of locks cannot be switched: $error"
}

lock_table()
{
	[ -d "$DEBUGFS/domains/$1" ] ||
		wrong "'$1' is not a domain; valid: $(domain_ids | words), on, off"
	sed -n "s/^# \(allocator\|switched\|the lock\)/\1/p" "$DEBUGFS/domains/$1/lock_stat"
	awk "$AWK_UNITS $AWK_LOCK_TABLE" "$DEBUGFS/domains/$1/lock_stat"
}

cmd_locks()
{
	[ $# -le 1 ] || wrong "locks takes one argument, but was given '$2' as well"
	need_module
	[ -e "$DEBUGFS/lock_stat" ] || die "this version of the module does not measure locks"
	case ${1:-} in
	on)  switch_locks 1 ;;
	off) switch_locks 0 ;;
	'')
		measured || echo "not measured now: iova-mt locks on"
		snapshot | awk "$AWK_SNAPSHOT $AWK_LOCKS" ;;
	*)   lock_table "$1" ;;
	esac
}
