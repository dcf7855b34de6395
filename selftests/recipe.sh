#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
#
# What README and the manual say about injecting failures is run as it stands
# there, on a disk of this machine: failures are injected, and it ends as they
# say.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

top=$(dirname "$ktap_dir")
work=$(mktemp -d)
PATH=$PATH:$top/scripts

# this_disk: the lines of the standard input, about the disk of this machine
this_disk()
{
	sed "s,0000:[0-9a-f:.]*,$pci,; s,/dev/nvme[0-9a-z]*,$disk,"
}

# blocks <file>: the literal blocks of a document, as "<number>:<line>"
blocks()
{
	awk '
	/^```sh$/ || /^\.Bd -literal/ { inside = ++nr; next }
	/^```$/ || /^\.Ed$/           { inside = 0 }
	inside                        { gsub(/\\-/, "-"); print inside ":" $0 }' "$1"
}

# recipe <file>: the one block that switches fail_erase on by the tool
recipe()
{
	local nr

	nr=$(blocks "$1" | sed -n 's/:iova-mt fault fail_erase times=-1 .*//p')
	blocks "$1" | sed -n "s/^$nr://p"
}

# injects <what was printed>: failures, and ranges were deferred for them
injects()
{
	awk '
	$1 == "fail_erase" && NF >= 8 { injected = $8 }
	$1 == "deferred" { deferred = $2 }
	END {
		print "injected " injected ", deferred " deferred
		exit !(injected > 0 && deferred > 0)
	}' "$1"
}

# works_as_written <file>
works_as_written()
{
	recipe "$1" | this_disk >"$work/recipe"
	[ "$(wc -l <"$work/recipe")" -gt 5 ] || { echo "there is no recipe in $1"; return 1; }
	(cd "$work" && sh -ex recipe >said 2>&1) || { cat "$work/said"; return 1; }
	cat "$work/said"
	! mt_loaded && injects "$work/said" && wait_for_disk "$pci"
}

# The parameters that README loads the module with to have erases fail.
load_line_works()
{
	blocks "$top/README.md" | sed -n 's/^[0-9]*:\(modprobe .*fail_erase=.*\)/\1/p' >"$work/load"
	cat "$work/load"
	[ "$(wc -l <"$work/load")" = 1 ] && (cd "$top" && sh -e "$work/load") &&
		iova-mt adopt "$pci" && disk=$(wait_for_disk "$pci") &&
		dd if="$disk" of=/dev/null bs=64k count=500 iflag=direct &&
		iova-mt fault >"$work/said" && iova-mt status >>"$work/said" || return 1
	cat "$work/said"
	injects "$work/said"
}

# moves_data: some DMA; a read may fail when a map was made to
moves_data()
{
	dd if="$disk" of=/dev/null bs=64k count="$1" iflag=direct || :
}

# A map that fails: README has it in a sentence.
map_fails_once()
{
	local command

	# shellcheck disable=SC2016 # no command of ours
	command=$(sed -n 's/.*`\(iova-mt fault fail_insert [^`]*\)`.*/\1/p' "$top/README.md")
	echo "$command"
	[ -n "$command" ] && iova-mt fault off && iova-mt reset && sh -ec "$command" || return 1
	moves_data 200
	iova-mt status
	[ "$(dbg fail_insert/injected)" = 1 ] && [ "$(counter stats alloc_no_memory)" -gt 0 ]
}

# The other example of the manual.
three_erases_fail()
{
	local nr

	nr=$(blocks "$top/docs/iova-mt.8" | sed -n 's/:iova-mt fault fail_erase space=.*//p')
	blocks "$top/docs/iova-mt.8" | sed -n "s/^$nr://p" >"$work/recipe"
	cat "$work/recipe"
	iova-mt fault off && sh -e "$work/recipe" || return 1
	moves_data 2000
	iova-mt fault
	[ "$(dbg fail_erase/injected)" = 3 ]
}

gives_back()
{
	iova-mt fault off && iova-mt release "$pci" && disk=$(wait_for_disk "$pci") && unload_mt
}

# With the caches and spans that take the frees: the tool says that it is so.
says_that_nothing_is_hit()
{
	load_mt takeover=new && iova-mt adopt "$pci" && disk=$(wait_for_disk "$pci") &&
		iova-mt fault fail_erase times=-1 probability=50 &&
		echo 1 >"$MT_DEBUGFS/reset" &&
		dd if="$disk" of=/dev/null bs=4k count=500 iflag=direct || return 1
	iova-mt fault >"$work/said"
	iova-mt status >>"$work/said"
	cat "$work/said"
	[ "$(dbg fail_erase/hits)" = 0 ] &&
		[ "$(grep -c 'on, 0 hits: caches or spans take the frees' "$work/said")" = 2 ]
}

mt_loaded && ktap_skip_all "iova_mt is loaded already"
modprobe nvme 2>/dev/null
if ! pci=$(nvme_pci) || ! disk=$(wait_for_disk "$pci") || ! domain_type "$pci" >/dev/null; then
	ktap_skip_all "no NVMe device behind an IOMMU"
fi

ktap_start
# what a map that fails does to a disk
log_allow 'I/O error'
check "README: the recipe injects failures" works_as_written "$top/README.md"
check "iova-mt.8: the recipe injects failures" works_as_written "$top/docs/iova-mt.8"
check "README: the module is loaded with failures" load_line_works
check "iova-mt.8: three erases fail, from the thousandth on" three_erases_fail
check "README: a map fails, once" map_fails_once
check "the module is unloaded" gives_back
check "maple: no erase is hit, and the tool says so" says_that_nothing_is_hit
check "it is unloaded again" gives_back
rm -r "$work"
ktap_end
