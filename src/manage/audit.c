/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/audit.h"

#include <stdio.h>

#include "base/clock.h"
#include "fleet/host_row.h"
#include "fleet/registry.h"
#include "fleet/server_row.h"
#include "manage/audit_rules.h"
#include "manage/told.h"
#include "manage/where.h"
#include "store/columns.h"
#include "store/row.h"

static command_f audit;

const struct command audit_commands[] = {
	{ "audit", "", "Compare the database with what the hosts say, while droverd runs or not: exits with 0 when nothing differs, with 1 when something does", audit },
	{ NULL },
};

/* ---- rows that belong to nothing ---- */

static const struct orphan {
	const char *table, *why;
	enum query count, drop;
	bool timed; /* both take the time */
} orphans[] = {
	{ "console_tokens", "have expired, or are of no server", Q_ORPHAN_CONSOLE_TOKENS, Q_ORPHAN_CONSOLE_TOKENS_DROP, true },
	{ "revoked_tokens", "have expired", Q_ORPHAN_REVOKED, Q_REVOKED_PURGE, true },
	{ "tokens_not_before", "are of no user or project", Q_ORPHAN_NOT_BEFORE, Q_ORPHAN_NOT_BEFORE_DROP, false },
	{ "grants", "are of no user or project", Q_ORPHAN_GRANTS, Q_ORPHAN_GRANTS_DROP, false },
	{ "application_credentials", "are of no user or project", Q_ORPHAN_APPS, Q_ORPHAN_APPS_DROP, false },
	{ "migration_events", "are of no migration", Q_ORPHAN_MIG_EVENTS, Q_ORPHAN_MIG_EVENTS_DROP, false },
	{ "instance_action_events", "are of no instance action", Q_ORPHAN_ACTION_EVENTS, Q_ORPHAN_ACTION_EVENTS_DROP, false },
	{ "server_definitions", "are of no server", Q_ORPHAN_DEFINITIONS, Q_ORPHAN_DEFINITIONS_DROP, false },
	{ "storage_markers", "are of no host", Q_ORPHAN_MARKERS, Q_ORPHAN_MARKERS_DROP, false },
	{ "ha_hosts", "are of no host", Q_ORPHAN_HA, Q_ORPHAN_HA_DROP, false },
	{ "plan_hosts", "are of no plan", Q_ORPHAN_PLAN_HOSTS, Q_ORPHAN_PLAN_HOSTS_DROP, false },
	{ "plan_steps", "are of no plan", Q_ORPHAN_PLAN_STEPS, Q_ORPHAN_PLAN_STEPS_DROP, false },
};

static void tell(const char *who, const char *text)
{
	printf("%-8s  %s\n", who, text);
}

/* @left: one more for each table that has some, and is not mended */
static bool judge_orphans(struct store *s, bool fix, guint *left, GError **err)
{
	struct store_val now = SV_I(clock_wall_us());

	for (size_t i = 0; i < G_N_ELEMENTS(orphans); i++) {
		const struct orphan *o = &orphans[i];
		g_autofree char *text = NULL;
		int64_t rows = 0;

		if (fix ? !store_run(s, o->drop, &now, o->timed, &rows, err) : !store_number(s, o->count, &now, o->timed, &rows, err))
			return false;
		if (rows == 0)
			continue;
		text = g_strdup_printf("%" G_GINT64_FORMAT " rows of %s %s", rows, o->table, o->why);
		tell(fix ? "fixed" : audit_cure_name(AUDIT_BY_FIX), text);
		*left += !fix;
	}
	return true;
}

/* ---- the records ---- */

#define TASK_FIELD(n, col, type, f) ROW_FIELD_##type(audit_task, col, f),
static const struct row_field task_fields[] = { AUDIT_TASK_ROW(TASK_FIELD, TASK_FIELD) };
#define LEFT_FIELD(n, col, type, f) ROW_FIELD_##type(audit_left, col, f),
static const struct row_field left_fields[] = { AUDIT_LEFT_ROW(LEFT_FIELD, LEFT_FIELD) };

static void task_free(struct audit_task *t)
{
	g_free(t->server);
	g_free(t->source);
	g_free(t->dest);
	g_free(t);
}

static void left_free(struct audit_left *l)
{
	g_free(l->server);
	g_free(l->host);
	g_free(l->what);
	g_free(l);
}

static bool take_task(const struct store_row *row, void *user)
{
	struct audit_task *t = g_new0(struct audit_task, 1);

	(void)row_read(row, task_fields, G_N_ELEMENTS(task_fields), t); /* it has no words */
	g_ptr_array_add(user, t);
	return true;
}

static bool take_left(const struct store_row *row, void *user)
{
	struct audit_left *l = g_new0(struct audit_left, 1);

	(void)row_read(row, left_fields, G_N_ELEMENTS(left_fields), l); /* likewise */
	g_ptr_array_add(user, l);
	return true;
}

static GPtrArray *hosts_of(const struct fleet *f)
{
	GPtrArray *hosts = g_ptr_array_new_with_free_func((GDestroyNotify)told_free);
	const GPtrArray *all = fleet_hosts(f);

	for (guint i = 0; i < all->len; i++) {
		const struct host *h = g_ptr_array_index(all, i);

		g_ptr_array_add(hosts, told_new(h->name, h->uri));
	}
	return hosts;
}

/* The rows are read after the hosts were asked: a daemon that follows what it hears has them as they are by then. */
static bool judge(struct fleet *f, GPtrArray *hosts, guint *left, GError **err)
{
	g_autoptr(GPtrArray) tasks = g_ptr_array_new_with_free_func((GDestroyNotify)task_free);
	g_autoptr(GPtrArray) remains = g_ptr_array_new_with_free_func((GDestroyNotify)left_free);
	g_autoptr(GPtrArray) found = NULL;
	struct audit_world w = { .hosts = hosts, .tasks = tasks, .left = remains };

	if (!store_each(fleet_store(f), Q_AUDIT_TASKS, STORE_NO_ARGS, take_task, tasks, err) ||
	    !store_each(fleet_store(f), Q_AUDIT_LEFT, STORE_NO_ARGS, take_left, remains, err) || !server_row_load(f, err))
		return false;
	w.servers = fleet_servers(f);
	found = audit_judge(&w);
	for (guint i = 0; i < found->len; i++) {
		const struct audit_finding *one = g_ptr_array_index(found, i);

		tell(audit_cure_name(one->cure), one->text);
	}
	*left += found->len;
	return true;
}

/* ---- the command ---- */

static bool audit_all(const struct conf *conf, struct store *s, bool fix, guint *left, GError **err)
{
	struct fleet *f = registry_new(conf, s);
	g_autoptr(GPtrArray) hosts = NULL;
	bool ok = host_row_load(f, err);

	if (ok) {
		hosts = hosts_of(f);
		ok = told_ask(hosts, err) && judge(f, hosts, left, err) && judge_orphans(s, fix, left, err);
	}
	if (ok)
		printf("%u hosts and %u servers were looked at: %u findings%s.\n", hosts->len, fleet_servers(f)->len, *left, fix ? " are left" : "");
	registry_free(f);
	return ok;
}

static int audit(const struct command *c, const struct conf *conf, int argc, char **argv)
{
	g_autofree char *url = where_url(conf);
	gboolean fix = FALSE;
	const GOptionEntry entries[] = {
		{ "fix", 0, 0, G_OPTION_ARG_NONE, &fix, "Take away rows that belong to nothing; everything else is droverd's, or yours, to mend", NULL },
		{ NULL },
	};
	g_autoptr(GError) err = NULL;
	struct store *s;
	guint left = 0;
	bool ok;

	if (!command_options(c, entries, NULL, &argc, &argv))
		return COMMAND_USAGE;
	s = store_open_beside(url, &err);
	ok = s && audit_all(conf, s, fix, &left, &err);
	store_close(s);
	return ok ? left > 0 : command_fail(c, err, COMMAND_BROKEN);
}
