# SPDX-License-Identifier: GPL-2.0-only
#
# The table for people: awk -f table.awk verdicts medians. Nanoseconds a unit;
# ratios to the kernel's own; the bars that a row misses.

BEGIN {
	FS = "\t"
	head = "%-15s %8s %9s %9s %9s %9s %9s %11s  %s\n"
	printf head, "workload", "n", "rb", "rbf", "maple", "+cache", \
	       "maple/rb", "+cache/rbf", "bars missed"
}

FNR == NR {
	split($2, word, /[ ,]+/)
	if ($6 == "missed" && index(missed[word[1], word[2]] " ", " " $1 " ") == 0)
		missed[word[1], word[2]] = missed[word[1], word[2]] " " $1
	next
}
FNR == 1 { next }

$1 == "instructions" && $8 == "instructions" {
	instructions = instructions (instructions ? ", " : "") $7 " " $9
}

$1 ~ /^instructions-io/ { io[$1, $3, $7] = $9 }
$1 ~ /^instructions-io/ && $7 == "owned" { ios[++nr_ios] = $1 SUBSEP $3 }

# A line for each lock that was measured.
$1 ~ /^(locks|instructions-gaps)/ { lock[$1, $7, $8] = $9 }
$1 ~ /^(locks|instructions-gaps)/ && $8 == "irqs_off_max_ns" {
	locks[++nr_locks] = sprintf("%-17s %8s %-11s lock held %s ns, at most %s; waited %s, at most %s; interrupts off at most %s", \
		$1, $3, $7, short(lock[$1, $7, "lock_hold_mean_ns"]), \
		short(lock[$1, $7, "lock_hold_max_ns"]), \
		short(lock[$1, $7, "lock_wait_mean_ns"]), \
		short(lock[$1, $7, "lock_wait_max_ns"]), short($9))
}

# A line for each contestant of a cell that is about one of ours.
$1 ~ /^(gaps-plain|drain-memory)$/ { alone[$1, $7, $8] = $9 }
$1 ~ /^(gaps-plain|drain-memory)$/ && $8 == "slab_after" {
	alones[++nr_alones] = sprintf("%-17s %8s %-11s %s ns a unit, at most %s; %.0f KiB of slab before, %.0f after", \
		$1, $3, $7, short(alone[$1, $7, "mean_ns"]), \
		short(alone[$1, $7, "max_ns"]), \
		alone[$1, $7, "slab_ready"] / 1024, $9 / 1024)
}

# A line for each cell of deferred ranges.
$1 ~ /^defer-/ && $8 == "units" {
	defers[++nr_defers] = $1
	contestant[$1] = $7
}
$1 ~ /^defer-/ { defer[$1, $8] = $9 }

{
	figure = $5 > 1 ? "wall_ns" : "mean_ns"
	key = $1 SUBSEP $3
	if ($1 ~ /^(checked|defer|locks|instructions|gaps-plain|drain-memory)/)
		next
	if (!(key in seen)) {
		seen[key] = 1
		order[++nr] = key
	}
	if ($8 == figure)
		mean[key, $7] = $9
	if ($8 == figure)
		spread[key, $7] = $9 ? ($11 - $10) / $9 : 0
	if ($8 == "capped" && $9)
		capped[key, $7] = "!"
}

function short(ns)
{
	if (ns == "")
		return "-"
	if (ns >= 99950000)
		return sprintf("%.0fM", ns / 1000000)
	if (ns >= 999500)
		return sprintf("%.1fM", ns / 1000000)
	if (ns >= 9995)
		return sprintf("%.0fk", ns / 1000)
	if (ns >= 100)
		return sprintf("%.0f", ns)
	return sprintf("%.1f", ns)
}

function ratio(a, b)
{
	if (a == "" || b == "" || b == 0)
		return "-"
	if (a / b < 0.05)
		return sprintf("1/%.0f", b / a)
	return sprintf("%.2f", a / b)
}

# A live range is one that was made before the timed part, if there are any.
function bytes(label)
{
	if (defer[label, "prepare_ok"] > 0)
		return defer[label, "slab_ready"] / defer[label, "prepare_ok"]
	return defer[label, "live"] > 0 ? defer[label, "slab_after"] / defer[label, "live"] : 0
}

function defer_line(label,    line)
{
	line = sprintf("%-28s %-11s %s ns a unit, %.1f B a live range", label, \
		       contestant[label], short(defer[label, "mean_ns"]), bytes(label))
	if (defer[label, "drained"] > 0)
		line = line sprintf("; %d drained, %s ns each", defer[label, "drained"], \
				    short(defer[label, "drain_ns"] / defer[label, "drained"]))
	return line
}

# A cell of which kernel and owned were measured.
function io_line(key,    part, owned, kernel)
{
	split(key, part, SUBSEP)
	owned = io[key, "owned"]
	kernel = io[key, "kernel"]
	return sprintf("%-32s %7s mappings: kernel %.0f, owned %.0f, ratio %s", part[1], \
		       part[2], kernel, owned, kernel > 0 ? sprintf("%.3f", owned / kernel) : "-")
}

function cell(key, who)
{
	return short(mean[key, who]) capped[key, who]
}

END {
	for (i = 1; i <= nr; i++) {
		key = order[i]
		split(key, part, SUBSEP)
		line = sprintf(head, part[1], part[2], cell(key, "rb"), cell(key, "rbf"), \
		       cell(key, "maple"), cell(key, "maple+cache"), \
		       ratio(mean[key, "maple"], mean[key, "rb"]), \
		       ratio(mean[key, "maple+cache"], mean[key, "rbf"]), \
		       substr(missed[key], 2))
		sub(/ +\n/, "\n", line)
		printf "%s", line
	}
	for (i = 1; i <= nr_alones; i++)
		print alones[i]
	for (i = 1; i <= nr_defers; i++)
		print defer_line(defers[i])
	for (i = 1; i <= nr_locks; i++)
		print locks[i]
	if (instructions)
		print "instructions a pair: " instructions
	for (i = 1; i <= nr_ios; i++)
		print io_line(ios[i])
	print "ns a unit, medians; ! given up at the time limit, the mean is of what was done"
}
