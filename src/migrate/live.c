/* SPDX-License-Identifier: Apache-2.0
 *
 * The stages of a live migration, up to the copy. From there on they are flow.c's.
 */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/sched.h"
#include "hv/xml/domxml_rewrite.h"
#include "migrate/block.h"
#include "migrate/checks.h"
#include "migrate/definition.h"
#include "migrate/flow.h"
#include "migrate/step.h"

#define RETRY_MS 1000
#define CALL_WAITS_MAX 60  /* libvirt's keepalive between two hosts ends after 27 s */
#define HOST_WAIT_MS 5000

/* ---- the end ---- */

/* libvirt was not called yet in these phases. */
bool live_before_copy(const struct mig *m)
{
	return m->phase == MIG_CHECK || m->phase == MIG_QUEUED || m->phase == MIG_SCHEDULE || m->phase == MIG_PREPARE;
}

/* What becomes of the files that it made. Past the copy, an error means that the newest ones are not known. */
enum volume_fate live_fate(const struct mig *m, enum mig_phase end)
{
	if (end == MIG_DONE)
		return VOLUME_MOVED;
	return end == MIG_ERROR && !live_before_copy(m) ? VOLUME_UNKNOWN : VOLUME_STAYED;
}

static struct volume_end files_of(const struct mig *m)
{
	return (struct volume_end){ .task = m->id, .server_uuid = m->server_uuid, .left = m->source };
}

bool live_write_end(struct mig *m, enum volume_fate fate, GError **err)
{
	struct volume_end files = files_of(m);

	return volumes_write_fate(m->priv->engine->volumes, &files, fate, err) && definition_write_end(m, fate, err);
}

void live_ended(struct mig *m, enum volume_fate fate)
{
	struct volume_end files = files_of(m);

	definition_ended(m, fate);
	volumes_resolve(m->priv->engine->volumes, &files, fate);
}

static bool another_fits(struct mig *m, const char *why)
{
	struct sched_need need = sched_need_of(mig_server(m));
	struct sched_result *res;
	bool fits;

	g_hash_table_replace(m->priv->excluded, g_strdup(m->dest), g_strdup(why));
	need.exclude = m->priv->excluded;
	res = sched_select(m->priv->engine->fleet, &need);
	fits = res->passed + res->busy > 0;
	sched_result_free(res);
	return fits;
}

static bool write_given_up(struct mig *m, void *why, GError **err)
{
	return action_event_finish(m->priv->engine->store, m->action_id, "compute_live_migration", why, err) && live_write_end(m, VOLUME_STAYED, err);
}

/* The row names no destination any more; so does memory. */
static void destination_left(struct mig *m)
{
	struct volume_end files = files_of(m);

	queue_hold(m, NULL);
	definition_ended(m, VOLUME_STAYED);
	m->priv->dest_theirs = false;
	volumes_resolve(m->priv->engine->volumes, &files, VOLUME_STAYED);
	live_copies(m, NULL);
	m->priv->elsewhere++;
	copy_forget(&m->priv->copy);
}

bool live_elsewhere(struct mig *m, const char *why)
{
	int64_t retries = fleet_conf(m->priv->engine->fleet)->migrate_max_retries;
	g_autofree char *kept = g_strdup(why), *text = g_strdup_printf("%s: %s; trying the next host", m->dest, why);
	struct step_change c;

	if (m->requested_host || m->abort_wanted || (retries >= 0 && m->priv->elsewhere >= retries) || !another_fits(m, kept))
		return false;
	c = step_change(m, MIG_SCHEDULE, text);
	c.row.dest = c.row.error = NULL;
	c.row.attempt = 0;
	c.row.force_wanted = c.row.paused_by_us = false;
	c.also = write_given_up;
	c.user = kept;
	if (!step_write(m, &c)) {
		step_later(m, RETRY_MS);
		return true; /* again, from the phase that it is in */
	}
	destination_left(m);
	live_enter(m);
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
static char *not_movable(struct mig *m)
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

static bool write_copy(struct mig *m, void *unused, GError **err)
{
	(void)unused;
	return step_write_options(m, err) && definition_write_copy(m, err) &&
	       (m->attempt > 0 || action_event_start(m->priv->engine->store, m->action_id, "compute_live_migration", m->source, err));
}

static bool make_xml(struct mig *m, GError **err)
{
	struct mig_private *p = m->priv;
	g_autofree const char **files = block_files(p->copies);
	struct fleet *f = m->priv->engine->fleet;
	struct domxml_changes ch = {
		.vnc_listen = host_listen(f, mig_dest(m), "vnc"), .spice_listen = host_listen(f, mig_dest(m), "spice"),
		.place = m->priv->there, .files = files,
	};

	g_clear_pointer(&p->dest_xml, g_free);
	g_clear_pointer(&p->persistent_xml, g_free);
	if (!p->listeners)
		p->listeners = domxml_listeners(p->xml);
	if (!ch.place && !ch.files && !domxml_listens_elsewhere(p->listeners, &ch))
		return true;
	p->dest_xml = domxml_rewrite(p->xml, &ch, err);
	if (!p->dest_xml)
		return false;
	ch.files = NULL;
	if (p->xml_inactive)
		p->persistent_xml = domxml_rewrite(p->xml_inactive, &ch, err);
	return !p->xml_inactive || p->persistent_xml;
}

void live_prepared(struct mig *m)
{
	g_autofree char *why_not = not_movable(m);
	g_autoptr(GError) err = NULL;

	if (why_not)
		give_up(m, why_not);
	else if (!definition_prepare(m))
		return; /* it comes back */
	else if (!placing_prepare(m, &err))
		live_destination_failed(m, err->message);
	else if (!block_prepare(m))
		return; /* likewise */
	else if (!make_xml(m, &err))
		give_up(m, err->message);
	else if (step_go(m, MIG_COPY, "both hosts are ready", write_copy, NULL)) {
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
	live_prepared(m);
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
	live_enter(m);
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
		live_enter(m);
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
	m->priv->precheck = check_begin(m->priv->engine->checks, &req, planned, m);
}

static void prepare(struct mig *m)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	/* libvirt would refuse: the call of an earlier migration, which was given up (watch.c), still has the guest. */
	if (g_hash_table_contains(m->priv->engine->calls, m->server_uuid) && m->priv->call_waits++ < CALL_WAITS_MAX)
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

/* What memory does when a change of phase is written, for one that was written without an answer. Return: false if the row cannot be read. */
static bool take_row(struct mig *m)
{
	static void (*const taken[MIG_PHASE_N])(struct mig *) = {
		[MIG_SCHEDULE] = destination_left, [MIG_PREPARE] = planned_again, [MIG_COPY] = definition_copying, [MIG_FINISH] = settle_moved,
	};
	enum mig_phase was = m->phase;

	if (!step_take_row(m))
		return false;
	if (m->phase != was && taken[m->phase])
		taken[m->phase](m);
	return true;
}

void live_enter(struct mig *m)
{
	static void (*const enter[MIG_PHASE_N])(struct mig *) = {
		[MIG_CHECK] = search_check, [MIG_SCHEDULE] = search_schedule, [MIG_PREPARE] = prepare,
		[MIG_COPY] = flow_settle, [MIG_FINISH] = flow_settle, [MIG_UNDO] = flow_settle,
	};

	clock_cancel(&m->priv->timer);
	if (mig_is_final(m))
		return;
	if (!take_row(m)) {
		step_later(m, RETRY_MS);
		return;
	}
	if (step_row_is_final(m)) {
		step_end(m, m->priv->row_ended, m->priv->row_ended == MIG_DONE ? NULL : m->error);
		return;
	}
	if (!mig_server(m)) {
		/* Its record cannot go while a migration owns it (sync.c), so the database was edited. */
		step_end(m, MIG_ERROR, "the server's record is gone");
		return;
	}
	if (m->abort_wanted && live_before_copy(m)) {
		step_end(m, MIG_CANCELLED, "aborted");
		return;
	}
	if (m->phase == MIG_QUEUED)
		return; /* the queue moves it on */
	/* Right after a start no host is up yet, and none is to be refused for that. */
	if (live_before_copy(m) && !fleet_settled(m->priv->engine->fleet)) {
		step_later(m, RETRY_MS);
		return;
	}
	enter[m->phase](m);
}

void live_abort(struct mig *m)
{
	if (live_before_copy(m))
		live_enter(m);
	else if (m->phase == MIG_COPY)
		flow_poll(m);
}

void live_force(struct mig *m)
{
	flow_poll(m);
}

void live_event(struct mig *m, const struct hv_event *ev)
{
	if (ev->type == HV_EV_ITERATION)
		m->progress.iteration = ev->iteration;
	if (!live_before_copy(m))
		flow_event(m, ev);
}

void live_host(struct mig *m)
{
	if (m->phase == MIG_QUEUED || m->priv->copy.running)
		return;
	if (m->priv->timer)
		live_enter(m);
}
