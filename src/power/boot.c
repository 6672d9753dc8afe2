/* SPDX-License-Identifier: Apache-2.0 */
#include "power/boot.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/autostart.h"
#include "task/request_now.h"
#include "task/task.h"

#define AT_ONCE  4    /* of a host */
#define AGAIN_MS 1000 /* until what is known of the other hosts is worth judging by, or the database answers again */

struct boot {
	struct engine *engine;
	const struct task_kind *kind; /* power */
	GHashTable *hosts; /* name -> struct booting * */
	struct clock_timer *timer;
	bool stopping;
};

/* A host that has booted. */
struct booting {
	uint64_t turn;     /* of the connection in which guests of it were tried */
	GHashTable *tried; /* their UUIDs, owned */
};

static void booting_free(void *data)
{
	struct booting *x = data;

	g_hash_table_unref(x->tried);
	g_free(x);
}

/* Another connection may be another boot. */
static struct booting *booting_of(struct boot *b, const struct host *h)
{
	struct booting *x = g_hash_table_lookup(b->hosts, h->name);

	if (x && x->turn == host_link_turn(h))
		return x;
	x = g_new(struct booting, 1);
	*x = (struct booting){ host_link_turn(h), g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL) };
	g_hash_table_replace(b->hosts, g_strdup(h->name), x);
	return x;
}

/* ---- which ---- */

/* It is on its way: a user's start counts as well. */
static bool is_starting(const struct server *s)
{
	return s->task == SERVER_TASK_POWERING_ON;
}

/* A guest whose memory was saved goes on when its user says so. */
static bool is_due(const struct booting *x, const struct server *s)
{
	return s->autostart && s->vm == SERVER_STOPPED && s->dom && s->dom->state == HV_SHUTOFF && !s->missing && !s->duplicate_at &&
	       !server_is_taken(s) && !g_hash_table_contains(x->tried, s->uuid);
}

static struct server *find_due(const struct booting *x, const struct host *h, int *ret_starting)
{
	struct server *first = NULL;
	GHashTableIter i;
	void *at;

	*ret_starting = 0;
	g_hash_table_iter_init(&i, h->servers);
	while (g_hash_table_iter_next(&i, &at, NULL)) {
		struct server *s = at;

		*ret_starting += is_starting(s);
		if (is_due(x, s) && (!first || s->nth < first->nth))
			first = s;
	}
	return first;
}

/* ---- starting ---- */

/* Return: whether to go on now. */
static bool start(struct boot *b, struct booting *x, struct server *s)
{
	g_autofree char *uuid = util_uuid_new(), *request = g_strconcat("req-", uuid, NULL);
	struct task_request r = {
		.kind = b->kind, .action = kind_action(b->kind, "os-start"), .server = s,
		.who = { .user_id = s->user_id, .project_id = s->project_id, .request_id = request, .admin = true },
	};
	g_autoptr(GError) err = NULL;

	log_info("autostart", LOG_S("server", s->uuid), LOG_S("name", s->name), LOG_S("host", s->host));
	if (!request_now(b->engine, &r, &err)) {
		log_warning("autostart_refused", LOG_S("reason", err->message));
		if (err_code(err) == ERR_STORE || err_code(err) == ERR_UNAVAILABLE)
			return false;
	}
	g_hash_table_add(x->tried, g_strdup(s->uuid));
	return true;
}

/* Return: whether to look again in a while. */
static bool step_host(struct boot *b, struct host *h)
{
	struct booting *x = booting_of(b, h);
	struct server *s;
	int starting;

	for (;;) {
		s = find_due(x, h, &starting);
		if (!s || starting >= AT_ONCE)
			break;
		if (!start(b, x, s))
			return true;
	}
	if (s || starting)
		return false; /* its end is told */
	log_info("host_guests_started", LOG_S("host", h->name), LOG_D("guests", g_hash_table_size(x->tried)));
	g_hash_table_remove(b->hosts, h->name);
	autostart_done(b->engine->fleet, h);
	return false;
}

static void step(void *user);

static void plan(struct boot *b, int64_t after_ms)
{
	if (!b->stopping && !b->timer)
		b->timer = clock_after(after_ms, step, b);
}

static void step(void *user)
{
	struct boot *b = user;
	GPtrArray *hosts = fleet_hosts(b->engine->fleet);
	bool again = false;

	b->timer = NULL;
	for (guint i = 0; i < hosts->len; i++) {
		struct host *h = g_ptr_array_index(hosts, i);

		if (!h->booted || !host_is_up(b->engine->fleet, h))
			continue;
		again |= !fleet_settled(b->engine->fleet) || step_host(b, h);
	}
	if (again)
		plan(b, AGAIN_MS);
}

void boot_ended(struct mig *m, const struct task_stage *from, enum task_end end)
{
	const struct host *h = mig_source(m);

	(void)from;
	(void)end;
	if (h && h->booted)
		plan(engine_state(m->task->engine, &boot_service), 0);
}

/* ---- the service ---- */

static void *begin(struct engine *e)
{
	struct boot *b = g_new0(struct boot, 1);

	b->engine = e;
	b->kind = kind_find(e->kinds, "power");
	b->hosts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, booting_free);
	return b;
}

static bool load(void *state, GError **err)
{
	(void)state;
	(void)err;
	return true;
}

static void stop(void *state)
{
	struct boot *b = state;

	b->stopping = true;
	clock_cancel(&b->timer);
}

static void end(void *state)
{
	struct boot *b = state;

	g_hash_table_unref(b->hosts);
	clock_cancel(&b->timer);
	g_free(b);
}

static void host(void *state)
{
	plan(state, 0);
}

/* Guests that are still to be started. */
static guint owed(const void *state)
{
	const struct boot *b = state;
	GPtrArray *hosts = fleet_hosts(b->engine->fleet);
	guint n = 0;

	for (guint i = 0; i < hosts->len; i++) {
		const struct host *h = g_ptr_array_index(hosts, i);

		n += h->booted && host_is_up(b->engine->fleet, h);
	}
	return n;
}

static void leftover(void *state, struct host *h, const struct hv_dom *d)
{
	(void)state;
	(void)h;
	(void)d;
}

const struct task_service boot_service = {
	.begin = begin, .load = load, .stop = stop, .free = end, .host = host, .leftover = leftover, .owed = owed,
};
