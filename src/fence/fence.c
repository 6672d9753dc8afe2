/* SPDX-License-Identifier: Apache-2.0 */
#include "fence/fence.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/host_fence.h"

#define AGENTS 2            /* of a host: the first and the fallback */
#define ASK_MS 3000         /* for a host that is connected to answer */
#define CONNECT_MS 1000     /* for one that is not: it was silent for long before */

const struct fence_ops fence_processes = { .start = agent_start, .cancel = agent_cancel };

/* What is wanted of the host, and how far it is. */
enum goal { GOAL_OFF, GOAL_ON, GOAL_LOOK };

struct fence {
	struct fences *fs;
	char *host;
	enum goal goal;
	char *reason;          /* of GOAL_OFF */
	bool cycles;           /* ... and then on again */
	bool last;             /* of GOAL_OFF: no other try follows */
	bool looks;            /* of GOAL_OFF: it was asked for while a look was under way, which comes first */
	size_t agent;          /* which one is asked */
	int64_t tries;         /* of it */
	char *why;             /* what was wrong with the last try; NULL: nothing yet */
	struct run *run;
	struct clock_timer *timer;
	uint64_t asked;        /* the question to the host that counts */
	int64_t since_us;      /* when it was asked for; monotonic */
};

struct status {
	struct fences *fs;
	char *host;
	struct run *run;
	fence_status_f *done;
	void *user;
};

struct fences {
	struct fleet *fleet;
	struct runs *runs;
	struct fence_stats stats;
	GHashTable *sections;  /* host -> const struct conf_host *, both borrowed: those with an agent */
	GHashTable *busy;      /* host -> struct fence * */
	GHashTable *statuses;  /* struct status * -> itself */
	GHashTable *inquiries; /* host -> struct inquiry * */
	bool stopping;
	GHashTable *powers;    /* host -> enum agent_power: as an agent said it last */
	GHashTable *asked;     /* struct question * -> itself: hosts that have not answered */
	uint64_t questions;
	fence_end_f *on_end;
	void *user;
};

struct question {
	struct fences *fs;     /* NULL: gone */
	char *host;
	uint64_t number;
};

static void fence_free(void *data)
{
	struct fence *x = data;

	runs_cancel(&x->run);
	clock_cancel(&x->timer);
	g_free(x->host);
	g_free(x->reason);
	g_free(x->why);
	g_free(x);
}

static void status_free(void *data)
{
	static const struct agent_answer stopped = { .why = "the controller stops" };
	struct status *st = data;

	runs_cancel(&st->run);
	st->done(&stopped, st->user);
	g_free(st->host);
	g_free(st);
}

static GHashTable *sections_new(const struct conf *c)
{
	GHashTable *sections = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; c->hosts && i < c->hosts->len; i++) {
		struct conf_host *ch = g_ptr_array_index(c->hosts, i);

		if (ch->fence_agent)
			g_hash_table_insert(sections, ch->name, ch);
	}
	return sections;
}

static bool off_again(struct host *h, const char *reason, void *user, GError **err)
{
	return fence_off(user, h, reason, err);
}

static bool inquire(const struct host *h, host_said_f *done, void *done_user, void *user);
static void inquiry_free(void *data);

static const struct host_fence_calls calls = { off_again, inquire };

struct fences *fences_new(struct fleet *f, const struct fence_ops *ops)
{
	struct fences *fs = g_new0(struct fences, 1);

	fs->fleet = f;
	fs->runs = runs_new(ops, (guint)fleet_conf(f)->max_concurrent_agents);
	fs->stats.seconds.bounds = &metric_call_seconds;
	fs->sections = sections_new(fleet_conf(f));
	fs->busy = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, fence_free);
	fs->statuses = g_hash_table_new_full(NULL, NULL, status_free, NULL);
	fs->asked = g_hash_table_new(NULL, NULL);
	fs->powers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	fs->inquiries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, inquiry_free);
	host_fence_by(f, &calls, fs);
	return fs;
}

void fences_free(struct fences *fs)
{
	GHashTableIter it;
	void *q;

	if (!fs)
		return;
	fs->stopping = true;
	host_fence_by(fs->fleet, NULL, NULL);
	g_hash_table_iter_init(&it, fs->asked);
	while (g_hash_table_iter_next(&it, &q, NULL))
		((struct question *)q)->fs = NULL;
	g_hash_table_unref(fs->asked);
	g_hash_table_unref(fs->busy);
	g_hash_table_unref(fs->statuses);
	g_hash_table_unref(fs->inquiries);
	runs_free(fs->runs);
	g_hash_table_unref(fs->powers);
	g_hash_table_unref(fs->sections);
	g_free(fs);
}

const struct fence_stats *fences_stats(const struct fences *fs)
{
	return &fs->stats;
}

void fences_on_end(struct fences *fs, fence_end_f *fn, void *user)
{
	fs->on_end = fn;
	fs->user = user;
}

/* ---- agents ---- */

/* Return: whether the host has an agent with that number. */
static bool agent_of(const struct fences *fs, const char *host, size_t i, struct agent *ret)
{
	const struct conf_host *ch = g_hash_table_lookup(fs->sections, host);

	if (!ch)
		return false;
	*ret = i == 0 ? (struct agent){ ch->fence_agent, ch->fence_options } : (struct agent){ ch->fallback_fence_agent, ch->fallback_fence_options };
	return ret->program != NULL;
}

const char *fence_agent_of(struct fences *fs, const struct host *h)
{
	struct agent a;

	return agent_of(fs, h->name, 0, &a) ? a.program : NULL;
}

bool fence_is_busy(struct fences *fs, const struct host *h)
{
	return g_hash_table_contains(fs->busy, h->name);
}

static bool check_agent(struct fences *fs, const struct host *h, GError **err)
{
	if (fence_agent_of(fs, h))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Host %s has no fence agent. Set fence_agent in its section of the configuration file.", h->name);
	return false;
}

/* @a: of a status */
static void note_power(struct fences *fs, const char *host, const struct agent_answer *a)
{
	g_hash_table_replace(fs->powers, g_strdup(host), GINT_TO_POINTER(a->ok ? a->power : AGENT_POWER_UNKNOWN));
}

enum agent_power fence_power(struct fences *fs, const struct host *h)
{
	if (host_connected(h))
		return AGENT_POWER_ON;
	return (enum agent_power)GPOINTER_TO_INT(g_hash_table_lookup(fs->powers, h->name));
}

enum agent_power fence_target(struct fences *fs, const struct host *h)
{
	const struct fence *x = g_hash_table_lookup(fs->busy, h->name);

	return !x || x->goal == GOAL_LOOK ? AGENT_POWER_UNKNOWN : x->goal == GOAL_ON ? AGENT_POWER_ON : AGENT_POWER_OFF;
}

static void run(struct fence *x, enum agent_act act, agent_f *done)
{
	struct agent a;

	if (!agent_of(x->fs, x->host, x->agent, &a))
		g_assert_not_reached();
	x->run = runs_start(x->fs->runs, &a, act, true, fleet_conf(x->fs->fleet)->fence_timeout * 1000, done, x);
}

/* ---- the end ---- */

/* The host of one that is under way; NULL: it was removed meanwhile, and nothing is left to do. */
static struct host *host_of(struct fence *x)
{
	struct host *h = fleet_host(x->fs->fleet, x->host);

	if (!h)
		g_hash_table_remove(x->fs->busy, x->host);
	return h;
}

static void end(struct fence *x, struct host *h, const char *why)
{
	struct fences *fs = x->fs;
	g_autofree char *said = g_strdup(why);

	g_hash_table_remove(fs->busy, x->host);
	if (fs->on_end)
		fs->on_end(h, said, fs->user);
}

/* @why: what went wrong. It is written; if it cannot be, the next start looks at it, as the intent is still there. */
static void failed(struct fence *x, struct host *h, const char *why)
{
	struct host_fence none = { .reason = (char *)why };
	g_autoptr(GError) err = NULL;

	log_error("fence_failed", LOG_S("host", x->host), LOG_S("wanted", x->goal == GOAL_ON ? "on" : "off"), LOG_S("reason", why));
	x->fs->stats.failed += x->goal == GOAL_OFF;
	if (!host_fence_set(x->fs->fleet, h, &none, &err))
		log_error("host_not_saved", LOG_S("host", x->host), LOG_S("error", err->message));
	end(x, h, why);
}

static void begin_try(struct fence *x);

static void try_again(void *user)
{
	struct fence *x = user;

	x->timer = NULL;
	begin_try(x);
}

/* An agent did not bring it about. @why: what its state says; what it said when it was asked to act tells more */
static void next_try(struct fence *x, struct host *h, const char *why)
{
	struct agent a;

	if (!x->why)
		x->why = g_strdup(why);
	log_warning("fence_agent_failed", LOG_S("host", x->host), LOG_S("reason", x->why));
	if (x->last) {
		failed(x, h, x->why);
		return;
	}
	if (x->tries++ >= fleet_conf(x->fs->fleet)->fence_retries) {
		x->tries = 0;
		x->agent++;
	}
	if (x->agent < AGENTS && agent_of(x->fs, x->host, x->agent, &a))
		x->timer = clock_after(0, try_again, x);
	else
		failed(x, h, x->why);
}

/* ---- silent ---- */

static void fenced(struct fence *x, struct host *h)
{
	struct host_fence now = { .fenced_us = clock_wall_us(), .reason = x->reason };
	struct fences *fs = x->fs;
	g_autoptr(GError) err = NULL;
	bool cycles;

	if (!host_fence_set(x->fs->fleet, h, &now, &err)) {
		failed(x, h, err->message);
		return;
	}
	log_warning("host_fenced", LOG_S("host", x->host), LOG_S("reason", x->reason));
	if (x->goal == GOAL_OFF)
		metric_observe(&fs->stats.seconds, (double)(clock_now_us() - x->since_us) / 1e6);
	fleet_host_dead(x->fs->fleet, h);
	cycles = x->cycles;
	end(x, h, NULL);
	if (cycles && !fence_on(fs, h, &err))
		log_error("fence_failed", LOG_S("host", h->name), LOG_S("wanted", "on"), LOG_S("reason", err->message));
}

static void lied(struct fence *x, struct host *h)
{
	failed(x, h, "the fence agent says that the host is off, and its libvirtd answers: the agent's options lead to another machine, or it is "
	       "not to be believed");
}

static void on_answer(struct hv_reply *r, void *user)
{
	struct question *q = user;
	struct fence *x = q->fs ? g_hash_table_lookup(q->fs->busy, q->host) : NULL;
	struct host *h = x && x->asked == q->number ? host_of(x) : NULL;

	if (q->fs)
		g_hash_table_remove(q->fs->asked, q);
	g_free(q->host);
	g_free(q);
	if (!h)
		return;
	/* Also a refusal comes from a libvirtd that lives. */
	if (r->err && err_code(r->err) == ERR_HV_LOST)
		fenced(x, h);
	else
		lied(x, h);
}

static void on_silence(void *user)
{
	struct fence *x = user;
	struct host *h;

	x->timer = NULL;
	h = host_of(x);
	if (!h)
		return;
	if (host_connected(h))
		lied(x, h);
	else
		fenced(x, h);
}

/* It is off, says its agent. */
static void prove_silent(struct fence *x, struct host *h)
{
	struct hv_req req = { .op = HV_HOST_GET, .timeout_ms = ASK_MS };
	struct question *q;

	if (!host_connected(h)) {
		host_link_hurry(h);
		x->timer = clock_limit(CONNECT_MS, on_silence, x);
		return;
	}
	q = g_new0(struct question, 1);
	q->fs = x->fs;
	q->host = g_strdup(x->host);
	q->number = x->asked = ++x->fs->questions;
	g_hash_table_add(x->fs->asked, q);
	(void)host_call(h, &req, on_answer, q); /* it is connected */
}

/* ---- off, on, status ---- */

static void off_status(struct fence *x, struct host *h, const struct agent_answer *a)
{
	bool off = a->ok && a->power == AGENT_POWER_OFF, looked = x->looks;

	x->looks = false;
	if (off)
		prove_silent(x, h);
	else if (looked)
		begin_try(x);
	else if (x->goal == GOAL_LOOK)
		failed(x, h, a->ok ? "the controller was started again while the host was being fenced, and the host is on; fence it again if it "
		       "is still to be" : a->why);
	else
		next_try(x, h, a->ok ? "the agent was asked to switch it off, and says that it is on" : a->why);
}

static void on_state(const struct agent_answer *a, void *user)
{
	struct fence *x = user;
	struct host *h;

	x->run = NULL;
	note_power(x->fs, x->host, a);
	h = host_of(x);
	if (!h)
		return;
	if (x->goal != GOAL_ON)
		off_status(x, h, a);
	else if (a->ok && a->power == AGENT_POWER_ON)
		end(x, h, NULL);
	else
		next_try(x, h, a->ok ? "the agent was asked to switch it on, and says that it is off" : a->why);
}

/* Whatever it says: what it has done is seen by the host's state. */
static void on_acted(const struct agent_answer *a, void *user)
{
	struct fence *x = user;

	x->run = NULL;
	util_replace(&x->why, a->why);
	if (host_of(x))
		run(x, AGENT_STATUS, on_state);
}

static void begin_try(struct fence *x)
{
	if (!host_of(x))
		return;
	if (x->goal == GOAL_LOOK || x->looks)
		run(x, AGENT_STATUS, on_state);
	else
		run(x, x->goal == GOAL_OFF ? AGENT_OFF : AGENT_ON, on_acted);
}

static void begin(struct fences *fs, const struct host *h, enum goal goal, const char *reason)
{
	struct fence *x = g_new0(struct fence, 1);

	x->fs = fs;
	x->host = g_strdup(h->name);
	x->goal = goal;
	x->reason = g_strdup(reason);
	x->since_us = clock_now_us();
	g_hash_table_insert(fs->busy, x->host, x);
	begin_try(x);
}

/* What is asked for while a look is under way: that says whether there is anything to do. */
static void goes_on(struct fence *x, const char *reason)
{
	x->goal = GOAL_OFF;
	x->looks = x->run != NULL;
	util_replace(&x->reason, reason);
	x->since_us = clock_now_us();
}

bool fence_off(struct fences *fs, struct host *h, const char *reason, GError **err)
{
	struct fence *x = g_hash_table_lookup(fs->busy, h->name);
	struct host_fence next = { .fencing = true, .reason = (char *)reason };

	if (!check_agent(fs, h, err))
		return false;
	if (x && x->goal == GOAL_ON) {
		g_set_error(err, ERR, ERR_CONFLICT, "Host %s is being switched on. Wait for its end.", h->name);
		return false;
	}
	if (x)
		x->last = false;
	if ((x && x->goal == GOAL_OFF) || host_is_fenced(h))
		return true;
	if (!host_fence_set(fs->fleet, h, &next, err))
		return false;
	log_warning("host_fence", LOG_S("host", h->name), LOG_S("reason", reason));
	fs->stats.asked++;
	if (x)
		goes_on(x, reason);
	else
		begin(fs, h, GOAL_OFF, reason);
	return true;
}

void fence_no_more(struct fences *fs, const struct host *h)
{
	struct fence *x = g_hash_table_lookup(fs->busy, h->name);

	if (x && x->goal == GOAL_OFF)
		x->last = true;
}

bool fence_cycle(struct fences *fs, struct host *h, const char *reason, GError **err)
{
	struct fence *x;

	if (host_is_fenced(h))
		return fence_on(fs, h, err);
	if (!fence_off(fs, h, reason, err))
		return false;
	x = g_hash_table_lookup(fs->busy, h->name);
	x->cycles = true;
	return true;
}

bool fence_on(struct fences *fs, struct host *h, GError **err)
{
	const struct fence *x = g_hash_table_lookup(fs->busy, h->name);

	if (!check_agent(fs, h, err))
		return false;
	if (x && x->goal != GOAL_ON) {
		g_set_error(err, ERR, ERR_CONFLICT, "Host %s is being fenced. Wait for its end.", h->name);
		return false;
	}
	if (x)
		return true;
	if (!host_fence_set(fs->fleet, h, &(struct host_fence){ .fenced_us = 0 }, err))
		return false;
	log_info("host_unfence", LOG_S("host", h->name));
	begin(fs, h, GOAL_ON, NULL);
	return true;
}

void fences_start(struct fences *fs)
{
	GPtrArray *hosts = fleet_hosts(fs->fleet);

	for (guint i = 0; i < hosts->len; i++) {
		struct host *h = g_ptr_array_index(hosts, i);

		if (h->fence.fencing && fence_agent_of(fs, h) && !fence_is_busy(fs, h))
			begin(fs, h, GOAL_LOOK, h->fence.reason);
	}
}

/* ---- status for others ---- */

static void on_asked(const struct agent_answer *a, void *user)
{
	struct status *st = user;

	st->run = NULL;
	g_hash_table_steal(st->fs->statuses, st);
	note_power(st->fs, st->host, a);
	st->done(a, st->user);
	g_free(st->host);
	g_free(st);
}

bool fence_status(struct fences *fs, const struct host *h, fence_status_f *done, void *user, GError **err)
{
	struct status *st;
	struct agent a;

	if (!check_agent(fs, h, err))
		return false;
	st = g_new0(struct status, 1);
	st->fs = fs;
	st->host = g_strdup(h->name);
	st->done = done;
	st->user = user;
	g_hash_table_add(fs->statuses, st);
	(void)agent_of(fs, h->name, 0, &a); /* check_agent() */
	st->run = runs_start(fs->runs, &a, AGENT_STATUS, false, fleet_conf(fs->fleet)->fence_timeout * 1000, on_asked, st);
	return true;
}

/* ---- the same, asked for many guests of a host at a time ---- */

struct asker {
	host_said_f *done;
	void *user;
};

/* An agent is a process: it is run once for all that was asked before. */
struct inquiry {
	struct fences *fs;
	char *host;
	GArray *heard;    /* struct asker: those that the run which is under way is for */
	GArray *waiting;  /* ... and those of the next one */
};

static void inquiry_free(void *data)
{
	struct inquiry *q = data;

	g_array_unref(q->heard);
	g_array_unref(q->waiting);
	g_free(q->host);
	g_free(q);
}

static void tell(GArray *askers, const struct agent_answer *a)
{
	enum host_said said = !a->ok ? HOST_SAID_NOTHING : a->power == AGENT_POWER_ON ? HOST_SAID_ON : HOST_SAID_OFF;

	for (guint i = 0; i < askers->len; i++) {
		const struct asker *k = &g_array_index(askers, struct asker, i);

		k->done(said, a->why, k->user);
	}
	g_array_unref(askers);
}

static bool run_inquiry(struct inquiry *q);

static void inquired(const struct agent_answer *a, void *user)
{
	static const struct agent_answer gone = { .why = "the host was removed, or the controller stops" };
	struct inquiry *q = user;
	GArray *askers = g_steal_pointer(&q->heard), *rest = NULL;

	q->heard = g_steal_pointer(&q->waiting);
	q->waiting = g_array_new(FALSE, FALSE, sizeof(struct asker));
	if (q->heard->len == 0 || q->fs->stopping || !run_inquiry(q)) {
		rest = g_array_ref(q->heard);
		g_hash_table_remove(q->fs->inquiries, q->host);
	}
	tell(askers, a);
	if (rest)
		tell(rest, &gone);
}

static bool run_inquiry(struct inquiry *q)
{
	const struct host *h = fleet_host(q->fs->fleet, q->host);

	return h && fence_status(q->fs, h, inquired, q, NULL);
}

static bool inquire(const struct host *h, host_said_f *done, void *done_user, void *user)
{
	const struct asker k = { done, done_user };
	struct fences *fs = user;
	struct inquiry *q = g_hash_table_lookup(fs->inquiries, h->name);

	if (!fence_agent_of(fs, h))
		return false;
	if (q) {
		g_array_append_val(q->waiting, k);
		return true;
	}
	q = g_new(struct inquiry, 1);
	*q = (struct inquiry){ fs, g_strdup(h->name), g_array_new(FALSE, FALSE, sizeof k), g_array_new(FALSE, FALSE, sizeof k) };
	g_array_append_val(q->heard, k);
	g_hash_table_insert(fs->inquiries, q->host, q);
	return run_inquiry(q); /* it has an agent */
}
