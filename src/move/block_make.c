/* SPDX-License-Identifier: Apache-2.0 */
#include "move/block_make.h"

#include "base/err.h"
#include "base/log.h"
#include "move/block.h"
#include "move/move.h"
#include "task/step.h"

#define POOL_WAITS_MAX 60
#define BRING_MS (20 * 60 * 1000)

static struct block_item *next_item(const struct mig *m)
{
	const GPtrArray *items = move_of(m)->copies;

	for (guint i = 0; items && i < items->len; i++) {
		struct block_item *k = g_ptr_array_index(items, i);

		if (!k->ready && (!move_of(m)->read_only || (k->filled && !k->changes)))
			return k;
	}
	return NULL;
}

static struct volume *volume_of(const struct mig *m, const struct block_item *i)
{
	return volume_find(m->task->engine->volumes, m->dest, i->path);
}

static struct part failed(const struct mig *m, const struct block_item *i, const char *what, const char *why)
{
	g_autofree char *text = g_strdup_printf("Cannot %s %s at %s: %s", what, i->path, m->dest, why);

	return part_because(PART_NEXT_DESTINATION, text);
}

/* A pool in which something is made, or from which something cannot be removed yet: not without limit. Return: again, later. */
static bool wait_for_pool(struct mig *m, const char *why)
{
	if (move_of(m)->pool_waits >= POOL_WAITS_MAX)
		return false;
	if (move_of(m)->pool_waits++ == 0)
		log_info("pool_awaited", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest), LOG_S("why", why));
	return true;
}

/* What is there now is found out by doing it again. Return: it will be, later. */
static bool again(struct mig *m, const struct hv_reply *r)
{
	if (r->err && err_code(r->err) == ERR_HV_BUSY)
		return wait_for_pool(m, r->err->message);
	return r->err && err_code(r->err) == ERR_HV_LOST;
}

/* ---- making a file: the row says that it is about to be ours, and it is known not to be there ---- */

static struct part made(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	struct block_item *i = next_item(m);
	struct volume *v = volume_of(m, i);

	(void)done;
	if (again(m, r))
		return part_is(PART_LATER);
	if (r->err) {
		if (err_code(r->err) == ERR_CONFLICT)
			volume_forget(v); /* it was made between our look and our call: it is not ours */
		return failed(m, i, "make", r->err->message);
	}
	if (i->filled && !volume_ready(v))
		return part_is(PART_LATER); /* it could not be written: as if it had not been made */
	i->ready = true;
	move_of(m)->pool_waits = 0;
	log_info("volume_made", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("host", m->dest), LOG_S("path", i->path));
	return part_is(PART_AGAIN);
}

#define SLOW_BYTES_PER_MS 2000 /* slower than any network between hosts */

static struct part bring(struct mig *m, const struct block_item *i, part_done_f *done)
{
	int64_t long_ms = i->allocation_bytes / SLOW_BYTES_PER_MS;
	struct hv_req req = {
		.op = HV_VOL_COPY, .timeout_ms = MAX(long_ms, BRING_MS),
		.vol = { .path = i->path, .format = i->format, .source_uri = mig_source(m)->uri, .source_host = m->source },
	};

	return part_ask(m, mig_dest(m), &req, volume_of(m, i), made, done);
}

/* As a carrier wants it. What it is laid over must be there first: the description of a guest that is off does not name it. */
static struct part make_for_carrier(struct mig *m, struct block_item *i, const struct hv_vol *at_source, part_done_f *done)
{
	const struct carry_facts facts = { .format = i->format, .head = at_source->head };
	struct hv_req req = { .op = HV_VOL_CREATE };
	const char *why;

	if (at_source->backing && block_add_base(move_of(m)->copies, i, at_source->backing, at_source->backing_format))
		return part_is(PART_AGAIN);
	i->allocation_bytes = at_source->allocation_bytes;
	if (i->filled)
		return bring(m, i, done);
	i->mode = carry_mode(&facts, &why);
	if (move_of(m)->carry.streams && i->mode != CARRY_NEVER) {
		i->mode = CARRY_STREAM;
		why = "no carrier can bring it";
	}
	if (i->mode == CARRY_STAYS || i->mode == CARRY_NEVER) {
		g_autofree char *text = g_strdup_printf("%s cannot be carried: %s", i->path, why);

		return part_because(PART_FAILED, text);
	}
	log_info("volume_goes", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("path", i->path), LOG_S("mode", carry_mode_name(i->mode)),
	         LOG_S("why", why));
	if (i->mode == CARRY_STREAM)
		return bring(m, i, done);
	req.vol = carry_room(i->path, i->mode, at_source);
	i->capacity_bytes = at_source->capacity_bytes;
	return part_ask(m, mig_dest(m), &req, volume_of(m, i), made, done);
}

/* @i: its size is known. */
static struct part make_empty(struct mig *m, const struct block_item *i, part_done_f *done)
{
	struct hv_req req = {
		.op = HV_VOL_CREATE,
		.vol = { .path = i->path, .format = i->format, .backing = i->backing, .backing_format = i->backing_format, .capacity_bytes = i->capacity_bytes },
	};

	return part_ask(m, mig_dest(m), &req, volume_of(m, i), made, done);
}

static struct part got_capacity(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	struct block_item *i = next_item(m);
	g_autofree char *why = NULL;

	if (again(m, r))
		return part_is(PART_LATER);
	if (!r->err && r->vol.exists && r->vol.kind != HV_SOURCE_FILE)
		return failed(m, i, "copy", "it leads to a block device, whose contents are not brought into a file");
	if (r->err)
		why = g_strdup_printf("Cannot look for %s at %s: %s", i->path, m->source, r->err->message);
	else if (!r->vol.exists)
		why = g_strdup_printf("%s has no volume %s: it is not in a pool", m->source, i->path);
	if (why)
		return part_because(PART_NEXT_DESTINATION, why);
	if (move_of(m)->carries)
		return make_for_carrier(m, i, &r->vol, done);
	i->capacity_bytes = r->vol.capacity_bytes;
	return make_empty(m, i, done);
}

static struct part make(struct mig *m, struct block_item *i, part_done_f *done)
{
	struct hv_req look = { .op = HV_VOL_GET, .vol = { .path = i->path, .head = move_of(m)->carries } };

	i->ready = i->noted;
	if (i->noted)
		return part_is(PART_AGAIN);
	if (i->rebuilt)
		return make_empty(m, i, done);
	if (i->filled && !move_of(m)->carries)
		return bring(m, i, done);
	return part_ask(m, mig_source(m), &look, NULL, got_capacity, done);
}

/* ---- what is there ---- */

static struct part looked(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	struct block_item *i = next_item(m);
	struct volume_new new = { volume_owner_task(m->id), m->server_uuid, m->dest, i->path, i->kind };
	g_autoptr(GError) err = NULL;

	if (again(m, r) || volume_of(m, i))
		return part_is(PART_LATER); /* or another migration began to make it meanwhile */
	if (r->err)
		return failed(m, i, "look for", r->err->message);
	if (r->vol.exists && !i->noted && (!i->filled || i->changes))
		return failed(m, i, "make", "it already exists, and is not a known leftover of Drover's");
	if (r->vol.exists) {
		i->ready = true; /* a base image, a drive or variables that are there already, of an earlier guest or of its own */
		return part_is(PART_AGAIN);
	}
	if (volume_note(m->task->engine->volumes, &new, &err))
		return make(m, i, done);
	step_not_written(m, err);
	return part_is(PART_LATER);
}

/* Made by this migration before a restart, a lost reply or a failed attempt: it may be half full. */
static struct part removed(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	struct block_item *i = next_item(m);

	if (again(m, r))
		return part_is(PART_LATER);
	return r->err ? failed(m, i, "remove the earlier", r->err->message) : make(m, i, done);
}

/* A base image that another migration has brought, or an earlier attempt of this one. Return: it can be used. */
static bool use(struct mig *m, const struct block_item *i, struct volume *v)
{
	return i->filled && v->ready && (!v->due || (!v->asked && volume_take(v, m->id)));
}

/* What an earlier migration has left. */
static struct part wait_for_removal(struct mig *m, const struct block_item *i)
{
	volumes_sweep(m->task->engine->volumes);
	if (wait_for_pool(m, "files of an earlier migration are being removed there"))
		return part_is(PART_LATER);
	return failed(m, i, "make", "files of an earlier migration could not be removed there yet");
}

static struct part prepare(struct mig *m, part_done_f *done)
{
	struct block_item *i = next_item(m);
	struct volume *v = i ? volume_of(m, i) : NULL;
	struct hv_req req = { .op = v ? HV_VOL_DELETE : HV_VOL_GET, .vol.path = i ? i->path : NULL };

	if (!i)
		return part_is(PART_READY);
	if (volumes_block(m->task->engine->volumes, m->dest, m->server_uuid))
		return wait_for_removal(m, i);
	if (v && use(m, i, v)) {
		i->ready = true;
		return prepare(m, done);
	}
	if (v && v->due && !v->calls)
		return wait_for_removal(m, i);
	if (v && (v->calls || !volume_is_of(v, m->id)))
		return part_is(PART_LATER); /* it is being made */
	return part_ask(m, mig_dest(m), &req, v, v ? removed : looked, done);
}

struct part block_prepare(struct mig *m, part_done_f *done)
{
	move_of(m)->read_only = false;
	return prepare(m, done);
}

struct part block_prepare_read(struct mig *m, part_done_f *done)
{
	move_of(m)->read_only = true;
	return prepare(m, done);
}
