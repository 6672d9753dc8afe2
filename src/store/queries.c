/* SPDX-License-Identifier: Apache-2.0 */
#include "store/queries.h"

#include <assert.h>

#include "store/columns.h"

/* A list of columns.h as the names, the parameters and the assignments of a statement. */
#define NAME_1(n, column, type, field) #column
#define NAME(n, column, type, field) ", " #column
#define PARAM_1(n, column, type, field) "$" #n
#define PARAM(n, column, type, field) ", $" #n
#define ASSIGN_1(n, column, type, field) #column " = $" #n
#define ASSIGN(n, column, type, field) ", " #column " = $" #n
#define COUNT(n, column, type, field) + 1

/* A statement that writes the columns of a list, and what is behind it there. */
#define INSERT(table, list) "INSERT INTO " table " (" list(NAME_1, NAME) ") VALUES (" list(PARAM_1, PARAM) ")"
#define INSERT_BEHIND(table, column, value, list) "INSERT INTO " table " (" column list(NAME, NAME) ") VALUES (" value list(PARAM, PARAM) ")"
#define SELECT(table, list) "SELECT " list(NAME_1, NAME) " FROM " table
#define UPDATE(table, list) "UPDATE " table " SET " list(ASSIGN_1, ASSIGN)
#define N(list) list(COUNT, COUNT)

/* The next place in the list of what belongs to $1. */
#define NEXT_OF(table, owner) "(SELECT COALESCE(MAX(n), 0) + 1 FROM " table " WHERE " owner " = $1)"

/*
 * $1 server, $2 host, $3 status, $4 type, $5 source, $6 user, $7 project, $8 since, $9 before: null is any; $10 <= id < $11; $12 the limit.
 *
 * A row without a status is of a task that is no migration.
 *
 * @lead: a condition on the first column of an index that goes on with the id; SQLite, which plans before it knows the values,
 * takes that index. The range of ids bounds how many rows are examined for the other conditions.
 */
#define MIG_LIST(lead) \
	SELECT("migrations", MIG_ROW) " WHERE " lead "id >= $10 AND id < $11 AND (" OPT_TEXT(1) "server_uuid = $1) " \
	"AND (" OPT_TEXT(2) "source = $2 OR dest = $2) AND (" OPT_TEXT(3) "status = $3) AND (" OPT_TEXT(4) "type = $4) " \
	"AND (" OPT_TEXT(5) "source = $5) AND (" OPT_TEXT(6) "user_id = $6) AND (" OPT_TEXT(7) "project_id = $7) " \
	"AND status <> '' AND (" OPT_INT(8) "updated_at >= $8) AND (" OPT_INT(9) "updated_at <= $9) ORDER BY id DESC LIMIT $12"

/* A parameter that may be null needs its type said, or PostgreSQL cannot tell it in "$1 IS NULL". */
#define OPT_TEXT(n) "CAST($" #n " AS TEXT) IS NULL OR "
#define OPT_INT(n) "CAST($" #n " AS BIGINT) IS NULL OR "

/*
 * A server that was deleted can go when nothing of it is under way or left at a host: what is written down for that names its migrations.
 *
 * In the order of the index servers_deleted.
 */
#define ARCHIVABLE \
	"servers s WHERE s.deleted_at < $1 AND NOT EXISTS (SELECT 1 FROM migrations m WHERE m.server_uuid = s.uuid AND m.ended_at IS NULL) " \
	"AND s.uuid NOT IN (SELECT v.server_uuid FROM migration_volumes v WHERE v.migration_id > 0 OR v.due = 1) " \
	"AND s.uuid NOT IN (SELECT d.server_uuid FROM migration_definitions d) ORDER BY s.deleted_at, s.id LIMIT $2"

#define OF_1(n, column, type, field) "o." #column
#define OF(n, column, type, field) ", o." #column
#define EVENT_OF(n, column, type, field) ", e." #column

/* CROSS JOIN is the order that SQLite takes; from the batch on, each is found by an index. */
#define OWN_OF_BATCH(table) "archive_batch b CROSS JOIN " table " o WHERE o.server_uuid = b.server_uuid AND o.id <= $1"
#define EVENTS_OF_BATCH(table, events, owner) \
	"archive_batch b CROSS JOIN " table " o CROSS JOIN " events " e WHERE o.server_uuid = b.server_uuid AND o.id <= $1 AND e." owner " = o.id"

/* What belongs to a server has the time of its deletion beside it there. */
#define ARCHIVE_OWN(table, list) \
	"INSERT INTO shadow_" table " (deleted_at, " list(NAME_1, NAME) ") SELECT b.deleted_at, " list(OF_1, OF) " FROM " OWN_OF_BATCH(table)
#define ARCHIVE_OWN_DROP(table) "DELETE FROM " table " WHERE server_uuid IN (SELECT server_uuid FROM archive_batch) AND id <= $1"
#define ARCHIVE_EVENTS(table, events, owner, list) \
	"INSERT INTO shadow_" events " (deleted_at, " owner ", n" list(NAME, NAME) ") SELECT b.deleted_at, e." owner ", e.n" \
	list(EVENT_OF, EVENT_OF) " FROM " EVENTS_OF_BATCH(table, events, owner)
#define ARCHIVE_EVENTS_DROP(table, events, owner) \
	"DELETE FROM " events " WHERE " owner " IN (SELECT o.id FROM " OWN_OF_BATCH(table) ")"

#define COUNT_OWN(table) "(SELECT count(*) FROM " table " o WHERE o.server_uuid = s.uuid)"
#define COUNT_EVENTS(table, events, owner) \
	"(SELECT count(*) FROM " table " o CROSS JOIN " events " e WHERE o.server_uuid = s.uuid AND e." owner " = o.id)"
#define OWN_ROWS(table, events, owner) \
	"SELECT o.id, 1 + (SELECT count(*) FROM " events " e WHERE e." owner " = o.id) FROM " table " o WHERE o.server_uuid = $1 ORDER BY o.id"

#define PURGE_AT(table, id) \
	"SELECT deleted_at, " id " FROM shadow_" table " WHERE deleted_at < $1 ORDER BY deleted_at, " id " LIMIT 1 OFFSET $2"
/* The plus keeps SQLite from taking the first condition for the end of its search: all that may go would be read for each transaction. */
#define PURGE(table, id) "DELETE FROM shadow_" table " WHERE +deleted_at < $1 AND (deleted_at, " id ") <= ($2, $3)"

/* A row that belongs to something which is not there. */
#define NO_USER(table) "NOT EXISTS (SELECT 1 FROM users u WHERE u.id = " table ".user_id)"
#define NO_PROJECT(table) "NOT EXISTS (SELECT 1 FROM projects p WHERE p.id = " table ".project_id)"
#define NO_SERVER(table) "NOT EXISTS (SELECT 1 FROM servers s WHERE s.uuid = " table ".server_uuid AND s.deleted_at IS NULL)"
#define NO_HOST(table) "NOT EXISTS (SELECT 1 FROM hosts h WHERE h.name = " table ".host)"
#define NO_OWNER(table, owners, column) "NOT EXISTS (SELECT 1 FROM " owners " o WHERE o.id = " table "." column ")"
#define ORPHAN_TOKEN "expires_at <= $1 OR " NO_SERVER("console_tokens")
#define ORPHAN_NOT_BEFORE \
	"(user_id <> '' AND " NO_USER("tokens_not_before") ") OR (project_id <> '' AND " NO_PROJECT("tokens_not_before") ")"
#define ORPHANS(id, word, table, which) \
	[Q_ORPHAN_##id] = { "orphan_" word, "SELECT count(*) FROM " table " WHERE " which, 0 }, \
	[Q_ORPHAN_##id##_DROP] = { "orphan_" word "_drop", "DELETE FROM " table " WHERE " which, 0 }

const struct query_def query_table[Q_N] = {
	[Q_HOST_ALL] = { "host_all",
		SELECT("hosts", HOST_ROW) " ORDER BY id", 0 },
	[Q_HOST_SECTIONS] = { "host_sections", SELECT("hosts", HOST_SECTION_ROW) " ORDER BY id", 0 },
	[Q_HOST_PUT] = { "host_put",
		INSERT_BEHIND("hosts", "created_at, name", "$9, $1", HOST_COLUMNS)
		" ON CONFLICT (name) DO UPDATE SET " HOST_COLUMNS(ASSIGN_1, ASSIGN) " RETURNING id", 1 N(HOST_COLUMNS) },
	[Q_HOST_UUID] = { "host_uuid", "UPDATE hosts SET hv_uuid = $2 WHERE name = $1", 2 },
	[Q_HOST_BOOTED] = { "host_booted", "UPDATE hosts SET booted = $2 WHERE name = $1", 2 },
	[Q_DEFINITION_KEEP] = { "definition_keep",
		INSERT_BEHIND("server_definitions", "server_uuid", "$1", KEPT_COLUMNS)
		" ON CONFLICT (server_uuid) DO UPDATE SET " KEPT_COLUMNS(ASSIGN_1, ASSIGN), 1 N(KEPT_COLUMNS) },
	[Q_DEFINITION_KEPT] = { "definition_kept", SELECT("server_definitions", KEPT_COLUMNS) " WHERE server_uuid = $1", 1 },
	[Q_DEFINITION_DISKS] = { "definition_disks", "SELECT disks FROM server_definitions WHERE server_uuid = $1", 1 },
	[Q_DEFINITION_SUMS] = { "definition_sums", SELECT("server_definitions", KEPT_SUM_ROW), 0 },
	[Q_DEFINITION_DROP] = { "definition_drop", "DELETE FROM server_definitions WHERE server_uuid = $1", 1 },
	[Q_HA_ALL] = { "ha_all", SELECT("ha_hosts", HA_ROW) " ORDER BY host", 0 },
	[Q_HA_PUT] = { "ha_put",
		"INSERT INTO ha_hosts (host, phase, updated_at) VALUES ($1, $2, $3) ON CONFLICT (host) DO UPDATE SET phase = $2, updated_at = $3", 3 },
	[Q_HA_DROP] = { "ha_drop", "DELETE FROM ha_hosts WHERE host = $1", 1 },
	[Q_MARKER_ALL] = { "marker_all", SELECT("storage_markers", MARKER_ROW) " ORDER BY host, folder", 0 },
	[Q_MARKER_PUT] = { "marker_put",
		INSERT_BEHIND("storage_markers", "host, folder", "$1, $2", MARKER_COLUMNS)
		" ON CONFLICT (host, folder) DO UPDATE SET " MARKER_COLUMNS(ASSIGN_1, ASSIGN), 2 N(MARKER_COLUMNS) },
	[Q_MARKER_DROP] = { "marker_drop", "DELETE FROM storage_markers WHERE host = $1 AND (" OPT_TEXT(2) "folder = $2)", 2 },
	[Q_HOST_FENCE] = { "host_fence", "UPDATE hosts SET " HOST_FENCE_COLUMNS(ASSIGN_1, ASSIGN) " WHERE name = $1", 1 N(HOST_FENCE_COLUMNS) },
	[Q_HOST_RENAME] = { "host_rename", "UPDATE hosts SET name = $2 WHERE name = $1", 2 },
	[Q_HOST_RENAME_SERVERS] = { "host_rename_servers", "UPDATE servers SET host = $2 WHERE host = $1", 2 },
	[Q_HOST_RENAME_SOURCES] = { "host_rename_sources", "UPDATE migrations SET source = $2 WHERE source = $1", 2 },
	[Q_HOST_RENAME_DESTS] = { "host_rename_dests", "UPDATE migrations SET dest = $2 WHERE dest = $1", 2 },
	[Q_HOST_RENAME_REQUESTED] = { "host_rename_requested", "UPDATE migrations SET requested_host = $2 WHERE requested_host = $1", 2 },
	[Q_HOST_RENAME_VOLUMES] = { "host_rename_volumes", "UPDATE migration_volumes SET host = $2 WHERE host = $1", 2 },
	[Q_HOST_RENAME_DEFINITIONS] = { "host_rename_definitions", "UPDATE migration_definitions SET host = $2 WHERE host = $1", 2 },
	[Q_HOST_RENAME_MARKERS] = { "host_rename_markers", "UPDATE storage_markers SET host = $2 WHERE host = $1", 2 },
	[Q_HOST_RENAME_HA] = { "host_rename_ha", "UPDATE ha_hosts SET host = $2 WHERE host = $1", 2 },
	[Q_HOST_RENAME_PLANS] = { "host_rename_plans", "UPDATE plan_hosts SET host = $2 WHERE host = $1", 2 },
	[Q_HOST_RENAME_PLAN_SOURCES] = { "host_rename_plan_sources", "UPDATE plan_steps SET source = $2 WHERE source = $1", 2 },
	[Q_HOST_RENAME_PLAN_DESTS] = { "host_rename_plan_dests", "UPDATE plan_steps SET dest = $2 WHERE dest = $1", 2 },
	[Q_HOST_RENAME_EVENTS] = { "host_rename_events", "UPDATE instance_action_events SET host = $2 WHERE host = $1", 2 },
	[Q_HOST_DELETE] = { "host_delete", "DELETE FROM hosts WHERE name = $1", 1 },

	[Q_SERVER_ALL] = { "server_all",
		SELECT("servers", SERVER_ROW) " WHERE deleted_at IS NULL ORDER BY id", 0 },
	[Q_SERVER_PUT] = { "server_put",
		INSERT_BEHIND("servers", "uuid", "$1", SERVER_COLUMNS)
		" ON CONFLICT (uuid) DO UPDATE SET " SERVER_COLUMNS(ASSIGN_1, ASSIGN) " RETURNING id", 1 N(SERVER_COLUMNS) },
	[Q_SERVER_SET] = { "server_set", UPDATE("servers", SERVER_COLUMNS) " WHERE uuid = $1", 1 N(SERVER_COLUMNS) },
	[Q_SERVER_ADDRS] = { "server_addrs", "UPDATE servers SET addresses = $2 WHERE uuid = $1", 2 },
	[Q_SERVER_GONE] = { "server_gone",
		SELECT("servers", SERVER_GONE_ROW)
		" WHERE id > $3 AND id <= $4 AND deleted_at >= $1 AND (" OPT_TEXT(2) "project_id = $2) ORDER BY id", 4 },
	[Q_SERVER_DELETED] = { "server_deleted",
		SELECT("servers", SERVER_ROW) " WHERE deleted_at >= $1 AND (deleted_at, id) > ($2, $3) ORDER BY deleted_at, id LIMIT $4", 4 },
	[Q_SERVER_LAST] = { "server_last", "SELECT coalesce(max(id), 0) FROM servers", 0 },

	[Q_MIG_ACTIVE] = { "mig_active",
		SELECT("migrations", MIG_ROW) " WHERE ended_at IS NULL ORDER BY id", 0 },
	[Q_MIG_GET] = { "mig_get", SELECT("migrations", MIG_ROW) " WHERE id = $1", 1 },
	[Q_MIG_LIST] = { "mig_list", MIG_LIST(""), 12, .varied = true },
	[Q_MIG_LIST_SERVER] = { "mig_list_server", MIG_LIST("server_uuid = $1 AND "), 12, .varied = true },
	[Q_MIG_LIST_USER] = { "mig_list_user", MIG_LIST("user_id = $6 AND "), 12, .varied = true },
	[Q_MIG_LIST_PROJECT] = { "mig_list_project", MIG_LIST("project_id = $7 AND "), 12, .varied = true },
	[Q_MIG_LAST] = { "mig_last", "SELECT COALESCE(MAX(id), 0) FROM migrations", 0 },
	[Q_MIG_BY_UUID] = { "mig_by_uuid", SELECT("migrations", MIG_ROW) " WHERE uuid = $1", 1 },
	[Q_MIG_INSERT] = { "mig_insert", INSERT("migrations", MIG_NEW) " RETURNING id", N(MIG_NEW) },
	[Q_MIG_PHASE] = { "mig_phase", UPDATE("migrations", MIG_STEP) " WHERE id = $1 AND phase = $2", 2 N(MIG_STEP) },
	[Q_MIG_OPTIONS] = { "mig_options", "UPDATE migrations SET options = $2 WHERE id = $1", 2 },
	[Q_MIG_ACTION] = { "mig_action", "UPDATE migrations SET action_id = $2 WHERE id = $1", 2 },
	[Q_MIG_PROGRESS] = { "mig_progress", UPDATE("migrations", MIG_PROGRESS) ", updated_at = $9 WHERE id = $1", 2 N(MIG_PROGRESS) },
	[Q_MIG_EVENT] = { "mig_event",
		INSERT_BEHIND("migration_events", "migration_id, n", "$1, " NEXT_OF("migration_events", "migration_id"), MIG_EVENT_ROW), 1 N(MIG_EVENT_ROW) },
	[Q_MIG_EVENTS] = { "mig_events", SELECT("migration_events", MIG_EVENT_ROW) " WHERE migration_id = $1 ORDER BY n", 1 },

	[Q_VOLUME_ALL] = { "volume_all", SELECT("migration_volumes", VOLUME_ROW) " ORDER BY id", 0 },
	[Q_VOLUME_INSERT] = { "volume_insert",
		INSERT_BEHIND("migration_volumes", "created_at", "$1", VOLUME_NEW) " RETURNING id", 1 N(VOLUME_NEW) },
	[Q_VOLUME_SET] = { "volume_set", UPDATE("migration_volumes", VOLUME_CHANGES) " WHERE id = $1", 1 N(VOLUME_CHANGES) },
	[Q_VOLUME_DELETE] = { "volume_delete", "DELETE FROM migration_volumes WHERE id = $1", 1 },
	[Q_VOLUME_DUE] = { "volume_due", "UPDATE migration_volumes SET due = 1 WHERE migration_id = $1", 1 },
	[Q_VOLUME_MOVED] = { "volume_moved",
		"UPDATE migration_volumes SET due = 1, host = $2 WHERE migration_id = $1 AND due = 0 AND kind = 'disk'", 2 },
	[Q_VOLUME_BROUGHT] = { "volume_brought",
		"UPDATE migration_volumes SET migration_id = 0 WHERE migration_id = $1 AND due = 0 AND kind = 'media'", 1 },
	[Q_VOLUME_LEFT] = { "volume_left",
		"UPDATE migration_volumes SET due = 1 WHERE server_uuid = $1 AND host = $2 AND migration_id = 0", 2 },
	[Q_VOLUME_FORGET] = { "volume_forget", "DELETE FROM migration_volumes WHERE migration_id = $1 AND due = 0", 1 },

	[Q_DEFINITION_ALL] = { "definition_all", SELECT("migration_definitions", DEFINITION_ROW) " ORDER BY id", 0 },
	[Q_DEFINITION_INSERT] = { "definition_insert",
		INSERT_BEHIND("migration_definitions", "created_at", "$1", DEFINITION_NEW) " RETURNING id", 1 N(DEFINITION_NEW) },
	[Q_DEFINITION_DUE] = { "definition_due", "UPDATE migration_definitions SET due = 1 WHERE id = $1", 1 },
	[Q_DEFINITION_TAKE] = { "definition_take", "UPDATE migration_definitions SET migration_id = $2, due = 0 WHERE id = $1", 2 },
	[Q_DEFINITION_DELETE_UNSURE] = { "definition_delete_unsure",
		"DELETE FROM migration_definitions WHERE id = $1 AND server_uuid = $2 AND host = $3 AND kind = $4", 4 },
	[Q_DEFINITION_DELETE] = { "definition_delete", "DELETE FROM migration_definitions WHERE id = $1", 1 },

	[Q_PLAN_ACTIVE] = { "plan_active", SELECT("plans", PLAN_ROW) " WHERE ended_at IS NULL ORDER BY id", 0 },
	[Q_PLAN_GET] = { "plan_get", SELECT("plans", PLAN_ROW) " WHERE id = $1 AND state <> 'making'", 1 },
	[Q_PLAN_LIST] = { "plan_list",
		SELECT("plans", PLAN_ROW) " WHERE id < $3 AND state <> 'making' AND (" OPT_TEXT(1) "kind = $1) AND (" OPT_TEXT(2) "state = $2) ORDER BY id DESC LIMIT $4", 4 },
	[Q_PLAN_INSERT] = { "plan_insert", INSERT_BEHIND("plans", "created_at", "$1", PLAN_NEW) " RETURNING id", 1 N(PLAN_NEW) },
	[Q_PLAN_SET] = { "plan_set", UPDATE("plans", PLAN_CHANGES) " WHERE id = $1", 1 N(PLAN_CHANGES) },
	[Q_PLAN_DELETE] = { "plan_delete", "DELETE FROM plans WHERE id = $1", 1 },
	[Q_PLAN_DELETE_HOSTS] = { "plan_delete_hosts", "DELETE FROM plan_hosts WHERE plan_id = $1", 1 },
	[Q_PLAN_DELETE_STEPS] = { "plan_delete_steps",
		"DELETE FROM plan_steps WHERE plan_id = $1 AND n < (SELECT MIN(n) FROM plan_steps WHERE plan_id = $1) + $2", 2 },
	[Q_PLAN_DROP] = { "plan_drop", "UPDATE plans SET state = 'making', started_at = NULL, ended_at = NULL WHERE id = $1", 1 },
	[Q_PLAN_HOSTS] = { "plan_hosts", SELECT("plan_hosts", PLAN_HOST_ROW) " WHERE plan_id = $1 ORDER BY n", 1 },
	[Q_PLAN_HOST_INSERT] = { "plan_host_insert", "INSERT INTO plan_hosts (plan_id, n, host) VALUES ($1, $2, $3)", 3 },
	[Q_PLAN_DRAIN_OF] = { "plan_drain_of",
		"SELECT COALESCE(MAX(id), 0) FROM plans WHERE kind = 'drain' AND started_at IS NOT NULL AND id IN (SELECT plan_id FROM plan_hosts WHERE host = $1)", 1 },
	[Q_PLAN_STEPS] = { "plan_steps", SELECT("plan_steps", PLAN_STEP_ROW) " WHERE plan_id = $1 AND n > $2 ORDER BY n LIMIT $3", 3 },
	/* One whose answer was lost is written again, and may be of another server by then. */
	[Q_PLAN_STEP_INSERT] = { "plan_step_insert", INSERT_BEHIND("plan_steps", "plan_id, n", "$1, $2", PLAN_STEP_NEW)
		" ON CONFLICT (plan_id, n) DO UPDATE SET " PLAN_STEP_NEW(ASSIGN_1, ASSIGN), 2 N(PLAN_STEP_NEW) },
	[Q_PLAN_STEP_SET] = { "plan_step_set", UPDATE("plan_steps", PLAN_STEP_CHANGES) " WHERE plan_id = $1 AND n = $2", 2 N(PLAN_STEP_CHANGES) },

	[Q_ACTION_INSERT] = { "action_insert", INSERT("instance_actions", ACTION_NEW) " RETURNING id", N(ACTION_NEW) },
	[Q_ACTION_FINISH] = { "action_finish", "UPDATE instance_actions SET message = $2, updated_at = $3 WHERE id = $1", 3 },
	[Q_ACTION_LIST] = { "action_list",
		SELECT("instance_actions", ACTION_ROW) " WHERE server_uuid = $1 AND (" OPT_INT(2) "updated_at >= $2) "
		"AND (" OPT_INT(3) "updated_at <= $3) AND id < $4 ORDER BY id DESC LIMIT $5", 5 },
	[Q_ACTION_GET] = { "action_get",
		SELECT("instance_actions", ACTION_ROW) " WHERE server_uuid = $1 AND request_id = $2 ORDER BY id DESC LIMIT 1", 2 },
	[Q_AEVENT_START] = { "aevent_start",
		INSERT_BEHIND("instance_action_events", "action_id, n", "$1, " NEXT_OF("instance_action_events", "action_id"), ACTION_EVENT_START),
		1 N(ACTION_EVENT_START) },
	[Q_AEVENT_FINISH] = { "aevent_finish",
		UPDATE("instance_action_events", ACTION_EVENT_END) " WHERE action_id = $1 AND (" OPT_TEXT(2) "event = $2) AND finish_at IS NULL",
		2 N(ACTION_EVENT_END) },
	[Q_AEVENT_LIST] = { "aevent_list", SELECT("instance_action_events", ACTION_EVENT_ROW) " WHERE action_id = $1 ORDER BY n DESC", 1 },

	[Q_USER_ALL] = { "user_all", SELECT("users", USER_ROW) " ORDER BY created_at, id", 0 },
	[Q_USER_ID] = { "user_id", "SELECT id FROM users WHERE name = $1", 1 },
	[Q_USER_PUT] = { "user_put",
		INSERT("users", USER_ROW) " ON CONFLICT (id) DO UPDATE SET " USER_CHANGES(ASSIGN_1, ASSIGN), N(USER_ROW) },
	[Q_USER_DELETE] = { "user_delete", "DELETE FROM users WHERE id = $1", 1 },
	[Q_PROJECT_ALL] = { "project_all", SELECT("projects", PROJECT_ROW) " ORDER BY created_at, id", 0 },
	[Q_PROJECT_ID] = { "project_id", "SELECT id FROM projects WHERE name = $1", 1 },
	[Q_PROJECT_PUT] = { "project_put",
		INSERT("projects", PROJECT_ROW) " ON CONFLICT (id) DO UPDATE SET " PROJECT_CHANGES(ASSIGN_1, ASSIGN), N(PROJECT_ROW) },
	[Q_PROJECT_DELETE] = { "project_delete", "DELETE FROM projects WHERE id = $1", 1 },
	[Q_GRANT_ALL] = { "grant_all", SELECT("grants", GRANT_ROW) " ORDER BY user_id, project_id, role", 0 },
	[Q_GRANT_PUT] = { "grant_put", INSERT("grants", GRANT_ROW) " ON CONFLICT (user_id, project_id, role) DO NOTHING", N(GRANT_ROW) },
	[Q_GRANT_DELETE] = { "grant_delete", "DELETE FROM grants WHERE user_id = $1 AND project_id = $2 AND role = $3", 3 },
	[Q_GRANT_DELETE_USER] = { "grant_delete_user", "DELETE FROM grants WHERE user_id = $1", 1 },
	[Q_GRANT_DELETE_PROJECT] = { "grant_delete_project", "DELETE FROM grants WHERE project_id = $1", 1 },
	[Q_APP_ALL] = { "app_all", SELECT("application_credentials", APP_ROW) " ORDER BY created_at, id", 0 },
	[Q_APP_PUT] = { "app_put", INSERT("application_credentials", APP_ROW), N(APP_ROW) },
	[Q_APP_DELETE] = { "app_delete", "DELETE FROM application_credentials WHERE id = $1", 1 },
	[Q_APP_DELETE_USER] = { "app_delete_user", "DELETE FROM application_credentials WHERE user_id = $1", 1 },
	[Q_APP_DELETE_PROJECT] = { "app_delete_project", "DELETE FROM application_credentials WHERE project_id = $1", 1 },
	[Q_APP_DELETE_IN] = { "app_delete_in", "DELETE FROM application_credentials WHERE user_id = $1 AND project_id = $2", 2 },
	[Q_REVOKED_ALL] = { "revoked_all", SELECT("revoked_tokens", REVOKED_ROW) " WHERE expires_at > $1", 1 },
	[Q_REVOKED_PUT] = { "revoked_put", INSERT("revoked_tokens", REVOKED_ROW) " ON CONFLICT (audit_id) DO NOTHING", N(REVOKED_ROW) },
	[Q_REVOKED_PURGE] = { "revoked_purge", "DELETE FROM revoked_tokens WHERE expires_at <= $1", 1 },

	[Q_NOT_BEFORE_ALL] = { "not_before_all", SELECT("tokens_not_before", NOT_BEFORE_ROW) " ORDER BY user_id, project_id", 0 },
	[Q_NOT_BEFORE_PUT] = { "not_before_put",
		INSERT("tokens_not_before", NOT_BEFORE_ROW) " ON CONFLICT (user_id, project_id) DO UPDATE SET at = $3", N(NOT_BEFORE_ROW) },
	[Q_NOT_BEFORE_DELETE_USER] = { "not_before_delete_user", "DELETE FROM tokens_not_before WHERE user_id = $1", 1 },
	[Q_NOT_BEFORE_DELETE_PROJECT] = { "not_before_delete_project", "DELETE FROM tokens_not_before WHERE project_id = $1", 1 },

	[Q_LEADER_TAKE] = { "leader_take",
		"INSERT INTO leader (name, holder, epoch, told, since) VALUES ('droverd', $1, 1, $2, $3) "
		"ON CONFLICT (name) DO UPDATE SET holder = $1, epoch = leader.epoch + 1, told = $2, since = $3 RETURNING epoch", 3 },

	[Q_ARCHIVE_NEXT] = { "archive_next",
		"SELECT s.uuid, 1 + " COUNT_OWN("instance_actions") " + " COUNT_EVENTS("instance_actions", "instance_action_events", "action_id") " + "
		COUNT_OWN("migrations") " + " COUNT_EVENTS("migrations", "migration_events", "migration_id") " FROM " ARCHIVABLE, 2 },
	[Q_ARCHIVE_ACTIONS] = { "archive_actions", OWN_ROWS("instance_actions", "instance_action_events", "action_id"), 1 },
	[Q_ARCHIVE_MIGS] = { "archive_migs", OWN_ROWS("migrations", "migration_events", "migration_id"), 1 },
	[Q_ARCHIVE_TAKE] = { "archive_take",
		"INSERT INTO archive_batch (id, server_uuid, deleted_at) SELECT s.id, s.uuid, s.deleted_at FROM " ARCHIVABLE, 2 },
	[Q_ARCHIVE_SERVERS] = { "archive_servers",
		"INSERT INTO shadow_servers (" SERVER_ROW(NAME_1, NAME) ") " SELECT("servers", SERVER_ROW)
		" WHERE id IN (SELECT id FROM archive_batch) AND deleted_at IS NOT NULL", 0 },
	[Q_ARCHIVE_SERVERS_DROP] = { "archive_servers_drop",
		"DELETE FROM servers WHERE id IN (SELECT id FROM archive_batch) AND deleted_at IS NOT NULL", 0 },
	[Q_ARCHIVE_MIG_EVENTS] = { "archive_mig_events", ARCHIVE_EVENTS("migrations", "migration_events", "migration_id", MIG_EVENT_ROW), 1 },
	[Q_ARCHIVE_MIG_EVENTS_DROP] = { "archive_mig_events_drop", ARCHIVE_EVENTS_DROP("migrations", "migration_events", "migration_id"), 1 },
	[Q_ARCHIVE_MIGS_MOVE] = { "archive_migs_move", ARCHIVE_OWN("migrations", MIG_ROW), 1 },
	[Q_ARCHIVE_MIGS_DROP] = { "archive_migs_drop", ARCHIVE_OWN_DROP("migrations"), 1 },
	[Q_ARCHIVE_ACTION_EVENTS] = { "archive_action_events",
		ARCHIVE_EVENTS("instance_actions", "instance_action_events", "action_id", ACTION_EVENT_ROW), 1 },
	[Q_ARCHIVE_ACTION_EVENTS_DROP] = { "archive_action_events_drop",
		ARCHIVE_EVENTS_DROP("instance_actions", "instance_action_events", "action_id"), 1 },
	[Q_ARCHIVE_ACTIONS_MOVE] = { "archive_actions_move", ARCHIVE_OWN("instance_actions", ACTION_ROW), 1 },
	[Q_ARCHIVE_ACTIONS_DROP] = { "archive_actions_drop", ARCHIVE_OWN_DROP("instance_actions"), 1 },
	[Q_ARCHIVE_END] = { "archive_end", "DELETE FROM archive_batch", 0 },
	[Q_PURGE_SERVERS_AT] = { "purge_servers_at", PURGE_AT("servers", "id"), 2 },
	[Q_PURGE_SERVERS] = { "purge_servers", PURGE("servers", "id"), 3 },
	[Q_PURGE_MIGS_AT] = { "purge_migs_at", PURGE_AT("migrations", "id"), 2 },
	[Q_PURGE_MIGS] = { "purge_migs", PURGE("migrations", "id"), 3 },
	[Q_PURGE_MIG_EVENTS_AT] = { "purge_mig_events_at", PURGE_AT("migration_events", "migration_id"), 2 },
	[Q_PURGE_MIG_EVENTS] = { "purge_mig_events", PURGE("migration_events", "migration_id"), 3 },
	[Q_PURGE_ACTIONS_AT] = { "purge_actions_at", PURGE_AT("instance_actions", "id"), 2 },
	[Q_PURGE_ACTIONS] = { "purge_actions", PURGE("instance_actions", "id"), 3 },
	[Q_PURGE_ACTION_EVENTS_AT] = { "purge_action_events_at", PURGE_AT("instance_action_events", "action_id"), 2 },
	[Q_PURGE_ACTION_EVENTS] = { "purge_action_events", PURGE("instance_action_events", "action_id"), 3 },
	[Q_AUDIT_TASKS] = { "audit_tasks", SELECT("migrations", AUDIT_TASK_ROW) " WHERE ended_at IS NULL ORDER BY id", 0 },
	[Q_AUDIT_LEFT] = { "audit_left",
		"SELECT server_uuid, host, path FROM migration_volumes WHERE due = 1 AND kind NOT IN ('marker', 'probe') UNION ALL "
		"SELECT server_uuid, host, 'a definition' FROM migration_definitions WHERE due = 1 ORDER BY 1, 2, 3", 0 },
	[Q_ORPHAN_CONSOLE_TOKENS] = { "orphan_console_tokens", "SELECT count(*) FROM console_tokens WHERE " ORPHAN_TOKEN, 1 },
	[Q_ORPHAN_CONSOLE_TOKENS_DROP] = { "orphan_console_tokens_drop", "DELETE FROM console_tokens WHERE " ORPHAN_TOKEN, 1 },
	[Q_ORPHAN_REVOKED] = { "orphan_revoked", "SELECT count(*) FROM revoked_tokens WHERE expires_at <= $1", 1 },
	ORPHANS(NOT_BEFORE, "not_before", "tokens_not_before", ORPHAN_NOT_BEFORE),
	ORPHANS(GRANTS, "grants", "grants", NO_USER("grants") " OR " NO_PROJECT("grants")),
	ORPHANS(APPS, "apps", "application_credentials", NO_USER("application_credentials") " OR " NO_PROJECT("application_credentials")),
	ORPHANS(MIG_EVENTS, "mig_events", "migration_events", NO_OWNER("migration_events", "migrations", "migration_id")),
	ORPHANS(ACTION_EVENTS, "action_events", "instance_action_events", NO_OWNER("instance_action_events", "instance_actions", "action_id")),
	ORPHANS(DEFINITIONS, "definitions", "server_definitions", NO_SERVER("server_definitions")),
	ORPHANS(MARKERS, "markers", "storage_markers", NO_HOST("storage_markers")),
	ORPHANS(HA, "ha", "ha_hosts", NO_HOST("ha_hosts")),
	ORPHANS(PLAN_HOSTS, "plan_hosts", "plan_hosts", NO_OWNER("plan_hosts", "plans", "plan_id")),
	ORPHANS(PLAN_STEPS, "plan_steps", "plan_steps", NO_OWNER("plan_steps", "plans", "plan_id")),
	[Q_CARE_RUNS] = { "care_runs", SELECT("care_runs", CARE_RUN_ROW) " ORDER BY name", 0 },
	[Q_CARE_RAN] = { "care_ran",
		INSERT("care_runs", CARE_RUN_ROW) " ON CONFLICT (name) DO UPDATE SET planned_at = $2", N(CARE_RUN_ROW) },
	[Q_CONSOLE_TOKENS] = { "console_tokens", SELECT("console_tokens", CONSOLE_TOKEN_ROW), 0 },
	[Q_CONSOLE_TOKEN_PUT] = { "console_token_put", INSERT("console_tokens", CONSOLE_TOKEN_ROW), N(CONSOLE_TOKEN_ROW) },
	[Q_CONSOLE_TOKEN_EXPIRES] = { "console_token_expires", "UPDATE console_tokens SET expires_at = $2 WHERE token_hash = $1", 2 },
	[Q_CONSOLE_TOKEN_DELETE] = { "console_token_delete", "DELETE FROM console_tokens WHERE token_hash = $1", 1 },

	[Q_SCHEMA_VERSION] = { "schema_version", "SELECT version FROM schema_version", 0 },
	[Q_SCHEMA_SET] = { "schema_set", "UPDATE schema_version SET version = $1", 1 },
};

const struct schema_step schema_steps[] = {
	{ 1,
	  "CREATE TABLE schema_version (version BIGINT NOT NULL);"
	  "INSERT INTO schema_version (version) VALUES (0);"

	  "CREATE TABLE hosts (id @ID@, name TEXT NOT NULL UNIQUE, uri TEXT NOT NULL, uuid TEXT NOT NULL, inbound_addr TEXT, "
	  "disabled BIGINT NOT NULL, disabled_reason TEXT, forced_down BIGINT NOT NULL, from_conf BIGINT NOT NULL, "
	  "created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, migration_uri TEXT, vnc_listen TEXT);"

	  "CREATE TABLE servers (id @ID@, uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, host TEXT, libvirt_name TEXT NOT NULL, "
	  "vm_state TEXT NOT NULL, task_state TEXT, power_state BIGINT NOT NULL, vcpus BIGINT NOT NULL, memory_mb BIGINT NOT NULL, "
	  "disk_gb BIGINT NOT NULL, user_id TEXT NOT NULL, project_id TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT, "
	  "launched_at BIGINT, deleted_at BIGINT, locked BIGINT NOT NULL, fault TEXT);"
	  "CREATE INDEX servers_host ON servers (host);"

	  "CREATE TABLE migrations (id @ID@, uuid TEXT NOT NULL UNIQUE, server_uuid TEXT NOT NULL, type TEXT NOT NULL, "
	  "phase TEXT NOT NULL, status TEXT NOT NULL, source TEXT NOT NULL, dest TEXT, requested_host TEXT, options TEXT NOT NULL, "
	  "attempt BIGINT NOT NULL DEFAULT 0, abort_wanted BIGINT NOT NULL DEFAULT 0, force_wanted BIGINT NOT NULL DEFAULT 0, "
	  "paused_by_us BIGINT NOT NULL DEFAULT 0, error TEXT, user_id TEXT NOT NULL, project_id TEXT NOT NULL, "
	  "request_id TEXT NOT NULL, action_id BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, "
	  "mem_total BIGINT NOT NULL DEFAULT 0, mem_processed BIGINT NOT NULL DEFAULT 0, mem_remaining BIGINT NOT NULL DEFAULT 0, "
	  "disk_total BIGINT NOT NULL DEFAULT 0, disk_processed BIGINT NOT NULL DEFAULT 0, disk_remaining BIGINT NOT NULL DEFAULT 0, "
	  "downtime_ms BIGINT NOT NULL DEFAULT 0);"
	  "CREATE INDEX migrations_server ON migrations (server_uuid);"
	  "CREATE INDEX migrations_phase ON migrations (phase);"

	  "CREATE TABLE migration_events (id @ID@, migration_id BIGINT NOT NULL, old_phase TEXT, new_phase TEXT NOT NULL, why TEXT, "
	  "at BIGINT NOT NULL);"
	  "CREATE INDEX migration_events_migration ON migration_events (migration_id);"

	  "CREATE TABLE instance_actions (id @ID@, server_uuid TEXT NOT NULL, action TEXT NOT NULL, request_id TEXT NOT NULL, "
	  "user_id TEXT NOT NULL, project_id TEXT NOT NULL, start_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, message TEXT);"
	  "CREATE INDEX instance_actions_server ON instance_actions (server_uuid);"

	  "CREATE TABLE instance_action_events (id @ID@, action_id BIGINT NOT NULL, event TEXT NOT NULL, host TEXT, "
	  "start_at BIGINT NOT NULL, finish_at BIGINT, result TEXT, details TEXT);"
	  "CREATE INDEX instance_action_events_action ON instance_action_events (action_id);"

	  "CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, default_project_id TEXT, "
	  "enabled BIGINT NOT NULL, created_at BIGINT NOT NULL);"
	  "CREATE TABLE projects (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL, enabled BIGINT NOT NULL, "
	  "created_at BIGINT NOT NULL);"
	  "CREATE TABLE grants (user_id TEXT NOT NULL, project_id TEXT NOT NULL, role TEXT NOT NULL, "
	  "PRIMARY KEY (user_id, project_id, role));"
	  "CREATE TABLE revoked_tokens (audit_id TEXT PRIMARY KEY, expires_at BIGINT NOT NULL);" },
	{ 2,
	  "CREATE TABLE migration_volumes (id @ID@, migration_id BIGINT NOT NULL, server_uuid TEXT NOT NULL, host TEXT NOT NULL, "
	  "path TEXT NOT NULL, kind TEXT NOT NULL, doomed BIGINT NOT NULL, ready BIGINT NOT NULL DEFAULT 0, created_at BIGINT NOT NULL);"
	  "CREATE INDEX migration_volumes_migration ON migration_volumes (migration_id);" },
	/* Nothing asks by a server's host or by one phase, and each change wrote both indexes. What belongs to one owner is kept together. */
	{ 3,
	  "DROP INDEX servers_host;"
	  "DROP INDEX migrations_phase;"

	  "CREATE TABLE events_of (migration_id BIGINT NOT NULL, n BIGINT NOT NULL, old_phase TEXT, new_phase TEXT NOT NULL, why TEXT, "
	  "at BIGINT NOT NULL, CONSTRAINT migration_events_place PRIMARY KEY (migration_id, n)) @CLUSTERED@;"
	  "INSERT INTO events_of SELECT migration_id, id, old_phase, new_phase, why, at FROM migration_events;"
	  "DROP TABLE migration_events;"
	  "ALTER TABLE events_of RENAME TO migration_events;"

	  "CREATE TABLE events_of (action_id BIGINT NOT NULL, n BIGINT NOT NULL, event TEXT NOT NULL, host TEXT, start_at BIGINT NOT NULL, "
	  "finish_at BIGINT, result TEXT, details TEXT, CONSTRAINT instance_action_events_place PRIMARY KEY (action_id, n)) @CLUSTERED@;"
	  "INSERT INTO events_of SELECT action_id, id, event, host, start_at, finish_at, result, details FROM instance_action_events;"
	  "DROP TABLE instance_action_events;"
	  "ALTER TABLE events_of RENAME TO instance_action_events;" },
	{ 4,
	  "ALTER TABLE migrations ADD COLUMN post_copy BIGINT NOT NULL DEFAULT 0;"
	  "UPDATE migrations SET post_copy = 1 WHERE status = 'running (post-copy)';" },
	{ 5,
	  "CREATE TABLE migration_definitions (id @ID@, migration_id BIGINT NOT NULL, server_uuid TEXT NOT NULL, host TEXT NOT NULL, "
	  "kind TEXT NOT NULL, xml TEXT NOT NULL, autostart BIGINT NOT NULL, due BIGINT NOT NULL DEFAULT 0, created_at BIGINT NOT NULL);"
	  "ALTER TABLE servers ADD COLUMN autostart BIGINT NOT NULL DEFAULT 0;" },
	{ 6, "ALTER TABLE hosts ADD COLUMN hv_uuid TEXT;" },
	{ 7, "ALTER TABLE servers ADD COLUMN addresses TEXT;" },
	{ 8,
	  "CREATE TABLE application_credentials (id TEXT PRIMARY KEY, user_id TEXT NOT NULL, project_id TEXT NOT NULL, name TEXT NOT NULL, "
	  "description TEXT, secret_hash TEXT NOT NULL, roles TEXT NOT NULL, unrestricted BIGINT NOT NULL, expires_at BIGINT, "
	  "created_at BIGINT NOT NULL, UNIQUE (user_id, name));" },
	{ 9,
	  "CREATE TABLE tokens_not_before (user_id TEXT NOT NULL, project_id TEXT NOT NULL, at BIGINT NOT NULL, "
	  "PRIMARY KEY (user_id, project_id));" },
	/* Lists by one server, user or project go down by the id from any place on. */
	{ 10,
	  "DROP INDEX migrations_server;"
	  "CREATE INDEX migrations_server ON migrations (server_uuid, id);"
	  "CREATE INDEX migrations_user ON migrations (user_id, id);"
	  "CREATE INDEX migrations_project ON migrations (project_id, id);" },
	/* One row: which process the database belongs to, where several can reach it. */
	{ 11,
	  "CREATE TABLE leader (name TEXT PRIMARY KEY, holder TEXT NOT NULL, epoch BIGINT NOT NULL, told TEXT NOT NULL, since BIGINT NOT NULL);" },
	/* Which words of phase are ends is the kind's knowledge, not the database's. */
	{ 12,
	  "ALTER TABLE migrations ADD COLUMN ended_at BIGINT;"
	  "UPDATE migrations SET ended_at = updated_at WHERE phase IN ('done', 'error', 'failed', 'cancelled');" },
	{ 13,
	  "ALTER TABLE servers ADD COLUMN locked_by TEXT;"
	  "ALTER TABLE servers ADD COLUMN locked_reason TEXT;" },
	{ 14, "ALTER TABLE migration_volumes RENAME COLUMN doomed TO due;" },
	{ 15, "ALTER TABLE hosts ADD COLUMN cell TEXT;" },
	{ 16,
	  "ALTER TABLE hosts ADD COLUMN fenced_at BIGINT;"
	  "ALTER TABLE hosts ADD COLUMN fencing BIGINT NOT NULL DEFAULT 0;"
	  "ALTER TABLE hosts ADD COLUMN fence_reason TEXT;" },
	{ 17,
	  "CREATE TABLE server_definitions (server_uuid TEXT PRIMARY KEY, definition TEXT NOT NULL, sum BIGINT NOT NULL, "
	  "transient BIGINT NOT NULL, updated_at BIGINT NOT NULL);" },
	{ 18, "ALTER TABLE server_definitions ADD COLUMN disks TEXT;" },
	{ 19,
	  "CREATE TABLE storage_markers (host TEXT NOT NULL, folder TEXT NOT NULL, name TEXT NOT NULL, changed_ns BIGINT NOT NULL, "
	  "PRIMARY KEY (host, folder));" },
	{ 20, "ALTER TABLE servers ADD COLUMN fault_stays BIGINT NOT NULL DEFAULT 0;" },
	{ 21,
	  "ALTER TABLE servers ADD COLUMN autostart_ours BIGINT NOT NULL DEFAULT 0;"
	  "ALTER TABLE servers ADD COLUMN autostart_off BIGINT NOT NULL DEFAULT 0;"
	  "ALTER TABLE hosts ADD COLUMN booted BIGINT NOT NULL DEFAULT 0;" },
	{ 22, "ALTER TABLE server_definitions ADD COLUMN priority BIGINT NOT NULL DEFAULT 0;" },
	{ 23, "CREATE TABLE ha_hosts (host TEXT PRIMARY KEY, phase TEXT NOT NULL, updated_at BIGINT NOT NULL);" },
	{ 24,
	  "CREATE TABLE plans (id @ID@, kind TEXT NOT NULL, state TEXT NOT NULL, why TEXT, fleet_version TEXT NOT NULL, options TEXT NOT NULL, "
	  "counts TEXT NOT NULL, report TEXT, expected_s BIGINT NOT NULL, prepared BIGINT NOT NULL, abort_running BIGINT NOT NULL, user_id TEXT, "
	  "project_id TEXT, request_id TEXT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, started_at BIGINT, ended_at BIGINT);"
	  "CREATE TABLE plan_hosts (plan_id BIGINT NOT NULL, n BIGINT NOT NULL, host TEXT NOT NULL, PRIMARY KEY (plan_id, n)) @CLUSTERED@;"
	  "CREATE INDEX plan_hosts_host ON plan_hosts (host);"
	  "CREATE TABLE plan_steps (plan_id BIGINT NOT NULL, n BIGINT NOT NULL, state TEXT NOT NULL, server_uuid TEXT NOT NULL, server_name TEXT, "
	  "source TEXT, dest TEXT, cold BIGINT NOT NULL, why TEXT, after_steps TEXT, wave BIGINT NOT NULL, detour BIGINT NOT NULL, vcpus BIGINT NOT NULL, "
	  "memory_mb BIGINT NOT NULL, disk_gb BIGINT NOT NULL, expected_s BIGINT NOT NULL, expected_bytes BIGINT NOT NULL, "
	  "migration_id BIGINT NOT NULL, request_id TEXT, attempts BIGINT NOT NULL, reason TEXT, reasons TEXT, started_at BIGINT, ended_at BIGINT, "
	  "PRIMARY KEY (plan_id, n)) @CLUSTERED@;" },
	/* A column that a table with a shadow gets, the shadow gets in the same step; tests/store/t_upgrade.c compares them. */
	{ 25,
	  "CREATE INDEX servers_deleted ON servers (deleted_at, id) WHERE deleted_at IS NOT NULL;"

	  "CREATE TABLE archive_batch (id BIGINT NOT NULL, server_uuid TEXT NOT NULL, deleted_at BIGINT NOT NULL, PRIMARY KEY (id)) @CLUSTERED@;"

	  "CREATE TABLE shadow_servers (id BIGINT NOT NULL, uuid TEXT NOT NULL, name TEXT NOT NULL, host TEXT, libvirt_name TEXT NOT NULL, "
	  "vm_state TEXT NOT NULL, task_state TEXT, power_state BIGINT NOT NULL, vcpus BIGINT NOT NULL, memory_mb BIGINT NOT NULL, "
	  "disk_gb BIGINT NOT NULL, user_id TEXT NOT NULL, project_id TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT, "
	  "launched_at BIGINT, deleted_at BIGINT NOT NULL, locked BIGINT NOT NULL, fault TEXT, autostart BIGINT NOT NULL, addresses TEXT, "
	  "locked_by TEXT, locked_reason TEXT, fault_stays BIGINT NOT NULL, autostart_ours BIGINT NOT NULL, autostart_off BIGINT NOT NULL, "
	  "PRIMARY KEY (deleted_at, id)) @CLUSTERED@;"

	  "CREATE TABLE shadow_migrations (deleted_at BIGINT NOT NULL, id BIGINT NOT NULL, uuid TEXT NOT NULL, server_uuid TEXT NOT NULL, "
	  "type TEXT NOT NULL, phase TEXT NOT NULL, status TEXT NOT NULL, source TEXT NOT NULL, dest TEXT, requested_host TEXT, "
	  "options TEXT NOT NULL, attempt BIGINT NOT NULL, abort_wanted BIGINT NOT NULL, force_wanted BIGINT NOT NULL, "
	  "paused_by_us BIGINT NOT NULL, error TEXT, user_id TEXT NOT NULL, project_id TEXT NOT NULL, request_id TEXT NOT NULL, "
	  "action_id BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, mem_total BIGINT NOT NULL, "
	  "mem_processed BIGINT NOT NULL, mem_remaining BIGINT NOT NULL, disk_total BIGINT NOT NULL, disk_processed BIGINT NOT NULL, "
	  "disk_remaining BIGINT NOT NULL, downtime_ms BIGINT NOT NULL, post_copy BIGINT NOT NULL, ended_at BIGINT, "
	  "PRIMARY KEY (deleted_at, id)) @CLUSTERED@;"

	  "CREATE TABLE shadow_migration_events (deleted_at BIGINT NOT NULL, migration_id BIGINT NOT NULL, n BIGINT NOT NULL, old_phase TEXT, "
	  "new_phase TEXT NOT NULL, why TEXT, at BIGINT NOT NULL, PRIMARY KEY (deleted_at, migration_id, n)) @CLUSTERED@;"

	  "CREATE TABLE shadow_instance_actions (deleted_at BIGINT NOT NULL, id BIGINT NOT NULL, server_uuid TEXT NOT NULL, action TEXT NOT NULL, "
	  "request_id TEXT NOT NULL, user_id TEXT NOT NULL, project_id TEXT NOT NULL, start_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, "
	  "message TEXT, PRIMARY KEY (deleted_at, id)) @CLUSTERED@;"

	  "CREATE TABLE shadow_instance_action_events (deleted_at BIGINT NOT NULL, action_id BIGINT NOT NULL, n BIGINT NOT NULL, "
	  "event TEXT NOT NULL, host TEXT, start_at BIGINT NOT NULL, finish_at BIGINT, result TEXT, details TEXT, "
	  "PRIMARY KEY (deleted_at, action_id, n)) @CLUSTERED@;"

	  "CREATE TABLE care_runs (name TEXT PRIMARY KEY, planned_at BIGINT NOT NULL);" },
	{ 26,
	  "CREATE TABLE console_tokens (token_hash TEXT PRIMARY KEY, server_uuid TEXT NOT NULL, kind TEXT NOT NULL, user_id TEXT NOT NULL, "
	  "project_id TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT);" },
	{ 27, "ALTER TABLE console_tokens ADD COLUMN app_id TEXT;" },
};

const int schema_version = sizeof schema_steps / sizeof schema_steps[0];
