# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
#
# iova-mt: one look at everything.
#
# What the tables of status and watch have in common. Holds nothing, decides
# nothing.

# snapshot: all that is looked at, as "path:name: value". Domains may go while
# it is read.
snapshot()
{
	(
		echo "uptime:seconds: $(cut -d' ' -f1 "$PROCFS/uptime")"
		cd "$DEBUGFS" 2>/dev/null || exit 0
		grep -H '' backlog takeover/state takeover/devices allocators \
			fail_*/* domains/*/summary domains/*/backlog \
			domains/*/stats lock_stat domains/*/lock_stat 2>/dev/null
		cd "$MODULE" && grep -H '' version parameters/* 2>/dev/null
	)
}

# Numbers for people.
# shellcheck disable=SC2016,SC2034 # used in other files; awk's own variables
AWK_UNITS='
	function short(n) {
		if (n > 0 && n < 9.95)
			return n == int(n) ? n "" : sprintf("%.1f", n)
		if (n < 99999.5)
			return sprintf("%.0f", n)
		if (n < 9999500)
			return sprintf("%.0fk", n / 1000)
		return sprintf("%.0fM", n / 1000000)
	}
	function duration(ms) {
		if (ms < 1000)
			return sprintf("%.0f ms", ms)
		if (ms < 100000)
			return sprintf("%.1f s", ms / 1000)
		return sprintf("%.0f min", ms / 60000)
	}
	function nanoseconds(ns) {
		if (ns < 1000)
			return sprintf("%.0f ns", ns)
		if (ns < 1000000)
			return sprintf("%.1f us", ns / 1000)
		return sprintf("%.1f ms", ns / 1000000)
	}
	function plural(n, what) { return n " " what (n == 1 ? "" : "s") }
'

# What the tables have in common. Input: a snapshot, or two with "---" between.
# gawk, mawk and busybox: no %d, which some cut to 31 bits; no length(array).
# shellcheck disable=SC2016,SC2034 # used in other files; awk's own variables
AWK_SNAPSHOT='
	BEGIN { now = 1 }
	/^---$/ { now = 2; next }
	{
		colon = index($0, ":")
		path = substr($0, 1, colon - 1)
		rest = substr($0, colon + 1)
		take(path, rest)
	}

	# take one line
	function take(path, rest,    i, name) {
		if (path == "takeover/devices")
			return take_device(rest)
		if (path == "allocators")
			return take_allocator(rest)
		if (path ~ /^fail_[^\/]*\// || path ~ /^parameters\// || path == "version") {
			i = index(path, "/")
			name = substr(path, i + 1)
			path = i ? substr(path, 1, i - 1) : "module"
			S[now, path, name] = rest
			if (path ~ /^fail_/)
				know_point(path)
			return
		}
		if (rest ~ /^#/)
			return
		i = index(rest, ":")
		name = substr(rest, 1, i - 1)
		rest = substr(rest, i + 1)
		sub(/^ */, "", rest)
		S[now, path, name] = rest
		if (path ~ /^domains\/.*\/summary$/ && name == "id")
			know_domain(rest)
	}
	function take_device(rest,    word) {
		if (split(rest, word, " ") < 2 || word[1] !~ /^[0-9]+$/)
			return
		sub(/^pci\//, "", word[2])
		devices[now, word[1]] = devices[now, word[1]] " " word[2]
	}
	function take_allocator(rest,    word) {
		if (rest !~ /^#/ && split(rest, word, " "))
			allocators = allocators (allocators ? ", " : "") word[1]
	}
	function know_point(name) {
		if (!((now, name) in point_known))
			point[now, ++nr_points[now]] = name
		point_known[now, name] = 1
	}
	function know_domain(id) {
		domain[now, ++nr_domains[now]] = id
	}

	function text(path, name) { return S[now, path, name] }
	function number(path, name) { return S[now, path, name] + 0 }
	# a second, between the snapshots; a counter that fell began again
	function rate(path, name,    from) {
		from = S[1, path, name] + 0
		if (from > number(path, name))
			from = 0
		return elapsed > 0 ? (number(path, name) - from) / elapsed : 0
	}
	function kind(id,    dir) {
		dir = "domains/" id "/summary"
		return text(dir, "allocator") \
			(text(dir, "deferral") != "" ? "/" text(dir, "deferral") : "")
	}
	# ranges that are handed out: as the module counts them, or as it follows
	function live(id,    n) {
		if ((now, "domains/" id "/summary", "live") in S)
			return number("domains/" id "/summary", "live")
		n = number("domains/" id "/stats", "alloc") - \
		    number("domains/" id "/stats", "free")
		return n > 0 ? n : 0
	}
	function users(id,    word, n) {
		n = split(devices[now, id], word, " ")
		return n ? word[1] (n > 1 ? " +" n - 1 : "") : "-"
	}
	# order[1..]: the domains, longest backlog first, then oldest first
	function sort_domains(    i, j, id, n) {
		for (i = 1; i <= nr_domains[now]; i++) {
			id = domain[now, i]
			n = number("domains/" id "/backlog", "pending_ranges")
			for (j = i - 1; j && after(order[j], id, n); j--)
				order[j + 1] = order[j]
			order[j + 1] = id
		}
	}
	function after(a, id, n,    na) {
		na = number("domains/" a "/backlog", "pending_ranges")
		return na < n || (na == n && a + 0 > id + 0)
	}
	# knobs of a point that only some versions have, when set, as " name=value"
	function more_knobs(path,    key, part, found) {
		for (key in S) {
			split(key, part, SUBSEP)
			if (part[1] != now || part[2] != path || S[key] == "0")
				continue
			if (part[3] !~ /^(probability|interval|space|times|verbose|hits|injected)$/)
				found = found " " part[3] "=" S[key]
		}
		return found
	}
	# what is set, without what would be so anyway
	function setting(path,    words) {
		words = text(path, "probability") " %"
		if (number(path, "interval") > 1)
			words = words ", interval " text(path, "interval")
		if (number(path, "space"))
			words = words ", space " text(path, "space")
		if (number(path, "times") >= 0)
			words = words ", times " text(path, "times")
		return words more_knobs(path)
	}
'
AWK_SNAPSHOT="$AWK_UNITS $AWK_SNAPSHOT"
