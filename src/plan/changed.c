/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/changed.h"

#include <string.h>

#include "fleet/registry.h"

#define PIECE 1000 /* steps in a turn of the loop: a ms or so */
#define TOLD 5

/* Of a step. Return: owned; NULL: nothing that matters */
static char *changed_of(struct fleet *f, const struct plan_record *p, const struct plan_step *st)
{
	const struct server *s = fleet_server(f, st->uuid);
	const struct host *dest = st->dest ? fleet_host(f, st->dest) : NULL;

	if (!s)
		return g_strdup_printf("server %s has gone", st->name);
	if (!st->before && g_strcmp0(s->host, st->source) != 0) /* a later one begins where that one has taken it */
		return g_strdup_printf("server %s is on %s, not on %s", st->name, s->host ? s->host : "no host", st->source);
	if (s->memory_mb > st->needs.memory_mb || s->vcpus > st->needs.vcpus || s->disk_gb > st->needs.disk_gb)
		return g_strdup_printf("server %s is larger", st->name);
	if (st->dest && !dest)
		return g_strdup_printf("host %s has gone", st->dest);
	if (!dest || (p->kind == PLAN_UNDRAIN && plan_has_host(p, dest->name)))
		return NULL;
	if (dest->disabled)
		return g_strdup_printf("host %s is disabled", st->dest);
	return host_is_up(f, dest) ? NULL : g_strdup_printf("host %s is down", st->dest);
}

static void look_at(struct changed *c, struct fleet *f, const struct plan_record *p, const struct plan_step *st)
{
	g_autofree char *what = st->state == PLAN_STEP_WAITING ? changed_of(f, p, st) : NULL;

	if (!what || c->n++ >= TOLD)
		return;
	if (!c->text)
		c->text = g_string_new(NULL);
	g_string_append_printf(c->text, "%s%s", c->text->len ? "; " : "", what);
}

bool changed_more(struct changed *c, struct fleet *f, const struct plan_record *p)
{
	char version[SNAPSHOT_VERSION_LEN + 1];
	guint to;

	if (!c->summed) {
		if (!snapshot_version(f, &c->sum, version))
			return false;
		if (strcmp(version, p->fleet_version) == 0)
			return true;
		c->summed = true;
	}
	for (to = MIN(p->steps->len, c->at + PIECE); c->at < to; c->at++)
		look_at(c, f, p, g_ptr_array_index(p->steps, c->at));
	if (to < p->steps->len)
		return false;
	if (c->n > TOLD)
		g_string_append_printf(c->text, "; and %d more", c->n - TOLD);
	return true;
}

void changed_clear(struct changed *c)
{
	if (c->text)
		g_string_free(c->text, TRUE);
}
