/* SPDX-License-Identifier: Apache-2.0 */
#include "evacuate/look.h"

#include "base/log.h"
#include "evacuate/act.h"
#include "fleet/host_look.h"

struct look {
	struct engine *engine;
	int64_t id;
	uint64_t turn;
	int open;           /* answers that have not come */
	char *dest, *disk;  /* a file at the destination that the guest writes to; NULL: it has none */
	int64_t changed_ns; /* of it, when the look began; 0: not told */
	bool again;         /* it was asked for once more */
	struct evac_seen seen;
};

static void end(struct look *k)
{
	struct mig *m = k->engine->stopping ? NULL : engine_find(k->engine, k->id);

	if (m && m->task->turn == k->turn)
		evac_of(m)->answers->look(m, &k->seen);
	g_free(k->seen.why);
	g_free(k->dest);
	g_free(k->disk);
	g_free(k);
}

static void ask_disk(struct look *k);

/* An answer has come. The disk is looked at when the others have been: there is time in between. */
static void took(struct look *k)
{
	if (--k->open > 0)
		return;
	if (k->changed_ns && !k->again && !k->engine->stopping) {
		k->again = true;
		ask_disk(k);
	}
	if (k->open == 0)
		end(k);
}

static void got_disk(struct hv_reply *r, void *user)
{
	struct look *k = user;
	int64_t now_ns = !r->err && r->vol.exists ? r->vol.changed_ns : 0;

	if (k->again)
		k->seen.written = now_ns && now_ns != k->changed_ns;
	else
		k->changed_ns = now_ns;
	took(k);
}

static void ask_disk(struct look *k)
{
	struct hv_req req = { .op = HV_VOL_GET, .vol = { .path = k->disk } };

	k->open += k->disk && host_call(fleet_host(k->engine->fleet, k->dest), &req, got_disk, k);
}

static void saw(bool lives, void *user)
{
	struct look *k = user;

	k->seen.lives = lives;
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
enum evac_next evac_look(struct mig *m)
{
	struct fleet *f = m->task->engine->fleet;
	struct host *source = mig_source(m);
	struct look *k;

	if (!source)
		return EVAC_N_AGAIN;
	k = g_new(struct look, 1);
	*k = (struct look){ m->task->engine, m->id, m->task->turn, 1, g_strdup(m->dest), g_strdup(disk_of(move_of(m)->at_dest)) };
	ask_disk(k);
	k->seen.asked = host_is_fenced(source) && !source->forced_down && host_fence_ask(f, source, said, k);
	k->open += k->seen.asked;
	host_look(source, saw, k);
	return EVAC_N_NOTHING;
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
