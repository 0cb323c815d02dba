# SPDX-License-Identifier: GPL-2.0-only
# A maker of recordings for the tests of report and --perfetto.

STORY_OBJS = $(filter-out $(B)/user/main.o,$(OBJS))

$(B)/report/story: $(B)/tests/report/story.o $(STORY_OBJS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

-include $(B)/tests/report/story.d
