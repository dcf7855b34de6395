# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
#
# iova-mt watch: a live table.
#
# Rule: however it ends, the terminal is what it was before.

help_watch()
{
	cat <<-EOT
	usage: iova-mt watch [-n <seconds>] [-1]

	A live table: backlog, rates per second, what was refused, fault points,
	domains with the longest backlog first. The graph is the backlog over time,
	and as high as the terminal has room. q or ctrl-C ends it.

	  -n, --interval <seconds>  between two looks, 0.1 to 3600 (1)
	  -1, --once                look twice, print one table, end

	REFUSED and UNKNOWN are those of 'iova-mt status --help'. Red is what is
	wrong, yellow what is injected or on its way; with NO_COLOR in the
	environment there are no colours. With --once, or when the output is no
	terminal, tables are plain text. From 100 columns on there are more rates.
	EOT
}

# Screen: lines are cut to the width, their rest is erased, and the rest of the
# screen below the last one, so that nothing flickers and nothing is left over.
# shellcheck disable=SC2016 # awk's own variables
AWK_WATCH='
	function line(words, how) {
		if (!screen) {
			print words
			return
		}
		if (rows_left-- <= 0)
			return
		printf "%s%s%s\033[K\n", how, substr(words, 1, width), how ? "\033[m" : ""
	}
	function red(yes) { return yes && colour ? "\033[31m" : "" }
	function yellow(yes) { return yes && colour ? "\033[33m" : "" }
	function bold(yes) { return yes ? "\033[1m" : "" }
	function row(name, what, how) { line(sprintf("%-10s %s", name, what), how) }
	function pad(words, n) { return sprintf("%-" n "s", words) }
	function title(    left, right) {
		left = "iova_mt " text("module", "version") (going ? " is being unloaded" : "") \
		       "   takeover " (text("takeover/state", "mode") == "" ? "none" : \
				       text("takeover/state", "mode")) \
		       "   " plural(number("takeover/state", "owned"), "domain") " owned"
		right = "every " interval " s   " clock
		if (screen)
			line(" " pad(left, width - length(right) - 12) " " right "  q quits ", \
			     "\033[7m" red(going))
		else
			line(left "   " right)
	}
	function backlog(    old) {
		old = number("backlog", "oldest_ms")
		row("backlog", count(number("backlog", "pending_ranges"), "range") ", " \
		    count(number("backlog", "pending_pages"), "page") "; at most " \
		    count(number("backlog", "highest_ranges"), "range") "; oldest " \
		    duration(old), red(old >= 10000))
		row("deferred", per_second("total_deferred") "; " \
		    short(number("backlog", "total_deferred")) " in all")
		row("drained", per_second("drained_by_worker") " by the worker, " \
		    per_second("drained_by_alloc") " by allocations, " \
		    per_second("drained_by_request") " on request")
		row("reused", per_second("taken_over") " whole; " \
		    short(number("backlog", "taken_over")) " in all")
		row("sweeps", per_second("rounds") ", " per_second("retries") \
		    " of them without memory; backoff " duration(number("backlog", "backoff_ms")), \
		    yellow(rate("backlog", "retries")))
		row("refused", short(rate("stats", "alloc_no_space")) "/s for want of space, " \
		    short(rate("stats", "alloc_no_memory")) "/s for want of memory; " \
		    short(refused("stats")) " in all", refusing("stats"))
		if (unknown("stats"))
			row("unknown", count(unknown("stats"), "free") \
			    " of what was not handed out: a mistake of a driver", red(1))
	}
	# red while it goes on, or when memory lacked; then yellow: it has happened
	function refusing(path) {
		if (rate(path, "alloc_no_space") || rate(path, "alloc_no_memory"))
			return red(1)
		return yellow(refused(path))
	}
	function per_second(name) { return short(rate("backlog", name)) "/s" }

	function nr_on(    i, n) {
		for (i = 1; i <= nr_points[now]; i++)
			n += number(point[now, i], "probability") > 0
		return n
	}
	# what the rest leaves: a title, the backlog, faults, domains, blanks
	function graph_height(    rows) {
		rows = height - 2 - 7 - (unknown("stats") > 0) - 1 - (nr_on() ? nr_on() : 1) - 1 - 1
		rows -= nr_domains[now]
		return rows < 3 ? 3 : rows
	}
	# the backlog over time, graph_rows lines high
	function graph(    n, i, first, max, sample, r, words, level) {
		graph_rows = graph_height()
		n = split(history, sample, " ")
		first = n - (width - 12) + 1
		if (first < 1)
			first = 1
		for (i = first; i <= n; i++)
			if (sample[i] + 0 > max)
				max = sample[i] + 0
		for (r = graph_rows - 1; r >= 0; r--) {
			words = r == graph_rows - 1 ? pad(short(max) " max", 10) : pad("", 10)
			words = words " "
			for (i = first; i <= n; i++) {
				level = max ? int(sample[i] / max * graph_rows * 8 + 0.999) - r * 8 : 0
				level = level < 0 ? 0 : level > 8 ? 8 : level
				words = words (level ? glyph[level] : r ? " " : glyph[0])
			}
			rows_left--
			print words "\033[K"
		}
	}
	function faults(    i, n, path) {
		for (i = 1; i <= nr_points[now]; i++) {
			path = point[now, i]
			if (!number(path, "probability"))
				continue
			row(n++ ? "" : "faults", sprintf("%s %s; %s/s of %s/s", path,
				setting(path), short(rate(path, "injected")),
				short(rate(path, "hits"))), yellow(1))
		}
		if (!n)
			row("faults", "all off")
	}
	function domains(    i, id) {
		if (!nr_domains[now]) {
			line("no domains")
			return
		}
		line(sprintf("%4s %-18s %5s %8s%s %7s %7s %7s %s", "ID", "ALLOCATOR",
			"LIVE", "DEFERRED", wide(sprintf(" %6s", "PAGES")),
			"ALLOC/s" wide(sprintf(" %7s %7s", "FREE/s", "DEFER/s")),
			"REFUSED", "UNKNOWN", "DEVICE"), bold(1))
		for (i = 1; i <= nr_domains[now]; i++) {
			if (screen && rows_left <= 1 && i < nr_domains[now]) {
				line(sprintf("%4s and %d with less or younger backlog", "...",
					     nr_domains[now] - i + 1))
				return
			}
			domain_row(order[i])
		}
	}
	function wide(words) { return width >= 100 ? words : "" }
	function domain_row(id,    dir, pending, how) {
		dir = "domains/" id
		pending = number(dir "/backlog", "pending_ranges")
		how = red(unknown(dir "/stats"))
		if (how == "")
			how = refusing(dir "/stats")
		line(sprintf("%4s %-18s %5s %8s%s %7s %7s %7s %s", id, kind(id),
			short(live(id)), short(pending),
			wide(sprintf(" %6s", short(number(dir "/backlog", "pending_pages")))),
			short(rate(dir "/stats", "alloc")) \
			wide(sprintf(" %7s %7s", short(rate(dir "/stats", "free")),
				     short(rate(dir "/backlog", "total_deferred")))),
			short(refused(dir "/stats")), short(unknown(dir "/stats")), users(id)),
			how == "" ? bold(pending) : how)
	}
	END {
		if (utf8)
			split("▁ ▂ ▃ ▄ ▅ ▆ ▇ █", glyph, " ")
		else
			split(". : - = + * % #", glyph, " ")
		glyph[0] = " "
		going = text("module", "initstate") == "going"
		rows_left = height
		elapsed = S[2, "uptime", "seconds"] - S[1, "uptime", "seconds"]
		if (screen)
			printf "\033[H"
		if (text("module", "version") == "") {
			line("the module iova_mt is not loaded: waiting for it")
		} else {
			title()
			line("")
			backlog()
			line("")
			if (screen && height >= 20) {
				graph()
				line("")
			}
			faults()
			line("")
			sort_domains()
			domains()
		}
		if (screen)
			printf "\033[J"
	}
'

# frame: one table, from the snapshots before and current
frame()
{
	printf '%s\n---\n%s\n' "$before" "$current" |
		LC_ALL=C awk -v screen="$screen" -v width="$width" -v height="$height" \
			-v utf8="$utf8" -v interval="$interval" -v history="$history" \
			-v colour="$colour" -v clock="$(date +%H:%M:%S)" \
			"$AWK_SNAPSHOT $AWK_WATCH"
}

# sample: the next snapshot, and its backlog in the history
sample()
{
	before=$current
	current=$(snapshot)
	[ -n "$screen" ] || return 0
	history=$(printf '%s\n%s\n' "$history" "$current" | awk -v keep=400 '
		NR == 1 { n = split($0, old, " ") }
		sub(/^backlog:pending_ranges: */, "") { old[++n] = $0 }
		END {
			for (i = n > keep ? n - keep + 1 : 1; i <= n; i++)
				printf "%s ", old[i]
		}')
}

# pause: for the interval, until q, or until a signal that is trapped. A key is
# waited for by a read that the terminal ends, in the background: only "wait"
# ends when a signal comes.
pause()
{
	local left="$waits" status=0

	while [ "$left" -gt 0 ]; do
		left=$((left - 1))
		if [ -n "$keys" ]; then
			dd bs=1 count=1 <&4 >"$keys" 2>/dev/null &
		else
			sleep "$interval" &
		fi
		sleeper=$!
		wait "$sleeper" 2>/dev/null || status=$?
		[ "$status" -eq 0 ] || kill "$sleeper" 2>/dev/null
		sleeper=
		case $status in
		0) ;;
		*) [ "$status" -gt 128 ] || stop_reading
		   return ;;
		esac
		[ -z "$keys" ] || ! grep -q '^[qQ]' "$keys" || exit 0
	done
}

# read_keys: when there is a keyboard. The terminal ends a read after 25.5 s at
# the latest: longer intervals are several.
read_keys()
{
	local tenths

	[ -t 0 ] && keys=$(mktemp) || return 0
	exec 4<&0
	tenths=$(awk -v s="$interval" 'BEGIN { printf "%d", s * 10 + 0.5 }')
	waits=$(((tenths + 249) / 250))
	stty -icanon min 0 time $((tenths / waits)) <&4
}

# stop_reading: it does not work
stop_reading()
{
	rm -f "$keys"
	keys='' waits=1
}

screen_size()
{
	# shellcheck disable=SC2046 # two words
	set -- $(stty size <&3 2>/dev/null)
	height=${1:-24}
	width=${2:-80}
	# A serial line does not know its size.
	[ "$height" -gt 0 ] || height=24
	[ "$width" -gt 0 ] || width=80
	# The cursor behind the last line must not scroll it.
	height=$((height - 1))
}

screen_begin()
{
	screen=1
	exec 3<&1
	terminal=$(stty -g <&3)
	trap screen_end EXIT
	trap 'exit 0' INT TERM HUP
	trap 'resized=1' WINCH
	stty -echo <&3
	read_keys
	printf '\033[?1049h\033[?25l\033[2J'
}

screen_end()
{
	trap - EXIT
	trap '' INT TERM HUP WINCH
	[ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null
	printf '\033[m\033[?25h\033[?1049l'
	stty "$terminal" <&3
	[ -z "$keys" ] || rm -f "$keys"
}

watch_screen()
{
	screen_begin
	sample
	while :; do
		[ -n "$resized" ] || sample
		resized=
		screen_size
		frame
		pause
	done
}

watch_plain()
{
	trap 'exit 0' INT TERM
	sample
	while :; do
		pause
		sample
		frame
		[ -z "$1" ] || return 0
		[ -d "$DEBUGFS" ] || die "the module has been unloaded"
		echo
	done
}

cmd_watch()
{
	local once=

	interval=1
	while [ $# -gt 0 ]; do
		case $1 in
		-n|--interval)
			need_value "$1" $#
			check_seconds "$1" "$2" 0.1
			interval=$2
			shift ;;
		-1|--once) once=1 ;;
		*) wrong "watch: '$1' is not valid; valid: -n <seconds>, -1" ;;
		esac
		shift
	done
	need_module
	screen='' width=80 height=24 history='' before='' current='' resized='' sleeper=''
	keys='' waits=1 colour=''
	[ -n "${NO_COLOR:-}" ] || colour=1
	case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
	*[Uu][Tt][Ff]-8|*[Uu][Tt][Ff]8) utf8=1 ;;
	*) utf8= ;;
	esac
	if [ -n "$once" ] || [ ! -t 1 ]; then
		watch_plain "$once"
	else
		watch_screen
	fi
}
