/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys, as the view knows them: those of curses would bring its macros along. */
#ifndef IMS_TOP_KEY_H
#define IMS_TOP_KEY_H

enum top_key {
	TOP_KEY_NONE = 0,
	/* what is smaller is a character */
	TOP_KEY_UP = 256, TOP_KEY_DOWN, TOP_KEY_LEFT, TOP_KEY_RIGHT, TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN, TOP_KEY_HOME, TOP_KEY_END, TOP_KEY_ENTER, TOP_KEY_BACK, TOP_KEY_ESCAPE,
};

#endif
