/* SPDX-License-Identifier: Apache-2.0
 *
 * The stages of a live migration, up to the copy. From there on they are flow.c's.
 */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/sched.h"
#include "hv/xml/domxml_rewrite.h"
#include "migrate/block.h"
#include "migrate/block_make.h"
#include "migrate/checks.h"
#include "migrate/definition_prepare.h"
#include "migrate/flow.h"
#include "migrate/leftover.h"
#include "migrate/mig.h"
#include "migrate/placing.h"
#include "task/queue.h"
#include "task/step.h"

#define RETRY_MS 1000
#define CALL_WAITS_MAX 60  /* libvirt's keepalive between two hosts ends after 27 s */
#define HOST_WAIT_MS 5000

/* ---- the end ---- */

static struct volume_end files_of(const struct mig *m)
{
	return (struct volume_end){ .task = m->id, .server_uuid = m->server_uuid, .left = m->source };
}

/* What becomes of the files that it made. Past the copy, an error means that the newest ones are not known. */
static enum volume_fate fate_of(const struct task_stage *from, enum task_end end)
{
	if (end == TASK_DONE)
		return VOLUME_MOVED;
	return end == TASK_ERROR && from->stop != TASK_STOPS ? VOLUME_UNKNOWN : VOLUME_STAYED;
}

/* @from: the stage that it was in; NULL: only its destination is given up. */
static struct definition_end rows_of(const struct mig *m, const struct task_stage *from)
{
	return definition_end_of(m, from == &live_kind.stages[MIG_FINISH]);
}

static bool write_fate(struct mig *m, const struct task_stage *from, enum volume_fate fate, GError **err)
{
	struct volume_end files = files_of(m);
	struct definition_end rows = rows_of(m, from);

	return volumes_write_fate(m->task->engine->volumes, &files, fate, err) &&
	       definitions_write_fate(m->task->engine->definitions, &rows, fate, err);
}

static bool write_end(struct mig *m, const struct task_stage *from, enum task_end end, GError **err)
{
	return write_fate(m, from, fate_of(from, end), err);
}

static void resolve(struct mig *m, const struct task_stage *from, enum volume_fate fate)
{
	struct volume_end files = files_of(m);
	struct definition_end rows = rows_of(m, from);

	definitions_resolve(m->task->engine->definitions, &rows, fate);
	volumes_resolve(m->task->engine->volumes, &files, fate);
}

static void ended(struct mig *m, const struct task_stage *from, enum task_end end)
{
	resolve(m, from, fate_of(from, end));
}

static bool another_fits(struct mig *m, const char *why)
{
	struct sched_need need = sched_need_of(mig_server(m), m->kind->class);
	struct sched_result *res;
	bool fits;

	g_hash_table_replace(m->task->excluded, g_strdup(m->dest), g_strdup(why));
	need.exclude = m->task->excluded;
	res = sched_select(m->task->engine->fleet, &need);
	fits = res->passed + res->busy > 0;
	sched_result_free(res);
	return fits;
}

static bool write_given_up(struct mig *m, void *unused, GError **err)
{
	(void)unused;
	return write_fate(m, NULL, VOLUME_STAYED, err);
}

/* The row names no destination any more; so does memory. */
static void destination_left(struct mig *m)
{
	queue_hold(m, NULL);
	resolve(m, NULL, VOLUME_STAYED);
	m->priv->dest_theirs = false;
	live_copies(m, NULL);
	m->priv->elsewhere++;
	copy_forget(&m->priv->copy);
}

bool live_elsewhere(struct mig *m, const char *why)
{
	int64_t retries = fleet_conf(m->task->engine->fleet)->migrate_max_retries;
	g_autofree char *kept = g_strdup(why), *text = g_strdup_printf("%s: %s; trying the next host", m->dest, why);
	struct step_change c;

	if (m->requested_host || m->abort_wanted || (retries >= 0 && m->priv->elsewhere >= retries) || !another_fits(m, kept))
		return false;
	c = step_change(m, MIG_SCHEDULE, text);
	c.row.dest = c.row.error = NULL;
	c.row.attempt = 0;
	c.row.force_wanted = c.row.paused_by_us = false;
	c.details = kept;
	c.also = write_given_up;
	if (!step_write(m, &c)) {
		step_later(m, RETRY_MS);
		return true; /* again, from the phase that it is in */
	}
	destination_left(m);
	step_enter(m);
	return true;
}

/* ---- PREPARE: both hosts are asked, the destination's XML is made ---- */

static void give_up(struct mig *m, const char *why)
{
	step_end(m, MIG_FAILED, why);
}

/* Nothing was done there yet. */
void live_destination_failed(struct mig *m, const char *why)
{
	if (!live_elsewhere(m, why))
		give_up(m, why);
}

/* The guest as it stands must be movable, and the destination must not have it. */
static char *why_not(struct mig *m)
{
	struct mig_private *p = m->priv;
	enum probe_half src = probe_source_half(p->probe.source), dst = probe_dest_half(p->probe.dest);

	if (src != PROBE_H_RUN && src != PROBE_H_PAUSED)
		return g_strdup_printf("the guest is %s at %s", probe_half_name(src), m->source);
	if (p->probe.source->unreadable)
		return g_strdup_printf("the description of the domain on %s cannot be read: %s", m->source, p->probe.source->unreadable);
	if (p->probe.dest->unreadable)
		return g_strdup_printf("%s has a domain of that UUID whose description cannot be read: %s", m->dest, p->probe.dest->unreadable);
	if (p->probe.source->kept.managed_save)
		return g_strdup_printf("%s keeps a managed save image of the guest, which would be left there when it has moved: remove it "
				       "(virsh managedsave-remove)", m->source);
	if (p->probe.source->kept.checkpoints)
		return g_strdup_printf("the guest has %d checkpoints at %s, which libvirt would forget: delete them first (virsh checkpoint-delete)",
				       p->probe.source->kept.checkpoints, m->source);
	if (p->probe.job)
		return g_strdup_printf("another job runs for the guest at %s", m->source);
	if (dst != PROBE_H_ABSENT && dst != PROBE_H_OFF && dst != PROBE_H_FAILED && dst != PROBE_H_MIGRATED)
		return g_strdup_printf("%s already has a copy of the guest, which is %s there", m->dest, probe_half_name(dst));
	return NULL;
}

static struct prepared movable(struct mig *m, prepare_done_f *done)
{
	g_autofree char *why = why_not(m);

	(void)done;
	return why ? prepare_because(PREPARE_FAILED, why) : prepare_is(PREPARE_READY);
}

static bool write_copy(struct mig *m, void *unused, GError **err)
{
	(void)unused;
	return definition_write_copy(m, err);
}

static bool rewrite_xml(struct mig *m, GError **err)
{
	struct mig_private *p = m->priv;
	g_autofree const char **files = block_files(p->copies);
	struct fleet *f = m->task->engine->fleet;
	struct domxml_changes ch = {
		.vnc_listen = host_listen(f, mig_dest(m), "vnc"), .spice_listen = host_listen(f, mig_dest(m), "spice"),
		.numa_fit = m->priv->there, .files = files,
	};

	g_clear_pointer(&p->dest_xml, g_free);
	g_clear_pointer(&p->persistent_xml, g_free);
	if (!p->listeners)
		p->listeners = domxml_listeners(p->xml);
	if (!ch.numa_fit && !ch.files && !domxml_listens_elsewhere(p->listeners, &ch))
		return true;
	p->dest_xml = domxml_rewrite(p->xml, &ch, err);
	if (!p->dest_xml)
		return false;
	ch.files = NULL;
	if (p->xml_inactive)
		p->persistent_xml = domxml_rewrite(p->xml_inactive, &ch, err);
	return !p->xml_inactive || p->persistent_xml;
}

static struct prepared make_xml(struct mig *m, prepare_done_f *done)
{
	g_autoptr(GError) why = NULL;

	(void)done;
	return rewrite_xml(m, &why) ? prepare_is(PREPARE_READY) : prepare_because(PREPARE_FAILED, why->message);
}

static void go_on(struct mig *m);

/* What a part has come to, when it is not ready. */
static void act(struct mig *m, struct prepared p)
{
	g_autofree char *why = p.why;

	switch (p.next) {
	case PREPARE_WAITS:
		break;
	case PREPARE_READY:
		go_on(m);
		break;
	case PREPARE_AGAIN:
		step_enter(m);
		break;
	case PREPARE_LATER:
		step_later(m, RETRY_MS);
		break;
	case PREPARE_NEXT_DESTINATION:
		live_destination_failed(m, why);
		break;
	case PREPARE_FAILED:
		give_up(m, why);
		break;
	case PREPARE_NEXT_N:
		g_assert_not_reached();
	}
}

/* Both hosts have said what they have of the guest. */
static void go_on(struct mig *m)
{
	static struct prepared (*const parts[])(struct mig *, prepare_done_f *) = {
		movable, definition_prepare, placing_prepare, block_prepare, make_xml,
	};

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		struct prepared p = parts[i](m, act);

		if (p.next != PREPARE_READY) {
			act(m, p);
			return;
		}
	}
	if (step_go(m, MIG_COPY, "both hosts are ready", write_copy, NULL)) {
		definition_copying(m);
		flow_copy(m);
	}
}

static void got_dest_dom(struct mig *m, struct hv_reply *r)
{
	if (r->err) {
		live_destination_failed(m, r->err->message);
		return;
	}
	hv_dom_free(m->priv->probe.dest);
	m->priv->probe.dest = g_steal_pointer(&r->dom);
	go_on(m);
}

static void got_source_dom(struct mig *m, struct hv_reply *r)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	if (r->err) {
		step_later(m, RETRY_MS);
		return;
	}
	hv_dom_free(m->priv->probe.source);
	m->priv->probe.source = g_steal_pointer(&r->dom);
	m->priv->probe.job = m->priv->probe.source->job_outgoing || m->priv->probe.source->job_incoming;
	if (!step_ask(m, mig_dest(m), &req, got_dest_dom)) {
		g_autofree char *why = g_strdup_printf("Compute service of %s is unavailable at this time.", m->dest);

		live_destination_failed(m, why);
	}
}

void live_describe(struct mig *m, char *xml, char *xml_inactive, GPtrArray *listeners)
{
	struct mig_private *p = m->priv;

	g_free(p->xml);
	g_free(p->xml_inactive);
	g_clear_pointer(&p->listeners, g_ptr_array_unref);
	p->xml = xml;
	p->xml_inactive = xml_inactive;
	p->listeners = listeners;
}

static void got_xml(struct mig *m, struct hv_reply *r)
{
	if (r->err && err_code(r->err) != ERR_HV_LOST) {
		give_up(m, r->err->message);
		return;
	}
	if (r->err) {
		step_later(m, RETRY_MS);
		return;
	}
	live_describe(m, g_steal_pointer(&r->xml), g_steal_pointer(&r->xml_inactive), NULL);
	step_enter(m);
}

/* The search has it already, but for a restart. */
static void fetch_xml(struct mig *m)
{
	struct hv_req req = { .op = HV_DOM_XML, .uuid = m->server_uuid };

	if (!step_ask(m, mig_source(m), &req, got_xml))
		step_later(m, HOST_WAIT_MS);
}

void live_copies(struct mig *m, GPtrArray *items)
{
	g_clear_pointer(&m->priv->copies, g_ptr_array_unref);
	m->priv->copies = items;
	m->priv->pool_waits = 0;
	m->priv->planned = items != NULL;
}

static void planned(struct check_report *r, void *user)
{
	struct mig *m = user;

	m->priv->precheck = NULL;
	if (r->source_lost) {
		step_later(m, RETRY_MS);
	} else if (r->err) {
		live_destination_failed(m, r->err->message);
	} else {
		live_copies(m, r->copies ? g_steal_pointer(&r->copies) : g_ptr_array_new());
		step_enter(m);
	}
}

/* The search has it already, but for a restart. */
static void plan(struct mig *m)
{
	struct check_request req = {
		.table = &live_checks, .server_uuid = m->server_uuid, .dest = m->dest, .block = m->block, .disk_check = m->disk_check, .chosen = true,
		.task = m->id, .held = queue_held(m),
	};

	check_cancel(m->priv->precheck);
	m->priv->precheck = check_begin(m->task->engine->checks, &req, planned, m);
}

static void prepare(struct mig *m)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	/* libvirt would refuse: the call of an earlier migration, which was given up (watch.c), still has the guest. */
	if (g_hash_table_contains(m->task->engine->calls, m->server_uuid) && m->priv->call_waits++ < CALL_WAITS_MAX)
		step_later(m, RETRY_MS);
	else if (!m->priv->xml)
		fetch_xml(m);
	else if (!m->priv->planned)
		plan(m);
	else if (!step_ask(m, mig_source(m), &req, got_source_dom))
		step_later(m, HOST_WAIT_MS);
}

/* ---- entrances ---- */

/* The files may be partial. */
static void planned_again(struct mig *m)
{
	live_copies(m, NULL);
}

/* In a phase before the copy libvirt was not called yet: it is stopped, and refused, at once. */
static bool before_copy(const struct mig *m)
{
	return mig_stage(m)->stop == TASK_STOPS;
}

static void event(struct mig *m, const struct hv_event *ev)
{
	if (ev->type == HV_EV_ITERATION)
		m->progress.iteration = ev->iteration;
	if (!before_copy(m))
		flow_event(m, ev);
}

/* What waits for a host has a timer. */
static void host(struct mig *m)
{
	if (m->phase == MIG_QUEUED || m->priv->copy.running)
		return;
	if (m->task->timer)
		step_enter(m);
}

static void stop(struct mig *m)
{
	if (m->phase == MIG_COPY)
		flow_poll(m);
}

/* The intent to pause is in the row before the guest is paused: later it shows whose pause it is. */
static void want_force(struct mig *m, struct mig_draft *row)
{
	row->force_wanted = true;
	row->paused_by_us = !fleet_conf(m->task->engine->fleet)->live_migration_permit_post_copy;
}

static void left(struct mig *m)
{
	check_cancel(g_steal_pointer(&m->priv->precheck));
	copy_left(&m->priv->copy);
	watch_left(&m->priv->watch);
	settle_left(&m->priv->settle);
}

static void attach(struct mig *m)
{
	m->priv = g_new0(struct mig_private, 1);
}

static void detach(struct mig *m)
{
	struct mig_private *p = g_steal_pointer(&m->priv);

	check_cancel(p->precheck);
	g_clear_pointer(&p->copies, g_ptr_array_unref);
	probe_clear(&p->probe);
	hv_numa_fit_free(p->there);
	g_free(p->candidate);
	g_free(p->xml);
	g_free(p->xml_inactive);
	g_clear_pointer(&p->listeners, g_ptr_array_unref);
	g_free(p->definition);
	g_free(p->dest_xml);
	g_free(p->persistent_xml);
	copy_forget(&p->copy);
	g_free(p->watch.link_down);
	g_free(p);
}

/* ---- beside the migrations ---- */

static bool is_alive(int64_t id, void *user)
{
	return engine_find(user, id) != NULL;
}

/* A migration moves that server to or from that host. */
static bool is_moving(const char *server_uuid, const char *host, void *user)
{
	const struct mig *m = task_of_server(user, server_uuid);

	return m && (g_strcmp0(m->source, host) == 0 || g_strcmp0(m->dest, host) == 0);
}

/* Its call to migrate has not come back. */
static bool is_calling(const char *server_uuid, void *user)
{
	const struct engine *e = user;

	return g_hash_table_contains(e->calls, server_uuid);
}

static bool load(struct engine *e, GError **err)
{
	e->checks = check_set_new(e->fleet, e->volumes);
	e->definitions = definitions_new(e->fleet, &(struct definition_asks){ is_alive, is_moving, is_calling, e });
	return definitions_load(e->definitions, err);
}

static void stop_service(struct engine *e)
{
	if (e->checks)
		check_set_stop(e->checks);
	if (e->definitions)
		definitions_stop(e->definitions);
}

static void unload(struct engine *e)
{
	check_set_free(e->checks);
	definitions_free(e->definitions);
}

static void sweep(struct engine *e)
{
	definitions_sweep(e->definitions);
}

static guint owed(const struct engine *e)
{
	return definitions_due(e->definitions);
}

static const struct task_service service = {
	.load = load, .stop = stop_service, .free = unload, .host = sweep, .leftover = leftover_seen, .owed = owed,
};

/* ---- the kind ---- */

#define P(x) (1u << MIG_##x)
#define ENDS (P(ERROR) | P(CANCELLED))
#define OWNED .task = SERVER_TASK_MIGRATING

static const struct task_stage stages[] = {
	[MIG_CHECK] = {
		"check", "accepted", .next = P(QUEUED) | ENDS, OWNED, .stop = TASK_STOPS,
		.begins = "conductor_live_migrate_instance", .enter = search_check,
	},
	[MIG_QUEUED] = {
		"queued", "queued", .next = P(SCHEDULE) | ENDS, OWNED, .stop = TASK_STOPS, .in_progress = true, .holds = TASK_QUEUED,
	},
	[MIG_SCHEDULE] = {
		"schedule", "preparing", .next = P(PREPARE) | P(QUEUED) | ENDS, OWNED, .stop = TASK_STOPS, .in_progress = true,
		.holds = TASK_SLOT | TASK_CHOICE, .ends = "compute_live_migration", .enter = search_schedule, .taken = destination_left,
	},
	[MIG_PREPARE] = {
		"prepare", "preparing", .next = P(COPY) | P(SCHEDULE) | P(FAILED) | ENDS, OWNED, .stop = TASK_STOPS, .in_progress = true,
		.holds = TASK_SLOT | TASK_CLAIM, .ends = "conductor_live_migrate_instance", .enter = prepare, .taken = planned_again,
	},
	[MIG_COPY] = {
		"copy", "running", .committed = "running (post-copy)", .next = P(PREPARE) | P(FINISH) | P(UNDO) | P(ERROR), OWNED,
		.stop = TASK_STOP_ASKS, .in_progress = true, .forces = true, .sends = true, .holds = TASK_SLOT | TASK_CLAIM,
		.begins = "compute_live_migration", .repeats = true, .enter = flow_settle, .taken = definition_copying,
	},
	[MIG_FINISH] = {
		"finish", "post-migrating", .next = P(DONE) | P(ERROR), OWNED, .stop = TASK_STOP_NOT, .in_progress = true, .holds = TASK_SLOT,
		.ends = "compute_live_migration", .begins = "compute_post_live_migration_at_destination", .begins_at_dest = true,
		.enter = flow_settle, .taken = settle_moved,
	},
	[MIG_UNDO] = {
		"undo", "running", .next = P(FINISH) | P(SCHEDULE) | P(FAILED) | ENDS, OWNED, .stop = TASK_STOP_ASKS, .in_progress = true,
		.holds = TASK_SLOT | TASK_CLAIM, .enter = flow_settle,
	},
	[MIG_DONE]      = { "done",      "completed", .end = TASK_DONE },
	[MIG_ERROR]     = { "error",     "error",     .end = TASK_ERROR },
	[MIG_FAILED]    = { "failed",    "failed",    .end = TASK_FAILED },
	[MIG_CANCELLED] = { "cancelled", "cancelled", .end = TASK_CANCELLED },
};
static_assert(G_N_ELEMENTS(stages) == MIG_PHASE_N, "stages is missing one");

static const struct task_action actions[] = {
	{ .name = "os-migrateLive", .action = "live-migration", .vm = TASK_VM_BIT(SERVER_ACTIVE) | TASK_VM_BIT(SERVER_PAUSED) },
};

const struct task_kind live_kind = {
	.type = "live-migration", .migration = true, .class = &task_class_live, .stages = stages, .n = MIG_PHASE_N,
	.queued = MIG_QUEUED, .choosing = MIG_SCHEDULE, .chosen = MIG_PREPARE, .service = &service, .checks = &live_checks, .of_server = true,
	.actions = actions, .n_actions = G_N_ELEMENTS(actions),
	.stop_action = "live_migration_cancel", .force_action = "live_migration_force_complete",
	.attach = attach, .detach = detach, .left = left, .event = event, .host = host, .stop = stop, .want_force = want_force, .force = flow_poll,
	.write_end = write_end, .ended = ended,
};
