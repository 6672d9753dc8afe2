/* SPDX-License-Identifier: Apache-2.0
 *
 * A client's bytes as frames, whole and in pieces: the messages are the same, none is as long as a message may not be, and after the end
 * nothing is taken.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "console/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct ws *ws;
	GString *messages;
	bool echo;
};

static void to_client(const char *data, size_t len, void *user)
{
	(void)data;
	(void)len;
	(void)user;
}

static void message(const char *data, size_t len, void *user)
{
	struct seen *s = user;

	g_assert_true(len < WS_MESSAGE_MAX);
	g_string_append_len(s->messages, data, (gssize)len);
	g_string_append_c(s->messages, '|');
	if (s->echo)
		ws_send(s->ws, data, len); /* from within, as a screen's opening does */
}

static const struct ws_calls calls = { to_client, message };

/* In pieces of @piece bytes. Return: owned. */
static GString *run(const uint8_t *data, size_t size, size_t piece, bool echo)
{
	struct seen s = { .messages = g_string_new(NULL), .echo = echo };
	bool open = true;

	s.ws = ws_new(&calls, &s);
	for (size_t at = 0; open && at < size; at += piece)
		open = ws_receive(s.ws, (const char *)data + at, MIN(piece, size - at));
	if (open) {
		ws_ping(s.ws);
		ws_close(s.ws, WS_STOPPED, "stopped");
		ws_send(s.ws, "x", 1);
	}
	ws_free(s.ws);
	return s.messages;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GString) whole = run(data, size, MAX(size, 1), false), pieces = run(data, size, 1 + size % 7, true);

	g_assert_true(g_string_equal(whole, pieces));
	return 0;
}
