/* SPDX-License-Identifier: Apache-2.0 */
#include "move/definition_prepare.h"

#include "base/err.h"
#include "base/log.h"
#include "hv/xml/domxml_rewrite.h"
#include "move/call.h"
#include "move/move.h"
#include "move/service.h"
#include "task/step.h"

/* ---- the guest's own ---- */

static struct part got_own(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	(void)done;
	if (r->err || !r->definition)
		return part_is(PART_LATER); /* none: it has become transient since */
	util_replace(&move_of(m)->definition, r->definition);
	return part_is(PART_READY);
}

/* ---- one at the destination ---- */

static struct part got_undefined(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	(void)m;
	(void)done;
	if (r->err && err_code(r->err) != ERR_HV_LOST && err_code(r->err) != ERR_HV_BUSY)
		return part_because(PART_NEXT_DESTINATION, r->err->message);
	return part_is(PART_AGAIN);
}

static struct part undefine(struct mig *m, const char *xml, part_done_f *done)
{
	struct hv_req req = { .op = HV_DOM_UNDEFINE, .xml = xml };

	log_info("old_definition_removed", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("host", m->dest));
	return part_ask(m, mig_dest(m), &req, NULL, got_undefined, done);
}

/* The row comes before the act: whatever happens then, it is put back. */
static struct part replace(struct mig *m, const char *xml, part_done_f *done)
{
	struct definitions *set = service_of(m->task->engine)->definitions;
	struct definition d = {
		.task = m->id, .server_uuid = m->server_uuid, .host = m->dest, .kind = DEFINITION_REPLACED, .xml = (char *)xml,
		.autostart = move_of(m)->at_dest->kept.autostart,
	};
	g_autoptr(GError) why = NULL;

	if (!definition_insert(set, &d, &why)) {
		step_not_written(m, why);
		return part_is(PART_LATER);
	}
	definition_add(set, &d);
	return undefine(m, xml, done);
}

static struct part got_other(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	g_autofree char *why = r->definition ? definition_refusal(m->dest, r->definition, move_of(m)->definition) : NULL;

	if (r->err || !r->definition)
		return part_is(PART_LATER);
	return why ? part_because(PART_NEXT_DESTINATION, why) : replace(m, r->definition, done);
}

/* What an earlier attempt has made, or was about to take away, is known; all else is looked at. */
static struct part take_away(struct mig *m, part_done_f *done)
{
	struct definitions *set = service_of(m->task->engine)->definitions;
	const struct definition *known = definition_find(set, m->server_uuid, m->dest, DEFINITION_GUEST);
	struct hv_req req = { .op = HV_DOM_DEFINITION };
	g_autofree char *why = definition_in_the_way(m->dest, move_of(m)->at_source->name, move_of(m)->at_dest);

	if (!known)
		known = definition_find(set, m->server_uuid, m->dest, DEFINITION_REPLACED);
	if (why)
		return part_because(PART_NEXT_DESTINATION, why);
	return known ? undefine(m, known->xml, done) : part_ask(m, mig_dest(m), &req, NULL, got_other, done);
}

/* What an earlier migration owes to this host is this one's now. */
static struct part take_over(struct mig *m)
{
	struct definition *d = definition_find(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, DEFINITION_REPLACED);
	g_autofree char *why = d && d->due ? definition_refusal(m->dest, d->xml, move_of(m)->definition) : NULL;
	g_autoptr(GError) err = NULL;

	if (!d || !d->due)
		return part_is(PART_READY);
	if (why)
		return part_because(PART_NEXT_DESTINATION, why);
	/* Or it is being put back, or the database does not take it. */
	return part_is(!d->asked && definition_take(d, m->id, &err) ? PART_READY : PART_LATER);
}

struct part definition_prepare(struct mig *m, part_done_f *done)
{
	struct move *v = move_of(m);
	struct hv_req req = { .op = HV_DOM_DEFINITION };
	struct part over;

	if (!v->at_source->persistent)
		g_clear_pointer(&v->definition, g_free);
	if (v->at_source->persistent && !v->definition)
		return part_ask(m, mig_source(m), &req, NULL, got_own, done);
	over = take_over(m);
	if (over.next != PART_READY || v->at_dest->state == HV_ABSENT)
		return over;
	return take_away(m, done);
}

/* ---- COPY ---- */

/* Its source starts it; or would, if an attempt to move it had not switched that off (DEFINITION_STAYED). */
static bool source_starts_it(const struct mig *m)
{
	const struct definition *stayed = definition_find(service_of(m->task->engine)->definitions, m->server_uuid, m->source, DEFINITION_STAYED);

	return move_of(m)->at_source->kept.autostart || (stayed && stayed->autostart);
}

/* The row of the guest's own. */
static struct definition own_of(const struct mig *m)
{
	const struct move *v = move_of(m);

	return (struct definition){
		.id = v->definition_id, .task = m->id, .server_uuid = (char *)m->server_uuid, .host = m->dest, .kind = DEFINITION_GUEST, .xml = v->definition,
		.autostart = source_starts_it(m),
	};
}

/* Where it is Drover's to start the guest, its host's flag is off, whatever the wish is (fleet/autostart.h). */
static bool wish_of(const struct server *s, const struct definition *own)
{
	return s->autostart_ours ? s->autostart : own->autostart;
}

char *definition_at_dest(const struct mig *m, const char *xml, GError **err)
{
	struct fleet *f = m->task->engine->fleet;
	struct domxml_changes ch = {
		.vnc_listen = host_listen(f, mig_dest(m), "vnc"), .spice_listen = host_listen(f, mig_dest(m), "spice"), .numa_fit = move_of(m)->numa_fit,
	};
	g_autoptr(GPtrArray) listeners = domxml_listeners(xml);

	if (!ch.numa_fit && !domxml_listens_elsewhere(listeners, &ch))
		return g_strdup(xml);
	return domxml_rewrite(xml, &ch, err);
}

bool definition_write_copy(struct mig *m, GError **err)
{
	struct move *v = move_of(m);
	struct server *s = mig_server(m);
	struct definition d = own_of(m);
	const struct definition *old = definition_find(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, DEFINITION_GUEST);
	bool was = s->autostart, ok;

	v->definition_id = 0;
	if (!v->definition || (old && old->task == m->id))
		return true;
	s->autostart = wish_of(s, &d);
	ok = definition_insert(service_of(m->task->engine)->definitions, &d, err) && (s->autostart == was || fleet_server_save(m->task->engine->fleet, s, err));
	v->definition_id = d.id;
	s->autostart = was;
	return ok;
}

void definition_copying(struct mig *m)
{
	struct definition d;

	if (!move_of(m)->definition_id)
		return;
	d = own_of(m);
	mig_server(m)->autostart = wish_of(mig_server(m), &d);
	definition_add(service_of(m->task->engine)->definitions, &d);
}

/* ---- the end ---- */

/*
 * A guest that is off while it moves has left something at a host that was not seen at the end: at its source, when that is not to have it any more, or
 * at its destination. A guest that ran then is known to run elsewhere only while it does (leftover.c).
 */
static const char *left_at(const struct mig *m, enum volume_fate fate, bool clean)
{
	const struct move *v = move_of(m);

	if (!v->carries)
		return NULL;
	if (fate == VOLUME_MOVED)
		return v->at_source ? NULL : m->source;
	return fate == VOLUME_STAYED && !clean ? m->dest : NULL;
}

struct definition_end definition_end_of(const struct mig *m, enum volume_fate fate, bool finishing)
{
	const struct move *v = move_of(m);
	const struct hv_dom *source = v->at_source, *dest = v->at_dest;
	bool clean = dest && (dest->state == HV_ABSENT || v->dest_theirs) && !v->may_come && !call_is_under_way(m->task->engine, m->server_uuid);
	struct hv_req lacks;

	return (struct definition_end){
		.task = m->id,
		.lacks = dest && definition_lacks(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, dest, &lacks),
		.clean = clean,
		.left = left_at(m, fate, clean),
		.stays = fate == VOLUME_STAYED ? m->source : NULL,
		.nowhere = (v->arrived || finishing) && !v->dest_defined && source && dest && source->state == HV_ABSENT && dest->state == HV_ABSENT,
	};
}

void definition_kept(struct mig *m, bool at_source, const char *why)
{
	log_warning("definition_kept", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("host", at_source ? m->source : m->dest),
		    LOG_S("why", why));
	if (at_source)
		move_of(m)->source_theirs = true;
	else
		move_of(m)->dest_theirs = true;
}
