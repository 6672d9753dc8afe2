/* SPDX-License-Identifier: Apache-2.0 */
#include "console/console.h"

#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "console/files.h"
#include "console/handshake.h"
#include "console/serial.h"
#include "console/vnc.h"
#include "console/ws.h"
#include "fleet/fleet.h"
#include "identity/access.h"
#include "net/conn.h"
#include "net/server.h"
#include "net/tls.h"
#include "net/upgrade.h"
#include "net/wire.h"
#include "task/engine.h"

#define CONNECTIONS_MAX 2048
#define HANDLED_MAX 256
#define BODIES_MAX (1 << 20)  /* no request here needs a body */
#define ADDRESS_SHARE 4
#define SESSION_FULL (256 * 1024)
#define TYPED_FULL (SERIAL_HELD_MAX / 2)
#define PING_MS 20000
#define PINGS_MISSED 3

/* A connection of the proxy, with its request. */
struct session {
	struct consoles *all;
	struct net_conn *conn;
	struct handshake shake;
	const struct file *file; /* that is asked for; NULL */
	/* once it is open */
	struct ws *ws;
	struct console_token *token;
	struct end *end;
	unsigned missed;
	bool ends;
};

struct consoles {
	const struct conf *conf;
	struct engine *engine;
	struct fleet *fleet;
	struct identity *identity;
	struct console_tokens *tokens;
	struct net_server *net;  /* NULL: it does not listen */
	struct listeners *listeners;
	struct tls *tls;
	struct files *files;     /* NULL: no screens are shown */
	struct wires *wires;
	struct vnc_shared vnc;
	char *urls[CONSOLE_KIND_N]; /* "wss://console.example:6080/"; NULL: that kind is switched off */
	GPtrArray *open;         /* struct session *: those with a token */
	struct clock_timer *ping, *looker;
};

/* ---- whose a token is ---- */

static bool may_still(const struct consoles *all, const struct console_token *t)
{
	const struct server *s = fleet_server(all->fleet, t->server_uuid);
	enum role role = identity_role_since(all->identity, t->user_id, t->project_id, t->app_id, t->created_us);

	return s && (role == ROLE_ADMIN || (role == ROLE_MEMBER && g_strcmp0(s->project_id, t->project_id) == 0));
}

/* ---- the end of a session ---- */

static void end_session(struct session *x, int code, const char *why)
{
	if (x->ends)
		return;
	ws_close(x->ws, code, why);
	x->ends = true;
	g_clear_pointer(&x->end, end_free);
	net_end(x->conn); /* over() does the rest */
}

static void end_sessions_of(struct consoles *all, const struct console_token *t, int code, const char *why)
{
	for (guint i = 0; i < all->open->len; i++) {
		struct session *x = g_ptr_array_index(all->open, i);

		if (x->token == t)
			end_session(x, code, why);
	}
}

/* The token is no session's any more. */
static void let_go(struct session *x)
{
	struct console_token *t = g_steal_pointer(&x->token);

	if (t)
		console_token_end(x->all->tokens, t);
}

static void revoke_token(struct consoles *all, struct console_token *t, int code, const char *why)
{
	end_sessions_of(all, t, code, why);
	for (guint i = 0; i < all->open->len; i++) {
		struct session *x = g_ptr_array_index(all->open, i);

		if (x->token == t)
			let_go(x);
	}
	log_info("console_token_revoked", LOG_S("server", t->server_uuid), LOG_S("reason", why));
	console_token_drop(all->tokens, t);
}

/* ---- between both ends ---- */

/* ws_calls.send */
static void to_client(const char *data, size_t len, void *user)
{
	struct session *x = user;

	if (!x->ends)
		net_send(x->conn, data, len);
}

static bool full(const struct session *x)
{
	return x->end && end_unsent(x->end) > TYPED_FULL;
}

/* ws_calls.message */
static void from_client(const char *data, size_t len, void *user)
{
	struct session *x = user;

	if (!x->end)
		return;
	end_send(x->end, data, len);
	if (full(x))
		net_pause(x->conn, true);
}

/* end_calls */
static void from_guest(const char *data, size_t len, void *user)
{
	struct session *x = user;

	ws_send(x->ws, data, len);
	if (net_unsent(x->conn) > SESSION_FULL)
		end_pause(x->end, true);
}

static void guest_room(void *user)
{
	struct session *x = user;

	if (!full(x))
		net_pause(x->conn, false);
}

static void guest_ended(int code, const char *why, void *user)
{
	end_session(user, code, why);
}

static const struct ws_calls ws_calls = { to_client, from_client };
static const struct end_calls end_calls = { from_guest, guest_room, guest_ended };

/* ---- requests ---- */

/* Browsers reach it by TLS: its own, or that of a proxy in front of it. */
static bool is_by_tls(const struct consoles *all)
{
	for (int i = 0; i < CONSOLE_KIND_N; i++)
		if (all->urls[i])
			return g_str_has_prefix(all->urls[i], "wss:") || g_str_has_prefix(all->urls[i], "https:");
	return all->tls != NULL;
}

static struct handshake_rules rules_of(const struct consoles *all)
{
	return (struct handshake_rules){ all->conf->console_allowed_origins, is_by_tls(all) };
}

static void on_head(struct net_conn *c, const struct http1_head *h)
{
	struct session *x = g_new0(struct session, 1);
	struct handshake_rules rules;

	x->all = net_user(c);
	x->conn = c;
	rules = rules_of(x->all);
	handshake_judge(h, &rules, &x->shake);
	x->file = strcmp(h->method, "GET") == 0 || strcmp(h->method, "HEAD") == 0 ? files_find(x->all->files, h->path) : NULL;
	net_set_own(c, x);
}

static void on_body(struct net_conn *c, const char *data, size_t len)
{
	(void)c;
	(void)data;
	(void)len;
}

static GString *refusal(int status, const char *why)
{
	GString *s = g_string_new(NULL);
	struct jout o;

	jout_init(&o, s, 0);
	jout_open(&o, '{');
	jout_kv(&o, "code", int, status);
	jout_kv(&o, "message", str, why);
	jout_close(&o, '}');
	return s;
}

static void refuse(struct session *x, int status, const char *why)
{
	struct net_response a = { .status = status, .reason = http1_reason(status), .body = refusal(status, why) };

	a.fields = status == 426 ? "Content-Type: application/json\r\nSec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" :
				   "Content-Type: application/json\r\n";
	if (x->shake.wanted)
		log_info("console_refused", LOG_S("peer", net_address_name(x->conn)), LOG_S("reason", why));
	net_answer(x->conn, &a);
}

static void serve_file(struct session *x)
{
	gsize len = 0;
	const char *data = g_bytes_get_data(x->file->bytes, &len);
	struct net_response a = { .status = 200, .reason = http1_reason(200), .fields = x->file->fields, .body = g_string_new_len(data, (gssize)len) };

	net_answer(x->conn, &a);
}

static struct end *open_end(struct session *x, const struct console_token *t)
{
	return t->kind == CONSOLE_NOVNC ? vnc_new(&x->all->vnc, t->server_uuid, &end_calls, x) : serial_new(x->all->engine, t->server_uuid, &end_calls, x);
}

static void begin(struct session *x, struct console_token *t)
{
	g_autofree char *fields = g_strdup_printf("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s", x->shake.accept,
						  x->shake.binary ? "Sec-WebSocket-Protocol: binary\r\n" : "");

	/* One that comes again has lost its connection, which may look alive here. */
	end_sessions_of(x->all, t, WS_IN_USE, "The console was opened again with the same token");
	x->token = t;
	x->ws = ws_new(&ws_calls, x);
	g_ptr_array_add(x->all->open, x);
	net_upgrade(x->conn, fields);
	x->end = open_end(x, t);
	log_info("console_opened", LOG_S("server", t->server_uuid), LOG_S("type", console_kind_name(t->kind)), LOG_S("user", t->user_id), LOG_S("peer", net_address_name(x->conn)));
}

static void on_whole(struct net_conn *c)
{
	struct session *x = net_own(c);
	struct consoles *all = x->all;
	struct console_token *t = x->shake.status == 101 ? console_token_find(all->tokens, x->shake.token) : NULL;
	g_autoptr(GError) err = NULL;

	memset(x->shake.token, 0, sizeof x->shake.token);
	if (!x->shake.wanted && x->file)
		serve_file(x);
	else if (!x->shake.wanted)
		refuse(x, 404, "Only consoles are here, by WebSocket");
	else if (x->shake.status != 101)
		refuse(x, x->shake.status, x->shake.why);
	else if (!t || !all->urls[t->kind] || !may_still(all, t))
		refuse(x, 403, "The token is not valid, or its time is over");
	else if (!console_token_begin(all->tokens, t, &err))
		refuse(x, 503, "The database cannot be reached");
	else
		begin(x, t);
}

static void on_bytes(struct net_conn *c, const char *data, size_t len)
{
	struct session *x = net_own(c);

	if (ws_receive(x->ws, data, len) || x->ends)
		return;
	x->ends = true;
	g_clear_pointer(&x->end, end_free);
	net_end(c);
}

static void on_sent(struct net_conn *c)
{
	struct session *x = net_own(c);

	if (x->end)
		end_pause(x->end, false);
}

static void on_over(struct net_conn *c)
{
	struct session *x = net_own(c);

	if (x->ws) {
		g_ptr_array_remove_fast(x->all->open, x);
		log_info("console_closed", LOG_S("peer", net_address_name(c)));
	}
	let_go(x);
	end_free(x->end);
	ws_free(x->ws);
	g_free(x);
}

static const struct net_service service = {
	.head = on_head, .body = on_body, .whole = on_whole, .over = on_over, .refusal = refusal, .bytes = on_bytes, .sent = on_sent,
};

/* ---- what goes on beside ---- */

/* What a server's end costs is a look in a table. Roles are read from time to time alone: there may be many tokens. */
static void look_at(struct consoles *all, struct console_token *t, bool roles)
{
	const char *why = NULL;
	int code = end_over(fleet_server(all->fleet, t->server_uuid), &why);

	if (code)
		revoke_token(all, t, code, why);
	else if (roles && !may_still(all, t))
		revoke_token(all, t, WS_REVOKED, "The user may not see the server any more");
	else if (console_token_over(t))
		console_token_drop(all->tokens, t);
}

static void look_at_all(struct consoles *all, bool roles)
{
	g_autoptr(GPtrArray) tokens = console_tokens_list(all->tokens);

	for (guint i = 0; i < tokens->len; i++)
		look_at(all, g_ptr_array_index(tokens, i), roles);
	for (guint i = 0; i < all->open->len; i++) {
		struct session *x = g_ptr_array_index(all->open, i);

		if (x->end)
			end_look(x->end);
	}
}

static void look(void *user)
{
	struct consoles *all = user;

	all->looker = NULL;
	look_at_all(all, false);
}

/* An events_news_f: once a turn of the loop is enough, and without a token there is nothing to look at. */
static void on_news(void *user)
{
	struct consoles *all = user;

	if (!all->looker && console_tokens_count(all->tokens) > 0)
		all->looker = clock_after(0, look, all);
}

/* An hv_event_f: its guest stops, for example, to go on elsewhere. */
static void on_domain(const struct hv_event *ev, void *user)
{
	struct consoles *all = user;

	for (guint i = 0; ev->type == HV_EV_DOM && i < all->open->len; i++) {
		struct session *x = g_ptr_array_index(all->open, i);

		if (x->end && x->token && strcmp(x->token->server_uuid, ev->uuid) == 0)
			end_event(x->end, ev);
	}
}

static void ping(void *user)
{
	struct consoles *all = user;

	all->ping = clock_after(PING_MS, ping, all);
	for (guint i = 0; i < all->open->len; i++) {
		struct session *x = g_ptr_array_index(all->open, i);

		if (x->ends)
			continue;
		x->missed = ws_heard(x->ws) ? 0 : x->missed + 1;
		if (x->missed > PINGS_MISSED)
			end_session(x, WS_GOING_AWAY, "The client does not answer");
		else
			ws_ping(x->ws);
	}
	look_at_all(all, true);
}

/* ---- start and end ---- */

static struct tls_params tls_params_of(const struct conf *c)
{
	static const struct tls_names names = { "[DEFAULT] cert", "[DEFAULT] key", "[console] ssl_ciphers" };
	const char *minimum = c->console_ssl_minimum_version;

	return (struct tls_params){ .cert_file = c->console_cert, .key_file = c->console_key ? c->console_key : c->console_cert,
				    .ciphers = c->console_ssl_ciphers, .minimum = strcmp(minimum, "default") == 0 ? "tlsv1_2" : minimum, .names = &names };
}

static bool load_tls(struct consoles *all, GError **err)
{
	const struct tls_params p = tls_params_of(all->conf);

	if (!p.cert_file && all->conf->ssl_only)
		g_set_error(err, ERR, ERR_CONF, "[DEFAULT] ssl_only is set, and cert is not: consoles would be served without TLS");
	else if (p.cert_file)
		all->tls = tls_new(&p, err);
	return all->tls || (!p.cert_file && !all->conf->ssl_only);
}

void consoles_reload(struct consoles *all)
{
	const struct tls_params p = tls_params_of(all->conf);
	g_autoptr(GError) err = NULL;

	if (all->tls && !tls_renew(all->tls, &p, &err))
		log_error("reload_refused", LOG_S("mistake", err->message));
}

static bool listen_at(struct consoles *all, GError **err)
{
	const struct conf *c = all->conf;
	struct net_params n = { .service = &service, .user = all, .connections_max = CONNECTIONS_MAX, .handled_max = HANDLED_MAX, .bodies_max = BODIES_MAX,
				.share = ADDRESS_SHARE };
	struct listen_params p = { .host = c->novncproxy_host, .port = c->novncproxy_port,
				   .accepted = net_accept, .option = "[vnc] novncproxy_host", .own = true };
	g_autofree char *name = NULL;

	if (!load_tls(all, err))
		return false;
	n.tls = all->tls;
	all->net = net_server_new(&n);
	p.user = all->net;
	p.beyond_ok = all->tls || c->allow_plaintext;
	all->listeners = listen_open(&p, err);
	if (!all->listeners)
		return false;
	name = listen_name(all->listeners);
	log_info("consoles_ready", LOG_S("address", name));
	if (c->serial_enabled)
		all->urls[CONSOLE_SERIAL] = c->serial_base_url ? g_strdup(c->serial_base_url) : g_strdup_printf("%s://%s/", all->tls ? "wss" : "ws", name);
	if (c->vnc_enabled)
		all->urls[CONSOLE_NOVNC] = c->novncproxy_base_url ? g_strdup(c->novncproxy_base_url) :
					   g_strdup_printf("%s://%s" FILES_PAGE, all->tls ? "https" : "http", name);
	return true;
}

/* What the check of the configuration has let through. */
static bool prepare_vnc(struct consoles *all, GError **err)
{
	const struct conf *c = all->conf;
	const struct tls_client_params p = { .ca_file = c->vencrypt_ca_certs, .cert_file = c->vencrypt_client_cert, .key_file = c->vencrypt_client_key,
					     .ca_name = "[vnc] vencrypt_ca_certs", .cert_name = "[vnc] vencrypt_client_cert",
					     .key_name = "[vnc] vencrypt_client_key" };
	struct vnc_shared *v = &all->vnc;

	v->engine = all->engine;
	v->wires = all->wires = wires_new();
	for (char **s = c->vnc_auth_schemes; *s && v->n_schemes < RFB_SCHEME_N; s++)
		v->schemes[v->n_schemes++] = strcmp(*s, "vencrypt") == 0 ? RFB_VENCRYPT : RFB_NONE;
	all->files = files_new(c->web);
	if (!g_strv_contains((const char *const *)c->vnc_auth_schemes, "vencrypt"))
		return true;
	v->tls = tls_client_new(&p, err);
	return v->tls != NULL;
}

static bool begin_serving(struct consoles *all, GError **err)
{
	const struct conf *c = all->conf;

	if (c->vnc_enabled && !prepare_vnc(all, err))
		return false;
	return (!c->serial_enabled && !c->vnc_enabled) || listen_at(all, err);
}

struct consoles *consoles_new(struct engine *e, struct identity *id, GError **err)
{
	struct fleet *f = engine_fleet(e);
	struct consoles *all = g_new0(struct consoles, 1);

	all->conf = fleet_conf(f);
	all->engine = e;
	all->fleet = f;
	all->identity = id;
	all->open = g_ptr_array_new();
	all->tokens = console_tokens_new(fleet_store(f), all->conf->console_token_ttl, err);
	if (!all->tokens || !begin_serving(all, err)) {
		consoles_free(all);
		return NULL;
	}
	events_listen(fleet_events(f), on_news, all);
	fleet_on_domain(f, on_domain, all);
	all->ping = clock_after(PING_MS, ping, all);
	return all;
}

void consoles_free(struct consoles *all)
{
	if (!all)
		return;
	events_unlisten(fleet_events(all->fleet), all);
	fleet_on_domain(all->fleet, NULL, NULL);
	clock_cancel(&all->ping);
	clock_cancel(&all->looker);
	listen_close(all->listeners);
	net_server_free(all->net);
	tls_free(all->tls);
	tls_free(all->vnc.tls);
	wires_free(all->wires);
	files_free(all->files);
	g_ptr_array_unref(all->open);
	console_tokens_free(all->tokens);
	for (int i = 0; i < CONSOLE_KIND_N; i++)
		g_free(all->urls[i]);
	g_free(all);
}

int64_t consoles_cert_ends_us(const struct consoles *all)
{
	return all && all->tls ? tls_ends_us(all->tls) : 0;
}

bool consoles_has(const struct consoles *all, enum console_kind kind)
{
	return all && all->urls[kind];
}

GBytes *consoles_file(const struct consoles *all, const char *path)
{
	const struct file *f = all ? files_find(all->files, path) : NULL;

	return f ? f->bytes : NULL;
}

char *consoles_sockets(const struct consoles *all, enum console_kind kind)
{
	const char *url = consoles_has(all, kind) ? all->urls[kind] : NULL, *host = url ? strstr(url, "://") : NULL;
	bool tls = url && (g_str_has_prefix(url, "https:") || g_str_has_prefix(url, "wss:"));

	return host ? g_strdup_printf("%s://%.*s", tls ? "wss" : "ws", (int)strcspn(host + 3, "/?#"), host + 3) : NULL;
}

/* noVNC's pages take what is behind the proxy's address from "path". */
char *consoles_url(struct consoles *all, const struct console_token *of, GError **err)
{
	struct console_token now = *of;
	g_autofree char *token = NULL;
	const char *base = all->urls[of->kind], *name = of->kind == CONSOLE_NOVNC ? "path=%3Ftoken%3D" : "token=";

	now.created_us = identity_stamp(all->identity);
	token = console_token_make(all->tokens, &now, err);
	return token ? g_strconcat(base, strchr(base, '?') ? "&" : "?", name, token, NULL) : NULL;
}

const struct console_token *consoles_token(struct consoles *all, const char *text)
{
	return console_token_find(all->tokens, text);
}
