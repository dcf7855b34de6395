#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck disable=SC2317 # check calls them
#
# The tarball of a release: made from what is committed, always the same, and of
# use without git. Works on a clone; builds for the kernel that is built fast.

KTAP_LOG=no
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

top=$(cd "$ktap_dir/../.." && pwd)
work=$(mktemp -d)
clone=$work/clone
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$top/dkms.conf")
tree=$work/iova_mt-$version

# in_scripts <tree> <command...>: run it with what that tree's scripts share
in_scripts()
{
	# shellcheck disable=SC2016 # expanded by bash
	bash -c '. "$1/scripts/lib.sh"; shift; "$@"' dist "$@"
}

in_clone()
{
	git -C "$clone" -c user.name=test -c user.email=test "$@"
}

# make_clone: a repository of its own, with this tree as its only commit
make_clone()
{
	mkdir "$clone" && git init -q "$clone" || return
	( cd "$top" && in_scripts "$top" source_files | xargs cp --parents -t "$clone" ) &&
		in_clone add -A && in_clone commit -qm all
}

dist()
{
	make -C "$clone" dist
}

# made_twice: at another time, by another process
made_twice()
{
	local first

	first=$(sha256sum <"$clone/iova_mt-$version.tar.gz")
	rm "$clone/iova_mt-$version.tar.gz"
	sleep 1.1
	dist && [ "$first" = "$(sha256sum <"$clone/iova_mt-$version.tar.gz")" ]
}

unpack()
{
	tar -C "$work" -xzf "$clone/iova_mt-$version.tar.gz"
}

# same_files: what git knows, what is in the tarball, and what the scripts find
same_files()
{
	in_clone ls-files | sort >"$work/committed"
	( cd "$tree" && find . -type f | sed 's|^\./||' | sort ) >"$work/unpacked"
	in_scripts "$tree" source_files >"$work/found"
	diff "$work/committed" "$work/unpacked" && diff "$work/unpacked" "$work/found"
}

builds()
{
	make -C "$tree" modules KDIR="$(in_scripts "$top" kernel_headers 6.1)"
}

# A build leaves nothing that the scripts take for a part of the tree.
found_after_build()
{
	in_scripts "$tree" source_files | diff "$work/found" -
}

changed_is_refused()
{
	echo >>"$clone/NEWS"
	refused "not committed" dist && in_clone checkout -q NEWS
}

new_is_refused()
{
	: >"$clone/new"
	refused "not committed" dist
}

ktap_start
in_scripts "$top" need_kernel 6.1
check "a clone" make_clone
check "make dist" dist
check "it is the same when it is made again" made_twice
check "it unpacks to one directory, called after the version" unpack
check "all that is committed is there, and nothing else" same_files
check "it builds" builds
check "what is built is not taken for source" found_after_build
check "the version is the package's" \
	test "$(modinfo -F version "$tree/iova_mt.ko")" = "$version"
check "a change that is not committed is refused" changed_is_refused
check "so is a new file" new_is_refused
rm -rf "$work"
ktap_end
