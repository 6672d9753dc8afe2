/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation
 * -------------------
 * There is one step: both hosts are asked for the guest, cold_decide() says what the answers mean in this stage, and the table
 * acts[] has the function that does it. An act is followed by asking again, so that a lost reply needs no care of its own; so is a
 * restart. The end of a stage goes on with the same answers, but for START: before the guest is started at the
 * destination the source is looked at once more.
 *
 * The two answers are not of one instant. Verdicts that such a gap could fake and that have no way back must be seen
 * several times.
 *
 * An answer to the request to shut off says nothing. The guest is asked again every few seconds, and stopped hard when its time,
 * which is in the row, is over. A migration that is given up meanwhile waits as long before it says that the guest runs on: it may
 * have heard the request.
 */
#include "cold/settle.h"

#include <assert.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cold/state.h"
#include "hv/xml/domxml_rewrite.h"
#include "move/carrying.h"
#include "move/check.h"
#include "move/definition_prepare.h"
#include "move/numa.h"
#include "move/search.h"
#include "move/service.h"
#include "task/queue.h"
#include "task/step.h"

#define AGAIN_MS 1000
#define AGAIN_MAX_MS 10000
#define PRESS_MS 5000
#define SURE_AFTER 3
#define REFUSALS_MAX 3
#define SENDS_MAX 3

static void judge(struct mig *m);
static void plan(struct mig *m);
static enum cold_carrier carrier_of(const struct mig *m);

static void again(struct mig *m)
{
	step_later(m, AGAIN_MS * MIN(cold_of(m)->repeats + 1, AGAIN_MAX_MS / AGAIN_MS));
}

/* The definition that the guest had at its source, as its row has it from LAND on. */
static const struct definition *landed(const struct mig *m)
{
	const struct definition *own = definition_find(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, DEFINITION_GUEST);

	return own && own->task == m->id ? own : NULL;
}

static bool ran(const struct mig *m)
{
	return m->vm_before == SERVER_ACTIVE;
}

/* ---- asking both ---- */

/* There may be a carrier: what is to be carried is not known to be nothing, and it can be there in this stage. */
static bool may_carry(const struct mig *m)
{
	const struct move *v = move_of(m);
	bool local = !v->planned || v->copies->len > 0;

	return local && (m->phase == COLD_P_CARRY || m->phase == COLD_P_START || m->phase == COLD_P_REVERT || m->phase == COLD_P_UNDO);
}

static void looked(struct mig *m, struct part p)
{
	g_free(p.why);
	if (p.next != PART_READY)
		return; /* it waits */
	cold_of(m)->awaited = 0;
	judge(m);
}

static void answered(struct mig *m)
{
	struct cold *c = cold_of(m);

	if (--c->awaited > 0)
		return;
	c->awaited = may_carry(m);
	if (c->awaited)
		looked(m, carrying_look(m, looked));
	else
		judge(m);
}

static void got_source(struct mig *m, struct hv_reply *r)
{
	move_heard_source(move_of(m), g_steal_pointer(&r->dom));
	answered(m);
}

static void got_dest(struct mig *m, struct hv_reply *r)
{
	move_heard_dest(move_of(m), g_steal_pointer(&r->dom));
	answered(m);
}

static void planned(struct check_report *r, void *user)
{
	struct mig *m = user;

	move_of(m)->precheck = NULL;
	if (r->source_lost) {
		again(m);
	} else if (r->err) {
		step_fail(m, r->err->message);
	} else {
		move_copies(move_of(m), r->copies ? g_steal_pointer(&r->copies) : g_ptr_array_new());
		cold_settle(m);
	}
}

/* What is to be carried: the search has it, but for a restart. */
static void plan(struct mig *m)
{
	struct check_request req = {
		.table = m->kind->checks, .server_uuid = m->server_uuid, .dest = m->dest, .block = m->block, .disk_check = m->disk_check, .chosen = true,
		.task = m->id, .claimed = queue_claim_host(m),
	};

	check_cancel(move_of(m)->precheck);
	move_of(m)->precheck = check_begin(service_of(m->task->engine)->checks, &req, planned, m);
}

void cold_settle(struct mig *m)
{
	struct cold *c = cold_of(m);
	struct hv_req req = { .op = HV_DOM_GET, .uuid = m->server_uuid };

	clock_cancel(&m->task->timer);
	if (c->awaited)
		return;
	if (m->phase == COLD_P_CARRY && !c->move.planned) {
		plan(m);
		return;
	}
	c->compared = false;
	move_heard_source(&c->move, NULL);
	move_heard_dest(&c->move, NULL);
	c->awaited = step_ask(m, mig_source(m), &req, got_source);
	c->awaited += step_ask(m, mig_dest(m), &req, got_dest);
	if (c->awaited)
		return;
	c->awaited = 1; /* neither host can be asked */
	answered(m);
}

void cold_left(struct mig *m)
{
	struct cold *c = cold_of(m);

	move_cancel(&c->move);
	c->awaited = 0;
	c->busy = false;
	c->refusals = 0;
	c->repeats = 0;
}

void cold_event(struct mig *m, const struct hv_event *ev)
{
	if (ev->type == HV_EV_DOM && m->phase >= COLD_P_STOP && !mig_rests(m) && !cold_of(m)->busy)
		cold_settle(m);
}

/* ---- acts; each is followed by asking again ---- */

/* What lies there is not what this migration may undefine. */
static void keep_definition(struct mig *m, const char *why)
{
	bool at_source = m->phase == COLD_P_CONFIRM;

	log_warning("definition_kept", LOG_D("migration", m->id), LOG_S("server", m->server_uuid),
		    LOG_S("host", at_source ? m->source : m->dest), LOG_S("why", why));
	if (at_source)
		move_of(m)->source_theirs = true;
	else
		move_of(m)->dest_theirs = true;
}

/* The destination has refused to start it, so it never ran there: it goes on at its source. */
static void start_refused(struct mig *m, const char *why)
{
	g_autofree char *text = g_strdup_printf("%s cannot start it: %s", m->dest, why);
	struct step_change c = step_change(m, COLD_P_REVERT, text);

	c.row.error = text;
	c.details = text;
	if (step_write(m, &c))
		cold_settle(m);
	else
		again(m);
}

static bool is_refusal(const GError *err)
{
	return err && err_code(err) != ERR_HV_LOST && err_code(err) != ERR_HV_BUSY;
}

static void got_act(struct mig *m, struct hv_reply *r)
{
	struct cold *c = cold_of(m);

	if (!r->err || (c->act == HV_DOM_UNDEFINE && err_code(r->err) == ERR_CONFLICT)) {
		if (r->err)
			keep_definition(m, r->err->message);
		c->refusals = 0;
		cold_settle(m);
		return;
	}
	log_warning("migration_act_failed", LOG_D("migration", m->id), LOG_S("act", hv_op_name(c->act)), LOG_S("error", r->err->message));
	c->refusals += is_refusal(r->err);
	if (c->act == HV_DOM_START && m->phase == COLD_P_START && c->refusals >= REFUSALS_MAX)
		start_refused(m, r->err->message);
	else
		again(m);
}

static void act(struct mig *m, struct host *h, const struct hv_req *like)
{
	struct hv_req req = *like;

	req.uuid = m->server_uuid;
	cold_of(m)->act = req.op;
	log_info("migration_act", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("act", hv_op_name(req.op)),
		 LOG_S("host", h ? h->name : NULL), LOG_S("because", cold_verdict_name(cold_of(m)->verdict)));
	if (!step_ask(m, h, &req, got_act))
		again(m);
}

/* ---- before anything is done, and before it lands: what both hosts have of it must allow it ---- */

static char *why_not(const struct mig *m)
{
	const struct move *v = move_of(m);
	const struct hv_kept *k = &v->at_source->kept;

	if (v->at_source->unreadable)
		return g_strdup_printf("the description of the domain on %s cannot be read: %s", m->source, v->at_source->unreadable);
	if (!v->at_source->persistent)
		return g_strdup_printf("the guest has no definition at %s, and would be nowhere once it is shut off: define it first (virsh define)", m->source);
	if (k->managed_save)
		return g_strdup_printf("%s keeps a managed save image of the guest, which would be left there: remove it (virsh managedsave-remove)", m->source);
	if (k->snapshots || k->checkpoints)
		return g_strdup_printf("%s keeps %d snapshots and %d checkpoints of the guest, which would be lost: remove them first", m->source,
				       k->snapshots, k->checkpoints);
	if (v->at_source->job_active)
		return g_strdup_printf("a job runs for the guest at %s", m->source);
	if (v->at_dest && v->at_dest->unreadable)
		return g_strdup_printf("%s has a domain of that UUID whose description cannot be read: %s", m->dest, v->at_dest->unreadable);
	return NULL;
}

static struct part movable(struct mig *m, part_done_f *done)
{
	g_autofree char *why = why_not(m);

	(void)done;
	if (why)
		return part_because(PART_FAILED, why);
	if (!move_of(m)->at_dest)
		return part_because(PART_NEXT_DESTINATION, "the destination cannot be asked");
	if (cold_half_of(move_of(m)->at_dest) == COLD_H_LIVES)
		return part_because(PART_NEXT_DESTINATION, "a copy of the guest lives there");
	return part_is(PART_READY);
}

static bool was_pressed(const struct mig *m)
{
	return cold_own(m)->stop_by_us != 0;
}

/* The guest is as it was as long as it was not asked to shut off: then another destination will do. */
static void prepare_failed(struct mig *m, enum part_next next, const char *why)
{
	bool untouched = m->phase == COLD_P_STOP && !was_pressed(m);

	if (next == PART_NEXT_DESTINATION && untouched)
		search_destination_failed(m, why);
	else
		step_fail(m, why);
}

static void act_on(struct mig *m, struct part p);

/* Return: all is ready; else what is to be done is under way. */
static bool prepared(struct mig *m)
{
	static struct part (*const parts[])(struct mig *, part_done_f *) = { movable, definition_prepare, numa_prepare };

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		struct part p = parts[i](m, act_on);

		if (p.next != PART_READY) {
			act_on(m, p);
			return false;
		}
	}
	return true;
}

static void act_on(struct mig *m, struct part p)
{
	g_autofree char *why = p.why;

	cold_of(m)->busy = p.next == PART_WAITS;
	switch (p.next) {
	case PART_WAITS:
		break;
	case PART_READY:
		judge(m);
		break;
	case PART_AGAIN:
		cold_settle(m);
		break;
	case PART_LATER:
		again(m);
		break;
	case PART_NEXT_DESTINATION:
	case PART_FAILED:
		prepare_failed(m, p.next, why);
		break;
	case PART_NEXT_N:
		g_assert_not_reached();
	}
}

/* ---- STOP ---- */

static void got_press(struct mig *m, struct hv_reply *r)
{
	cold_of(m)->presses--;
	if (r->err)
		log_info("shutdown_not_asked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("error", r->err->message));
}

/* One that does not run hears nothing; but so it looks, too, while QEMU writes what is left of a guest that has heard. */
static void press(struct mig *m)
{
	struct cold *c = cold_of(m);
	struct hv_req req = { .op = HV_DOM_SHUTDOWN, .uuid = m->server_uuid };

	if (c->move.at_source->state == HV_RUNNING && (!c->pressed_ms || clock_now_ms() - c->pressed_ms >= PRESS_MS)) {
		c->pressed_ms = clock_now_ms();
		log_info("shutdown_asked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("host", m->source));
		c->presses += step_ask_always(m, mig_source(m), &req, got_press); /* nothing here waits for the answer */
	}
	step_later(m, AGAIN_MS);
}

/* The intent is in the row before the guest hears of it. */
static void begin_to_stop(struct mig *m)
{
	int64_t timeout_s = fleet_conf(m->task->engine->fleet)->shutdown_timeout;

	cold_own(m)->stop_by_us = clock_wall_us() + timeout_s * G_USEC_PER_SEC;
	step_own_changed(m);
	if (step_note(m, COLD_P_STOP, "the guest is asked to shut off", NULL, NULL)) {
		judge(m);
		return;
	}
	cold_own(m)->stop_by_us = 0;
	again(m);
}

static bool its_time_is_over(const struct mig *m)
{
	return clock_wall_us() >= cold_own(m)->stop_by_us;
}

static void shut_off(struct mig *m)
{
	struct hv_req hard = { .op = HV_DOM_DESTROY, .ends = true };

	if (!was_pressed(m)) {
		if (prepared(m))
			begin_to_stop(m);
	} else if (its_time_is_over(m)) {
		act(m, mig_source(m), &hard);
	} else {
		press(m);
	}
}

/* What it was asked has no effect any more. */
static void stopped(struct mig *m)
{
	int64_t stop_by_us = cold_own(m)->stop_by_us;

	if (!was_pressed(m) && !prepared(m))
		return;
	cold_own(m)->stop_by_us = 0;
	step_own_changed(m);
	if (step_go(m, COLD_P_CARRY, stop_by_us ? "it is shut off" : "it was shut off", NULL, NULL))
		judge(m);
	else
		cold_own(m)->stop_by_us = stop_by_us;
}

/* ---- CARRY, LAND ---- */

static bool write_landing(struct mig *m, void *unused, GError **err)
{
	(void)unused;
	return definition_write_copy(m, err);
}

void cold_landing(struct mig *m)
{
	definition_copying(m);
}

/* The carrier holds them until the guest is about to start there. */
static void compared(struct mig *m, struct part p)
{
	cold_of(m)->compared = p.next == PART_READY;
	act_on(m, p);
}

static void streamed(struct mig *m, struct part p)
{
	cold_of(m)->streamed = p.next == PART_READY;
	act_on(m, p);
}

static void send(struct mig *m)
{
	const struct move_carry *c = &move_of(m)->carry;

	if (c->sent < SENDS_MAX)
		streamed(m, carrying_send(m, streamed));
	else
		step_fail(m, c->error ? c->error : "its disks could not be carried");
}

static void watch(struct mig *m)
{
	cold_of(m)->repeats = 0;
	act_on(m, carrying_watch(m, act_on));
}

static void drop_carrier(struct mig *m)
{
	act_on(m, carrying_drop(m, act_on));
}

static void carried(struct mig *m)
{
	if (carrier_of(m) == COLD_C_ARRIVED && !cold_of(m)->compared) {
		compared(m, carrying_compare(m, compared));
		return;
	}
	if (!prepared(m) || !step_go(m, COLD_P_LAND, "its disks are at the destination", write_landing, NULL))
		return;
	cold_landing(m);
	judge(m);
}

/* The source's definition as it fits the destination. Return: owned; NULL with @err. */
static char *definition_there(struct mig *m, const char *xml, GError **err)
{
	struct fleet *f = m->task->engine->fleet;
	struct domxml_changes ch = {
		.vnc_listen = host_listen(f, mig_dest(m), "vnc"), .spice_listen = host_listen(f, mig_dest(m), "spice"), .numa_fit = move_of(m)->numa_fit,
	};
	g_autoptr(GPtrArray) listeners = domxml_listeners(xml);

	if (!ch.numa_fit && !domxml_listens_elsewhere(listeners, &ch))
		return g_strdup(xml);
	return domxml_rewrite(xml, &ch, err);
}

/* After a restart its place is found once more, before it is defined there. */
static bool placed(struct mig *m, GError **err)
{
	struct part p = numa_prepare(m, act_on);

	if (p.next != PART_READY)
		g_set_error(err, ERR, ERR_PRECHECK, "%s", p.why);
	g_free(p.why);
	return p.next == PART_READY;
}

static void define(struct mig *m)
{
	const struct definition *own = landed(m);
	g_autoptr(GError) why = NULL;
	g_autofree char *xml = NULL;

	if (!own) {
		step_fail(m, "the row of its definition is gone");
		return;
	}
	if (!placed(m, &why) && m->phase == COLD_P_LAND) {
		step_fail(m, why->message);
		return;
	}
	g_clear_error(&why);
	xml = definition_there(m, own->xml, &why);
	if (xml && cold_of(m)->refusals < REFUSALS_MAX)
		act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_DEFINE, .xml = xml });
	else if (m->phase == COLD_P_LAND)
		step_fail(m, why ? why->message : "the destination refuses its definition");
	else
		again(m);
}

/* Its source does not start it by itself any more. Return: it is so. */
static bool source_is_quiet(struct mig *m)
{
	const struct hv_dom *d = move_of(m)->at_source;

	if (!d || !d->kept.autostart || cold_of(m)->refusals >= REFUSALS_MAX)
		return true;
	act(m, mig_source(m), &(struct hv_req){ .op = HV_DOM_AUTOSTART, .autostart = false });
	return false;
}

static void landed_there(struct mig *m)
{
	if (source_is_quiet(m) && step_go(m, COLD_P_START, ran(m) ? "it is defined there, and is to run" : "it is defined there", NULL, NULL))
		cold_settle(m); /* the source once more */
}

/* ---- START ---- */

static void start_dest(struct mig *m)
{
	act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_START });
}

/* Its host tells again soon; until then no other guest may have its CPUs. */
static void take_ties(struct mig *m)
{
	struct server *s = mig_server(m);

	if (s && move_of(m)->at_dest && move_of(m)->at_dest->ties)
		server_set_ties(s, move_of(m)->at_dest->ties);
}

static void arrived(struct mig *m)
{
	struct hv_req req;

	move_of(m)->arrived = true;
	if (cold_of(m)->refusals < REFUSALS_MAX &&
	    definition_lacks(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, move_of(m)->at_dest, &req)) {
		act(m, mig_dest(m), &req);
		return;
	}
	take_ties(m);
	if (step_go(m, COLD_P_VERIFY, ran(m) ? "it runs at the destination" : "it is at the destination", NULL, NULL))
		cold_rest(m);
}

/* ---- VERIFY ---- */

static void confirm_itself(struct mig *m)
{
	struct requester who = { .user_id = m->user_id, .project_id = m->project_id, .request_id = m->request_id };
	struct step_change c = step_change(m, COLD_P_CONFIRM, "resize_confirm_window has passed");

	c.starts = &m->kind->actions[COLD_CONFIRM_RESIZE];
	c.who = &who;
	if (step_write(m, &c))
		cold_settle(m);
	else
		again(m);
}

/* A window that is set or changed later counts as well. */
void cold_rest(struct mig *m)
{
	int64_t window_s = fleet_conf(m->task->engine->fleet)->resize_confirm_window;
	int64_t left_ms = (m->updated_us - clock_wall_us()) / 1000 + window_s * 1000;

	if (!window_s)
		return;
	if (left_ms > 0)
		step_later(m, left_ms);
	else
		confirm_itself(m);
}

/* ---- CONFIRM ---- */

static void confirmed(struct mig *m)
{
	struct hv_req req;

	if (cold_of(m)->refusals < REFUSALS_MAX &&
	    definition_lacks(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, move_of(m)->at_dest, &req))
		act(m, mig_dest(m), &req);
	else
		step_end(m, COLD_P_CONFIRMED, NULL);
}

/* What the source refuses to forget does not keep the migration from its end, but it must not start the guest. */
static void undefine_source(struct mig *m)
{
	const struct definition *own = landed(m);

	if (own && cold_of(m)->refusals < REFUSALS_MAX) {
		act(m, mig_source(m), &(struct hv_req){ .op = HV_DOM_UNDEFINE, .xml = own->xml });
		return;
	}
	log_error("migration_act_given_up", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("act", hv_op_name(HV_DOM_UNDEFINE)),
		  LOG_S("error", "the definition stays at the source"));
	confirmed(m);
}

/* ---- REVERT, UNDO ---- */

static void destroy_dest(struct mig *m)
{
	act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_DESTROY, .ends = true });
}

static void undefine_dest(struct mig *m)
{
	const struct definition *own = landed(m);

	if (own)
		act(m, mig_dest(m), &(struct hv_req){ .op = HV_DOM_UNDEFINE, .xml = own->xml });
	else
		again(m);
}

static void start_source(struct mig *m)
{
	act(m, mig_source(m), &(struct hv_req){ .op = HV_DOM_START });
}

/* Its source starts it by itself as it did. Return: it is so. */
static bool source_is_as_it_was(struct mig *m)
{
	const struct definition *own = landed(m);
	const struct hv_dom *d = move_of(m)->at_source;

	if (!own || !own->autostart || !d || d->kept.autostart || cold_of(m)->refusals >= REFUSALS_MAX)
		return true;
	act(m, mig_source(m), &(struct hv_req){ .op = HV_DOM_AUTOSTART, .autostart = true });
	return false;
}

static void reverted(struct mig *m)
{
	if (!source_is_as_it_was(m))
		return;
	if (m->error)
		step_end(m, COLD_P_RETURNED, m->error);
	else
		step_end(m, COLD_P_REVERTED, NULL);
}

static void undone(struct mig *m)
{
	if (source_is_as_it_was(m))
		step_undone(m);
}

static void undone_blind(struct mig *m)
{
	log_warning("destination_not_asked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("dest", m->dest));
	undone(m);
}

/* ---- what cannot go on ---- */

static void give_up(struct mig *m)
{
	g_autofree char *why = g_strdup_printf("Compute service of %s is unavailable at this time.", m->dest);

	step_fail(m, why);
}

static void source_started(struct mig *m)
{
	step_fail(m, "the guest was started at its source in the meantime");
}

/* Nothing is touched: the record says so, with the evidence. */
static void broken(struct mig *m, const char *what)
{
	g_autofree char *why = g_strdup_printf("%s (%s: %s, %s: %s)", what, m->source, cold_half_name(cold_half_of(move_of(m)->at_source)), m->dest,
					       cold_half_name(cold_half_of(move_of(m)->at_dest)));
	struct step_change c = step_change(m, m->phase, why);

	c.row.error = c.server.fault = why;
	c.server.vm = SERVER_ERROR;
	if (!step_write(m, &c)) {
		again(m);
		return;
	}
	log_error("guest_lost", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("why", why));
	step_end(m, COLD_P_ERROR, m->error);
}

static void elsewhere(struct mig *m)
{
	broken(m, "the guest was moved to the destination by other hands");
}

static void two_sides(struct mig *m)
{
	broken(m, "the guest runs at its source again, and the destination has a newer state of it: find out which is wanted, and remove the other");
}

static void one_sided(struct mig *m)
{
	broken(m, "the guest is not where it should be left: its only definition stays as it is");
}

static void lost(struct mig *m)
{
	broken(m, "neither host has the guest any more");
}

static void split(struct mig *m)
{
	struct cold *c = cold_of(m);

	if (!c->alarmed)
		log_error("migration_alarm", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("what", cold_verdict_name(c->verdict)),
			  LOG_S("source", m->source), LOG_S("dest", m->dest),
			  LOG_S("do", "nothing was touched; look at both hosts (virsh list) and find out which copy the guest's clients and disks use "
				      "before either is stopped"));
	c->alarmed = true;
	again(m);
}

/* ---- what a verdict asks for ---- */

/* @seen: how often in a row it must be had, where a gap between the two answers could fake it and there is no way back. */
static const struct {
	int seen;
	void (*act)(struct mig *m);
} acts[] = {
	[COLD_WAIT]            = { 1, again },
	[COLD_SHUT_OFF]        = { 1, shut_off },
	[COLD_DROP_CARRIER]    = { 1, drop_carrier },
	[COLD_SEND]            = { 1, send },
	[COLD_WATCH]           = { 1, watch },
	[COLD_DEFINE]          = { 1, define },
	[COLD_START_DEST]      = { 1, start_dest },
	[COLD_DESTROY_DEST]    = { 1, destroy_dest },
	[COLD_UNDEFINE_DEST]   = { 1, undefine_dest },
	[COLD_START_SOURCE]    = { 1, start_source },
	[COLD_UNDEFINE_SOURCE] = { 1, undefine_source },
	[COLD_SETTLE]          = { 1, again },
	[COLD_STOPPED]         = { 1, stopped },
	[COLD_CARRIED]         = { 1, carried },
	[COLD_LANDED]          = { 1, landed_there },
	[COLD_ARRIVED]         = { 1, arrived },
	[COLD_REST]            = { 1, cold_rest },
	[COLD_CONFIRMED]       = { 1, confirmed },
	[COLD_CONFIRMED_BLIND] = { 1, again }, /* nothing would take the definition away later */
	[COLD_REVERTED]        = { 1, reverted },
	[COLD_UNDONE]          = { 1, undone },
	[COLD_UNDONE_BLIND]    = { 1, undone_blind },
	[COLD_GIVE_UP]         = { SURE_AFTER, give_up },
	[COLD_SOURCE_STARTED]  = { 1, source_started },
	[COLD_ELSEWHERE]       = { SURE_AFTER, elsewhere },
	[COLD_TWO_SIDES]       = { SURE_AFTER, two_sides },
	[COLD_ONE_SIDED]       = { SURE_AFTER, one_sided },
	[COLD_SPLIT]           = { SURE_AFTER, split },
	[COLD_LOST]            = { SURE_AFTER, lost },
};
static_assert(G_N_ELEMENTS(acts) == COLD_VERDICT_N, "acts is missing one");

static const enum cold_stage stage_of[] = {
	[COLD_P_STOP] = COLD_STOP, [COLD_P_CARRY] = COLD_CARRY, [COLD_P_LAND] = COLD_LAND, [COLD_P_START] = COLD_START, [COLD_P_VERIFY] = COLD_VERIFY,
	[COLD_P_CONFIRM] = COLD_CONFIRM, [COLD_P_REVERT] = COLD_REVERT, [COLD_P_UNDO] = COLD_UNDO,
};

/* A definition that is not ours stays, and counts as none. */
static enum cold_half half_of(const struct hv_dom *d, bool theirs)
{
	enum cold_half h = cold_half_of(d);

	return h == COLD_H_OFF && theirs ? COLD_H_ABSENT : h;
}

static enum cold_carrier carrier_of(const struct mig *m)
{
	const struct move_carry *c = &move_of(m)->carry;

	if (!may_carry(m) || (m->phase == COLD_P_CARRY && cold_of(m)->streamed))
		return COLD_C_NEEDLESS;
	return cold_carrier_of(c->at_source, c->at_dest);
}

static struct cold_sight sight_of(const struct mig *m)
{
	const struct move *v = move_of(m);

	return (struct cold_sight){
		.stage = stage_of[m->phase], .source = half_of(v->at_source, v->source_theirs), .dest = half_of(v->at_dest, v->dest_theirs),
		.carrier = carrier_of(m), .ran = ran(m), .landed = m->phase == COLD_P_UNDO ? landed(m) != NULL : m->phase >= COLD_P_LAND,
		.pressed = was_pressed(m) && !its_time_is_over(m),
	};
}

/* Right after a start a host may only be the slower one to be reached. */
static bool is_too_early(const struct mig *m, const struct cold_sight *s)
{
	return (s->source == COLD_H_UNKNOWN || s->dest == COLD_H_UNKNOWN) && !fleet_settled(m->task->engine->fleet);
}

/* A request that is on its way would shut it off at its source again. */
static bool may_still_be_pressed(const struct mig *m, enum cold_verdict v)
{
	return cold_of(m)->presses > 0 && (v == COLD_START_SOURCE || v == COLD_UNDONE || v == COLD_UNDONE_BLIND);
}

static void judge(struct mig *m)
{
	struct cold *c = cold_of(m);
	struct cold_sight s = sight_of(m);
	enum cold_verdict v = cold_decide(&s);

	c->repeats = v == c->verdict ? c->repeats + 1 : 0;
	c->verdict = v;
	log_debug("migration_probed", LOG_D("migration", m->id), LOG_S("source", cold_half_name(s.source)), LOG_S("dest", cold_half_name(s.dest)),
		  LOG_S("verdict", cold_verdict_name(v)));
	if (is_too_early(m, &s) || may_still_be_pressed(m, v) || c->repeats + 1 < acts[v].seen)
		again(m);
	else
		acts[v].act(m);
}
