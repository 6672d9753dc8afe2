/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/slice.h"

#include "base/clock.h"

struct slices {
	struct api_req *r;
	slice_f *piece;
	void *user;
	GDestroyNotify free;
};

static void next(void *data)
{
	struct slices *s = data;

	if (!s->piece(s->r, s->user)) {
		(void)clock_after(0, next, s);
		return;
	}
	if (s->free)
		s->free(s->user);
	g_free(s);
}

void slice_run(struct api_req *r, slice_f *piece, void *user, GDestroyNotify free)
{
	struct slices *s = g_new(struct slices, 1);

	*s = (struct slices){ r, piece, user, free };
	next(s);
}

bool slice_servers(struct api_req *r, int64_t *seen, slice_server_f *fn, void *user)
{
	GPtrArray *servers = fleet_servers(api_fleet(r));
	guint from = fleet_servers_after(api_fleet(r), *seen), to = MIN(servers->len, from + SLICE_SERVERS);

	for (guint i = from; i < to; i++) {
		const struct server *s = g_ptr_array_index(servers, i);

		*seen = s->nth;
		fn(r, s, user);
	}
	return to == servers->len;
}

struct server *slice_server(const struct api_req *r, int64_t nth)
{
	GPtrArray *servers = fleet_servers(api_fleet(r));
	guint at = fleet_servers_after(api_fleet(r), nth);
	struct server *s = at > 0 ? g_ptr_array_index(servers, at - 1) : NULL;

	return s && s->nth == nth ? s : NULL;
}
