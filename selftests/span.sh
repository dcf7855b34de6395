#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Spans: many small ranges share an entry of the index, and nothing is refused
# that would fit; with each way to defer.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

ktap_start
check "the module loads" load_mt
for way in $DEFERRALS; do
	check "deferral by $way" defer_by "$way"
	run_module_suite span
done
check "the module unloads" unload_mt
ktap_end
