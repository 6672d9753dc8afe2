/* SPDX-License-Identifier: Apache-2.0 */
#include "move/leftover.h"

#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "hv/half.h"
#include "move/definition_end.h"

#define POLLS_MISSED 2

/* ---- the rules ---- */

#define HOME(x) (1u << LEFTOVER_HOME_##x)
#define ANY_HOME (~0u)

/*
 * The first that fits; what none fits stays. A half that waits is none of the guest, whether that runs at home or was
 * stopped since. A definition could be the newer one while the guest is off, but for one at a host that is
 * known not to be the guest's. A carrier is no copy of the guest: the files in it stay as they are.
 */
static const struct {
	enum leftover_seen seen;
	enum leftover_row row;
	unsigned home;
	enum leftover_act act;
} rules[] = {
	{ LEFTOVER_WAITING, LEFTOVER_UNDONE,  HOME(RUNS) | HOME(OFF), LEFTOVER_DESTROY },
	{ LEFTOVER_OFF,     LEFTOVER_DEFINED, HOME(RUNS),             LEFTOVER_UNDEFINE },
	{ LEFTOVER_OFF,     LEFTOVER_LEFT,    HOME(RUNS) | HOME(OFF), LEFTOVER_UNDEFINE },
	{ LEFTOVER_CARRIER, LEFTOVER_OVER,    ANY_HOME,               LEFTOVER_DESTROY },
};

enum leftover_act leftover_decide(enum leftover_seen seen, enum leftover_row row, enum leftover_home home)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
		if (rules[i].seen == seen && rules[i].row == row && (rules[i].home & 1u << home))
			return rules[i].act;
	return LEFTOVER_KEEP;
}

/* ---- what is done ---- */

struct leftovers {
	struct fleet *fleet;
	struct definitions *definitions;
	struct leftover_asks asks;
	GHashTable *sights; /* "uuid host" -> struct sight * */
	GPtrArray *open;    /* struct ask *, borrowed: those that wait for an answer */
	bool stopping;
};

/* When it was first seen, and last, ms. */
struct sight {
	int64_t first, last;
};

struct ask {
	struct leftovers *set;
	char *server, *host, *home;
	uint64_t turn;          /* of the connection in which it was seen */
	enum leftover_seen seen;
	enum leftover_act act;
	int64_t row;            /* the definition's that an act is about; 0: none */
};

static char *key_of(const char *server_uuid, const char *host)
{
	return g_strdup_printf("%s %s", server_uuid, host);
}

static struct ask *ask_new(struct leftovers *set, const struct server *s, struct host *h, enum leftover_seen seen)
{
	struct ask *a = g_new(struct ask, 1);

	*a = (struct ask){
		.set = set, .server = g_strdup(s->uuid), .host = g_strdup(h->name), .home = g_strdup(s->host), .turn = host_link_turn(h), .seen = seen,
	};
	g_ptr_array_add(set->open, a);
	return a;
}

/* Nothing more comes of it. */
static void ask_end(struct ask *a)
{
	struct leftovers *set = a->set;
	struct host *h = set->stopping ? NULL : fleet_host(set->fleet, a->host);

	g_ptr_array_remove_fast(set->open, a);
	g_free(a->server);
	g_free(a->host);
	g_free(a->home);
	g_free(a);
	if (h)
		set->asks.decided(h, set->asks.user);
}

bool leftovers_decided(const struct leftovers *set, const struct host *h)
{
	for (guint i = 0; i < set->open->len; i++) {
		const struct ask *a = g_ptr_array_index(set->open, i);

		if (a->turn == host_link_turn(h) && strcmp(a->host, h->name) == 0)
			return false;
	}
	return true;
}

/* Return: the row that says what may be undefined at that host; NULL. */
static struct definition *due_row(const struct leftovers *set, const char *server_uuid, const char *host)
{
	struct definition *left = definition_find(set->definitions, server_uuid, host, DEFINITION_LEFT);
	struct definition *own = definition_find(set->definitions, server_uuid, host, DEFINITION_GUEST);

	return left ? left : own && own->due ? own : NULL;
}

/* The row has served: what lies there now is not what it is about. */
static void forget_row(const struct ask *a)
{
	struct definition *d = due_row(a->set, a->server, a->host);

	if (d && d->id == a->row)
		definition_forget(d);
	definitions_sweep(a->set->definitions);
}

static void discarded(struct hv_reply *r, void *user)
{
	struct ask *a = user;
	g_autofree char *key = key_of(a->server, a->host);

	if (a->act == LEFTOVER_UNDEFINE && !a->set->stopping && (!r->err || err_code(r->err) == ERR_CONFLICT))
		forget_row(a);
	if (r->err)
		log_warning("leftover_kept", LOG_S("server", a->server), LOG_S("host", a->host), LOG_S("error", r->err->message));
	else
		log_info("leftover_removed", LOG_S("server", a->server), LOG_S("host", a->host));
	/* Seen again, it begins again. */
	if (!a->set->stopping)
		g_hash_table_remove(a->set->sights, key);
	ask_end(a);
}

/*
 * What its snapshots are is written down where the guest is now, too. A managed save image may be of later: with one libvirt refuses, and the
 * definition stays.
 */
static void got_kept(struct hv_reply *r, void *user)
{
	struct ask *a = user;
	struct host *h = a->set->stopping ? NULL : fleet_host(a->set->fleet, a->host);
	const struct definition *due = h ? due_row(a->set, a->server, a->host) : NULL;
	struct hv_req req = { .op = HV_DOM_UNDEFINE, .uuid = a->server };

	if (r->err || !due || !host_connected(h)) {
		ask_end(a); /* seen again, it begins again */
		return;
	}
	req.xml = due->xml;
	req.forgets = !r->dom->kept.managed_save;
	a->row = due->id;
	(void)host_call(h, &req, discarded, a); /* it is connected */
}

static void discard(struct ask *a, struct host *h, enum leftover_act act)
{
	struct hv_req req = { .op = act == LEFTOVER_DESTROY ? HV_DOM_DESTROY : HV_DOM_GET, .uuid = a->server };

	a->act = act;
	hv_call(h->hv, &req, act == LEFTOVER_DESTROY ? discarded : got_kept, a);
}

/* ---- what is seen ---- */

static enum leftover_seen seen_as(const struct hv_dom *d)
{
	enum hv_half half = hv_dest_half(d);

	if (half == HV_HALF_INCOMING)
		return LEFTOVER_WAITING;
	return half == HV_HALF_RUN || half == HV_HALF_PAUSED || half == HV_HALF_ENDING ? LEFTOVER_RUNNING : LEFTOVER_OFF;
}

static enum leftover_home home_as(const struct hv_dom *d)
{
	enum hv_half half = hv_source_half(d);

	if (half == HV_HALF_RUN || half == HV_HALF_PAUSED)
		return d->job_active ? LEFTOVER_HOME_BUSY : LEFTOVER_HOME_RUNS;
	return half == HV_HALF_OFF || half == HV_HALF_CRASHED ? LEFTOVER_HOME_OFF : LEFTOVER_HOME_OTHER;
}

/* The last word of the server's own host, if that is newer than @since. */
static enum leftover_home home_of(const struct server *s, int64_t since)
{
	return s->dom_ms <= since ? LEFTOVER_HOME_SILENT : home_as(s->dom);
}

/* A definition that is due says by itself that its task was undone, or confirmed. */
static enum leftover_row row_of(const struct leftovers *set, const struct server *s, const struct host *h, enum leftover_seen seen)
{
	const struct definition *due = due_row(set, s->uuid, h->name);

	if (seen == LEFTOVER_WAITING)
		return set->asks.undone(s->uuid, h->name, set->asks.user) ? LEFTOVER_UNDONE : LEFTOVER_NO_ROW;
	if (!due)
		return LEFTOVER_NO_ROW;
	return due->kind == DEFINITION_LEFT ? LEFTOVER_LEFT : LEFTOVER_DEFINED;
}

static gboolean is_stale(void *key, void *sight, void *patience_ms)
{
	(void)key;
	return clock_now_ms() - ((const struct sight *)sight)->last > *(const int64_t *)patience_ms;
}

/* Return: since when it is seen at every poll; 0: only now. What was not seen for some polls is forgotten. */
static int64_t note_sight(struct leftovers *set, const char *key)
{
	int64_t now = clock_now_ms(), patience_ms = (POLLS_MISSED + 1) * fleet_conf(set->fleet)->report_interval * 1000;
	struct sight *s;

	(void)g_hash_table_foreach_remove(set->sights, is_stale, &patience_ms);
	s = g_hash_table_lookup(set->sights, key);
	if (s) {
		s->last = now;
		return s->first;
	}
	s = g_new(struct sight, 1);
	*s = (struct sight){ now, now };
	g_hash_table_insert(set->sights, g_strdup(key), s);
	return 0;
}

/* What was seen is as it was, for all that is known. Return: what the server's own host has said now. */
static enum leftover_home home_now(const struct ask *a, const struct host *h, const struct server *s, const struct hv_reply *r)
{
	if (r->err || host_link_turn(h) != a->turn || g_strcmp0(s->host, a->home) != 0 || a->set->asks.owned(s->uuid, h->name, a->set->asks.user))
		return LEFTOVER_HOME_SILENT;
	return home_as(r->dom);
}

static void got_home(struct hv_reply *r, void *user)
{
	struct ask *a = user;
	struct host *h = a->set->stopping ? NULL : fleet_host(a->set->fleet, a->host);
	const struct server *s = h ? fleet_server(a->set->fleet, a->server) : NULL;
	enum leftover_act act = s ? leftover_decide(a->seen, row_of(a->set, s, h, a->seen), home_now(a, h, s, r)) : LEFTOVER_KEEP;

	if (act == LEFTOVER_KEEP)
		ask_end(a);
	else
		discard(a, h, act);
}

/* That host is to come up when this is decided; one whose server's own host is silent does not wait for it. */
static void ask_home(struct leftovers *set, struct server *s, struct host *h, enum leftover_seen seen)
{
	struct host *home = fleet_host(set->fleet, s->host);
	struct hv_req req = { .op = HV_DOM_GET, .uuid = s->uuid };

	if (host_connected(home))
		(void)host_call(home, &req, got_home, ask_new(set, s, h, seen)); /* it is connected */
}

void leftovers_seen(struct leftovers *set, struct host *h, const struct hv_dom *d)
{
	struct server *s = fleet_server(set->fleet, d->uuid);
	g_autofree char *key = key_of(d->uuid, h->name);
	enum leftover_seen seen = seen_as(d);
	enum leftover_row row;
	enum leftover_act act;
	int64_t first;

	if (!s || set->asks.owned(s->uuid, h->name, set->asks.user))
		return;
	row = row_of(set, s, h, seen);
	if (row == LEFTOVER_NO_ROW)
		return;
	first = note_sight(set, key);
	if (!first) {
		log_info("leftover_found", LOG_S("server", s->uuid), LOG_S("host", h->name), LOG_S("lives_on", s->host));
		if (h->conn == HOST_CLEANING)
			ask_home(set, s, h, seen);
		else
			fleet_server_refresh(set->fleet, s);
		return;
	}
	act = leftover_decide(seen, row, home_of(s, first));
	if (act != LEFTOVER_KEEP)
		discard(ask_new(set, s, h, seen), h, act);
}

/* ---- life ---- */

struct leftovers *leftovers_new(struct fleet *f, struct definitions *definitions, const struct leftover_asks *asks)
{
	struct leftovers *set = g_new0(struct leftovers, 1);

	*set = (struct leftovers){ .fleet = f, .definitions = definitions, .asks = *asks };
	set->sights = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	set->open = g_ptr_array_new();
	return set;
}

void leftovers_stop(struct leftovers *set)
{
	set->stopping = true;
}

void leftovers_free(struct leftovers *set)
{
	if (!set)
		return;
	g_hash_table_unref(set->sights);
	g_ptr_array_unref(set->open);
	g_free(set);
}
