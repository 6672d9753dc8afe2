/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation: what watchers are told of hosts and servers.
 *
 * A record changes in several steps, some of them inside a transaction that may
 * be rolled back. Changes are never announced in advance: code that touches a
 * server or a host marks it, and on a later turn of the loop, when the transaction
 * is over, the record is compared with what was told last. What is told is true
 * and durable, and what came back to where it was is no news.
 */
#include <string.h>

#include "base/clock.h"
#include "fleet/fleet_priv.h"

/* ---- servers ---- */

struct server_told {
	char *name, *host;
	enum server_vm vm;
	enum server_task task;
	int power;
};

struct server_news {
	const struct server *s;
	const struct server_told *was; /* NULL: it was not known */
	const char *change;
};

#define DIFFERS(name) static bool name##_differs(const struct server_told *t, const struct server *s)

DIFFERS(name) { return g_strcmp0(t->name, s->name) != 0; }
DIFFERS(host) { return g_strcmp0(t->host, s->host) != 0; }
DIFFERS(vm) { return t->vm != s->vm; }
DIFFERS(task) { return t->task != s->task; }
DIFFERS(power) { return t->power != s->power; }

static const struct {
	const char *name;
	bool (*differs)(const struct server_told *t, const struct server *s);
} watched[] = {
	{ "name",        name_differs },
	{ "host",        host_differs },
	{ "vm_state",    vm_differs },
	{ "task_state",  task_differs },
	{ "power_state", power_differs },
};

static void put_changed(struct jout *o, const void *obj)
{
	const struct server_news *n = obj;

	jout_open(o, '[');
	for (size_t i = 0; n->was && i < G_N_ELEMENTS(watched); i++)
		if (watched[i].differs(n->was, n->s))
			jout_str(o, watched[i].name);
	jout_close(o, ']');
}

static void put_name(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct server_news *)obj)->s->name);
}

static void put_host(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct server_news *)obj)->s->host);
}

static void put_host_was(struct jout *o, const void *obj)
{
	const struct server_news *n = obj;

	jout_str(o, n->was ? n->was->host : NULL);
}

static void put_status(struct jout *o, const void *obj)
{
	jout_str(o, server_status(((const struct server_news *)obj)->s));
}

static void put_vm(struct jout *o, const void *obj)
{
	jout_str(o, server_vm_name(((const struct server_news *)obj)->s->vm));
}

static void put_task(struct jout *o, const void *obj)
{
	jout_str(o, server_task_name(((const struct server_news *)obj)->s->task));
}

static void put_power(struct jout *o, const void *obj)
{
	jout_int(o, ((const struct server_news *)obj)->s->power);
}

static const struct json_field server_fields[] = {
	{ "change",      JSON_STR,  offsetof(struct server_news, change) },
	{ "changed",     JSON_EMIT, .emit = put_changed },
	{ "name",        JSON_EMIT, .emit = put_name },
	{ "host",        JSON_EMIT, .emit = put_host },
	{ "host_was",    JSON_EMIT, .emit = put_host_was },
	{ "status",      JSON_EMIT, .emit = put_status },
	{ "vm_state",    JSON_EMIT, .emit = put_vm },
	{ "task_state",  JSON_EMIT, .emit = put_task },
	{ "power_state", JSON_EMIT, .emit = put_power },
};

void server_told_free(struct server_told *t)
{
	if (!t)
		return;
	g_free(t->name);
	g_free(t->host);
	g_free(t);
}

void tell_known(struct server *s)
{
	if (!s->told)
		s->told = g_new0(struct server_told, 1);
	util_replace(&s->told->name, s->name);
	util_replace(&s->told->host, s->host);
	s->told->vm = s->vm;
	s->told->task = s->task;
	s->told->power = s->power;
}

static bool differs(const struct server *s)
{
	for (size_t i = 0; i < G_N_ELEMENTS(watched); i++)
		if (!s->told || watched[i].differs(s->told, s))
			return true;
	return false;
}

static void tell_server(struct fleet *f, struct server *s, const char *change)
{
	const struct event_about about = { .type = EVENT_SERVER, .server = s->uuid };
	struct server_news news = { .s = s, .was = s->told, .change = change };

	event_emit(f->events, &about, server_fields, G_N_ELEMENTS(server_fields), &news);
}

static void tell_all(void *user)
{
	struct fleet *f = user;

	f->telling = NULL;
	for (guint i = 0; i < f->untold->len; i++) {
		struct server *s = g_ptr_array_index(f->untold, i);

		s->untold = false;
		if (!differs(s))
			continue;
		tell_server(f, s, s->told ? "changed" : "adopted");
		tell_known(s);
	}
	g_ptr_array_set_size(f->untold, 0);
}

void tell_later(struct fleet *f, struct server *s)
{
	if (s->untold)
		return;
	s->untold = true;
	g_ptr_array_add(f->untold, s);
	if (!f->telling)
		f->telling = clock_after(0, tell_all, f);
}

void tell_removed(struct fleet *f, struct server *s)
{
	if (s->untold)
		g_ptr_array_remove(f->untold, s);
	if (s->told)
		tell_server(f, s, "removed");
}

/* ---- hosts ---- */

struct host_news {
	const struct fleet *f;
	const struct host *h;
	const char *change;
};

static void put_host_name(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct host_news *)obj)->h->name);
}

static void put_host_state(struct jout *o, const void *obj)
{
	const struct host_news *n = obj;

	jout_str(o, host_is_up(n->f, n->h) ? "up" : "down");
}

static void put_host_reason(struct jout *o, const void *obj)
{
	const struct host_news *n = obj;
	g_autofree char *text = host_state_text(n->f, n->h);

	jout_str(o, text);
}

static void put_host_disabled(struct jout *o, const void *obj)
{
	jout_bool(o, ((const struct host_news *)obj)->h->disabled);
}

static void put_host_disabled_reason(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct host_news *)obj)->h->disabled_reason);
}

static void put_host_forced_down(struct jout *o, const void *obj)
{
	jout_bool(o, ((const struct host_news *)obj)->h->forced_down);
}

static const struct json_field host_fields[] = {
	{ "change",          JSON_STR,  offsetof(struct host_news, change) },
	{ "host",            JSON_EMIT, .emit = put_host_name },
	{ "state",           JSON_EMIT, .emit = put_host_state },
	{ "state_reason",    JSON_EMIT, .emit = put_host_reason },
	{ "disabled",        JSON_EMIT, .emit = put_host_disabled },
	{ "disabled_reason", JSON_EMIT, .emit = put_host_disabled_reason },
	{ "forced_down",     JSON_EMIT, .emit = put_host_forced_down },
};

void tell_host(struct host *h, const char *change)
{
	static const struct event_about about = { .type = EVENT_HOST };
	struct host_news news = { .f = h->priv->fleet, .h = h, .change = change };

	h->priv->told_up = host_is_up(news.f, h);
	event_emit(h->priv->fleet->events, &about, host_fields, G_N_ELEMENTS(host_fields), &news);
}

void tell_host_state(struct host *h)
{
	if (host_is_up(h->priv->fleet, h) != h->priv->told_up)
		tell_host(h, "changed");
}
