#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Spans: many small ranges share an entry of the index, and nothing is refused
# that would fit; with each way to defer.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

WAY=/sys/module/iova_mt/parameters/deferral

ktap_start
check "the module loads" load_mt
for way in marker list; do
	check "deferral by $way" sh -c "echo $way >$WAY"
	run_module_suite span
done
check "the module unloads" unload_mt
ktap_end
