# SPDX-License-Identifier: GPL-2.0-only
# make bench: costs in instructions and the verifier's speed, see tests/bench/run.
# make bench-kernel: our own iommufd beside upstream's, see tests/bench/kernel.

.PHONY: bench bench-kernel

BENCH_HDR = $(shell scripts/kernel headers 6.12)
BENCH_OBJS = $(filter $(B)/user/model/%.o $(B)/user/rules/%.o $(B)/user/record/%.o $(B)/user/say.o $(B)/user/progress.o,$(OBJS))

bench: all $(B)/bench/map_bench $(B)/bench/verifier_speed
	@scripts/setup build kernel vm bench
	@$(WORKLOADS)
	@tests/bench/run

# First that it is right with the patches of kernel_patch/core, which make test does without.
bench-kernel: all $(B)/bench/map_bench
	@scripts/setup build kernel vm test bench
	@$(WORKLOADS)
	@IOMMUSCOPE_CORE=1 $(PYTEST) -k "under_check or record or sync" tests/test_own.py </dev/null
	@tests/bench/kernel $(BENCH)

$(B)/bench/map_bench: tests/bench/map_bench.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -isystem $(BENCH_HDR) -o $@ $<

$(B)/bench/verifier_speed: tests/bench/verifier_speed.c $(BENCH_OBJS)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^ -lzstd
