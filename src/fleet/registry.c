/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/registry.h"

#include <string.h>

#include "fleet/fleet_priv.h"
#include "fleet/tally.h"

/* ---- life ---- */

struct fleet *registry_new(const struct conf *conf, struct store *store)
{
	struct fleet *f = g_new0(struct fleet, 1);

	f->conf = conf;
	f->store = store;
	f->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)host_free);
	f->hosts_by_name = g_hash_table_new(g_str_hash, g_str_equal);
	f->servers = g_ptr_array_new_with_free_func((GDestroyNotify)server_free);
	f->servers_by_uuid = g_hash_table_new(g_str_hash, g_str_equal);
	f->found = g_new0(struct server *, 1);
	f->room = room_new(conf);
	f->events = events_new((size_t)conf->event_history);
	f->unpublished = g_ptr_array_new();
	f->tally = g_new0(struct server_counts, 1);
	f->tallies = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	f->alarmed = g_hash_table_new(NULL, NULL);
	f->addrs_unsaved = g_ptr_array_new_with_free_func(g_free);
	f->owner_user = g_strdup("admin");
	f->owner_project = g_strdup("admin");
	return f;
}

void registry_free(struct fleet *f)
{
	g_hash_table_unref(f->hosts_by_name);
	g_hash_table_unref(f->servers_by_uuid);
	g_free(f->found);
	g_ptr_array_unref(f->hosts);
	g_ptr_array_unref(f->servers);
	room_free(f->room);
	g_clear_pointer(&f->candidates, g_array_unref);
	g_ptr_array_unref(f->unpublished);
	g_free(f->tally);
	g_hash_table_unref(f->tallies);
	g_hash_table_unref(f->alarmed);
	g_ptr_array_unref(f->addrs_unsaved);
	events_free(f->events);
	g_free(f->owner_user);
	g_free(f->owner_project);
	g_free(f);
}

struct store *fleet_store(const struct fleet *f)
{
	return f->store;
}

const struct conf *fleet_conf(const struct fleet *f)
{
	return f->conf;
}

struct events *fleet_events(const struct fleet *f)
{
	return f->events;
}

struct room *fleet_room(const struct fleet *f)
{
	return f->room;
}

void fleet_listen(struct fleet *f, const struct fleet_listener *l)
{
	f->listener = *l;
}

uint64_t registry_next_ask(struct fleet *f)
{
	return ++f->asks;
}

/* ---- hosts ---- */

GPtrArray *fleet_hosts(const struct fleet *f)
{
	return f->hosts;
}

struct host *fleet_host(const struct fleet *f, const char *name)
{
	return name ? g_hash_table_lookup(f->hosts_by_name, name) : NULL;
}

struct host *fleet_host_by_uuid(const struct fleet *f, const char *uuid)
{
	for (guint i = 0; i < f->hosts->len; i++) {
		struct host *h = g_ptr_array_index(f->hosts, i);

		if (strcmp(h->uuid, uuid) == 0)
			return h;
	}
	return NULL;
}

struct host *fleet_host_called(const struct fleet *f, const char *name_or_uuid)
{
	struct host *h = fleet_host(f, name_or_uuid);

	return h ? h : fleet_host_by_uuid(f, name_or_uuid);
}

struct host *fleet_host_by_id(const struct fleet *f, int64_t id)
{
	for (guint i = 0; i < f->hosts->len; i++) {
		struct host *h = g_ptr_array_index(f->hosts, i);

		if (h->id == id)
			return h;
	}
	return NULL;
}

void registry_add_host(struct fleet *f, struct host *h)
{
	h->fleet = f;
	g_ptr_array_add(f->hosts, h);
	g_hash_table_insert(f->hosts_by_name, h->name, h);
	room_add(f->room, h);
}

void registry_remove_host(struct fleet *f, struct host *h)
{
	g_hash_table_remove(f->hosts_by_name, h->name);
	room_remove(f->room, h);
	g_ptr_array_remove(f->hosts, h); /* frees it */
}

bool host_is_up(const struct fleet *f, const struct host *h)
{
	return host_states[h->conn].used && !h->forced_down && h->waits_since_us >= room_since_us(f->room);
}

char *host_state_text(const struct fleet *f, const struct host *h)
{
	if (host_is_up(f, h))
		return g_strdup("up");
	if (h->forced_down)
		return g_strdup("forced down");
	return g_strdup_printf("down: %s", host_states[h->conn].used ? "it has not answered for too long" : h->down_reason);
}

/* ---- claims ---- */

/* @h: NULL: none has more */
static void tell_room(struct fleet *f, struct host *h)
{
	if (h && f->listener.room)
		f->listener.room(h, f->listener.user);
}

void fleet_claim(struct fleet *f, struct host *h, const struct claim *c)
{
	tell_room(f, room_claim(h, c));
}

void fleet_unclaim(struct fleet *f, int64_t task_id, enum claim_role role)
{
	tell_room(f, room_unclaim(f->room, task_id, role));
}

/* ---- servers ---- */

GPtrArray *fleet_servers(const struct fleet *f)
{
	return f->servers;
}

guint fleet_servers_after(const struct fleet *f, int64_t nth)
{
	guint low = 0, high = f->servers->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (((const struct server *)f->servers->pdata[middle])->nth > nth)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct server *fleet_server(const struct fleet *f, const char *uuid)
{
	struct server *s = *f->found;

	/* A step of a migration looks for its server again and again. */
	if (!s || strcmp(s->uuid, uuid) != 0)
		*f->found = s = g_hash_table_lookup(f->servers_by_uuid, uuid);
	return s;
}

static void leave(struct fleet *f, struct host *h, struct server *s)
{
	if (h && room_leave(h, s))
		tell_room(f, h);
}

void registry_add_server(struct fleet *f, struct server *s)
{
	struct host *h = fleet_host(f, s->host);

	s->nth = ++f->servers_came;
	g_ptr_array_add(f->servers, s);
	g_hash_table_insert(f->servers_by_uuid, s->uuid, s);
	if (h)
		room_join(h, s);
	tally_add(f, s);
}

void registry_missing(struct fleet *f, struct server *s, bool missing)
{
	f->missing += (int)missing - (int)s->missing;
	s->missing = missing;
}

void registry_remove_server(struct fleet *f, struct server *s)
{
	registry_missing(f, s, false);
	tally_remove(f, s);
	g_hash_table_remove(f->servers_by_uuid, s->uuid);
	*f->found = NULL;
	leave(f, fleet_host(f, s->host), s);
	g_ptr_array_remove(f->servers, s); /* frees it */
}

void registry_move_server(struct fleet *f, struct server *s, const char *host)
{
	struct host *old = fleet_host(f, s->host), *new = fleet_host(f, host);

	util_replace(&s->host, host);
	if (new)
		room_join(new, s);
	if (old != new)
		leave(f, old, s);
	registry_missing(f, s, false);
}

void registry_resize_server(struct fleet *f, struct server *s, const struct usage *size)
{
	struct host *h = fleet_host(f, s->host);

	if (room_resize(h, s, size))
		tell_room(f, h);
}
