#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# scripts/run-selftests and scripts/vm, as far as they get without a machine:
# what is not valid is refused before anything is touched, and who waits for a
# shell is told what for. The cache and QEMU are stand-ins: boots nothing.

KTAP_LOG=no
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

top=$(cd "$ktap_dir/../.." && pwd)
work=$(mktemp -d)
kept=$work/cache/logs/selftests/6.12-intel-lazy

# --- run-selftests ----------------------------------------------------------

# refuses_early <text> <variable=value>...: with that text, and the logs of the
# last run are still there
refuses_early()
{
	local text="$1" status=0
	shift

	mkdir -p "${kept%/*}" "$work/cache/selftests/6.12"
	echo "the last run" >"$kept"
	env "IOVA_MT_CACHE=$work/cache" "$@" timeout 20 "$top/scripts/run-selftests" \
		>"$work/said" 2>&1 </dev/null || status=$?
	cat "$work/said"
	[ "$status" = 1 ] && grep -qF -e "$text" "$work/said" &&
		[ -s "$kept" ] && [ -d "$work/cache/selftests/6.12" ]
}

# test_refuses <text> <variable=value>: before the static gates, which take
# minutes
test_refuses()
{
	local status=0

	env "IOVA_MT_CACHE=$work/cache" "$2" timeout 20 "$top/scripts/test" \
		>"$work/said" 2>&1 </dev/null || status=$?
	cat "$work/said"
	[ "$status" = 1 ] && grep -qF -e "$1" "$work/said" && ! grep -q '^ok' "$work/said"
}

says_what_it_would_run()
{
	IOVA_MT_CACHE="$work/cache" KERNELS=7.2 TESTS="tool behaviour" \
		"$top/scripts/run-selftests" --rows >"$work/said" || return 1
	cat "$work/said"
	[ "$(cat "$work/said")" = "7.2 intel lazy behaviour.sh tool.sh " ]
}

# Debian's PREEMPT_RT takes as long as another kernel does.
runs_rt_when_it_is_named()
{
	IOVA_MT_CACHE="$work/cache" "$top/scripts/run-selftests" --rows >"$work/said" &&
		! grep -q '^6\.12-rt ' "$work/said" &&
		IOVA_MT_CACHE="$work/cache" KERNELS=6.12-rt TESTS=atomic \
			"$top/scripts/run-selftests" --rows >"$work/said" || return 1
	cat "$work/said"
	[ "$(cat "$work/said")" = "6.12-rt intel lazy atomic.sh " ]
}

# --- vm ---------------------------------------------------------------------

# A machine that ends at once and leaves what it was booted with.
make_qemu()
{
	mkdir -p "$work/bin" "$work/built"
	cat >"$work/bin/qemu-system-x86_64" <<-EOF2
	#!/bin/sh
	while [ \$# -gt 0 ]; do
		[ "\$1" != -initrd ] || cp "\$2" "$work/initrd"
		shift
	done
	EOF2
	chmod +x "$work/bin/qemu-system-x86_64"
}

tells_what_goes_on()
{
	PATH=$work/bin:$PATH "$top/scripts/vm" --built "$work/built" --interactive \
		>"$work/said" 2>&1 </dev/null || return 1
	cat "$work/said"
	grep -q "booting 6.12.*until there is a shell" "$work/said"
}

# What it says first names the commands that put a device on the module.
first_words_lead_on()
{
	(cd "$work" && cpio --quiet -i --to-stdout iova_mt/motd <initrd) >"$work/motd" 2>/dev/null
	cat "$work/motd"
	grep -qx '  insmod iova_mt.ko takeover=new' "$work/motd" &&
		grep -qx '  iova-mt adopt 0000:00:04.0' "$work/motd"
}

tool_is_in_path()
{
	(cd "$work" && cpio --quiet -i --to-stdout init <initrd) 2>/dev/null |
		grep 'PATH=.*:/iova_mt/scripts'
}

ktap_start
[ "$(id -u)" = 0 ] || ktap_skip_all "must be run as root"
for name in VM_TIMEOUT PARALLEL; do
	for value in x 0 -1 1.5; do
		check "refused before anything is touched: $name=$value" refuses_early \
			"$name '$value' is not valid; valid: 1 and up" "$name=$value"
	done
done
check "refused before anything is touched: KERNELS" refuses_early \
	"KERNELS '9.9' is not valid; valid: " KERNELS=9.9
check "refused before anything is touched: TESTS" refuses_early \
	"TESTS 'nothing' is not valid; valid: " TESTS=nothing
check "refused before anything is touched: nothing to run" refuses_early \
	"nothing to run: no program of TESTS='watch' is run for KERNELS='7.2'" \
	KERNELS=7.2 TESTS=watch
check "it can say what it would run" says_what_it_would_run
check "6.12-rt is run when it is named, and not otherwise" runs_rt_when_it_is_named
for name in VM_TIMEOUT PARALLEL BUDGET_MIN; do
	check "make test refuses it first: $name=x" test_refuses \
		"$name 'x' is not valid; valid: 1 and up" $name=x
done
make_qemu
check "vm says what it is doing" tells_what_goes_on
check "vm's first words lead to an owned domain" first_words_lead_on
check "iova-mt is in the machine's path" tool_is_in_path
rm -r "$work"
ktap_end
