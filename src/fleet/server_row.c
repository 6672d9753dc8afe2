/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/server_row.h"

#include "base/clock.h"
#include "base/log.h"
#include "fleet/addr.h"
#include "fleet/marker.h"
#include "fleet/publish.h"
#include "fleet/registry.h"
#include "fleet/tally.h"
#include "store/columns.h"
#include "store/row.h"

#define ROW_FIELD_VM(s, col, f) ROW_FIELD_WORD(s, col, f, vm_word, SERVER_VM_N)
#define ROW_FIELD_TASK(s, col, f) ROW_FIELD_WORD(s, col, f, task_word, SERVER_TASK_N)
#define SERVER_FIELD(n, col, type, f) ROW_FIELD_##type(server, col, f),

static const char *vm_word(int i)
{
	return server_vm_name((enum server_vm)i);
}

static const char *task_word(int i)
{
	return server_task_name((enum server_task)i);
}

static const struct row_field server_fields[] = { SERVER_COLUMNS(SERVER_FIELD, SERVER_FIELD) };
static const struct row_field server_row[] = { SERVER_ROW(SERVER_FIELD, SERVER_FIELD) };

static struct server *read_server(const struct store_row *row)
{
	struct server *s = server_new("");

	s->unknown = row_read(row, server_row, G_N_ELEMENTS(server_row), s);
	if (s->unknown) {
		s->vm = SERVER_ERROR;
		log_error("server_row_unreadable", LOG_S("server", s->uuid), LOG_S("name", s->name), LOG_S("host", s->host), LOG_S("reason", s->unknown));
	}
	addr_load(s);
	return s;
}

static bool load_server(const struct store_row *row, void *user)
{
	struct fleet *f = user;
	struct server *s = read_server(row);

	registry_add_server(f, s);
	publish_known(s);
	return true;
}

bool fleet_server_write(struct fleet *f, struct server *s, const struct server_draft *d, GError **err)
{
	int64_t now = clock_wall_us(), changed = 0;
	struct store_val row[1 + G_N_ELEMENTS(server_fields)] = { SV_S(s->uuid) };
	struct server as = *s;

	if (s->unknown)
		return server_refuse_unknown(s, "write", err);
	as.host = (char *)d->host;
	as.fault = (char *)d->fault;
	as.fault_stays = d->fault_stays;
	as.vm = d->vm;
	as.task = d->task;
	as.locked = d->locked;
	as.locked_by = (char *)d->locked_by;
	as.locked_reason = (char *)d->locked_reason;
	row_values(server_fields, G_N_ELEMENTS(server_fields), &as, now, row + 1);
	s->unsaved = true;
	if (d->vm == SERVER_DELETED && !store_run(fleet_store(f), Q_DEFINITION_DROP, STORE_ARGS(SV_S(s->uuid)), NULL, err))
		return false;
	if (s->id && !store_run(fleet_store(f), Q_SERVER_SET, row, G_N_ELEMENTS(row), &changed, err))
		return false;
	/* A new one; its guest may have had a record that was deleted. */
	if (changed == 0 && !store_insert(fleet_store(f), Q_SERVER_PUT, row, G_N_ELEMENTS(row), &s->id, err))
		return false;
	s->unsaved = false;
	s->updated_us = now;
	publish_later(f, s);
	return true;
}

bool fleet_server_save(struct fleet *f, struct server *s, GError **err)
{
	struct server_draft d = server_draft(s);

	return fleet_server_write(f, s, &d, err);
}

void fleet_server_add(struct fleet *f, struct server *s)
{
	registry_add_server(f, s);
}

void fleet_server_drop(struct fleet *f, struct server *s)
{
	publish_removed(f, s);
	marker_want(fleet_host(f, s->host));
	registry_remove_server(f, s);
}

void fleet_server_move(struct fleet *f, struct server *s, const char *host)
{
	marker_want(fleet_host(f, s->host));
	registry_move_server(f, s, host);
	addr_moved(s);
	publish_later(f, s);
}

void fleet_server_take(struct fleet *f, struct server *s, const struct server_draft *d)
{
	s->vm = d->vm;
	s->task = d->task;
	s->locked = d->locked;
	util_replace(&s->locked_by, d->locked_by);
	util_replace(&s->locked_reason, d->locked_reason);
	util_replace(&s->fault, d->fault);
	s->fault_stays = d->fault_stays;
	if (g_strcmp0(s->host, d->host) != 0)
		fleet_server_move(f, s, d->host);
	tally_note(f, s);
	publish_later(f, s);
}

bool server_row_load(struct fleet *f, GError **err)
{
	return store_each(fleet_store(f), Q_SERVER_ALL, STORE_NO_ARGS, load_server, f, err);
}

struct deleted {
	server_row_f *fn;
	void *user;
};

static bool give_deleted(const struct store_row *row, void *user)
{
	const struct deleted *d = user;

	d->fn(read_server(row), d->user);
	return true;
}

bool server_row_deleted(struct fleet *f, int64_t since_us, int64_t behind_us, int64_t behind_id, int n, server_row_f *fn, void *user, GError **err)
{
	struct deleted d = { fn, user };

	return store_each(fleet_store(f), Q_SERVER_DELETED, STORE_ARGS(SV_I(since_us), SV_I(behind_us), SV_I(behind_id), SV_I(n)), give_deleted, &d, err);
}
