#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# dkms adds and builds the package, in trees of its own and against unpacked
# headers. Runs on the machine itself, loads nothing.

KTAP_LOG=no
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

top=$(cd "$ktap_dir/../.." && pwd)
work=$(mktemp -d)

# of_kernel <function> <kernel>: ask the scripts where things are
of_kernel()
{
	# shellcheck disable=SC2016 # expanded by bash
	bash -c '. "$1/scripts/lib.sh"; need_kernel "$3"; "$2" "$3"' \
		dkms "$top" "$1" "$2"
}

# in_trees <command> <arguments...>: dkms on trees below $work
in_trees()
{
	local command="$1"
	shift
	dkms "$command" --dkmstree "$work/dkms" --sourcetree "$work/src" \
		--installtree "$work/modules" -m iova_mt -v "$version" "$@"
}

# build_for <kernel>: dkms build against the headers in the cache
build_for()
{
	in_trees build -k "$(of_kernel kernel_release "$1")" -a x86_64 \
		--kernelsourcedir "$(of_kernel kernel_headers "$1")"
}

built_module()
{
	find "$work/dkms/iova_mt/$version/$release" -name 'iova_mt.ko*'
}

says_built()
{
	in_trees status -k "$release" | grep -q 'iova_mt.*: built'
}

# module_is <field> <first word of it>
module_is()
{
	local module

	module=$(built_module)
	[ -n "$module" ] && [ "$(modinfo -F "$1" "$module" | cut -d' ' -f1)" = "$2" ]
}

ktap_start
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$top/dkms.conf")
release=$(of_kernel kernel_release 6.12)
mkdir -p "$work/dkms" "$work/modules" "$work/src/iova_mt-$version"
check "the files that dkms needs are copied" make -C "$top" dkms-copy \
	dkms_src="$work/src/iova_mt-$version"
check "dkms adds the package" in_trees add
check "dkms builds it for 6.12" build_for 6.12
check "dkms says that it is built" says_built
check "the module has the package's version" module_is version "$version"
check "the module is for that kernel" module_is vermagic "$release"
check "dkms builds something for 6.1, too" build_for 6.1
check "dkms removes the package" in_trees remove --all
rm -rf "$work"
ktap_end
