# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
# shellcheck disable=SC2154 # put sets error
#
# iova-mt locks: how long the domains' locks are held and waited for.

help_locks()
{
	cat <<-EOT
	usage: iova-mt locks [--json]     a line for each domain
	       iova-mt locks <domain>     how its times are distributed
	       iova-mt locks on|off       begin to measure, anew; stop

	IRQS OFF: for how long interrupts were off at most (0 on PREEMPT_RT, where
	they stay on).

	It is off when the module has been loaded. Measuring costs a little; the
	times include what an emulator or a hypervisor does meanwhile. A kernel
	that is locked down (Secure Boot) lets nobody begin.
	EOT
}

# shellcheck disable=SC2016 # awk's own variables
AWK_LOCKS='
	END {
		sort_domains()
		printf "%4s %-18s %6s %8s %8s %6s %8s %8s\n", "ID", "ALLOCATOR",
			"HOLDS", "MEAN", "LONGEST", "WAITED", "LONGEST", "IRQS OFF"
		for (i = 1; i <= nr_domains[now]; i++) {
			id = order[i]
			path = "domains/" id "/lock_stat"
			if (text(path, "hold_count") == "") {
				printf "%4s %-18s %6s\n", id, kind(id), "-"
				continue
			}
			printf "%4s %-18s %6s %8s %8s %6s %8s %8s\n", id,
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

# shellcheck disable=SC2016 # awk's own variables
AWK_LOCKS_JSON='
	END {
		for (i = 1; i <= nr_domains[now]; i++) {
			id = domain[now, i]
			all = more(all, "{" member("id", json(id)) ", " \
				member("allocator", json(text("domains/" id "/summary", "allocator"))) ", " \
				member("lock_stat", object("domains/" id "/lock_stat")) "}")
		}
		print "{"
		print "  " member("measured", text("lock_stat", "") == "" ? "null" : \
			text("lock_stat", "") == "1" ? "true" : "false") ","
		print "  " member("domains", array(all))
		print "}"
	}
'

# say_whether_measured: that may not be readable
say_whether_measured()
{
	may_write "$DEBUGFS/lock_stat" || {
		echo "unreadable whether they are measured now: $error"
		return
	}
	case $(get "$DEBUGFS/lock_stat") in
	1) ;;
	0) echo "not measured now: iova-mt locks on" ;;
	*) echo "unreadable whether they are measured now: $(reason_for "$DEBUGFS/lock_stat")" ;;
	esac
}

# switch_locks <0|1>
switch_locks()
{
	put "$DEBUGFS/lock_stat" "$1" || die "the measuring of locks cannot be switched: $error"
}

lock_table()
{
	[ -d "$DEBUGFS/domains/$1" ] ||
		wrong "'$1' is not a domain; valid: $(domain_ids | listed)on, off"
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
		say_whether_measured
		snapshot | awk "$AWK_SNAPSHOT $AWK_LOCKS" ;;
	--json) snapshot | awk "$AWK_SNAPSHOT $AWK_JSON $AWK_LOCKS_JSON" ;;
	*)   lock_table "$1" ;;
	esac
}
