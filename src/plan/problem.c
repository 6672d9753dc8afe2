/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/problem.h"

#define BEGIN_S 2           /* checks, claims, the end: what a move takes beside the sending */

void planner_add(struct usage *u, const struct usage *by, int sign)
{
	u->vcpus += sign * by->vcpus;
	u->memory_mb += sign * by->memory_mb;
	u->disk_gb += sign * by->disk_gb;
	u->servers += sign * by->servers;
}

struct usage planner_free(const struct planner_host *h)
{
	struct usage free = h->capacity;

	planner_add(&free, &h->used, -1);
	return free;
}

bool planner_has_room(const struct usage *free, const struct usage *size)
{
	return (!size->memory_mb || size->memory_mb <= free->memory_mb) && (!size->vcpus || size->vcpus <= free->vcpus) &&
	       (!size->disk_gb || size->disk_gb <= free->disk_gb) && (!size->servers || size->servers <= free->servers);
}

bool planner_suits(const struct planner_fleet *f, const struct planner_guest *g, guint host)
{
	const struct planner_host *h = &f->hosts[host];

	return !h->no && h->cell == f->hosts[g->host].cell && (!g->arch || !h->arch || g->arch == h->arch);
}

bool planner_fits(const struct planner_fleet *f, const struct planner_guest *g, guint host, const struct usage *free)
{
	return planner_has_room(free, &g->size) && planner_suits(f, g, host);
}

char *planner_lacks(const struct planner_fleet *f, const struct planner_guest *g, guint host, const struct usage *free)
{
	const struct planner_host *h = &f->hosts[host];

	if (h->no)
		return g_strdup(h->no);
	if (h->cell != f->hosts[g->host].cell)
		return g_strdup("the host is in another cell");
	if (!planner_suits(f, g, host))
		return g_strdup("the host has another architecture");
	if (g->size.memory_mb > free->memory_mb)
		return g_strdup_printf("%" G_GINT64_FORMAT " MB of memory needed, %" G_GINT64_FORMAT " MB free", g->size.memory_mb, MAX(free->memory_mb, 0));
	if (g->size.vcpus > free->vcpus)
		return g_strdup_printf("%d vCPUs needed, %d free", g->size.vcpus, MAX(free->vcpus, 0));
	if (g->size.disk_gb && g->size.disk_gb > free->disk_gb)
		return g_strdup_printf("%" G_GINT64_FORMAT " GB of disk needed, %" G_GINT64_FORMAT " GB free", g->size.disk_gb, MAX(free->disk_gb, 0));
	if (g->size.servers > free->servers)
		return g_strdup("it has as many servers as it may have");
	return NULL;
}

int64_t planner_seconds(const struct planner_fleet *f, const struct planner_guest *g)
{
	int64_t link = MAX(f->limits.link_bps, 1), rate = MAX(link - g->dirty_bps, MAX(link / PLANNER_DIRTY_SHARE, 1));

	return BEGIN_S + g->bytes / rate;
}
