# SPDX-License-Identifier: GPL-2.0-only
#
# The plots of `make bench`, each as SVG and PNG. dir= is where plots.awk has put
# the data, out= where the plots go. A plot whose data has not been measured is
# left out.

has(file) = int(system("[ -s '".dir."/".file."' ] && echo 1 || echo 0"))

# One look for all: the kernel's own in grey and orange, ours in green and blue;
# without caches dashed.
set style line 1 lc rgb '#8c8c8c' lw 2 pt 7 ps 0.7 dt (8,4)
set style line 2 lc rgb '#d95f02' lw 2 pt 5 ps 0.7
set style line 3 lc rgb '#1b9e77' lw 2 pt 9 ps 0.9 dt (8,4)
set style line 4 lc rgb '#2b5fb4' lw 2 pt 11 ps 0.9
set border 3 lc rgb '#606060'
set tics nomirror scale 0.5
set mxtics 1
set mytics 1
set grid xtics ytics lc rgb '#d4d4d4' lw 0.6 dt 1
set key samplen 3 spacing 1.2

who(k) = word("rb rbf maple maple+cache", k)
title_of(k) = word("'kernel, rb' 'kernel with cache, rbf' 'maple' 'maple with cache'", k)
nanoseconds = "('1 ns' 1, '10 ns' 10, '100 ns' 100, '1 µs' 1e3, '10 µs' 1e4, '100 µs' 1e5, '1 ms' 1e6, '10 ms' 1e7, '100 ms' 1e8)"

set_svg(w, h) = sprintf("set terminal svg size %d,%d font 'DejaVu Sans,13' background '#ffffff'", w, h)
set_png(w, h) = sprintf("set terminal pngcairo size %d,%d font 'DejaVu Sans,13' background '#ffffff'", w, h)
set_terminal(format, w, h) = format eq 'svg' ? set_svg(w, h) : set_png(w, h)

# --- Cost over the number of live ranges --------------------------------------

cost_label(i) = word("fill free-random pair mixed 2mib full", i)
cost_title(i) = word("'Allocate a page' 'Free a page, in random order' 'Free a page, allocate one' 'Free and allocate 1 to 256 pages' 'Free and allocate 2 MiB' 'Full space: free, allocate, fail'", i)

costs = 0
do for [i = 1:6] { costs = costs + has('cost-'.cost_label(i).'-rb') }
if (costs == 6) {
do for [format in "svg png"] {
	eval set_terminal(format, 1200, 780)
	set output out.'/bench-cost.'.format
	set logscale xy
	set xrange [700:1500000]
	set xtics ('1k' 1e3, '10k' 1e4, '100k' 1e5, '1M' 1e6)
	set yrange [8:3e8]
	eval 'set ytics '.nanoseconds
	unset key
	set multiplot layout 2,3 margins 0.065,0.985,0.13,0.95 spacing 0.06,0.11
	do for [k = 1:4] {
		x = 0.06 + 0.24 * (k - 1)
		set arrow k from screen x,0.025 to screen x + 0.035,0.025 nohead ls k
		set label k title_of(k) at screen x + 0.042,0.025 left
	}
	set label 5 'live ranges' at screen 0.525,0.075 center textcolor rgb '#606060'
	do for [i = 1:6] {
		set title cost_title(i) font ',14' offset 0,-0.5
		plot for [k = 1:4] dir.'/cost-'.cost_label(i).'-'.who(k) \
			using 1:2 smooth unique with linespoints ls k notitle
		# The legend is drawn once.
		unset arrow
		unset label
	}
	unset multiplot
	unset logscale
}
}

# --- How many units take longer than so long ----------------------------------

tail_label(i) = word("latency latency-mixed", i)
tail_title(i) = word("'Free a page, allocate one' 'Free and allocate 1 to 256 pages'", i)

if (has('tail-latency-rb') && has('tail-latency-mixed-rb')) {
do for [format in "svg png"] {
	eval set_terminal(format, 1200, 480)
	set output out.'/bench-latency.'.format
	set logscale xy
	set xrange [8:2e6]
	eval 'set xtics '.nanoseconds
	set yrange [1e-6:1.2]
	set ytics ('all' 1, '1 in 10' 0.1, '1 in 100' 1e-2, '1 in 1,000' 1e-3, '1 in 10,000' 1e-4, '1 in 100,000' 1e-5, '1 in a million' 1e-6)
	unset key
	do for [k = 1:4] {
		x = 0.06 + 0.24 * (k - 1)
		set arrow k from screen x,0.04 to screen x + 0.035,0.04 nohead ls k
		set label k title_of(k) at screen x + 0.042,0.04 left
	}
	set multiplot layout 1,2 margins 0.115,0.985,0.2,0.92 spacing 0.115,0.1
	do for [i = 1:2] {
		set title tail_title(i).', 10,000 live' font ',14' offset 0,-0.5
		set xlabel 'takes longer than' offset 0,0.3
		plot for [k = 1:4] dir.'/tail-'.tail_label(i).'-'.who(k) \
			using 1:2 with lines ls k notitle
		unset arrow
		unset label
	}
	unset multiplot
	unset xlabel
	unset logscale
	set xtics auto
	set ytics auto
}
}

# --- Memory -------------------------------------------------------------------

if (has('memory')) {
do for [format in "svg png"] {
	eval set_terminal(format, 860, 460)
	set output out.'/bench-memory.'.format
	unset logscale
	set style data histograms
	set style histogram clustered gap 1.2
	set style fill solid 0.9 noborder
	set boxwidth 0.9 relative
	set title 'Memory of a live page, bytes (growth of all slabs)' font ',14'
	set xrange [-0.6:2.6]
	set xtics auto
	set yrange [0.5:2000]
	set logscale y
	set ytics auto
	unset key
	do for [k = 1:4] {
		x = word('0.04 0.22 0.53 0.71', k) + 0.0
		set arrow k from screen x,0.045 to screen x + 0.03,0.045 nohead ls k lw 9 dt 1
		set label k title_of(k) at screen x + 0.04,0.045 left
	}
	set margins 8,2,5,3
	plot for [k = 1:4] dir.'/memory' using (column(k + 1)):xtic(1) ls k notitle, \
	     for [k = 1:4] dir.'/memory' using ($0 + (k - 2.5) * 0.2):(column(k + 1) * 1.3):(sprintf('%.3g', column(k + 1))) \
		with labels font ',11' textcolor rgb '#404040' notitle
	unset arrow
	unset label
	set margins -1,-1,-1,-1
}
}
