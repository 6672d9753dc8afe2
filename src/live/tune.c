/* SPDX-License-Identifier: Apache-2.0
 *
 * Convergence at work: the samples of a running copy go to converge_decide(),
 * its decisions into the row and to the host. A request of its (abort, pause,
 * post-copy) is in the row before it is done, so a restart knows whose pause it
 * finds; the length of pause that it allows is a line of the history, on which
 * nothing depends.
 */
#include "live/tune.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "move/block.h"
#include "task/news.h"
#include "task/step.h"

#define DISKS_MAX 64 /* of a guest whose sizes count for the deadline */

void tune_begin(struct tune *t)
{
	t->history = (struct converge_history){ 0 };
}

static struct converge_params params_of(const struct mig *m)
{
	const struct conf *c = fleet_conf(m->task->engine->fleet);
	const struct server *s = mig_server(m);
	int64_t disks[DISKS_MAX];
	int n = block_bytes(move_of(m)->copies, disks, DISKS_MAX);

	return (struct converge_params){
		.policy = strcmp(c->live_migration_policy, "nova") == 0 ? CONVERGE_NOVA : CONVERGE_ADAPTIVE,
		.downtime_ms = c->live_migration_downtime,
		.downtime_steps = c->live_migration_downtime_steps,
		.downtime_delay_s = c->live_migration_downtime_delay,
		.completion_timeout_s = c->live_migration_completion_timeout,
		.progress_timeout_s = c->live_migration_progress_timeout,
		.timeout_action = strcmp(c->live_migration_timeout_action, "abort") == 0 ? CONVERGE_TIMEOUT_ABORT : CONVERGE_TIMEOUT_FORCE,
		.permit_post_copy = c->live_migration_permit_post_copy,
		.permit_auto_converge = c->live_migration_permit_auto_converge,
		.data_gb = converge_data_gb(s ? s->memory_mb : 0, disks, n),
	};
}

/* While disks are copied, which is first, libvirt says nothing of the memory: all of it remains. */
static struct converge_sample sample_of(const struct mig *m, const struct hv_job *j)
{
	const struct server *s = mig_server(m);
	int64_t memory = !j->mem_total && j->disk_total && s ? s->memory_mb << 20 : 0;

	return (struct converge_sample){
		/* libvirt's own count: it continues while it is not watched */
		.at_ms = j->elapsed_ms,
		.iteration = j->iteration,
		.processed = j->mem_processed + j->disk_processed,
		.remaining = j->mem_remaining + j->disk_remaining + memory,
		.total = j->mem_total + j->disk_total + memory,
		.bps = j->mem_bps + j->disk_bps,
		.dirty_bps = j->dirty_rate * j->page_size,
		.throttle = j->throttle,
		.postcopy = m->postcopy,
	};
}

static void downtime_answered(struct mig *m, struct hv_reply *r)
{
	if (!r->err)
		return;
	sending_of(m)->tune.history.downtime_ms = 0; /* not set: the next sample decides again */
	log_info("tune_refused", LOG_D("migration", m->id), LOG_S("error", r->err->message));
}

static void set_downtime(struct mig *m, int64_t ms)
{
	struct hv_req req = { .op = HV_JOB_TUNE, .uuid = m->server_uuid, .downtime_ms = ms };

	if (!step_ask(m, mig_source(m), &req, downtime_answered))
		sending_of(m)->tune.history.downtime_ms = 0;
}

/* The next poll passes the request on to the host, while the job runs. */
static void request(struct mig *m, const struct converge_decision *d)
{
	struct step_change c = step_change(m, m->phase, d->reason);

	log_warning("migration_timeout", LOG_D("migration", m->id), LOG_S("server", m->server_uuid),
		    LOG_S("action", converge_action_name(d->action)), LOG_S("why", d->reason));
	c.row.abort_wanted |= d->action == CONVERGE_ABORT;
	c.row.force_wanted |= d->action != CONVERGE_ABORT;
	c.row.paused_by_us |= d->action == CONVERGE_PAUSE;
	if (d->action == CONVERGE_ABORT)
		c.row.error = d->reason;
	(void)step_write(m, &c); /* else the next sample decides again */
}

void tune_sample(struct mig *m, const struct hv_job *j)
{
	struct sending *p = sending_of(m);
	struct converge_params params = params_of(m);
	struct converge_sample s = sample_of(m, j);
	struct converge_decision d;
	struct converge_eta eta;

	converge_note(&p->tune.history, &s);
	eta = converge_eta(&params, &p->tune.history, &s);
	m->progress.throttle = s.throttle;
	m->progress.permitted_ms = p->tune.history.downtime_ms;
	m->progress.eta_known = eta.known;
	m->progress.eta_ms = eta.ms;
	m->progress.eta_low_ms = eta.low_ms;
	m->progress.eta_high_ms = eta.high_ms;
	news_progress(m);
	if (m->abort_wanted || m->force_wanted)
		return;
	d = converge_decide(&params, &p->tune.history, &s);
	if (d.action == CONVERGE_NONE)
		return;
	if (d.action != CONVERGE_SET_DOWNTIME) {
		request(m, &d);
		return;
	}
	step_remark(m, d.reason);
	converge_took(&p->tune.history, &d);
	set_downtime(m, d.value);
}
