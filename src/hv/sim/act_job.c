/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/act_job.h"

#include <string.h>

#include "base/util.h"
#include "hv/sim/call.h"
#include "hv/sim/course.h"
#include "hv/sim/define.h"
#include "hv/sim/disk.h"
#include "hv/sim/dom.h"
#include "hv/sim/host.h"
#include "hv/sim/job.h"
#include "hv/sim/postcopy.h"
#include "hv/sim/ties.h"
#include "hv/sim/world.h"
#include "hv/sim/xml.h"

/* What libvirt says against it at the source. Return: the words, owned; NULL when there is nothing. */
static char *source_says(const struct sim_dom *src, const struct sim_host *to, const struct hv_migrate_params *p)
{
	if (src->job)
		return g_strdup_printf("Requested operation is not valid: another migration job is already running for domain '%s'", src->name);
	if (p->tunnelled && p->postcopy)
		return g_strdup("argument unsupported: post-copy is not supported with tunnelled migration");
	if (p->tunnelled && p->copy_disks)
		return g_strdup("internal error: 'host' is missing of the server that disks are copied to"); /* it has none, but for its tunnel */
	if (!sim_dom_active(src) || src->state == HV_SHUTDOWN)
		return g_strdup("Requested operation is not valid: domain is not running");
	if (src->kept.snapshots)
		return g_strdup_printf("Requested operation is not valid: cannot migrate domain with %d snapshots", src->kept.snapshots);
	if (src->reason == HV_R_POSTCOPY_FAILED || src->reason == HV_R_POSTCOPY)
		return g_strdup("Requested operation is not valid: post-copy migration of the domain has not finished");
	if (!to)
		return g_strdup_printf("internal error: Unable to resolve address '%s' service '49152': Name or service not known",
				       p->dest_host);
	if (to == src->host)
		return g_strdup_printf("internal error: Attempt to migrate guest to the same host %s", to->uuid);
	if (!sim_hosts_connected(src->host, to))
		return g_strdup_printf("unable to connect to server at '%s:16509': No route to host", to->name);
	if (!to->libvirtd)
		return g_strdup_printf("unable to connect to server at '%s:16509': Connection refused", to->name);
	return NULL;
}

/* The same at the destination. */
static char *dest_says(const struct sim_dom *src, const struct sim_host *to, const struct sim_xml *x, const struct hv_migrate_params *p)
{
	const struct sim_dom *old = sim_dom_get((struct sim_host *)to, src->uuid);
	/* libvirt checks nothing for host-passthrough: the guest finds out */
	bool passthrough = src->carrier || g_str_equal(src->cpu_model, SIM_PASSTHROUGH);
	g_autofree char *missing = passthrough ? NULL : sim_cpu_missing(to, src->cpu_model, (const char *const *)src->cpu_features);

	if (old && sim_dom_active(old))
		return g_strdup_printf("Requested operation is not valid: domain '%s' is already active", old->name);
	if (old && !g_str_equal(old->name, src->name))
		return g_strdup_printf("operation failed: domain '%s' is already defined with uuid %s", old->name, old->uuid);
	if (sim_name_taken(to, src->name, src->uuid))
		return g_strdup_printf("operation failed: domain '%s' already exists with another uuid", src->name);
	if (x && ((x->uuid && g_ascii_strcasecmp(x->uuid, src->uuid) != 0) || (x->mem_kib && x->mem_kib != src->mem_mib << 10)))
		return g_strdup_printf("unsupported configuration: Target domain max memory %" G_GINT64_FORMAT
				       " does not match source %" G_GINT64_FORMAT, x->mem_kib, src->mem_mib << 10);
	if (missing)
		return g_strdup_printf("unsupported configuration: guest and host CPU are not compatible: "
				       "Host CPU does not provide required features: %s", missing);
	missing = sim_disks_say(src, to, p->copy_disks, p->dest_xml);
	if (!missing)
		missing = sim_ties_refuse(src, to, p->dest_xml);
	if (missing)
		return g_steal_pointer(&missing);
	if (!src->carrier && g_hash_table_contains(to->lacks, SIM_BRIDGE))
		return g_strdup("Cannot get interface MTU on '" SIM_BRIDGE "': No such device");
	if (sim_host_mem_free(to) < src->mem_mib)
		return g_strdup("internal error: qemu unexpectedly closed the monitor: "
				"qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory");
	return NULL;
}

static struct sim_dom *make_incoming(struct sim_host *to, const struct sim_dom *src, const struct sim_xml *x, const char *xml)
{
	struct sim_dom *old = sim_dom_get(to, src->uuid), *dst;
	char *defined = old ? g_strdup(sim_definition_of(old)) : NULL;
	struct hv_kept kept = old ? old->kept : (struct hv_kept){ .autostart = false };

	if (old)
		sim_dom_drop(old);
	dst = sim_dom_incoming(to, src);
	sim_dom_define(dst, defined);
	dst->kept = kept;
	if (x && x->vnc_listen)
		util_replace(&dst->vnc_listen, x->vnc_listen);
	sim_ties_arrive(dst, xml);
	return dst;
}

static void resume_postcopy(struct sim_call *sc, struct sim_dom *src)
{
	struct sim_job *j = src->job;
	enum err_code code;
	g_autofree char *no = NULL;

	if (j && j->call) {
		sim_call_wait_lock(sc, src);
		return;
	}
	no = sim_job_resume_says(src, &code);
	if (no) {
		sim_call_refuse(sc, code, "%s", no);
		return;
	}
	sc->job = j;
	sim_job_resume(j, sc);
	sim_call_started(sc);
}

void sim_act_migrate(struct sim_call *sc)
{
	const struct hv_req *r = &sc->call->req;
	struct sim_dom *src = sim_dom_get(sc->host, r->uuid);
	struct sim_host *to = r->migrate.dest_host ? sim_host_find(sc->w, r->migrate.dest_host) : NULL;
	struct sim_xml *x = r->migrate.dest_xml ? sim_xml_read(r->migrate.dest_xml) : NULL;
	g_autofree char *no = NULL;

	if (src && r->migrate.resume) {
		sim_xml_free(x);
		resume_postcopy(sc, src);
		return;
	}
	if (src && (sim_job_told(src) || src->effort != SIM_RESTS)) {
		sim_xml_free(x);
		sim_call_wait_lock(sc, src);
		return;
	}
	if (src)
		no = source_says(src, to, &r->migrate);
	if (src && !no && r->migrate.dest_xml && !x)
		no = g_strdup("XML error: the destination XML cannot be read");
	if (src && !no)
		no = dest_says(src, to, x, &r->migrate);
	if (!src)
		sim_call_refuse(sc, ERR_HV_ABSENT, "Domain not found: no domain with matching uuid '%s'", r->uuid);
	else if (no)
		sim_call_refuse(sc, ERR_HV, "%s", no);
	else
		sc->job = sim_job_begin(src, make_incoming(to, src, x, r->migrate.dest_xml), &r->migrate, sc);
	if (src && !no)
		sim_call_started(sc);
	sim_xml_free(x);
}

/* ---- the other calls on jobs ---- */

static void job_get(struct sim_call *sc, struct sim_dom *d)
{
	if (d->job && sim_job_incoming(d)) {
		sim_call_refuse(sc, ERR_HV_UNSUPPORTED, "Operation not supported: migration statistics are available only on the source host");
		return;
	}
	if (sim_job_told(d)) {
		sim_job_account(d->job);
		sim_job_stats(d->job, &sc->call->reply.job);
	}
	sim_call_finish(sc);
}

static void job_done(struct sim_call *sc, struct sim_dom *d)
{
	if (d->completed)
		sc->call->reply.job = *d->completed;
	g_clear_pointer(&d->completed, g_free);
	sim_call_finish(sc);
}

static void job_abort(struct sim_call *sc, struct sim_dom *d)
{
	if (d->job && sim_job_incoming(d)) {
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: cannot abort incoming migration; use virDomainDestroy instead");
		return;
	}
	if (d->job && d->job->part == SIM_PART_POSTCOPY) {
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: cannot abort migration in post-copy mode");
		return;
	}
	if (sim_job_told(d) && d->job->part != SIM_PART_CONFIRM)
		sim_job_cancel(d->job);
	sim_call_finish(sc);
}

static void job_tune(struct sim_call *sc, struct sim_dom *d)
{
	const struct hv_req *r = &sc->call->req;

	if (!sim_job_told(d) || sim_job_incoming(d)) {
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: domain is not being migrated");
		return;
	}
	/* libvirt takes it, and a copy of a carrier's disks that runs goes on as before */
	if (r->bandwidth_mibs > 0 && !(d->carrier && d->job->part == SIM_PART_DISKS))
		d->job->cap = (double)r->bandwidth_mibs * SIM_MIB;
	if (r->downtime_ms > 0)
		d->job->limit_ms = r->downtime_ms;
	sim_job_replan(d->job);
	sim_call_finish(sc);
}

static void postcopy(struct sim_call *sc, struct sim_dom *d)
{
	struct sim_job *j = d->job;

	if (!j || !sim_job_told(d) || sim_job_incoming(d) || j->part < SIM_PART_PRECOPY)
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: "
				"post-copy can only be started while outgoing migration is in progress");
	else if (!j->postcopy)
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: "
				"switching to post-copy requires migration to be started with VIR_MIGRATE_POSTCOPY flag");
	else {
		j->postcopy_asked = true;
		sim_job_take_postcopy(j);
		sim_call_finish(sc);
	}
}

static void postcopy_pause(struct sim_call *sc, struct sim_dom *d)
{
	struct sim_job *j = d->job;

	if (!j || sim_job_incoming(d) || j->part != SIM_PART_POSTCOPY)
		sim_call_refuse(sc, ERR_HV, "Requested operation is not valid: current job is not outgoing migration in post-copy mode");
	else if (j->given_up)
		sim_call_refuse(sc, ERR_HV, "internal error: unable to execute QEMU command 'migrate-pause': "
				"migrate-pause is currently only supported during postcopy-active state");
	else {
		sim_job_give_up(j);
		sim_call_finish(sc);
	}
}

void sim_act_job(struct sim_call *sc)
{
	static void (*const acts[HV_OP_N])(struct sim_call *sc, struct sim_dom *d) = {
		[HV_JOB_GET] = job_get, [HV_JOB_DONE] = job_done, [HV_JOB_ABORT] = job_abort,
		[HV_JOB_TUNE] = job_tune, [HV_POSTCOPY] = postcopy,
		[HV_POSTCOPY_PAUSE] = postcopy_pause,
	};
	struct sim_dom *d = sim_dom_get(sc->host, sc->call->req.uuid);

	if (d)
		acts[sc->call->req.op](sc, d);
	else
		sim_call_refuse(sc, ERR_HV_ABSENT, "Domain not found: no domain with matching uuid '%s'", sc->call->req.uuid);
}
