/* SPDX-License-Identifier: Apache-2.0 */
#include "power/power.h"

#include <assert.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "power/boot.h"
#include "power/decide.h"
#include "power/power_action.h"
#include "task/step.h"

#define RETRY_MS     1000
#define POLL_MS      5000    /* while a guest is expected to shut off: its event may be lost */
#define PRESS_MS     10000   /* between two presses, as Nova has it */
#define STUCK_MS     1800000 /* a domain that stays in between for so long stays there */
#define REFUSALS_MAX 3

/* What this process knows of it. */
struct power {
	int64_t since_ms;   /* when this process entered the stage; 0: not yet */
	int64_t pressed_ms; /* ASK: the last press; 0: none */
	int64_t limit_ms;   /* ASK: how long the guest has; -1: no host has said yet */
	bool pressing;      /* ... is not answered yet */
	bool rebooted;      /* ASK: the guest has booted again */
	bool acting;        /* another act is not answered yet */
	int calls;          /* acts and presses that are not, of earlier stages too: each may still be done */
	bool ends;          /* all is done but for them */
	int refusals;       /* in a row */
	struct power_step step; /* the last one that was decided */
};

/* task_state once it has begun; NONE: as before. */
static const enum server_task started[POWER_WHAT_N] = {
	[POWER_SOFT] = SERVER_TASK_REBOOT_STARTED, [POWER_HARD] = SERVER_TASK_REBOOT_STARTED_HARD,
};

/* ---- going on ---- */

static void fail(struct mig *m, const char *why)
{
	g_autofree char *text = g_strdup_printf("Instance %s on host %s: %s", m->server_uuid, m->source, why);

	step_end(m, POWER_ERROR, text);
}

/* What is not answered yet could be done to what the next task makes of the guest. */
static void end(struct mig *m)
{
	struct power *p = m->priv;

	p->ends = p->calls > 0;
	if (p->ends)
		step_later(m, RETRY_MS);
	else
		step_end(m, POWER_DONE, NULL);
}

static void go(struct mig *m, const struct power_step *s)
{
	struct step_change c = step_change(m, (int)s->next, s->why);

	if (s->next == POWER_DONE) {
		end(m);
		return;
	}
	if (started[m->action->what] != SERVER_TASK_NONE)
		c.server.task = started[m->action->what];
	if (step_write(m, &c))
		step_enter(m);
	else
		step_later(m, RETRY_MS);
}

static int64_t time_to_stop_ms(const struct mig *m, const struct hv_dom *d)
{
	const struct conf *c = fleet_conf(m->task->engine->fleet);

	return 1000 * (m->action->what == POWER_OS_STOP ? server_shutdown_timeout_s(mig_server(m), d, c->shutdown_timeout) : c->wait_soft_reboot_seconds);
}

/* ---- acts ---- */

static void not_done(struct mig *m, const GError *why)
{
	struct power *p = m->priv;

	/* A host that was not reached, or is busy with it, has not refused. */
	if (err_code(why) == ERR_HV_LOST || err_code(why) == ERR_HV_BUSY || ++p->refusals < REFUSALS_MAX)
		step_later(m, RETRY_MS);
	else
		fail(m, why->message);
}

/* What waits for an answer has a timer. */
static void wake(struct mig *m)
{
	if (m->task->timer)
		step_enter(m);
}

static void got_act(struct mig *m, struct hv_reply *r)
{
	struct power *p = m->priv;

	p->calls--;
	if (step_is_late(m)) {
		wake(m);
		return;
	}
	p->acting = false;
	if (r->err)
		not_done(m, r->err);
	else if (p->step.verdict == POWER_ENDS)
		end(m);
	else
		step_enter(m);
}

static void act(struct mig *m, const struct power_step *s)
{
	struct power *p = m->priv;
	struct hv_req req = { .op = s->op, .uuid = m->server_uuid, .boot = s->boot, .ends = true };

	/* What is on its way is to meet the guest that is stopped, not the one that is started. */
	p->acting = (p->calls == 0 || s->op == HV_DOM_DESTROY) && step_ask_always(m, mig_source(m), &req, got_act);
	p->calls += p->acting;
	if (!p->acting)
		step_later(m, RETRY_MS);
}

/* Its answer says nothing; a refusal neither: it is the guest that is asked, and time that decides. */
static void got_press(struct mig *m, struct hv_reply *r)
{
	struct power *p = m->priv;

	p->calls--;
	p->pressing = p->pressing && step_is_late(m);
	if (step_is_late(m) || p->ends)
		wake(m);
	if (r->err)
		log_info("power_press_refused", LOG_D("task", m->id), LOG_S("server", m->server_uuid), LOG_S("host", m->source),
			 LOG_S("error", r->err->message));
}

static void press(struct mig *m, const struct power_step *s)
{
	struct power *p = m->priv;
	struct hv_req req = { .op = s->op, .uuid = m->server_uuid };
	int64_t now = clock_now_ms(), left = p->since_ms + p->limit_ms - now;

	if (!p->pressing && (!p->pressed_ms || now >= p->pressed_ms + PRESS_MS) && step_ask_always(m, mig_source(m), &req, got_press)) {
		p->pressing = true;
		p->calls++;
		p->pressed_ms = now;
	}
	step_later(m, CLAMP(left, 1, POLL_MS));
}

/* ---- the domain ---- */

static void take(struct mig *m, const struct power_step *s)
{
	struct power *p = m->priv;

	p->step = *s;
	switch (s->verdict) {
	case POWER_WAITS:
		if (clock_now_ms() - p->since_ms > STUCK_MS)
			fail(m, "the domain neither starts nor stops");
		else
			step_later(m, RETRY_MS);
		break;
	case POWER_ACTS:
		if (m->phase == POWER_ASK)
			press(m, s);
		else
			act(m, s);
		break;
	case POWER_ENDS:
		act(m, s);
		break;
	case POWER_GOES:
		go(m, s);
		break;
	case POWER_FAILS:
		fail(m, s->why);
		break;
	}
}

/* The host's last word, which the record gets with the next change. Nothing else takes it while a task owns the server. */
static void note_power(const struct mig *m, const struct hv_dom *d)
{
	mig_server(m)->power = server_power_of(d->state);
}

static void got_dom(struct mig *m, struct hv_reply *r)
{
	struct power *p = m->priv;
	struct power_view v = { .stage = (enum power_stage)m->phase, .what = (enum power_what)m->action->what, .dom = r->dom, .rebooted = p->rebooted };
	struct power_step s;

	if (r->err) {
		step_later(m, RETRY_MS);
		return;
	}
	note_power(m, r->dom);
	if (m->phase == POWER_ASK && p->limit_ms < 0)
		p->limit_ms = time_to_stop_ms(m, r->dom);
	v.late = clock_now_ms() >= p->since_ms + p->limit_ms;
	s = power_decide(&v);
	take(m, &s);
}

static void enter(struct mig *m)
{
	struct power *p = m->priv;
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	if (p->acting)
		return;
	if (!p->since_ms)
		p->since_ms = clock_now_ms();
	if (step_ask(m, mig_source(m), &req, got_dom))
		return;
	if (m->phase == POWER_LOOK)
		fail(m, "its host is not connected");
	else
		step_later(m, RETRY_MS);
}

/* ---- entrances ---- */

static void event(struct mig *m, const struct hv_event *ev)
{
	struct power *p = m->priv;

	if (ev->type == HV_EV_REBOOT && m->phase == POWER_ASK)
		p->rebooted = true;
	if ((ev->type == HV_EV_DOM || ev->type == HV_EV_REBOOT) && m->task->timer)
		step_enter(m);
}

/* What waits for a host has a timer. */
static void host(struct mig *m)
{
	if (m->task->timer)
		step_enter(m);
}

static void left(struct mig *m)
{
	struct power *p = m->priv;

	*p = (struct power){ .limit_ms = -1, .calls = p->calls };
}

static void attach(struct mig *m)
{
	m->priv = g_new0(struct power, 1);
	left(m);
}

static void detach(struct mig *m)
{
	g_clear_pointer(&m->priv, g_free);
}

/* ---- the kind ---- */

#define P(x) (1u << POWER_##x)
#define OWNED .task_of_action = true, .enter = enter

static const struct task_stage stages[] = {
	[POWER_LOOK]   = { "power_look",   .next = P(ASK) | P(STOP) | P(START) | P(CHANGE) | P(ERROR), OWNED, .stop = TASK_STOPS },
	[POWER_ASK]    = { "power_ask",    .next = P(STOP) | P(START) | P(DONE) | P(ERROR), OWNED, .stop = TASK_STOP_NOT },
	[POWER_STOP]   = { "power_stop",   .next = P(START) | P(DONE) | P(ERROR), OWNED, .stop = TASK_STOP_NOT },
	[POWER_START]  = { "power_start",  .next = P(STOP) | P(DONE) | P(ERROR), OWNED, .stop = TASK_STOP_NOT },
	[POWER_CHANGE] = { "power_change", .next = P(STOP) | P(DONE) | P(ERROR), OWNED, .stop = TASK_STOP_NOT },
	[POWER_DONE]   = { "power_done",   .vm = TASK_VM_OF_ACTION, .end = TASK_DONE },
	[POWER_ERROR]  = { "power_error",  .end = TASK_ERROR },
};
static_assert(G_N_ELEMENTS(stages) == POWER_STAGE_N, "stages is missing one");

const struct task_kind power_kind = {
	.type = "power", .stages = stages, .n = POWER_STAGE_N, .actions = power_actions, .n_actions = POWER_WHAT_N,
	.service = &boot_service, .attach = attach, .detach = detach, .left = left, .event = event, .host = host, .ended = boot_ended,
};
