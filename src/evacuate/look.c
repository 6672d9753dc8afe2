/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/look.h"

#include "base/clock.h"
#include "base/log.h"
#include "evacuate/act.h"
#include "fleet/host_look.h"

#define LOOK_MS  750  /* the old host is looked for so long */
#define AFTER_MS 250  /* ... of it when the guest waits, at the least */
#define FRESH_MS 1500 /* what was begun before the guest waits is of use for so long */
#define YOUNG_MS 500  /* ... and as old it may be when the guest is told to start */
#define STOOD_MS 1000 /* a disk is to be seen to stay as it is for so long */
#define OLD_MS   5000 /* ... unless its last change is older than this: clocks are not that far apart */

/* Of which time an answer about the disk is. */
enum disk {
	DISK_FIRST,   /* when the look began */
	DISK_STARTED, /* the guest was started since */
	DISK_LAST,
};

struct look {
	struct engine *engine;
	int64_t id;
	struct evac *evac;  /* whose it is; NULL: nothing waits for it any more */
	int64_t at_ms;      /* when it began */
	bool wanted;        /* the guest waits; else it is being started */
	int open;           /* answers that have not come */
	char *dest, *path;  /* a file at the destination that the guest writes to; NULL: it has none */
	enum disk disk;
	bool told;          /* DISK_FIRST is answered */
	int64_t written_ns; /* ... by this; 0: not known */
	int64_t stands_ms;  /* until then it has to stay so */
	struct clock_timer *timer;
	struct evac_seen seen;
};

static void look_free(struct look *k)
{
	clock_cancel(&k->timer);
	g_free(k->seen.why);
	g_free(k->dest);
	g_free(k->path);
	g_free(k);
}

/* Its answers may come yet. */
static void drop(struct evac *e)
{
	struct look *k = g_steal_pointer(&e->look);

	if (!k)
		return;
	k->evac = NULL;
	if (k->open == 0)
		look_free(k);
}

static void end(struct look *k)
{
	struct mig *m = engine_find(k->engine, k->id);

	k->evac->look = NULL;
	if (m)
		k->evac->answers->look(m, &k->seen);
	look_free(k);
}

static bool ask_disk(struct look *k, enum disk disk);

static void finish(void *user)
{
	struct look *k = user;

	k->timer = NULL;
	if (!k->engine->stopping && (k->disk == DISK_LAST || !ask_disk(k, DISK_LAST)))
		end(k);
}

/* The disk is looked at for the last time when the others have answered, and there was time in between. */
static void took(struct look *k)
{
	int64_t left_ms = k->disk == DISK_LAST ? 0 : k->stands_ms - clock_now_ms();

	if (--k->open > 0)
		return;
	if (!k->evac)
		look_free(k);
	else if (k->wanted && left_ms > 0)
		k->timer = clock_after(left_ms, finish, k);
	else if (k->wanted)
		finish(k);
}

static void begin(struct mig *m, bool wanted);

/* QEMU may have written to it by the start, which is no sign: it is looked at from then on, for as long as ever. */
static void began_too_early(struct look *k)
{
	struct mig *m = k->evac && !k->engine->stopping ? engine_find(k->engine, k->id) : NULL;

	if (m && mig_source(m))
		begin(m, true);
}

static void got_disk(struct hv_reply *r, void *user)
{
	struct look *k = user;
	int64_t now_ns = !r->err && r->vol.exists ? r->vol.written_ns : 0;
	bool other = now_ns && now_ns != k->written_ns;

	if (k->disk == DISK_FIRST) {
		k->told = true;
		k->written_ns = now_ns;
		k->stands_ms = clock_now_ms() + (now_ns && clock_wall_us() / 1000 - now_ns / 1000000 < OLD_MS ? STOOD_MS : 0);
	} else if (k->disk == DISK_LAST) {
		k->seen.written = other;
	} else if (other) {
		k->written_ns = now_ns;
		began_too_early(k);
	}
	took(k);
}

/* Return: false: there is nothing to ask. */
static bool ask_disk(struct look *k, enum disk disk)
{
	struct hv_req req = { .op = HV_VOL_GET, .vol = { .path = k->path } };

	k->disk = disk;
	if (!k->path || (disk != DISK_FIRST && !k->written_ns) || !host_call(fleet_host(k->engine->fleet, k->dest), &req, got_disk, k))
		return false;
	k->open++;
	return true;
}

static void saw(bool lives, void *user)
{
	struct look *k = user;

	k->seen.lives |= lives;
	took(k);
}

static void said(enum host_said said, const char *why, void *user)
{
	struct look *k = user;

	k->seen.said = said;
	k->seen.why = g_strdup(why);
	took(k);
}

/* Return: borrowed; NULL. */
static const char *disk_of(const struct hv_dom *d)
{
	for (guint i = 0; d && i < d->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(d->disks, i);

		if (k->kind == HV_SOURCE_FILE && !k->cdrom && !k->readonly && !k->pool && k->source && *k->source == '/')
			return k->source;
	}
	return NULL;
}

/* An administrator's word is not held against an agent's. */
static void begin(struct mig *m, bool wanted)
{
	struct engine *e = m->task->engine;
	struct host *source = mig_source(m);
	const struct move *v = move_of(m);
	const char *path = disk_of(v->at_source);
	struct look *k;

	drop(evac_of(m));
	if (!source)
		return;
	k = evac_of(m)->look = g_new(struct look, 1);
	*k = (struct look){
		.engine = e, .id = m->id, .evac = evac_of(m), .at_ms = clock_now_ms(), .wanted = wanted, .open = 1,
		.dest = g_strdup(m->dest), .path = g_strdup(path ? path : disk_of(v->at_dest)),
	};
	k->told = !ask_disk(k, DISK_FIRST);
	k->seen.asked = host_is_fenced(source) && !source->forced_down && host_fence_ask(e->fleet, source, said, k);
	k->open += k->seen.asked;
	host_look_for(source, LOOK_MS, saw, k);
}

void evac_look_early(struct mig *m)
{
	const struct look *k = evac_of(m)->look;

	if (!host_connected(mig_source(m)) && !(k && clock_now_ms() - k->at_ms <= YOUNG_MS))
		begin(m, false);
}

void evac_look_drop(struct evac *e)
{
	drop(e);
}

/* What has looked for it until now ends too early for a guest that waits since now. */
static void look_longer(struct look *k, struct host *source)
{
	if (!source || clock_now_ms() + AFTER_MS <= k->at_ms + LOOK_MS)
		return;
	k->open++;
	host_look_for(source, AFTER_MS, saw, k);
}

/* The guest waits since. Return: the look is over. */
static bool is_over(struct look *k, struct host *source)
{
	k->wanted = true;
	look_longer(k, source);
	return !ask_disk(k, DISK_STARTED) && k->open == 0;
}

/* What has begun before and is neither old nor slow is as good as one that begins now: the guest runs as long after it. */
static bool is_good(const struct look *k)
{
	return k->told && clock_now_ms() - k->at_ms <= FRESH_MS;
}

static enum evac_next take(struct mig *m)
{
	struct look *k = g_steal_pointer(&evac_of(m)->look);
	enum evac_next next = evac_looked(m, &k->seen);

	look_free(k);
	return next;
}

enum evac_next evac_look(struct mig *m)
{
	struct evac *e = evac_of(m);

	if (e->look && e->look->wanted)
		return EVAC_N_NOTHING;
	if (!e->look || !is_good(e->look))
		begin(m, true);
	else if (is_over(e->look, mig_source(m)))
		return take(m);
	return e->look ? EVAC_N_NOTHING : EVAC_N_AGAIN;
}

/* ---- what follows ---- */

/* It was off when the evacuation began. */
static enum evac_next is_on(struct mig *m)
{
	g_autofree char *why = g_strdup_printf("the fence agent of %s says that the host is on", m->source);

	log_error("evacuation_fence_doubted", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("source", m->source),
		  LOG_S("do", "it was switched on, or its fence agent is not to be believed; nothing runs at the destination. Fence it again when that is clear"));
	host_fence_doubted(m->task->engine->fleet, mig_source(m));
	return evac_give_up(m, true, why);
}

static enum evac_next is_written(struct mig *m)
{
	g_autofree char *why = g_strdup_printf("its disk is being written to while it waits at %s, so %s may still run it", m->dest, m->source);

	log_error("evacuation_disk_written", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("source", m->source), LOG_S("dest", m->dest),
		  LOG_S("do", "nothing runs at the destination; find the process that writes to the disk before anything else is done"));
	return evac_give_up(m, true, why);
}

static enum evac_next is_unsure(struct mig *m, const char *why)
{
	if (!evac_of(m)->unsure)
		log_error("evacuation_fence_unsure", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("source", m->source), LOG_S("reason", why),
			  LOG_S("do", "the guest waits until the fence agent says that the host is off, or an administrator does (openstack compute service set --down)"));
	evac_of(m)->unsure = true;
	return EVAC_N_AGAIN;
}

/* One that answers is asked for the guest. */
enum evac_next evac_looked(struct mig *m, const struct evac_seen *seen)
{
	evac_of(m)->looked = false;
	if (seen->lives)
		return EVAC_N_ASK;
	if (seen->written)
		return is_written(m);
	if (seen->asked && seen->said == HOST_SAID_ON)
		return is_on(m);
	if (seen->asked && seen->said == HOST_SAID_NOTHING)
		return is_unsure(m, seen->why);
	evac_of(m)->looked = true;
	return EVAC_N_ASK;
}
