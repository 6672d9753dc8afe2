/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation
 * -------------------
 * A migration in phase QUEUED stands in one wait list:
 *
 *	its source's "ready"     it waits for a slot of the source or of the fleet, or for the source to come up
 *	its destination's        the host that was asked for fits, but is busy
 *	"anywhere"               hosts fit, but all of them are busy
 *
 * Each host is a lane. Lanes whose first one can be tried now are "runnable",
 * ordered by that one. To try is to choose the destination: the best host that
 * fits and has an inbound slot gets a claim, and the phase becomes SCHEDULE. When
 * the hosts that fit are all busy, the migration moves to the list of those waiting
 * for a destination, and the one behind it is tried next. When none fits it
 * goes on too, and live.c tells why.
 *
 * Nothing polls. A slot or room that becomes free is an offer: the first in the
 * two lists that fits the host goes back to "ready", ahead of the younger ones
 * there, and is tried. An offer stands until the host is full or no waiting migration
 * fits it. Before each single start the offers are looked at again, so that order
 * holds between those that wait for a source and those that wait for a destination.
 *
 * A migration waiting for a busy destination records one such host. When that host
 * goes down, the migration is tried again: others may fit, or nothing does any more.
 *
 * A slot of the source and the fleet is held from SCHEDULE to FINISH, a claim,
 * which is the inbound slot and the room, from SCHEDULE to UNDO or FINISH. Both
 * are functions of rows, but for the claims of SCHEDULE: after a start those rows
 * choose first (open_up()), in their order, then the queue goes on.
 */
#include "migrate/queue.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fleet/sched.h"
#include "migrate/mig.h"

#define RETRY_MS 1000

struct lane {
	char *name;
	int outbound;         /* slots taken by those that leave it */
	GSequence *ready;     /* struct mig *: those that leave it and wait, but not for a destination */
	GSequence *wanted;    /* struct mig *: those that asked for it and wait for it */
	GSequenceIter *place; /* in queue.runnable; NULL */
	bool offered;         /* in queue.offers */
};

struct queue {
	struct engine *engine;
	GHashTable *lanes;    /* host name -> struct lane * */
	GSequence *order;     /* struct mig *: all that are queued */
	GSequence *anywhere;  /* struct mig *: those that wait for any destination */
	GSequence *runnable;  /* struct lane *, by the order of their first */
	GQueue offers;        /* struct lane *: they may have a slot or room again */
	int running;          /* slots taken in the fleet */
	struct clock_timer *timer;
	bool soon;            /* ... which fires in this turn */
	bool open;            /* the hosts are known: it may choose among them */
	bool pumping;
};

static struct queue *queue_of(const struct mig *m)
{
	return m->priv->engine->queue;
}

static struct queue_place *place_of(const struct mig *m)
{
	return &m->priv->place;
}

static const struct conf *limits(const struct queue *q)
{
	return fleet_conf(q->engine->fleet);
}

/* ---- order ---- */

static int before(const void *a, const void *b, void *unused)
{
	const struct mig *x = a, *y = b;

	(void)unused;
	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static struct mig *first_of(GSequence *list)
{
	GSequenceIter *i = g_sequence_get_begin_iter(list);

	return g_sequence_iter_is_end(i) ? NULL : g_sequence_get(i);
}

static int lane_before(const void *a, const void *b, void *unused)
{
	const struct lane *x = a, *y = b;

	return before(first_of(x->ready), first_of(y->ready), unused);
}

/* ---- lanes ---- */

static struct lane *lane_of(struct queue *q, const char *host)
{
	struct lane *l = g_hash_table_lookup(q->lanes, host);

	if (l)
		return l;
	l = g_new0(struct lane, 1);
	l->name = g_strdup(host);
	l->ready = g_sequence_new(NULL);
	l->wanted = g_sequence_new(NULL);
	g_hash_table_insert(q->lanes, l->name, l);
	return l;
}

static void lane_free(void *data)
{
	struct lane *l = data;

	g_sequence_free(l->ready);
	g_sequence_free(l->wanted);
	g_free(l->name);
	g_free(l);
}

static bool source_is_up(const struct queue *q, const struct lane *l)
{
	const struct host *h = fleet_host(q->engine->fleet, l->name);

	return h && host_is_up(q->engine->fleet, h);
}

static bool source_has_slot(const struct queue *q, const struct lane *l)
{
	int64_t max = limits(q)->max_concurrent_live_migrations;

	return max == 0 || l->outbound < max;
}

static bool fleet_has_slot(const struct queue *q)
{
	int64_t max = limits(q)->max_concurrent_fleet_live_migrations;

	return max == 0 || q->running < max;
}

/* Something of the lane has changed: is it runnable, and where among the others? */
static void lane_update(struct queue *q, struct lane *l)
{
	g_clear_pointer(&l->place, g_sequence_remove);
	if (q->open && first_of(l->ready) && source_has_slot(q, l) && source_is_up(q, l))
		l->place = g_sequence_insert_sorted(q->runnable, l, lane_before, NULL);
}

static void wait_in(struct queue *q, struct mig *m, GSequence *list, struct lane *wanted)
{
	struct queue_place *p = place_of(m);

	if (p->at)
		g_sequence_remove(p->at);
	p->at = list ? g_sequence_insert_sorted(list, m, before, NULL) : NULL;
	p->wanted = wanted;
	lane_update(q, p->source);
}

/* ---- what starts the pump ---- */

static void pump(struct queue *q);

/* After a start those that were choosing when the controller died choose first. */
static void open_up(struct queue *q);

static void tick(void *user)
{
	struct queue *q = user;

	q->timer = NULL;
	q->soon = false;
	if (!q->open && fleet_settled(q->engine->fleet))
		open_up(q);
	if (q->open && fleet_settled(q->engine->fleet))
		pump(q);
	else
		q->timer = clock_after(RETRY_MS, tick, q);
}

static void soon(struct queue *q)
{
	if (q->engine->stopping || q->soon)
		return;
	clock_cancel(&q->timer);
	q->soon = true;
	q->timer = clock_after(0, tick, q);
}

static void offer(struct queue *q, struct lane *l)
{
	if (g_sequence_is_empty(l->wanted) && g_sequence_is_empty(q->anywhere))
		return;
	if (!l->offered)
		g_queue_push_tail(&q->offers, l);
	l->offered = true;
	soon(q);
}

/* ---- choosing ---- */

struct choice {
	struct host *host; /* it fits and has a slot */
	struct host *busy; /* it fits */
};

static bool is_forced(const struct mig *m)
{
	return m->force && m->requested_host;
}

static struct sched_request request_of(const struct mig *m)
{
	return (struct sched_request){ .server = mig_server(m), .only_host = m->requested_host, .exclude = m->priv->excluded };
}

static struct choice choose(const struct mig *m)
{
	struct fleet *f = m->priv->engine->fleet;
	struct sched_request req = request_of(m);
	struct choice c = { NULL, NULL };
	struct host *forced;

	if (!req.server)
		return c; /* live_enter() says so */
	if (!is_forced(m)) {
		c.host = sched_best(f, &req, &c.busy);
		return c;
	}
	forced = fleet_host(f, m->requested_host);
	*(forced && sched_is_busy(f, forced) ? &c.busy : &c.host) = forced;
	return c;
}

/* It would be chosen, as far as this host matters. */
static bool suits(const struct mig *m, const struct host *h)
{
	struct sched_request req = request_of(m);

	return is_forced(m) || !req.server || sched_fits(m->priv->engine->fleet, &req, h);
}

/* Return: false if the row could not be written. */
static bool start(struct queue *q, struct mig *m, struct host *dest)
{
	g_autoptr(GError) why = NULL;

	queue_hold(m, dest);
	if (mig_set_phase(m, MIG_QUEUED, MIG_SCHEDULE, "a slot is free", NULL, &why)) {
		live_enter(m);
		return true;
	}
	queue_hold(m, NULL);
	log_error("migration_not_written", LOG_D("migration", m->id), LOG_S("error", why->message));
	clock_cancel(&q->timer);
	q->soon = false;
	q->timer = clock_after(RETRY_MS, tick, q);
	return false;
}

/* Return: false if there is none to try. */
static bool try_next(struct queue *q)
{
	GSequenceIter *i = g_sequence_get_begin_iter(q->runnable);
	struct lane *l;
	struct choice c;
	struct mig *m;

	if (g_sequence_iter_is_end(i))
		return false;
	l = g_sequence_get(i);
	if (!source_is_up(q, l)) {
		lane_update(q, l); /* it has fallen silent, which is no event; its return is */
		return true;
	}
	m = first_of(l->ready);
	c = choose(m);
	if (c.host || !c.busy)
		return start(q, m, c.host);
	wait_in(q, m, m->requested_host ? lane_of(q, c.busy->name)->wanted : q->anywhere, lane_of(q, c.busy->name));
	return true;
}

/* ---- offers ---- */

/* The first at or behind @i that suits the host. */
static GSequenceIter *next_suited(GSequenceIter *i, const struct host *h)
{
	while (!g_sequence_iter_is_end(i) && !suits(g_sequence_get(i), h))
		i = g_sequence_iter_next(i);
	return i;
}

/* The first of the two lists' next ones; NULL at their end. */
static struct mig *first_suited(GSequenceIter **i, GSequenceIter **k, const struct host *h)
{
	struct mig *x, *y;

	*i = next_suited(*i, h);
	*k = next_suited(*k, h);
	x = g_sequence_iter_is_end(*i) ? NULL : g_sequence_get(*i);
	y = g_sequence_iter_is_end(*k) ? NULL : g_sequence_get(*k);
	if (x && (!y || before(x, y, NULL) < 0)) {
		*i = g_sequence_iter_next(*i);
		return x;
	}
	if (y)
		*k = g_sequence_iter_next(*k);
	return y;
}

/* Wake the first that waits for it. Return: false if the host is full, or no other can use it now. */
static bool wake_for(struct queue *q, struct lane *l)
{
	struct host *h = fleet_host(q->engine->fleet, l->name);
	GSequenceIter *i = g_sequence_get_begin_iter(l->wanted), *k = g_sequence_get_begin_iter(q->anywhere);
	struct mig *m;

	if (!h || sched_is_busy(q->engine->fleet, h))
		return false;
	while ((m = first_suited(&i, &k, h))) {
		struct lane *source = place_of(m)->source;

		wait_in(q, m, source->ready, NULL);
		if (source->place)
			return true;
	}
	return false;
}

static void wake(struct queue *q)
{
	for (guint n = q->offers.length; n > 0; n--) {
		struct lane *l = g_queue_pop_head(&q->offers);

		l->offered = wake_for(q, l);
		if (l->offered)
			g_queue_push_tail(&q->offers, l);
	}
}

static void pump(struct queue *q)
{
	bool more = true;

	if (q->pumping || q->engine->stopping)
		return;
	q->pumping = true;
	while (more && fleet_has_slot(q)) {
		wake(q);
		more = try_next(q);
	}
	q->pumping = false;
}

/* ---- life ---- */

struct queue *queue_new(struct engine *e)
{
	struct queue *q = g_new0(struct queue, 1);

	q->engine = e;
	q->lanes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, lane_free);
	q->order = g_sequence_new(NULL);
	q->anywhere = g_sequence_new(NULL);
	q->runnable = g_sequence_new(NULL);
	g_queue_init(&q->offers);
	return q;
}

void queue_free(struct queue *q)
{
	clock_cancel(&q->timer);
	g_queue_clear(&q->offers);
	g_sequence_free(q->order);
	g_sequence_free(q->anywhere);
	g_sequence_free(q->runnable);
	g_hash_table_unref(q->lanes);
	g_free(q);
}

static void open_up(struct queue *q)
{
	g_autoptr(GSequence) choosing = g_sequence_new(NULL);
	GSequenceIter *i;
	GHashTableIter it;
	void *lane;

	for (guint k = 0; k < q->engine->active->len; k++) {
		struct mig *m = g_ptr_array_index(q->engine->active, k);

		if (m->phase == MIG_SCHEDULE && !place_of(m)->held)
			g_sequence_insert_sorted(choosing, m, before, NULL);
	}
	for (i = g_sequence_get_begin_iter(choosing); !g_sequence_iter_is_end(i); i = g_sequence_iter_next(i))
		queue_hold(g_sequence_get(i), choose(g_sequence_get(i)).host);
	q->open = true;
	g_hash_table_iter_init(&it, q->lanes);
	while (g_hash_table_iter_next(&it, NULL, &lane))
		lane_update(q, lane);
}

/* ---- migrations come and go ---- */

static void join(struct queue *q, struct mig *m)
{
	place_of(m)->in_order = g_sequence_insert_sorted(q->order, m, before, NULL);
	wait_in(q, m, place_of(m)->source->ready, NULL);
	soon(q);
}

static void leave(struct queue *q, struct mig *m)
{
	g_clear_pointer(&place_of(m)->in_order, g_sequence_remove);
	wait_in(q, m, NULL, NULL);
}

static void count_slot(struct queue *q, struct mig *m, bool slot)
{
	struct queue_place *p = place_of(m);
	int by = (int)slot - (int)p->slot;

	p->slot = slot;
	p->source->outbound += by;
	q->running += by;
	if (!by)
		return;
	lane_update(q, p->source);
	if (by < 0)
		soon(q);
}

void queue_add(struct mig *m)
{
	place_of(m)->source = lane_of(queue_of(m), m->source);
	queue_moved(m);
}

void queue_moved(struct mig *m)
{
	struct queue *q = queue_of(m);

	count_slot(q, m, mig_phase_holds_slot(m->phase));
	if (m->phase != MIG_SCHEDULE)
		queue_hold(m, mig_phase_holds_claim(m->phase) ? mig_dest(m) : NULL);
	if (m->phase == MIG_QUEUED && !place_of(m)->in_order)
		join(q, m);
	else if (m->phase != MIG_QUEUED && place_of(m)->in_order)
		leave(q, m);
}

void queue_reorder(struct mig *m)
{
	struct queue *q = queue_of(m);

	if (!place_of(m)->in_order)
		return;
	leave(q, m);
	join(q, m);
}

void queue_hold(struct mig *m, struct host *h)
{
	struct queue *q = queue_of(m);
	struct queue_place *p = place_of(m);
	struct host *old = queue_held(m);

	if (h == old)
		return;
	util_replace(&p->held, h ? h->name : NULL);
	if (old) {
		fleet_unclaim(q->engine->fleet, old, m->server_uuid);
		offer(q, lane_of(q, old->name));
	}
	if (h && mig_server(m))
		fleet_claim(q->engine->fleet, h, mig_server(m), m->id);
	placing_hold(m);
}

struct host *queue_held(const struct mig *m)
{
	return fleet_host(m->priv->engine->fleet, m->priv->place.held);
}

/* ---- the hosts ---- */

void queue_host(struct queue *q, struct host *h)
{
	struct lane *l = lane_of(q, h->name);
	GSequenceIter *i = g_sequence_get_begin_iter(q->anywhere), *next;
	struct mig *m;

	lane_update(q, l);
	while ((m = first_of(l->wanted)))
		wait_in(q, m, place_of(m)->source->ready, NULL);
	for (; !g_sequence_iter_is_end(i); i = next) {
		next = g_sequence_iter_next(i);
		m = g_sequence_get(i);
		if (place_of(m)->wanted == l)
			wait_in(q, m, place_of(m)->source->ready, NULL);
	}
	offer(q, l);
	soon(q);
}

void queue_room(struct queue *q, struct host *h)
{
	offer(q, lane_of(q, h->name));
}

void queue_limits(struct queue *q)
{
	GHashTableIter it;
	void *lane;

	g_hash_table_iter_init(&it, q->lanes);
	while (g_hash_table_iter_next(&it, NULL, &lane)) {
		lane_update(q, lane);
		offer(q, lane);
	}
	soon(q);
}

/* ---- what is shown ---- */

int queue_position(const struct mig *m)
{
	GSequenceIter *i = m->priv->place.in_order;

	return i ? g_sequence_iter_get_position(i) + 1 : 0;
}

static char *slot_text(const char *of, const char *host, int64_t taken, int64_t max)
{
	return g_strdup_printf("waits for a slot of %s%s: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " taken", of, host, taken, max);
}

char *queue_waits_for(const struct mig *m)
{
	const struct queue *q = queue_of(m);
	const struct queue_place *p = place_of(m);
	const struct conf *c = limits(q);
	const struct host *wanted;

	if (!p->in_order)
		return NULL;
	if (!q->open)
		return g_strdup("waits until every host has been asked after the start");
	if (p->wanted) {
		wanted = fleet_host(q->engine->fleet, p->wanted->name);
		return slot_text(m->requested_host ? "destination " : "a destination, such as ", p->wanted->name,
				 wanted ? g_hash_table_size(wanted->claims) : 0, c->max_concurrent_inbound_live_migrations);
	}
	if (!source_is_up(q, p->source))
		return g_strdup_printf("waits for source %s to come up", p->source->name);
	if (!source_has_slot(q, p->source))
		return slot_text("source ", p->source->name, p->source->outbound, c->max_concurrent_live_migrations);
	if (!fleet_has_slot(q))
		return slot_text("the fleet", "", q->running, c->max_concurrent_fleet_live_migrations);
	return g_strdup("is the next to begin");
}

/* ---- for tests ---- */

/* A migration that waits for a destination while one has a slot, and nothing else stands in the way, was forgotten. */
static bool is_forgotten(const struct queue *q, const struct mig *m)
{
	struct fleet *f = q->engine->fleet;
	const struct queue_place *p = place_of(m);

	if (!p->wanted || !source_has_slot(q, p->source) || !source_is_up(q, p->source))
		return false;
	for (guint i = 0; i < fleet_hosts(f)->len; i++) {
		const struct host *h = g_ptr_array_index(fleet_hosts(f), i);

		if ((!m->requested_host || strcmp(m->requested_host, h->name) == 0) && !sched_is_busy(f, h) && suits(m, h))
			return true;
	}
	return false;
}

static char *find_forgotten(const struct queue *q)
{
	GSequenceIter *i = g_sequence_get_begin_iter(q->order);

	for (; !g_sequence_iter_is_end(i); i = g_sequence_iter_next(i)) {
		const struct mig *m = g_sequence_get(i);

		if (is_forgotten(q, m))
			return g_strdup_printf("migration %d waits for %s, though a host has a slot for it", (int)m->id, place_of(m)->wanted->name);
		if (!place_of(m)->wanted && place_of(m)->source->place && source_is_up(q, place_of(m)->source))
			return g_strdup_printf("migration %d waits, though nothing stands in its way", (int)m->id);
	}
	return NULL;
}

char *queue_check(struct queue *q)
{
	int running = 0, queued = 0;

	for (guint i = 0; i < q->engine->active->len; i++) {
		const struct mig *m = g_ptr_array_index(q->engine->active, i);

		running += mig_phase_holds_slot(m->phase);
		queued += m->phase == MIG_QUEUED;
		if ((m->phase == MIG_QUEUED) != (place_of(m)->in_order && place_of(m)->at))
			return g_strdup_printf("migration %d is in %s, and %s the queue", (int)m->id, mig_phase_name(m->phase),
					       place_of(m)->in_order ? "in" : "not in");
	}
	if (running != q->running || queued != g_sequence_get_length(q->order))
		return g_strdup_printf("%d hold a slot, %d are counted; %d are queued, %d are in the queue", running, q->running, queued,
				       g_sequence_get_length(q->order));
	if (q->timer || !q->open || !fleet_has_slot(q))
		return NULL;
	return find_forgotten(q);
}
