# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
#
# iova-mt status: all of it, once.

help_status()
{
	cat <<-EOT
	usage: iova-mt status

	Prints the module's version and parameters, the state of the takeover, the
	backlog of deferred ranges, the fault points that are on, and each domain.
	EOT
}

# shellcheck disable=SC2016 # awk's own variables
AWK_STATUS='
	function row(name, what) { printf "%-11s %s\n", name, what }
	function takeover(    path) {
		path = "takeover/state"
		if (text(path, "mode") == "")
			return "none"
		return text(path, "mode") ", " \
			(text(path, "attached") == "yes" ? "attached" : "not attached") \
			", " plural(number(path, "owned"), "domain") " owned"
	}
	function faults(    i, n, path) {
		for (i = 1; i <= nr_points[now]; i++) {
			path = point[now, i]
			if (!number(path, "probability"))
				continue
			row(n++ ? "" : "faults", path " " setting(path) "; " \
			    text(path, "injected") " injected")
		}
		if (!n)
			row("faults", "all off")
	}
	# the longest of all domains, when they are measured
	function locks(    i, path, hold, wait) {
		if (text("lock_stat", "") != "1")
			return
		for (i = 1; i <= nr_domains[now]; i++) {
			path = "domains/" domain[now, i] "/lock_stat"
			if (number(path, "hold_max_ns") > hold)
				hold = number(path, "hold_max_ns")
			if (number(path, "wait_max_ns") > wait)
				wait = number(path, "wait_max_ns")
		}
		row("locks", "measured: held " nanoseconds(hold) " at most, waited for " \
		    nanoseconds(wait) " at most")
	}
	function domains(    i, id, path) {
		if (!nr_domains[now])
			return
		printf "\n%6s %-15s %7s %7s %8s %9s %9s %s\n", "DOMAIN", "ALLOCATOR",
			"GRANULE", "LIVE", "DEFERRED", "PAGES", "OLDEST", "DEVICES"
		for (i = 1; i <= nr_domains[now]; i++) {
			id = order[i]
			path = "domains/" id "/backlog"
			printf "%6s %-15s %7s %7s %8s %9s %9s%s\n", id, kind(id),
				text("domains/" id "/summary", "granule"), short(live(id)),
				short(number(path, "pending_ranges")),
				short(number(path, "pending_pages")),
				duration(number(path, "oldest_ms")),
				devices[now, id] == "" ? " -" : devices[now, id]
		}
	}
	END {
		row("module", "iova_mt " text("module", "version"))
		row("allocator", text("parameters", "allocator") \
		    (allocators == "" ? "" : " (there are: " allocators ")"))
		if (text("parameters", "deferral") != "")
			row("deferral", text("parameters", "deferral"))
		row("takeover", takeover())
		if (text("takeover/state", "unload") != "")
			row("unload", text("takeover/state", "unload"))
		row("backlog", short(number("backlog", "pending_ranges")) " ranges, " \
		    short(number("backlog", "pending_pages")) " pages; at most " \
		    short(number("backlog", "highest_ranges")) " ranges; oldest " \
		    duration(number("backlog", "oldest_ms")))
		row("deferred", short(number("backlog", "total_deferred")) " in all")
		row("drained", short(number("backlog", "drained_by_worker")) " by the worker, " \
		    short(number("backlog", "drained_by_alloc")) " by allocations, " \
		    short(number("backlog", "drained_by_request")) " on request; " \
		    short(number("backlog", "taken_over")) " reused whole")
		faults()
		locks()
		sort_domains()
		domains()
	}
'

cmd_status()
{
	no_arguments status "$@"
	need_module
	snapshot | awk "$AWK_SNAPSHOT $AWK_STATUS"
}
