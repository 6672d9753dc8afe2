/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation
 * -------------------
 * Each class of tasks has a line of its own, with limits of its own, so that one
 * that is full holds up no other. A migration in phase QUEUED stands in one wait
 * list of its line:
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
 * goes on too, and its SCHEDULE tells why. The queue only gives the slots and the
 * claim: what begins then is the caller's (queue_start_f).
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
 * A slot of the source and the fleet is held from SCHEDULE to FINISH, an inbound
 * slot and the claim of room at the destination from SCHEDULE to UNDO or FINISH.
 * They are functions of rows, but for those of SCHEDULE at the destination: after a
 * start these rows choose first (open_up()), in their order, then the queue goes on.
 */
#include "task/queue.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "fleet/room.h"
#include "fleet/sched.h"
#include "fleet/task_class.h"
#include "task/task.h"

#define RETRY_MS 1000

/* A host, for one class. */
struct lane {
	struct line *line;
	char *name;
	int outbound;           /* slots taken by those that leave it */
	int inbound;            /* ... and by those that come to it */
	GSequence *ready;       /* struct mig *: those that leave it and wait, but not for a destination */
	GSequence *wanted;      /* struct mig *: those that asked for it and wait for it */
	GSequenceIter *runnable; /* in line.runnable; NULL */
	bool offered;           /* in line.offers */
};

/* A class: its limits, and what waits for them. */
struct line {
	struct queue *queue;
	const struct task_class *class; /* NULL: no kind has one of this index */
	GHashTable *lanes;      /* host name -> struct lane * */
	GSequence *order;       /* struct mig *: all that are queued */
	GSequence *anywhere;    /* struct mig *: those that wait for any destination */
	GSequence *runnable;    /* struct lane *, by the order of their first */
	GQueue offers;          /* struct lane *: they may have a slot or room again */
	int running;            /* slots taken in the fleet */
};

struct queue {
	struct engine *engine;
	queue_start_f *start;
	struct line lines[TASK_CLASSES_MAX];
	struct clock_timer *timer;
	bool soon;              /* ... which fires in this turn */
	bool open;              /* the hosts are known: it may choose among them */
	bool pumping;
};

static struct queue *queue_of(const struct mig *m)
{
	return m->task->engine->queue;
}

/* Of a kind that has a class. */
static struct line *line_of(const struct mig *m)
{
	return &queue_of(m)->lines[m->kind->class->index];
}

#define EACH_LINE(q, l) \
	for (struct line *(l) = (q)->lines; (l) < (q)->lines + TASK_CLASSES_MAX; (l)++) \
		if ((l)->class)

static struct queue_entry *entry_of(const struct mig *m)
{
	return &m->task->entry;
}

static int64_t limit(const struct line *l, enum task_limit which)
{
	return task_class_limit(fleet_conf(l->queue->engine->fleet), l->class, which);
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

static struct lane *lane_of(struct line *line, const char *host)
{
	struct lane *l = g_hash_table_lookup(line->lanes, host);

	if (l)
		return l;
	l = g_new0(struct lane, 1);
	l->line = line;
	l->name = g_strdup(host);
	l->ready = g_sequence_new(NULL);
	l->wanted = g_sequence_new(NULL);
	g_hash_table_insert(line->lanes, l->name, l);
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

static struct host *host_of(const struct lane *l)
{
	return fleet_host(l->line->queue->engine->fleet, l->name);
}

static bool source_is_up(const struct lane *l)
{
	const struct host *h = host_of(l);

	return l->line->class->leaves_dead || (h && host_is_up(l->line->queue->engine->fleet, h));
}

static bool source_has_slot(const struct lane *l)
{
	return l->outbound < limit(l->line, TASK_OUTBOUND);
}

static bool fleet_has_slot(const struct line *l)
{
	return l->running < limit(l, TASK_IN_FLEET);
}

/* Something of the lane has changed: is it runnable, and where among the others? */
static void lane_update(struct lane *l)
{
	g_clear_pointer(&l->runnable, g_sequence_remove);
	if (l->line->queue->open && first_of(l->ready) && source_has_slot(l) && source_is_up(l))
		l->runnable = g_sequence_insert_sorted(l->line->runnable, l, lane_before, NULL);
}

static void wait_in(struct mig *m, GSequence *list, struct lane *wanted)
{
	struct queue_entry *p = entry_of(m);

	if (p->at)
		g_sequence_remove(p->at);
	p->at = list ? g_sequence_insert_sorted(list, m, before, NULL) : NULL;
	p->wanted = wanted;
	lane_update(p->source);
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

static void retry_later(struct queue *q)
{
	clock_cancel(&q->timer);
	q->soon = false;
	q->timer = clock_after(RETRY_MS, tick, q);
}

static void offer(struct lane *l)
{
	struct line *line = l->line;

	if (g_sequence_is_empty(l->wanted) && g_sequence_is_empty(line->anywhere))
		return;
	if (!l->offered)
		g_queue_push_tail(&line->offers, l);
	l->offered = true;
	soon(line->queue);
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

static struct sched_need need_of(const struct mig *m)
{
	struct sched_need need = sched_need_of(mig_server(m), m->kind->class);

	need.only_host = m->requested_host;
	need.exclude = m->task->excluded;
	return need;
}

static struct choice choose(const struct mig *m)
{
	struct fleet *f = m->task->engine->fleet;
	struct choice c = { NULL, NULL };
	struct sched_need need;
	struct host *forced;

	if (!mig_server(m))
		return c; /* its SCHEDULE says so */
	if (!is_forced(m)) {
		need = need_of(m);
		c.host = sched_best(f, &need, &c.busy);
		return c;
	}
	forced = fleet_host(f, m->requested_host);
	*(forced && sched_is_busy(f, forced, m->kind->class) ? &c.busy : &c.host) = forced;
	return c;
}

/* It would be chosen, as far as this host matters. */
static bool suits(const struct mig *m, const struct host *h)
{
	struct sched_need need;

	if (is_forced(m) || !mig_server(m))
		return true;
	need = need_of(m);
	return sched_fits(m->task->engine->fleet, &need, h);
}

/* Return: false if the row could not be written. */
static bool start(struct line *l, struct mig *m, struct host *dest)
{
	queue_claim(m, dest);
	if (l->queue->start(m))
		return true;
	queue_claim(m, NULL);
	retry_later(l->queue);
	return false;
}

/* Return: false if there is none to try. */
static bool try_next(struct line *line)
{
	GSequenceIter *i = g_sequence_get_begin_iter(line->runnable);
	struct lane *l;
	struct choice c;
	struct mig *m;

	if (g_sequence_iter_is_end(i))
		return false;
	l = g_sequence_get(i);
	if (!source_is_up(l)) {
		lane_update(l); /* it has fallen silent, which is no event; its return is */
		return true;
	}
	m = first_of(l->ready);
	c = choose(m);
	if (c.host || !c.busy)
		return start(line, m, c.host);
	wait_in(m, m->requested_host ? lane_of(line, c.busy->name)->wanted : line->anywhere, lane_of(line, c.busy->name));
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
static bool wake_for(struct lane *l)
{
	struct host *h = host_of(l);
	GSequenceIter *i = g_sequence_get_begin_iter(l->wanted), *k = g_sequence_get_begin_iter(l->line->anywhere);
	struct mig *m;

	if (!h || sched_is_busy(l->line->queue->engine->fleet, h, l->line->class))
		return false;
	while ((m = first_suited(&i, &k, h))) {
		struct lane *source = entry_of(m)->source;

		wait_in(m, source->ready, NULL);
		if (source->runnable)
			return true;
	}
	return false;
}

static void wake(struct line *line)
{
	for (guint n = line->offers.length; n > 0; n--) {
		struct lane *l = g_queue_pop_head(&line->offers);

		l->offered = wake_for(l);
		if (l->offered)
			g_queue_push_tail(&line->offers, l);
	}
}

static void pump_line(struct line *line)
{
	bool more = true;

	while (more && fleet_has_slot(line)) {
		wake(line);
		more = try_next(line);
	}
}

static void pump(struct queue *q)
{
	if (q->pumping || q->engine->stopping)
		return;
	q->pumping = true;
	EACH_LINE(q, l)
		pump_line(l);
	q->pumping = false;
}

/* ---- life ---- */

static void line_init(struct line *l, struct queue *q, const struct task_class *class)
{
	l->queue = q;
	l->class = class;
	l->lanes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, lane_free);
	l->order = g_sequence_new(NULL);
	l->anywhere = g_sequence_new(NULL);
	l->runnable = g_sequence_new(NULL);
	g_queue_init(&l->offers);
}

static void line_clear(struct line *l)
{
	g_queue_clear(&l->offers);
	g_sequence_free(l->order);
	g_sequence_free(l->anywhere);
	g_sequence_free(l->runnable);
	g_hash_table_unref(l->lanes);
}

static void take_class(struct queue *q, const struct task_class *class)
{
	struct line *l = &q->lines[class->index];

	if (!l->class)
		line_init(l, q, class);
}

struct queue *queue_new(struct engine *e, queue_start_f *begin)
{
	struct queue *q = g_new0(struct queue, 1);

	q->engine = e;
	q->start = begin;
	for (const struct task_kind *const *k = e->kinds; *k; k++)
		if ((*k)->class)
			take_class(q, (*k)->class);
	return q;
}

void queue_free(struct queue *q)
{
	clock_cancel(&q->timer);
	EACH_LINE(q, l)
		line_clear(l);
	g_free(q);
}

/* Something has changed for every host: @each is called for every lane. */
static void for_lanes(struct queue *q, void (*each)(struct lane *l))
{
	EACH_LINE(q, l) {
		GHashTableIter it;
		void *lane;

		g_hash_table_iter_init(&it, l->lanes);
		while (g_hash_table_iter_next(&it, NULL, &lane))
			each(lane);
	}
}

static void open_up(struct queue *q)
{
	g_autoptr(GSequence) choosing = g_sequence_new(NULL);
	GSequenceIter *i;

	for (guint k = 0; k < q->engine->active->len; k++) {
		struct mig *m = g_ptr_array_index(q->engine->active, k);

		if (mig_holds(m, TASK_CHOICE) && !entry_of(m)->dest)
			g_sequence_insert_sorted(choosing, m, before, NULL);
	}
	for (i = g_sequence_get_begin_iter(choosing); !g_sequence_iter_is_end(i); i = g_sequence_iter_next(i))
		queue_claim(g_sequence_get(i), choose(g_sequence_get(i)).host);
	q->open = true;
	for_lanes(q, lane_update);
}

/* ---- migrations come and go ---- */

static void join(struct mig *m)
{
	entry_of(m)->in_order = g_sequence_insert_sorted(line_of(m)->order, m, before, NULL);
	wait_in(m, entry_of(m)->source->ready, NULL);
	soon(queue_of(m));
}

static void leave(struct mig *m)
{
	g_clear_pointer(&entry_of(m)->in_order, g_sequence_remove);
	wait_in(m, NULL, NULL);
}

static void count_slot(struct mig *m, bool slot)
{
	struct queue_entry *p = entry_of(m);
	int by = (int)slot - (int)p->slot;

	p->slot = slot;
	p->source->outbound += by;
	p->source->line->running += by;
	if (!by)
		return;
	lane_update(p->source);
	if (by < 0)
		soon(queue_of(m));
}

/* @place: what it takes there is known, and stands in the record */
static void claim(const struct mig *m, struct host *h, enum claim_role role, bool place)
{
	const struct server *s = mig_server(m);
	struct claim c = { .task_id = m->id, .role = role };

	if (!s) {
		fleet_unclaim(queue_of(m)->engine->fleet, m->id, role);
		return;
	}
	g_strlcpy(c.server_uuid, s->uuid, sizeof c.server_uuid);
	c.usage = m->kind->usage ? m->kind->usage(m, role) : server_usage(s);
	c.place = place && m->claimed_cpus ? place_use_parse(m->claimed_cpus) : NULL;
	fleet_claim(queue_of(m)->engine->fleet, h, &c);
}

/* A host that is gone has no room to keep. */
static bool holds_source(const struct mig *m)
{
	return mig_holds(m, TASK_CLAIM_SOURCE) && mig_source(m);
}

static void keep_source(struct mig *m)
{
	bool keeps = holds_source(m);

	if (keeps == entry_of(m)->at_source)
		return;
	entry_of(m)->at_source = keeps;
	if (keeps)
		claim(m, mig_source(m), CLAIM_SOURCE, false);
	else
		fleet_unclaim(queue_of(m)->engine->fleet, m->id, CLAIM_SOURCE);
}

void queue_add(struct mig *m)
{
	if (!m->kind->class)
		return;
	entry_of(m)->source = lane_of(line_of(m), m->source);
	queue_moved(m);
}

void queue_moved(struct mig *m)
{
	if (!m->kind->class)
		return;
	count_slot(m, mig_holds(m, TASK_SLOT));
	if (!mig_holds(m, TASK_CHOICE))
		queue_claim(m, mig_holds(m, TASK_CLAIM) ? mig_dest(m) : NULL);
	keep_source(m);
	if (mig_holds(m, TASK_QUEUED) && !entry_of(m)->in_order)
		join(m);
	else if (!mig_holds(m, TASK_QUEUED) && entry_of(m)->in_order)
		leave(m);
}

void queue_reorder(struct mig *m)
{
	if (!entry_of(m)->in_order)
		return;
	leave(m);
	join(m);
}

static void count_inbound(struct lane *l, int by)
{
	struct host *h = host_of(l);

	l->inbound += by;
	if (h)
		room_inbound(h, l->line->class, l->inbound);
}

void queue_claim(struct mig *m, struct host *h)
{
	struct queue_entry *p = entry_of(m);
	struct lane *old = p->dest, *new = h ? lane_of(line_of(m), h->name) : NULL;

	if (new == old)
		return;
	p->dest = new;
	if (old)
		count_inbound(old, -1);
	if (new)
		count_inbound(new, 1);
	if (h)
		claim(m, h, CLAIM_DEST, mig_dest(m) == h);
	else
		fleet_unclaim(queue_of(m)->engine->fleet, m->id, CLAIM_DEST);
	if (old)
		offer(old);
}

void queue_claim_cpus(struct mig *m)
{
	struct host *h = queue_claim_host(m);

	if (h)
		claim(m, h, CLAIM_DEST, true);
}

struct host *queue_claim_host(const struct mig *m)
{
	const struct lane *l = entry_of(m)->dest;

	return l ? host_of(l) : NULL;
}

/* ---- the hosts ---- */

static void host_changed(struct line *line, const char *name)
{
	struct lane *l = lane_of(line, name);
	GSequenceIter *i = g_sequence_get_begin_iter(line->anywhere), *next;
	struct mig *m;

	lane_update(l);
	while ((m = first_of(l->wanted)))
		wait_in(m, entry_of(m)->source->ready, NULL);
	for (; !g_sequence_iter_is_end(i); i = next) {
		next = g_sequence_iter_next(i);
		m = g_sequence_get(i);
		if (entry_of(m)->wanted == l)
			wait_in(m, entry_of(m)->source->ready, NULL);
	}
	offer(l);
}

void queue_host(struct queue *q, struct host *h)
{
	EACH_LINE(q, l)
		host_changed(l, h->name);
	soon(q);
}

void queue_room(struct queue *q, struct host *h)
{
	EACH_LINE(q, l)
		offer(lane_of(l, h->name));
}

static void limits_changed(struct lane *l)
{
	lane_update(l);
	offer(l);
}

void queue_limits(struct queue *q)
{
	for_lanes(q, limits_changed);
	soon(q);
}

/* ---- what is shown ---- */

int queue_position(const struct mig *m)
{
	GSequenceIter *i = m->task->entry.in_order;

	return i ? g_sequence_iter_get_position(i) + 1 : 0;
}

static char *slot_text(const struct line *l, enum task_limit which, const char *of, const char *host, int taken)
{
	int64_t max = limit(l, which);

	return g_strdup_printf("waits for a slot of %s%s: %d of %" G_GINT64_FORMAT " taken", of, host, taken, max == INT64_MAX ? 0 : max);
}

char *queue_waits_for(const struct mig *m)
{
	const struct queue_entry *p = entry_of(m);
	const struct line *l;

	if (!p->in_order)
		return NULL;
	l = line_of(m);
	if (!l->queue->open)
		return g_strdup("waits until every host has been asked after the start");
	if (p->wanted)
		return slot_text(l, TASK_INBOUND, m->requested_host ? "destination " : "a destination, such as ", p->wanted->name,
				 p->wanted->inbound);
	if (!source_is_up(p->source))
		return g_strdup_printf("waits for source %s to come up", p->source->name);
	if (!source_has_slot(p->source))
		return slot_text(l, TASK_OUTBOUND, "source ", p->source->name, p->source->outbound);
	if (!fleet_has_slot(l))
		return slot_text(l, TASK_IN_FLEET, "the fleet", "", l->running);
	return g_strdup("is the next to begin");
}

/* ---- for tests ---- */

/* A migration that waits for a destination while one has a slot, and nothing else stands in the way, was forgotten. */
static bool is_forgotten(const struct mig *m)
{
	struct fleet *f = queue_of(m)->engine->fleet;
	const struct queue_entry *p = entry_of(m);

	if (!p->wanted || !source_has_slot(p->source) || !source_is_up(p->source))
		return false;
	for (guint i = 0; i < fleet_hosts(f)->len; i++) {
		const struct host *h = g_ptr_array_index(fleet_hosts(f), i);

		if ((!m->requested_host || strcmp(m->requested_host, h->name) == 0) && !sched_is_busy(f, h, m->kind->class) && suits(m, h))
			return true;
	}
	return false;
}

static char *find_forgotten(const struct line *l)
{
	GSequenceIter *i = g_sequence_get_begin_iter(l->order);

	for (; !g_sequence_iter_is_end(i); i = g_sequence_iter_next(i)) {
		const struct mig *m = g_sequence_get(i);
		const struct queue_entry *p = entry_of(m);

		if (is_forgotten(m))
			return g_strdup_printf("migration %d waits for %s, though a host has a slot for it", (int)m->id, p->wanted->name);
		if (!p->wanted && p->source->runnable && source_is_up(p->source))
			return g_strdup_printf("migration %d waits, though nothing stands in its way", (int)m->id);
	}
	return NULL;
}

/* What a class's migrations hold, by themselves and as it was counted. */
struct tally {
	int running, inbound, queued;
};

static bool tally_differs(const struct tally *a, const struct tally *b)
{
	return a->running != b->running || a->inbound != b->inbound || a->queued != b->queued;
}

static struct tally counted(const struct line *l)
{
	struct tally t = { .running = l->running, .queued = g_sequence_get_length(l->order) };
	GHashTableIter it;
	void *lane;

	g_hash_table_iter_init(&it, l->lanes);
	while (g_hash_table_iter_next(&it, NULL, &lane))
		t.inbound += ((const struct lane *)lane)->inbound;
	return t;
}

static char *check_line(const struct line *l)
{
	struct tally held = { 0 }, is = counted(l);

	for (guint i = 0; i < l->queue->engine->active->len; i++) {
		const struct mig *m = g_ptr_array_index(l->queue->engine->active, i);

		if (m->kind->class != l->class)
			continue;
		held.running += mig_holds(m, TASK_SLOT);
		held.inbound += queue_claim_host(m) != NULL;
		held.queued += mig_holds(m, TASK_QUEUED);
		if (holds_source(m) != (room_claim_of(fleet_room(l->queue->engine->fleet), m->id, CLAIM_SOURCE) != NULL))
			return g_strdup_printf("migration %d is in %s, and its source does not have room for it accordingly", (int)m->id,
					       mig_phase_name(m));
		if (mig_holds(m, TASK_QUEUED) != (entry_of(m)->in_order && entry_of(m)->at))
			return g_strdup_printf("migration %d is in %s, and %s the queue", (int)m->id, mig_phase_name(m),
					       entry_of(m)->in_order ? "in" : "not in");
	}
	if (tally_differs(&held, &is))
		return g_strdup_printf("%s: %d hold a slot, %d are counted; %d an inbound one, %d are counted; %d are queued, %d are in the queue",
				       l->class->name, held.running, is.running, held.inbound, is.inbound, held.queued, is.queued);
	return l->queue->timer || !l->queue->open || !fleet_has_slot(l) ? NULL : find_forgotten(l);
}

char *queue_check(struct queue *q)
{
	char *wrong = NULL;

	EACH_LINE(q, l)
		if (!wrong)
			wrong = check_line(l);
	return wrong;
}
