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

#define RETRY_MS 1000

static void ask(struct mig *m, struct host *h, struct hv_req *req, step_answer_f *done)
{
	req->uuid = m->server_uuid;
	if (!step_ask(m, h, req, done))
		step_later(m, RETRY_MS);
}

/* ---- the guest's own ---- */

static void got_own(struct mig *m, struct hv_reply *r)
{
	if (r->err || !r->definition) {
		step_later(m, RETRY_MS); /* none: it has become transient since */
		return;
	}
	util_replace(&m->priv->definition, r->definition);
	live_prepared(m);
}

/* ---- one at the destination ---- */

static void got_undefined(struct mig *m, struct hv_reply *r)
{
	if (r->err && err_code(r->err) != ERR_HV_LOST && err_code(r->err) != ERR_HV_BUSY)
		live_destination_failed(m, r->err->message);
	else
		step_enter(m); /* both hosts are asked again */
}

static void undefine(struct mig *m, const char *xml)
{
	struct hv_req req = { .op = HV_DOM_UNDEFINE, .xml = xml };

	log_info("old_definition_removed", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("host", m->dest));
	ask(m, mig_dest(m), &req, got_undefined);
}

/* The row comes before the act: whatever happens then, it is put back. */
static void replace(struct mig *m, const char *xml)
{
	struct definition d = { .kind = DEFINITION_REPLACED, .xml = (char *)xml, .autostart = m->priv->probe.dest->kept.autostart };
	g_autoptr(GError) why = NULL;

	if (!definition_insert(m, &d, &why)) {
		step_not_written(m, why);
		step_later(m, RETRY_MS);
		return;
	}
	definition_add(m->task->engine, &d);
	undefine(m, xml);
}

static void got_other(struct mig *m, struct hv_reply *r)
{
	g_autofree char *why = r->definition ? definition_refusal(m->dest, r->definition, m->priv->definition) : NULL;

	if (r->err || !r->definition)
		step_later(m, RETRY_MS);
	else if (why)
		live_destination_failed(m, why);
	else
		replace(m, r->definition);
}

/* What an earlier attempt has made, or was about to take away, is known; all else is looked at. */
static void take_away(struct mig *m)
{
	struct engine *e = m->task->engine;
	const struct definition *known = definition_find(e, m->server_uuid, m->dest, DEFINITION_GUEST);
	struct hv_req req = { .op = HV_DOM_DEFINITION };
	g_autofree char *why = definition_in_the_way(m->dest, m->priv->probe.source->name, m->priv->probe.dest);

	if (!known)
		known = definition_find(e, m->server_uuid, m->dest, DEFINITION_REPLACED);
	if (why)
		live_destination_failed(m, why);
	else if (known)
		undefine(m, known->xml);
	else
		ask(m, mig_dest(m), &req, got_other);
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

/* What an earlier migration owes to this host is this one's now. Return: false if PREPARE comes back, or has been left. */
static bool take_over(struct mig *m)
{
	struct definition *d = definition_find(m->task->engine, m->server_uuid, m->dest, DEFINITION_REPLACED);
	g_autofree char *why = d && d->due ? definition_refusal(m->dest, d->xml, m->priv->definition) : NULL;
	g_autoptr(GError) err = NULL;

	if (!d || !d->due)
		return true;
	if (why)
		live_destination_failed(m, why);
	else if (!d->asked && definition_take(m, d, &err))
		return true;
	else
		step_later(m, RETRY_MS); /* it is being put back, or the database does not take it */
	return false;
}

bool definition_prepare(struct mig *m)
{
	struct mig_private *p = m->priv;
	struct hv_req req = { .op = HV_DOM_DEFINITION };

	if (!p->probe.source->persistent)
		g_clear_pointer(&p->definition, g_free);
	if (p->probe.source->persistent && !p->definition)
		ask(m, mig_source(m), &req, got_own);
	else if (!take_over(m))
		return false;
	else if (p->probe.dest->state != HV_ABSENT)
		take_away(m);
	else
		return true;
	return false;
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
