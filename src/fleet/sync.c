/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/sync.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fleet/addr.h"
#include "fleet/autostart.h"
#include "fleet/fleet_priv.h"
#include "fleet/keep.h"
#include "fleet/host_link.h"
#include "fleet/publish.h"
#include "fleet/registry.h"
#include "fleet/server_row.h"
#include "fleet/tally.h"

/*
 * What the hosts may change of a record, by the server's nature. Where it is not so, the record stays, and what is seen is
 * shown beside it: a missing domain as power state NOSTATE, a copy elsewhere as an alarm once the own host has spoken.
 */
static const struct nature_rules {
	bool name;   /* its name is the domain's title */
	bool size;   /* its vCPUs, memory and disks are the domain's */
	bool ends;   /* when no host has its domain the record goes */
	bool silent; /* a copy that runs elsewhere moves the record though its own host is silent */
} rules[] = {
	[SERVER_ADOPTED] = { .name = true, .size = true, .ends = true, .silent = true },
	[SERVER_MANAGED] = { .name = false },
};
static_assert(G_N_ELEMENTS(rules) == SERVER_NATURE_N, "rules is missing one");

static const struct nature_rules *rules_of(const struct server *s)
{
	return &rules[s->nature];
}

static bool is_incoming(const struct hv_dom *d)
{
	return d->job_incoming || (d->state == HV_PAUSED && (d->reason == HV_R_MIGRATION || d->reason == HV_R_STARTING));
}

/* It executes or could execute at once: memory and devices exist. */
static bool is_live(const struct hv_dom *d)
{
	return d->state == HV_RUNNING || d->state == HV_PAUSED || d->state == HV_SUSPENDED;
}

/* A guest whose memory was saved is suspended. libvirtd forgets that it was the last that happened, so the record keeps it until the guest runs. */
static bool is_saved(const struct server *s, const struct hv_dom *d)
{
	return d->state == HV_SHUTOFF && (d->reason == HV_R_SAVED || s->vm == SERVER_SUSPENDED);
}

static enum server_vm vm_of(const struct server *s, const struct hv_dom *d)
{
	static const enum server_vm table[] = {
		[HV_UNKNOWN] = SERVER_STOPPED, [HV_ABSENT] = SERVER_STOPPED, [HV_SHUTOFF] = SERVER_STOPPED,     [HV_RUNNING] = SERVER_ACTIVE,
		[HV_PAUSED] = SERVER_PAUSED,   [HV_CRASHED] = SERVER_STOPPED, [HV_SUSPENDED] = SERVER_SUSPENDED,   [HV_SHUTDOWN] = SERVER_STOPPED,
	};

	return is_saved(s, d) ? SERVER_SUSPENDED : table[d->state];
}

static int64_t disk_gb_of(const struct hv_dom *d)
{
	int64_t bytes = 0;

	for (guint i = 0; i < d->disks->len; i++) {
		const struct hv_disk *disk = g_ptr_array_index(d->disks, i);

		if (disk->kind != HV_SOURCE_NETWORK && !disk->cdrom)
			bytes += disk->capacity_bytes;
	}
	return (bytes + FLEET_UNIT_GIB - 1) / FLEET_UNIT_GIB;
}

/* A domain whose description cannot be read keeps the title that it had. */
static const char *name_of(const struct server *s, const struct hv_dom *d)
{
	if (!rules_of(s)->name && s->name)
		return s->name;
	if (d->title && *d->title)
		return d->title;
	return d->unreadable && s->name ? s->name : d->name;
}

/* What is not told stays as it was. */
static struct usage size_of(const struct server *s, const struct hv_dom *d)
{
	int64_t disk_gb = disk_gb_of(d);
	bool told = !d->unreadable;

	if (!rules_of(s)->size)
		return server_usage(s);
	return (struct usage){
		.vcpus = told || d->vcpus ? d->vcpus : s->vcpus, .memory_mb = told || d->mem_mib ? d->mem_mib : s->memory_mb,
		.disk_gb = disk_gb ? disk_gb : s->disk_gb, .servers = 1,
	};
}

/* Only these states are the hypervisor's to say; the others are the controller's. */
static bool follows(const struct server *s, const struct hv_dom *d)
{
	if (d->state == HV_UNKNOWN && s->vm != SERVER_BUILDING)
		return false;
	return s->vm == SERVER_ACTIVE || s->vm == SERVER_PAUSED || s->vm == SERVER_STOPPED || s->vm == SERVER_SUSPENDED || s->vm == SERVER_BUILDING;
}

/* Take what a domain says into a record. Return: true if a stored field changed. */
static bool apply(struct fleet *f, struct server *s, const struct hv_dom *d)
{
	const char *name = name_of(s, d);
	const struct usage size = size_of(s, d);
	int power = server_power_of(d->state);
	bool back = server_ends_fault(s) && d->state == HV_RUNNING; /* it was recovered by hand */
	bool changed = false;

	if (g_strcmp0(s->name, name) != 0 || g_strcmp0(s->libvirt_name, d->name) != 0) {
		util_replace(&s->name, name);
		util_replace(&s->libvirt_name, d->name);
		changed = true;
	}
	changed |= autostart_seen(f, s, d);
	if (back)
		util_replace(&s->fault, NULL);
	if ((back || follows(s, d)) && s->vm != vm_of(s, d)) {
		s->vm = vm_of(s, d);
		changed = true;
	}
	if (s->power != power || s->vcpus != size.vcpus || s->memory_mb != size.memory_mb || s->disk_gb != size.disk_gb) {
		s->power = power;
		registry_resize_server(f, s, &size);
		changed = true;
	}
	tally_note(f, s);
	return changed;
}

/* Once, not at every poll. */
static void log_readable(const struct server *s, const struct hv_dom *was)
{
	const char *why = server_unreadable(s), *old = was ? was->unreadable : NULL;

	if (why && g_strcmp0(why, old) != 0)
		log_warning("server_unreadable", LOG_S("server", s->uuid), LOG_S("name", s->name), LOG_S("host", s->host), LOG_S("reason", why));
	else if (old && !why)
		log_info("server_readable", LOG_S("server", s->uuid), LOG_S("name", s->name), LOG_S("host", s->host));
}

static void keep_dom(struct fleet *f, struct server *s, struct hv_dom **d)
{
	struct hv_dom *was = s->dom;

	s->dom = g_steal_pointer(d);
	log_readable(s, was);
	hv_dom_free(was);
	/* An unreadable one still has the CPUs and the interfaces that it had. */
	if (!s->dom->unreadable) {
		server_set_ties(s, s->dom->ties);
		addr_took_dom(f, s);
		keep_want_first(f, s);
	}
	s->dom_ms = clock_now_ms();
	registry_missing(f, s, false);
	s->missing_ask = 0;
	if (!is_live(s->dom))
		util_replace(&s->duplicate_at, NULL);
	tally_note(f, s);
	autostart_act(f, s);
}

static void save(struct fleet *f, struct server *s)
{
	g_autoptr(GError) why = NULL;

	if (f->sync == FLEET_SYNC_ALONE)
		f->sync = store_begin(f->store, NULL) ? FLEET_SYNC_TOGETHER : FLEET_SYNC_NONE;
	/* Memory has the truth of the host; the row gets it with the next list. */
	if (!fleet_server_save(f, s, &why))
		log_error("server_not_saved", LOG_S("server", s->uuid), LOG_S("error", why->message));
}

/* Known from now on even where its row is refused, as it takes room and CPUs of its host. */
static void adopt(struct fleet *f, struct host *h, struct hv_dom **d)
{
	struct server *s = server_new((*d)->uuid);

	s->host = g_strdup(h->name);
	s->vm = SERVER_BUILDING;
	s->user_id = g_strdup(f->owner_user);
	s->project_id = g_strdup(f->owner_project);
	s->created_us = s->launched_us = clock_wall_us();
	apply(f, s, *d);
	save(f, s);
	log_info("server_adopted", LOG_S("server", s->uuid), LOG_S("name", s->name), LOG_S("host", h->name),
		 LOG_S("state", hv_state_name((*d)->state)));
	fleet_server_add(f, s);
	keep_dom(f, s, d);
}

static void move(struct fleet *f, struct server *s, struct host *h, struct hv_dom **d)
{
	log_warning("server_moved", LOG_S("server", s->uuid), LOG_S("from", s->host), LOG_S("to", h->name));
	fleet_server_move(f, s, h->name);
	util_replace(&s->duplicate_at, NULL);
	apply(f, s, *d);
	save(f, s);
	keep_dom(f, s, d);
}

/* An operator that stops the wrong copy, or the only one, loses the guest: the advice is to look first. */
static void log_duplicate(struct fleet *f, const struct server *s, const struct host *h)
{
	const struct host *own = fleet_host(f, s->host);

	log_error("split_brain", LOG_S("server", s->uuid), LOG_S("host", s->host), LOG_S("host_uuid", own ? own->hv_uuid : NULL),
		  LOG_S("also_on", h->name), LOG_S("also_on_uuid", h->hv_uuid),
		  LOG_S("do", "nothing was touched; make sure that these are two machines and that the guest runs on both (virsh hostname, virsh list), "
			      "find out which copy its clients and its disks use, and only then stop the other one"));
}

/*
 * Two hosts say that it lives there. At first sight its own host may merely not
 * have told us yet that it is gone: it is asked. Seen again after it answered that
 * it is not, it is an alarm, once. While its own host is silent there is none: it
 * will answer, or be found to be down, and then the record moves.
 */
static void duplicate(struct fleet *f, struct server *s, struct host *h)
{
	if (g_strcmp0(s->duplicate_at, h->name) != 0) {
		util_replace(&s->duplicate_at, h->name);
		s->duplicate_logged = false;
		s->duplicate_ms = clock_now_ms();
		tally_note(f, s);
	}
	if (s->dom_ms <= s->duplicate_ms) {
		fleet_server_refresh(f, s);
		return;
	}
	if (s->duplicate_logged)
		return;
	s->duplicate_logged = true;
	log_duplicate(f, s, h);
	if (f->listener.duplicate)
		f->listener.duplicate(s, h, f->listener.user);
}

/* Not the server itself; a migration may have left it. */
static void leftover(struct fleet *f, struct host *h, const struct hv_dom *d)
{
	if (f->listener.leftover)
		f->listener.leftover(h, d, f->listener.user);
}

/* Its record says another host. */
static void elsewhere(struct fleet *f, struct server *s, struct host *h, struct hv_dom **d)
{
	struct host *old = fleet_host(f, s->host);
	bool old_up = old && old->conn == HOST_UP, old_knows = old_up && s->dom && !s->missing;
	bool spoken = !old || old_knows || (old_up && s->missing);

	if (f->listener.forsaken && f->listener.forsaken(s, h, f->listener.user)) {
		leftover(f, h, *d);
		return;
	}
	if (!is_live(*d)) {
		/* A definition that is left over, unless its host has none any more. */
		if (old_up && s->missing)
			move(f, s, h, d);
		else
			leftover(f, h, *d);
		return;
	}
	if ((old_knows && is_live(s->dom)) || (!spoken && !rules_of(s)->silent)) {
		duplicate(f, s, h);
		return;
	}
	move(f, s, h, d);
}

/* An answer to @ask is the newest word on the server. Return: false if it is not: a later question was answered before. */
static bool take_turn(struct server *s, uint64_t ask)
{
	if (ask < s->dom_ask || ask < s->first_ask)
		return false;
	s->dom_ask = ask;
	return true;
}

static void take_dom(struct fleet *f, struct host *h, struct hv_dom **d, uint64_t ask)
{
	struct server *s = fleet_server(f, (*d)->uuid);

	if (!s) {
		if (!is_incoming(*d))
			adopt(f, h, d);
		return;
	}
	if (s->unknown && g_strcmp0(s->host, h->name) == 0 && !is_incoming(*d) && take_turn(s, ask))
		keep_dom(f, s, d); /* for what it is tied to alone: its CPUs are not given to others */
	if (server_is_taken(s) || ask < s->first_ask)
		return;
	if (is_incoming(*d) && (*d)->job_active)
		return;
	if (g_strcmp0(s->host, h->name) != 0) {
		if (!is_incoming(*d))
			elsewhere(f, s, h, d);
		else
			leftover(f, h, *d);
		return;
	}
	if (!take_turn(s, ask))
		return;
	if (apply(f, s, *d))
		save(f, s);
	keep_dom(f, s, d);
}

static void lost_sight(struct fleet *f, struct server *s)
{
	if (!s->missing)
		log_info("server_missing", LOG_S("server", s->uuid), LOG_S("host", s->host));
	registry_missing(f, s, true);
	s->power = SERVER_POWER_NONE;
	s->unsaved = true; /* the next list writes it */
	g_clear_pointer(&s->dom, hv_dom_free);
	tally_note(f, s);
	publish_later(f, s);
	server_set_ties(s, NULL);
}

void sync_one(struct fleet *f, struct host *h, struct hv_dom **d, uint64_t ask)
{
	struct server *s = fleet_server(f, (*d)->uuid);

	if ((*d)->state != HV_ABSENT) {
		take_dom(f, h, d, ask);
		return;
	}
	if (!s || server_is_taken(s) || g_strcmp0(s->host, h->name) != 0 || !take_turn(s, ask))
		return;
	lost_sight(f, s);
	if (s->duplicate_at && fleet_host(f, s->duplicate_at))
		host_link_refresh(fleet_host(f, s->duplicate_at), s->uuid);
}

static void find_missing(struct fleet *f, struct host *h, GHashTable *seen, uint64_t ask)
{
	g_autoptr(GList) here = g_hash_table_get_keys(h->servers);

	for (GList *l = here; l; l = l->next) {
		struct server *s = l->data;

		if (!server_is_taken(s) && !g_hash_table_contains(seen, s->uuid) && take_turn(s, ask))
			lost_sight(f, s);
	}
}

static void mark_unsaved(struct host *h)
{
	GHashTableIter i;
	void *s;

	g_hash_table_iter_init(&i, h->servers);
	while (g_hash_table_iter_next(&i, &s, NULL))
		((struct server *)s)->unsaved = true;
}

/* What the database refused; the rest with the next part or list. A server that the engine moves is the engine's to write. */
static void save_again(struct fleet *f, struct host *h)
{
	GHashTableIter i;
	int left = SYNC_PART;
	void *s;

	g_hash_table_iter_init(&i, h->servers);
	while (left && g_hash_table_iter_next(&i, &s, NULL)) {
		if (!((struct server *)s)->unsaved || server_is_taken(s))
			continue;
		save(f, s);
		left--;
	}
}

/* First what is gone, so that what came from elsewhere in the same list is judged by it. */
static void take_absent(struct fleet *f, struct host *h, const struct host_list *l)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal); /* borrowed: none of the list was taken yet */

	for (guint i = 0; i < l->doms->len; i++)
		g_hash_table_add(seen, ((struct hv_dom *)g_ptr_array_index(l->doms, i))->uuid);
	find_missing(f, h, seen, l->ask);
}

static void is_back(struct fleet *f, struct host *h, const GPtrArray *doms)
{
	bool booted = autostart_listed(f, h, doms);

	if (f->listener.back)
		f->listener.back(h, doms, booted, f->listener.user);
}

bool sync_part(struct fleet *f, struct host *h, struct host_list *l)
{
	guint end = l->doms->len - l->taken > SYNC_PART ? l->taken + SYNC_PART : l->doms->len;
	g_autoptr(GError) why = NULL;
	bool together;

	if (l->taken == 0 && h->conn == HOST_CLEANING)
		is_back(f, h, l->doms);
	if (l->taken == 0)
		take_absent(f, h, l);
	/* One transaction for all that is written of the part: a host's first answer may bring hundreds of servers, most bring nothing new. */
	f->sync = FLEET_SYNC_ALONE;
	save_again(f, h);
	while (l->taken < end)
		take_dom(f, h, (struct hv_dom **)&g_ptr_array_index(l->doms, l->taken++), l->ask);
	together = f->sync == FLEET_SYNC_TOGETHER;
	f->sync = FLEET_SYNC_NONE;
	if (together && !store_commit(f->store, &why)) {
		log_error("servers_not_saved", LOG_S("host", h->name), LOG_S("error", why->message));
		mark_unsaved(h);
	}
	return l->taken == l->doms->len;
}

/* A confirmation has no task_state in Nova, and one that is waited for has none either. */
static bool is_needed(struct fleet *f, const struct server *s)
{
	return f->listener.needs && f->listener.needs(s, f->listener.user);
}

/* Every host is connected. @ret_oldest: each has told all of its domains in answer to this question or a later one. */
static bool all_listed(const struct fleet *f, uint64_t *ret_oldest)
{
	uint64_t oldest = UINT64_MAX;

	for (guint i = 0; i < f->hosts->len; i++) {
		const struct host *h = g_ptr_array_index(f->hosts, i);

		if (h->conn != HOST_UP)
			return false;
		oldest = MIN(oldest, h->listed);
	}
	*ret_oldest = oldest;
	return true;
}

void sync_missing(struct fleet *f, struct host *h)
{
	g_autoptr(GList) here = NULL;
	uint64_t oldest;

	if (f->missing == 0 || !all_listed(f, &oldest))
		return;
	here = g_hash_table_get_keys(h->servers);
	for (GList *l = here; l; l = l->next) {
		struct server *s = l->data;
		enum server_vm was = s->vm;
		g_autoptr(GError) why = NULL;

		if (!s->missing || !rules_of(s)->ends || server_is_taken(s) || server_is_lost(s) || is_needed(f, s))
			continue;
		if (!s->missing_ask)
			s->missing_ask = f->asks;
		if (s->missing_ask >= oldest)
			continue;
		s->vm = SERVER_DELETED;
		s->deleted_us = clock_wall_us();
		if (!fleet_server_save(f, s, &why)) {
			log_error("server_not_saved", LOG_S("server", s->uuid), LOG_S("error", why->message));
			s->vm = was;
			s->deleted_us = 0;
			continue;
		}
		log_warning("server_gone", LOG_S("server", s->uuid), LOG_S("name", s->name), LOG_S("host", s->host));
		fleet_server_drop(f, s);
	}
}

/* ---- asking again ---- */

void fleet_server_refresh(struct fleet *f, struct server *s)
{
	struct host *h = fleet_host(f, s->host);

	if (h)
		host_link_refresh(h, s->uuid);
}

void fleet_server_freed(struct fleet *f, struct server *s)
{
	s->first_ask = f->asks + 1;
	fleet_server_refresh(f, s);
}
