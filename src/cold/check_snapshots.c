/* SPDX-License-Identifier: Apache-2.0 */
#include "cold/check_snapshots.h"

#include "move/check_guest.h"
#include "move/snapshots.h"

static void listed(struct check *p, struct hv_reply *r)
{
	g_autofree char *why = r->err ? NULL : snapshots_refusal(r->snapshots);
	GError *err = NULL;

	if (r->err) {
		check_source_failed(p, r->err);
		return;
	}
	p->report.hopeless |= why != NULL;
	if (why)
		(void)check_fail(&err, "Migration pre-check error: Unable to migrate %s: %s", p->server_uuid, why);
	check_decided(p, why ? CHECK_FAILED : CHECK_PASSED, err);
}

enum check_result cold_check_snapshots(struct check *p, GError **err)
{
	struct hv_req req = { .op = HV_SNAPSHOTS_GET, .uuid = p->server_uuid };
	bool has = false;
	enum check_result v = check_has_snapshots(p, &has, err);

	return v == CHECK_PASSED && has ? check_ask_source(p, &req, listed, err) : v;
}
