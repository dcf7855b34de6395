#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC3043 # local: every sh in use here has it
# shellcheck disable=SC2119 # ktap_start without a count
# shellcheck disable=SC2317 # check calls them
#
# A reader that does not leave the file of a domain (it may be in a page fault)
# keeps that domain from being destroyed. Nobody else waits for it: domains are
# made and destroyed, and the totals are read, and are right.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

SLOW=/sys/module/iova_mt_slow_reader/parameters

parameter_is()
{
	[ "$(cat "$SLOW/$1")" = "$2" ]
}

reader_begins()
{
	dbg "domains/$(cat "$SLOW/id")/lock_stat" >/dev/null 2>&1 &
	reader=$!
	wait_for 10 parameter_is reading Y
}

# What is waited for is behind it when it has slept a while: longer does no harm.
destroy_begins()
{
	rmmod iova_mt_slow_reader &
	destroyer=$!
	wait_for 10 parameter_is going Y && sleep 1 && still_waits
}

still_waits()
{
	kill -0 "$destroyer"
}

is_over()
{
	! kill -0 "$destroyer" 2>/dev/null && ! kill -0 "$reader" 2>/dev/null
}

# Domains of many CPUs come and go.
domains_come_and_go()
{
	insmod "$ktap_dir/iova_mt_load.ko" churn=2 && sleep 1 && rmmod iova_mt_load
}

mt_loaded && ktap_skip_all "iova_mt is loaded already"
ktap_start
check "loads" load_mt
check "a domain is made" insmod "$ktap_dir/iova_mt_slow_reader.ko"
allocs=$(counter stats alloc)
check_equal "it has allocated" 1000 "$allocs"
check "somebody reads about it, and stays" reader_begins
check "it is destroyed, and waits for the reader" destroy_begins
check "the totals are read meanwhile" ends counter stats alloc
check_equal "they are what they were" "$allocs" "$(ends counter stats alloc)"
check "other domains come and go meanwhile" ends domains_come_and_go
check "it still waits" still_waits
echo N >"$SLOW/hold"
check "the reader leaves, and both end" wait_for 10 is_over
check "the totals have not gone down" [ "$(counter stats alloc)" -ge "$allocs" ]
check "its directory is gone" [ -z "$(ls "$MT_DEBUGFS/domains")" ]
check "unloads" unload_mt
ktap_end
