/* SPDX-License-Identifier: Apache-2.0 */
#include "console/end.h"

#include <glib.h>

#include "base/clock.h"
#include "console/ws.h"
#include "fleet/fleet.h"
#include "task/engine.h"

const struct server *end_server(const struct end *e)
{
	return fleet_server(engine_fleet(e->engine), e->uuid);
}

int end_over(const struct server *v, const char **ret_why)
{
	if (!v || v->vm == SERVER_DELETED || v->vm == SERVER_SOFT_DELETED) {
		*ret_why = "The server was deleted";
		return WS_GONE;
	}
	if (v->vm == SERVER_STOPPED || v->vm == SERVER_SUSPENDED) {
		*ret_why = "The server was stopped";
		return WS_STOPPED;
	}
	return 0;
}

/* ---- turns ---- */

static void turn(void *user)
{
	struct end *e = user;
	const struct server *s = end_server(e);
	const char *why = NULL;
	int code = end_over(s, &why);

	e->timer = NULL;
	if (code)
		end_with(e, code, why);
	if (!e->code) {
		e->ops->turn(e, s);
		return;
	}
	clock_cancel(&e->timer);
	e->calls->ended(e->code, e->why, e->user);
}

void end_turn_in(struct end *e, int64_t ms)
{
	int64_t due_ms = clock_now_ms() + (e->code ? 0 : ms);

	if (e->timer && e->due_ms <= due_ms)
		return;
	clock_cancel(&e->timer);
	e->due_ms = due_ms;
	e->timer = clock_after(due_ms - clock_now_ms(), turn, e);
}

void end_again(struct end *e)
{
	static const int ms[] = { 100, 300, 1000, 3000 };

	end_turn_in(e, ms[MIN(e->tries, G_N_ELEMENTS(ms) - 1)]);
	e->tries++;
}

void end_with(struct end *e, int code, const char *why)
{
	if (e->code)
		return;
	e->code = code;
	e->why = g_strdup(why);
	end_turn_in(e, 0);
}

void end_init(struct end *e, const struct end_ops *ops, struct engine *engine, const char *server_uuid, const struct end_calls *calls)
{
	e->ops = ops;
	e->calls = calls;
	e->engine = engine;
	g_strlcpy(e->uuid, server_uuid, sizeof e->uuid);
	end_turn_in(e, 0);
}

/* ---- for sessions ---- */

void end_send(struct end *e, const char *data, size_t len)
{
	e->ops->send(e, data, len);
}

size_t end_unsent(const struct end *e)
{
	return e->ops->unsent(e);
}

void end_pause(struct end *e, bool paused)
{
	e->ops->pause(e, paused);
}

/* What happened may be another server's: attempts keep their pace then. */
void end_look(struct end *e)
{
	const struct server *s = end_server(e);
	const char *why;

	if (!end_over(s, &why) && g_strcmp0(s->host, e->host) == 0)
		return;
	e->tries = 0;
	end_turn_in(e, 0);
}

void end_event(struct end *e, const struct hv_event *ev)
{
	if (e->ops->event)
		e->ops->event(e, ev);
}

void end_free(struct end *e)
{
	if (!e)
		return;
	clock_cancel(&e->timer);
	g_clear_pointer(&e->host, g_free);
	g_clear_pointer(&e->why, g_free);
	e->ops->free(e);
}
