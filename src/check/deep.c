/* SPDX-License-Identifier: Apache-2.0 */
#include "check/deep.h"

#include <assert.h>

#include "base/clock.h"
#include "base/err.h"

#define DISK_BYTES 65536
#define MOVE_MS 60000
#define AGAIN_MS 5000    /* what is to be removed and is not */
#define AGAIN_MAX 5

/* In their order. From STOP_TO on it is removed, whatever was before. */
enum step { FILE_FROM, FILE_TO, START, MOVE, LOOK, STOP_TO, STOP_FROM, DROP_TO, DROP_FROM, STEP_N };

struct deep {
	struct fleet *fleet;
	struct survey *s;
	void (*done)(void *user);
	void *user;
	guint pair;
	enum step step;
	bool stopped, open;
	int again;               /* how often this removal was tried */
	struct clock_timer *timer;
	/* of the pair */
	char *uuid, *guest, *path;
	bool copies;             /* the two share nothing: the disk is copied */
	GPtrArray *files;        /* of the carrier */
	char *migrate_uri;
};

static struct survey_pair *pair_of(const struct deep *d)
{
	return &g_array_index(d->s->pairs, struct survey_pair, d->pair);
}

static struct survey_host *from_of(const struct deep *d)
{
	return survey_host(d->s, pair_of(d)->from);
}

static struct survey_host *to_of(const struct deep *d)
{
	return survey_host(d->s, pair_of(d)->to);
}

/* ---- what is asked in each step ---- */

static void ask_file(const struct deep *d, struct hv_req *req)
{
	*req = (struct hv_req){ .op = HV_VOL_CREATE, .vol = { .path = d->path, .format = "raw", .capacity_bytes = DISK_BYTES } };
}

static void ask_start(const struct deep *d, struct hv_req *req)
{
	*req = (struct hv_req){ .op = HV_CARRIER_START, .carrier = { .task = CARRIER_CHECK, .guest = d->guest, .files = d->files, .arch = from_of(d)->arch } };
}

static void ask_move(const struct deep *d, struct hv_req *req)
{
	static const char *const disks[] = { "vda", NULL };
	const struct conf *c = fleet_conf(d->fleet);

	*req = (struct hv_req){ .op = HV_MIGRATE, .timeout_ms = MOVE_MS, .migrate = {
		.dest_uri = to_of(d)->peer_uri, .migrate_uri = d->migrate_uri, .stays_paused = true, .native_tls = c->live_migration_with_native_tls,
		.tunnelled = c->live_migration_tunnelled && !d->copies, .copy_disks = d->copies ? disks : NULL, .dest_host = to_of(d)->name,
	} };
}

static void ask_look(const struct deep *d, struct hv_req *req)
{
	(void)d;
	*req = (struct hv_req){ .op = HV_CARRIER_GET };
}

static void ask_stop(const struct deep *d, struct hv_req *req)
{
	(void)d;
	*req = (struct hv_req){ .op = HV_DOM_DESTROY };
}

static void ask_drop(const struct deep *d, struct hv_req *req)
{
	*req = (struct hv_req){ .op = HV_VOL_DELETE, .vol.path = d->path };
}

static const struct {
	const char *what;        /* for the finding */
	void (*ask)(const struct deep *d, struct hv_req *req);
	bool at_to;              /* the destination is asked */
	bool of_copies;          /* only where the disk is copied */
} steps[] = {
	[FILE_FROM] = { "a file is made at the source", ask_file },
	[FILE_TO]   = { "a file is made at the destination", ask_file, true, true },
	[START]     = { "the guest is started at the source", ask_start },
	[MOVE]      = { "it is migrated", ask_move },
	[LOOK]      = { "it is looked for at the destination", ask_look, true },
	[STOP_TO]   = { NULL, ask_stop, true },
	[STOP_FROM] = { NULL, ask_stop },
	[DROP_TO]   = { NULL, ask_drop, true, true },
	[DROP_FROM] = { NULL, ask_drop },
};
static_assert(G_N_ELEMENTS(steps) == STEP_N, "a step has no row");

/* ---- a pair ---- */

/* @want_shared: both have the same storage there; else it is enough that both have the folder. */
static bool fits(const struct deep *d, guint k, bool want_shared)
{
	const struct survey_folder *a = &from_of(d)->folders[k], *b = &to_of(d)->folders[k];

	if (!a->seen || !b->seen || !a->seen->exists || !b->seen->exists || !a->marked)
		return false;
	return survey_sees(d->s, k, pair_of(d)->from, pair_of(d)->to) || survey_sees(d->s, k, pair_of(d)->to, pair_of(d)->from) ? want_shared : !want_shared;
}

/* Return: its place; G_MAXUINT: there is none. */
static guint choose(struct deep *d)
{
	for (int shared = 1; shared >= 0; shared--)
		for (guint k = d->s->folders->len; k-- > 0;)
			if (fits(d, k, shared)) {
				d->copies = !shared;
				return k;
			}
	return G_MAXUINT;
}

static void pair_clear(struct deep *d)
{
	g_clear_pointer(&d->uuid, g_free);
	g_clear_pointer(&d->guest, g_free);
	g_clear_pointer(&d->path, g_free);
	g_clear_pointer(&d->migrate_uri, g_free);
	g_clear_pointer(&d->files, g_ptr_array_unref);
}

/* Return: why it cannot be tried; NULL. */
static const char *prepare(struct deep *d)
{
	const struct host *to = fleet_host(d->fleet, to_of(d)->name);
	guint folder = choose(d);

	if (folder == G_MAXUINT)
		return "no folder was found that both hosts have, and in which a file can be made";
	if (!to)
		return "the host was removed";
	d->uuid = util_uuid_new();
	d->guest = util_uuid_new();
	d->path = g_strdup_printf("%s/%s-%u-%u", (const char *)g_ptr_array_index(d->s->folders, folder), d->s->marker, pair_of(d)->from, pair_of(d)->to);
	d->files = carrier_files_new();
	(void)carrier_files_add(d->files, d->path, "raw");
	d->migrate_uri = host_migrate_uri(to);
	pair_of(d)->deep_folder = g_strdup(g_ptr_array_index(d->s->folders, folder));
	return NULL;
}

static void go_on(void *user);

static void later(struct deep *d)
{
	d->timer = clock_after(0, go_on, d);
}

/* Return: it can be tried. */
static bool begin_pair(struct deep *d)
{
	struct survey_pair *p = pair_of(d);
	const char *no = d->pair >= DEEP_PAIRS_MAX ? "there are too many pairs of hosts" : p->peer != SURVEY_YES ? "the one cannot reach the other's libvirtd" : prepare(d);

	if (!no)
		return true;
	pair_clear(d);
	p->deep_why = g_strdup(no);
	return false;
}

/* ---- steps ---- */

static void fail(struct deep *d, const char *why)
{
	struct survey_pair *p = pair_of(d);

	p->deep = SURVEY_NO;
	p->deep_why = g_strdup_printf("%s: %s", steps[d->step].what, why);
	d->step = STOP_TO;
}

static const char *refusal(const struct deep *d, const struct hv_reply *r)
{
	if (r->err)
		return r->err->message;
	if (d->step == LOOK && r->carrier->state != CARRIER_ARRIVED)
		return carrier_state_name(r->carrier->state);
	return NULL;
}

/* Return: it is tried again. What cannot be removed at all is found by its name, and removed later (see the header). */
static bool again(struct deep *d, const struct hv_reply *r)
{
	if (d->step < STOP_TO || !r->err || ++d->again >= AGAIN_MAX) {
		d->again = 0;
		return false;
	}
	d->timer = clock_after(AGAIN_MS, go_on, d);
	return true;
}

static void answered(struct hv_reply *r, void *user)
{
	struct deep *d = user;
	const char *why = refusal(d, r);

	d->open = false;
	if (d->stopped) {
		d->done(d->user);
		return;
	}
	if (again(d, r))
		return;
	if (d->step < STOP_TO && why) {
		fail(d, why);
	} else {
		if (d->step == LOOK)
			pair_of(d)->deep = SURVEY_YES;
		d->step++;
	}
	later(d);
}

static bool ask(struct deep *d)
{
	struct host *h = fleet_host(d->fleet, (steps[d->step].at_to ? to_of(d) : from_of(d))->name);
	struct hv_req req;

	steps[d->step].ask(d, &req);
	req.uuid = d->uuid;
	d->open = host_call(h, &req, answered, d);
	if (!d->open && d->step < STOP_TO)
		fail(d, "the host is not connected");
	else if (!d->open)
		d->step++;
	return d->open;
}

/* Return: an answer is awaited. */
static bool step_pair(struct deep *d)
{
	while (d->step < STEP_N) {
		if (steps[d->step].of_copies && !d->copies)
			d->step++;
		else if (ask(d))
			return true;
	}
	return false;
}

static void go_on(void *user)
{
	struct deep *d = user;

	d->timer = NULL;
	for (; d->pair < d->s->pairs->len; d->pair++) {
		if (!d->uuid && !begin_pair(d))
			continue;
		if (step_pair(d))
			return;
		pair_clear(d);
		d->step = FILE_FROM;
	}
	d->done(d->user);
}

struct deep *deep_begin(struct fleet *f, struct survey *s, void (*done)(void *user), void *user)
{
	struct deep *d = g_new0(struct deep, 1);

	*d = (struct deep){ .fleet = f, .s = s, .done = done, .user = user };
	later(d);
	return d;
}

bool deep_stop(struct deep *d)
{
	d->stopped = true;
	clock_cancel(&d->timer);
	return d->open;
}

void deep_free(struct deep *d)
{
	if (!d)
		return;
	g_assert(!d->open);
	clock_cancel(&d->timer);
	pair_clear(d);
	g_free(d);
}
