/* SPDX-License-Identifier: Apache-2.0
 *
 * A domain's migration job: watch, tune, switch to post-copy, abort.
 */
#include "hv/libvirt_priv.h"

#include "base/err.h"

static bool job_stats(struct lv_conn *c, virDomainPtr dom, unsigned flags, struct hv_job *ret, GError **err)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, n = 0;

	if (virDomainGetJobStats(dom, &type, &params, &n, flags) < 0)
		return lv_error(c->vir, "read the job's statistics", err);
	lv_job(type, params, n, ret);
	virTypedParamsFree(params, n);
	return true;
}

bool lv_job_get(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(c, req->uuid, err);

	return dom && job_stats(c, dom, 0, &r->job, err);
}

bool lv_job_done(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(c, req->uuid, err);

	return dom && job_stats(c, dom, VIR_DOMAIN_JOB_STATS_COMPLETED, &r->job, err);
}

bool lv_job_abort(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(c, req->uuid, err);
	g_autoptr(GError) refused = NULL;
	struct hv_job job;

	(void)r;
	if (!dom)
		return false;
	if (virDomainAbortJob(dom) == 0)
		return true;
	(void)lv_error(c->vir, "abort the job", &refused);
	/* The same code says "no job" and "too late, it is in post-copy". */
	if (!g_error_matches(refused, ERR, ERR_HV_LOST) && job_stats(c, dom, 0, &job, NULL) && !job.active)
		return true;
	g_propagate_error(err, g_steal_pointer(&refused));
	return false;
}

bool lv_job_tune(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(c, req->uuid, err);

	(void)r;
	if (!dom)
		return false;
	if (req->bandwidth_mibs > 0 && virDomainMigrateSetMaxSpeed(dom, (unsigned long)req->bandwidth_mibs, 0) < 0)
		return lv_error(c->vir, "set the migration's bandwidth", err);
	if (req->downtime_ms > 0 && virDomainMigrateSetMaxDowntime(dom, (unsigned long long)req->downtime_ms, 0) < 0)
		return lv_error(c->vir, "set the migration's downtime", err);
	return true;
}

bool lv_postcopy(struct lv_conn *c, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(c, req->uuid, err);

	(void)r;
	if (!dom)
		return false;
	return virDomainMigrateStartPostCopy(dom, 0) == 0 || lv_error(c->vir, "switch to post-copy", err);
}
