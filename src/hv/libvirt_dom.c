/* SPDX-License-Identifier: Apache-2.0
 *
 * One domain: look it up, describe it, pause, run on, stop, undefine.
 */
#include "hv/libvirt_priv.h"

#include "base/err.h"
#include "hv/domxml.h"

#define LIBVIRT_KEEP_TPM 8009000 /* VIR_DOMAIN_UNDEFINE_KEEP_TPM exists from here on */

virDomainPtr lv_dom_lookup(struct lv_conn *c, const char *uuid, GError **err)
{
	virDomainPtr d = virDomainLookupByUUIDString(c->vir, uuid ? uuid : "");

	if (!d)
		(void)lv_error(c->vir, "look up the domain", err);
	return d;
}

/* The request's domain, where its absence is an answer: true with *ret NULL. */
static bool lookup_or_absent(struct lv_conn *c, const char *uuid, virDomainPtr *ret, GError **err)
{
	g_autoptr(GError) e = NULL;

	*ret = lv_dom_lookup(c, uuid, &e);
	if (*ret || g_error_matches(e, ERR, ERR_HV_ABSENT))
		return true;
	g_propagate_error(err, g_steal_pointer(&e));
	return false;
}

static bool get_state(struct lv_conn *c, virDomainPtr dom, enum hv_state *ret_state, enum hv_reason *ret_reason, GError **err)
{
	int state, reason;

	if (virDomainGetState(dom, &state, &reason, 0) < 0)
		return lv_error(c->vir, "read the domain's state", err);
	lv_state(state, reason, ret_state, ret_reason);
	return true;
}

struct hv_dom *lv_dom_describe(struct lv_conn *c, virDomainPtr dom, GError **err)
{
	g_autofree char *xml = virDomainGetXMLDesc(dom, 0);
	struct hv_dom *d;
	int persistent;

	if (!xml) {
		(void)lv_error(c->vir, "read the domain's description", err);
		return NULL;
	}
	persistent = virDomainIsPersistent(dom);
	if (persistent < 0) {
		(void)lv_error(c->vir, "ask whether the domain is persistent", err);
		return NULL;
	}
	d = domxml_parse(xml, err);
	if (d)
		d->persistent = persistent > 0;
	return d;
}

/* ---- HV_DOM_GET ---- */

/*
 * The job of a domain. The incoming half of a migration has no statistics, and
 * libvirt says so with an error of its own, before it waits for any lock.
 */
static bool get_job(struct lv_conn *c, virDomainPtr dom, struct hv_dom *d, GError **err)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, n = 0;
	struct hv_job job;

	if (d->state == HV_SHUTOFF || d->state == HV_CRASHED)
		return true;
	if (virDomainGetJobStats(dom, &type, &params, &n, 0) < 0) {
		if (lv_error_is(VIR_ERR_OPERATION_UNSUPPORTED) && !lv_lost(c->vir)) {
			d->job_active = d->job_incoming = true;
			return true;
		}
		/* It ended between the two questions. */
		if (lv_error_is(VIR_ERR_OPERATION_INVALID) || lv_error_is(VIR_ERR_NO_SUPPORT))
			return true;
		return lv_error(c->vir, "read the domain's job", err);
	}
	lv_job(type, params, n, &job);
	virTypedParamsFree(params, n);
	d->job_active = job.active;
	d->job_outgoing = job.active && job.outgoing;
	return true;
}

static struct hv_dom *absent(const char *uuid)
{
	struct hv_dom *d = hv_dom_new();

	g_strlcpy(d->uuid, uuid, sizeof(d->uuid));
	d->state = HV_ABSENT;
	return d;
}

static struct hv_dom *read_dom(struct lv_conn *c, virDomainPtr dom, GError **err)
{
	struct hv_dom *d = lv_dom_describe(c, dom, err);

	if (d && get_state(c, dom, &d->state, &d->reason, err) && get_job(c, dom, d, err))
		return d;
	hv_dom_free(d);
	return NULL;
}

bool lv_dom_get(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL;
	g_autoptr(GError) e = NULL;

	if (!lookup_or_absent(c, req->uuid, &dom, err))
		return false;
	if (dom)
		r->dom = read_dom(c, dom, &e);
	/* It can go away between the questions. */
	if (!dom || g_error_matches(e, ERR, ERR_HV_ABSENT)) {
		g_clear_error(&e);
		r->dom = absent(req->uuid);
	}
	if (e)
		g_propagate_error(err, g_steal_pointer(&e));
	return r->dom != NULL;
}

/* ---- HV_DOM_XML ---- */

bool lv_dom_xml(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(c, req->uuid, err);

	if (!dom)
		return false;
	r->xml = virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE);
	if (r->xml)
		r->xml_inactive =
			virDomainGetXMLDesc(dom, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_MIGRATABLE | VIR_DOMAIN_XML_INACTIVE);
	if (!r->xml_inactive)
		return lv_error(c->vir, "read the domain's XML", err);
	return true;
}

/* ---- acts ---- */

/*
 * An act that failed is a success if the domain is as wanted all the same:
 * libvirt refuses to resume what runs and to stop what is off.
 */
static bool is_already(struct lv_conn *c, virDomainPtr dom, enum hv_state want, const char *what, GError **err)
{
	g_autoptr(GError) refused = NULL;
	enum hv_state state;
	enum hv_reason reason;

	(void)lv_error(c->vir, what, &refused);
	if (!g_error_matches(refused, ERR, ERR_HV_LOST) && get_state(c, dom, &state, &reason, NULL) && state == want)
		return true;
	g_propagate_error(err, g_steal_pointer(&refused));
	return false;
}

bool lv_dom_suspend(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(c, req->uuid, err);

	(void)r;
	return dom && (virDomainSuspend(dom) == 0 || is_already(c, dom, HV_PAUSED, "pause the domain", err));
}

bool lv_dom_resume(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(c, req->uuid, err);

	(void)r;
	return dom && (virDomainResume(dom) == 0 || is_already(c, dom, HV_RUNNING, "resume the domain", err));
}

bool lv_dom_destroy(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL;

	(void)r;
	if (!lookup_or_absent(c, req->uuid, &dom, err))
		return false;
	if (!dom || virDomainDestroyFlags(dom, 0) == 0 || (lv_error_is(VIR_ERR_NO_DOMAIN) && !lv_lost(c->vir)))
		return true;
	return is_already(c, dom, HV_SHUTOFF, "destroy the domain", err);
}

/* Firmware variables and the TPM's state are disks of the guest: they may lie on shared storage, in use elsewhere. */
static unsigned undefine_flags(struct lv_conn *c)
{
	unsigned long version = 0;
	unsigned flags = VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;

	if (virConnectGetLibVersion(c->vir, &version) == 0 && version >= LIBVIRT_KEEP_TPM)
		flags |= VIR_DOMAIN_UNDEFINE_KEEP_TPM;
	return flags;
}

bool lv_dom_undefine(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL;
	int active;

	(void)r;
	if (!lookup_or_absent(c, req->uuid, &dom, err))
		return false;
	if (!dom)
		return true;
	/* libvirt would make a transient domain of a running one. */
	active = virDomainIsActive(dom);
	if (active > 0) {
		g_set_error(err, ERR, ERR_HV, "undefine the domain: it is active");
		return false;
	}
	if (active == 0 && virDomainUndefineFlags(dom, undefine_flags(c)) == 0)
		return true;
	if (lv_error_is(VIR_ERR_NO_DOMAIN) && !lv_lost(c->vir))
		return true;
	return lv_error(c->vir, "undefine the domain", err);
}
