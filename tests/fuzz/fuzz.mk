# SPDX-License-Identifier: GPL-2.0-only
# make fuzz: arbitrary bytes for the verifier and the reader, FUZZ_RUNS inputs in
# all, see tests/fuzz/run. It takes clang and its libFuzzer.

.PHONY: fuzz

FUZZ_RUNS ?= 1000000
F := $(B)/fuzz
FUZZ_SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS := -std=gnu11 -I. -Iuser -Itests/fuzz -MMD -MP -O1 -g -Wall -Wextra $(FUZZ_SANITIZE)
FUZZ_SRCS := $(wildcard user/model/*.c user/rules/*.c user/record/*.c)
FUZZ_OBJS := $(FUZZ_SRCS:%.c=$(F)/%.o)

fuzz: $(F)/fuzz_stream $(F)/fuzz_recording
	@tests/fuzz/run $(FUZZ_RUNS) $(F)

# What they compare are numbers of the input as it is only in the reader.
$(F)/user/model/%.o $(F)/user/rules/%.o: FUZZ_CFLAGS += -fno-sanitize-coverage=trace-cmp
$(F)/user/rules/history.o: FUZZ_CFLAGS += -DBUF=16384ULL -DRECORDS=128ULL

$(F)/%.o: %.c | tools
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_CFLAGS) -c -o $@ $<

$(F)/fuzz_%: $(F)/tests/fuzz/fuzz_%.o $(FUZZ_OBJS)
	$(call say,LINK,$@)
	$(Q)$(CLANG) $(FUZZ_SANITIZE) -fsanitize=fuzzer -o $@ $^ -lzstd

-include $(FUZZ_OBJS:.o=.d) $(wildcard $(F)/tests/fuzz/*.d)
