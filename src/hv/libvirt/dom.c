/* SPDX-License-Identifier: Apache-2.0
 *
 * One domain: look it up, describe it, pause, run on, stop.
 */
#include "hv/libvirt/dom.h"

#include <string.h>

#include "base/err.h"
#include "hv/libvirt/cache.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/kept.h"
#include "hv/libvirt/link.h"
#include "hv/libvirt/state.h"
#include "hv/libvirt/why.h"
#include "hv/xml/domxml_parse.h"
#include "hv/xml/xml.h"

virDomainPtr lv_dom_lookup(const struct lv_ctx *x, const char *uuid, GError **err)
{
	virDomainPtr d;

	lv_link_assert_mine(x->vir);
	d = virDomainLookupByUUIDString(x->vir, uuid ? uuid : "");
	if (!d)
		(void)lv_error(x->vir, "look up the domain", err);
	return d;
}

bool lv_dom_lookup_or_absent(const struct lv_ctx *x, const char *uuid, virDomainPtr *ret, GError **err)
{
	g_autoptr(GError) e = NULL;

	*ret = lv_dom_lookup(x, uuid, &e);
	if (*ret || g_error_matches(e, ERR, ERR_HV_ABSENT))
		return true;
	g_propagate_error(err, g_steal_pointer(&e));
	return false;
}

static bool get_state(const struct lv_ctx *x, virDomainPtr dom, enum hv_state *ret_state, enum hv_reason *ret_reason, GError **err)
{
	int state, reason;

	if (virDomainGetState(dom, &state, &reason, 0) < 0)
		return lv_error(x->vir, "read the domain's state", err);
	lv_state(state, reason, ret_state, ret_reason);
	return true;
}

/* Answers are kept by UUID, so a description must be of the domain that was asked for. */
static struct hv_dom *parse_own(virDomainPtr dom, const char *xml, GError **err)
{
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	struct hv_dom *d = domxml_parse(xml, err);

	if (!d || (virDomainGetUUIDString(dom, uuid) == 0 && !strcmp(uuid, d->uuid)))
		return d;
	g_set_error(err, ERR, ERR_HV, "the description of domain %s belongs to another domain", uuid);
	hv_dom_free(d);
	return NULL;
}

/* What libvirtd tells of a domain beside its description. The name needs no question. */
static struct hv_dom *undescribed(virDomainPtr dom, const GError *why)
{
	struct hv_dom *d = hv_dom_new();
	char uuid[VIR_UUID_STRING_BUFLEN] = "";
	virDomainInfo info;

	(void)virDomainGetUUIDString(dom, uuid);
	g_strlcpy(d->uuid, uuid, sizeof(d->uuid));
	d->name = util_line(virDomainGetName(dom), DOMXML_NAME_MAX);
	d->unreadable = util_line(why->message, LV_WHY_MAX);
	/* Its size counts for the room of its host. Not to be told that is no news: it is unreadable already. */
	if (virDomainGetInfo(dom, &info) == 0) {
		d->vcpus = info.nrVirtCpu;
		d->mem_mib = (int64_t)MIN(info.maxMem / 1024 + (info.maxMem % 1024 != 0), (unsigned long)G_MAXINT32);
	}
	d->persistent = virDomainIsPersistent(dom) > 0;
	return d;
}

/* The host or the domain is gone: that is news about those, not about a description. */
static bool is_gone(const GError *e)
{
	return g_error_matches(e, ERR, ERR_HV_ABSENT) || g_error_matches(e, ERR, ERR_HV_LOST);
}

static struct hv_dom *read_description(const struct lv_ctx *x, virDomainPtr dom, bool *ret_told, GError **err)
{
	g_autofree char *xml = virDomainGetXMLDesc(dom, 0);
	struct hv_dom *d;
	int persistent;

	*ret_told = false;
	if (!xml) {
		(void)lv_error(x->vir, "read the domain's description", err);
		return NULL;
	}
	persistent = virDomainIsPersistent(dom);
	if (persistent < 0) {
		(void)lv_error(x->vir, "ask whether the domain is persistent", err);
		return NULL;
	}
	*ret_told = true;
	d = parse_own(dom, xml, err);
	if (d)
		d->persistent = persistent > 0;
	return d;
}

struct hv_dom *lv_dom_describe(const struct lv_ctx *x, virDomainPtr dom, bool *ret_lasts, GError **err)
{
	g_autoptr(GError) why = NULL;
	bool told;
	struct hv_dom *d = read_description(x, dom, &told, &why);

	if (!d && is_gone(why)) {
		g_propagate_error(err, g_steal_pointer(&why));
		return NULL;
	}
	if (ret_lasts)
		*ret_lasts = told;
	return d ? d : undescribed(dom, why);
}

/* ---- HV_DOM_GET ---- */

#define AGREE_TRIES 5

static bool has_process(enum hv_state s)
{
	return s != HV_SHUTOFF && s != HV_CRASHED && s != HV_ABSENT;
}

/*
 * The job of a domain. The incoming half of a migration has no statistics, and
 * libvirt says so with an error of its own, before it waits for any lock.
 */
static bool get_job(const struct lv_ctx *x, virDomainPtr dom, struct hv_dom *d, GError **err)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, n = 0;
	struct hv_job job;

	d->job_active = d->job_incoming = d->job_outgoing = false;
	if (!has_process(d->state))
		return true;
	if (virDomainGetJobStats(dom, &type, &params, &n, 0) < 0) {
		if (lv_error_is(VIR_ERR_OPERATION_UNSUPPORTED) && !lv_lost(x->vir)) {
			d->job_active = d->job_incoming = true;
			return true;
		}
		/* A hypervisor without migrations has no jobs. */
		if (lv_error_is(VIR_ERR_NO_SUPPORT))
			return true;
		return lv_error(x->vir, "read the domain's job", err);
	}
	lv_job(type, params, n, &job);
	virTypedParamsFree(params, n);
	d->job_active = job.active;
	d->job_outgoing = job.active && job.outgoing;
	return true;
}

/*
 * State and job of one moment: the state before and after the question for the job must agree. Else a guest that has just left
 * would be told as running without a job. An error of that question is often news too: the process is gone.
 */
static bool get_state_and_job(const struct lv_ctx *x, virDomainPtr dom, struct hv_dom *d, GError **err)
{
	for (int i = 0; i < AGREE_TRIES; i++) {
		g_autoptr(GError) e = NULL;
		enum hv_state state;
		enum hv_reason reason;
		bool ok;

		if (!get_state(x, dom, &d->state, &d->reason, err))
			return false;
		ok = get_job(x, dom, d, &e);
		if (!ok && g_error_matches(e, ERR, ERR_HV_LOST)) {
			g_propagate_error(err, g_steal_pointer(&e));
			return false;
		}
		if (!get_state(x, dom, &state, &reason, err))
			return false;
		if (ok && state == d->state && reason == d->reason)
			return true;
	}
	g_set_error(err, ERR, ERR_HV_BUSY, "read the domain's job: it keeps changing");
	return false;
}

/*
 * The job of a domain that does not answer: something is under way. Only a half of a migration keeps silent without being
 * broken, and the states of post-copy tell which one; the incoming half of pre-copy always answers.
 */
static void guess_job(struct hv_dom *d)
{
	d->job_active = has_process(d->state);
	d->job_incoming = d->state == HV_RUNNING && (d->reason == HV_R_POSTCOPY || d->reason == HV_R_POSTCOPY_FAILED);
	d->job_outgoing = d->job_active && !d->job_incoming;
}

static struct hv_dom *absent(const char *uuid)
{
	struct hv_dom *d = hv_dom_new();

	g_strlcpy(d->uuid, uuid, sizeof(d->uuid));
	d->state = HV_ABSENT;
	return d;
}

static struct hv_dom *read_dom(const struct lv_ctx *x, virDomainPtr dom, bool silent, GError **err)
{
	struct hv_dom *d = lv_dom_describe(x, dom, NULL, err);

	if (d && !lv_dom_kept(x, dom, &d->kept, err))
		g_clear_pointer(&d, hv_dom_free);
	if (d)
		lv_cache_fill_sizes(x->conn->cache, d);
	if (d && silent && get_state(x, dom, &d->state, &d->reason, err)) {
		guess_job(d);
		return d;
	}
	if (d && !silent && get_state_and_job(x, dom, d, err))
		return d;
	hv_dom_free(d);
	return NULL;
}

static bool dom_get(const struct lv_ctx *x, const struct hv_req *req, bool silent, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL;
	g_autoptr(GError) e = NULL;

	if (!lv_dom_lookup_or_absent(x, req->uuid, &dom, err))
		return false;
	if (dom && hv_is_ours(virDomainGetName(dom), req->uuid))
		g_clear_pointer(&dom, lv_domain_free);
	if (dom)
		r->dom = read_dom(x, dom, silent, &e);
	/* It can go away between the questions. */
	if (!dom || g_error_matches(e, ERR, ERR_HV_ABSENT)) {
		g_clear_error(&e);
		r->dom = absent(req->uuid);
	}
	if (e)
		g_propagate_error(err, g_steal_pointer(&e));
	return r->dom != NULL;
}

bool lv_dom_get(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	return dom_get(x, req, false, r, err);
}

bool lv_dom_get_silent(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	return dom_get(x, req, true, r, err);
}

/* ---- HV_DOM_XML ---- */

bool lv_dom_xml(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	if (!dom)
		return false;
	r->xml = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE);
	if (r->xml)
		r->xml_inactive =
			virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE | VIR_DOMAIN_XML_INACTIVE);
	if (!r->xml_inactive)
		return lv_error(x->vir, "read the domain's XML", err);
	return true;
}

/* ---- acts ---- */

bool lv_dom_is_already(const struct lv_ctx *x, virDomainPtr dom, unsigned wanted, const char *what, GError **err)
{
	g_autoptr(GError) refused = NULL;
	enum hv_state state;
	enum hv_reason reason;

	(void)lv_error(x->vir, what, &refused);
	if (!g_error_matches(refused, ERR, ERR_HV_LOST) && get_state(x, dom, &state, &reason, NULL) && (wanted & 1u << state))
		return true;
	g_propagate_error(err, g_steal_pointer(&refused));
	return false;
}

bool lv_dom_suspend(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	(void)r;
	return dom && (virDomainSuspend(dom) == 0 || lv_dom_is_already(x, dom, LV_IS(PAUSED), "pause the domain", err));
}

bool lv_dom_resume(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	(void)r;
	return dom && (virDomainResume(dom) == 0 || lv_dom_is_already(x, dom, LV_IS(RUNNING), "resume the domain", err));
}

bool lv_dom_destroy(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL;

	(void)r;
	if (!lv_dom_lookup_or_absent(x, req->uuid, &dom, err))
		return false;
	if (!dom || virDomainDestroyFlags(dom, 0) == 0 || (lv_error_is(VIR_ERR_NO_DOMAIN) && !lv_lost(x->vir)))
		return true;
	return lv_dom_is_already(x, dom, LV_IS(SHUTOFF), "destroy the domain", err);
}
