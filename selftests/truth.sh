#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What is refused is not there: while others free, flush and drain, and at both
# ends of all pfns; with each way to defer.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

ktap_start
check "the module loads" load_mt
for way in $DEFERRALS; do
	check "deferral by $way" defer_by "$way"
	run_module_suite truth
done
check "the module unloads" unload_mt
ktap_end
