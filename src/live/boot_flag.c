/* SPDX-License-Identifier: Apache-2.0 */
#include "live/boot_flag.h"

#include "base/err.h"
#include "live/copy.h"
#include "move/definition.h"
#include "move/service.h"
#include "task/step.h"

static bool is_on(const struct hv_dom *d)
{
	return d && d->persistent && d->kept.told && d->kept.autostart;
}

enum live_next boot_flag_take(struct mig *m, live_answer_f *got_flag)
{
	struct hv_req req = { .op = HV_DOM_AUTOSTART, .uuid = m->server_uuid, .autostart = false };

	if (!is_on(move_of(m)->at_source))
		return LIVE_CALL;
	sending_of(m)->boot_flag.awaited = step_ask(m, mig_source(m), &req, got_flag);
	return sending_of(m)->boot_flag.awaited ? LIVE_WAIT : LIVE_SETTLE;
}

enum live_next boot_flag_taken(struct mig *m, struct hv_reply *r)
{
	sending_of(m)->boot_flag.awaited = false;
	if (r->err) {
		g_prefix_error(&r->err, "%s does not leave starting the guest by itself (autostart): ", m->source);
		copy_not_made(m, r->err);
		return LIVE_SETTLE;
	}
	move_of(m)->at_source->kept.autostart = false;
	return m->abort_wanted ? LIVE_SETTLE : LIVE_CALL;
}

void boot_flag_left(struct boot_flag *b)
{
	b->awaited = false;
}

bool boot_flag_starts(const struct mig *m)
{
	const struct definition *own = definition_find(service_of(m->task->engine)->definitions, m->server_uuid, m->dest, DEFINITION_GUEST);
	const struct hv_dom *d = move_of(m)->at_source;

	return own && own->task == m->id && own->autostart && d && d->state == HV_SHUTOFF && d->reason == HV_R_UNSEEN && d->kept.told && !d->kept.autostart;
}
