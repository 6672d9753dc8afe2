/* SPDX-License-Identifier: Apache-2.0
 *
 * Definitions: what libvirt keeps of the guest at the source, and under its UUID at the destination.
 *
 * Only a run that goes on to the end asks: PREPARE looks at the same, before
 * anything is made, with answers that it needs anyway (definition_prepare()).
 */
#include "migrate/check_priv.h"
#include "migrate/definition.h"

#include "base/err.h"

/* The destination did not say it. */
static void dest_failed(struct precheck *p, const GError *why)
{
	precheck_decided(p, FAIL, g_error_copy(why));
}

/* ---- answers ---- */

static void got_there(struct precheck *p, struct hv_reply *r)
{
	if (r->err) {
		dest_failed(p, r->err);
		return;
	}
	p->there = g_steal_pointer(&r->dom);
	precheck_run(p);
}

static void got_own(struct precheck *p, struct hv_reply *r)
{
	if (r->err) {
		precheck_source_failed(p, r->err);
		return;
	}
	p->own = g_steal_pointer(&r->definition);
	p->asked_own = true;
	precheck_run(p);
}

static void got_theirs(struct precheck *p, struct hv_reply *r)
{
	g_autofree char *why = NULL;
	GError *err = NULL;

	if (r->err) {
		dest_failed(p, r->err);
		return;
	}
	why = r->definition ? definition_refusal(p->dest_name, r->definition, p->own) : NULL;
	if (why)
		(void)precheck_fail(&err, "%s", why);
	precheck_decided(p, why ? FAIL : PASS, err);
}

/* ---- the rows ---- */

enum verdict precheck_kept(struct precheck *p, GError **err)
{
	if (!p->req.to_the_end)
		return precheck_skip(p, "it is looked at when both hosts are asked");
	if (!p->dom)
		return precheck_fetch_dom(p, err);
	if (!p->dom->kept.managed_save)
		return PASS;
	p->report.hopeless = true;
	return precheck_fail(err, "%s keeps a managed save image of the guest, which would be left there when it has moved: remove it "
			     "(virsh managedsave-remove)", p->source->name);
}

static bool is_off(const struct hv_dom *d)
{
	return d->state == HV_SHUTOFF || d->state == HV_CRASHED;
}

enum verdict precheck_definition(struct precheck *p, GError **err)
{
	struct hv_req get = { .op = HV_DOM_GET, .uuid = p->server_uuid }, read = { .op = HV_DOM_DEFINITION, .uuid = p->server_uuid };
	g_autofree char *why = NULL;

	if (!p->req.to_the_end)
		return precheck_skip(p, "it is looked at when both hosts are asked");
	if (!p->there)
		return precheck_ask_dest(p, &get, got_there, err);
	if (!is_off(p->there))
		return PASS; /* none; or it is active, and the migration waits for what becomes of that */
	why = definition_in_the_way(p->dest_name, p->server->libvirt_name, p->there);
	if (why)
		return precheck_fail(err, "%s", why);
	if (!p->asked_own && precheck_ask(p, p->source, &read, got_own))
		return ASKED;
	if (!p->asked_own)
		return precheck_fail(err, "Compute service of %s is unavailable at this time.", p->source->name);
	return precheck_ask_dest(p, &read, got_theirs, err);
}

void precheck_definition_clear(struct precheck *p)
{
	hv_dom_free(p->there);
	g_free(p->own);
}
