/* SPDX-License-Identifier: Apache-2.0 */
#include "move/snapshots.h"

#include "base/err.h"
#include "base/log.h"
#include "move/move.h"
#include "task/task.h"

char *snapshots_refusal(const GPtrArray *all)
{
	const struct hv_snapshot *s = hv_snapshots_external(all);

	if (!s)
		return NULL;
	return g_strdup_printf("its snapshot %s is external: what is in it is in files that its host alone names. Delete it first (virsh snapshot-delete)",
			       s->name);
}

static struct part refused(const GError *e, const char *what, const char *host)
{
	g_autofree char *why = g_strdup_printf("Cannot %s at %s: %s", what, host, e->message);

	if (err_code(e) == ERR_HV_LOST || err_code(e) == ERR_HV_BUSY || err_code(e) == ERR_HV_ABSENT)
		return part_is(PART_LATER);
	return part_because(PART_FAILED, why);
}

static struct part written(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	(void)done;
	if (r->err)
		return refused(r->err, "write down its snapshots", m->dest);
	log_info("snapshots_brought", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest));
	return part_is(PART_AGAIN);
}

static struct part listed(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	struct hv_req req = { .op = HV_SNAPSHOTS_SET, .snapshots = r->snapshots };
	g_autofree char *why = r->err ? NULL : snapshots_refusal(r->snapshots);

	if (r->err)
		return refused(r->err, "read its snapshots", m->source);
	return why ? part_because(PART_FAILED, why) : part_ask(m, mig_dest(m), &req, NULL, written, done);
}

struct part snapshots_bring(struct mig *m, part_done_f *done)
{
	const struct hv_dom *from = move_of(m)->at_source, *to = move_of(m)->at_dest;
	struct hv_req req = { .op = HV_SNAPSHOTS_GET };

	if (!from || !to || to->kept.snapshots >= from->kept.snapshots)
		return part_is(PART_READY);
	return part_ask(m, mig_source(m), &req, NULL, listed, done);
}
