/* SPDX-License-Identifier: Apache-2.0
 *
 * Theory of operation: a host is its libvirt's UUID, not its name.
 *
 * The UUID (libvirt's host_uuid, or the machine's SMBIOS) is asked for at each
 * connection, before the host's domains are. The first host that says one has it,
 * also over restarts; a second name for it stays down and says so: its domains are
 * not asked for, so that no guest is seen on two hosts that are one, and its room
 * does not count twice. It tries again, as any host that is down: it may have been
 * given a UUID of its own meanwhile.
 *
 * Two machines can have one UUID, when their firmware or image was cloned. They
 * cannot both be used then, as libvirt does not migrate between them: it takes the
 * destination for the source. Their host names tell them apart, for people.
 *
 * A host of the database that came from the configuration and stands in it no
 * more, while a section of another name leads to its UUID, was renamed there. It
 * goes on under its old name, at the new address, until the next start: then the
 * addresses agree and host_rename.c renames it, when nothing is under way.
 */
#include <string.h>

#include "base/log.h"
#include "fleet/fleet_priv.h"

static struct host *holder_of(const struct fleet *f, const struct host *h, const char *uuid)
{
	for (guint i = 0; i < f->hosts->len; i++) {
		struct host *other = g_ptr_array_index(f->hosts, i);

		if (other != h && strcmp(other->hv_uuid, uuid) == 0)
			return other;
	}
	return NULL;
}

void host_uuid_save(struct fleet *f, struct host *h)
{
	g_autoptr(GError) why = NULL;

	h->priv->uuid_unsaved = !store_run(f->store, Q_HOST_UUID, STORE_ARGS(SV_S(h->name), SV_S(h->hv_uuid)), NULL, &why);
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
	return old->from_conf && !fleet_conf_host(f, old->name) && fleet_conf_host(f, new->name);
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
	fleet_host_configure(f, old, fleet_conf_host(f, new->name));
	if (!fleet_host_save(f, old, &why))
		log_error("host_not_saved", LOG_S("host", old->name), LOG_S("error", why->message));
	log_info("host_address_changed", LOG_S("host", old->name), LOG_S("uri", old->uri), LOG_S("new_name", new->name));
	if (old->conn == HOST_UP)
		return; /* its next connection goes there */
	host_disconnect(old);
	host_connect(old);
}

static char *renamed(struct fleet *f, struct host *old, const struct host *new)
{
	if (!old->priv->tried)
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

	if (!h->priv->told_same || g_strcmp0(h->same_as, other->name) != 0)
		log_error("host_duplicate", LOG_S("host", h->name), LOG_S("same_as", other->name), LOG_S("reason", why));
	h->priv->told_same = true;
	return why;
}

char *host_uuid_take(struct fleet *f, struct host *h, const struct hv_host_info *info)
{
	struct host *other = *info->uuid ? holder_of(f, h, info->uuid) : NULL;
	char *why;

	if (!other) {
		g_clear_pointer(&h->same_as, g_free);
		h->priv->told_same = false;
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
