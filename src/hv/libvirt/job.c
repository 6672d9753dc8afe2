/* SPDX-License-Identifier: Apache-2.0
 *
 * A domain's migration job: watch, tune, switch to post-copy and pause that, abort.
 */
#include "hv/libvirt/job.h"

#include "base/err.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/state.h"

static bool job_stats(const struct lv_ctx *x, virDomainPtr dom, unsigned flags, struct hv_job *ret, GError **err)
{
	virTypedParameterPtr params = NULL;
	int type = VIR_DOMAIN_JOB_NONE, n = 0;

	if (virDomainGetJobStats(dom, &type, &params, &n, flags) < 0)
		return lv_error(x->vir, "read the job's statistics", err);
	lv_job(type, params, n, ret);
	virTypedParamsFree(params, n);
	return true;
}

bool lv_job_get(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	return dom && job_stats(x, dom, 0, &r->job, err);
}

bool lv_job_done(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	return dom && job_stats(x, dom, VIR_DOMAIN_JOB_STATS_COMPLETED, &r->job, err);
}

bool lv_job_abort(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);
	g_autoptr(GError) refused = NULL;
	bool invalid;
	struct hv_job job;

	(void)r;
	if (!dom)
		return false;
	if (virDomainAbortJob(dom) == 0)
		return true;
	invalid = lv_error_is(VIR_ERR_OPERATION_INVALID);
	(void)lv_error(x->vir, "abort the job", &refused);
	/* The same code says "no job" and "too late, it is in post-copy". */
	if (invalid && job_stats(x, dom, 0, &job, NULL) && !job.active)
		return true;
	g_propagate_error(err, g_steal_pointer(&refused));
	return false;
}

bool lv_job_tune(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	(void)r;
	if (!dom)
		return false;
	if (req->bandwidth_mibs > 0 && virDomainMigrateSetMaxSpeed(dom, (unsigned long)req->bandwidth_mibs, 0) < 0)
		return lv_error(x->vir, "set the migration's bandwidth", err);
	if (req->downtime_ms > 0 && virDomainMigrateSetMaxDowntime(dom, (unsigned long long)req->downtime_ms, 0) < 0)
		return lv_error(x->vir, "set the migration's downtime", err);
	return true;
}

bool lv_postcopy(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	(void)r;
	if (!dom)
		return false;
	return virDomainMigrateStartPostCopy(dom, 0) == 0 || lv_error(x->vir, "switch to post-copy", err);
}

bool lv_postcopy_pause(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	g_autoptr(virDomain) dom = lv_dom_lookup(x, req->uuid, err);

	(void)r;
	if (!dom)
		return false;
	return virDomainAbortJobFlags(dom, VIR_DOMAIN_ABORT_JOB_POSTCOPY) == 0 || lv_error(x->vir, "pause the post-copy", err);
}
