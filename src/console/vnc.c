/* SPDX-License-Identifier: Apache-2.0 */
#include "console/vnc.h"

#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "console/ws.h"
#include "fleet/fleet.h"
#include "fleet/host_row.h"
#include "hv/hv.h"
#include "net/tls.h"
#include "net/wire.h"
#include "task/engine.h"

#define TRIES_MAX 6      /* of a server that is not on its way */
#define GREETING_MS 10000 /* from the connection to the end of RFB's opening */
#define OPENING_MAX 4096 /* bytes of an opening; whatever sends more has another in mind */

enum phase { VNC_FINDING, VNC_GREETING, VNC_CLIENT, VNC_OPEN };

struct ask {
	struct vnc *v;           /* NULL: it has been freed */
};

struct vnc {
	struct end e;            /* first */
	const struct vnc_shared *shared;
	enum phase phase;
	struct ask *ask;         /* under way */
	struct wire *wire;
	struct clock_timer *late; /* the opening is to be over */
	bool paused;
	struct rfb server, client;
	GByteArray *in;          /* of an opening: not whole yet */
};

static void leave(struct vnc *v)
{
	clock_cancel(&v->late);
	wire_free(v->wire);
	v->wire = NULL;
	v->phase = VNC_FINDING;
	g_byte_array_set_size(v->in, 0);
}

/* It may be there later. */
static void again(struct vnc *v, const char *why)
{
	const struct server *s = end_server(&v->e);

	leave(v);
	log_debug("console_not_reached", LOG_S("server", v->e.uuid), LOG_S("host", v->e.host), LOG_S("reason", why));
	if (v->e.tries >= TRIES_MAX && (!s || s->task == SERVER_TASK_NONE))
		end_with(&v->e, WS_FAILED, why);
	else
		end_again(&v->e);
}

/* ---- RFB's openings ---- */

/* Feed one of them. Return: as rfb.h has it; RFB_BAD after the session was ended. */
static enum rfb_next feed(struct vnc *v, bool server, GByteArray *out)
{
	size_t used = 0;
	enum rfb_next next = server ? rfb_to_server(&v->server, v->in->data, v->in->len, &used, out) :
				      rfb_to_client(&v->client, v->in->data, v->in->len, &used, out);

	if (used)
		g_byte_array_remove_range(v->in, 0, (guint)used);
	if (next == RFB_MORE && v->in->len > OPENING_MAX) {
		g_strlcpy(server ? v->server.why : v->client.why, "it speaks no RFB", sizeof v->server.why);
		return RFB_BAD;
	}
	return next;
}

/* A server says nothing by itself from the end of its opening until the client has begun. */
static void unasked(struct vnc *v)
{
	end_with(&v->e, WS_FAILED, "VNC: bytes came that were not asked for");
}

static void greet_client(struct vnc *v)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	enum rfb_next next = feed(v, false, out);

	if (out->len)
		v->e.calls->data((const char *)out->data, out->len, v->e.user);
	if (next == RFB_BAD)
		end_with(&v->e, WS_POLICY, v->client.why);
	if (next != RFB_DONE)
		return;
	v->phase = VNC_OPEN;
	if (v->in->len)
		wire_send(v->wire, v->in->data, v->in->len);
	g_byte_array_set_size(v->in, 0);
}

static void server_greeted(struct vnc *v)
{
	clock_cancel(&v->late);
	v->phase = VNC_CLIENT;
	v->client = (struct rfb){ .stage = RFB_VERSION };
	log_info("console_at", LOG_S("server", v->e.uuid), LOG_S("host", v->e.host));
	if (v->paused)
		wire_pause(v->wire, true);
	greet_client(v);
}

/* A server that is wrong stays so: this is told at once. */
static void refuse(struct vnc *v)
{
	g_autofree char *why = g_strdup_printf("VNC at %s: %s", v->e.host, v->server.why);

	leave(v);
	end_with(&v->e, WS_FAILED, why);
}

static void greet_server(struct vnc *v)
{
	g_autoptr(GByteArray) out = g_byte_array_new();
	enum rfb_next next = feed(v, true, out);

	if (out->len)
		wire_send(v->wire, out->data, out->len);
	if (next == RFB_BAD)
		refuse(v);
	else if (next == RFB_TLS && v->in->len)
		end_with(&v->e, WS_FAILED, "VNC: bytes came before TLS did");
	else if (next == RFB_TLS)
		wire_secure(v->wire, v->shared->tls);
	else if (next == RFB_DONE && v->in->len)
		unasked(v);
	else if (next == RFB_DONE)
		server_greeted(v);
}

/* ---- the wire ---- */

static void on_late(void *user)
{
	struct vnc *v = user;

	v->late = NULL;
	again(v, "The guest's VNC does not answer");
}

static void on_ready(void *user)
{
	struct vnc *v = user;

	if (v->phase == VNC_GREETING) /* TLS is there */
		return;
	v->phase = VNC_GREETING;
	v->server = (struct rfb){ .stage = RFB_VERSION, .schemes = v->shared->schemes, .n_schemes = v->shared->n_schemes };
	clock_cancel(&v->late);
	v->late = clock_after(GREETING_MS, on_late, v);
}

static void on_data(const char *data, size_t len, void *user)
{
	struct vnc *v = user;

	if (v->e.code)
		return;
	if (v->phase == VNC_OPEN) {
		v->e.calls->data(data, len, v->e.user);
		return;
	}
	if (v->phase == VNC_CLIENT) {
		unasked(v);
		return;
	}
	g_byte_array_append(v->in, (const guint8 *)data, (guint)len);
	greet_server(v);
}

static void on_sent(void *user)
{
	struct vnc *v = user;

	v->e.calls->room(v->e.user);
}

static void on_ended(const char *why, void *user)
{
	struct vnc *v = user;
	g_autofree char *text = g_strdup_printf("VNC at %s: %s", v->e.host, why);

	if (v->phase >= VNC_CLIENT)
		end_with(&v->e, WS_MOVED, "The guest's screen was closed at its host");
	else if (v->phase == VNC_GREETING && g_str_has_prefix(why, "TLS: "))
		end_with(&v->e, WS_FAILED, text);
	else if (!v->e.code)
		again(v, text);
	if (v->e.code)
		leave(v);
}

static const struct wire_calls wire_calls = { on_ready, on_data, on_sent, on_ended };

/* ---- where it is ---- */

static bool is_loopback(const char *address)
{
	return strcmp(address, "localhost") == 0 || strcmp(address, "::1") == 0 || g_str_has_prefix(address, "127.");
}

static bool is_any(const char *address)
{
	return !*address || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

char *vnc_address(const char *listen, const char *uri, const char *proxyclient, GError **err)
{
	g_autofree char *of_uri = NULL;
	const char *host = proxyclient;

	if (strcmp(listen, HV_NO_ADDRESS) == 0) {
		g_set_error(err, ERR, ERR_CONFLICT, "The guest's VNC listens on no address of its host: give its <graphics> a <listen type='address'>, with [vnc] server_listen");
		return NULL;
	}
	if (!host) {
		(void)g_uri_split_network(uri, G_URI_FLAGS_NONE, NULL, &of_uri, NULL, NULL);
		host = of_uri && *of_uri ? of_uri : "127.0.0.1"; /* a local socket: the host is this machine */
	}
	if (!*listen) /* libvirt's default, where vnc_listen of qemu.conf says nothing else */
		listen = "127.0.0.1";
	if (is_any(listen) || (is_loopback(listen) && is_loopback(host)))
		return g_strdup(is_any(listen) ? host : listen);
	if (!is_loopback(listen))
		return g_strdup(listen);
	g_set_error(err, ERR, ERR_CONFLICT, "The guest's VNC listens on %s alone: set its listen address, or [vnc] server_listen, to one of its host", listen);
	return NULL;
}

static void dial(struct vnc *v, const struct hv_dom *d)
{
	struct fleet *f = engine_fleet(v->e.engine);
	const struct host *h = fleet_host(f, v->e.host);
	const struct conf_host *ch = host_row_conf(fleet_conf(f), v->e.host);
	const char *proxyclient = ch && ch->vnc_proxyclient ? ch->vnc_proxyclient : fleet_conf(f)->vnc_proxyclient;
	g_autoptr(GError) err = NULL;
	g_autofree char *address = h && d->vnc_listen ? vnc_address(d->vnc_listen, h->uri, proxyclient, &err) : NULL;

	if (!d->vnc_listen)
		end_with(&v->e, WS_FAILED, "The server has no VNC (graphics type='vnc')");
	else if (err)
		end_with(&v->e, WS_FAILED, err->message);
	else if (!h || d->vnc_port <= 0)
		again(v, "The guest's VNC has no port");
	else
		v->wire = wire_new(v->shared->wires, address, d->vnc_port, &wire_calls, v);
}

static void told(struct hv_reply *r, void *user)
{
	struct ask *a = user;
	struct vnc *v = a->v;

	g_free(a);
	if (!v)
		return;
	v->ask = NULL;
	if (v->e.code)
		return;
	if (r->err)
		again(v, r->err->message);
	else if (r->dom->state == HV_ABSENT || r->dom->state == HV_SHUTOFF)
		again(v, "The server does not run");
	else
		dial(v, r->dom);
}

static void find(struct vnc *v, const struct server *s)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = v->e.uuid };
	struct host *h = s->host ? fleet_host(engine_fleet(v->e.engine), s->host) : NULL;
	struct ask *a = g_new0(struct ask, 1);

	a->v = v;
	util_replace(&v->e.host, s->host);
	if (host_call(h, &req, told, a)) {
		v->ask = a;
		return;
	}
	g_free(a);
	again(v, "The server's host cannot be reached");
}

/* ---- what end.h asks for ---- */

static struct vnc *vnc_of(struct end *e)
{
	return (struct vnc *)(void *)e;
}

static void ops_turn(struct end *e, const struct server *s)
{
	struct vnc *v = vnc_of(e);
	bool moved = v->wire && g_strcmp0(e->host, s->host) != 0;

	if (moved && v->phase >= VNC_CLIENT) {
		end_with(e, WS_MOVED, "The server was moved to another host");
		return;
	}
	if (moved)
		leave(v);
	if (!v->wire && !v->ask)
		find(v, s);
}

static void ops_send(struct end *e, const char *data, size_t len)
{
	struct vnc *v = vnc_of(e);

	if (v->e.code || v->phase < VNC_CLIENT) {
		end_with(&v->e, WS_POLICY, "The client spoke before the guest's screen did");
		return;
	}
	if (v->phase == VNC_OPEN) {
		wire_send(v->wire, data, len);
		return;
	}
	g_byte_array_append(v->in, (const guint8 *)data, (guint)len);
	greet_client(v);
}

static size_t ops_unsent(const struct end *e)
{
	const struct vnc *v = (const struct vnc *)(const void *)e;

	return v->wire ? wire_unsent(v->wire) : 0;
}

static void ops_pause(struct end *e, bool paused)
{
	struct vnc *v = vnc_of(e);

	v->paused = paused;
	if (v->wire && v->phase >= VNC_CLIENT)
		wire_pause(v->wire, paused);
}

static void ops_free(struct end *e)
{
	struct vnc *v = vnc_of(e);

	if (v->ask)
		v->ask->v = NULL;
	leave(v);
	g_byte_array_unref(v->in);
	g_free(v);
}

static const struct end_ops ops = { ops_turn, ops_send, ops_unsent, ops_pause, NULL, ops_free };

struct end *vnc_new(const struct vnc_shared *shared, const char *server_uuid, const struct end_calls *calls, void *user)
{
	struct vnc *v = g_new0(struct vnc, 1);

	v->shared = shared;
	v->in = g_byte_array_new();
	v->e.user = user;
	end_init(&v->e, &ops, shared->engine, server_uuid, calls);
	return &v->e;
}
