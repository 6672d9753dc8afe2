/* SPDX-License-Identifier: Apache-2.0 */
#include "console/end.h"

#include <glib.h>

#include "console/ws.h"
#include "fleet/server.h"

int64_t end_wait_ms(unsigned tries)
{
	static const int ms[] = { 100, 300, 1000, 3000 };

	return ms[MIN(tries, G_N_ELEMENTS(ms) - 1)];
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

void end_look(struct end *e)
{
	e->ops->look(e);
}

void end_free(struct end *e)
{
	if (e)
		e->ops->free(e);
}
