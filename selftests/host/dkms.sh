#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck disable=SC2317 # check calls them
#
# Installs the module by DKMS on a Debian 12 rig, updates it, and removes it; and
# a kernel on which the module cannot run comes to the rig meanwhile. The rig is a
# chroot (scripts/setup rig) with an overlay, in a mount namespace of this
# program; nothing is loaded, and nothing of it is left.

KTAP_LOG=no
# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

top=$(cd "$ktap_dir/../.." && pwd)

# from_scripts <word...>: run it with what the scripts share
from_scripts()
{
	# shellcheck disable=SC2016 # expanded by bash
	bash -c '. "$1/scripts/lib.sh"; shift; "$@"' dkms "$top" "$@"
}

if [ -z "${IN_NAMESPACE:-}" ]; then
	"$top/scripts/setup" rig || exit $KSFT_FAIL
	IN_NAMESPACE=1 exec unshare --mount --propagation private sh "$0"
fi

# --- the rig ----------------------------------------------------------------

make_rig()
{
	mount -t tmpfs rig "$work" &&
		mkdir "$work/upper" "$work/work" "$rig" &&
		mount -t overlay rig "$rig" \
			-o "lowerdir=$(from_scripts rig_dir),upperdir=$work/upper,workdir=$work/work" &&
		mount -t proc proc "$rig/proc" &&
		mkdir "$rig/tree" || return
	( cd "$top" && from_scripts source_files | xargs cp --parents -t "$rig/tree" )
}

in_rig()
{
	chroot "$rig" "$@"
}

# install_on <kernel>, uninstall: as the README has it
install_on()
{
	in_rig make -C /tree dkms-install KVERSION="$1"
}

uninstall()
{
	in_rig make -C /tree dkms-uninstall
}

as_nobody()
{
	chroot --userspec=nobody "$rig" make -C /tree "$@"
}

without_dkms()
{
	in_rig env PATH=/usr/bin:/bin make -C /tree dkms-install KVERSION="$new"
}

from_usr_src()
{
	cp -r "$rig/tree" "$rig/usr/src/iova_mt-0.0.1"
	in_rig make -C /usr/src/iova_mt-0.0.1 dkms-install KVERSION="$old"
}

# set_version <version>: as if the tree had been updated
set_version()
{
	sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$1\"/" "$rig/tree/dkms.conf"
	sed -i "s/^\(#define IOVA_MT_VERSION\).*/\1 \"$1\"/" "$rig/tree/src/version.h"
	version=$1
}

# --- what is there ----------------------------------------------------------

# module_is <kernel> <field> <what it begins with>
module_is()
{
	local module="$rig/lib/modules/$1/updates/dkms/iova_mt.ko" found

	found=$(modinfo -F "$2" "$module") || return
	echo "$2: $found"
	case $found in
	"$3"*) return 0 ;;
	esac
	return 1
}

# installed_alone <version> <kernel...>: for these kernels, and no other version
installed_alone()
{
	local expected found kernel

	local alone="$1"

	shift
	expected=$(for kernel; do
		echo "iova_mt/$alone, $kernel, x86_64: installed"
	done | sort)
	found=$(in_rig dkms status | sort)
	echo "found: $found"
	[ "$found" = "$expected" ] &&
		[ "$(cd "$rig/usr/src" && echo iova_mt*)" = "iova_mt-$alone" ]
}

knows_module()
{
	grep -q '/iova_mt.ko' "$rig/lib/modules/$1/modules.dep"
}

# nothing_left: nowhere, and modules.dep does not know it either
nothing_left()
{
	! { find "$rig/var/lib/dkms" "$rig/usr/src" "$rig/lib/modules" \
		-name '*iova_mt*' -print
	    grep -l iova_mt "$rig"/lib/modules/*/modules.dep; } | grep .
}

# --- what can be left of earlier runs ---------------------------------------

# dkms knows it, and nothing has been built
only_added()
{
	cp -r "$rig/tree" "$rig/usr/src/iova_mt-$version"
	in_rig dkms add "iova_mt/$version"
}

# The source is gone that dkms points to.
source_lost()
{
	rm -rf "$rig/usr/src/iova_mt-$version"
}

# dkms knows nothing, source and module are there.
dkms_forgets()
{
	rm -rf "$rig/var/lib/dkms/iova_mt"
}

# --- apt ----------------------------------------------------------------------

install_headers()
{
	in_rig sh -c "dpkg -i /packages/$other/*.deb"
}

nothing_half_configured()
{
	in_rig dpkg --configure -a && ! in_rig dpkg -l 'linux-headers-6.1*' | grep '^i[^i]'
}

# What the postinst of a linux-image package does.
run_hooks()
{
	in_rig run-parts --verbose --exit-on-error --arg="$old" \
		--arg="/boot/vmlinuz-$old" /etc/kernel/postinst.d
}

work=$(mktemp -d)
rig=$work/rig
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$top/dkms.conf")
# shellcheck disable=SC2016 # expanded by bash
other=$(from_scripts eval 'echo $RIG_OTHER_KERNEL')
# shellcheck disable=SC2016 # expanded by bash
new=$(from_scripts eval 'cat "$(rig_dir)/packages/$RIG_KERNEL/release"')
old=$(cat "$(from_scripts rig_dir)/packages/$other/release")

ktap_start
check "the rig is there" make_rig

# --- what is missing is said, and nothing is changed
mkdir -p "$rig/lib/modules/6.12.0-bare"
check "without root it is refused, and says so" \
	refused "must be run as root" as_nobody dkms-install KVERSION="$new"
check "the same for the way back" \
	refused "must be run as root" as_nobody dkms-uninstall
check "without dkms it is refused, and says what to install" \
	refused "apt-get install dkms" without_dkms
check "without headers it is refused, and says what to install" \
	refused "apt-get install linux-headers-6.12.0-bare" install_on 6.12.0-bare
check "an unknown kernel is refused, and those installed are named" \
	refused "$new" install_on 6.12.0-none
check "none of these has left anything" nothing_left
rmdir "$rig/lib/modules/6.12.0-bare"

# --- a kernel that the module can run on, then one that it cannot
check "dkms-install for 6.12" install_on "$new"
check "that is what dkms knows" installed_alone "$version" "$new"
check "the module has the package's version" module_is "$new" version "$version"
check "the module is for that kernel" module_is "$new" vermagic "$new"
check "the module is the real one" module_is "$new" description "IOVA domains"
check "modprobe finds it" knows_module "$new"
check "the headers of a 6.1 kernel can be installed" install_headers
check "no package of it is half configured" nothing_half_configured
check "dkms autoinstall for it succeeds" in_rig dkms autoinstall -k "$old"
check "the hooks of a 6.1 image succeed" run_hooks
check "its module is the one that refuses to load" \
	module_is "$old" description "iova_mt for a kernel on which it cannot run"

# --- an update, with one of these kernels running
set_version 9.9.9
check "dkms-install of another version, on one of both" install_on "$old"
check "that is for both, and the only one" installed_alone 9.9.9 "$old" "$new"
check "the other kernel's module is the new one" module_is "$new" version 9.9.9
check "dkms-uninstall" uninstall
check "nothing is left" nothing_left
check "dkms-uninstall with nothing there" uninstall

# --- on top of what earlier runs have left: on the kernel that is built fast
check "an earlier run that ended after dkms add" only_added
check "dkms-install after that" install_on "$old"
sed -i 's/cannot run: refuses/cannot run (changed): refuses/' "$rig/tree/src/refuse.c"
check "dkms-install again, the source has changed" install_on "$old"
check "the module is made from the changed source" \
	module_is "$old" description "iova_mt for a kernel on which it cannot run (changed)"
source_lost
check "dkms-install where the source is lost" install_on "$old"
check "that is what dkms knows then" installed_alone "$version" "$old"
dkms_forgets
check "dkms-uninstall where dkms has forgotten all" uninstall
check "nothing is left of that" nothing_left
check "a tree where the copy goes is refused" \
	refused "move this tree" from_usr_src
check "that tree is still there" test -f "$rig/usr/src/iova_mt-0.0.1/Kbuild"

umount -R "$work"
rmdir "$work"
ktap_end
