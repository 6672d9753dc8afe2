/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/host_uuid.h"

#include <string.h>

#include "base/log.h"
#include "fleet/addr.h"
#include "fleet/host_link.h"
#include "fleet/host_row.h"
#include "fleet/registry.h"

static struct host *holder_of(const struct fleet *f, const struct host *h, const char *uuid)
{
	for (guint i = 0; i < fleet_hosts(f)->len; i++) {
		struct host *other = g_ptr_array_index(fleet_hosts(f), i);

		if (other != h && strcmp(other->hv_uuid, uuid) == 0)
			return other;
	}
	return NULL;
}

void host_uuid_save(struct fleet *f, struct host *h)
{
	g_autoptr(GError) why = NULL;

	h->uuid_unsaved = !store_run(fleet_store(f), Q_HOST_UUID, STORE_ARGS(SV_S(h->name), SV_S(h->hv_uuid)), NULL, &why);
	if (why)
		log_error("host_not_saved", LOG_S("host", h->name), LOG_S("error", why->message));
}

static void remember(struct fleet *f, struct host *h, const char *uuid)
{
	if (strcmp(h->hv_uuid, uuid) == 0)
		return;
	if (*h->hv_uuid)
		log_warning("host_uuid_changed", LOG_S("host", h->name), LOG_S("from", h->hv_uuid), LOG_S("to", uuid));
	g_strlcpy(h->hv_uuid, uuid, sizeof h->hv_uuid);
	host_uuid_save(f, h);
}

/* ---- a section with another name ---- */

static bool was_renamed(const struct fleet *f, const struct host *old, const struct host *new)
{
	return old->from_conf && !host_row_conf(fleet_conf(f), old->name) && host_row_conf(fleet_conf(f), new->name);
}

static bool other_machine(const struct host *other, const struct hv_host_info *info)
{
	return other->conn == HOST_UP && other->info && g_strcmp0(other->info->hostname, info->hostname) != 0;
}

/* The old name gets the new one's address, as far as it does not lead there by itself. */
static void take_over(struct fleet *f, struct host *old, const struct host *new)
{
	g_autoptr(GError) why = NULL;

	if (strcmp(old->uri, new->uri) == 0)
		return;
	host_row_configure(f, old, host_row_conf(fleet_conf(f), new->name));
	if (!host_row_save(f, old, &why))
		log_error("host_not_saved", LOG_S("host", old->name), LOG_S("error", why->message));
	log_info("host_address_changed", LOG_S("host", old->name), LOG_S("uri", old->uri), LOG_S("new_name", new->name));
	if (old->conn == HOST_UP)
		return; /* its next connection goes there */
	host_link_close(old);
	addr_host_down(old);
	host_link_open(old);
}

static char *renamed(struct fleet *f, struct host *old, const struct host *new)
{
	if (!old->tried)
		return g_strdup_printf("is it %s under another name? %s has not been reached yet", old->name, old->name);
	take_over(f, old, new);
	return g_strdup_printf("it is host %s, which the configuration now calls %s: %s is renamed at the next start of droverd", old->name, new->name,
			       old->name);
}

/* ---- a second name ---- */

static char *duplicate_text(const struct host *other, const struct hv_host_info *info)
{
	const char *theirs = other->info ? other->info->hostname : NULL;

	if (theirs && g_strcmp0(theirs, info->hostname) == 0)
		return g_strdup_printf("is the same libvirt host as %s (UUID %s, host name %s): keep one of the two names", other->name, info->uuid,
				       theirs);
	if (theirs)
		return g_strdup_printf("has the libvirt host UUID of %s (%s), but another host name (%s, not %s): give one of the two machines a "
				       "host_uuid of its own in libvirtd.conf", other->name, info->uuid, info->hostname, theirs);
	return g_strdup_printf("is the same libvirt host as %s (UUID %s): keep one of the two names; if they are two machines, give one of them "
			       "a host_uuid of its own in libvirtd.conf", other->name, info->uuid);
}

/* Said once, not with each attempt. */
static char *duplicate(struct host *h, const struct host *other, const struct hv_host_info *info)
{
	char *why = duplicate_text(other, info);

	if (!h->duplicate_logged || g_strcmp0(h->same_as, other->name) != 0)
		log_error("host_duplicate", LOG_S("host", h->name), LOG_S("same_as", other->name), LOG_S("reason", why));
	h->duplicate_logged = true;
	return why;
}

char *host_uuid_take(struct fleet *f, struct host *h, const struct hv_host_info *info)
{
	struct host *other = *info->uuid ? holder_of(f, h, info->uuid) : NULL;
	char *why;

	if (!other) {
		g_clear_pointer(&h->same_as, g_free);
		h->duplicate_logged = false;
		/* A host that has none cannot be told from another: its name is all there is. */
		if (*info->uuid)
			remember(f, h, info->uuid);
		return NULL;
	}
	if (was_renamed(f, other, h) && !other_machine(other, info))
		why = renamed(f, other, h);
	else
		why = duplicate(h, other, info);
	util_replace(&h->same_as, other->name);
	return why;
}
