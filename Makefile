# SPDX-License-Identifier: GPL-2.0-only
#
# Build iommuscope into build/.
#
#	make			build/iommuscope
#	make demo		a guest, real DMA, the verdict; then a kernel bug, caught
#	make test		everything that is tested; JUNIT=FILE for a report
#	make mutants		which rule catches which planted bug
#	make mutants-stock	and on an unmodified kernel; into docs/mutants-stock.md
#	make mutants-7.3	and on 7.3, both ways; into docs/mutants-7.3-*.md
#	make races		does KCSAN see a data race in our own iommufd? RACES=--seconds 60
#	make unit		the unit tests, with sanitizers
#	make fuzz		a million arbitrary inputs, FUZZ_RUNS
#	make bench		what being watched costs
#	make bench-kernel	what our own iommufd costs beside upstream's; BENCH=--7.3
#	make install		PREFIX=/usr/local DESTDIR=
#	make clean
#	make V=1 ...		show commands
#	make help		this list
#
# The BPF programs become an object, the object a C header (skeleton), and that
# a part of the binary. Nothing of the running kernel is needed for it.

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= bpftool
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g -Wall -Wextra

B := build
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

ALL_CFLAGS := -std=gnu11 -I. -Iuser -I$(B) -MMD -MP $(CFLAGS)
LIBS = $(shell $(PKG_CONFIG) --libs libbpf libseccomp libzstd libelf json-c ncursesw) -lm $(LDLIBS)

# How a function of the kernel is given its arguments.
BPF_ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/')
# Flags of the distribution's hardening would break this; keep them apart.
BPF_CFLAGS ?= -O2 -g -Wall -Wextra -Wno-unused-parameter
ALL_BPF_CFLAGS := -target bpf -mcpu=v3 $(BPF_CFLAGS) -Ibpf -Iuser \
		  -D__TARGET_ARCH_$(BPF_ARCH) -idirafter /usr/include/$(shell $(CC) -dumpmachine)

SRCS := $(wildcard user/*.c user/*/*.c)
OBJS := $(SRCS:%.c=$(B)/%.o)

.PHONY: all unit demo test mutants mutants-stock mutants-7.3 races plantable install clean tools help
.DELETE_ON_ERROR:

all: $(B)/iommuscope

$(B)/iommuscope: $(OBJS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/%.o: %.c | tools
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/user/main.o $(B)/user/record/origin.o: ALL_CFLAGS += -DIMS_VERSION='"$(VERSION)"'
$(B)/user/source/probes.o: $(B)/tracepoints.skel.h $(B)/fentry.skel.h
$(B)/user/source/snapshot.o: $(B)/snapshot.skel.h
$(B)/user/profile/live.o: $(B)/profile.skel.h
$(B)/user/report/assets.o $(B)/unit/user/report/assets.o: $(wildcard user/report/page/* third_party/uplot/*)

# ---- BPF ----

$(B)/%.tmp.o: bpf/%.bpf.c $(wildcard bpf/*.h) user/profile/hist.h | tools
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(ALL_BPF_CFLAGS) -c -o $@ $<

$(B)/%.bpf.o: $(B)/%.tmp.o
	$(Q)$(BPFTOOL) gen object $@ $<

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

.SECONDARY:

# ---- what must be installed ----

tools:
	@for tool in "$(CC)" "$(CLANG)" "$(BPFTOOL)" "$(PKG_CONFIG)"; do \
		command -v $${tool%% *} >/dev/null || \
		{ echo "make: $$tool is missing; run scripts/setup" >&2; exit 2; }; \
	done
	@for lib in libbpf libseccomp libzstd libelf json-c ncursesw; do $(PKG_CONFIG) --exists $$lib || \
		{ echo "make: $$lib-dev is missing; run scripts/setup" >&2; exit 2; }; \
	done

# ---- unit tests: everything but main and the live source, sanitized ----

U := $(B)/unit
# A test that nobody runs is not in the list of its file: a mistake.
UNIT_CFLAGS := -std=gnu11 -I. -Iuser -I$(B) -MMD -MP -O1 -g -Wall -Wextra -Werror=unused-function \
	       -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_SRCS := $(filter-out user/main.c user/source/live%.c user/source/probes%.c user/source/hooks%.c user/source/facts.c \
	       user/source/snapshot.c user/profile/live.c user/top/screen.c \
	       user/cmd/%.c,$(SRCS))
UNIT_OBJS := $(UNIT_SRCS:%.c=$(U)/%.o)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(U)/%,$(wildcard tests/unit/test_*.c))

unit: $(UNIT_TESTS)
	@failed=; for t in $(UNIT_TESTS); do \
		echo "  TEST    $$t"; $$t || failed="$$failed $$t"; \
	done; [ -z "$$failed" ] || { echo "make: failed:$$failed" >&2; exit 1; }

$(U)/%.o: %.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(U)/test_%: $(U)/tests/unit/test_%.o $(UNIT_OBJS)
	$(call say,LINK,$@)
	$(Q)$(CC) $(UNIT_CFLAGS) -o $@ $^ -lcmocka -lseccomp -lzstd -lelf -ljson-c -lm

include tests/bench/bench.mk
include tests/fuzz/fuzz.mk
include tests/report/report.mk

# ---- the demonstration, and the tests in guests ----

# The distribution's own Python, for which python3-pytest is installed.
PYTEST = PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -q -p no:cacheprovider
WORKLOADS = $(MAKE) -s -C tests/workload OUT=$(CURDIR)/$(B)/workload

demo:
	@scripts/demo

# Files of tests side by side; a guest has little use for a second CPU.
test:
	@scripts/setup build vm kernel test
	@$(MAKE) all
	@$(WORKLOADS)
	@$(PYTEST) -n auto --maxprocesses 4 --dist loadfile $(if $(JUNIT),--junitxml=$(abspath $(JUNIT))) tests </dev/null

mutants mutants-stock mutants-7.3 races: plantable

plantable:
	@scripts/setup build vm kernel test
	@$(MAKE) all
	@$(WORKLOADS)

mutants:
	@$(PYTEST) --tb=line -k "caught or missed" tests/test_mutants.py </dev/null

# A table of docs/, in FLAVOUR and VERSION.
mutant_table = /usr/bin/python3 tests/mutants/table --flavour $(1) --version $(2) >$(B)/$(3); rc=$$?; \
		[ ! -s $(B)/$(3) ] || cp $(B)/$(3) docs/; exit $$rc

mutants-stock:
	@$(call mutant_table,stock,6.12,mutants-stock.md)

mutants-7.3:
	@$(call mutant_table,stock,7.3,mutants-7.3-stock.md)
	@$(call mutant_table,traced,7.3,mutants-7.3-traced.md)

races:
	@tests/races $(RACES)

# ---- the rest ----

help:
	@sed -n '/^#\tmake/s/^#\t//p' Makefile

install: all
	install -D -m 0755 $(B)/iommuscope $(DESTDIR)$(PREFIX)/bin/iommuscope

clean:
	rm -rf $(B)

-include $(OBJS:.o=.d) $(UNIT_OBJS:.o=.d) $(wildcard $(U)/tests/unit/*.d)
