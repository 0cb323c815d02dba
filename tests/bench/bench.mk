# SPDX-License-Identifier: GPL-2.0-only
# make bench: costs in instructions and the verifier's speed, see tests/bench/run.

.PHONY: bench

BENCH_HDR = $(shell scripts/kernel headers 6.12)
BENCH_OBJS = $(filter $(B)/user/model/%.o $(B)/user/rules/%.o,$(OBJS))

bench: all $(B)/bench/map_bench $(B)/bench/verifier_speed
	@scripts/setup build kernel vm bench
	@tests/bench/run

$(B)/bench/map_bench: tests/bench/map_bench.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -isystem $(BENCH_HDR) -o $@ $<

$(B)/bench/verifier_speed: tests/bench/verifier_speed.c $(BENCH_OBJS)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -o $@ $^
