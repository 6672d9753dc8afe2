/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/fleet.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uri.h"
#include "fleet/action.h"
#include "fleet/addr.h"
#include "fleet/fleet_priv.h"
#include "store/columns.h"
#include "store/row.h"

#define UNSETTLED_BY 4 /* the part of service_down_time that the loop may be late before the fleet is unsettled */

/* ---- loading ---- */

struct loader {
	struct fleet *fleet;
	char *bad; /* a row that cannot be read, for the message */
};

static void add_host(struct fleet *f, struct host *h)
{
	g_ptr_array_add(f->hosts, h);
	g_hash_table_insert(f->hosts_by_name, h->name, h);
	room_add(f->room, h);
}

/* ---- rows ---- */

#define FIELD_TEXT(s, col, f) ROW_FIELD(s, col, ROW_TEXT, f)
#define FIELD_CHARS(s, col, f) ROW_FIELD_CHARS(s, col, f)
#define FIELD_INT(s, col, f) ROW_FIELD(s, col, ROW_INT, f)
#define FIELD_INT64(s, col, f) ROW_FIELD(s, col, ROW_INT64, f)
#define FIELD_TIME(s, col, f) ROW_FIELD(s, col, ROW_TIME, f)
#define FIELD_NOW(s, col, f) ROW_FIELD(s, col, ROW_NOW, f)
#define FIELD_BOOL(s, col, f) ROW_FIELD(s, col, ROW_BOOL, f)
#define FIELD_VM(s, col, f) ROW_FIELD_WORD(s, col, f, vm_word, SERVER_VM_N)
#define FIELD_TASK(s, col, f) ROW_FIELD_WORD(s, col, f, task_word, SERVER_TASK_N)
#define HOST_FIELD(n, col, type, f) FIELD_##type(host, col, f),
#define SERVER_FIELD(n, col, type, f) FIELD_##type(server, col, f),

static const char *vm_word(int i)
{
	return server_vm_name((enum server_vm)i);
}

static const char *task_word(int i)
{
	return server_task_name((enum server_task)i);
}

static const struct row_field host_fields[] = { HOST_COLUMNS(HOST_FIELD, HOST_FIELD) };
static const struct row_field server_fields[] = { SERVER_COLUMNS(SERVER_FIELD, SERVER_FIELD) };

static bool load_host(const struct store_row *row, void *user)
{
	struct loader *l = user;
	struct host *h = host_new(l->fleet, store_text(row, 1), NULL);
	int behind = 2 + (int)G_N_ELEMENTS(host_fields);
	const char *hv_uuid = store_text(row, behind + 1);

	h->id = store_int(row, 0);
	(void)row_read(row, 2, host_fields, G_N_ELEMENTS(host_fields), h); /* it has no words */
	h->created_us = store_int(row, behind);
	g_strlcpy(h->hv_uuid, hv_uuid ? hv_uuid : "", sizeof h->hv_uuid);
	add_host(l->fleet, h);
	return true;
}

static bool load_server(const struct store_row *row, void *user)
{
	struct loader *l = user;
	struct server *s = server_new(store_text(row, 1));
	g_autofree char *wrong = NULL;

	s->id = store_int(row, 0);
	wrong = row_read(row, 2, server_fields, G_N_ELEMENTS(server_fields), s);
	if (wrong) {
		l->bad = g_strdup_printf("the row of server %s makes no sense: %s", s->uuid, wrong);
		server_free(s);
		return false;
	}
	addr_load(s, store_text(row, 2 + (int)G_N_ELEMENTS(server_fields)));
	fleet_server_add(l->fleet, s);
	tell_known(s);
	return true;
}

bool fleet_host_save(struct fleet *f, struct host *h, GError **err)
{
	struct store_val row[1 + G_N_ELEMENTS(host_fields)] = { SV_S(h->name) };

	row_values(host_fields, G_N_ELEMENTS(host_fields), h, clock_wall_us(), row + 1);
	return store_insert(f->store, Q_HOST_PUT, row, G_N_ELEMENTS(row), &h->id, err);
}

/* The host part of a libvirt URI, or NULL. Return: owned by the caller. */
static char *uri_host(const char *text)
{
	g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
	const char *host = uri ? g_uri_get_host(uri) : NULL;

	return host && *host ? g_strdup(host) : NULL;
}

/* As Nova makes it: the scheme of [libvirt] live_migration_scheme, the address where migrations come in. */
static char *default_migration_uri(const struct conf *c, const struct conf_host *ch)
{
	g_autofree char *addr = ch->inbound_addr ? g_strdup(ch->inbound_addr) : uri_host(ch->uri);

	if (!c->live_migration_scheme || !addr)
		return NULL;
	return g_strdup_printf(strchr(addr, ':') ? "qemu+%s://[%s]/system" : "qemu+%s://%s/system", c->live_migration_scheme, addr);
}

/* What the configuration says of a host wins over the row, but its uuid and whether it is disabled. */
void fleet_host_configure(struct fleet *f, struct host *h, const struct conf_host *ch)
{
	const char *listen = ch->vnc_listen ? ch->vnc_listen : f->conf->vnc_server_listen;

	util_replace(&h->uri, ch->uri);
	util_replace(&h->inbound_addr, ch->inbound_addr);
	g_free(h->migration_uri);
	h->migration_uri = ch->migration_uri ? g_strdup(ch->migration_uri) : default_migration_uri(f->conf, ch);
	util_replace(&h->vnc_listen, listen);
	host_set_cpus(h, ch->cpu_shared_set ? ch->cpu_shared_set : f->conf->cpu_shared_set,
		      ch->cpu_dedicated_set ? ch->cpu_dedicated_set : f->conf->cpu_dedicated_set);
}

const struct conf_host *fleet_conf_host(const struct fleet *f, const char *name)
{
	for (guint i = 0; f->conf->hosts && i < f->conf->hosts->len; i++) {
		const struct conf_host *ch = g_ptr_array_index(f->conf->hosts, i);

		if (strcmp(ch->name, name) == 0)
			return ch;
	}
	return NULL;
}

/*
 * D1: what a client of the API may say of a host. An administrator of the API is not root where droverd runs, and an address
 * becomes part of a URI.
 */
static bool check_added(const struct conf *c, const struct conf_host *ch, GError **err)
{
	const char *const *schemes = (const char *const *)c->host_schemes;
	const struct {
		const char *name, *addr;
	} addrs[] = { { "live_migration_inbound_addr", ch->inbound_addr }, { "server_listen", ch->vnc_listen } };

	if (!uri_check_remote(ch->uri, schemes, err) || (ch->migration_uri && !uri_check_remote(ch->migration_uri, schemes, err)))
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(addrs); i++) {
		if (addrs[i].addr && !uri_check_address(addrs[i].addr, err)) {
			g_prefix_error(err, "%s: ", addrs[i].name);
			return false;
		}
	}
	return true;
}

/* The scheme of a URI that was made by default_migration_uri() is the configuration's. */
static bool check_row(const struct conf *c, const struct host *h, GError **err)
{
	struct conf_host ch = { .name = h->name, .uri = h->uri, .inbound_addr = h->inbound_addr, .vnc_listen = h->vnc_listen };
	g_autofree char *made = default_migration_uri(c, &ch);

	ch.migration_uri = g_strcmp0(made, h->migration_uri) == 0 ? NULL : h->migration_uri;
	if (!h->from_conf)
		return check_added(c, &ch, err);
	/* Of a section that is gone. */
	return c->allow_any_uri || (uri_check_host(ch.uri, err) && (!ch.migration_uri || uri_check_host(ch.migration_uri, err)));
}

/* A row may be older than the checks, or was written by another program. Such a host is kept, for what runs there, and not connected. */
static void refuse_bad_rows(struct fleet *f)
{
	for (guint i = 0; i < f->hosts->len; i++) {
		struct host *h = g_ptr_array_index(f->hosts, i);
		g_autoptr(GError) why = NULL;

		if (fleet_conf_host(f, h->name) || check_row(f->conf, h, &why))
			continue;
		log_error("host_refused", LOG_S("host", h->name), LOG_S("reason", why->message));
		util_replace(&h->down_reason, why->message);
		h->priv->refused = true;
	}
}

static struct host *create_host(struct fleet *f, const struct conf_host *ch, bool from_conf, GError **err)
{
	struct host *h = host_new(f, ch->name, ch->uri);
	g_autofree char *uuid = util_uuid_new();

	g_strlcpy(h->uuid, uuid, sizeof h->uuid);
	h->from_conf = from_conf;
	h->created_us = clock_wall_us();
	fleet_host_configure(f, h, ch);
	if (!fleet_host_save(f, h, err)) {
		host_free(h);
		return NULL;
	}
	add_host(f, h);
	return h;
}

/* What its row has, to see whether it has changed. */
static char *row_text(const struct host *h)
{
	struct store_val row[G_N_ELEMENTS(host_fields)];
	GString *s = g_string_new(NULL);

	row_values(host_fields, G_N_ELEMENTS(row), h, 0, row);
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++)
		g_string_append_printf(s, "%d %" G_GINT64_FORMAT " %s\n", row[i].type, row[i].type == STORE_INT ? row[i].i : 0,
				       row[i].type == STORE_TEXT ? row[i].s : "");
	return g_string_free(s, FALSE);
}

/* Return: whether its row has to be written. */
static bool reconfigure(struct fleet *f, struct host *h, const struct conf_host *ch)
{
	g_autofree char *before = row_text(h), *after = NULL;

	fleet_host_configure(f, h, ch);
	h->from_conf = true;
	after = row_text(h);
	return strcmp(before, after) != 0;
}

/* A start that changes nothing writes nothing. @ret_in_tx: whether there is something to commit */
static bool merge_conf_hosts(struct fleet *f, bool *ret_in_tx, GError **err)
{
	for (guint i = 0; i < f->conf->hosts->len; i++) {
		const struct conf_host *ch = g_ptr_array_index(f->conf->hosts, i);
		struct host *h = fleet_host(f, ch->name);

		if (h && !reconfigure(f, h, ch))
			continue;
		*ret_in_tx = *ret_in_tx || store_begin(f->store, err);
		if (!*ret_in_tx || !(h ? fleet_host_save(f, h, err) : create_host(f, ch, true, err) != NULL))
			return false;
	}
	return true;
}

static bool load(struct fleet *f, GError **err)
{
	struct loader l = { .fleet = f };
	bool in_tx = false;

	if (!host_rename_sections(f, err) || !store_each(f->store, Q_HOST_ALL, STORE_NO_ARGS, load_host, &l, err) ||
	    !store_each(f->store, Q_SERVER_ALL, STORE_NO_ARGS, load_server, &l, err))
		return false;
	if (l.bad) {
		g_set_error(err, ERR, ERR_STORE, "%s", l.bad);
		g_free(l.bad);
		return false;
	}
	if (!merge_conf_hosts(f, &in_tx, err)) {
		store_rollback(f->store);
		return false;
	}
	refuse_bad_rows(f);
	return !in_tx || store_commit(f->store, err);
}

struct fleet *fleet_new(const struct conf *conf, struct store *store, const struct hv_ops *const *ops, GError **err)
{
	struct fleet *f = g_new0(struct fleet, 1);

	f->conf = conf;
	f->store = store;
	f->hv = hv_new(host_event, f);
	for (; *ops; ops++)
		hv_register(f->hv, *ops);
	f->hosts = g_ptr_array_new();
	f->hosts_by_name = g_hash_table_new(g_str_hash, g_str_equal);
	f->room = room_new(conf);
	f->events = events_new((size_t)conf->event_history);
	f->untold = g_ptr_array_new();
	f->addrs_unsaved = g_ptr_array_new_with_free_func(g_free);
	f->servers = g_ptr_array_new();
	f->servers_by_uuid = g_hash_table_new(g_str_hash, g_str_equal);
	f->owner_user = g_strdup("admin");
	f->owner_project = g_strdup("admin");
	if (!load(f, err)) {
		fleet_free(f);
		return NULL;
	}
	return f;
}

void fleet_stop(struct fleet *f)
{
	f->started = false;
	clock_on_late(NULL, NULL);
	for (guint i = 0; i < f->hosts->len; i++)
		host_disconnect(g_ptr_array_index(f->hosts, i));
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	f->listener = (struct fleet_listener){ .user = NULL };
	fleet_stop(f);
	for (guint i = 0; i < f->hosts->len; i++)
		host_free(g_ptr_array_index(f->hosts, i));
	for (guint i = 0; i < f->servers->len; i++)
		server_free(g_ptr_array_index(f->servers, i));
	g_ptr_array_unref(f->hosts);
	g_ptr_array_unref(f->servers);
	g_hash_table_unref(f->hosts_by_name);
	room_free(f->room);
	g_clear_pointer(&f->candidates, g_array_unref);
	g_hash_table_unref(f->servers_by_uuid);
	hv_free(f->hv);
	clock_cancel(&f->telling);
	g_ptr_array_unref(f->untold);
	addr_stop(f);
	g_ptr_array_unref(f->addrs_unsaved);
	events_free(f->events);
	g_free(f->owner_user);
	g_free(f->owner_project);
	g_free(f);
}

static bool find_admin(const struct store_row *row, void *user)
{
	if (g_strcmp0(store_text(row, 1), "admin") != 0)
		return true;
	util_replace(user, store_text(row, 0));
	return false;
}

/*
 * The loop stood. Answers are read next, but connections may have broken meanwhile, and calls may have been lost in a machine
 * that stood with it: nothing is judged before each host was asked again.
 */
static void loop_was_late(int64_t late_us, void *user)
{
	struct fleet *f = user;

	if (late_us < f->conf->service_down_time * 1000000 / UNSETTLED_BY)
		return;
	log_warning("loop_late", LOG_D("ms", late_us / 1000));
	f->settled = false;
	f->unsettled_ms = clock_now_ms();
	for (guint i = 0; i < f->hosts->len; i++)
		host_ask_again(g_ptr_array_index(f->hosts, i));
}

void fleet_start(struct fleet *f)
{
	g_autoptr(GError) why = NULL;

	f->started = true;
	f->unsettled_ms = clock_now_ms();
	clock_on_late(loop_was_late, f);
	/* Adopted servers belong to the administrator's project, which Identity created at the first start. */
	if (!store_each(f->store, Q_USER_ALL, STORE_NO_ARGS, find_admin, &f->owner_user, &why) ||
	    !store_each(f->store, Q_PROJECT_ALL, STORE_NO_ARGS, find_admin, &f->owner_project, &why))
		log_error("fleet_owner_unknown", LOG_S("error", why->message));
	for (guint i = 0; i < f->hosts->len; i++)
		host_connect(g_ptr_array_index(f->hosts, i));
}

static bool all_tried(const struct fleet *f)
{
	for (guint i = 0; i < f->hosts->len; i++)
		if (!((struct host *)g_ptr_array_index(f->hosts, i))->priv->tried)
			return false;
	return true;
}

bool fleet_settled(struct fleet *f)
{
	if (f->started && !f->settled)
		f->settled = clock_now_ms() - f->unsettled_ms >= f->conf->service_down_time * 1000 || all_tried(f);
	return f->started && f->settled;
}

void fleet_listen(struct fleet *f, const struct fleet_listener *l)
{
	f->listener = *l;
}

struct store *fleet_store(struct fleet *f)
{
	return f->store;
}

const struct conf *fleet_conf(struct fleet *f)
{
	return f->conf;
}

struct events *fleet_events(struct fleet *f)
{
	return f->events;
}

const struct hv_stats *fleet_calls(struct fleet *f)
{
	return hv_stats(f->hv);
}

/* ---- hosts ---- */

GPtrArray *fleet_hosts(struct fleet *f)
{
	return f->hosts;
}

struct host *fleet_host(struct fleet *f, const char *name)
{
	return name ? g_hash_table_lookup(f->hosts_by_name, name) : NULL;
}

struct host *fleet_host_by_uuid(struct fleet *f, const char *uuid)
{
	for (guint i = 0; i < f->hosts->len; i++) {
		struct host *h = g_ptr_array_index(f->hosts, i);

		if (strcmp(h->uuid, uuid) == 0)
			return h;
	}
	return NULL;
}

struct host *fleet_host_by_id(struct fleet *f, int64_t id)
{
	for (guint i = 0; i < f->hosts->len; i++) {
		struct host *h = g_ptr_array_index(f->hosts, i);

		if (h->id == id)
			return h;
	}
	return NULL;
}

/* By what the URIs say; what their UUIDs say is known when both have answered (host_uuid.c). */
static const struct host *host_of_uri(const struct fleet *f, const char *uri)
{
	for (guint i = 0; i < f->hosts->len; i++) {
		const struct host *h = g_ptr_array_index(f->hosts, i);

		if (uri_same(h->uri, uri))
			return h;
	}
	return NULL;
}

struct host *fleet_host_add(struct fleet *f, const struct conf_host *ch, GError **err)
{
	const struct host *same;
	struct host *h;

	if (!ch->name || !util_hostname_valid(ch->name)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid characters in hostname '%s'", ch->name ? ch->name : "");
		return NULL;
	}
	if (!check_added(f->conf, ch, err))
		return NULL;
	if (fleet_host(f, ch->name)) {
		g_set_error(err, ERR, ERR_CONFLICT, "Host %s already exists.", ch->name);
		return NULL;
	}
	same = host_of_uri(f, ch->uri);
	if (same) {
		g_set_error(err, ERR, ERR_CONFLICT, "Host %s leads to the same libvirt already: %s. A host has one name.", same->name, same->uri);
		return NULL;
	}
	h = create_host(f, ch, false, err);
	if (!h)
		return NULL;
	log_info("host_added", LOG_S("host", h->name), LOG_S("uri", h->uri));
	tell_host(h, "added");
	if (f->started)
		host_connect(h);
	return h;
}

bool fleet_host_remove(struct fleet *f, struct host *h, GError **err)
{
	guint busy = g_hash_table_size(h->servers) + g_hash_table_size(h->claims);

	if (busy) {
		g_set_error(err, ERR, ERR_CONFLICT, "Unable to remove host %s: %u servers are on it or on their way to it. Migrate them first.", h->name, busy);
		return false;
	}
	if (h->from_conf && fleet_conf_host(f, h->name)) {
		g_set_error(err, ERR, ERR_CONFLICT, "Host %s is defined in the configuration file; remove it there.", h->name);
		return false;
	}
	if (!store_run(f->store, Q_HOST_DELETE, STORE_ARGS(SV_S(h->name)), NULL, err))
		return false;
	log_info("host_removed", LOG_S("host", h->name));
	tell_host(h, "removed");
	g_hash_table_remove(f->hosts_by_name, h->name);
	g_ptr_array_remove(f->hosts, h);
	room_remove(f->room, h);
	host_free(h);
	return true;
}

void fleet_host_save_again(struct fleet *f, struct host *h)
{
	if (h->priv->unsaved)
		h->priv->unsaved = !fleet_host_save(f, h, NULL);
	if (h->priv->uuid_unsaved)
		host_uuid_save(f, h);
}

bool fleet_host_set(struct fleet *f, struct host *h, bool disabled, const char *reason, bool forced_down, GError **err)
{
	bool was_disabled = h->disabled, was_down = h->forced_down;
	char *was_reason = h->disabled_reason;

	h->disabled = disabled;
	h->forced_down = forced_down;
	h->disabled_reason = g_strdup(reason);
	if (!fleet_host_save(f, h, err)) {
		g_free(h->disabled_reason);
		h->disabled = was_disabled;
		h->forced_down = was_down;
		h->disabled_reason = was_reason;
		h->priv->unsaved = true; /* likewise */
		return false;
	}
	room_note(h);
	g_free(was_reason);
	h->updated_us = clock_wall_us();
	log_info("host_set", LOG_S("host", h->name), LOG_D("disabled", disabled), LOG_S("reason", h->disabled_reason), LOG_D("forced_down", forced_down));
	tell_host(h, "changed");
	if (f->listener.host)
		f->listener.host(h, f->listener.user);
	return true;
}

/* ---- room ---- */

const struct room *fleet_room(const struct fleet *f)
{
	return f->room;
}

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

void fleet_server_resize(struct fleet *f, struct server *s, const struct usage *size)
{
	struct host *h = fleet_host(f, s->host);

	if (room_resize(h, s, size))
		tell_room(f, h);
}

/* ---- servers ---- */

GPtrArray *fleet_servers(struct fleet *f)
{
	return f->servers;
}

struct server *fleet_server(struct fleet *f, const char *uuid)
{
	return g_hash_table_lookup(f->servers_by_uuid, uuid);
}

bool fleet_server_write(struct fleet *f, struct server *s, const struct server_draft *d, GError **err)
{
	int64_t now = clock_wall_us(), changed = 0;
	struct store_val row[1 + G_N_ELEMENTS(server_fields)] = { SV_S(s->uuid) };
	struct server as = *s;

	as.host = (char *)d->host;
	as.fault = (char *)d->fault;
	as.vm = d->vm;
	as.task = d->task;
	row_values(server_fields, G_N_ELEMENTS(server_fields), &as, now, row + 1);
	s->unsaved = true;
	if (s->id && !store_run(f->store, Q_SERVER_SET, row, G_N_ELEMENTS(row), &changed, err))
		return false;
	/* A new one; its guest may have had a record that was deleted. */
	if (changed == 0 && !store_insert(f->store, Q_SERVER_PUT, row, G_N_ELEMENTS(row), &s->id, err))
		return false;
	s->unsaved = false;
	s->updated_us = now;
	tell_later(f, s);
	return true;
}

bool fleet_server_save(struct fleet *f, struct server *s, GError **err)
{
	struct server_draft d = server_draft(s);

	return fleet_server_write(f, s, &d, err);
}

void fleet_server_take(struct fleet *f, struct server *s, const struct server_draft *d)
{
	s->vm = d->vm;
	s->task = d->task;
	util_replace(&s->fault, d->fault);
	if (g_strcmp0(s->host, d->host) != 0)
		fleet_server_move(f, s, d->host);
	tell_later(f, s);
}

bool fleet_server_reset(struct fleet *f, struct server *s, enum server_vm vm, const struct requester *who, GError **err)
{
	enum server_vm was = s->vm;
	struct server_draft d = server_draft(s);

	if (s->task != SERVER_TASK_NONE)
		return server_refuse_task(s, "reset_state", err);
	if (!store_begin(f->store, err))
		return false;
	d.vm = vm;
	if (vm == SERVER_ACTIVE)
		d.fault = NULL;
	if (!action_done(f->store, s->uuid, "resetState", who, err) || !fleet_server_write(f, s, &d, err) || !store_commit(f->store, err)) {
		store_rollback(f->store);
		s->unsaved = true; /* its row is as it was, or the answer was lost */
		return false;
	}
	fleet_server_take(f, s, &d);
	log_info("server_reset", LOG_S("server", s->uuid), LOG_S("from", server_vm_name(was)), LOG_S("to", server_vm_name(vm)));
	fleet_server_refresh(f, s);
	return true;
}

void fleet_server_add(struct fleet *f, struct server *s)
{
	struct host *h = fleet_host(f, s->host);

	g_ptr_array_add(f->servers, s);
	g_hash_table_insert(f->servers_by_uuid, s->uuid, s);
	if (h)
		room_join(h, s);
}

void fleet_server_missing(struct fleet *f, struct server *s, bool missing)
{
	f->missing += (int)missing - (int)s->missing;
	s->missing = missing;
}

void fleet_server_drop(struct fleet *f, struct server *s)
{
	struct host *h = fleet_host(f, s->host);

	tell_removed(f, s);
	fleet_server_missing(f, s, false);
	g_hash_table_remove(f->servers_by_uuid, s->uuid);
	g_ptr_array_remove(f->servers, s);
	if (h && room_leave(h, s))
		tell_room(f, h);
	server_free(s);
}

void fleet_server_move(struct fleet *f, struct server *s, const char *host)
{
	struct host *old = fleet_host(f, s->host), *new = fleet_host(f, host);

	util_replace(&s->host, host);
	if (new)
		room_join(new, s);
	if (old && old != new && room_leave(old, s))
		tell_room(f, old);
	fleet_server_missing(f, s, false);
	addr_moved(s);
	tell_later(f, s);
}
