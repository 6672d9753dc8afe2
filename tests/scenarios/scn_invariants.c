/* SPDX-License-Identifier: Apache-2.0
 *
 * What must be true of every scenario: at every command, and when all has come to rest.
 */
#include "scn.h"

#include <string.h>

#include "check/gather.h"
#include "fleet/action.h"
#include "fleet/marker.h"
#include "fleet/tally.h"
#include "hv/xml/domdef.h"

static bool is_live(const struct sim_dom_view *v)
{
	return v->state == HV_RUNNING || v->state == HV_PAUSED || v->state == HV_SUSPENDED;
}

/* The stage table's arrows, from ARCHITECTURE.md and not from the engine: two sources that must agree. */
struct arrow {
	const char *from, *to;
};

static const struct arrow live_arrows[] = {
	{ "check", "queued" }, { "check", "error" }, { "check", "cancelled" },
	{ "queued", "schedule" }, { "queued", "cancelled" }, { "queued", "error" },
	{ "schedule", "prepare" }, { "schedule", "queued" }, { "schedule", "error" }, { "schedule", "cancelled" },
	{ "prepare", "copy" }, { "prepare", "schedule" }, { "prepare", "failed" }, { "prepare", "cancelled" }, { "prepare", "error" },
	{ "copy", "prepare" }, { "copy", "finish" }, { "copy", "undo" }, { "copy", "error" },
	{ "finish", "done" }, { "finish", "error" },
	{ "undo", "finish" }, { "undo", "schedule" }, { "undo", "failed" }, { "undo", "cancelled" }, { "undo", "error" },
};

static const struct arrow cold_arrows[] = {
	{ "check", "queued" }, { "check", "error" }, { "check", "cancelled" },
	{ "queued", "schedule" }, { "queued", "cancelled" }, { "queued", "error" },
	{ "schedule", "stop" }, { "schedule", "queued" }, { "schedule", "error" }, { "schedule", "cancelled" },
	{ "stop", "carry" }, { "stop", "schedule" }, { "stop", "undo" }, { "stop", "failed" }, { "stop", "error" },
	{ "carry", "land" }, { "carry", "undo" }, { "carry", "error" },
	{ "land", "start" }, { "land", "undo" }, { "land", "error" },
	{ "start", "verify" }, { "start", "revert" }, { "start", "error" },
	{ "verify", "confirm" }, { "verify", "revert" }, { "verify", "error" },
	{ "confirm", "confirmed" }, { "confirm", "error" },
	{ "revert", "reverted" }, { "revert", "returned" }, { "revert", "error" },
	{ "undo", "failed" }, { "undo", "cancelled" }, { "undo", "error" },
};

static const struct arrow evac_arrows[] = {
	{ "check", "queued" }, { "check", "error" }, { "check", "cancelled" },
	{ "queued", "schedule" }, { "queued", "cancelled" }, { "queued", "error" },
	{ "schedule", "prepare" }, { "schedule", "queued" }, { "schedule", "error" }, { "schedule", "cancelled" },
	{ "prepare", "spawn" }, { "prepare", "schedule" }, { "prepare", "failed" }, { "prepare", "error" }, { "prepare", "cancelled" },
	{ "spawn", "moved" }, { "spawn", "undo" }, { "spawn", "error" },
	{ "undo", "moved" }, { "undo", "schedule" }, { "undo", "failed" }, { "undo", "error" },
	{ "moved", "clean" }, { "moved", "completed" }, { "moved", "error" },
	{ "clean", "moved" }, { "clean", "completed" }, { "clean", "error" },
};

/* kinds of the tests */
static const struct arrow stamp_arrows[] = {
	{ "stamp_begin", "stamp_queued" }, { "stamp_begin", "stamp_error" }, { "stamp_begin", "stamp_cancelled" },
	{ "stamp_queued", "stamp_work" }, { "stamp_queued", "stamp_error" }, { "stamp_queued", "stamp_cancelled" },
	{ "stamp_work", "stamp_done" }, { "stamp_work", "stamp_error" }, { "stamp_work", "stamp_cancelled" },
};

static const struct arrow shift_arrows[] = {
	{ "shift_begin", "shift_queued" }, { "shift_queued", "shift_choose" }, { "shift_choose", "shift_stop" },
	{ "shift_begin", "shift_error" }, { "shift_queued", "shift_error" }, { "shift_choose", "shift_error" },
	{ "shift_begin", "shift_cancelled" }, { "shift_queued", "shift_cancelled" }, { "shift_choose", "shift_cancelled" },
	{ "shift_choose", "shift_failed" }, { "shift_stop", "shift_land" }, { "shift_stop", "shift_undo" },
	{ "shift_land", "shift_verify" }, { "shift_land", "shift_error" }, { "shift_verify", "shift_confirm" }, { "shift_verify", "shift_revert" },
	{ "shift_confirm", "shift_confirmed" }, { "shift_revert", "shift_reverted" }, { "shift_revert", "shift_error" },
	{ "shift_undo", "shift_failed" }, { "shift_undo", "shift_cancelled" },
};

static const struct arrow show_arrows[] = {
	{ "show_check", "show_queued" }, { "show_check", "show_error" }, { "show_check", "show_cancelled" },
	{ "show_queued", "show_choose" }, { "show_queued", "show_error" }, { "show_queued", "show_cancelled" },
	{ "show_choose", "show_ready" }, { "show_choose", "show_queued" }, { "show_choose", "show_error" }, { "show_choose", "show_cancelled" },
	{ "show_ready", "show_choose" }, { "show_ready", "show_done" }, { "show_ready", "show_failed" }, { "show_ready", "show_error" },
	{ "show_ready", "show_cancelled" },
};

static const struct arrow haul_arrows[] = {
	{ "haul_check", "haul_queued" }, { "haul_check", "haul_error" }, { "haul_check", "haul_cancelled" },
	{ "haul_queued", "haul_choose" }, { "haul_queued", "haul_error" }, { "haul_queued", "haul_cancelled" },
	{ "haul_choose", "haul_ready" }, { "haul_choose", "haul_queued" }, { "haul_choose", "haul_error" }, { "haul_choose", "haul_cancelled" },
	{ "haul_ready", "haul_choose" }, { "haul_ready", "haul_carry" }, { "haul_ready", "haul_failed" }, { "haul_ready", "haul_error" },
	{ "haul_ready", "haul_cancelled" },
	{ "haul_carry", "haul_done" }, { "haul_carry", "haul_undo" }, { "haul_carry", "haul_error" },
	{ "haul_undo", "haul_failed" }, { "haul_undo", "haul_error" },
};

/* Where each story begins, and where a host is asked whether it would do. */
static const char *const beginnings[] = { "check", "stamp_begin", "shift_begin", "show_check", "haul_check", NULL };
static const char *const choosing[] = { "schedule", "stamp_work", "shift_choose", "show_choose", "haul_choose", NULL };

static const char *const live_claim[] = { "prepare", "copy", "undo", NULL };
static const char *const live_slot[] = { "schedule", "prepare", "copy", "finish", "undo", NULL };
static const char *const cold_claim[] = { "stop", "carry", "land", "undo", NULL };
static const char *const cold_slot[] = { "schedule", "stop", "carry", "land", "start", "undo", NULL };
static const char *const cold_source_claim[] = { "start", "verify", "confirm", "revert", NULL };
static const char *const evac_claim[] = { "prepare", "spawn", "undo", NULL };
static const char *const evac_slot[] = { "schedule", "prepare", "spawn", "undo", NULL };
static const char *const no_phase[] = { NULL };
static const char *const stamp_slot[] = { "stamp_work", NULL };
static const char *const shift_claim[] = { "shift_stop", NULL };
static const char *const shift_slot[] = { "shift_choose", "shift_stop", "shift_undo", NULL };
static const char *const show_claim[] = { "show_ready", NULL };
static const char *const show_slot[] = { "show_choose", "show_ready", NULL };
static const char *const haul_claim[] = { "haul_ready", "haul_carry", "haul_undo", NULL };
static const char *const haul_slot[] = { "haul_choose", "haul_ready", "haul_carry", "haul_undo", NULL };
static const char *const shift_source_claim[] = { "shift_land", "shift_verify", "shift_confirm", "shift_revert", NULL };

#define LIVE_LIMITS \
	offsetof(struct conf, max_concurrent_live_migrations), offsetof(struct conf, max_concurrent_inbound_live_migrations), \
	offsetof(struct conf, max_concurrent_fleet_live_migrations)

/* What a kind says of its stages, once more: claims and slots are functions of the phases. */
static const struct story {
	const char *type;
	const struct arrow *arrows;
	size_t n;
	const char *const *claim, *const *slot, *const *source_claim;
	size_t outbound, inbound, in_fleet; /* in struct conf */
} stories[] = {
	{ "live-migration", live_arrows, G_N_ELEMENTS(live_arrows), live_claim, live_slot, no_phase,
	  LIVE_LIMITS },
	{ "migration", cold_arrows, G_N_ELEMENTS(cold_arrows), cold_claim, cold_slot, cold_source_claim,
	  offsetof(struct conf, max_concurrent_cold_migrations), offsetof(struct conf, max_concurrent_inbound_cold_migrations),
	  offsetof(struct conf, max_concurrent_fleet_cold_migrations) },
	{ "evacuation", evac_arrows, G_N_ELEMENTS(evac_arrows), evac_claim, evac_slot, no_phase,
	  offsetof(struct conf, max_concurrent_evacuations), offsetof(struct conf, max_concurrent_inbound_evacuations),
	  offsetof(struct conf, max_concurrent_fleet_evacuations) },
	{ "stamp", stamp_arrows, G_N_ELEMENTS(stamp_arrows), no_phase, stamp_slot, no_phase, LIVE_LIMITS },
	{ "shift", shift_arrows, G_N_ELEMENTS(shift_arrows), shift_claim, shift_slot, shift_source_claim, LIVE_LIMITS },
	{ "show", show_arrows, G_N_ELEMENTS(show_arrows), show_claim, show_slot, no_phase, LIVE_LIMITS },
	{ "haul", haul_arrows, G_N_ELEMENTS(haul_arrows), haul_claim, haul_slot, no_phase, LIVE_LIMITS },
};

/* It waits in no line, and takes no room. */
static const struct story no_migration = { .claim = no_phase, .slot = no_phase, .source_claim = no_phase };

static const struct story *story_of(const struct mig *m)
{
	for (size_t i = 0; i < G_N_ELEMENTS(stories); i++)
		if (g_str_equal(stories[i].type, m->kind->type))
			return &stories[i];
	g_assert(!m->kind->migration);
	return &no_migration;
}

static bool is_arrow(const struct story *st, const char *from, const char *to)
{
	if (g_str_equal(from, to))
		return true;
	for (size_t i = 0; i < st->n; i++)
		if (g_str_equal(st->arrows[i].from, from) && g_str_equal(st->arrows[i].to, to))
			return true;
	return false;
}

static void check_story(struct run *r, const struct mig *m)
{
	g_autoptr(GError) why = NULL;
	g_autoptr(GPtrArray) events = engine_events(r->engine, m->id, &why);
	const char *at = NULL;

	if (!events)
		run_fail(r, "the history of migration %d cannot be read: %s", (int)m->id, why->message);
	for (guint i = 0; events && i < events->len; i++) {
		const struct mig_event *ev = g_ptr_array_index(events, i);

		if (g_strcmp0(ev->old_phase, at) != 0 || (at ? !is_arrow(story_of(m), at, ev->new_phase) : !g_strv_contains(beginnings, ev->new_phase)))
			run_fail(r, "migration %d went from %s (was %s) to %s", (int)m->id, ev->old_phase ? ev->old_phase : "-", at ? at : "-",
				 ev->new_phase);
		at = ev->new_phase;
	}
	if (g_strcmp0(at, mig_phase_name(m)) != 0)
		run_fail(r, "migration %d is in %s, its history ends in %s", (int)m->id, mig_phase_name(m), at ? at : "-");
}

static void check_events(struct run *r, const struct action *a)
{
	g_autoptr(GError) why = NULL;
	g_autoptr(GPtrArray) events = action_events(r->store, a->id, &why);

	if (!events)
		run_fail(r, "the events of action %s cannot be read: %s", a->action, why->message);
	for (guint i = 0; events && i < events->len; i++) {
		const struct action_event *ev = g_ptr_array_index(events, i);

		if (!ev->finish_us)
			run_fail(r, "event %s of action %s was never finished", ev->event, a->action);
	}
}

static void check_migrations(struct run *r, const struct guest *g)
{
	struct mig_filter f = { .server_uuid = g->uuid };
	g_autoptr(GError) why = NULL;
	g_autoptr(GPtrArray) list = engine_list(r->engine, &f, &why);
	g_autoptr(GPtrArray) actions = list ? action_list(r->store, g->uuid, 0, 0, 0, 1000, &why) : NULL;

	if (why)
		run_fail(r, "the migrations and actions of %s cannot be read: %s", g->name, why->message);
	for (guint i = 0; list && i < list->len; i++) {
		const struct mig *m = g_ptr_array_index(list, i);

		if (!mig_is_final(m))
			run_fail(r, "migration %d of %s stands in %s", (int)m->id, g->name, mig_phase_name(m));
		check_story(r, m);
	}
	for (guint i = 0; actions && i < actions->len; i++)
		check_events(r, g_ptr_array_index(actions, i));
}

/* What the record says of one that lives nowhere. */
static void check_off(struct run *r, const struct guest *g, const struct server *s, const GArray *doms)
{
	const struct sim_dom_view *v = doms->len > 0 ? &g_array_index(doms, struct sim_dom_view, 0) : NULL;

	if (v && s->vm != SERVER_STOPPED && s->vm != SERVER_SUSPENDED && s->vm != SERVER_ERROR)
		run_fail(r, "%s lives nowhere, its record says %s", g->name, server_vm_name(s->vm));
	if (v && s->vm == SERVER_SUSPENDED && !v->kept.managed_save && !sim_guest_died(r->world, g->uuid))
		run_fail(r, "%s is suspended, and its memory is nowhere", g->name);
}

/* The last action of that name went well. */
static bool went_well(struct run *r, const struct guest *g, const char *name)
{
	g_autoptr(GPtrArray) all = action_list(r->store, g->uuid, 0, 0, 0, 1000, NULL);

	for (guint i = 0; all && i < all->len; i++) {
		const struct action *a = g_ptr_array_index(all, i);

		if (g_str_equal(a->action, name))
			return !a->message;
	}
	return false;
}

/* An action that was told to have gone well has done what was asked. */
static void check_power(struct run *r, const struct guest *g, const struct server *s)
{
	enum server_vm want = g->wanted ? (enum server_vm)(g->wanted->after - TASK_VM_FIRST) : SERVER_ACTIVE;

	if (g->wanted && !sim_guest_died(r->world, g->uuid) && went_well(r, g, g->wanted->action) && s->vm != want)
		run_fail(r, "%s should be %s after %s, its record says %s", g->name, server_vm_name(want), g->wanted->name, server_vm_name(s->vm));
}

/* What ring, a kind of the tests, makes of it. */
static bool may_ring(const struct run *r, const struct server *s)
{
	return r->scn->test_kinds && s->vm == SERVER_RESCUED;
}

#define TWO_SIDES "find out which is wanted"

/* The cold migration that found it so has ended with that, and nothing was touched: it lives at the source alone. */
static bool is_as_found(struct run *r, const struct guest *g)
{
	g_autoptr(GArray) doms = sim_dom_list(r->world, NULL, g->uuid);
	struct mig *m = check_mig(r, g);
	bool so = m && g_str_equal(m->kind->type, "migration") && mig_stage(m)->end == TASK_ERROR && m->error && strstr(m->error, TWO_SIDES);

	for (guint i = 0; so && i < doms->len; i++) {
		const struct sim_dom_view *v = &g_array_index(doms, struct sim_dom_view, i);
		bool at_source = g_strcmp0(v->host, world_host(r, m->source)) == 0;

		so = at_source ? v->state == HV_RUNNING : v->state == HV_SHUTOFF && g_strcmp0(v->host, world_host(r, m->dest)) == 0;
	}
	mig_free(m);
	return so;
}

/* It was started where its disks may not be the newest, and the record says so: which are wanted is for a person to find out. */
static bool has_two_sides(struct run *r, const struct guest *g)
{
	const struct server *s = fleet_server(r->fleet, g->uuid);

	return g->by_hand && s && s->vm == SERVER_ERROR && s->fault && strstr(s->fault, TWO_SIDES) && is_as_found(r, g);
}

/* The guest's record says what is true. @live: its one active copy, or NULL. */
static void check_record(struct run *r, const struct guest *g, const struct sim_dom_view *live)
{
	const struct server *s = fleet_server(r->fleet, g->uuid);

	if (!s) {
		if (live)
			run_fail(r, "%s lives on %s and has no record", g->name, live->host);
		return;
	}
	if (s->task != SERVER_TASK_NONE)
		run_fail(r, "%s has the task %s", g->name, server_task_name(s->task));
	if (live && g_strcmp0(world_host(r, s->host), live->host) != 0)
		run_fail(r, "%s lives on %s, its record says %s", g->name, live->host, s->host ? s->host : "-");
	if (live && s->power != server_power_of(live->state))
		run_fail(r, "%s is %s, its record has power state %d", g->name, hv_state_name(live->state), s->power);
	if (live && live->state == HV_RUNNING && s->vm != SERVER_ACTIVE && !may_ring(r, s) && !has_two_sides(r, g) && !sim_guest_died(r->world, g->uuid))
		run_fail(r, "%s runs, its record says %s", g->name, server_vm_name(s->vm));
	if (s->dom && s->dom->state == HV_RUNNING && !live)
		run_fail(r, "%s runs nowhere, its record's last news say it does", g->name);
}

/* Only when it ran at the destination and died with its host, and the record tells a person so. */
static bool may_stay_stopped(struct run *r, const struct guest *g)
{
	const struct server *s = fleet_server(r->fleet, g->uuid);

	return sim_guest_died(r->world, g->uuid) && s && s->vm == SERVER_ERROR && s->fault;
}

/* The host itself, or, of a guest that takes its definition along, wherever it is. */
static bool is_defined(struct run *r, const struct guest *g, const struct scn_definition *d, const GArray *doms)
{
	for (guint i = 0; i < doms->len; i++) {
		const struct sim_dom_view *v = &g_array_index(doms, struct sim_dom_view, i);
		const char *xml = sim_dom_definition(r->world, v->host, g->uuid);

		if (xml && (!g->transient || g_str_equal(v->host, d->host)) && domdef_same(xml, d->xml, NULL))
			return true;
	}
	return false;
}

/* No definition that the file has made is lost, and as many hosts start the guest as did, but for those whose definitions became one. */
static void check_definitions(struct run *r, const struct guest *g, const GArray *doms, const struct sim_dom_view *live)
{
	const struct server *s = run_server(r, g);
	bool ours = s && s->autostart && s->autostart_ours;
	int before = 0, after = ours;

	for (guint i = 0; i < g->definitions->len; i++) {
		const struct scn_definition *d = g_ptr_array_index(g->definitions, i);

		before += d->autostart;
		if (!is_defined(r, g, d, doms))
			run_fail(r, "the definition of %s on %s is lost", g->name, d->host);
	}
	for (guint i = 0; i < doms->len; i++)
		after += !ours && g_array_index(doms, struct sim_dom_view, i).kept.autostart;
	if (after > before || (before && !after))
		run_fail(r, "%d hosts start %s with themselves, %d did", after, g->name, before);
	if (before && live && !g->transient && g->definitions->len == 1 && !live->kept.autostart && !ours)
		run_fail(r, "%s lives on %s, and another host starts it", g->name, live->host);
}

/* One whose last evacuation has come to its end is at one host alone, though it has died with the other, and runs there if its record says so. */
static void check_evacuated(struct run *r, const struct guest *g, const GArray *doms, const struct sim_dom_view *live)
{
	struct mig *m = check_mig(r, g);
	const struct server *s = fleet_server(r->fleet, g->uuid);

	if (m && g_str_equal(m->kind->type, "evacuation") && mig_stage(m)->end == TASK_DONE && !g->stray) {
		if (doms->len > 1)
			run_fail(r, "%s was evacuated, and %u hosts have it", g->name, doms->len);
		if (s && s->vm == SERVER_ACTIVE && !live)
			run_fail(r, "%s was evacuated, and lives nowhere", g->name);
	}
	mig_free(m);
}

static void check_guest(struct run *r, const struct guest *g)
{
	g_autoptr(GArray) doms = sim_dom_list(r->world, NULL, g->uuid);
	const struct sim_dom_view *live = NULL;

	for (guint i = 0; i < doms->len; i++) {
		const struct sim_dom_view *v = &g_array_index(doms, struct sim_dom_view, i);

		if (is_live(v) && live)
			run_fail(r, "%s lives on %s (%s) and on %s (%s)", g->name, live->host, hv_state_name(live->state), v->host,
				 hv_state_name(v->state));
		if (is_live(v))
			live = v;
	}
	if (!live && doms->len > 0 && !g->off && !sim_guest_died(r->world, g->uuid))
		run_fail(r, "%s lives nowhere", g->name);
	for (guint i = 0; live && !g->stray && i < doms->len; i++) {
		const struct sim_dom_view *v = &g_array_index(doms, struct sim_dom_view, i);

		if (v != live && !has_two_sides(r, g) && !sim_guest_died(r->world, g->uuid))
			run_fail(r, "%s lives on %s and %s has a leftover of it (%s/%s)", g->name, live->host, v->host, hv_state_name(v->state),
				 hv_reason_name(v->reason));
	}
	if (live && live->state == HV_PAUSED && live->reason == HV_R_MIGRATION && !may_stay_stopped(r, g))
		run_fail(r, "%s was left stopped on %s", g->name, live->host);
	if (live && live->state == HV_PAUSED && !g->may_pause && !sim_guest_died(r->world, g->uuid))
		run_fail(r, "%s ran and was left paused on %s", g->name, live->host);
	check_evacuated(r, g, doms, live);
	if (!r->scn->test_kinds) /* shift makes a new one */
		check_definitions(r, g, doms, live);
	check_record(r, g, live);
	if (fleet_server(r->fleet, g->uuid) && !live)
		check_off(r, g, fleet_server(r->fleet, g->uuid), doms);
	if (fleet_server(r->fleet, g->uuid))
		check_power(r, g, fleet_server(r->fleet, g->uuid));
	check_migrations(r, g);
}

/* It shows that a folder is shared, and has a row. */
static bool is_marker(const char *path)
{
	g_autofree char *rows = strstr(path, MARKER_PREFIX) ? scn_sql("SELECT folder || '/' || name FROM storage_markers") : g_strdup("");
	g_auto(GStrv) lines = g_strsplit(rows, "\n", -1);

	return g_strv_contains((const char *const *)lines, path);
}

/*
 * Every file has an owner: a domain that is on a host which sees it, or to strangers. Markers, half-made volumes
 * and the disks that a guest has left behind must be gone. What a dead guest leaves is for a person to sort out.
 */
static void check_files(struct run *r)
{
	g_autoptr(GArray) files = sim_file_list(r->world, NULL);

	for (guint i = 0; i < files->len; i++) {
		const struct sim_file_view *v = &g_array_index(files, struct sim_file_view, i);

		if (v->used || v->stranger || v->base || !v->reachable || is_marker(v->path) || (v->uuid && sim_guest_died(r->world, v->uuid)))
			continue;
		/* What a check of the set-up could not remove, the next one does. */
		if (strstr(v->path, "/" GATHER_MARKER))
			continue;
		run_fail(r, "%s was left in storage %s", v->path, v->storage);
	}
}

/* Nor is a domain left through which a device was read, or that took disks. */
static void check_probes(struct run *r)
{
	for (guint i = 0; i < r->conf->hosts->len; i++) {
		const char *host = ((struct conf_host *)g_ptr_array_index(r->conf->hosts, i))->name;

		if (sim_probes(r->world, host) > 0)
			run_fail(r, "%u domains were left on %s that were there to read a device", sim_probes(r->world, host), host);
		if (sim_carriers(r->world, host) > 0)
			run_fail(r, "%u carriers were left on %s", sim_carriers(r->world, host), host);
	}
}

/* Events that no run may have; some of them may be told of a guest that has died, by the file's hand or the fault's. */
static const struct {
	const char *event, *text;
	bool but_dead, but_store; /* that has died; when the database failed */
} alarms[] = {
	{ "split_brain" },
	{ "migration_alarm", .text = "what=split-brain" },
	{ "guest_lost", .but_dead = true },
	{ "server_gone", .but_dead = true },
	{ "task_without_migration" },
	{ "migration_not_written", .but_store = true },
	{ "server_not_saved", .but_store = true },
	{ "servers_not_saved", .but_store = true },
};

/* The guest that a line of the log is about has died, or a person has started the other side of it. */
static bool tells_of_dead(struct run *r, const char *line)
{
	for (guint i = 0; i < r->guests->len; i++) {
		const struct guest *g = g_ptr_array_index(r->guests, i);

		if (strstr(line, g->uuid))
			return sim_guest_died(r->world, g->uuid) || (strstr(line, TWO_SIDES) && has_two_sides(r, g));
	}
	return false;
}

static void check_alarms(struct run *r)
{
	for (size_t i = 0; i < G_N_ELEMENTS(alarms); i++) {
		for (guint at = 0; (at = check_log(r, at, alarms[i].event, alarms[i].text));) {
			const char *line = g_ptr_array_index(r->log, at - 1);

			if (alarms[i].but_store && scn_store_hits() > 0)
				continue;
			if (!alarms[i].but_dead || !tells_of_dead(r, line))
				run_fail(r, "an alarm for nothing: %s", line);
		}
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines in which two texts differ first. */
static void say_difference(struct run *r, const char *memory, const char *rows)
{
	g_auto(GStrv) a = g_strsplit(memory, "\n", -1), b = g_strsplit(rows, "\n", -1);
	guint i = 0;

	while (a[i] && b[i] && g_str_equal(a[i], b[i]))
		i++;
	run_fail(r, "memory says: %s; the row: %s", a[i] ? a[i] : "-", b[i] ? b[i] : "-");
}

/* What memory and rows must say alike. Return: owned by the caller. */
static char *memory_text(struct run *r)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < fleet_servers(r->fleet)->len; i++) {
		const struct server *s = g_ptr_array_index(fleet_servers(r->fleet), i);

		g_ptr_array_add(lines, g_strdup_printf("%s %s on %s is %s/%s power %d fault %s", s->uuid, s->name, s->host ? s->host : "-",
						       server_vm_name(s->vm), server_task_name(s->task) ? server_task_name(s->task) : "-",
						       s->power, s->fault ? s->fault : "-"));
	}
	for (guint i = 0; i < fleet_hosts(r->fleet)->len; i++) {
		const struct host *h = g_ptr_array_index(fleet_hosts(r->fleet), i);

		g_ptr_array_add(lines, g_strdup_printf("host %s disabled %d (%s) forced down %d", h->name, h->disabled,
						       h->disabled_reason ? h->disabled_reason : "-", h->forced_down));
	}
	g_ptr_array_sort(lines, by_text);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}

/* What a controller would find that starts now, before it has asked any host: the rows, not memory, are the truth. */
static void check_rows(struct run *r)
{
	g_autofree char *memory = memory_text(r), *rows = NULL;
	guint before = r->log->len;

	controller_start(r);
	rows = memory_text(r);
	/* A start that gives a host its section's new name has changed rows by right. */
	if (!g_str_equal(memory, rows) && !check_log(r, before, "host_renamed", NULL))
		say_difference(r, memory, rows);
	for (guint i = 0; i < r->guests->len; i++) {
		const struct guest *g = g_ptr_array_index(r->guests, i);
		const struct server *s = fleet_server(r->fleet, g->uuid);
		g_autoptr(GArray) doms = sim_dom_list(r->world, NULL, g->uuid);

		if (s && s->task != SERVER_TASK_NONE)
			run_fail(r, "the row of %s has the task %s", g->name, server_task_name(s->task));
		for (guint k = 0; s && k < doms->len; k++) {
			const struct sim_dom_view *v = &g_array_index(doms, struct sim_dom_view, k);

			if (is_live(v) && g_strcmp0(v->host, world_host(r, s->host)) != 0)
				run_fail(r, "%s lives on %s, its row says %s", g->name, v->host, s->host ? s->host : "-");
		}
	}
	if (engine_active(r->engine)->len > 0)
		run_fail(r, "a row of a migration is not final");
	check_alarms(r);
}

/* What is under way now, "migration leave h1" -> number, and what takes room, "h1" -> number. */
struct tally {
	GHashTable *tasks, *claims;
};

static int one_more(GHashTable *counts, char *key)
{
	int n = GPOINTER_TO_INT(g_hash_table_lookup(counts, key)) + 1;

	g_hash_table_replace(counts, key, GINT_TO_POINTER(n));
	return n;
}

/* A limit that was lowered is not broken by those that were under way. @host: "" of the fleet's */
static void count_task(struct run *r, const struct tally *t, const struct story *st, const char *what, const char *host, size_t max_at)
{
	char *key = g_strconcat(st->type, " ", what, host, NULL);
	int was = GPOINTER_TO_INT(g_hash_table_lookup(r->under_way, key)), n = one_more(t->tasks, key);
	int64_t max = *(const int64_t *)((const char *)r->conf + max_at);

	if (max > 0 && n > max && n > was && (!host[0] || fleet_host(r->fleet, host)))
		run_fail(r, "%d tasks (%s) %s%s at once, %d may", n, st->type, what, host, (int)max);
}

static void count_mig(struct run *r, const struct tally *t, const struct mig *m)
{
	const struct story *st = story_of(m);
	const char *phase = mig_phase_name(m), *asked = g_strv_contains(choosing, phase) ? engine_claim_host(m) : NULL;

	if (st == &no_migration)
		return;
	if (g_strv_contains(st->slot, phase)) {
		count_task(r, t, st, "run", "", st->in_fleet);
		if (m->source)
			count_task(r, t, st, "leave ", m->source, st->outbound);
	}
	/* It holds room on a host while that is asked whether it would do. */
	for (int choose = 0; choose < 2; choose++) {
		const char *host = choose ? asked : g_strv_contains(st->claim, phase) ? m->dest : NULL;

		if (!host)
			continue;
		count_task(r, t, st, "come to ", host, st->inbound);
		(void)one_more(t->claims, g_strdup(host));
	}
	if (m->source && g_strv_contains(st->source_claim, phase))
		(void)one_more(t->claims, g_strdup(m->source));
}

void check_limits(struct run *r)
{
	const GPtrArray *active = r->engine ? engine_active(r->engine) : NULL;
	struct tally t;

	if (!active)
		return;
	t.tasks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	t.claims = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < active->len; i++)
		count_mig(r, &t, g_ptr_array_index(active, i));
	for (guint i = 0; i < fleet_hosts(r->fleet)->len; i++) {
		const struct host *h = g_ptr_array_index(fleet_hosts(r->fleet), i);
		int claims = GPOINTER_TO_INT(g_hash_table_lookup(t.claims, h->name));

		if (host_claimed(h).servers != claims)
			run_fail(r, "%d tasks need room on %s, %d claims are on it", claims, h->name, host_claimed(h).servers);
	}
	g_hash_table_unref(t.claims);
	g_hash_table_unref(r->under_way);
	r->under_way = t.tasks;
}

void check_always(struct run *r)
{
	g_autofree char *wrong = r->engine ? engine_check(r->engine) : NULL;
	const struct host *miscounted = r->fleet ? room_check(fleet_room(r->fleet)) : NULL;

	const struct server *untold = r->fleet ? tally_check(r->fleet) : NULL;

	check_limits(r);
	if (untold)
		run_fail(r, "%s is not counted as what it is", untold->name);
	if (miscounted)
		run_fail(r, "what is taken of %s is not what its servers and claims say", miscounted->name);
	if (wrong)
		run_fail(r, "%s", wrong);
}

void check_invariants(struct run *r)
{
	if (sim_violation(r->world))
		run_fail(r, "%s", sim_violation(r->world));
	if (sim_jobs(r->world) > 0)
		run_fail(r, "%u migrations never end", sim_jobs(r->world));
	if (engine_active(r->engine)->len > 0) {
		const struct mig *m = g_ptr_array_index(engine_active(r->engine), 0);

		run_fail(r, "migration %d never ends: it stands in %s", (int)m->id, mig_phase_name(m));
	}
	if (!all_up(r, NULL))
		run_fail(r, "not every host came up again");
	for (guint i = 0; i < r->guests->len; i++)
		check_guest(r, g_ptr_array_index(r->guests, i));
	check_files(r);
	check_probes(r);
	check_always(r);
	check_alarms(r);
	plan_invariants(r);
	scn_console_invariants(r);
	if (!r->failure)
		check_rows(r);
}
