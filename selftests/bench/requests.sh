#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# The benchmark itself: what it refuses, that it can be run again, that the same
# seed asks the same, and that it sees wrong answers. No times.

MT_KO=$(dirname "$0")/../../iova_mt.ko
. "$(dirname "$0")/../lib.sh"

CELL=$ktap_dir/cell
PLANTED=$ktap_dir/../debug/iova_mt_planted.ko
EVERYBODY=rb,rbf,rb-direct,rbf-direct,none,maple,maple+cache
WORKLOADS="fill free-order free-random drain pair queue full gaps peng2022 garry2021 meta-softlockup"

# refuses <what it says> <words...>
refuses()
{
	local text="$1" output
	shift

	if output=$("$CELL" "$@" 2>&1); then
		echo "not refused: $*"
		return 1
	fi
	case $output in
	*"# refused: $text"*) return 0 ;;
	esac
	echo "refused without saying '$text': $output"
	return 1
}

# figure <contestant> <figure>: of the last run
figure()
{
	awk -F'\t' -v who="$1" -v figure="$2" '$7 == who && $9 == figure { print $10 }' \
		/sys/kernel/debug/iova_mt_bench/results
}

# trace_of <words...>: the number of the trace that they make
trace_of()
{
	"$CELL" contestants=none "$@" | sed -n 's/^# trace 0: .* hash //p'
}

# plays <words...>: everybody says how many units it has done, and nobody was
# wrong
plays()
{
	local who

	"$CELL" "contestants=$EVERYBODY" n=500 units=600 "$@" || return 1
	for who in rb rbf rb-direct rbf-direct none maple maple+cache; do
		[ "$(figure "$who" units)" -gt 0 ] || return 1
	done
}

# is_right <words...>: every answer is
is_right()
{
	local who

	"$CELL" verify=1 n=500 units=600 "$@" || return 1
	for who in rb rbf maple maple+cache; do
		[ "$(figure "$who" errors)" = 0 ] || return 1
		[ "$(figure "$who" false_refusals)" = 0 ] || return 1
	done
}

# planted_is_seen <bug>: wrong answers of that allocator are counted
planted_is_seen()
{
	local bug="$1" errors refusals

	insmod "$PLANTED" "bug=$bug" || return 1
	"$CELL" workload=full contestants=planted verify=1 n=500 units=2000
	errors=$(figure planted errors) refusals=$(figure planted false_refusals)
	rmmod iova_mt_planted
	echo "errors $errors, false refusals $refusals"
	[ "$((errors + refusals))" -gt 0 ]
}

ktap_start
[ "$(id -u)" = 0 ] || ktap_skip_all "must be run as root"
[ -e "$ktap_dir/iova_mt_bench.ko" ] || ktap_skip_all "iova_mt_bench.ko was not built"
check "the module loads" load_mt

check "a word that does not exist" refuses "'nonsense' is not valid; valid: workload," nonsense=1
check "no workload" refuses "workload '' is not valid; valid: fill," n=1
check "a workload that does not exist" refuses "workload 'x' is not valid" workload=x
check "a contestant that does not exist" refuses "contestant 'x' is not valid" workload=fill contestants=x
check "a number that is none" refuses "n 'many' is not valid; valid: 1 to" workload=fill n=many
check "a number that is too large" refuses "batch '65537' is not valid; valid: 1 to 65536" workload=fill batch=65537
check "sizes in the wrong order" refuses "sizes '1' is not valid; valid: 2 to" workload=fill sizes=2-1
check "a context that does not exist" refuses "context 'x' is not valid; valid: task, softirq, hardirq" workload=fill context=x
check "more threads than CPUs" refuses "threads '64' is not valid" workload=pair threads=64
check "fewer ranges than a burst" refuses "workload 'queue' needs n of 256" workload=queue n=1
check "several threads in a full space" refuses "" workload=full threads=2
check "numbers that a workload has by itself" refuses "workload 'jitta2020' has its own" workload=jitta2020 n=7 limit=9

for workload in $WORKLOADS; do
	check "$workload" plays "workload=$workload"
	check "$workload, every answer checked" is_right "workload=$workload"
done
check "jitta2020 succeeds" is_right workload=jitta2020 n=5
check "mixed sizes, every answer checked" is_right workload=pair sizes=1-256
for context in task softirq hardirq; do
	check "in a $context" plays workload=pair "context=$context"
done
if [ "$(nproc)" -ge 2 ]; then
	check "two threads, every answer checked" is_right workload=pair threads=2
	check "frees on another CPU, every answer checked" is_right workload=cross
else
	check "frees on another CPU need one" refuses "workload 'cross' needs two CPUs" workload=cross
fi

check_equal "the same seed, the same trace" "$(trace_of workload=pair seed=3)" \
	"$(trace_of workload=pair seed=3)"
check "another seed, another trace" test "$(trace_of workload=pair seed=3)" != \
	"$(trace_of workload=pair seed=4)"
if [ -e "$PLANTED" ]; then
	check "a range handed out twice is seen" planted_is_seen twice
	check "a range that is lost is seen" planted_is_seen lost
fi

check "the benchmark unloads" rmmod iova_mt_bench
check "the module unloads" unload_mt
ktap_end
