/* SPDX-License-Identifier: Apache-2.0 */
#include "cold/stop.h"

#include "base/clock.h"
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
	return cold_was_pressed(m) && !its_time_is_over(m);
}

bool cold_press_under_way(const struct mig *m)
{
	return cold_of(m)->presses > 0;
}

static void got_press(struct mig *m, struct hv_reply *r)
{
	cold_of(m)->presses--;
	if (r->err)
		log_info("shutdown_not_asked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("error", r->err->message));
}

/* One that does not run hears nothing; but so it looks, too, while QEMU writes what is left of a guest that has heard. */
static enum cold_next press(struct mig *m)
{
	struct cold *c = cold_of(m);
	struct hv_req req = { .op = HV_DOM_SHUTDOWN, .uuid = m->server_uuid };

	if (c->move.at_source->state == HV_RUNNING && (!c->pressed_ms || clock_now_ms() - c->pressed_ms >= PRESS_MS)) {
		c->pressed_ms = clock_now_ms();
		log_info("shutdown_asked", LOG_D("migration", m->id), LOG_S("server", m->server_uuid), LOG_S("host", m->source));
		c->presses += step_ask_always(m, mig_source(m), &req, got_press); /* nothing here waits for the answer */
	}
	step_later(m, AGAIN_MS);
	return COLD_N_NOTHING;
}

/* The intent is in the row before the guest hears of it. */
static enum cold_next begin_to_stop(struct mig *m)
{
	int64_t usual_s = fleet_conf(m->task->engine->fleet)->shutdown_timeout;
	int64_t timeout_s = server_shutdown_timeout_s(mig_server(m), move_of(m)->at_source, usual_s);

	cold_own(m)->stop_by_us = clock_wall_us() + timeout_s * G_USEC_PER_SEC;
	step_own_changed(m);
	if (step_note(m, COLD_P_STOP, "the guest is asked to shut off", NULL, NULL))
		return COLD_N_JUDGE;
	cold_own(m)->stop_by_us = 0;
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

/* Its memory is in an image under its name: it goes on from that, here, and not from its disks, there. */
static enum cold_next was_saved(struct mig *m)
{
	cold_own(m)->stop_by_us = 0;
	step_own_changed(m);
	step_fail(m, "the guest was saved at its source in the meantime (virsh managedsave)");
	return COLD_N_NOTHING;
}

/* What it was asked has no effect any more. */
enum cold_next cold_stopped(struct mig *m)
{
	int64_t stop_by_us = cold_own(m)->stop_by_us;
	enum cold_next next;

	if (cold_was_pressed(m) && move_of(m)->at_source->kept.managed_save)
		return was_saved(m);
	if (!cold_was_pressed(m) && !cold_prepare(m, &next))
		return next;
	cold_own(m)->stop_by_us = 0;
	step_own_changed(m);
	if (step_go(m, COLD_P_CARRY, stop_by_us ? "it is shut off" : "it was shut off", NULL, NULL))
		return cold_may_carry(m) ? COLD_N_ASK : COLD_N_JUDGE; /* of a carrier no host was asked yet */
	cold_own(m)->stop_by_us = stop_by_us;
	return COLD_N_NOTHING;
}
