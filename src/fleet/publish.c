/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/publish.h"

#include <string.h>

#include "base/clock.h"
#include "fleet/fleet_priv.h"
#include "fleet/registry.h"

/* ---- servers ---- */

struct server_news {
	const struct server *s;
	const struct server_published *was; /* NULL: it was not known */
	const char *change;
};

#define DIFFERS(name) static bool name##_differs(const struct server_published *t, const struct server *s)

DIFFERS(name) { return g_strcmp0(t->name, s->name) != 0; }
DIFFERS(host) { return g_strcmp0(t->host, s->host) != 0; }
DIFFERS(vm) { return t->vm != s->vm; }
DIFFERS(task) { return t->task != s->task; }
DIFFERS(power) { return t->power != s->power; }

static const struct {
	const char *name;
	bool (*differs)(const struct server_published *t, const struct server *s);
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

void publish_known(struct server *s)
{
	if (!s->published)
		s->published = g_new0(struct server_published, 1);
	util_replace(&s->published->name, s->name);
	util_replace(&s->published->host, s->host);
	s->published->vm = s->vm;
	s->published->task = s->task;
	s->published->power = s->power;
}

static bool differs(const struct server *s)
{
	for (size_t i = 0; i < G_N_ELEMENTS(watched); i++)
		if (!s->published || watched[i].differs(s->published, s))
			return true;
	return false;
}

static void publish_server(struct fleet *f, struct server *s, const char *change)
{
	const struct event_about about = { .type = EVENT_SERVER, .server = s->uuid };
	struct server_news news = { .s = s, .was = s->published, .change = change };

	event_emit(f->events, &about, server_fields, G_N_ELEMENTS(server_fields), &news);
}

static void publish_all(void *user)
{
	struct fleet *f = user;

	f->publishing = NULL;
	for (guint i = 0; i < f->unpublished->len; i++) {
		struct server *s = g_ptr_array_index(f->unpublished, i);

		s->unpublished = false;
		if (!differs(s))
			continue;
		publish_server(f, s, s->published ? "changed" : "adopted");
		publish_known(s);
	}
	g_ptr_array_set_size(f->unpublished, 0);
}

void publish_later(struct fleet *f, struct server *s)
{
	if (s->unpublished)
		return;
	s->unpublished = true;
	g_ptr_array_add(f->unpublished, s);
	if (!f->publishing)
		f->publishing = clock_after(0, publish_all, f);
}

void publish_removed(struct fleet *f, struct server *s)
{
	if (s->unpublished)
		g_ptr_array_remove(f->unpublished, s);
	if (s->published)
		publish_server(f, s, "removed");
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

void publish_host(struct host *h, const char *change)
{
	static const struct event_about about = { .type = EVENT_HOST };
	struct host_news news = { .f = h->fleet, .h = h, .change = change };

	h->published_up = host_is_up(news.f, h);
	event_emit(h->fleet->events, &about, host_fields, G_N_ELEMENTS(host_fields), &news);
}

void publish_host_state(struct host *h)
{
	if (host_is_up(h->fleet, h) != h->published_up)
		publish_host(h, "changed");
}

void publish_stop(struct fleet *f)
{
	clock_cancel(&f->publishing);
}
