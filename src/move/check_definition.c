/* SPDX-License-Identifier: Apache-2.0
 *
 * Definitions: what libvirt keeps of the guest at the source, and under its UUID at the destination.
 *
 * Only a run that goes on to the end asks: PREPARE looks at the same, before
 * anything is made, with answers that it needs anyway (definition_prepare()).
 */
#include "move/check_definition.h"

#include "base/err.h"
#include "move/definition.h"

/* What was said so far. */
struct said {
	struct hv_dom *there; /* HV_DOM_GET's answer of the destination; NULL before */
	char *own;            /* the guest's definition; NULL if it has none */
	bool asked_own;
};

static void said_clear(void *part)
{
	struct said *s = part;

	hv_dom_free(s->there);
	g_free(s->own);
}

static const struct check_part part = { sizeof(struct said), said_clear };

static struct said *said(struct check *p)
{
	return check_part(p, &part);
}

/* The destination did not say it. */
static void dest_failed(struct check *p, const GError *why)
{
	check_decided(p, CHECK_FAILED, g_error_copy(why));
}

/* ---- answers ---- */

static void got_there(struct check *p, struct hv_reply *r)
{
	if (r->err) {
		dest_failed(p, r->err);
		return;
	}
	said(p)->there = g_steal_pointer(&r->dom);
	check_run(p);
}

static void got_own(struct check *p, struct hv_reply *r)
{
	if (r->err) {
		check_source_failed(p, r->err);
		return;
	}
	said(p)->own = g_steal_pointer(&r->definition);
	said(p)->asked_own = true;
	check_run(p);
}

static void got_theirs(struct check *p, struct hv_reply *r)
{
	g_autofree char *why = NULL;
	GError *err = NULL;

	if (r->err) {
		dest_failed(p, r->err);
		return;
	}
	why = r->definition ? definition_refusal(p->dest_name, r->definition, said(p)->own) : NULL;
	if (why)
		(void)check_fail(&err, "%s", why);
	check_decided(p, why ? CHECK_FAILED : CHECK_PASSED, err);
}

/* ---- the rows ---- */

enum check_result check_kept(struct check *p, GError **err)
{
	if (!p->req.to_the_end)
		return check_skip(p, "it is looked at when both hosts are asked");
	if (!p->dom)
		return check_fetch_dom(p, err);
	if (!p->dom->kept.managed_save)
		return CHECK_PASSED;
	p->report.hopeless = true;
	return check_fail(err, "%s keeps a managed save image of the guest, which would be left there when it has moved: remove it "
			  "(virsh managedsave-remove)", p->source->name);
}

static bool is_off(const struct hv_dom *d)
{
	return d->state == HV_SHUTOFF || d->state == HV_CRASHED;
}

enum check_result check_definition(struct check *p, GError **err)
{
	struct hv_req get = { .op = HV_DOM_GET, .uuid = p->server_uuid }, read = { .op = HV_DOM_DEFINITION, .uuid = p->server_uuid };
	const struct said *known = said(p);
	g_autofree char *why = NULL;

	if (!p->req.to_the_end)
		return check_skip(p, "it is looked at when both hosts are asked");
	if (!known->there)
		return check_ask_dest(p, &get, got_there, err);
	if (!is_off(known->there))
		return CHECK_PASSED; /* none; or it is active, and the migration waits for what becomes of that */
	why = definition_in_the_way(p->dest_name, p->server->libvirt_name, known->there);
	if (why)
		return check_fail(err, "%s", why);
	if (!known->asked_own && check_ask(p, p->source, &read, got_own))
		return CHECK_ASKED;
	if (!known->asked_own)
		return check_fail(err, "Compute service of %s is unavailable at this time.", p->source->name);
	return check_ask_dest(p, &read, got_theirs, err);
}
