/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/host_row.h"

#include <string.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uri.h"
#include "fleet/registry.h"
#include "fleet/room.h"
#include "store/columns.h"
#include "store/row.h"

/* ---- rows ---- */

#define HOST_FIELD(n, col, type, f) ROW_FIELD_##type(host, col, f),

static const struct row_field host_fields[] = { HOST_COLUMNS(HOST_FIELD, HOST_FIELD) }, host_row[] = { HOST_ROW(HOST_FIELD, HOST_FIELD) };

/* Not in any list yet. */
static struct host *new_host(const struct fleet *f, const char *name, const char *uri)
{
	const struct conf *c = fleet_conf(f);
	struct host *h = host_new(name, uri);

	host_set_cpus(h, c->cpu_shared_set, c->cpu_dedicated_set);
	return h;
}

static bool load_host(const struct store_row *row, void *user)
{
	struct fleet *f = user;
	struct host *h = new_host(f, NULL, NULL);

	(void)row_read(row, host_row, G_N_ELEMENTS(host_row), h); /* it has no words */
	registry_add_host(f, h);
	return true;
}

bool host_row_save(struct fleet *f, struct host *h, GError **err)
{
	struct store_val row[1 + G_N_ELEMENTS(host_fields)] = { SV_S(h->name) };

	row_values(host_fields, G_N_ELEMENTS(host_fields), h, clock_wall_us(), row + 1);
	return store_insert(fleet_store(f), Q_HOST_PUT, row, G_N_ELEMENTS(row), &h->id, err);
}

/* The host part of a libvirt URI, or NULL. Return: owned by the caller. */
static char *uri_host(const char *text)
{
	g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
	const char *host = uri ? g_uri_get_host(uri) : NULL;

	return host && *host ? g_strdup(host) : NULL;
}

/* As Nova makes it: the scheme of [libvirt] live_migration_scheme, the address where migrations come in. */
static char *default_migration_uri(const struct conf *c, const struct conf_host *ch)
{
	g_autofree char *addr = ch->inbound_addr ? g_strdup(ch->inbound_addr) : uri_host(ch->uri);

	if (!c->live_migration_scheme || !addr)
		return NULL;
	return g_strdup_printf(strchr(addr, ':') ? "qemu+%s://[%s]/system" : "qemu+%s://%s/system", c->live_migration_scheme, addr);
}

/* What the configuration says of a host wins over the row, but its uuid and whether it is disabled. */
void host_row_configure(struct fleet *f, struct host *h, const struct conf_host *ch)
{
	const char *listen = ch->vnc_listen ? ch->vnc_listen : fleet_conf(f)->vnc_server_listen;

	util_replace(&h->uri, ch->uri);
	util_replace(&h->inbound_addr, ch->inbound_addr);
	g_free(h->migration_uri);
	h->migration_uri = ch->migration_uri ? g_strdup(ch->migration_uri) : default_migration_uri(fleet_conf(f), ch);
	util_replace(&h->vnc_listen, listen);
	util_replace(&h->cell, ch->cell);
	h->has_agent = ch->fence_agent != NULL;
	host_set_cpus(h, ch->cpu_shared_set ? ch->cpu_shared_set : fleet_conf(f)->cpu_shared_set,
		      ch->cpu_dedicated_set ? ch->cpu_dedicated_set : fleet_conf(f)->cpu_dedicated_set);
}

const struct conf_host *host_row_conf(const struct conf *c, const char *name)
{
	for (guint i = 0; c->hosts && i < c->hosts->len; i++) {
		const struct conf_host *ch = g_ptr_array_index(c->hosts, i);

		if (strcmp(ch->name, name) == 0)
			return ch;
	}
	return NULL;
}

/* An administrator of the API is not root where droverd runs, and an address becomes part of a URI. */
bool host_row_check(const struct conf *c, const struct conf_host *ch, GError **err)
{
	const char *const *schemes = (const char *const *)c->host_schemes;
	const struct {
		const char *name, *addr;
	} addrs[] = { { "live_migration_inbound_addr", ch->inbound_addr }, { "server_listen", ch->vnc_listen } };

	if (!uri_check_remote(ch->uri, schemes, err) || (ch->migration_uri && !uri_check_remote(ch->migration_uri, schemes, err)))
		return false;
	if (ch->cell && !conf_cell_ok(ch->cell)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "cell: it must be 1 to 255 characters, without spaces");
		return false;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(addrs); i++) {
		if (addrs[i].addr && !uri_check_address(addrs[i].addr, err)) {
			g_prefix_error(err, "%s: ", addrs[i].name);
			return false;
		}
	}
	return true;
}

/* The scheme of a URI that was made by default_migration_uri() is the configuration's. */
static bool check_row(const struct conf *c, const struct host *h, GError **err)
{
	struct conf_host ch = { .name = h->name, .uri = h->uri, .inbound_addr = h->inbound_addr, .vnc_listen = h->vnc_listen };
	g_autofree char *made = default_migration_uri(c, &ch);

	ch.migration_uri = g_strcmp0(made, h->migration_uri) == 0 ? NULL : h->migration_uri;
	if (!h->from_conf)
		return host_row_check(c, &ch, err);
	/* Of a section that is gone. */
	return c->allow_any_uri || (uri_check_host(ch.uri, err) && (!ch.migration_uri || uri_check_host(ch.migration_uri, err)));
}

/* A row may be older than the checks, or was written by another program. Such a host is kept, for what runs there, and not connected. */
static void refuse_bad_rows(struct fleet *f)
{
	for (guint i = 0; i < fleet_hosts(f)->len; i++) {
		struct host *h = g_ptr_array_index(fleet_hosts(f), i);
		g_autoptr(GError) why = NULL;

		if (host_row_conf(fleet_conf(f), h->name) || check_row(fleet_conf(f), h, &why))
			continue;
		log_error("host_refused", LOG_S("host", h->name), LOG_S("reason", why->message));
		util_replace(&h->down_reason, why->message);
		h->refused = true;
	}
}

struct host *host_row_create(struct fleet *f, const struct conf_host *ch, bool from_conf, GError **err)
{
	struct host *h = new_host(f, ch->name, ch->uri);
	g_autofree char *uuid = util_uuid_new();

	g_strlcpy(h->uuid, uuid, sizeof h->uuid);
	h->from_conf = from_conf;
	h->created_us = clock_wall_us();
	host_row_configure(f, h, ch);
	if (!host_row_save(f, h, err)) {
		host_free(h);
		return NULL;
	}
	registry_add_host(f, h);
	return h;
}

/* What its row has, to see whether it has changed. */
static char *row_text(const struct host *h)
{
	struct store_val row[G_N_ELEMENTS(host_fields)];
	GString *s = g_string_new(NULL);

	row_values(host_fields, G_N_ELEMENTS(row), h, 0, row);
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++)
		g_string_append_printf(s, "%d %" G_GINT64_FORMAT " %s\n", row[i].type, row[i].type == STORE_INT ? row[i].i : 0,
				       row[i].type == STORE_TEXT ? row[i].s : "");
	return g_string_free(s, FALSE);
}

/* Return: whether its row has to be written. */
static bool reconfigure(struct fleet *f, struct host *h, const struct conf_host *ch)
{
	g_autofree char *before = row_text(h), *after = NULL;

	host_row_configure(f, h, ch);
	h->from_conf = true;
	after = row_text(h);
	return strcmp(before, after) != 0;
}

/* A start that changes nothing writes nothing. @ret_in_tx: whether there is something to commit */
static bool merge_conf_hosts(struct fleet *f, bool *ret_in_tx, GError **err)
{
	for (guint i = 0; i < fleet_conf(f)->hosts->len; i++) {
		const struct conf_host *ch = g_ptr_array_index(fleet_conf(f)->hosts, i);
		struct host *h = fleet_host(f, ch->name);

		if (h && !reconfigure(f, h, ch))
			continue;
		*ret_in_tx = *ret_in_tx || store_begin(fleet_store(f), err);
		if (!*ret_in_tx || !(h ? host_row_save(f, h, err) : host_row_create(f, ch, true, err) != NULL))
			return false;
	}
	return true;
}

void host_row_reload(struct fleet *f)
{
	for (guint i = 0; i < fleet_conf(f)->hosts->len; i++) {
		const struct conf_host *ch = g_ptr_array_index(fleet_conf(f)->hosts, i);
		struct host *h = fleet_host(f, ch->name);
		g_autoptr(GError) why = NULL;

		if (!h || g_strcmp0(h->cell, ch->cell) == 0)
			continue;
		log_info("host_cell", LOG_S("host", h->name), LOG_S("from", host_cell(h)), LOG_S("to", ch->cell ? ch->cell : CONF_CELL));
		util_replace(&h->cell, ch->cell);
		room_note(h);
		if (!host_row_save(f, h, &why))
			log_warning("host_not_saved", LOG_S("host", h->name), LOG_S("reason", why->message));
	}
}

bool host_row_load(struct fleet *f, GError **err)
{
	return store_each(fleet_store(f), Q_HOST_ALL, STORE_NO_ARGS, load_host, f, err);
}

bool host_row_merge(struct fleet *f, GError **err)
{
	bool in_tx = false;

	if (!merge_conf_hosts(f, &in_tx, err)) {
		store_rollback(fleet_store(f));
		return false;
	}
	refuse_bad_rows(f);
	return !in_tx || store_commit(fleet_store(f), err);
}
