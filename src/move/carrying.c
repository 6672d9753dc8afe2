/* SPDX-License-Identifier: Apache-2.0 */
#include "move/carrying.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "hv/carry.h"
#include "hv/xml/carrier_xml.h"
#include "move/block.h"
#include "move/block_make.h"
#include "move/call.h"
#include "move/move.h"
#include "task/step.h"
#include "task/task.h"

#define STALL_MS 60000 /* more than libvirt's keepalive takes to end what can be ended */

static struct move_carry *carry_of(const struct mig *m)
{
	return &move_of(m)->carry;
}

static struct hv_req of(const struct mig *m, enum hv_op op)
{
	return (struct hv_req){ .op = op, .uuid = m->uuid };
}

static struct part failed(const struct mig *m, const char *host, const char *what, const char *why)
{
	g_autofree char *text = g_strdup_printf("Cannot %s at %s: %s", what, host, why);

	(void)m;
	return part_because(PART_FAILED, text);
}

/* ---- looking ---- */

enum carrying_next carrying_next(enum carrier_state source, enum carrier_state dest)
{
	if (source == CARRIER_COPYING)
		return CARRYING_WATCH;
	if (source == CARRIER_NOT_TOLD)
		return CARRYING_LOOK;
	if (source != CARRIER_ABSENT)
		return CARRYING_DROP;
	if (dest == CARRIER_NOT_TOLD)
		return CARRYING_LOOK;
	return dest == CARRIER_ABSENT ? CARRYING_SEND : dest == CARRIER_ARRIVED ? CARRYING_COMPARE : CARRYING_DROP;
}

static struct part saw_dest(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	struct move_carry *c = carry_of(m);

	(void)done;
	if (r->err)
		return part_is(PART_READY);
	c->at_dest = r->carrier->state;
	g_clear_pointer(&c->files, g_ptr_array_unref);
	c->files = g_ptr_array_ref(r->carrier->files);
	return part_is(PART_READY);
}

static struct part look_at_dest(struct mig *m, part_done_f *done)
{
	struct hv_req req = of(m, HV_CARRIER_GET);
	struct part p = part_ask(m, mig_dest(m), &req, NULL, saw_dest, done);

	return p.next == PART_LATER ? part_is(PART_READY) : p;
}

static struct part saw_source(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	if (!r->err)
		carry_of(m)->at_source = r->carrier->state;
	return look_at_dest(m, done);
}

/* The source first: what has left it by then is found at the destination, or nowhere. */
static struct part look_at_both(struct mig *m, part_done_f *done)
{
	struct hv_req req = of(m, HV_CARRIER_GET);
	struct part p = part_ask(m, mig_source(m), &req, NULL, saw_source, done);

	return p.next == PART_LATER ? look_at_dest(m, done) : p;
}

bool carrying_heard(struct mig *m, const struct hv_event *ev)
{
	bool whole = ev->type == HV_EV_DOM && ev->state == HV_PAUSED && ev->reason != HV_R_STARTING && ev->reason != HV_R_MIGRATION;

	if (!whole || g_strcmp0(ev->host, m->dest) != 0 || !call_is_under_way(m->task->engine, m->server_uuid))
		return false;
	carry_of(m)->came = true;
	return true;
}

/* All has come, and the source's libvirt would answer only when its QEMU has ended. */
static bool is_leaving(const struct mig *m)
{
	return carry_of(m)->came && call_is_under_way(m->task->engine, m->server_uuid);
}

/* It may have gone since, by other hands: then the source counts again. */
static struct part saw_arrival(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	if (r->err || r->carrier->state != CARRIER_ARRIVED) {
		carry_of(m)->came = false;
		return look_at_both(m, done);
	}
	carry_of(m)->at_source = CARRIER_COPYING;
	return saw_dest(m, r, done);
}

static struct part look_at_arrival(struct mig *m, part_done_f *done)
{
	struct hv_req req = of(m, HV_CARRIER_GET);
	struct part p = part_ask(m, mig_dest(m), &req, NULL, saw_arrival, done);

	carry_of(m)->came = p.next == PART_WAITS;
	return p.next == PART_WAITS ? p : look_at_both(m, done);
}

struct part carrying_look(struct mig *m, part_done_f *done)
{
	struct move_carry *c = carry_of(m);

	c->at_source = c->at_dest = CARRIER_NOT_TOLD;
	c->compared = 0;
	c->carried_bytes = 0;
	return is_leaving(m) ? look_at_arrival(m, done) : look_at_both(m, done);
}

/* ---- sending ---- */

/* What libvirt is to copy; the rest is there by then. */
static GPtrArray *files_of(const struct mig *m)
{
	const GPtrArray *items = move_of(m)->copies;
	GPtrArray *files = carrier_files_new();

	for (guint i = 0; items && i < items->len; i++) {
		const struct block_item *k = g_ptr_array_index(items, i);

		if (!k->filled && k->mode != CARRY_STREAM)
			(void)carrier_files_add(files, k->path, k->mode == CARRY_FILE ? "raw" : k->format);
	}
	return files;
}

static void sent(struct mig *m, struct hv_reply *r)
{
	struct move_carry *c = carry_of(m);

	if (r->err && !c->error) /* else it was ended here, and libvirt only says that it was */
		c->error = g_strdup(r->err->message);
	c->ended = true;
	c->unsent += r->err && (err_code(r->err) == ERR_HV || err_code(r->err) == ERR_HV_LOCKED) && c->moved_bytes == 0;
	log_debug("carrier_call_ended", LOG_D("migration", m->id), LOG_S("error", c->error));
	/* It is time to look; but not beside a question that is under way: carrying_watch() sees it then. */
	if (m->task->timer)
		step_later(m, 0);
}

/* ---- where no carrier can ---- */

/* What a carrier was to fill is not good, and what was streamed only as long as nothing was done with the guest. */
static void forget_made(const struct mig *m)
{
	const GPtrArray *items = move_of(m)->copies;

	for (guint i = 0; items && i < items->len; i++) {
		struct block_item *k = g_ptr_array_index(items, i);

		k->ready = k->ready && k->filled;
	}
}

/* The record says so before it is done. */
static struct part stream_instead(struct mig *m, const char *why)
{
	g_autofree char *text = g_strdup_printf("no carrier can bring its disks; they go through the controller: %s", why ? why : "it does not say why");

	if (!step_note(m, m->phase, text, NULL, NULL))
		return part_is(PART_LATER);
	log_warning("carrier_given_up", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest), LOG_S("why", why));
	carry_of(m)->streams = true;
	carry_of(m)->touched = false;
	forget_made(m);
	return part_is(PART_AGAIN);
}

bool carrying_never_sends(const struct mig *m)
{
	const struct move_carry *c = &move_of(m)->carry;

	return c->sent > 0 && c->unsent >= c->sent;
}

struct part carrying_stream(struct mig *m)
{
	return stream_instead(m, carry_of(m)->error);
}

/* How much of it is there; within a file nothing tells. */
static void save_streamed(struct mig *m)
{
	const GPtrArray *items = move_of(m)->copies;
	struct mig_progress *p = &m->progress;

	p->disk_total = p->disk_processed = 0;
	for (guint i = 0; items && i < items->len; i++) {
		const struct block_item *k = g_ptr_array_index(items, i);

		p->disk_total += k->allocation_bytes;
		p->disk_processed += k->ready ? k->allocation_bytes : 0;
	}
	p->disk_remaining = p->disk_total - p->disk_processed;
	m->updated_us = clock_wall_us();
	step_save_progress(m);
}

/* Nothing locks the files meanwhile: a guest that ran in between has written to what was read. */
static struct part streamed(struct mig *m)
{
	struct move_carry *c = carry_of(m);

	if (!c->touched)
		return part_is(PART_READY);
	log_warning("carrier_void", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("source", m->source));
	c->touched = false;
	forget_made(m);
	return part_is(PART_AGAIN);
}

void carrying_saw(struct mig *m, const char *host)
{
	carry_of(m)->touched |= g_strcmp0(host, m->source) == 0;
}

/* ---- sending it ---- */

/* From here on the hosts say how far it is. */
static struct part send(struct mig *m)
{
	const struct conf *conf = fleet_conf(m->task->engine->fleet);
	struct host *dest = mig_dest(m);
	g_autoptr(GPtrArray) files = files_of(m);
	g_auto(GStrv) targets = carrier_xml_targets(files);
	g_autofree char *migrate_uri = host_migrate_uri(dest);
	struct hv_req req = of(m, HV_MIGRATE);

	req.migrate = (struct hv_migrate_params){
		.dest_uri = host_dest_uri(dest), .migrate_uri = migrate_uri, .dest_host = dest->name, .stays_paused = true,
		.native_tls = conf->live_migration_with_native_tls, .bandwidth_mibs = carry_limit(conf->live_migration_bandwidth, files->len),
		.copy_disks = (const char *const *)targets,
	};
	carry_of(m)->moved_ms = carry_of(m)->moved_bytes = 0;
	carry_of(m)->ended = carry_of(m)->came = false;
	g_clear_pointer(&carry_of(m)->error, g_free);
	if (!call_migrate(m, mig_source(m), &req, sent))
		return part_is(PART_LATER);
	carry_of(m)->sent++;
	log_info("carrier_sent", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("source", m->source), LOG_S("dest", m->dest),
	         LOG_D("files", files->len));
	return part_is(PART_LATER);
}

static struct part told(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	const struct hv_need *machine = r->needs && r->needs->len ? g_ptr_array_index(r->needs, 0) : NULL;

	(void)done;
	if (r->err)
		return part_is(PART_LATER);
	if (machine && machine->found == HV_FOUND_NOT)
		return stream_instead(m, machine->why ? machine->why : carry_of(m)->error);
	return failed(m, m->source, "begin to carry its disks", carry_of(m)->error);
}

/* It was refused: of what it needs, or because something else has a file open, which libvirt does not tell apart. */
static struct part can_it(struct mig *m, part_done_f *done)
{
	const char *arch = move_of(m)->at_source ? move_of(m)->at_source->arch : NULL;
	g_autoptr(GPtrArray) needs = hv_needs_new();
	struct hv_req req = { .op = HV_LOOKUP, .needs = needs };
	const char *name = carrier_xml_machine(arch);
	struct hv_need *n;

	if (!name)
		return failed(m, m->source, "begin to carry its disks", carry_of(m)->error);
	n = hv_need_add(needs, HV_NEED_MACHINE, name);
	n->arch = g_strdup(arch);
	n->virt_type = g_strdup("qemu");
	return part_ask(m, mig_source(m), &req, NULL, told, done);
}

static struct part begun(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	if (!r->err)
		return send(m);
	if (err_code(r->err) == ERR_HV_LOST || err_code(r->err) == ERR_HV_BUSY)
		return part_is(PART_LATER);
	/* An earlier one, with other files, or one that came back with a host. */
	if (err_code(r->err) == ERR_CONFLICT)
		return carrying_drop(m, done);
	util_replace(&carry_of(m)->error, r->err->message);
	return can_it(m, done);
}

struct part carrying_send(struct mig *m, part_done_f *done)
{
	struct move *v = move_of(m);
	g_autofree char *task = g_strdup_printf("%" G_GINT64_FORMAT, m->id);
	g_autoptr(GPtrArray) files = NULL;
	struct hv_req req = of(m, HV_CARRIER_START);
	struct part p;

	v->carries = true;
	p = block_prepare(m, done);
	if (v->carry.streams)
		save_streamed(m);
	if (p.next != PART_READY)
		return p;
	files = files_of(m);
	if (files->len == 0)
		return streamed(m);
	req.carrier = (struct carrier_params){
		.task = task, .guest = m->server_uuid, .files = files, .arch = v->at_source ? v->at_source->arch : NULL,
		.checks_cpu = v->carry.sent > 0, /* the last one may have been refused by a libvirt that knows no other way */
	};
	return part_ask(m, mig_source(m), &req, NULL, begun, done);
}

/* ---- watching ---- */

/* Return: nothing has moved for too long. */
static bool stalls(struct move_carry *c, const struct hv_job *j)
{
	if (c->moved_ms == 0 || j->disk_processed != c->moved_bytes) {
		c->moved_bytes = j->disk_processed;
		c->moved_ms = clock_now_ms();
	}
	return clock_now_ms() - c->moved_ms >= STALL_MS;
}

static struct part got_job(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	const struct hv_job *j = &r->job;

	if (carry_of(m)->ended) {
		carry_of(m)->ended = false;
		return part_is(PART_AGAIN);
	}
	if (r->err || !j->active)
		return part_is(PART_LATER);
	m->progress.disk_total = j->disk_total;
	m->progress.disk_processed = j->disk_processed;
	m->progress.disk_remaining = j->disk_remaining;
	m->updated_us = clock_wall_us();
	step_save_progress(m);
	if (!stalls(carry_of(m), j))
		return part_is(PART_LATER);
	log_warning("carrier_stalled", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest));
	util_replace(&carry_of(m)->error, "no byte has moved for a minute");
	return carrying_drop(m, done);
}

struct part carrying_watch(struct mig *m, part_done_f *done)
{
	struct hv_req req = of(m, HV_JOB_GET);

	return part_ask(m, mig_source(m), &req, NULL, got_job, done);
}

/* ---- ending it ---- */

static struct part dropped(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	(void)done;
	if (r->err)
		return part_is(PART_LATER);
	carry_of(m)->came = false;
	forget_made(m);
	return part_is(PART_AGAIN);
}

static struct part dropped_at_source(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	struct hv_req req = of(m, HV_DOM_DESTROY);

	return r->err ? part_is(PART_LATER) : part_ask(m, mig_dest(m), &req, NULL, dropped, done);
}

static struct part dropped_at_dest(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	struct hv_req req = of(m, HV_DOM_DESTROY);

	return r->err ? part_is(PART_LATER) : part_ask(m, mig_source(m), &req, NULL, dropped, done);
}

struct part carrying_drop(struct mig *m, part_done_f *done)
{
	bool leaves = carry_of(m)->at_source == CARRIER_COPYING && carry_of(m)->at_dest == CARRIER_ARRIVED;
	struct hv_req req = of(m, HV_DOM_DESTROY);

	return leaves ? part_ask(m, mig_dest(m), &req, NULL, dropped_at_dest, done) : part_ask(m, mig_source(m), &req, NULL, dropped_at_source, done);
}

/* ---- comparing ---- */

static const struct carrier_file *next_file(const struct mig *m)
{
	const struct move_carry *c = carry_of(m);

	return c->files && c->compared < c->files->len ? g_ptr_array_index(c->files, c->compared) : NULL;
}

static struct hv_req look_at(const struct carrier_file *f)
{
	return (struct hv_req){ .op = HV_VOL_GET, .vol.path = f->path };
}

/* A host that does not tell now is asked again; the folder is another call's, or it is silent. */
static bool is_for_later(const GError *e)
{
	return err_code(e) == ERR_HV_LOST || err_code(e) == ERR_HV_BUSY;
}

static struct part compare(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	struct move_carry *c = carry_of(m);
	const struct carrier_file *f = next_file(m);
	g_autofree char *why = NULL, *text = NULL;

	if (r->err)
		return is_for_later(r->err) ? part_is(PART_LATER) : failed(m, m->dest, "look for what was carried", r->err->message);
	why = carry_differs(g_str_equal(f->format, "raw") ? CARRY_FILE : CARRY_DISK, &c->source_vol, &r->vol);
	if (why) {
		text = g_strdup_printf("%s was carried to %s, and is not what it was: %s", f->path, m->dest, why);
		return part_because(PART_FAILED, text);
	}
	c->compared++;
	c->carried_bytes += c->source_vol.allocation_bytes;
	return carrying_compare(m, done);
}

static struct part compare_with(struct mig *m, struct hv_reply *r, part_done_f *done)
{
	struct move_carry *c = carry_of(m);
	struct hv_req req = look_at(next_file(m));

	if (r->err)
		return is_for_later(r->err) ? part_is(PART_LATER) : failed(m, m->source, "look for what was carried", r->err->message);
	move_clear_vol(&c->source_vol);
	c->source_vol = r->vol;
	r->vol = (struct hv_vol){ .exists = false };
	return part_ask(m, mig_dest(m), &req, NULL, compare, done);
}

/* All is there. A copy that was over before its job was looked at, or at the last look, has told nothing of that. */
static void save_carried(struct mig *m)
{
	struct mig_progress *p = &m->progress;

	p->disk_total = p->disk_processed = MAX(p->disk_total, carry_of(m)->carried_bytes);
	p->disk_remaining = 0;
	step_save_progress(m);
}

struct part carrying_compare(struct mig *m, part_done_f *done)
{
	const struct carrier_file *f = next_file(m);
	struct hv_req req;

	if (!f && carry_of(m)->compared)
		save_carried(m);
	if (!f)
		return part_is(PART_READY);
	req = look_at(f);
	return part_ask(m, mig_source(m), &req, NULL, compare_with, done);
}
