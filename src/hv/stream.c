/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/stream.h"

#include <glib.h>

void hv_stream_use(struct hv_stream *s, const struct hv_stream_calls *calls, void *user)
{
	g_assert(!s->calls);
	s->calls = calls;
	s->user = user;
	s->ops->use(s);
}

void hv_stream_send(struct hv_stream *s, const char *data, size_t len)
{
	if (!s->ended && len)
		s->ops->send(s, data, len);
}

void hv_stream_pause(struct hv_stream *s, bool paused)
{
	if (!s->ended)
		s->ops->pause(s, paused);
}

void hv_stream_close(struct hv_stream *s)
{
	if (!s)
		return;
	s->calls = NULL;
	s->ops->close(s);
}
