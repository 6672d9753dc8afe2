/* SPDX-License-Identifier: Apache-2.0
 *
 * A migration's part in definitions: before the copy, and when the guest has moved.
 */
#include "migrate/definition.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "hv/xml/domdef.h"
#include "migrate/mig.h"
#include "task/step.h"

/* ---- the guest's own ---- */

static struct prepared got_own(struct mig *m, struct hv_reply *r, prepare_done_f *done)
{
	(void)done;
	if (r->err || !r->definition)
		return prepare_is(PREPARE_LATER); /* none: it has become transient since */
	util_replace(&m->priv->definition, r->definition);
	return prepare_is(PREPARE_READY);
}

/* ---- one at the destination ---- */

static struct prepared got_undefined(struct mig *m, struct hv_reply *r, prepare_done_f *done)
{
	(void)m;
	(void)done;
	if (r->err && err_code(r->err) != ERR_HV_LOST && err_code(r->err) != ERR_HV_BUSY)
		return prepare_because(PREPARE_NEXT_DESTINATION, r->err->message);
	return prepare_is(PREPARE_AGAIN);
}

static struct prepared undefine(struct mig *m, const char *xml, prepare_done_f *done)
{
	struct hv_req req = { .op = HV_DOM_UNDEFINE, .xml = xml };

	log_info("old_definition_removed", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("host", m->dest));
	return prepare_ask(m, mig_dest(m), &req, NULL, got_undefined, done);
}

/* The row comes before the act: whatever happens then, it is put back. */
static struct prepared replace(struct mig *m, const char *xml, prepare_done_f *done)
{
	struct definition d = { .kind = DEFINITION_REPLACED, .xml = (char *)xml, .autostart = m->priv->probe.dest->kept.autostart };
	g_autoptr(GError) why = NULL;

	if (!definition_insert(m, &d, &why)) {
		step_not_written(m, why);
		return prepare_is(PREPARE_LATER);
	}
	definition_add(m->task->engine, &d);
	return undefine(m, xml, done);
}

static struct prepared got_other(struct mig *m, struct hv_reply *r, prepare_done_f *done)
{
	g_autofree char *why = r->definition ? definition_refusal(m->dest, r->definition, m->priv->definition) : NULL;

	if (r->err || !r->definition)
		return prepare_is(PREPARE_LATER);
	return why ? prepare_because(PREPARE_NEXT_DESTINATION, why) : replace(m, r->definition, done);
}

/* What an earlier attempt has made, or was about to take away, is known; all else is looked at. */
static struct prepared take_away(struct mig *m, prepare_done_f *done)
{
	struct engine *e = m->task->engine;
	const struct definition *known = definition_find(e, m->server_uuid, m->dest, DEFINITION_GUEST);
	struct hv_req req = { .op = HV_DOM_DEFINITION };
	g_autofree char *why = definition_in_the_way(m->dest, m->priv->probe.source->name, m->priv->probe.dest);

	if (!known)
		known = definition_find(e, m->server_uuid, m->dest, DEFINITION_REPLACED);
	if (why)
		return prepare_because(PREPARE_NEXT_DESTINATION, why);
	return known ? undefine(m, known->xml, done) : prepare_ask(m, mig_dest(m), &req, NULL, got_other, done);
}

char *definition_in_the_way(const char *host, const char *name, const struct hv_dom *d)
{
	const struct hv_kept *k = &d->kept;

	if (g_strcmp0(d->name, name) != 0)
		return g_strdup_printf("%s has another domain of the guest's UUID: it is named %s there, and %s is not touched", host, d->name, d->name);
	if (k->managed_save)
		return g_strdup_printf("%s keeps a managed save image of %s, which it would go on from one day: remove it there "
				       "(virsh managedsave-remove)", host, d->name);
	if (k->snapshots || k->checkpoints)
		return g_strdup_printf("%s keeps %d snapshots and %d checkpoints of %s: remove them there first", host, k->snapshots, k->checkpoints,
				       d->name);
	return NULL;
}

char *definition_refusal(const char *host, const char *theirs, const char *guests)
{
	g_autofree char *differs = NULL;

	/* A guest without a definition of its own leaves the other one as it is. */
	if (!guests || domdef_same(theirs, guests, &differs))
		return NULL;
	return g_strdup_printf("%s defines the guest otherwise: %s; make the two definitions equal, or undefine it there", host, differs);
}

/* What an earlier migration owes to this host is this one's now. */
static struct prepared take_over(struct mig *m)
{
	struct definition *d = definition_find(m->task->engine, m->server_uuid, m->dest, DEFINITION_REPLACED);
	g_autofree char *why = d && d->due ? definition_refusal(m->dest, d->xml, m->priv->definition) : NULL;
	g_autoptr(GError) err = NULL;

	if (!d || !d->due)
		return prepare_is(PREPARE_READY);
	if (why)
		return prepare_because(PREPARE_NEXT_DESTINATION, why);
	/* Or it is being put back, or the database does not take it. */
	return prepare_is(!d->asked && definition_take(m, d, &err) ? PREPARE_READY : PREPARE_LATER);
}

struct prepared definition_prepare(struct mig *m, prepare_done_f *done)
{
	struct mig_private *p = m->priv;
	struct hv_req req = { .op = HV_DOM_DEFINITION };
	struct prepared over;

	if (!p->probe.source->persistent)
		g_clear_pointer(&p->definition, g_free);
	if (p->probe.source->persistent && !p->definition)
		return prepare_ask(m, mig_source(m), &req, NULL, got_own, done);
	over = take_over(m);
	if (over.next != PREPARE_READY || p->probe.dest->state == HV_ABSENT)
		return over;
	return take_away(m, done);
}

/* ---- COPY ---- */

bool definition_write_copy(struct mig *m, GError **err)
{
	struct mig_private *p = m->priv;
	struct server *s = mig_server(m);
	struct definition d = { .kind = DEFINITION_GUEST, .xml = p->definition, .autostart = p->probe.source->kept.autostart };
	const struct definition *old = definition_find(m->task->engine, m->server_uuid, m->dest, DEFINITION_GUEST);
	bool was = s->autostart, ok;

	p->definition_id = 0;
	if (!p->definition || (old && old->migration_id == m->id))
		return true;
	s->autostart = p->probe.source->kept.autostart;
	ok = (!old || store_run(m->task->engine->store, Q_DEFINITION_DELETE, STORE_ARGS(SV_I(old->id)), NULL, err)) && definition_insert(m, &d, err) &&
	     (s->autostart == was || fleet_server_save(m->task->engine->fleet, s, err));
	p->definition_id = d.id;
	s->autostart = was;
	return ok;
}

void definition_copying(struct mig *m)
{
	struct mig_private *p = m->priv;

	if (!p->definition_id)
		return;
	mig_server(m)->autostart = p->probe.source->kept.autostart;
	definition_add(m->task->engine, &(struct definition){
		.id = p->definition_id, .migration_id = m->id, .server_uuid = m->server_uuid, .host = m->dest, .kind = DEFINITION_GUEST, .xml = p->definition,
		.autostart = p->probe.source->kept.autostart,
	});
}

/* ---- FINISH ---- */

bool definition_lacks(struct mig *m, struct hv_req *ret)
{
	struct engine *e = m->task->engine;
	const struct hv_dom *there = m->priv->probe.dest;
	const struct definition *own = definition_find(e, m->server_uuid, m->dest, DEFINITION_GUEST);
	const struct definition *replaced = definition_find(e, m->server_uuid, m->dest, DEFINITION_REPLACED);
	const struct definition *wanted = own ? own : replaced;
	bool autostart = (own && own->autostart) || (replaced && replaced->autostart);

	*ret = (struct hv_req){ .uuid = m->server_uuid, .xml = wanted ? wanted->xml : NULL, .autostart = true };
	ret->op = wanted && !there->persistent ? HV_DOM_DEFINE : HV_DOM_AUTOSTART;
	return wanted && (!there->persistent || (autostart && !there->kept.autostart));
}
