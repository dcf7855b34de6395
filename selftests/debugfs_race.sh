#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck disable=SC2119 # ktap_start without a count
# shellcheck disable=SC2317 # check calls them
#
# Everything below iova_mt in debugfs is read in a loop for a while, whole and in
# small pieces, while DMA runs, erases fail, and domains come and go. No file may
# make the kernel complain, hang, or say something that is not of its form; and
# what the domains do is not disturbed.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=takeover.inc
. "$(dirname "$0")/takeover.inc"

SECONDS_EACH=${SECONDS_EACH:-10}

stop=$(mktemp)
strange=$(mktemp)
passes=$(mktemp)

# The forms that lines have, whichever file they are in.
FORM='^(#.*'
FORM="$FORM|[a-z0-9_.-]+: .*"
FORM="$FORM|[a-z0-9_-]+ +[a-z0-9_]+ +[0-9]+"
FORM="$FORM|0x[0-9a-f]+ +0x[0-9a-f]+ +[0-9]+ +[a-z]+"
FORM="$FORM|[0-9]+ +[0-9]+ +[0-9]+"
FORM="$FORM|[0-9]+ [a-z]+/[0-9a-z_:.-]+"
FORM="$FORM|not supported by this kernel"
FORM="$FORM|-?[0-9]+)\$"

# readable_files: now
readable_files()
{
	find "$MT_DEBUGFS" -type f ! -perm 0200 2>/dev/null
}

# One program reads them all, one after the other: a file may be gone when its
# turn comes. This one looks at the forms.
read_all()
{
	# shellcheck disable=SC2046 # a list of files
	cat $(readable_files) 2>/dev/null
}

reader()
{
	while [ -e "$stop" ]; do
		read_all | grep -vE "$FORM" >>"$strange"
		echo whole >>"$passes"
	done
}

reader_in_small_pieces()
{
	local file

	while [ -e "$stop" ]; do
		for file in "$MT_DEBUGFS"/domains/*/* "$MT_DEBUGFS"/takeover/* \
			    "$MT_DEBUGFS/stats" "$MT_DEBUGFS/backlog"; do
			dd if="$file" bs=37
		done >/dev/null 2>&1
		echo small >>"$passes"
	done
}

# Opens everything, and reads it when some of it is gone.
reader_of_the_gone()
{
	local file

	while [ -e "$stop" ]; do
		for file in "$MT_DEBUGFS"/domains/*/ranges \
			    "$MT_DEBUGFS"/domains/*/lock_stat; do
			{ sleep 0.1; cat <&5; } 5<"$file"
		done >/dev/null 2>&1
		echo gone >>"$passes"
	done
}

# Who looks may also switch.
switcher()
{
	while [ -e "$stop" ]; do
		echo 1 >"$MT_DEBUGFS/lock_stat"
		echo 1 >"$MT_DEBUGFS/drain"
		sleep 0.2
		echo 0 >"$MT_DEBUGFS/lock_stat"
		echo 1 >"$MT_DEBUGFS/reset"
		sleep 0.2
	done 2>/dev/null
}

begin_readers()
{
	: >"$stop"
	: >"$passes"
	: >"$strange"
	reader & readers=$!
	reader_in_small_pieces & readers="$readers $!"
	reader_of_the_gone & readers="$readers $!"
	switcher & readers="$readers $!"
}

# Each ends the pass that it is in. Not in a subshell, which cannot wait for them.
end_readers()
{
	rm "$stop"
	# shellcheck disable=SC2086 # a list of numbers
	wait $readers
	ktap_note "passes: $(sort "$passes" | uniq -c | tr -s ' \n' ' ')"
}

each_has_read()
{
	local kind

	for kind in whole small gone; do
		echo "$kind: $(grep -c "$kind" "$passes")"
		grep -q "$kind" "$passes" || return 1
	done
}

nothing_strange()
{
	[ ! -s "$strange" ] || { sort "$strange" | uniq -c | head -n 20; return 1; }
}

erases_fail()
{
	echo -1 >"$MT_DEBUGFS/fail_erase/times"
	echo "$1" >"$MT_DEBUGFS/fail_erase/probability"
}

everything_drains()
{
	echo 1 >"$MT_DEBUGFS/drain" && counter_is backlog pending_ranges 0
}

# verdict <what>: of the readers that have ended
verdict()
{
	check "$1: all have read" each_has_read
	check "$1: every line had its form" nothing_strange
}

# --- domains that come and go by themselves ---------------------------------

domains_so_far()
{
	cat /sys/module/iova_mt_load/parameters/domains
}

test_load()
{
	local domains

	erases_fail 30
	check "domains come and go" insmod "$ktap_dir/iova_mt_load.ko" churn=2
	begin_readers
	sleep "$SECONDS_EACH"
	end_readers
	domains=$(domains_so_far)
	erases_fail 0
	ktap_note "$domains domains came and went"
	check "they did so under readers" [ "$domains" -gt 0 ]
	verdict "domains that come and go"
	check "and are gone" rmmod iova_mt_load
	check "nothing is left of them" [ -z "$(ls "$MT_DEBUGFS/domains")" ]
	check "nothing is pending" counter_is backlog pending_ranges 0
}

# --- DMA --------------------------------------------------------------------

# The NVMe disk does I/O and stays; the other one gets domain after domain.
virtio_comes_and_goes()
{
	local end round=0

	end=$(($(cut -d. -f1 /proc/uptime) + SECONDS_EACH))
	while [ "$(cut -d. -f1 /proc/uptime)" -lt "$end" ]; do
		fresh_domain "$VIRTIO" && disk_io both "$VIRTIO" "$round" 1 || return 1
		round=$((round + 1))
	done
	echo "$round domains"
	[ "$round" -gt 0 ]
}

have_disks()
{
	modprobe nvme 2>/dev/null
	modprobe virtio_blk 2>/dev/null
	NVME=$(nvme_pci) && VIRTIO=$(virtio_blk_pci) &&
		[ -e "/sys/bus/pci/devices/$NVME/iommu_group" ]
}

test_dma()
{
	if ! have_disks 2>/dev/null; then
		ktap_skip "reading while DMA runs" "no disks behind an IOMMU"
		return
	fi
	NVME_TYPE=$(domain_type "$NVME")
	VIRTIO_TYPE=$(domain_type "$VIRTIO")
	check "disks are taken over" own_disks
	erases_fail 30
	begin_readers
	io_begin "$NVME"
	check "a disk gets new domains while all is read" virtio_comes_and_goes
	check "the data of the other one is right" io_end
	end_readers
	erases_fail 0
	verdict "DMA"
	check "everything drains" everything_drains
	check "disks are given back" give_back_disks
}

mt_loaded && ktap_skip_all "iova_mt is loaded already"
ktap_start
check "loads" load_mt
test_load
test_dma
check "unloads" unload_mt
rm -f "$stop" "$strange" "$passes"
ktap_end
