/* SPDX-License-Identifier: Apache-2.0 */
#include "move/reap.h"

#include "base/clock.h"
#include "base/log.h"

#define AGAIN_MS 10000

struct reap {
	struct fleet *fleet;
	struct reap_asks asks;
	GHashTable *hosts;           /* name -> struct round * */
	GHashTable *told;            /* "uuid host", owned, of those that stay: said once */
	struct clock_timer *sweeper; /* asks again */
	bool stopping;
};

/* What is asked of a host. */
struct round {
	char *host;
	uint64_t turn; /* of the connection in which it was asked last; 0: it never was */
	int open;      /* calls that have not come back */
	bool owed;     /* it is to be asked */
};

struct ask {
	struct reap *set;
	char *host, *carrier, *guest;
	int64_t task;
	uint64_t turn;
};

/* ---- the set ---- */

static void round_free(void *data)
{
	struct round *r = data;

	g_free(r->host);
	g_free(r);
}

struct reap *reap_new(struct fleet *f, const struct reap_asks *asks)
{
	struct reap *set = g_new0(struct reap, 1);

	*set = (struct reap){ .fleet = f, .asks = *asks };
	set->hosts = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, round_free);
	set->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return set;
}

void reap_stop(struct reap *set)
{
	set->stopping = true;
	clock_cancel(&set->sweeper);
}

void reap_free(struct reap *set)
{
	if (!set)
		return;
	clock_cancel(&set->sweeper);
	g_hash_table_unref(set->hosts);
	g_hash_table_unref(set->told);
	g_free(set);
}

static struct round *round_of(struct reap *set, const char *host)
{
	struct round *r = g_hash_table_lookup(set->hosts, host);

	if (!r) {
		r = g_new0(struct round, 1);
		r->host = g_strdup(host);
		g_hash_table_insert(set->hosts, r->host, r);
	}
	return r;
}

/* ---- asking ---- */

static void fired(void *user)
{
	struct reap *set = user;

	set->sweeper = NULL;
	reap_sweep(set);
}

static void again(struct round *r, struct reap *set)
{
	r->owed = true;
	if (!set->sweeper)
		set->sweeper = clock_after(AGAIN_MS, fired, set);
}

static void ask_free(struct ask *a)
{
	g_free(a->host);
	g_free(a->carrier);
	g_free(a->guest);
	g_free(a);
}

/* Return: what is asked of the host in this connection; NULL: the answer is of an earlier one, and counts no more. */
static struct round *take(const struct ask *a, struct host **ret_h)
{
	struct round *r = a->set->stopping ? NULL : round_of(a->set, a->host);

	*ret_h = r ? fleet_host(a->set->fleet, a->host) : NULL;
	if (!r || r->turn != a->turn || !*ret_h)
		return NULL;
	r->open--;
	return r;
}

static void decided(struct reap *set, const struct round *r, struct host *h)
{
	if (r->open == 0)
		set->asks.decided(h, set->asks.user);
}

static void ask(struct reap *set, struct round *r, struct host *h, struct hv_req *req, const struct carrier *c, int64_t task, hv_done_f *done)
{
	struct ask *a = g_new(struct ask, 1);

	*a = (struct ask){ set, g_strdup(h->name), c ? g_strdup(c->uuid) : NULL, c ? g_strdup(c->guest) : NULL, task, r->turn };
	req->uuid = a->carrier;
	r->open++;
	(void)host_call(h, req, done, a); /* it is connected */
}

static void destroyed(struct hv_reply *reply, void *user)
{
	struct ask *a = user;
	struct host *h;
	struct round *r = take(a, &h);

	if (r && reply->err) {
		log_warning("carrier_not_removed", LOG_S("host", a->host), LOG_S("carrier", a->carrier), LOG_D("migration", a->task),
			    LOG_S("error", reply->err->message));
		again(r, a->set);
	} else if (r) {
		log_info("carrier_removed", LOG_S("host", a->host), LOG_S("carrier", a->carrier), LOG_D("migration", a->task), LOG_S("server", a->guest));
	}
	if (r)
		decided(a->set, r, h);
	ask_free(a);
}

static void tell(struct reap *set, const struct host *h, const struct carrier *c)
{
	char *key = g_strdup_printf("%s %s", c->uuid, h->name);

	if (g_hash_table_add(set->told, key))
		log_warning("carrier_foreign", LOG_S("host", h->name), LOG_S("carrier", c->uuid), LOG_S("task", c->task), LOG_S("guest", c->guest),
			    LOG_S("from", c->from));
}

static void judge(struct reap *set, struct round *r, struct host *h, const struct carrier *c)
{
	int64_t task = 0;
	enum leftover_row row = set->asks.row(c, &task, set->asks.user);
	struct hv_req req = { .op = HV_DOM_DESTROY };

	if (row == LEFTOVER_ROW_N)
		again(r, set);
	else if (row == LEFTOVER_NO_ROW)
		tell(set, h, c);
	else if (leftover_decide(LEFTOVER_CARRIER, row, LEFTOVER_HOME_SILENT) == LEFTOVER_DESTROY)
		ask(set, r, h, &req, c, task, destroyed);
}

static void listed(struct hv_reply *reply, void *user)
{
	struct ask *a = user;
	struct host *h;
	struct round *r = take(a, &h);

	if (r && reply->err) {
		log_warning("carriers_not_listed", LOG_S("host", a->host), LOG_S("error", reply->err->message));
		again(r, a->set);
	}
	for (guint i = 0; r && !reply->err && i < reply->carriers->len; i++)
		judge(a->set, r, h, g_ptr_array_index(reply->carriers, i));
	if (r)
		decided(a->set, r, h);
	ask_free(a);
}

static void begin(struct reap *set, struct round *r, struct host *h)
{
	struct hv_req req = { .op = HV_CARRIER_LIST };

	r->turn = host_link_turn(h);
	r->open = 0;
	r->owed = false;
	ask(set, r, h, &req, NULL, 0, listed);
}

bool reap_host(struct reap *set, struct host *h)
{
	struct round *r = round_of(set, h->name);

	if (r->turn != host_link_turn(h))
		begin(set, r, h);
	return r->open == 0;
}

void reap_owe(struct reap *set, const char *host)
{
	round_of(set, host)->owed = true;
	reap_sweep(set);
}

void reap_sweep(struct reap *set)
{
	GHashTableIter i;
	void *value;

	if (set->stopping)
		return;
	g_hash_table_iter_init(&i, set->hosts);
	while (g_hash_table_iter_next(&i, NULL, &value)) {
		struct round *r = value;
		struct host *h = r->owed ? fleet_host(set->fleet, r->host) : NULL;

		r->owed &= h != NULL; /* it may have been removed */
		/* One that is not up is asked when it is. */
		if (h && host_is_up(set->fleet, h) && (r->open == 0 || r->turn != host_link_turn(h)))
			begin(set, r, h);
	}
}

guint reap_owed(const struct reap *set)
{
	GHashTableIter i;
	guint n = 0;
	void *value;

	g_hash_table_iter_init(&i, set->hosts);
	while (g_hash_table_iter_next(&i, NULL, &value))
		n += ((const struct round *)value)->owed || ((const struct round *)value)->open > 0;
	return n;
}
