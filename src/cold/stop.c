/* SPDX-License-Identifier: Apache-2.0 */
#include "cold/stop.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "cold/act.h"
#include "cold/carry.h"
#include "cold/prepare.h"

#define AGAIN_MS 1000
#define PRESS_MS 5000

static bool its_time_is_over(const struct mig *m)
{
	return clock_wall_us() >= cold_own(m)->stop_by_us;
}

bool cold_may_heed(const struct mig *m)
{
	return (cold_was_pressed(m) && !its_time_is_over(m)) || clock_now_ms() < cold_of(m)->heed_ms;
}

void cold_seen_off(struct mig *m)
{
	if (!cold_press_under_way(m))
		cold_of(m)->heed_ms = 0;
}

/* How long the guest has to shut off by itself. Its source has told of it. */
static int64_t timeout_s(const struct mig *m)
{
	return server_shutdown_timeout_s(mig_server(m), move_of(m)->at_source, fleet_conf(m->task->engine->fleet)->shutdown_timeout);
}

bool cold_press_under_way(const struct mig *m)
{
	const struct cold *c = cold_of(m);

	return c->presses > 0 || clock_now_ms() < c->press_ms;
}

/* A libvirtd that has one may wait for the guest's agent so long, also when its caller is gone. */
static int64_t last_press_ends_ms(const struct cold *c)
{
	return c->pressed_ms + hv_op_limit_ms(HV_DOM_SHUTDOWN);
}

/* What the row says of those of an earlier process. It sent none after it ended, and the wall clock may have been set since. */
void cold_recall_presses(struct mig *m)
{
	int64_t limit_ms = hv_op_limit_ms(HV_DOM_SHUTDOWN), left_ms = (cold_own(m)->press_us - clock_wall_us()) / 1000;

	if (cold_was_pressed(m) && cold_own(m)->press_us)
		left_ms = limit_ms;
	if (left_ms > 0)
		cold_of(m)->press_ms = clock_now_ms() + MIN(left_ms, limit_ms);
}

/* Wall clock: one that is sent now may get to the guest until then. */
static int64_t press_would_end_us(void)
{
	return clock_wall_us() + hv_op_limit_ms(HV_DOM_SHUTDOWN) * 1000;
}

/* The row says that one is about to be sent, and when all are answered that none is: a restart then has none to wait for. */
static bool write_press(struct mig *m, int64_t press_us)
{
	int64_t was = cold_own(m)->press_us;

	cold_own(m)->press_us = press_us;
	if (step_save_own(m))
		return true;
	cold_own(m)->press_us = was;
	return false;
}

static void got_press(struct mig *m, struct hv_reply *r)
{
	struct cold *c = cold_of(m);

	c->presses--;
	if (r->err && err_code(r->err) == ERR_HV_LOST)
		c->press_ms = last_press_ends_ms(c);
	/* It may have reached the guest as late as this, and takes its time from there. */
	if (!r->err || err_code(r->err) == ERR_HV_LOST)
		c->heed_ms = MAX(clock_now_ms(), c->press_ms) + c->heed_for_ms;
	if (r->err)
		log_info("shutdown_not_asked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("error", r->err->message));
	if (!cold_press_under_way(m))
		(void)write_press(m, 0); /* else a restart waits for it, as if it were unanswered */
}

static void send_press(struct mig *m)
{
	struct cold *c = cold_of(m);
	struct hv_req req = { .op = HV_DOM_SHUTDOWN, .uuid = m->server_uuid };

	c->pressed_ms = clock_now_ms();
	c->heed_for_ms = timeout_s(m) * 1000;
	log_info("shutdown_asked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("host", m->source));
	c->presses += step_ask_always(m, mig_source(m), &req, got_press); /* nothing here waits for the answer */
}

/* The first one is in the row since the guest's time began. */
static bool is_written(struct mig *m)
{
	return (!cold_of(m)->pressed_ms && cold_own(m)->press_us) || write_press(m, press_would_end_us());
}

/* One that does not run hears nothing; but so it looks, too, while QEMU writes what is left of a guest that has heard. */
static enum cold_next press(struct mig *m)
{
	struct cold *c = cold_of(m);
	bool due = !c->pressed_ms || clock_now_ms() - c->pressed_ms >= PRESS_MS;

	if (c->move.at_source->state == HV_RUNNING && due && is_written(m))
		send_press(m);
	step_later(m, AGAIN_MS);
	return COLD_N_NOTHING;
}

/* What was made ready is; from here on it is its source's turn, in Nova's words. */
static bool write_resizing(struct mig *m, void *unused, GError **err)
{
	struct store *s = m->task->engine->store;

	(void)unused;
	return action_event_finish(s, m->action_id, NULL, NULL, err) &&
	       action_event_start(s, m->action_id, "compute_resize_instance", m->source, err);
}

/* The intent is in the row before the guest hears of it. */
static enum cold_next begin_to_stop(struct mig *m)
{
	cold_own(m)->stop_by_us = clock_wall_us() + timeout_s(m) * G_USEC_PER_SEC;
	if (move_of(m)->at_source->state == HV_RUNNING)
		cold_own(m)->press_us = press_would_end_us(); /* it is pressed at once */
	step_own_changed(m);
	if (step_note(m, COLD_P_STOP, "the guest is asked to shut off", write_resizing, NULL))
		return COLD_N_JUDGE;
	cold_own(m)->stop_by_us = cold_own(m)->press_us = 0;
	return COLD_N_AGAIN;
}

enum cold_next cold_shut_off(struct mig *m)
{
	struct hv_req hard = { .op = HV_DOM_DESTROY, .ends = true };
	enum cold_next next;

	if (!cold_was_pressed(m))
		return cold_prepare(m, &next) ? begin_to_stop(m) : next;
	return its_time_is_over(m) ? cold_act(m, mig_source(m), &hard) : press(m);
}

/* Wall clock: a request to shut off may get to the guest until then; 0: none is under way. */
static int64_t press_ends_us(const struct mig *m)
{
	const struct cold *c = cold_of(m);
	int64_t end_ms = c->presses > 0 ? MAX(last_press_ends_ms(c), c->press_ms) : c->press_ms;

	return cold_press_under_way(m) ? clock_wall_us() + (end_ms - clock_now_ms()) * 1000 : 0;
}

/* Its memory is in an image under its name: it goes on from that, here, and not from its disks, there. */
static enum cold_next was_saved(struct mig *m)
{
	cold_own(m)->stop_by_us = 0;
	cold_own(m)->press_us = press_ends_us(m);
	step_own_changed(m);
	step_fail(m, "the guest was saved at its source in the meantime (virsh managedsave)");
	return COLD_N_NOTHING;
}

/* What it was asked has no effect any more; but a request that is on its way would, once it runs here again. */
enum cold_next cold_stopped(struct mig *m)
{
	int64_t stop_by_us = cold_own(m)->stop_by_us;
	enum cold_next next;

	if (cold_was_pressed(m) && move_of(m)->at_source->kept.managed_save)
		return was_saved(m);
	if (!cold_was_pressed(m) && !cold_prepare(m, &next))
		return next;
	cold_own(m)->stop_by_us = 0;
	cold_own(m)->press_us = press_ends_us(m);
	step_own_changed(m);
	if (step_go(m, COLD_P_CARRY, stop_by_us ? "it is shut off" : "it was shut off", stop_by_us ? NULL : write_resizing, NULL))
		return cold_may_carry(m) ? COLD_N_ASK : COLD_N_JUDGE; /* of a carrier no host was asked yet */
	cold_own(m)->stop_by_us = stop_by_us;
	return COLD_N_NOTHING;
}
