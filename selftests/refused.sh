#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2119 # ktap_start without a count
#
# On a kernel on which it cannot run the module refuses to load, and the log says
# why. Only for such kernels.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

refused_as_unsupported()
{
	refused "Operation not supported" load_mt
}

ktap_start
check "the load is refused as not supported" refused_as_unsupported
check "the log says which kernels the module needs" refused "Linux 6.12 or later" load_mt
check "the log says what is wrong with this one" \
	refused "kmem_cache_alloc_bulk" load_mt
check_equal "nothing of it stays" no "$(mt_loaded && echo yes || echo no)"
ktap_end
