/* SPDX-License-Identifier: Apache-2.0
 *
 * events: GET /drover/v1/events, what happens, as it happens.
 */
#include <string.h>

#include "api/http/handler.h"
#include "api/http/inner.h"
#include "api/http/view.h"
#include "api/http/watch.h"

/* "migration,progress"; may stand more than once. */
static bool take_types(const char *text, unsigned *types, GError **err)
{
	g_auto(GStrv) words = g_strsplit(text, ",", -1);

	for (char **w = words; *w; w++) {
		enum event_type t;

		if (!event_type_parse(*w, &t)) {
			g_set_error(err, ERR, ERR_BAD_REQUEST,
				    "Invalid input for query parameter type: '%.60s' is not one of migration, decision, progress, server, host.", *w);
			return false;
		}
		*types |= 1u << t;
	}
	return true;
}

static bool take_filters(const struct api_req *r, struct watch_params *p, GError **err)
{
	const char *migration = api_query(r, "migration");

	for (unsigned i = 0; i < r->query->len; i++) {
		const struct api_pair *pair = r->query->pdata[i];

		if (strcmp(pair->name, "type") == 0 && !take_types(pair->value, &p->types, err))
			return false;
	}
	if (!p->types)
		p->types = (1u << EVENT_TYPE_N) - 1;
	p->server = api_query(r, "server");
	if (p->server && !util_uuid_valid(p->server)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for query parameter server: '%.60s' is not a UUID.", p->server);
		return false;
	}
	if (migration && !util_parse_int(migration, 1, G_MAXINT64, &p->migration)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for query parameter migration: '%.60s' is not a migration's number.", migration);
		return false;
	}
	return true;
}

static void watch(struct api_req *r)
{
	static const char *const known[] = { "server", "migration", "type", "last_event_id", NULL };
	/* The header is from a client that reconnects to the address of its first request. */
	struct watch_params p = {
		.last_id = r->last_event_id ? r->last_event_id : api_query(r, "last_event_id"), .token = r->raw_token,
		.expires_us = r->auth->expires_us,
	};
	struct api_stream *s = NULL;
	GError *err = NULL;

	if (view_only_query(r, known, &err) && take_filters(r, &p, &err))
		s = watch_open(r->api->watches, &p, &err);
	if (s)
		api_reply_stream(r, "text/event-stream", s);
	else
		api_fail(r, err);
}

static const struct route routes[] = {
	{ "GET", "/drover/v1/events", "drover:events:watch", watch },
};
const struct route_table events_routes = { routes, G_N_ELEMENTS(routes) };
