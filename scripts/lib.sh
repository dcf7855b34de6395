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

# Debian 12 has 6.1 and 6.12; the others are built in a Debian 13 chroot.
HOST_KERNELS="6.1 6.12"
CHROOT_KERNELS="6.18 7.2 7.3"
# shellcheck disable=SC2034 # used by those who source this
# 6.1 is only there to prove that the module refuses it.
TEST_KERNELS="6.12 7.2"
CHROOT_SUITE=trixie
CHROOT_PACKAGES="bc,binutils,gcc-14,kmod,libelf1t64,libssl3t64,make,pahole,perl-base,xz-utils"

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

known_kernel()
{
	# shellcheck disable=SC2086 # lists of words
	one_of kernel "$1" $HOST_KERNELS $CHROOT_KERNELS
}

needs_chroot()
{
	[[ " $CHROOT_KERNELS " == *" $1 "* ]]
}

# Where things are in the cache. Kernels and the chroot are complete as soon
# as they are there: setup builds them beside and renames.
kernel_dir()     { echo "$cache/kernels/$1"; }
kernel_release() { cat "$cache/kernels/$1/release"; }
kernel_headers() { echo "$cache/kernels/$1/usr/src/linux-headers-$(kernel_release "$1")"; }
kernel_kbuild()  { readlink -f "$(kernel_headers "$1")/scripts"; }
chroot_dir()     { echo "$cache/chroot/$CHROOT_SUITE"; }
checkpatch_dir() { echo "$cache/checkpatch"; }

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

have_kernel()
{
	[ -f "$cache/kernels/$1/release" ] && { ! needs_chroot "$1" || have_chroot; }
}

need_kernel()
{
	known_kernel "$1"
	have_kernel "$1" || "$top/scripts/setup" kernel "$1"
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

# source_files: all that belongs to the tree, tracked or about to be
source_files()
{
	# The owner of the tree need not be the one who builds.
	git -C "$top" -c safe.directory='*' \
		ls-files --cached --others --exclude-standard |
		while read -r file; do
			[ ! -f "$top/$file" ] || echo "$file"
		done | sort
}
