/* SPDX-License-Identifier: Apache-2.0 */
#include "ha/ha.h"

#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/host_fence.h"
#include "fleet/publish.h"
#include "ha/order.h"
#include "store/columns.h"
#include "store/row.h"

#define TICK_MS 500
#define QUICK_MS 50        /* while an agent is at a host: what follows its end does not wait */
#define LATE_MS 5000       /* a tick that comes so late has seen nothing of the time before */
#define SIGHT_MS 10000     /* a look at the network is good for so long */
#define LAST_MS 2500       /* ... the last one before a host is fenced */
#define AHEAD_MS 1250      /* it begins so long before the delay is over: where nothing answers it takes a second */
#define ASK_AGAIN_MS 10000 /* the database did not take a request */
#define ASKS 8             /* requests in a turn of the loop: each is a transaction */

const struct ha_ops ha_network = { .look = look_begin, .cancel = look_cancel };

/* A host that has fallen silent, or about which something was done. */
struct watch {
	struct ha *ha;
	char *host;
	enum ha_phase phase;
	bool silent;             /* and it was in each tick since .silent_ms */
	int64_t silent_ms;
	bool fell;               /* at .fell_ms, for the last time */
	int64_t fell_ms;
	enum ha_sight sight;     /* of .sight_ms */
	int64_t sight_ms;
	enum ha_sight seen;      /* the last one in this silence, however old */
	struct look *look;       /* under way; NULL */
	const char *held;        /* the alarm that was given; NULL: none */
	GHashTable *asked;       /* of EVACUATING: UUIDs, owned, of servers that were asked for */
	int64_t again_ms;        /* ... no other is, before then */
};

struct ha {
	struct engine *engine;
	struct fleet *fleet;
	struct fences *fences;
	const struct task_kind *kind;
	const struct ha_ops *ops;
	GHashTable *watches;     /* host -> struct watch *, owned */
	struct clock_timer *timer;
	int64_t tick_ms;         /* of the last one; 0: none, or what was seen before counts no more */
	bool more;               /* there is something to do on the next turn of the loop */
	uint64_t fenced, evacuated;
};

static void watch_free(void *data)
{
	struct watch *w = data;

	w->ha->ops->cancel(&w->look);
	g_hash_table_unref(w->asked);
	g_free(w->host);
	g_free(w);
}

static struct watch *watch_of(struct ha *a, const char *host)
{
	struct watch *w = g_hash_table_lookup(a->watches, host);

	if (w)
		return w;
	w = g_new0(struct watch, 1);
	w->ha = a;
	w->host = g_strdup(host);
	w->asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_hash_table_insert(a->watches, w->host, w);
	return w;
}

/* ---- rows ---- */

struct ha_row {
	const char *host;
	enum ha_phase phase;
};

static const char *phase_word(int i)
{
	return ha_phase_name((enum ha_phase)i);
}

#define ROW_FIELD_HA(s, col, f) ROW_FIELD_WORD(s, col, f, phase_word, HA_PHASE_N)
#define FIELD(n, col, type, f) ROW_FIELD_##type(ha_row, col, f),

static const struct row_field row_fields[] = { HA_ROW(FIELD, FIELD) };

/* A host that was being fenced is judged again from the beginning. */
static bool take_row(const struct store_row *row, void *user)
{
	struct ha *a = user;
	struct ha_row r = { .host = NULL };
	g_autofree char *wrong = row_read(row, row_fields, G_N_ELEMENTS(row_fields), &r);

	if (wrong)
		log_error("ha_row_unreadable", LOG_S("host", r.host), LOG_S("reason", wrong));
	else if (r.host && fleet_host(a->fleet, r.host))
		watch_of(a, r.host)->phase = r.phase == HA_FENCING ? HA_SILENT : r.phase;
	return true;
}

/* Return: false: the database is away; nothing has changed, and the next tick tries again. */
static bool set_phase(struct watch *w, enum ha_phase phase)
{
	struct store *s = fleet_store(w->ha->fleet);
	g_autoptr(GError) err = NULL;

	if (w->phase == phase)
		return true;
	if (!(phase == HA_WATCHED ? store_run(s, Q_HA_DROP, STORE_ARGS(SV_S(w->host)), NULL, &err) :
				    store_run(s, Q_HA_PUT, STORE_ARGS(SV_S(w->host), SV_S(ha_phase_name(phase)), SV_I(clock_wall_us())), NULL, &err))) {
		log_warning("ha_not_saved", LOG_S("host", w->host), LOG_S("error", err->message));
		return false;
	}
	w->phase = phase;
	return true;
}

/* ---- what is known ---- */

static bool is_left_alone(const struct host *h)
{
	return h->disabled || h->forced_down || h->same_as || h->refused;
}

/* Silence counts while it lasts without a break. @known: of the time since the last tick */
static void note_silence(struct ha *a, const struct host *h, bool known)
{
	struct watch *w = g_hash_table_lookup(a->watches, h->name);

	if (host_connected(h) || is_left_alone(h)) {
		if (w)
			w->silent = false;
		return;
	}
	if (!w)
		w = watch_of(a, h->name);
	if (w->silent && known)
		return;
	/* the same silence, of which a part was not seen, is no other one */
	w->fell_ms = w->silent ? w->fell_ms : clock_now_ms();
	w->fell = w->silent = true;
	w->seen = HA_UNSEEN;
	w->silent_ms = clock_now_ms();
}

static bool is_unsolved(const struct host *h, const struct watch *w)
{
	return w->silent && !host_is_fenced(h);
}

static struct ha_fleet judge_fleet(struct ha *a)
{
	struct ha_fleet f = { .settled = true };
	int64_t since_ms = clock_now_ms() - 1000 * fleet_conf(a->fleet)->ha_window;
	GPtrArray *hosts = fleet_hosts(a->fleet);

	for (guint i = 0; i < hosts->len; i++) {
		const struct host *h = g_ptr_array_index(hosts, i);
		const struct watch *w = g_hash_table_lookup(a->watches, h->name);

		if (is_left_alone(h))
			continue;
		f.hosts++;
		f.answering += host_is_up(a->fleet, h);
		f.fell += w && w->fell && (w->fell_ms > since_ms || is_unsolved(h, w));
	}
	return f;
}

/* Each of its servers was asked for, or is a person's, and nothing of it is under way. */
static bool all_told(const struct watch *w, const struct host *h)
{
	GHashTableIter i;
	void *key;

	g_hash_table_iter_init(&i, h->servers);
	while (g_hash_table_iter_next(&i, &key, NULL)) {
		const struct server *s = key;

		if (s->priority >= 0 && (s->task != SERVER_TASK_NONE || !g_hash_table_contains(w->asked, s->uuid)))
			return false;
	}
	return true;
}

/* When its silence has lasted for long enough. */
static int64_t due_ms(const struct ha *a, const struct watch *w)
{
	return w->silent_ms + 1000 * fleet_conf(a->fleet)->ha_delay;
}

/* The last look before the delay is over is to be good for its end. */
static bool is_sight_good(const struct ha *a, const struct watch *w)
{
	int64_t now_ms = clock_now_ms(), due = due_ms(a, w);

	if (w->sight == HA_UNSEEN)
		return false;
	return now_ms < due - AHEAD_MS ? now_ms - w->sight_ms < SIGHT_MS : MAX(now_ms, due) - w->sight_ms < LAST_MS;
}

static struct ha_host judge_host(struct ha *a, const struct host *h, const struct watch *w)
{
	return (struct ha_host){
		.phase = w->phase,
		.answers = host_connected(h),
		.left_alone = is_left_alone(h),
		.has_servers = g_hash_table_size(h->servers) > 0,
		.has_agent = fence_agent_of(a->fences, h) != NULL,
		.fencing = fence_is_busy(a->fences, h),
		.fenced = host_is_fenced(h),
		.silent_ms = w->silent ? clock_now_ms() - w->silent_ms : 0,
		.sight = is_sight_good(a, w) ? w->sight : HA_UNSEEN,
		.all_told = w->phase == HA_EVACUATING && all_told(w, h),
	};
}

/* ---- what is done ---- */

static void raise_alarm(struct watch *w, struct host *h, const struct ha_verdict *v)
{
	guint servers = g_hash_table_size(h->servers);

	if (w->held == v->why)
		return;
	w->held = v->why;
	if (v->act == HA_HOLD)
		log_error("ha_held", LOG_S("host", h->name), LOG_S("reason", v->why), LOG_D("servers", servers));
	else
		log_error("ha_given_up", LOG_S("host", h->name), LOG_S("reason", v->why), LOG_D("servers", servers));
	publish_host(h, "alarm");
}

static void tick_in(struct ha *a, int64_t ms);

static void looked(enum ha_sight sight, int64_t at_ms, void *user)
{
	struct watch *w = user;

	/* until then it lived, or it was not seen that it does not */
	if (sight != HA_DARK)
		w->silent_ms = clock_now_ms();
	else if (w->seen != HA_DARK)
		w->silent_ms = MAX(w->silent_ms, at_ms);
	w->look = NULL;
	w->seen = w->sight = sight;
	w->sight_ms = at_ms;
	tick_in(w->ha, 0);
}

static void look(struct ha *a, struct watch *w, const struct host *h)
{
	if (!w->look)
		w->look = a->ops->look(h->uri, looked, w);
}

static void begin_fence(struct ha *a, struct watch *w, struct host *h)
{
	g_autoptr(GError) err = NULL;

	w->sight = HA_UNSEEN;
	if (!set_phase(w, HA_FENCING))
		return;
	if (fence_off(a->fences, h, "it fell silent ([ha])", &err)) {
		a->fenced++;
		return;
	}
	log_warning("ha_not_fenced", LOG_S("host", h->name), LOG_S("error", err->message));
	(void)set_phase(w, HA_SILENT);
}

/* Return: false: the database is away. */
static bool ask_for(struct ha *a, struct watch *w, struct server *s)
{
	g_autofree char *uuid = util_uuid_new(), *request = g_strconcat("req-", uuid, NULL);
	const struct order o = { .kind = a->kind, .who = { s->user_id, s->project_id, request, true } };
	g_autoptr(GError) err = NULL;

	if (order_begin(a->engine, &o, s, &err))
		a->evacuated++;
	else if (err_code(err) == ERR_STORE || err_code(err) == ERR_UNAVAILABLE)
		return false;
	else
		log_error("ha_not_evacuated", LOG_S("server", s->uuid), LOG_S("host", w->host), LOG_S("reason", err->message));
	g_hash_table_add(w->asked, g_strdup(s->uuid));
	return true;
}

static void evacuate(struct ha *a, struct watch *w, const struct host *h)
{
	g_autoptr(GPtrArray) list = NULL;
	int n = 0;

	if (clock_now_ms() < w->again_ms || !set_phase(w, HA_EVACUATING))
		return;
	list = order_of(h);
	for (guint i = 0; i < list->len && n < ASKS; i++) {
		struct server *s = g_ptr_array_index(list, i);

		if (s->priority < 0 || s->task != SERVER_TASK_NONE || g_hash_table_contains(w->asked, s->uuid))
			continue;
		if (!ask_for(a, w, s)) {
			w->again_ms = clock_now_ms() + ASK_AGAIN_MS;
			return;
		}
		n++;
	}
	a->more |= n == ASKS;
}

static void end(struct watch *w, const struct host *h)
{
	if (set_phase(w, HA_DONE))
		log_info("ha_done", LOG_S("host", h->name), LOG_D("left", g_hash_table_size(h->servers)));
}

/* It answers, or it is a person's: what was begun for nothing else is not begun again. */
static void forget(struct ha *a, struct watch *w, const struct host *h)
{
	if (w->phase == HA_FENCING)
		fence_no_more(a->fences, h);
	g_hash_table_remove_all(w->asked);
	w->sight = HA_UNSEEN;
	(void)set_phase(w, HA_WATCHED);
}

static void act(struct ha *a, struct watch *w, struct host *h, const struct ha_verdict *v)
{
	if (v->act != HA_HOLD && v->act != HA_GIVE_UP && v->act != HA_NOTHING && v->act != HA_LOOK && v->act != HA_SPARE)
		w->held = NULL;
	switch (v->act) {
	case HA_NOTE:
		a->more |= set_phase(w, HA_SILENT);
		break;
	case HA_LOOK:
		look(a, w, h);
		break;
	case HA_FENCE:
		begin_fence(a, w, h);
		break;
	case HA_SPARE:
		fence_no_more(a->fences, h);
		break;
	case HA_EVACUATE:
		evacuate(a, w, h);
		break;
	case HA_END:
		end(w, h);
		break;
	case HA_HOLD:
		raise_alarm(w, h, v);
		break;
	case HA_GIVE_UP:
		if (set_phase(w, HA_GIVEN_UP))
			raise_alarm(w, h, v);
		break;
	case HA_FORGET:
		forget(a, w, h);
		break;
	case HA_NOTHING:
	case HA_ACT_N:
		break;
	}
}

static void judge(struct ha *a)
{
	const struct conf *c = fleet_conf(a->fleet);
	const struct ha_limits limits = { .delay_ms = 1000 * c->ha_delay, .max_hosts = (int)c->ha_max_hosts };
	const struct ha_fleet f = judge_fleet(a);
	g_autoptr(GList) names = g_hash_table_get_keys(a->watches);

	for (GList *l = names; l; l = l->next) {
		struct watch *w = g_hash_table_lookup(a->watches, l->data);
		struct host *h = fleet_host(a->fleet, w->host);
		struct ha_host is;
		struct ha_verdict v;

		if (!h) { /* removed */
			if (set_phase(w, HA_WATCHED))
				g_hash_table_remove(a->watches, l->data);
			continue;
		}
		is = judge_host(a, h, w);
		v = ha_decide(&limits, &f, &is);
		act(a, w, h, &v);
	}
}

/* In how many milliseconds there may be something to do. */
static int64_t next_ms(const struct ha *a)
{
	int64_t now_ms = clock_now_ms(), next = TICK_MS, left;
	GHashTableIter i;
	void *value;

	g_hash_table_iter_init(&i, a->watches);
	while (g_hash_table_iter_next(&i, NULL, &value)) {
		const struct watch *w = value;

		if (w->phase == HA_FENCING)
			next = MIN(next, QUICK_MS);
		left = due_ms(a, w) - now_ms;
		if (w->phase == HA_SILENT && w->silent && left > 0)
			next = MIN(next, left > AHEAD_MS ? left - AHEAD_MS : left);
	}
	return next;
}

static void tick(void *user);

static void tick_in(struct ha *a, int64_t ms)
{
	clock_cancel(&a->timer);
	a->timer = clock_after(ms, tick, a);
}

static void tick(void *user)
{
	struct ha *a = user;
	int64_t now_ms = clock_now_ms(), late_ms = a->tick_ms ? now_ms - a->tick_ms : INT64_MAX;
	GPtrArray *hosts = fleet_hosts(a->fleet);

	a->timer = NULL;
	a->more = false;
	tick_in(a, TICK_MS);
	a->tick_ms = 0;
	if (!fleet_settled(a->fleet))
		return;
	for (guint i = 0; i < hosts->len; i++)
		note_silence(a, g_ptr_array_index(hosts, i), late_ms <= LATE_MS);
	a->tick_ms = now_ms;
	judge(a);
	tick_in(a, a->more ? 0 : next_ms(a));
}

/* One that has just fallen silent is looked at on the next turn of the loop, when all is told that comes with it. */
static void on_host(struct host *h, void *user)
{
	struct ha *a = user;

	if (a->timer && !host_connected(h))
		tick_in(a, 0);
}

/* ---- life ---- */

struct ha *ha_new(struct engine *e, struct fences *fs, const struct task_kind *evacuate, const struct ha_ops *ops, GError **err)
{
	struct ha *a = g_new0(struct ha, 1);

	a->engine = e;
	a->fleet = engine_fleet(e);
	a->fences = fs;
	a->kind = evacuate;
	a->ops = ops;
	a->watches = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, watch_free);
	if (store_each(fleet_store(a->fleet), Q_HA_ALL, STORE_NO_ARGS, take_row, a, err))
		return a;
	ha_free(a);
	return NULL;
}

void ha_start(struct ha *a)
{
	if (!fleet_conf(a->fleet)->ha_enabled)
		return;
	engine_on_host(a->engine, on_host, a);
	tick_in(a, TICK_MS);
}

void ha_free(struct ha *a)
{
	if (!a)
		return;
	engine_on_host(a->engine, NULL, NULL);
	clock_cancel(&a->timer);
	g_hash_table_unref(a->watches);
	g_free(a);
}

struct ha_stats ha_stats(const struct ha *a)
{
	struct ha_stats s = { .held = 0 };
	GHashTableIter i;
	void *value;

	if (!a)
		return s;
	s.fenced = a->fenced;
	s.evacuated = a->evacuated;
	g_hash_table_iter_init(&i, a->watches);
	while (g_hash_table_iter_next(&i, NULL, &value)) {
		const struct watch *w = value;

		s.given_up += w->phase == HA_GIVEN_UP;
		s.held += w->held && w->phase != HA_GIVEN_UP;
	}
	return s;
}
