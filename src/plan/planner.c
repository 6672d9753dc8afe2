/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/planner.h"

#include "plan/assign.h"
#include "plan/exact.h"

#define SCHEDULED_MAX 2000 /* steps whose course is played through */

/* ---- an order and what it says ---- */

/* What comes to a host and leaves it, in the order of the plan. */
struct traffic {
	GArray *leaving;     /* guint: steps */
	guint needed;        /* of these so many must have ended */
	struct usage coming; /* the sum of all arrivals */
	struct usage left;   /* ... and of the leaving that are needed */
};

static void traffic_free(struct traffic *t, guint n)
{
	for (guint h = 0; h < n; h++)
		if (t[h].leaving)
			g_array_unref(t[h].leaving);
	g_free(t);
}

static bool is_covered(const struct traffic *t, const struct usage *free)
{
	struct usage room = *free;

	planner_add(&room, &t->left, 1);
	return planner_has_room(&room, &t->coming);
}

static struct usage most(const struct usage *a, const struct usage *b)
{
	return (struct usage){ MAX(a->vcpus, b->vcpus), MAX(a->memory_mb, b->memory_mb), MAX(a->disk_gb, b->disk_gb), MAX(a->servers, b->servers) };
}

/* Those that must have left its destination before it comes. */
static void wait_for_room(const struct planner_fleet *f, struct planner_result *r, struct traffic *t, struct planner_step *s)
{
	struct usage free = planner_free(&f->hosts[s->to]), load = f->hosts[s->to].used;

	planner_add(&t->coming, &f->guests[s->guest].size, 1);
	while (!is_covered(t, &free) && t->leaving && t->needed < t->leaving->len) {
		const struct planner_step *leaves = g_ptr_array_index(r->steps, g_array_index(t->leaving, guint, t->needed));

		planner_add(&t->left, &f->guests[leaves->guest].size, 1);
		t->needed++;
	}
	if (t->needed > 0)
		g_array_append_vals(s->after, t->leaving->data, t->needed);
	planner_add(&load, &t->coming, 1);
	planner_add(&load, &t->left, -1);
	r->hosts[s->to].worst = most(&r->hosts[s->to].worst, &load);
}

static bool waits_for(const struct planner_step *s, guint n)
{
	for (guint i = 0; i < s->after->len; i++)
		if (g_array_index(s->after, guint, i) == n)
			return true;
	return false;
}

static void add_step(const struct planner_fleet *f, struct planner_result *r, struct traffic *traffic, const struct order_move *m, guint before)
{
	const struct planner_guest *g = &f->guests[m->guest];
	struct planner_step *s = g_new0(struct planner_step, 1);
	guint n = r->steps->len;

	s->guest = m->guest;
	s->from = m->from;
	s->to = m->to;
	s->detour = m->detour;
	s->wave = MAX(f->hosts[g->host].wave, 1);
	s->after = g_array_new(FALSE, FALSE, sizeof(guint));
	s->seconds = planner_seconds(f, g);
	s->bytes = g->bytes;
	wait_for_room(f, r, &traffic[m->to], s);
	if (before != PLANNER_ANY && !waits_for(s, before))
		g_array_append_val(s->after, before);
	if (!traffic[m->from].leaving)
		traffic[m->from].leaving = g_array_new(FALSE, FALSE, sizeof(guint));
	g_array_append_val(traffic[m->from].leaving, n);
	g_ptr_array_add(r->steps, s);
	planner_add(&r->hosts[m->from].after, &g->size, -1);
	planner_add(&r->hosts[m->to].after, &g->size, 1);
	r->hosts[m->from].touched = r->hosts[m->to].touched = true;
}

static void add_steps(const struct planner_fleet *f, struct planner_result *r, const GArray *moves)
{
	struct traffic *traffic = g_new0(struct traffic, f->n_hosts);
	g_autofree guint *last = g_new(guint, f->n_guests);

	for (guint g = 0; g < f->n_guests; g++)
		last[g] = PLANNER_ANY;
	for (guint i = 0; i < moves->len; i++) {
		const struct order_move *m = &g_array_index(moves, struct order_move, i);

		add_step(f, r, traffic, m, last[m->guest]);
		last[m->guest] = i;
	}
	traffic_free(traffic, f->n_hosts);
}

/* ---- how long it takes ---- */

struct course {
	const struct planner_fleet *f;
	const GPtrArray *steps;
	int64_t *ends;       /* of each step; 0: not begun */
	int *out, *in;       /* of each host */
	int running;
	guint first;         /* all steps before have begun */
};

static bool is_ready(const struct course *c, const struct planner_step *s, guint wave, int64_t now)
{
	const struct planner_limits *l = &c->f->limits;

	if (s->wave != wave || c->out[s->from] >= l->out || c->in[s->to] >= l->in)
		return false;
	for (guint i = 0; i < s->after->len; i++) {
		int64_t end = c->ends[g_array_index(s->after, guint, i)];

		if (!end || end > now)
			return false;
	}
	return true;
}

static guint first_wave(const struct course *c, int64_t now)
{
	guint wave = G_MAXUINT;

	for (guint i = c->first; i < c->steps->len; i++)
		if (!c->ends[i] || c->ends[i] > now)
			wave = MIN(wave, ((const struct planner_step *)g_ptr_array_index(c->steps, i))->wave);
	return wave;
}

static void begin_ready(struct course *c, int64_t now)
{
	guint wave = first_wave(c, now);

	for (guint i = c->first; i < c->steps->len && c->running < c->f->limits.parallel; i++) {
		const struct planner_step *s = g_ptr_array_index(c->steps, i);

		if (c->ends[i] || !is_ready(c, s, wave, now))
			continue;
		c->ends[i] = now + s->seconds;
		c->out[s->from]++;
		c->in[s->to]++;
		c->running++;
	}
}

/* Return: when the next ones end; INT64_MAX: none runs. */
static int64_t end_next(struct course *c, int64_t now)
{
	int64_t next = INT64_MAX;

	for (guint i = c->first; i < c->steps->len; i++)
		if (c->ends[i] > now)
			next = MIN(next, c->ends[i]);
	for (guint i = c->first; i < c->steps->len; i++) {
		const struct planner_step *s = g_ptr_array_index(c->steps, i);

		if (c->ends[i] != next)
			continue;
		c->out[s->from]--;
		c->in[s->to]--;
		c->running--;
	}
	while (c->first < c->steps->len && c->ends[c->first] && c->ends[c->first] <= next)
		c->first++;
	return next;
}

static int64_t play(const struct planner_fleet *f, const GPtrArray *steps)
{
	g_autofree int64_t *ends = g_new0(int64_t, steps->len + 1);
	g_autofree int *slots = g_new0(int, 2 * f->n_hosts);
	struct course c = { .f = f, .steps = steps, .ends = ends, .out = slots, .in = slots + f->n_hosts };
	int64_t now = 0;

	while (c.first < steps->len) {
		int64_t next;

		begin_ready(&c, now);
		next = end_next(&c, now);
		if (next == INT64_MAX)
			break;
		now = next;
	}
	return now;
}

/* A large plan: what it takes at least. */
static int64_t estimate(const struct planner_fleet *f, const GPtrArray *steps)
{
	g_autofree int64_t *out = g_new0(int64_t, f->n_hosts), *in = g_new0(int64_t, f->n_hosts);
	int64_t all = 0, longest = 0;

	for (guint i = 0; i < steps->len; i++) {
		const struct planner_step *s = g_ptr_array_index(steps, i);

		all += s->seconds;
		out[s->from] += s->seconds;
		in[s->to] += s->seconds;
	}
	for (guint h = 0; h < f->n_hosts; h++)
		longest = MAX(longest, MAX(out[h] / f->limits.out, in[h] / f->limits.in));
	return MAX(longest, all / f->limits.parallel);
}

/* ---- what cannot be done ---- */

static void refusal_free(void *data)
{
	struct planner_refusal *x = data;

	g_ptr_array_unref(x->reasons);
	g_free(x->text);
	g_free(x);
}

static void reason_free(void *data)
{
	struct planner_reason *x = data;

	g_free(x->text);
	g_free(x);
}

static struct planner_refusal *refuse(struct planner_result *r, guint guest, char *text)
{
	struct planner_refusal *x = g_new0(struct planner_refusal, 1);

	x->guest = guest;
	x->text = text;
	x->reasons = g_ptr_array_new_with_free_func(reason_free);
	g_ptr_array_add(r->refusals, x);
	return x;
}

static void add_reason(struct planner_refusal *x, guint host, char *text)
{
	struct planner_reason *why = g_new0(struct planner_reason, 1);

	why->host = host;
	why->text = text;
	g_ptr_array_add(x->reasons, why);
}

/* It may go anywhere, and fits nowhere: why not, at each host, when all others are where they go. */
static void refuse_everywhere(const struct planner_fleet *f, struct planner_result *r, guint g, const struct usage *free)
{
	struct planner_refusal *x = refuse(r, g, g_strdup("no host has room for it"));

	for (guint h = 0; h < f->n_hosts; h++) {
		char *why = h == f->guests[g].host ? NULL : planner_lacks(f, &f->guests[g], h, &free[h]);

		if (why)
			add_reason(x, h, why);
		else if (h != f->guests[g].host)
			add_reason(x, h, g_strdup("other servers of the plan need its room"));
	}
}

/* @to: PLANNER_STAYS where it is refused */
static void refuse_hopeless(const struct planner_fleet *f, struct planner_result *r, guint *to)
{
	for (guint g = 0; g < f->n_guests; g++) {
		const struct planner_guest *x = &f->guests[g];

		to[g] = x->to == x->host ? PLANNER_STAYS : x->to;
		if (to[g] == PLANNER_STAYS)
			continue;
		if (x->no)
			(void)refuse(r, g, g_strdup(x->no));
		else if (to[g] != PLANNER_ANY && !planner_suits(f, x, to[g]))
			add_reason(refuse(r, g, g_strdup_printf("host %s cannot take it", f->hosts[to[g]].name)), to[g],
				   planner_lacks(f, x, to[g], &f->hosts[to[g]].capacity));
		else
			continue;
		to[g] = PLANNER_STAYS;
	}
}

static void refuse_homeless(const struct planner_fleet *f, struct planner_result *r, guint *to)
{
	g_autofree struct usage *free = NULL;

	for (guint g = 0; g < f->n_guests; g++) {
		if (to[g] != PLANNER_ANY)
			continue;
		if (!free) {
			free = g_new(struct usage, f->n_hosts);
			for (guint h = 0; h < f->n_hosts; h++)
				free[h] = planner_free(&f->hosts[h]);
			for (guint k = 0; k < f->n_guests; k++)
				if (to[k] != PLANNER_ANY && to[k] != PLANNER_STAYS)
					planner_add(&free[to[k]], &f->guests[k].size, -1);
		}
		refuse_everywhere(f, r, g, free);
		to[g] = PLANNER_STAYS;
	}
}

static bool is_in_cycle(const GPtrArray *cycles, guint g)
{
	for (guint i = 0; i < cycles->len; i++) {
		const struct planner_cycle *c = g_ptr_array_index(cycles, i);

		for (guint k = 0; c->through == PLANNER_ANY && k < c->guests->len; k++)
			if (g_array_index(c->guests, guint, k) == g)
				return true;
	}
	return false;
}

/* Where the host that it was to go to has no room, even when all others have moved that can. */
static void refuse_pending(const struct planner_fleet *f, struct planner_result *r, const struct order_made *m, const guint *to)
{
	for (guint i = 0; i < m->pending->len; i++) {
		guint g = g_array_index(m->pending, guint, i), h = to[g];
		struct usage free = f->hosts[h].capacity;
		bool cycle = is_in_cycle(m->cycles, g);
		char *why;

		planner_add(&free, &r->hosts[h].after, -1);
		why = planner_lacks(f, &f->guests[g], h, &free);
		add_reason(refuse(r, g, g_strdup(cycle ? "it is one of servers that change places, and no third host has room for one of them" :
						 "the host that it was to go to has no room")),
			   h, why ? why : g_strdup("its room is needed by others"));
	}
}

/* ---- the whole ---- */

static guint count_pending_and_detours(const struct order_made *m)
{
	guint n = 2 * m->pending->len; /* a server that does not get there is worse than one that goes twice */

	for (guint i = 0; i < m->moves->len; i++)
		n += g_array_index(m->moves, struct order_move, i).detour;
	return n;
}

static void step_free(void *data)
{
	struct planner_step *s = data;

	g_array_unref(s->after);
	g_free(s);
}

/* The steps of an order, and what they say of the hosts. */
static void take_order(const struct planner_fleet *f, struct planner_result *r, const struct order_made *m)
{
	g_ptr_array_set_size(r->steps, 0);
	for (guint h = 0; h < f->n_hosts; h++)
		r->hosts[h] = (struct planner_use){ .worst = f->hosts[h].used, .after = f->hosts[h].used };
	add_steps(f, r, m->moves);
	r->seconds = r->steps->len > SCHEDULED_MAX ? estimate(f, r->steps) : play(f, r->steps);
}

/* Of two orders the one that gets more servers there, with fewer moves; then the faster one. Takes both, and gives one back. */
static struct order_made *better(const struct planner_fleet *f, struct planner_result *r, struct order_made *a, struct order_made *b)
{
	guint x = count_pending_and_detours(a), y = count_pending_and_detours(b);
	int64_t a_seconds;
	bool second = y < x;

	if (x == y && b->moves->len <= SCHEDULED_MAX) {
		take_order(f, r, a);
		a_seconds = r->seconds;
		take_order(f, r, b);
		second = r->seconds < a_seconds;
	}
	order_made_free(second ? a : b);
	return second ? b : a;
}

static struct order_made *find_order(const struct planner_fleet *f, struct planner_result *r, const guint *to)
{
	struct order_made *m = order_make(f, to, true), *exact;

	if (m->moves->len > 1 || m->pending->len > 0)
		m = better(f, r, m, order_make(f, to, false));
	if (!count_pending_and_detours(m))
		return m;
	exact = order_exact(f, to);
	if (!exact)
		return m;
	if (count_pending_and_detours(exact) >= count_pending_and_detours(m)) {
		order_made_free(exact);
		return m;
	}
	for (guint i = 0; i < m->cycles->len; i++) { /* it has found a way that the others have not: the cycles are broken, somewhere */
		const struct planner_cycle *c = g_ptr_array_index(m->cycles, i);

		if (c->through != PLANNER_ANY)
			g_ptr_array_add(exact->cycles, g_ptr_array_steal_index(m->cycles, i--));
	}
	order_made_free(m);
	return exact;
}

/* Return: owned; never NULL, not of no guests either, so that it may be copied from. */
static guint *copy_hosts(const struct planner_fleet *f, const guint *to)
{
	guint *r = g_new(guint, f->n_guests + 1);

	memcpy(r, to, f->n_guests * sizeof *to);
	return r;
}

/* An order in which everyone gets to where it finds room when the others have left; @to then says where. Return: NULL: there is none. */
static struct order_made *find_patient(const struct planner_fleet *f, struct planner_result *r, guint *to)
{
	g_autofree guint *there = copy_hosts(f, to);
	struct order_made *m;

	if (!assign_hosts(f, there, true))
		return NULL;
	m = find_order(f, r, there);
	if (m->pending->len > 0) {
		order_made_free(m);
		return NULL;
	}
	memcpy(to, there, f->n_guests * sizeof *to);
	return m;
}

/* A host for each, and an order. Room that others leave is counted on only where it is needed: it has to be waited for. */
static struct order_made *find_all(const struct planner_fleet *f, struct planner_result *r, guint *to)
{
	g_autofree guint *now = copy_hosts(f, to);
	struct order_made *m = assign_hosts(f, now, false) ? NULL : find_patient(f, r, to);

	if (m)
		return m;
	memcpy(to, now, f->n_guests * sizeof *to);
	refuse_homeless(f, r, to);
	return find_order(f, r, to);
}

struct planner_result *planner_run(const struct planner_fleet *f)
{
	struct planner_result *r = g_new0(struct planner_result, 1);
	g_autofree guint *to = g_new(guint, f->n_guests + 1);
	struct order_made *m;

	r->steps = g_ptr_array_new_with_free_func(step_free);
	r->refusals = g_ptr_array_new_with_free_func(refusal_free);
	r->hosts = g_new0(struct planner_use, f->n_hosts + 1);
	refuse_hopeless(f, r, to);
	m = find_all(f, r, to);
	take_order(f, r, m);
	refuse_pending(f, r, m, to);
	r->cycles = g_steal_pointer(&m->cycles);
	m->cycles = g_ptr_array_new();
	order_made_free(m);
	return r;
}

void planner_result_free(struct planner_result *r)
{
	if (!r)
		return;
	g_ptr_array_unref(r->steps);
	g_ptr_array_unref(r->refusals);
	g_ptr_array_unref(r->cycles);
	g_free(r->hosts);
	g_free(r);
}
