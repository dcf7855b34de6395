# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
#
# iova-mt status: all of it, once.
#
# Rule: what cannot be read is said to be unreadable, and why. It is neither 0
# nor off.

help_status()
{
	cat <<-EOT
	usage: iova-mt status [--json]

	Prints the module's version and parameters, the types of the IOMMU groups,
	the state of the takeover, the backlog of deferred ranges, what was refused,
	the fault points that are on, and each domain:

	  LIVE      ranges that are handed out
	  DEFERRED  freed ranges that are not erased yet; OLDEST: their greatest age
	  REFUSED   requests without an answer: for want of space/of memory
	  UNKNOWN   frees of what was not handed out: mistakes of a driver

	  --json    the same for programs, with the names that debugfs has

	Exit status 1 when something could not be read, or the module is being
	unloaded.
	EOT
}

# shellcheck disable=SC2016 # awk's own variables
AWK_STATUS='
	# row: no wider than a terminal
	function row(name, what,    cut) {
		while (length(what) > 68) {
			for (cut = 68; cut > 1 && substr(what, cut, 1) != " "; cut--)
				;
			if (cut == 1)
				break
			printf "%-11s %s\n", name, substr(what, 1, cut - 1)
			name = ""
			what = substr(what, cut + 1)
		}
		printf "%-11s %s\n", name, what
	}
	function reason(why) {
		return why == "lockdown" ? "the kernel is locked down" : why
	}
	# unread <path>: is that the case? Then it is said here.
	function unread(name, path) {
		if (nr_names[now, path] || !((now, "there", path) in S))
			return 0
		row(name, "unreadable: " path ": " ((now, "unreadable", path) in S ? \
			reason(S[now, "unreadable", path]) : "the kernel gives no answer"))
		failed = 1
		return 1
	}
	function takeover(    path, owned) {
		path = "takeover/state"
		if (text(path, "mode") == "")
			return "none"
		owned = number(path, "owned")
		return text(path, "mode") ", " \
			(text(path, "attached") == "yes" ? "attached" : "not attached") \
			", " plural(owned, "domain") (owned == 1 ? " is" : " are") " owned"
	}
	function iommu() {
		if (groups == "")
			return "none: there is no IOMMU, or it is off (firmware, intel_iommu=on)"
		if (groups !~ /DMA/)
			return groups ": no DMA is translated (iommu=pt?)"
		return groups
	}
	# what to do when nothing is owned, if that can be changed
	function next_step() {
		if (text("takeover/state", "mode") == "" || number("takeover/state", "owned") ||
		    groups == "")
			return
		if (text("takeover/state", "mode") == "new")
			row("next", "iova-mt devices, then iova-mt adopt <BDF>")
		else
			row("next", "echo new >/sys/module/iova_mt/parameters/takeover")
	}
	function backlog() {
		if (unread("backlog", "backlog"))
			return
		row("backlog", count(number("backlog", "pending_ranges"), "range") ", " \
		    count(number("backlog", "pending_pages"), "page") "; at most " \
		    count(number("backlog", "highest_ranges"), "range") "; oldest " \
		    duration(number("backlog", "oldest_ms")))
		row("deferred", short(number("backlog", "total_deferred")) " in all")
		row("drained", short(number("backlog", "drained_by_worker")) " by the worker, " \
		    short(number("backlog", "drained_by_alloc")) " by allocations, " \
		    short(number("backlog", "drained_by_request")) " on request; " \
		    short(number("backlog", "taken_over")) " reused whole")
	}
	function mistakes() {
		if (unread("refused", "stats"))
			return
		row("refused", plural(number("stats", "alloc_no_space"), "request") \
		    " for want of space, " \
		    sprintf("%.0f", number("stats", "alloc_no_memory")) " for want of memory")
		row("unknown", plural(unknown("stats"), "free") " of what was not handed out")
	}
	function faults(    i, n, path, note) {
		for (i = 1; i <= nr_points[now]; i++) {
			path = point[now, i]
			if (text(path, "probability") == "") {
				row(n++ ? "" : "faults", path " unreadable")
				failed = 1
				continue
			}
			if (!number(path, "probability"))
				continue
			row(n++ ? "" : "faults", path " " setting(path) "; " \
			    text(path, "injected") " injected")
			note = idle(path)
			if (note != "")
				row("", note)
		}
		if (!n)
			row("faults", nr_points[now] ? "all off" : "none: no fault point can be seen")
		if (text("lockdown", "state") != "")
			row("lockdown", text("lockdown", "state") \
			    ": debugfs takes nothing, and what it would take is unreadable")
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
	function domains(    i) {
		if (!nr_domains[now])
			return
		printf "\n%4s %-18s %5s %8s %7s %7s %7s %s\n", "ID", "ALLOCATOR",
			"LIVE", "DEFERRED", "OLDEST", "REFUSED", "UNKNOWN", "DEVICES"
		for (i = 1; i <= nr_domains[now]; i++)
			domain_row(order[i])
	}
	function domain_row(id,    path) {
		path = "domains/" id
		printf "%4s %-18s %5s %8s %7s %7s %7s%s\n", id, kind(id),
			short(live(id)), short(number(path "/backlog", "pending_ranges")),
			duration(number(path "/backlog", "oldest_ms")),
			short(number(path "/stats", "alloc_no_space")) "/" \
			short(number(path "/stats", "alloc_no_memory")),
			short(unknown(path "/stats")),
			devices[now, id] == "" ? " -" : devices[now, id]
	}
	END {
		going = text("module", "initstate") == "going"
		row("module", "iova_mt " text("module", "version") \
		    (going ? ", which is being unloaded" : ""))
		row("allocator", text("parameters", "allocator") \
		    (allocators == "" ? "" : " (there are: " allocators ")"))
		if (text("parameters", "deferral") != "")
			row("deferral", text("parameters", "deferral"))
		row("iommu", iommu())
		if (groups !~ /DMA/)
			row("", "look: cat /sys/kernel/iommu_groups/*/type")
		if (!unread("takeover", "takeover/state"))
			row("takeover", takeover())
		if (text("takeover/state", "unload") != "")
			row("unload", text("takeover/state", "unload"))
		if (!going)
			next_step()
		backlog()
		mistakes()
		faults()
		locks()
		sort_domains()
		domains()
		exit going || failed
	}
'

# shellcheck disable=SC2016 # awk's own variables
AWK_STATUS_JSON='
	function groups_json(    i, n, part, word, out) {
		n = split(groups, part, ", ")
		for (i = 1; i <= n; i++) {
			split(part[i], word, " ")
			out = out (i > 1 ? ", " : "") member(word[2], word[1])
		}
		return "{" out "}"
	}
	function devices_json(id,    i, n, part, out) {
		n = split(devices[now, id], part, " ")
		for (i = 1; i <= n; i++)
			out = out (i > 1 ? ", " : "") quote(part[i])
		return "[" out "]"
	}
	function domain_json(id,    path) {
		path = "domains/" id
		return "{" member("id", json(id)) ", " \
			member("devices", devices_json(id)) ", " \
			member("live", sprintf("%.0f", live(id))) ", " \
			member("unknown", sprintf("%.0f", unknown(path "/stats"))) ",\n      " \
			member("summary", object(path "/summary")) ",\n      " \
			member("stats", object(path "/stats")) ",\n      " \
			member("backlog", object(path "/backlog")) "}"
	}
	function line(name, value) { print "  " member(name, value) "," }
	END {
		for (i = 1; i <= nr_domains[now]; i++)
			all = more(all, domain_json(domain[now, i]))
		print "{"
		line("version", json(text("module", "version")))
		line("state", json(text("module", "initstate")))
		line("lockdown", json(text("lockdown", "state")))
		line("parameters", object("parameters"))
		line("iommu_groups", groups_json())
		line("takeover", object("takeover/state"))
		line("backlog", object("backlog"))
		line("unknown", text("stats", "alloc") == "" ? "null" : sprintf("%.0f", unknown("stats")))
		line("stats", object("stats"))
		line("faults", faults_json())
		line("domains", array(all))
		print "  " member("unreadable", unreadable_json())
		print "}"
		exit text("module", "initstate") == "going"
	}
'

# iommu_groups: how many there are of each type, as "3 DMA-FQ, 1 identity"
iommu_groups()
{
	cat "$SYSFS"/kernel/iommu_groups/*/type 2>/dev/null | sort | uniq -c | awk '
		{ all = all (NR > 1 ? ", " : "") $1 " " $2 } END { print all }'
}

cmd_status()
{
	local table="$AWK_STATUS" status=0

	while [ $# -gt 0 ]; do
		case $1 in
		--json) table="$AWK_JSON $AWK_STATUS_JSON" ;;
		*) wrong "status: '$1' is not valid; valid: --json" ;;
		esac
		shift
	done
	need_module
	snapshot | awk -v groups="$(iommu_groups)" "$AWK_SNAPSHOT $table" || status=1
	! going || say "the module is being unloaded, and waits until it owns no domain:" \
		"iova-mt release <BDF> for each device"
	return $status
}
