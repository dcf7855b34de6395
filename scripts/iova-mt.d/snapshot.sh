# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
#
# iova-mt: one look at everything.
#
# What the tables of status and watch have in common. Holds nothing, decides
# nothing.

# look_at <file>...: their lines as "path:name: value"; for one that cannot be
# read "unreadable:path: reason". Domains may go while it is read.
look_at()
{
	local errors

	{ errors=$(LC_ALL=C grep -H '' "$@" 2>&1 >&3); } 3>&1
	echo "$errors" | sed -n '
		/No such file/d
		/^grep: domains.*Input.output/d
		s/^grep: \(.*\): \([^:]*\)$/unreadable:\1: \2/p'
}

# A kernel that is locked down opens a file of debugfs only when nobody may
# write to it, and writes a line to its log each time that it does not.
look_at_allowed()
{
	# shellcheck disable=SC2012,SC2046 # the module's names; a list of words
	look_at /dev/null $(ls -ld "$@" 2>/dev/null |
		awk '$1 ~ /^-[-r]--[-r]--[-r]--/ { print $NF }')
	# shellcheck disable=SC2012 # the module's names
	ls -ld "$@" 2>/dev/null | awk '
		$1 !~ /^-[-r]--[-r]--[-r]--/ { print "unreadable:" $NF ": lockdown" }'
}

# snapshot_of <pattern>...: of files in debugfs, and of sysfs all
snapshot_of()
{
	(
		echo "lockdown:state: $(locked_down)"
		cd "$MODULE" && look_at version initstate parameters/*
		cd "$DEBUGFS" 2>/dev/null || exit 0
		# shellcheck disable=SC2048,SC2086 # patterns
		if locked_down >/dev/null; then
			look_at_allowed $*
		else
			look_at $*
		fi
		# busybox does not say what it could not read
		for file in takeover/state backlog stats; do
			[ ! -e $file ] || echo "there:$file: 1"
		done
	)
}

# snapshot: all that is looked at
snapshot()
{
	echo "uptime:seconds: $(cut -d' ' -f1 "$PROCFS/uptime")"
	snapshot_of backlog stats takeover/state takeover/devices allocators \
		'fail_*/*' 'domains/*/summary' 'domains/*/backlog' \
		'domains/*/stats' lock_stat 'domains/*/lock_stat'
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
	function plural(n, what) { return sprintf("%.0f", n) " " what (n == 1 ? "" : "s") }
	# the same with a number that may be a short one
	function count(n, what) { return short(n) " " what (n == 1 ? "" : "s") }
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
		if (path ~ /^fail_[^\/]*\// || path ~ /^parameters\// || path ~ /^(version|initstate)$/) {
			i = index(path, "/")
			name = substr(path, i + 1)
			path = i ? substr(path, 1, i - 1) : "module"
			keep(path, name, rest)
			if (path ~ /^fail_/)
				know_point(path)
			else if (path == "parameters" && name ~ /^fail_/)
				know_parameter(name, rest)
			return
		}
		if (rest ~ /^#/)
			return
		i = index(rest, ":")
		name = substr(rest, 1, i - 1)
		rest = substr(rest, i + 1)
		sub(/^ */, "", rest)
		keep(path, name, rest)
		if (path ~ /^domains\/.*\/summary$/ && name == "id")
			know_domain(rest)
	}
	# keep: the names of a file in their order, too
	function keep(path, name, value) {
		if (!((now, path, name) in S))
			name_of[now, path, ++nr_names[now, path]] = name
		S[now, path, name] = value
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
	# The parameters can be read where the knobs cannot: they say the same, and
	# come first.
	function know_parameter(name, setting,    part) {
		if (split(setting, part, ",") != 4)
			return
		know_point(name)
		S[now, name, "interval"] = part[1]
		S[now, name, "probability"] = part[2]
		S[now, name, "space"] = part[3]
		S[now, name, "times"] = part[4]
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
	# frees of what was not handed out: a counter of the domain, or, before there
	# was one, of the allocators
	function unknown(path,    i, n, name) {
		if ((now, path, "free_unknown") in S)
			return number(path, "free_unknown")
		for (i = 1; i <= nr_names[now, path]; i++) {
			name = name_of[now, path, i]
			if (name ~ /\.free_unknown$/)
				n += S[now, path, name]
		}
		return n + 0
	}
	function refused(path) {
		return number(path, "alloc_no_space") + number(path, "alloc_no_memory")
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
	# why a point that is on injects nothing
	function idle(path) {
		if (!number(path, "probability"))
			return ""
		if (text(path, "times") == "0")
			return "on, times is 0: it has failed as often as it was told to"
		if (text(path, "hits") != "0")
			return ""
		if (path == "fail_erase")
			return "on, 0 hits: caches or spans take the frees, or nothing is freed"
		if (path ~ /^fail_(insert|node)$/)
			return "on, 0 hits: caches or spans spare the tree, or nothing is mapped"
		return "on, 0 hits: nothing has reached it"
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

# The same for programs. Rule: the names are those of the module's files, so
# that what a version adds is there.
# shellcheck disable=SC2016,SC2034 # used in other files; awk's own variables
AWK_JSON='
	function quote(words,    i, c, out) {
		for (i = 1; i <= length(words); i++) {
			c = substr(words, i, 1)
			if (c == "\"" || c == "\\")
				c = "\\" c
			else if (c == "\t")
				c = "\\t"
			out = out c
		}
		return "\"" out "\""
	}
	function json(value) {
		if (value ~ /^-?(0|[1-9][0-9]*)$/)
			return value
		return value == "" ? "null" : quote(value)
	}
	function member(name, value) { return quote(name) ": " value }
	# object <path>: of all names in a file, null when it was not read
	function object(path,    i, name, out) {
		for (i = 1; i <= nr_names[now, path]; i++) {
			name = name_of[now, path, i]
			if (name == "")
				continue
			out = out (out == "" ? "" : ", ") member(name, json(S[now, path, name]))
		}
		return out == "" ? "null" : "{" out "}"
	}
	# array <out> <element>: with one more
	function more(out, element) { return out (out == "" ? "" : ",\n    ") element }
	function array(out) { return out == "" ? "[]" : "[\n    " out "\n  ]" }
	function fault_json(path,    part, i, n, out, name) {
		n = split("probability interval space times verbose domain hits injected", part, " ")
		out = member("point", quote(path))
		for (i = 1; i <= n; i++)
			out = out ", " member(part[i], json(text(path, part[i])))
		for (i = 1; i <= nr_names[now, path]; i++) {
			name = name_of[now, path, i]
			if (name !~ /^(probability|interval|space|times|verbose|domain|hits|injected)$/)
				out = out ", " member(name, json(S[now, path, name]))
		}
		return "{" out "}"
	}
	function faults_json(only,    i, out) {
		for (i = 1; i <= nr_points[now]; i++)
			if (only == "" || only == point[now, i])
				out = more(out, fault_json(point[now, i]))
		return array(out)
	}
	function unreadable_json(    i, name, out) {
		for (i = 1; i <= nr_names[now, "unreadable"]; i++) {
			name = name_of[now, "unreadable", i]
			out = more(out, "{" member("file", quote(name)) ", " \
				member("reason", quote(S[now, "unreadable", name])) "}")
		}
		return array(out)
	}
'
