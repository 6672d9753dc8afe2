/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/host_fence.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "fleet/fleet_priv.h"
#include "fleet/publish.h"
#include "fleet/registry.h"
#include "store/columns.h"
#include "store/row.h"

#define FENCE_FIELD(n, col, type, f) ROW_FIELD_##type(host, col, f),

static const struct row_field fields[] = { HOST_FENCE_COLUMNS(FENCE_FIELD, FENCE_FIELD) };

bool host_is_fenced(const struct host *h)
{
	return h->fence.fenced_us > 0;
}

static bool write_row(struct fleet *f, const struct host *h, const struct host_fence *next, GError **err)
{
	struct store_val row[1 + G_N_ELEMENTS(fields)] = { SV_S(h->name) };
	struct host draft = { .fence = *next };

	row_values(fields, G_N_ELEMENTS(fields), &draft, clock_wall_us(), row + 1);
	return store_run(fleet_store(f), Q_HOST_FENCE, row, G_N_ELEMENTS(row), NULL, err);
}

static void take(struct host *h, const struct host_fence *next)
{
	char *old = h->fence.reason;

	h->was_fenced |= host_is_fenced(h) && next->fenced_us == 0;
	h->fence = *next;
	h->fence.reason = g_strdup(next->reason);
	g_free(old);
	publish_host(h, "changed");
}

bool host_fence_set(struct fleet *f, struct host *h, const struct host_fence *next, GError **err)
{
	if (!write_row(f, h, next, err))
		return false;
	take(h, next);
	return true;
}

void host_fence_by(struct fleet *f, host_fence_off_f *off, void *user)
{
	f->switch_off = off;
	f->switch_user = user;
}

bool host_fence_again(struct fleet *f, struct host *h, const char *reason, GError **err)
{
	if (f->switch_off)
		return f->switch_off(h, reason, f->switch_user, err);
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Host %s has no fence agent.", h->name);
	return false;
}

void host_fence_answered(struct fleet *f, struct host *h)
{
	struct host_fence none = { .fencing = h->fence.fencing, .reason = h->fence.fencing ? h->fence.reason : NULL };
	g_autoptr(GError) err = NULL;

	if (!host_is_fenced(h) && !h->fence_unsaved)
		return;
	if (host_is_fenced(h))
		log_warning("host_fence_ended", LOG_S("host", h->name), LOG_S("reason", "it answers"));
	h->fence_unsaved = !write_row(f, h, &none, &err);
	if (h->fence_unsaved)
		log_error("host_not_saved", LOG_S("host", h->name), LOG_S("error", err->message));
	take(h, &none);
}
