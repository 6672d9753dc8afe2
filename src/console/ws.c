/* SPDX-License-Identifier: Apache-2.0 */
#include "console/ws.h"

#include <string.h>

#include <glib.h>
#include <wslay/wslay.h>

#define REASON_MAX 120

struct ws {
	wslay_event_context_ptr ctx;
	const struct ws_calls *calls;
	void *user;
	const char *in;
	size_t in_len;
	bool heard;
};

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags, void *user)
{
	struct ws *w = user;
	size_t n = MIN(len, w->in_len);

	(void)flags;
	if (!n) {
		wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(buf, w->in, n);
	w->in += n;
	w->in_len -= n;
	return (ssize_t)n;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags, void *user)
{
	struct ws *w = user;

	(void)ctx;
	(void)flags;
	w->calls->send((const char *)data, len, w->user);
	return (ssize_t)len;
}

static void on_msg(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *m, void *user)
{
	struct ws *w = user;

	(void)ctx;
	w->heard = true;
	if (m->opcode == WSLAY_TEXT_FRAME || m->opcode == WSLAY_BINARY_FRAME)
		w->calls->message((const char *)m->msg, m->msg_length, w->user);
}

struct ws *ws_new(const struct ws_calls *calls, void *user)
{
	static const struct wslay_event_callbacks callbacks = { .recv_callback = on_recv, .send_callback = on_send, .on_msg_recv_callback = on_msg };
	struct ws *w = g_new0(struct ws, 1);

	w->calls = calls;
	w->user = user;
	g_assert(wslay_event_context_server_init(&w->ctx, &callbacks, w) == 0);
	wslay_event_config_set_max_recv_msg_length(w->ctx, WS_MESSAGE_MAX - 1);
	return w;
}

void ws_free(struct ws *w)
{
	if (!w)
		return;
	wslay_event_context_free(w->ctx);
	g_free(w);
}

static bool flush(struct ws *w)
{
	return wslay_event_send(w->ctx) == 0;
}

bool ws_receive(struct ws *w, const char *data, size_t len)
{
	bool ok;

	w->in = data;
	w->in_len = len;
	ok = wslay_event_recv(w->ctx) == 0;
	w->in_len = 0;
	return flush(w) && ok && wslay_event_get_read_enabled(w->ctx) && !wslay_event_get_close_sent(w->ctx);
}

static void queue(struct ws *w, uint8_t opcode, const char *data, size_t len)
{
	const struct wslay_event_msg m = { .opcode = opcode, .msg = (const uint8_t *)data, .msg_length = len };

	/* It is refused when a close is on its way: nothing follows that. */
	if (wslay_event_queue_msg(w->ctx, &m) == 0)
		(void)flush(w);
}

void ws_send(struct ws *w, const char *data, size_t len)
{
	queue(w, WSLAY_BINARY_FRAME, data, len);
}

void ws_ping(struct ws *w)
{
	queue(w, WSLAY_PING, NULL, 0);
}

void ws_close(struct ws *w, int code, const char *why)
{
	if (wslay_event_queue_close(w->ctx, (uint16_t)code, (const uint8_t *)why, MIN(strlen(why), REASON_MAX)) == 0)
		(void)flush(w);
}

bool ws_heard(struct ws *w)
{
	bool heard = w->heard;

	w->heard = false;
	return heard;
}
