# SPDX-License-Identifier: GPL-2.0-only
#
# What gnuplot reads, from the medians and the histograms, into -v dir=:
#	cost-<label>-<contestant>	n, mean, least, greatest
#	tail-<label>-<contestant>	ns, fraction of units that take longer
#	memory				what, bytes a live range for each contestant

FNR == 1 { files++; next }

# The published case is the largest full space.
files == 1 && $8 == "mean_ns" && $5 == 1 {
	label = $1 == "peng2022" ? "full" : $1
	print $3, $9, $10, $11 >(dir "/cost-" label "-" $7)
}

files == 1 && ($1 == "fill" || $1 == "drain") {
	if ($8 == "slab_after" || $8 == "live")
		memory[$1, $3, $7, $8] = $9
}

files == 2 && $1 ~ /^latency/ {
	key = $1 "-" $3
	if (!((key, $2) in nr))
		keys[++nr_keys] = $1 SUBSEP $3
	ps[$1, $3, ++nr[$1, $3]] = $4
	count[$1, $3, nr[$1, $3]] = $5
	total[$1, $3] += $5
	known[$1, $3] = 1
}

# Sorted by shell sort: a few hundred buckets.
function sort_buckets(label, who, n,    gap, i, j, p, c)
{
	for (gap = int(n / 2); gap > 0; gap = int(gap / 2))
		for (i = gap + 1; i <= n; i++) {
			p = ps[label, who, i]
			c = count[label, who, i]
			for (j = i; j > gap && ps[label, who, j - gap] > p; j -= gap) {
				ps[label, who, j] = ps[label, who, j - gap]
				count[label, who, j] = count[label, who, j - gap]
			}
			ps[label, who, j] = p
			count[label, who, j] = c
		}
}

function tail(label, who,    file, i, left)
{
	file = dir "/tail-" label "-" who
	sort_buckets(label, who, nr[label, who])
	left = total[label, who]
	for (i = 1; i <= nr[label, who]; i++) {
		left -= count[label, who, i]
		print ps[label, who, i] / 1000, \
		      (left ? left : 0.5) / total[label, who] >file
	}
}

function bytes(label, n, who)
{
	return memory[label, n, who, "live"] > 0 ? \
	       memory[label, n, who, "slab_after"] / memory[label, n, who, "live"] : 0
}

function memory_line(what, label, n)
{
	if ((label, n, "rb", "live") in memory)
		printf "\"%s\"\t%.2f\t%.2f\t%.2f\t%.2f\n", what, \
		       bytes(label, n, "rb"), bytes(label, n, "rbf"), \
		       bytes(label, n, "maple"), bytes(label, n, "maple+cache") \
		       >(dir "/memory")
}

END {
	for (key in known) {
		split(key, part, SUBSEP)
		tail(part[1], part[2])
	}
	memory_line("100,000 pages", "fill", 100000)
	memory_line("1,000,000 pages", "fill", 1000000)
	memory_line("100,000 left of 1,000,000", "drain", 1000000)
}
