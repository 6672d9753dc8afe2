/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "client.h"
#include "follow.h"
#include "wait.h"

#define EVERY_MS 2000

struct watched {
	bool terminal;
	bool drawn;
	char *last;       /* what was shown; owned */
	int64_t heard_ms;
};

/* As much of the text as the screen has lines, each cut by the terminal: nothing wraps. */
static void draw_over(struct watched *w, const char *text)
{
	struct winsize size = { .ws_row = 24 };
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	fputs(w->drawn ? "\033[?7l\033[H" : "\033[?7l\033[H\033[J", stdout);
	for (int i = 0; lines[i] && *lines[i] && i + 1 < size.ws_row; i++)
		printf("%s\033[K\n", lines[i]);
	fputs("\033[J\033[?7h", stdout);
	w->drawn = true;
}

static void show(struct watched *w, const char *text)
{
	if (g_strcmp0(text, w->last) == 0)
		return;
	if (w->terminal)
		draw_over(w, text);
	else
		printf("%s%s", w->last ? "\n" : "", text);
	fflush(stdout);
	g_free(w->last);
	w->last = g_strdup(text);
}

/* One run of the command. Return: false if it is the last one. */
static bool run_once(struct cli *c, struct watched *w, GError **err)
{
	g_autoptr(GString) frame = g_string_new(NULL);
	GError *why = NULL;
	bool ok;

	c->frame = frame;
	ok = c->cmd->run(c, &why);
	c->frame = NULL;
	if (ok) {
		w->heard_ms = clock_now_ms();
		show(w, frame->str);
		return !ferror(stdout);
	}
	if (w->last && follow_may_pass(why) && clock_now_ms() - w->heard_ms <= FOLLOW_SILENT_MS) {
		g_error_free(why);
		return true;
	}
	g_propagate_error(err, why);
	return false;
}

bool watch_run(struct cli *c, GError **err)
{
	struct watched w = { .terminal = isatty(STDOUT_FILENO) && g_strcmp0(g_getenv("TERM"), "dumb") != 0 };
	GError *why = NULL;

	while (run_once(c, &w, &why)) {
		wait_signals(c->client);
		if (!wait_ms(EVERY_MS)) {
			g_set_error(&why, CLI_ERR, CLI_INTERRUPTED, "interrupted");
			break;
		}
	}
	g_free(w.last);
	if (!why)
		return true; /* the reader is gone */
	g_propagate_error(err, why);
	return false;
}
