# SPDX-License-Identifier: GPL-2.0-only
#
# From what selftests/bench/run prints to one row a figure: the median over the
# repeats, the least and the greatest. Durations of all repeats are added up into
# the file -v histograms=, if given.

BEGIN {
	FS = OFS = "\t"
	print "label", "workload", "n", "size", "threads", "context", \
	      "contestant", "figure", "median", "min", "max", "repeats"
}

/^#/ || NF != 10 { next }

# Those of single calls are worth keeping.
$9 == "histogram_ps" && $1 !~ /^latency/ { next }

$9 == "histogram_ps" {
	nr = split($10, pairs, " ")
	for (i = 1; i <= nr; i++) {
		split(pairs[i], pair, ":")
		where = $1 OFS $3 OFS $7
		if (!(where in nr_buckets))
			order_h[++nr_h] = where
		if (!((where, pair[1]) in count))
			bucket[where, ++nr_buckets[where]] = pair[1]
		count[where, pair[1]] += pair[2]
	}
	next
}

{
	key = $1 OFS $2 OFS $3 OFS $4 OFS $5 OFS $6 OFS $7 OFS $9
	if (!(key in nr_values))
		order[++nr_keys] = key
	value[key, ++nr_values[key]] = $10 + 0
}

# The values of a key, sorted in place; there are few.
function sort_values(key, nr,    i, j, v)
{
	for (i = 2; i <= nr; i++) {
		v = value[key, i]
		for (j = i - 1; j > 0 && value[key, j] > v; j--)
			value[key, j + 1] = value[key, j]
		value[key, j + 1] = v
	}
}

function print_medians(    i, key, nr, middle)
{
	for (i = 1; i <= nr_keys; i++) {
		key = order[i]
		nr = nr_values[key]
		sort_values(key, nr)
		middle = (value[key, int((nr + 1) / 2)] + value[key, int(nr / 2) + 1]) / 2
		printf "%s\t%.15g\t%.15g\t%.15g\t%d\n", key, middle, \
		       value[key, 1], value[key, nr], nr
	}
}

function print_histograms(    h, i, where)
{
	print "label", "n", "contestant", "ps", "batches" >histograms
	for (h = 1; h <= nr_h; h++) {
		where = order_h[h]
		for (i = 1; i <= nr_buckets[where]; i++)
			print where, bucket[where, i], \
			      count[where, bucket[where, i]] >histograms
	}
}

END {
	print_medians()
	if (histograms)
		print_histograms()
}
