# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# shellcheck disable=SC3043 # local: dash and busybox have it
#
# iova-mt record: the backlog over time.

help_record()
{
	cat <<-EOT
	usage: iova-mt record [-n <seconds>] [-c <samples>]

	Prints the backlog over time, one line a sample, tab-separated, below a
	line of names. Ends with ctrl-C, or when the module is unloaded.

	  -n, --interval <seconds>  between two samples, 0.01 to 3600 (1)
	  -c, --count <samples>     end after so many

	iova-mt-plot-backlog draws it: scripts/plot-backlog in the module's source.
	EOT
}

# One awk for all samples, so that they can be close together. A file that is
# gone ends it.
# shellcheck disable=SC2016 # awk's own variables
AWK_RECORD='
	function look(file,    words, i, n) {
		n = 0
		while ((getline words < file) > 0) {
			i = index(words, ":")
			V[substr(words, 1, i - 1)] = substr(words, i + 1) + 0
			n++
		}
		close(file)
		return n
	}
	function first(file,    words) {
		words = ""
		if ((getline words < file) < 0)
			words = ""
		close(file)
		return words
	}
	function uptime(    part) {
		split(first(procfs "/uptime"), part, " ")
		return part[1]
	}
	# of the parameter, which can be read when the kernel is locked down, too
	function probability(name,    part) {
		if (split(first(parameters "/" name), part, ",") == 4)
			return part[2] + 0
		return first(name "/probability") + 0
	}
	function sample(    i, words, injected, on) {
		now = uptime()
		if (start == "")
			start = now
		if (!look("backlog"))
			return 0
		for (i = 1; i <= nr_points; i++) {
			injected += first(point[i] "/injected")
			if (probability(point[i]))
				on = on (on ? "+" : "") point[i]
		}
		words = sprintf("%.2f", now - start)
		for (i = 1; i <= nr_fields; i++)
			words = words sprintf("\t%.0f", V[field[i]])
		printf "%s\t%.0f\t%s\n", words, injected, on ? on : "-"
		fflush()
		return 1
	}
	BEGIN {
		nr_fields = split("pending_ranges pending_pages total_deferred drained_by_worker drained_by_alloc drained_by_request taken_over oldest_ms", field, " ")
		nr_points = split(points, point, " ")
		printf "time"
		for (i = 1; i <= nr_fields; i++)
			printf "\t%s", field[i]
		printf "\tinjected\tfaults\n"
		for (i = 1; sample(); i++)
			if (i == count || system("sleep " interval))
				exit
	}
'

cmd_record()
{
	local count=0

	interval=1
	while [ $# -gt 0 ]; do
		case $1 in
		-n|--interval)
			need_value "$1" $#
			check_seconds "$1" "$2" 0.01
			interval=$2
			shift ;;
		-c|--count)
			need_value "$1" $#
			case $2 in
			*[!0-9]*|'0'*|'') wrong "$1 '$2' is not valid; valid: 1 and up" ;;
			esac
			count=$2
			shift ;;
		*) wrong "record: '$1' is not valid; valid: -n <seconds>, -c <samples>" ;;
		esac
		shift
	done
	need_module
	cd "$DEBUGFS" || exit 1
	echo "# iova_mt $(get "$MODULE/version") on $(uname -r)," \
	     "allocator $(get "$MODULE/parameters/allocator")," \
	     "deferral $(get "$MODULE/parameters/deferral" || echo unknown)"
	exec awk -v interval="$interval" -v count="$count" -v procfs="$PROCFS" \
		-v parameters="$MODULE/parameters" \
		-v points="$(points | words)" \
		"$AWK_RECORD"
}
