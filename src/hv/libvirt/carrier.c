/* SPDX-License-Identifier: Apache-2.0
 *
 * Carriers: begin one, say what became of it, and which there are.
 */
#include "hv/libvirt/carrier.h"

#include <stdlib.h>

#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/state.h"
#include "hv/xml/carrier_xml.h"

/* ---- what it is ---- */

/* Return: owned by the caller; NULL with ERR_HV_ABSENT if it has gone meanwhile. */
static struct carrier *describe(const struct lv_ctx *x, virDomainPtr dom, const char *uuid, GError **err)
{
	char *xml = virDomainGetXMLDesc(dom, 0);
	struct carrier *c = xml ? carrier_xml_read(uuid, xml, err) : NULL;

	if (!xml)
		(void)lv_error(x->vir, "read the carrier's description", err);
	free(xml); /* libvirt's */
	return c;
}

/* One that does not say where it was begun is not taken for one that has arrived. */
static bool is_from_here(const struct lv_ctx *x, const struct carrier *c)
{
	return !c->from || !g_strcmp0(c->from, x->conn->name);
}

/*
 * The incoming half of a migration is PAUSED for its start or for the migration until all of it is here; from then on it is as it was at
 * the source. Whatever else there is to see of a domain passes.
 */
static enum carrier_state state_of(bool from_here, enum hv_state state, enum hv_reason reason, bool job)
{
	bool rests = state == HV_RUNNING || (state == HV_PAUSED && reason != HV_R_STARTING && reason != HV_R_MIGRATION);

	if (from_here)
		return rests && !job ? CARRIER_IDLE : CARRIER_COPYING;
	return rests ? CARRIER_ARRIVED : CARRIER_COMING;
}

/* Only the source is asked for a job: for the question libvirt waits for the domain's lock, which the arrival holds. */
static bool has_job(const struct lv_ctx *x, virDomainPtr dom, bool *ret, GError **err)
{
	virDomainJobInfo info;

	if (virDomainGetJobInfo(dom, &info) < 0)
		return lv_error(x->vir, "read the carrier's job", err);
	*ret = info.type != VIR_DOMAIN_JOB_NONE;
	return true;
}

/* @silent: its QEMU is not to be asked; one that keeps silent has a job. */
static bool see(const struct lv_ctx *x, virDomainPtr dom, bool silent, struct carrier *c, GError **err)
{
	bool from_here = is_from_here(x, c), job = silent;
	int vir_state, vir_reason;
	enum hv_state state;
	enum hv_reason reason;

	/* The job first: one that ends in between is then told a little too late, and not a little too early. */
	if (from_here && !silent && !has_job(x, dom, &job, err))
		return false;
	if (virDomainGetState(dom, &vir_state, &vir_reason, 0) < 0)
		return lv_error(x->vir, "read the carrier's state", err);
	lv_state(vir_state, vir_reason, &state, &reason);
	c->state = state_of(from_here, state, reason, job);
	c->resumed = state == HV_RUNNING;
	return true;
}

/* ---- HV_CARRIER_GET ---- */

static bool get(const struct lv_ctx *x, const struct hv_req *req, bool silent, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL;
	g_autoptr(GError) e = NULL;

	if (!lv_dom_lookup_or_absent(x, req->uuid, &dom, err))
		return false;
	if (dom && hv_is_carrier(virDomainGetName(dom), req->uuid))
		r->carrier = describe(x, dom, req->uuid, &e);
	if (r->carrier && !see(x, dom, silent, r->carrier, &e))
		g_clear_pointer(&r->carrier, carrier_free);
	/* It can go away between the questions. */
	if (e && !g_error_matches(e, ERR, ERR_HV_ABSENT)) {
		g_propagate_error(err, g_steal_pointer(&e));
		return false;
	}
	if (!r->carrier) {
		r->carrier = carrier_new(req->uuid);
		r->carrier->state = CARRIER_ABSENT;
	}
	return true;
}

bool lv_carrier_get(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	return get(x, req, false, r, err);
}

bool lv_carrier_get_silent(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	return get(x, req, true, r, err);
}

/* ---- HV_CARRIER_LIST ---- */

/* Return: false if the host was lost. One that cannot be described, or has gone, is one by its name. */
static bool list_one(const struct lv_ctx *x, virDomainPtr dom, GPtrArray *out, GError **err)
{
	char uuid[VIR_UUID_STRING_BUFLEN];
	g_autoptr(GError) e = NULL;
	struct carrier *c;

	if (virDomainGetUUIDString(dom, uuid) < 0 || !hv_is_carrier(virDomainGetName(dom), uuid))
		return true;
	c = describe(x, dom, uuid, &e);
	if (c)
		g_ptr_array_add(out, c);
	else if (g_error_matches(e, ERR, ERR_HV))
		g_ptr_array_add(out, carrier_new(uuid));
	if (!g_error_matches(e, ERR, ERR_HV_LOST))
		return true;
	g_propagate_error(err, g_steal_pointer(&e));
	return false;
}

bool lv_carrier_list(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	virDomainPtr *doms = NULL;
	int n = virConnectListAllDomains(x->vir, &doms, VIR_CONNECT_LIST_DOMAINS_ACTIVE | VIR_CONNECT_LIST_DOMAINS_TRANSIENT);
	bool ok = n >= 0 || lv_error(x->vir, "list the carriers", err);

	(void)req;
	r->carriers = g_ptr_array_new_with_free_func((GDestroyNotify)carrier_free);
	for (int i = 0; i < n; i++) {
		ok = ok && list_one(x, doms[i], r->carriers, err);
		lv_domain_free(doms[i]);
	}
	free(doms); /* libvirt's */
	return ok;
}

/* ---- HV_CARRIER_START ---- */

static bool conflict(const char *why, GError **err)
{
	g_set_error(err, ERR, ERR_CONFLICT, "begin the carrier: %s", why);
	return false;
}

/* There is a domain of that UUID. It is as good as begun now if it has the same files and waits to be sent. */
static bool accept(const struct lv_ctx *x, virDomainPtr dom, const struct hv_req *req, GError **err)
{
	struct carrier *c;
	bool same, idle;

	if (!hv_is_carrier(virDomainGetName(dom), req->uuid))
		return conflict("a domain that is none has its UUID", err);
	c = describe(x, dom, req->uuid, err);
	if (!c || !see(x, dom, false, c, err)) {
		carrier_free(c);
		return false;
	}
	same = carrier_files_same(c->files, req->carrier.files);
	idle = c->state == CARRIER_IDLE;
	carrier_free(c);
	return (same || conflict("it is there with other files", err)) && (idle || conflict("it is there, and does not wait to be sent", err));
}

/* Not with AUTODESTROY: libvirt does not migrate such domains. */
static bool create(const struct lv_ctx *x, const struct hv_req *req, bool checks_cpu, GError **err)
{
	struct carrier_params p = req->carrier;
	g_autofree char *xml = NULL;
	g_autoptr(virDomain) dom = NULL;

	p.checks_cpu = checks_cpu;
	xml = carrier_xml_write(req->uuid, x->conn->name, &p, err);
	if (!xml)
		return false;
	dom = virDomainCreateXML(x->vir, xml, VIR_DOMAIN_START_PAUSED);
	return dom || lv_error(x->vir, "begin the carrier", err);
}

bool lv_carrier_start(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = NULL;
	g_autoptr(GError) e = NULL;

	(void)r;
	if (!lv_dom_lookup_or_absent(x, req->uuid, &dom, err))
		return false;
	if (dom)
		return accept(x, dom, req, err);
	if (req->carrier.checks_cpu)
		return create(x, req, true, err);
	if (create(x, req, false, &e))
		return true;
	/* Among others of a libvirt that does not know what it is to leave out. */
	if (g_error_matches(e, ERR, ERR_HV))
		return create(x, req, true, err);
	g_propagate_error(err, g_steal_pointer(&e));
	return false;
}
