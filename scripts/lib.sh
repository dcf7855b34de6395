# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What every host-side script shares: messages, the cache, the list of kernels
# and how a command is run where such a kernel can be built.
#
# Everything downloaded or built lives in the cache directory; nothing is
# written into the source tree.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${IOVA_MT_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/iova_mt}
me=${0##*/}

# Debian 12 has 6.1 and 6.12; the others are built in a Debian 13 chroot. -rt is
# Debian's flavour with PREEMPT_RT.
HOST_KERNELS="6.1 6.12 6.12-rt"
CHROOT_KERNELS="6.18 7.2 7.3"
# shellcheck disable=SC2034 # used by those who source this
TEST_KERNELS="6.12 7.2"
# Built here for QEMU by build-kernel, from Debian's source: behind the version
# stands the name of a fragment, selftests/debug/qemu-<name>.config.
KERNEL_SOURCE=7.2
BUILT_KERNELS="7.2-debug 7.2-kcsan"
# These are only there to prove that the module refuses them.
REFUSED_KERNELS="6.1"
CHROOT_SUITE=trixie
CHROOT_PACKAGES="bc,binutils,gcc-14,kmod,libelf1t64,libssl3t64,make,pahole,perl-base,xz-utils"
# A Debian 12 rig: DKMS, headers of one kernel, and packages of older headers
# that a test installs.
RIG_SUITE=bookworm
RIG_PACKAGES="dkms,gcc-12,kmod,libelf1,libssl3,linux-base,linux-compiler-gcc-12-x86,make,pahole"
RIG_KERNEL=6.12
RIG_OTHER_KERNEL=6.1

say()     { printf '%s: %s\n' "$me" "$*" >&2; }
heading() { printf '\n== %s ==\n' "$*" >&2; }
die()     { say "$*"; exit 1; }

need_root()
{
	[ "$(id -u)" = 0 ] || die "must be run as root"
}

# one_of <what> <value> <valid word>...: refuse a value that is not listed
one_of()
{
	local what=$1 value=$2 word
	shift 2
	for word; do
		[ "$value" != "$word" ] || return 0
	done
	die "$what '$value' is not valid; valid: $*"
}

# is_number <what> <value>: refuse what is not a plain decimal number
is_number()
{
	[[ $2 =~ ^[0-9]+$ ]] || die "$1 '$2' is not a number"
}

is_positive()
{
	[[ $2 =~ ^[1-9][0-9]*$ ]] || die "$1 '$2' is not valid; valid: 1 and up"
}

known_kernel()
{
	# shellcheck disable=SC2086 # lists of words
	one_of kernel "$1" $HOST_KERNELS $CHROOT_KERNELS $BUILT_KERNELS
}

needs_chroot()
{
	[[ " $CHROOT_KERNELS " == *" $1 "* ]]
}

is_refused()
{
	[[ " $REFUSED_KERNELS " == *" $1 "* ]]
}

is_built_here()
{
	[[ " $BUILT_KERNELS " == *" $1 "* ]]
}

# Where things are in the cache. Debian's kernels, their source and the chroot
# are complete as soon as they are there: setup builds them beside and renames.
kernel_dir()     { echo "$cache/kernels/$1"; }
kernel_release() { cat "$cache/kernels/$1/release"; }
kernel_source()  { echo "$cache/source/linux-$KERNEL_SOURCE"; }
kernel_kbuild()  { readlink -f "$(kernel_headers "$1")/scripts"; }
chroot_dir()     { echo "$cache/chroot/$CHROOT_SUITE"; }
rig_dir()        { echo "$cache/chroot/rig"; }
checkpatch_dir() { echo "$cache/checkpatch"; }

kernel_headers()
{
	if is_built_here "$1"; then
		echo "$(kernel_dir "$1")/objects"
	else
		echo "$(kernel_dir "$1")/usr/src/linux-headers-$(kernel_release "$1")"
	fi
}

# One build tree per working tree and kernel: two clones do not mix objects.
build_dir()
{
	local tree

	tree=$(printf '%s' "$top" | cksum)
	echo "$cache/build/${tree%% *}/$1"
}

# A chroot made from another list of packages is made again.
have_chroot()
{
	[ "$(cat "$(chroot_dir)/packages" 2>/dev/null)" = "$CHROOT_PACKAGES" ]
}

# rig_key: what the rig is made from, in a line
rig_key()
{
	echo "$RIG_SUITE $RIG_PACKAGES $RIG_KERNEL $RIG_OTHER_KERNEL"
}

have_rig()
{
	[ "$(cat "$(rig_dir)/made-from" 2>/dev/null)" = "$(rig_key)" ]
}

# kernel_fragments <kernel>: the configuration of one that is built here
kernel_fragments()
{
	echo "$top/selftests/debug/qemu.config"
	echo "$top/selftests/debug/qemu-${1#*-}.config"
}

# kernel_key <kernel>: what one that is built here is made from, in a line
kernel_key()
{
	echo "$(cat "$(kernel_source)/.version" 2>/dev/null)" \
	     "gcc $(gcc -dumpfullversion)" \
	     "$(kernel_fragments "$1" | xargs cat | sha256sum | cut -c1-16)"
}

# The key is written last: a build that was interrupted has none.
have_kernel()
{
	if is_built_here "$1"; then
		[ "$(cat "$(kernel_dir "$1")/key" 2>/dev/null)" = "$(kernel_key "$1")" ]
		return
	fi
	[ -f "$cache/kernels/$1/release" ] && { ! needs_chroot "$1" || have_chroot; }
}

need_kernel()
{
	known_kernel "$1"
	! have_kernel "$1" || return 0
	if is_built_here "$1"; then
		"$top/scripts/build-kernel" "$1" >/dev/null
	else
		"$top/scripts/setup" kernel "$1"
	fi
}

# lock <name>: hold a lock until this process ends
lock()
{
	local fd

	mkdir -p "$cache/locks"
	exec {fd}>"$cache/locks/$1"
	flock "$fd"
}

# in_build_root <kernel> <command>...: run a command where the kernel's build
# tools run. The cache has the same path inside the chroot, so paths need no
# translation; the mounts live in a private namespace and end with the command.
in_build_root()
{
	local kernel=$1 root
	shift
	if ! needs_chroot "$kernel"; then
		"$@"
		return
	fi
	root=$(chroot_dir)
	mkdir -p "$root$cache"
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --propagation private sh -c '
		root=$1 cache=$2 && shift 2 &&
		mount --bind "$cache" "$root$cache" &&
		mount -t proc proc "$root/proc" &&
		exec chroot "$root" "$@"' sh "$root" "$cache" "$@"
}

# source_files: all that belongs to the tree, tracked or about to be. In an
# unpacked tarball git knows nothing.
source_files()
{
	if [ ! -e "$top/.git" ]; then
		( cd "$top" && find . -type f ! -name '*.o' ! -name '*.o.d' \
			! -name '*.ko' ! -name '*.a' ! -name '*.mod' ! -name '*.mod.c' \
			! -name '.*.cmd' ! -name Module.symvers ! -name modules.order |
			sed 's|^\./||' | sort )
		return
	fi
	# The owner of the tree need not be the one who builds.
	git -C "$top" -c safe.directory='*' \
		ls-files --cached --others --exclude-standard |
		while read -r file; do
			[ ! -f "$top/$file" ] || echo "$file"
		done | sort
}

# sum_ktap <name> <log>: "passed failed skipped" of a run of selftests/run, whose
# exit status is the log's last line; the failures go to stderr. The programs'
# points are indented; the lines of whole programs count only when they fail
# without a failed point of their own.
sum_ktap()
{
	awk -v name="$1" '
	function fail(what) { failed++; print "FAILED [" name "] " what >"/dev/stderr" }
	/^  ok .*# SKIP/  { skipped++; next }
	/^  ok /          { passed++ }
	/^  not ok /      { inner = 1; fail(substr($0, 3)) }
	/^  # Subtest/    { inner = 0 }
	/^ok /            { ended++ }
	/^not ok /        { ended++; if (!inner) fail($0) }
	/^1\.\./          { planned = substr($0, 4) }
	/^status: /       { status = $2 }
	END {
		if (status > 1 || (status == 1 && !failed))
			fail("ended with status " status)
		if (ended != planned || !planned)
			fail("ran " ended + 0 " of " planned + 0 " programs")
		print passed + 0, failed + 0, skipped + 0
	}' "$2"
}
