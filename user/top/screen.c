// SPDX-License-Identifier: GPL-2.0-only
#include "top/screen.h"

#include <curses.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "top/key.h"

#define ESCAPE_MS 100		/* a key's bytes may come in two packets */
#define NOTE_SECONDS 10
#define MOST_NOTES 16

static SCREEN *screen;		/* NULL: not open */
static bool stale;

/* ---- what is said meanwhile ---- */

static struct {
	char line[MOST_NOTES][512];
	unsigned int n;
	time_t since;		/* of the last one */
} notes;

static void take_note(const char *line)
{
	unsigned int at = notes.n % MOST_NOTES;

	snprintf(notes.line[at], sizeof(notes.line[at]), "%s", line);
	notes.n++;
	notes.since = time(NULL);
}

static void say_notes(void)
{
	unsigned int first = notes.n > MOST_NOTES ? notes.n - MOST_NOTES : 0;

	for (unsigned int i = first; i < notes.n; i++)
		ims_error("%s", notes.line[i % MOST_NOTES]);
	notes.n = 0;
}

const char *screen_note(void)
{
	if (!notes.n || time(NULL) - notes.since > NOTE_SECONDS)
		return NULL;
	return notes.line[(notes.n - 1) % MOST_NOTES];
}

/* ---- the end that was not foreseen ---- */

static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT, SIGHUP };
static struct termios before;
static char undo[256];		/* what makes the terminal as it was */
static size_t undo_len;

/* Without the delays that are for terminals of paper, "$<5>". */
static void add_undo(const char *name)
{
	const char *s = tigetstr(name);

	if (!s || s == (char *)-1)
		return;
	while (*s && undo_len < sizeof(undo)) {
		if (!strncmp(s, "$<", 2) && strchr(s, '>'))
			s = strchr(s, '>') + 1;
		else
			undo[undo_len++] = *s++;
	}
}

static void on_fatal(int sig)
{
	if (write(STDOUT_FILENO, undo, undo_len) < 0)
		_exit(128 + sig);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
	raise(sig);		/* the default action, by SA_RESETHAND */
}

static void catch_fatal(bool on)
{
	struct sigaction act = { .sa_handler = on ? on_fatal : SIG_DFL,
				 .sa_flags = SA_RESETHAND | SA_NODEFER };

	for (unsigned int i = 0; i < sizeof(fatal) / sizeof(*fatal); i++)
		sigaction(fatal[i], &act, NULL);
}

/* ---- opening and closing ---- */

/* newterm() would end the program, or draw on a terminal that cannot move its cursor. */
static bool is_able(void)
{
	const char *name = getenv("TERM");
	char *move;
	int err;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		ims_error("standard input and output are no terminal; use --batch");
		return false;
	}
	if (setupterm(NULL, STDOUT_FILENO, &err)) {
		ims_error("the terminal type '%s' (TERM) is not known here; set TERM to what fits, "
			  "such as xterm or vt100, or use --batch", name ? name : "");
		return false;
	}
	move = tigetstr("cup");
	if (!move || move == (char *)-1) {
		ims_error("a terminal of type '%s' (TERM) cannot move its cursor; set TERM to what "
			  "fits, such as xterm or vt100, or use --batch", name ? name : "");
		return false;
	}
	return true;
}

int screen_open(void)
{
	setlocale(LC_CTYPE, "");
	if (!is_able())
		return -1;
	tcgetattr(STDIN_FILENO, &before);
	undo_len = 0;
	add_undo("sgr0");
	add_undo("cnorm");
	add_undo("rmkx");
	add_undo("rmcup");
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		ims_error("cannot use the terminal; use --batch");
		return -1;
	}
	catch_fatal(true);
	cbreak();
	noecho();
	nonl();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_RED, -1);
	}
	ims_say_taker = take_note;
	stale = true;
	return 0;
}

void screen_close(void)
{
	if (!screen)
		return;
	curs_set(1);
	endwin();
	delscreen(screen);
	screen = NULL;
	catch_fatal(false);
	ims_say_taker = NULL;
	say_notes();
}

/* ---- keys ---- */

int screen_key(void)
{
	int key = getch();

	switch (key) {
	case ERR: return TOP_KEY_NONE;
	case KEY_UP: return TOP_KEY_UP;
	case KEY_DOWN: return TOP_KEY_DOWN;
	case KEY_LEFT: return TOP_KEY_LEFT;
	case KEY_RIGHT: return TOP_KEY_RIGHT;
	case KEY_PPAGE: return TOP_KEY_PAGE_UP;
	case KEY_NPAGE: return TOP_KEY_PAGE_DOWN;
	case KEY_HOME: return TOP_KEY_HOME;
	case KEY_END: return TOP_KEY_END;
	case KEY_ENTER: case '\r': case '\n': return TOP_KEY_ENTER;
	case KEY_BACKSPACE: case '\b': case 127: return TOP_KEY_BACK;
	case 27: return TOP_KEY_ESCAPE;
	case 'L' - '@':
		clearok(curscr, TRUE);
		stale = true;
		return TOP_KEY_NONE;
	case KEY_RESIZE:
		stale = true;
		return TOP_KEY_NONE;
	}
	return key > 0 && key < 128 ? key : TOP_KEY_NONE;
}

bool screen_stale(void)
{
	bool was = stale;

	stale = false;
	return was;
}

/* ---- drawing ---- */

void screen_size(int *rows, int *cols)
{
	getmaxyx(stdscr, *rows, *cols);
}

static attr_t look(unsigned char attr)
{
	switch (attr) {
	case GRID_HEAD: return A_BOLD;
	case GRID_CHOSEN: return A_REVERSE;
	case GRID_ALERT: return has_colors() ? A_BOLD | COLOR_PAIR(1) : A_BOLD;
	}
	return A_NORMAL;
}

void screen_show(const struct grid *g)
{
	for (int row = 0; row < g->rows; row++)
		for (int col = 0, next; col < g->cols; col = next) {
			const char *text = g->text + (size_t)row * g->cols;
			const unsigned char *attr = g->attr + (size_t)row * g->cols;

			for (next = col; next < g->cols && attr[next] == attr[col];)
				next++;
			attrset(look(attr[col]));
			mvaddnstr(row, col, text + col, next - col);
		}
	refresh();
}
