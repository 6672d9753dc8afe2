/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_MIGRATE: a connection of its own to the source, and a worker that blocks in
 * the call until the migration ends. The wait ends too when the source is gone:
 * TCP finds out, or the host's connection, which then cuts all of its links.
 */
#include "hv/libvirt/migrate.h"

#include "base/err.h"
#include "base/loop.h"
#include "hv/libvirt/call.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/link.h"
#include "hv/libvirt/spawn.h"

struct migration {
	struct hv_call *call;
	struct lv_link *link;
};

static bool copies(const struct hv_migrate_params *p)
{
	return p->copy_disks && p->copy_disks[0];
}

/* Never here: UNSAFE, which turns libvirt's own checks off. Without a list of disks libvirt would copy each that can be written. */
static unsigned migrate_flags(const struct hv_migrate_params *p, bool paused)
{
	unsigned flags = VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER;

	if (p->persist_dest)
		flags |= VIR_MIGRATE_PERSIST_DEST | VIR_MIGRATE_UNDEFINE_SOURCE;
	/* A paused guest cannot be switched: nothing runs at the destination that would fault pages in. */
	if (p->postcopy && !paused)
		flags |= VIR_MIGRATE_POSTCOPY;
	if (p->resume)
		flags |= VIR_MIGRATE_POSTCOPY | VIR_MIGRATE_POSTCOPY_RESUME;
	if (p->auto_converge)
		flags |= VIR_MIGRATE_AUTO_CONVERGE;
	if (p->stays_paused)
		flags |= VIR_MIGRATE_PAUSED;
	if (p->native_tls)
		flags |= VIR_MIGRATE_TLS;
	if (p->parallel > 1)
		flags |= VIR_MIGRATE_PARALLEL;
	if (p->tunnelled)
		flags |= VIR_MIGRATE_TUNNELLED;
	/* INC: backing files stay where they are, and what the destination lacks is not made by libvirt, which does not make it sparse. */
	if (copies(p))
		flags |= VIR_MIGRATE_NON_SHARED_INC;
	return flags;
}

struct params {
	virTypedParameterPtr v;
	int n, max;
};

static bool add_string(struct params *p, const char *name, const char *value)
{
	return !value || virTypedParamsAddString(&p->v, &p->n, &p->max, name, value) == 0;
}

static bool add_disks(struct params *p, const char *const *targets)
{
	for (; targets && *targets; targets++) {
		if (!add_string(p, VIR_MIGRATE_PARAM_MIGRATE_DISKS, *targets))
			return false;
	}
	return true;
}

static bool fill_params(struct params *p, const struct hv_migrate_params *m)
{
	return add_string(p, VIR_MIGRATE_PARAM_URI, m->tunnelled ? NULL : m->migrate_uri) && add_disks(p, m->copy_disks) &&
	       add_string(p, VIR_MIGRATE_PARAM_DEST_XML, m->dest_xml) &&
	       add_string(p, VIR_MIGRATE_PARAM_PERSIST_XML, m->persist_dest ? m->persistent_xml : NULL) &&
	       (m->bandwidth_mibs <= 0 || virTypedParamsAddULLong(&p->v, &p->n, &p->max, VIR_MIGRATE_PARAM_BANDWIDTH,
	                                                          (unsigned long long)m->bandwidth_mibs) == 0) &&
	       (m->parallel <= 1 || virTypedParamsAddInt(&p->v, &p->n, &p->max, VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS,
	                                                 m->parallel) == 0);
}

/* The source passes on what the destination said: that one may lack the domain or lose its client, which says nothing of ours. */
static void migrate_error(virConnectPtr vir, bool resume, GError **err)
{
	/* Connecting to the destination comes first and fails otherwise, so the two have talked. */
	bool conflict = resume && lv_error_is(VIR_ERR_OPERATION_INVALID);
	GError *e = NULL;

	(void)lv_error(vir, "migrate", &e);
	if (conflict && e->code == ERR_HV)
		e->code = ERR_CONFLICT;
	if (e->code == ERR_HV_ABSENT || (e->code == ERR_HV_LOST && !lv_lost(vir)))
		e->code = ERR_HV;
	g_propagate_error(err, e);
}

static bool migrate(virConnectPtr vir, const struct hv_req *req, GError **err)
{
	const struct hv_migrate_params *m = &req->migrate;
	g_autoptr(virDomain) dom = virDomainLookupByUUIDString(vir, req->uuid);
	struct params p = { 0 };
	int state, result = -1;

	if (!dom || virDomainGetState(dom, &state, NULL, 0) < 0)
		return lv_error(vir, "look up the domain", err);
	/* QEMU keeps this value; the migration's own parameters have none for it. */
	if (m->downtime_ms > 0 && virDomainMigrateSetMaxDowntime(dom, (unsigned long long)m->downtime_ms, 0) < 0)
		return lv_error(vir, "set the migration's downtime", err);
	if (fill_params(&p, m))
		result = virDomainMigrateToURI3(dom, m->dest_uri, p.v, (unsigned)p.n, migrate_flags(m, state == VIR_DOMAIN_PAUSED));
	if (result < 0)
		migrate_error(vir, m->resume, err);
	virTypedParamsFree(p.v, p.n);
	return result == 0;
}

static void migrate_end(void *user)
{
	struct migration *m = user;

	/* The answer first: the farewell can take a while. */
	hv_complete(m->call);
	lv_link_close(m->link);
	g_free(m);
}

static void migrate_run(void *user)
{
	struct migration *m = user;

	(void)migrate(lv_link_enter(m->link), &m->call->req, &m->call->reply.err);
	lv_link_leave(m->link);
	loop_post(migrate_end, m);
}

static void migrate_connected(struct lv_link *l, const char *why, void *user)
{
	struct migration *m = user;

	m->link = l;
	/* A caller that was told "it may have happened" must not see it begin now. */
	if (!l || m->call->answered) {
		g_set_error(&m->call->reply.err, ERR, ERR_HV_LOST, "migrate: %s", why ? why : "not begun in time");
		migrate_end(m);
		return;
	}
	lv_spawn(migrate_run, m);
}

void lv_migrate(struct lv_conn *c, struct hv_call *call)
{
	const struct hv_migrate_params *p = &call->req.migrate;
	struct migration *m;

	/* libvirt's tunnel is one stream, from the source to the destination. */
	if (p->tunnelled && (copies(p) || p->postcopy)) {
		lv_call_fail_later(call, ERR_BAD_REQUEST, "a tunnelled migration can neither copy disks nor use post-copy");
		return;
	}
	m = g_new0(struct migration, 1);
	m->call = call;
	lv_link_open(c, c->uri, true, migrate_connected, m);
}
