/* SPDX-License-Identifier: Apache-2.0 */
#include "socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>
#include <wslay/wslay.h>

#include "cli_err.h"
#include "render.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define HEAD_MAX (16 * 1024)
#define PIECE 4096

struct session {
	CURL *curl;
	int fd, in, out;
	wslay_event_context_ptr ctx;
	struct socket_result *ret;
	bool lost, over;
	const char *ready;        /* bytes that came with the opening's answer */
	size_t n_ready;
};

/* ---- the connection ---- */

static bool wait_for(const struct session *s, short events)
{
	struct pollfd p = { .fd = s->fd, .events = events };

	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

static bool send_all(struct session *s, const char *data, size_t len)
{
	while (len) {
		size_t n = 0;
		CURLcode code = curl_easy_send(s->curl, data, len, &n);

		if (code == CURLE_AGAIN && wait_for(s, POLLOUT))
			continue;
		if (code != CURLE_OK)
			return false;
		data += n;
		len -= n;
	}
	return true;
}

/* ---- the opening ---- */

static char *accept_of(const char *key)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
	guint8 digest[20];
	gsize len = sizeof digest;

	g_checksum_update(sum, (const guchar *)key, -1);
	g_checksum_update(sum, (const guchar *)GUID, -1);
	g_checksum_get_digest(sum, digest, &len);
	return g_base64_encode(digest, len);
}

static char *new_key(void)
{
	guint32 bytes[4];

	for (size_t i = 0; i < G_N_ELEMENTS(bytes); i++)
		bytes[i] = g_random_int();
	return g_base64_encode((const guchar *)bytes, sizeof bytes);
}

static bool read_head(struct session *s, GString *head, GError **err)
{
	while (!strstr(head->str, "\r\n\r\n")) {
		char buf[PIECE];
		size_t n = 0;
		CURLcode code = curl_easy_recv(s->curl, buf, sizeof buf, &n);

		if (code == CURLE_AGAIN && wait_for(s, POLLIN))
			continue;
		if (code != CURLE_OK || n == 0 || head->len + n > HEAD_MAX) {
			g_set_error(err, CLI_ERR, CLI_NET, "the console's proxy answers no WebSocket");
			return false;
		}
		g_string_append_len(head, buf, (gssize)n);
	}
	return true;
}

/* {"code": 403, "message": "..."}, as far as it has come. */
static void refused(const GString *head, GError **err)
{
	g_autoptr(json_t) body = json_loads(strstr(head->str, "\r\n\r\n") + 4, 0, NULL);
	const char *why = json_string_value(json_object_get(body, "message"));
	g_autofree char *line = g_strndup(head->str, strcspn(head->str, "\r"));

	g_set_error(err, CLI_ERR, CLI_FAILED, "the console is refused: %s", why ? why : line);
}

static bool shake(struct session *s, const char *url, GString *head, GError **err)
{
	g_autoptr(GUri) at = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);
	g_autofree char *key = new_key(), *wanted = accept_of(key), *field = NULL, *request = NULL;
	const char *host = at ? g_uri_get_host(at) : "";
	const char *query = at ? g_uri_get_query(at) : NULL;

	request = g_strdup_printf("GET %s%s%s HTTP/1.1\r\nHost: %s%s%s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				  "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: binary\r\n\r\n",
				  at && *g_uri_get_path(at) ? g_uri_get_path(at) : "/", query ? "?" : "", query ? query : "", strchr(host, ':') ? "[" : "", host,
				  strchr(host, ':') ? "]" : "", at ? g_uri_get_port(at) : 0, key);
	if (!send_all(s, request, strlen(request))) {
		g_set_error(err, CLI_ERR, CLI_NET, "the console's proxy has closed the connection");
		return false;
	}
	if (!read_head(s, head, err))
		return false;
	if (!g_str_has_prefix(head->str, "HTTP/1.1 101 ")) {
		refused(head, err);
		return false;
	}
	field = g_strconcat(wanted, "\r\n", NULL);
	if (strstr(head->str, field) == NULL) {
		g_set_error(err, CLI_ERR, CLI_NET, "the console's proxy answers with the wrong Sec-WebSocket-Accept");
		return false;
	}
	return true;
}

/* ---- frames ---- */

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags, void *user)
{
	struct session *s = user;
	size_t n = MIN(len, s->n_ready);
	CURLcode code = CURLE_OK;

	(void)flags;
	if (n) {
		memcpy(buf, s->ready, n);
		s->ready += n;
		s->n_ready -= n;
		return (ssize_t)n;
	}
	code = curl_easy_recv(s->curl, buf, len, &n);
	if (code == CURLE_OK && n > 0)
		return (ssize_t)n;
	s->lost |= code != CURLE_AGAIN;
	wslay_event_set_error(ctx, code == CURLE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags, void *user)
{
	struct session *s = user;

	(void)flags;
	if (send_all(s, (const char *)data, len))
		return (ssize_t)len;
	s->lost = true;
	wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static int on_mask(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, void *user)
{
	(void)ctx;
	(void)user;
	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)g_random_int();
	return 0;
}

static void show(struct session *s, const uint8_t *data, size_t len)
{
	while (len) {
		ssize_t n = write(s->out, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			s->over = true;
			return;
		}
		data += n;
		len -= (size_t)n;
	}
}

static void on_msg(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *m, void *user)
{
	struct session *s = user;
	size_t n;

	(void)ctx;
	if (m->opcode == WSLAY_TEXT_FRAME || m->opcode == WSLAY_BINARY_FRAME)
		show(s, m->msg, m->msg_length);
	if (m->opcode != WSLAY_CONNECTION_CLOSE)
		return;
	s->over = true;
	s->ret->end = SOCKET_ENDED;
	s->ret->code = m->status_code;
	n = m->msg_length > 2 ? MIN(m->msg_length - 2, sizeof s->ret->why - 1) : 0;
	memcpy(s->ret->why, m->msg + (n ? 2 : 0), n);
	s->ret->why[n] = '\0';
}

/* ---- the session ---- */

/* What is typed. Return: false: the user leaves. */
static bool pass_typed(struct session *s)
{
	char buf[PIECE];
	ssize_t n = read(s->in, buf, sizeof buf);
	const char *escape = n > 0 ? memchr(buf, SOCKET_ESCAPE, (size_t)n) : NULL;
	const struct wslay_event_msg m = { .opcode = WSLAY_BINARY_FRAME, .msg = (const uint8_t *)buf,
					   .msg_length = escape ? (size_t)(escape - buf) : n > 0 ? (size_t)n : 0 };

	if (n < 0 && errno == EINTR)
		return true;
	if (m.msg_length && wslay_event_queue_msg(s->ctx, &m) == 0)
		(void)wslay_event_send(s->ctx);
	return n > 0 && !escape;
}

/* Take what has come, and send what that asks for. */
static void take(struct session *s)
{
	if (wslay_event_recv(s->ctx) != 0 && !s->over)
		s->lost = true;
	(void)wslay_event_send(s->ctx);
}

static void go_on(struct session *s)
{
	struct pollfd fds[] = { { .fd = s->in, .events = POLLIN }, { .fd = s->fd, .events = POLLIN } };

	s->ret->end = SOCKET_LOST;
	take(s); /* TLS may have read what no event tells of */
	while (!s->lost && !s->over) {
		if (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents && !pass_typed(s)) {
			s->ret->end = SOCKET_LEFT;
			return;
		}
		take(s);
	}
}

bool socket_run(struct client *c, const char *url, int in, int out, struct socket_result *ret, GError **err)
{
	static const struct wslay_event_callbacks callbacks = { .recv_callback = on_recv, .send_callback = on_send, .genmask_callback = on_mask,
								.on_msg_recv_callback = on_msg };
	struct session s = { .in = in, .out = out, .ret = ret };
	g_autoptr(GString) head = g_string_new(NULL);
	bool ok;

	*ret = (struct socket_result){ .end = SOCKET_LOST };
	s.curl = client_connect(c, url, &s.fd, err);
	if (!s.curl)
		return false;
	ok = shake(&s, url, head, err);
	if (ok) {
		s.ready = strstr(head->str, "\r\n\r\n") + 4;
		s.n_ready = head->len - (size_t)(s.ready - head->str);
		ret->opened = true;
		g_assert(wslay_event_context_client_init(&s.ctx, &callbacks, &s) == 0);
		go_on(&s);
		wslay_event_context_free(s.ctx);
	}
	curl_easy_cleanup(s.curl);
	return ok;
}
