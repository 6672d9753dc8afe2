/* SPDX-License-Identifier: Apache-2.0 */
#include "move/check_common.h"

#include <string.h>

#include "base/err.h"
#include "fleet/sched.h"

/* ---- of the server ---- */

/* Of one that was asked for, the request has looked. That it is busy is no reason here: it may be asked for later. */
enum check_result check_state(struct check *p, GError **err)
{
	const struct task_kind *k = p->req.kind;
	const struct task_action *a = k->actions;

	if (!p->req.to_the_end)
		return CHECK_PASSED;
	p->report.hopeless = true;
	if (!(a->vm & TASK_VM_BIT(p->server->vm))) {
		server_refuse_vm(p->server, k->checks->words.action, err);
		return CHECK_FAILED;
	}
	if (k->allows && !k->allows(p->fleet, p->server, a, err))
		return CHECK_FAILED;
	p->report.hopeless = false;
	return CHECK_PASSED;
}

/* ---- of both hosts ---- */

static enum check_result host_up(const struct check *p, const struct host *h, const char *name, GError **err)
{
	if (h && host_is_up(p->fleet, h))
		return CHECK_PASSED;
	return check_fail(err, "Compute service of %s is unavailable at this time.", name);
}

enum check_result check_source_up(struct check *p, GError **err)
{
	return host_up(p, p->source, p->server->host, err);
}

/* ---- of the destination ---- */

enum check_result check_not_self(struct check *p, GError **err)
{
	if (p->dest != p->source)
		return CHECK_PASSED;
	return check_fail(err, "Unable to migrate instance (%s) to current host (%s).", p->server_uuid, p->dest_name);
}

/* The scheduler's filters say the same of a host that is not forced, with more words. */
static bool is_judged_by_scheduler(const struct check *p)
{
	return !p->req.force && !p->req.to_the_end;
}

enum check_result check_dest_up(struct check *p, GError **err)
{
	return is_judged_by_scheduler(p) ? CHECK_PASSED : host_up(p, p->dest, p->dest_name, err);
}

enum check_result check_memory(struct check *p, GError **err)
{
	const struct host *h = p->dest;
	int64_t need = p->server->memory_mb, room;

	if (is_judged_by_scheduler(p))
		return CHECK_PASSED;
	room = host_capacity(h).memory_mb - host_used(h).memory_mb - host_claimed(h).memory_mb;
	if (p->req.claimed == h)
		room += need;
	if (need <= room)
		return CHECK_PASSED;
	return check_fail(err, "Migration pre-check error: Unable to migrate %s to %s: Lack of memory(host:%" G_GINT64_FORMAT
			  " <= instance:%" G_GINT64_FORMAT ")", p->server_uuid, p->dest_name, room, need);
}

/*
 * The cell counts when a destination is chosen: the scheduler's filter has said it of the one that it chose, and one whose cell was changed since
 * is gone to all the same.
 */
enum check_result check_cell(struct check *p, GError **err)
{
	if (p->req.chosen || is_judged_by_scheduler(p) || strcmp(host_cell(p->source), host_cell(p->dest)) == 0)
		return CHECK_PASSED;
	if (p->req.force)
		return check_fail(err, "Migration pre-check error: Unable to force %s migrate instance %s across cells.", p->req.kind->checks->words.way,
				  p->server_uuid);
	return check_fail(err, "Migration pre-check error: Unable to migrate %s to %s: %s is in cell %s, the instance in cell %s", p->server_uuid,
			  p->dest_name, p->dest_name, host_cell(p->dest), host_cell(p->source));
}

enum check_result check_scheduler(struct check *p, GError **err)
{
	struct sched_need need = sched_need_of(p->server, NULL); /* that it is busy is no reason to refuse it */
	struct sched_result *found;
	g_autofree char *reasons = NULL;

	if (p->req.chosen)
		return CHECK_PASSED;
	if (p->req.force)
		return check_skip(p, "the host is forced");
	need.only_host = p->dest_name;
	need.claimed = p->req.claimed;
	if (sched_any(p->fleet, &need))
		return CHECK_PASSED;
	found = sched_select(p->fleet, &need);
	reasons = sched_reasons(found);
	g_set_error(err, ERR, ERR_NO_VALID_HOST, "No valid host was found. %s", reasons);
	util_replace(&p->brief, reasons);
	sched_result_free(found);
	return CHECK_FAILED;
}

enum check_result check_hypervisor_type(struct check *p, GError **err)
{
	const struct hv_host_info *src = p->source->info, *dst = p->dest->info;

	if (!src || !dst)
		return check_skip(p, "a host has not reported its capabilities yet");
	if (g_strcmp0(src->hv_type, dst->hv_type) == 0)
		return CHECK_PASSED;
	return check_fail(err, "The supplied hypervisor type of is invalid.");
}

enum check_result check_hypervisor_version(struct check *p, GError **err)
{
	const struct hv_host_info *src = p->source->info, *dst = p->dest->info;

	if (!src || !dst)
		return check_skip(p, "a host has not reported its capabilities yet");
	if (fleet_conf(p->fleet)->skip_hypervisor_version_check_on_lm)
		return check_skip(p, "skip_hypervisor_version_check_on_lm");
	if (src->hv_version <= dst->hv_version)
		return CHECK_PASSED;
	return check_fail(err, "The instance requires a newer hypervisor version than has been provided.");
}

/* ---- the claim ---- */

enum check_result check_numa(struct check *p, GError **err)
{
	const struct server *s = p->server;
	struct hv_numa_fit *found;

	if (!s->ties)
		return check_skip(p, "the host has not reported the guest yet");
	if (!p->dest->info)
		return check_skip(p, "a host has not reported its capabilities yet");
	found = room_find_numa_fit(p->source, p->dest, s->uuid, s->ties, err);
	hv_numa_fit_free(found);
	return found ? CHECK_PASSED : CHECK_FAILED;
}
