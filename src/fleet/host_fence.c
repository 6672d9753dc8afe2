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

void host_fence_by(struct fleet *f, const struct host_fence_calls *calls, void *user)
{
	f->fence = calls;
	f->fence_user = user;
}

bool host_fence_again(struct fleet *f, struct host *h, const char *reason, GError **err)
{
	if (f->fence)
		return f->fence->off(h, reason, f->fence_user, err);
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Host %s has no fence agent.", h->name);
	return false;
}

bool host_fence_ask(struct fleet *f, const struct host *h, host_said_f *done, void *user)
{
	return f->fence && f->fence->ask(h, done, user, f->fence_user);
}

/* @why: it is not fenced any more */
static void end(struct fleet *f, struct host *h, const char *why)
{
	struct host_fence none = { .fencing = h->fence.fencing, .reason = h->fence.fencing ? h->fence.reason : NULL };
	g_autoptr(GError) err = NULL;

	if (host_is_fenced(h))
		log_warning("host_fence_ended", LOG_S("host", h->name), LOG_S("reason", why));
	h->fence_unsaved = !write_row(f, h, &none, &err);
	if (h->fence_unsaved)
		log_error("host_not_saved", LOG_S("host", h->name), LOG_S("error", err->message));
	take(h, &none);
}

void host_fence_answered(struct fleet *f, struct host *h)
{
	if (host_is_fenced(h) || h->fence_unsaved)
		end(f, h, "it answers");
}

void host_fence_doubted(struct fleet *f, struct host *h)
{
	if (host_is_fenced(h))
		end(f, h, "its fence agent says that it is on");
}
