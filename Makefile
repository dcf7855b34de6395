# SPDX-License-Identifier: GPL-2.0-only
#
# For people. What kbuild and dkms read is the Kbuild beside it.
#
# Variables of an out-of-tree module: KVERSION (the running kernel), KDIR (its
# headers), and kbuild's V, W, C, INSTALL_MOD_PATH and the like.

KVERSION ?= $(shell uname -r)
KDIR     ?= /lib/modules/$(KVERSION)/build
PREFIX   ?= /usr/local

name    := iova_mt
version := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

tool_dir = $(DESTDIR)$(PREFIX)/sbin
part_dir = $(DESTDIR)$(PREFIX)/lib/iova-mt
man_dir  = $(DESTDIR)$(PREFIX)/share/man/man8
bash_dir = $(DESTDIR)$(PREFIX)/share/bash-completion/completions

.PHONY: modules modules_install clean dkms-install dkms-uninstall dist \
	install-tools uninstall-tools demo test test-debug test-debug-qemu \
	test-kcsan bench bench-quick check vm help need-headers

modules:

modules modules_install: need-headers
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@

clean: need-headers
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

need-headers:
	@test -f $(KDIR)/Makefile || { \
		echo "no kernel headers in $(KDIR):" \
		     "apt-get install linux-headers-$(KVERSION)," \
		     "or set KDIR or KVERSION" >&2; exit 1; }

dkms-install:
	@scripts/dkms install $(KVERSION) $(abspath $(KDIR))

dkms-uninstall:
	@scripts/dkms uninstall

# What is committed, and nothing else: the tarball of a tag is always the same.
dist:
	@test -z "$$(git status --porcelain)" || { \
		echo "there are changes that are not committed: a tarball would not have them" >&2; \
		exit 1; }
	git archive --format=tar.gz --prefix=$(name)-$(version)/ \
		-o $(name)-$(version).tar.gz HEAD

install-tools:
	install -D -m 755 scripts/iova-mt $(tool_dir)/iova-mt
	install -d $(part_dir)
	install -m 644 scripts/iova-mt.d/*.sh $(part_dir)
	install -D -m 755 scripts/plot-backlog $(tool_dir)/iova-mt-plot-backlog
	install -D -m 644 docs/iova-mt.8 $(man_dir)/iova-mt.8
	install -D -m 644 scripts/completion/iova-mt $(bash_dir)/iova-mt

uninstall-tools:
	rm -f $(tool_dir)/iova-mt $(tool_dir)/iova-mt-plot-backlog
	rm -f $(man_dir)/iova-mt.8 $(bash_dir)/iova-mt
	rm -rf $(part_dir)

demo:
	@scripts/demo

check:
	@scripts/check

test:
	@scripts/test

test-debug:
	@selftests/debug/run-debug

test-debug-qemu:
	@scripts/run-selftests debug

test-kcsan:
	@scripts/run-selftests kcsan

bench:
	@scripts/bench

bench-quick:
	@scripts/bench --quick

vm: export KERNEL ?= 6.12
vm: export IOMMU ?= intel
vm: export MODE ?= lazy
vm:
	@scripts/vm --kernel $(KERNEL) --iommu $(IOMMU) --mode $(MODE) --interactive

help:
	@echo 'The module, for one kernel:'
	@echo '  modules          build $(name).ko (default)'
	@echo '  modules_install  install it below INSTALL_MOD_PATH/lib/modules'
	@echo '  clean            remove what the build left'
	@echo '  dkms-install     by DKMS, also for kernels to come; again after an update of this tree (root)'
	@echo '  dkms-uninstall   remove every version from DKMS, /usr/src and /lib/modules (root)'
	@echo '  install-tools    the command iova-mt and its manual; uninstall-tools removes them'
	@echo '    PREFIX=... DESTDIR=...  where to ($(PREFIX))'
	@echo '    KVERSION=...   which kernel ($(KVERSION))'
	@echo '    KDIR=...       where its headers are ($(KDIR))'
	@echo '    V=1 W=1 C=1|2  as kbuild: verbose, more warnings, sparse'
	@echo '  dist             $(name)-$(version).tar.gz from what is committed'
	@echo
	@echo 'In virtual machines, with kernels that are downloaded into a cache (root):'
	@echo '  demo             real DMA on the allocator while its erases fail'
	@echo '    IOMMU=intel|virtio|amd  KERNEL=6.12|7.2  MODE=lazy|strict  MIB=...'
	@echo '    FAULT=<interval>,<probability>,<space>,<times>'
	@echo '    PLOT=<base>  where the picture of the backlog goes (<base>.svg, <base>.png)'
	@echo '  vm               a shell, with the module and the selftests in /$(name)'
	@echo '    KERNEL=... IOMMU=... MODE=...'
	@echo
	@echo 'Tests (root):'
	@echo '  check            static gates'
	@echo '  test             check, every selftest, test-debug'
	@echo '    KERNELS="6.12" TESTS="..."  only these'
	@echo '  test-debug       the tests that need no device, in User-Mode Linux with'
	@echo '                   KASAN, lockdep and more; and proof that those work'
	@echo '  test-debug-qemu  real DMA in QEMU, on a kernel with KASAN, lockdep, kmemleak'
	@echo '  test-kcsan       some of it, on one that looks for data races (experimental)'
	@echo '  bench            measure the allocators; bench-quick: in minutes, roughly'
