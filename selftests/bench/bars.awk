# SPDX-License-Identifier: GPL-2.0-only
#
# Judges the medians by the bars: awk -f bars.awk bars medians. One line a bar,
# tab-separated: bar, what, value, op, limit, verdict (ok, missed, not measured).
# Figures whose names begin with c. are the allocator's counters, of which only
# those that are not 0 are written down.

BEGIN { OFS = "\t" }

FNR == NR && (/^#/ || NF == 0) { next }
FNR == NR { bar[++nr] = $0; next }
FNR == 1 { FS = "\t"; $0 = $0; next }

{
	median[$1, $3, $7, $8] = $9
	there[$1, $3, $7] = 1
}

function number(text,    part)
{
	return split(text, part, "/") == 2 ? part[1] / part[2] : text + 0
}

# The value of a figure, or "" when it has not been measured.
function get(label, n, who, figure)
{
	if ((label, n, who, figure) in median)
		return median[label, n, who, figure]
	# A counter that has not moved is not printed.
	if (figure == "c.erase_nodes" && (label, n, who, "freed") in median)
		return has_erase_nodes ? 0 : ""
	return ""
}

function ratio(a, b)
{
	return a == "" || b == "" || b == 0 ? "" : a / b
}

function million(value)
{
	return value == "" ? "" : value * 1000000
}

# What the sixth word of a bar says that the value is divided by.
function value_of(label, n, who, figure, by)
{
	if (by == "-")
		return get(label, n, who, figure)
	if (by == "per_million")
		return million(ratio(get(label, n, who, figure), \
				     get(label, n, who, "freed")))
	if (by ~ /^self:/)
		return ratio(get(label, n, who, figure), get(label, n, who, substr(by, 6)))
	if (by ~ /^n:/)
		return ratio(get(label, n, who, figure), get(label, substr(by, 3), who, figure))
	return ratio(get(label, n, who, figure), get(label, n, by, figure))
}

function judge(line,    part, value, limit, what)
{
	split(line, part, /[ \t]+/)
	value = value_of(part[2], part[3], part[4], part[5], part[6])
	limit = number(part[8])
	what = part[2] " " part[3] ", " part[4] " " part[5]
	if (part[6] != "-")
		what = what " by " part[6]
	print part[1], what, value, part[7], part[8], \
	      value == "" ? "not measured" : \
	      (part[7] == "<=" ? value <= limit : value >= limit) ? "ok" : "missed"
}

END {
	for (key in median)
		if (key ~ /c\.erase_nodes$/)
			has_erase_nodes = 1
	for (i = 1; i <= nr; i++)
		judge(bar[i])
}
