/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/sim/world.h"

#include <string.h>

/* ---- finding ---- */

struct sim_host *sim_host_find(struct sim *w, const char *name)
{
	struct sim_host *h = g_hash_table_lookup(w->hosts, name);

	return h ? h : g_hash_table_lookup(w->aliases, name);
}

struct sim_host *sim_host_must_find(struct sim *w, const char *name)
{
	struct sim_host *h = sim_host_find(w, name);

	if (!h)
		g_error("sim: no host %s", name);
	return h;
}

struct sim_dom *sim_dom_get(struct sim_host *h, const char *uuid)
{
	return g_hash_table_lookup(h->doms, uuid);
}

struct sim_dom *sim_dom_must_find(struct sim *w, const char *host, const char *uuid)
{
	struct sim_host *h = sim_host_find(w, host);
	struct sim_dom *d = h ? sim_dom_get(h, uuid) : NULL;

	if (!d)
		g_error("sim: no domain %s on host %s", uuid, host);
	return d;
}

void sim_uuid(char out[static UTIL_UUID_LEN + 1], const char *text)
{
	g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA1, text, -1);

	g_snprintf(out, UTIL_UUID_LEN + 1, "%.8s-%.4s-5%.3s-8%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
}

/* ---- what is true ---- */

bool sim_dom_active(const struct sim_dom *d)
{
	return d->state == HV_RUNNING || d->state == HV_PAUSED || d->state == HV_SUSPENDED || d->state == HV_SHUTDOWN;
}

bool sim_host_reachable(const struct sim_host *h)
{
	return h->on && h->link;
}

static char *pair_of(const char *a, const char *b)
{
	return strcmp(a, b) < 0 ? g_strdup_printf("%s %s", a, b) : g_strdup_printf("%s %s", b, a);
}

bool sim_hosts_connected(const struct sim_host *a, const struct sim_host *b)
{
	g_autofree char *pair = g_hash_table_size(a->w->apart) > 0 ? pair_of(a->name, b->name) : NULL;

	return sim_host_reachable(a) && sim_host_reachable(b) && !(pair && g_hash_table_contains(a->w->apart, pair));
}

void sim_hosts_part(struct sim_host *a, const struct sim_host *b, bool apart)
{
	g_autofree char *pair = pair_of(a->name, b->name);

	if (apart)
		g_hash_table_add(a->w->apart, g_steal_pointer(&pair));
	else
		g_hash_table_remove(a->w->apart, pair);
}

const char *sim_violation(const struct sim *w)
{
	return w->violation;
}

void sim_violate(struct sim *w, const char *fmt, ...)
{
	va_list ap;

	if (w->violation)
		return;
	va_start(ap, fmt);
	w->violation = g_strdup_vprintf(fmt, ap);
	va_end(ap);
}

bool sim_guest_died(const struct sim *w, const char *uuid)
{
	return g_hash_table_contains(w->died, uuid);
}

guint sim_jobs(const struct sim *w)
{
	return w->jobs->len;
}

/* ---- telling ---- */

void sim_notify(struct sim *w, const struct sim_notice *n)
{
	w->notify(n);
}

void sim_emit(struct sim_host *host, const struct hv_event *ev)
{
	sim_notify(host->w, &(struct sim_notice){ .kind = SIM_TELL, .host = host, .event = ev });
}

void sim_over(struct sim *w, struct sim_call *call, enum err_code code, const char *why)
{
	if (call)
		sim_notify(w, &(struct sim_notice){ .kind = SIM_OVER, .call = call, .code = code, .why = why });
}

void sim_emit_dom(const struct sim_dom *d)
{
	/* libvirt's event does not say whether it is the guest that shuts off: ask. */
	struct hv_event ev = { .type = HV_EV_DOM, .state = d->state == HV_SHUTDOWN ? HV_UNKNOWN : d->state, .reason = d->reason };

	memcpy(ev.uuid, d->uuid, sizeof ev.uuid);
	sim_emit(d->host, &ev);
}
