/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/fleet.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uri.h"
#include "fleet/action.h"
#include "fleet/addr.h"
#include "fleet/autostart.h"
#include "fleet/fleet_priv.h"
#include "fleet/host_fence.h"
#include "fleet/host_look.h"
#include "fleet/host_rename.h"
#include "fleet/host_uuid.h"
#include "fleet/keep.h"
#include "fleet/load.h"
#include "fleet/marker.h"
#include "fleet/publish.h"

#define UNSETTLED_BY 4 /* the part of service_down_time that the loop may be late before the fleet is unsettled */

/* ---- what the connections say ---- */

static char *on_info(struct host *h, struct hv_host_info *info, void *user)
{
	char *why_not = h->conn == HOST_SYNCING ? host_uuid_take(user, h, info) : NULL;

	host_fence_answered(user, h);
	/* Nothing of it counts if it is another host's. */
	if (why_not)
		g_clear_pointer(&info, hv_host_info_free);
	room_info(h, info);
	return why_not;
}

/* What the database refused. */
static void save_again(struct fleet *f, struct host *h)
{
	if (h->unsaved)
		h->unsaved = !host_row_save(f, h, NULL);
	if (h->uuid_unsaved)
		host_uuid_save(f, h);
	autostart_save(f, h);
}

/* The listener hears of each leftover in here, before the host counts as up. */
static bool on_part(struct host *h, struct host_list *l, void *user)
{
	return sync_part(user, h, l);
}

void fleet_host_cleaned(struct fleet *f, struct host *h)
{
	if (h->conn != HOST_CLEANING || !h->told || (f->listener.clean && !f->listener.clean(h, f->listener.user)))
		return;
	log_info("host_up", LOG_S("host", h->name), LOG_D("domains", h->domains), LOG_D("vcpus", h->info->vcpus), LOG_D("memory_mb", h->info->mem_mib));
	host_link_up(h);
	h->was_fenced = false;
}

static void on_list(struct host *h, guint n, void *user)
{
	struct fleet *f = user;

	h->domains = n;
	fleet_host_cleaned(f, h);
	sync_missing(f, h);
	save_again(f, h);
}

/* Something has happened to it, or it has left a task. */
static void on_domain(struct host *h, struct hv_dom **d, uint64_t ask, void *user)
{
	g_autofree char *uuid = g_strdup((*d)->uuid);
	struct server *s;

	sync_one(user, h, d, ask);
	s = fleet_server(user, uuid);
	if (s && g_strcmp0(s->host, h->name) == 0)
		keep_want(user, s);
}

static void on_state(struct host *h, enum host_conn was, void *user)
{
	struct fleet *f = user;

	if (h->conn != HOST_UP) {
		addr_host_down(h);
		load_host_down(h);
		keep_host_down(h);
		marker_host_down(h);
	}
	publish_host_state(h);
	if (f->listener.host)
		f->listener.host(h, f->listener.user);
	if (was == HOST_UP || h->conn != HOST_UP)
		return;
	addr_host_up(h);
	load_host_up(h);
	keep_host_up(h);
	marker_host_up(h);
}

/* What is read of a server that the engine moves, is dropped (sync.c); the engine has it read when it is done with it. */
static bool is_moved(struct fleet *f, const char *uuid)
{
	const struct server *s = fleet_server(f, uuid);

	return s && server_is_taken(s);
}

static void on_tried(struct host *h, bool reached, void *user)
{
	(void)user;
	host_look_tried(h, reached);
}

void fleet_on_domain(struct fleet *f, hv_event_f *fn, void *user)
{
	f->on_domain = fn;
	f->on_domain_user = user;
}

static void on_event(struct host *h, const struct hv_event *ev, void *user)
{
	struct fleet *f = user;

	if (f->listener.domain)
		f->listener.domain(ev, f->listener.user);
	if (f->on_domain)
		f->on_domain(ev, f->on_domain_user);
	if (ev->type == HV_EV_DOM && !is_moved(f, ev->uuid))
		host_link_refresh(h, ev->uuid);
}

static const struct host_link_calls link_calls = {
	.info = on_info, .part = on_part, .list = on_list, .domain = on_domain, .state = on_state, .tried = on_tried, .event = on_event,
};

static void hv_said(const struct hv_event *ev, void *user)
{
	struct host *h = fleet_host(user, ev->host);

	if (h && h->hv)
		host_link_event(h, ev);
}

static void attach(struct fleet *f, struct host *h)
{
	addr_host_new(h);
	load_host_new(h);
	keep_host_new(h);
	marker_host_new(h);
	autostart_host_new(h);
	host_link_new(h, f->hv, &link_calls, f);
}

static void disconnect(struct host *h)
{
	host_look_end(h);
	host_link_close(h);
	addr_host_down(h);
	load_host_down(h);
}

static void detach(struct host *h)
{
	host_look_end(h);
	host_link_free(h);
	if (h->addrs)
		addr_host_free(h);
	if (h->load)
		load_host_free(h);
	if (h->keep)
		keep_host_free(h);
	if (h->marks)
		marker_host_free(h);
	if (h->autostart)
		autostart_host_free(h);
}

/* ---- life ---- */

struct fleet *fleet_new(const struct conf *conf, struct store *store, const struct hv_ops *const *ops, GError **err)
{
	struct fleet *f = registry_new(conf, store);

	keep_new(f);
	f->hv = hv_new(hv_said, f);
	for (; *ops; ops++)
		hv_register(f->hv, *ops);
	if (!host_rename_sections(conf, store, err) || !host_row_load(f, err) || !server_row_load(f, err) || !keep_load(f, err) || !host_row_merge(f, err)) {
		fleet_free(f);
		return NULL;
	}
	autostart_load(f);
	for (guint i = 0; i < f->hosts->len; i++)
		attach(f, g_ptr_array_index(f->hosts, i));
	if (!marker_load(f, err)) {
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
		disconnect(g_ptr_array_index(f->hosts, i));
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	f->listener = (struct fleet_listener){ .user = NULL };
	f->started = false;
	clock_on_late(NULL, NULL);
	for (guint i = 0; i < f->hosts->len; i++)
		detach(g_ptr_array_index(f->hosts, i));
	hv_free(f->hv);
	publish_stop(f);
	addr_stop(f);
	keep_free(f);
	registry_free(f);
}

static bool find_admin(struct fleet *f, enum query q, char **owner, GError **err)
{
	g_autofree char *id = NULL;

	if (!store_word(f->store, q, STORE_ARGS(SV_S("admin")), &id, err))
		return false;
	if (id)
		util_replace(owner, id);
	return true;
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
		host_link_ask_again(g_ptr_array_index(f->hosts, i));
}

void fleet_start(struct fleet *f)
{
	g_autoptr(GError) why = NULL;

	f->started = true;
	f->unsettled_ms = clock_now_ms();
	clock_on_late(loop_was_late, f);
	/* Adopted servers belong to the administrator's project, which Identity created at the first start. */
	if (!find_admin(f, Q_USER_ID, &f->owner_user, &why) || !find_admin(f, Q_PROJECT_ID, &f->owner_project, &why))
		log_error("fleet_owner_unknown", LOG_S("error", why->message));
	for (guint i = 0; i < f->hosts->len; i++)
		host_link_open(g_ptr_array_index(f->hosts, i));
}

static bool all_tried(const struct fleet *f)
{
	for (guint i = 0; i < f->hosts->len; i++)
		if (!((struct host *)g_ptr_array_index(f->hosts, i))->tried)
			return false;
	return true;
}

bool fleet_settled(struct fleet *f)
{
	if (f->started && !f->settled)
		f->settled = clock_now_ms() - f->unsettled_ms >= f->conf->service_down_time * 1000 || all_tried(f);
	return f->started && f->settled;
}

const struct hv_stats *fleet_call_stats(struct fleet *f)
{
	return hv_stats(f->hv);
}

/* ---- hosts ---- */

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
	if (!host_row_check(f->conf, ch, err))
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
	h = host_row_create(f, ch, false, err);
	if (!h)
		return NULL;
	log_info("host_added", LOG_S("host", h->name), LOG_S("uri", h->uri));
	attach(f, h);
	publish_host(h, "added");
	if (f->started)
		host_link_open(h);
	return h;
}

static bool delete_row(struct fleet *f, const struct host *h, GError **err)
{
	if (!store_begin(f->store, err))
		return false;
	if (marker_host_forget(f, h, err) && store_run(f->store, Q_HOST_DELETE, STORE_ARGS(SV_S(h->name)), NULL, err))
		return store_commit(f->store, err);
	store_rollback(f->store);
	return false;
}

bool fleet_host_remove(struct fleet *f, struct host *h, GError **err)
{
	guint busy = g_hash_table_size(h->servers) + g_hash_table_size(h->claims);

	if (busy) {
		g_set_error(err, ERR, ERR_CONFLICT, "Unable to remove host %s: %u servers are on it or on their way to it. Migrate them first.", h->name, busy);
		return false;
	}
	if (h->from_conf && host_row_conf(f->conf, h->name)) {
		g_set_error(err, ERR, ERR_CONFLICT, "Host %s is defined in the configuration file; remove it there.", h->name);
		return false;
	}
	if (!delete_row(f, h, err))
		return false;
	log_info("host_removed", LOG_S("host", h->name));
	marker_host_forgotten(f, h);
	publish_host(h, "removed");
	detach(h);
	registry_remove_host(f, h);
	return true;
}

bool fleet_host_set(struct fleet *f, struct host *h, bool disabled, const char *reason, bool forced_down, GError **err)
{
	bool was_disabled = h->disabled, was_down = h->forced_down;
	char *was_reason = h->disabled_reason;

	h->disabled = disabled;
	h->forced_down = forced_down;
	h->disabled_reason = g_strdup(reason);
	if (!host_row_save(f, h, err)) {
		g_free(h->disabled_reason);
		h->disabled = was_disabled;
		h->forced_down = was_down;
		h->disabled_reason = was_reason;
		h->unsaved = true; /* likewise */
		return false;
	}
	room_note(h);
	g_free(was_reason);
	h->updated_us = clock_wall_us();
	log_info("host_set", LOG_S("host", h->name), LOG_D("disabled", disabled), LOG_S("reason", h->disabled_reason), LOG_D("forced_down", forced_down));
	publish_host(h, "changed");
	if (f->listener.host)
		f->listener.host(h, f->listener.user);
	return true;
}

void fleet_host_dead(struct fleet *f, struct host *h)
{
	host_link_drop(h, "it was fenced");
	if (f->listener.host)
		f->listener.host(h, f->listener.user);
}

const char *host_listen(struct fleet *f, const struct host *h, const char *type)
{
	const char *spice = fleet_conf(f)->spice_server_listen;

	return spice && g_str_equal(type, "spice") ? spice : h->vnc_listen;
}

/* ---- servers ---- */

bool fleet_server_reset(struct fleet *f, struct server *s, enum server_vm vm, const struct requester *who, GError **err)
{
	enum server_vm was = s->vm;
	struct server_draft d = server_draft(s);

	if (s->unknown)
		return server_refuse_unknown(s, "reset_state", err);
	if (s->task != SERVER_TASK_NONE)
		return server_refuse_task(s, "reset_state", err);
	if (!store_begin(f->store, err))
		return false;
	d.vm = vm;
	if (vm == SERVER_ACTIVE) {
		d.fault = NULL;
		d.fault_stays = false;
	}
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

/* Nova's words for the owner of a lock. */
static const char *lock_of(const struct server *s, const struct requester *who)
{
	return g_strcmp0(s->project_id, who->project_id) == 0 ? "owner" : "admin";
}

bool server_lock_is_of(const struct server *s, const struct requester *who)
{
	return !s->locked_by || strcmp(s->locked_by, lock_of(s, who)) == 0;
}

static bool write_lock(struct fleet *f, struct server *s, const struct server_draft *d, const struct requester *who, GError **err)
{
	const char *action = d->locked ? "lock" : "unlock";

	if (!store_begin(f->store, err))
		return false;
	if (!action_done(f->store, s->uuid, action, who, err) || !fleet_server_write(f, s, d, err) || !store_commit(f->store, err)) {
		store_rollback(f->store);
		s->unsaved = true; /* its row is as it was, or the answer was lost */
		return false;
	}
	fleet_server_take(f, s, d);
	log_info("server_lock", LOG_S("server", s->uuid), LOG_S("locked_by", s->locked_by), LOG_S("reason", s->locked_reason));
	return true;
}

bool fleet_server_lock(struct fleet *f, struct server *s, const char *reason, const struct requester *who, GError **err)
{
	struct server_draft d = server_draft(s);

	if (s->locked && strcmp(lock_of(s, who), "owner") == 0)
		return true;
	d.locked = true;
	d.locked_by = lock_of(s, who);
	d.locked_reason = reason ? reason : s->locked_reason;
	return write_lock(f, s, &d, who, err);
}

bool fleet_server_unlock(struct fleet *f, struct server *s, const struct requester *who, GError **err)
{
	struct server_draft d = server_draft(s);

	d.locked = false;
	d.locked_by = d.locked_reason = NULL;
	return write_lock(f, s, &d, who, err);
}
