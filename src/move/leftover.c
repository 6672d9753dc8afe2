/* SPDX-License-Identifier: Apache-2.0 */
#include "move/leftover.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "hv/half.h"

#define POLLS_MISSED 2

/* ---- the rules ---- */

#define HOME(x) (1u << LEFTOVER_HOME_##x)

/*
 * The first that fits; what none fits stays. A half that waits is none of the guest, whether that runs at home or was
 * stopped since. A definition could be the newer one while the guest is off.
 */
static const struct {
	enum leftover_seen seen;
	enum leftover_row row;
	unsigned home;
	enum leftover_act act;
} rules[] = {
	{ LEFTOVER_WAITING, LEFTOVER_UNDONE,  HOME(RUNS) | HOME(OFF), LEFTOVER_DESTROY },
	{ LEFTOVER_OFF,     LEFTOVER_DEFINED, HOME(RUNS),             LEFTOVER_UNDEFINE },
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
	bool stopping;
};

/* When it was first seen, and last, ms. */
struct sight {
	int64_t first, last;
};

struct ask {
	struct leftovers *set;
	char *key, *server, *host;
	enum leftover_act act;
};

/* The row has served: what lies there now is not what it is about. */
static void forget_row(const struct ask *a)
{
	struct definition *d = definition_find(a->set->definitions, a->server, a->host, DEFINITION_GUEST);

	if (d && d->due)
		definition_forget(d);
	definitions_sweep(a->set->definitions);
}

static void discarded(struct hv_reply *r, void *user)
{
	struct ask *a = user;

	if (a->act == LEFTOVER_UNDEFINE && !a->set->stopping && (!r->err || err_code(r->err) == ERR_CONFLICT))
		forget_row(a);
	if (r->err)
		log_warning("leftover_kept", LOG_S("server", a->server), LOG_S("host", a->host), LOG_S("error", r->err->message));
	else
		log_info("leftover_removed", LOG_S("server", a->server), LOG_S("host", a->host));
	/* Seen again, it begins again. */
	if (!a->set->stopping)
		g_hash_table_remove(a->set->sights, a->key);
	g_free(a->key);
	g_free(a->server);
	g_free(a->host);
	g_free(a);
}

static void discard(struct leftovers *set, struct host *h, const char *uuid, const char *key, enum leftover_act act)
{
	static const enum hv_op ops[LEFTOVER_ACT_N] = { [LEFTOVER_DESTROY] = HV_DOM_DESTROY, [LEFTOVER_UNDEFINE] = HV_DOM_UNDEFINE };
	const struct definition *own = act == LEFTOVER_UNDEFINE ? definition_find(set->definitions, uuid, h->name, DEFINITION_GUEST) : NULL;
	struct hv_req req = { .op = ops[act], .uuid = uuid, .xml = own ? own->xml : NULL };
	struct ask *a = g_new(struct ask, 1);

	*a = (struct ask){ set, g_strdup(key), g_strdup(uuid), g_strdup(h->name), act };
	hv_call(h->hv, &req, discarded, a);
}

/* ---- what is seen ---- */

static enum leftover_seen seen_as(const struct hv_dom *d)
{
	enum hv_half half = hv_dest_half(d);

	if (half == HV_HALF_INCOMING)
		return LEFTOVER_WAITING;
	return half == HV_HALF_RUN || half == HV_HALF_PAUSED || half == HV_HALF_ENDING ? LEFTOVER_RUNNING : LEFTOVER_OFF;
}

/* The last word of the server's own host, if that is newer than @since. */
static enum leftover_home home_of(const struct server *s, int64_t since)
{
	enum hv_half half = hv_source_half(s->dom);

	if (s->dom_ms <= since)
		return LEFTOVER_HOME_SILENT;
	if (half == HV_HALF_RUN || half == HV_HALF_PAUSED)
		return s->dom->job_active ? LEFTOVER_HOME_BUSY : LEFTOVER_HOME_RUNS;
	return half == HV_HALF_OFF || half == HV_HALF_CRASHED ? LEFTOVER_HOME_OFF : LEFTOVER_HOME_OTHER;
}

/* A definition that is due says by itself that its task was undone. */
static enum leftover_row row_of(struct leftovers *set, const struct server *s, const struct host *h, enum leftover_seen seen)
{
	const struct definition *own = definition_find(set->definitions, s->uuid, h->name, DEFINITION_GUEST);

	if (seen == LEFTOVER_WAITING)
		return set->asks.undone(s->uuid, h->name, set->asks.user) ? LEFTOVER_UNDONE : LEFTOVER_NO_ROW;
	return own && own->due ? LEFTOVER_DEFINED : LEFTOVER_NO_ROW;
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

void leftovers_seen(struct leftovers *set, struct host *h, const struct hv_dom *d)
{
	struct server *s = fleet_server(set->fleet, d->uuid);
	g_autofree char *key = g_strdup_printf("%s %s", d->uuid, h->name);
	enum leftover_seen seen = seen_as(d);
	enum leftover_row row;
	enum leftover_act act;
	int64_t first;

	if (!s || set->asks.owned(s->uuid, set->asks.user))
		return;
	row = row_of(set, s, h, seen);
	if (row == LEFTOVER_NO_ROW)
		return;
	first = note_sight(set, key);
	if (!first) {
		log_info("leftover_found", LOG_S("server", s->uuid), LOG_S("host", h->name), LOG_S("lives_on", s->host));
		fleet_server_refresh(set->fleet, s);
		return;
	}
	act = leftover_decide(seen, row, home_of(s, first));
	if (act != LEFTOVER_KEEP)
		discard(set, h, s->uuid, key, act);
}

/* ---- life ---- */

struct leftovers *leftovers_new(struct fleet *f, struct definitions *definitions, const struct leftover_asks *asks)
{
	struct leftovers *set = g_new0(struct leftovers, 1);

	*set = (struct leftovers){ .fleet = f, .definitions = definitions, .asks = *asks };
	set->sights = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
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
	g_free(set);
}
