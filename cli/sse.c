/* SPDX-License-Identifier: Apache-2.0 */
#include "sse.h"

#include <string.h>

#include "base/util.h"

void sse_init(struct sse *s)
{
	*s = (struct sse){ .line = g_string_new(NULL), .data = g_string_new(NULL), .id = g_string_new(NULL) };
}

void sse_restart(struct sse *s)
{
	g_string_truncate(s->line, 0);
	g_string_truncate(s->data, 0);
	g_string_assign(s->id, s->last_id ? s->last_id : "");
	s->after_cr = false;
}

void sse_clear(struct sse *s)
{
	g_string_free(s->line, TRUE);
	g_string_free(s->data, TRUE);
	g_string_free(s->id, TRUE);
	g_free(s->last_id);
}

/* The empty line behind a block. The id counts also where nothing came with it. */
static bool end_block(struct sse *s, sse_event_f *fn, void *user)
{
	bool go_on = true;

	if (s->id->len)
		util_replace(&s->last_id, s->id->str);
	if (s->data->len) {
		g_string_truncate(s->data, s->data->len - 1); /* the last line's end */
		go_on = fn(s->data->str, user);
	}
	g_string_truncate(s->data, 0);
	return go_on;
}

/* The name of an event stands in its data too; only data and id are of use. */
static bool take_line(struct sse *s, sse_event_f *fn, void *user)
{
	char *value = strchr(s->line->str, ':');

	if (!s->line->len)
		return end_block(s, fn, user);
	if (value)
		*value++ = '\0';
	else
		value = s->line->str + s->line->len;
	value += *value == ' ';
	if (strcmp(s->line->str, "data") == 0)
		g_string_append_printf(s->data, "%s\n", value);
	else if (strcmp(s->line->str, "id") == 0)
		g_string_assign(s->id, value);
	return s->data->len <= SSE_BLOCK_MAX;
}

bool sse_feed(struct sse *s, const char *bytes, size_t len, sse_event_f *fn, void *user)
{
	for (size_t i = 0; i < len; i++) {
		bool skip = s->after_cr && bytes[i] == '\n';

		s->after_cr = bytes[i] == '\r';
		if (skip)
			continue;
		if (bytes[i] != '\n' && bytes[i] != '\r') {
			g_string_append_c(s->line, bytes[i]);
			if (s->line->len > SSE_BLOCK_MAX)
				return false;
			continue;
		}
		if (!take_line(s, fn, user))
			return false;
		g_string_truncate(s->line, 0);
	}
	return true;
}
