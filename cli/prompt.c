/* SPDX-License-Identifier: Apache-2.0 */
#include "prompt.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wait.h"

#define LINE_MAX_BYTES 200

static gboolean on_readable(int fd, GIOCondition condition, void *user)
{
	(void)fd, (void)condition;
	*(bool *)user = true;
	return G_SOURCE_REMOVE;
}

/* Waits for input, or for Ctrl-C. Return: false for the latter. */
static bool wait_readable(void)
{
	bool readable = false;
	guint source = g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, &readable);

	while (!readable && !wait_interrupted())
		g_main_context_iteration(NULL, TRUE);
	if (!readable)
		g_source_remove(source);
	return readable;
}

/* Byte by byte: what follows the line is the next answer's. Return: the line without its end, owned; NULL at the end of the input or after Ctrl-C. */
static char *read_line(void)
{
	GString *line = g_string_new(NULL);
	char byte = 0;

	while (wait_readable() && read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n') {
		if (line->len < LINE_MAX_BYTES)
			g_string_append_c(line, byte);
		byte = 0;
	}
	if (byte == '\n')
		return g_string_free(line, FALSE);
	g_string_free(line, TRUE);
	return NULL;
}

/* Return: its index; -1 for none, or for several. */
static int find_answer(const char *text, const char *const *answers)
{
	int found = -1;

	for (int i = 0; *text && answers[i]; i++) {
		if (g_ascii_strncasecmp(answers[i], text, strlen(text)) != 0)
			continue;
		if (found >= 0)
			return -1;
		found = i;
	}
	return found;
}

int prompt_ask(const char *question, const char *const *answers)
{
	g_autofree char *list = g_strjoinv("/", (char **)answers);

	for (;;) {
		g_autofree char *line = NULL;
		int found;

		fprintf(stderr, "%s [%s] ", question, list);
		fflush(stderr);
		line = read_line();
		if (!line || !isatty(STDIN_FILENO))
			fputc('\n', stderr);
		if (!line)
			return -1;
		found = find_answer(g_strstrip(line), answers);
		if (found >= 0)
			return found;
	}
}

enum prompt_break prompt_break(const char *what)
{
	static const char *const answers[] = { [BREAK_LEAVE] = "leave", [BREAK_ABORT] = "abort", [BREAK_GO_ON] = "go on", NULL };
	g_autofree char *question = g_strdup_printf("%s is under way: leave it running, abort it, or go on watching?", what);
	int answer;

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return BREAK_LEAVE;
	wait_forget();
	answer = prompt_ask(question, answers);
	if (answer > BREAK_LEAVE)
		return (enum prompt_break)answer;
	return BREAK_LEAVE;
}
