/* SPDX-License-Identifier: Apache-2.0
 *
 * queries: every SQL statement of the program by name, and the schema by version.
 *
 * The comment beside a name gives its parameters and its columns; code that
 * reads a row uses the same order.
 */
#ifndef QUERIES_H
#define QUERIES_H

#include <stdbool.h>

enum query {
	/* what the controller knows of its hosts */
	Q_HOST_ALL,        /* () -> id, name, the columns of hosts (columns.h), created_at, hv_uuid; by id */
	Q_HOST_PUT,        /* (name, the columns of hosts) -> id; by name */
	Q_HOST_UUID,       /* (name, hv_uuid) */
	/* Each column that has a host's name: (old, new). A host that is renamed is renamed in all of them, in one transaction. */
	Q_HOST_RENAME, Q_HOST_RENAME_SERVERS, Q_HOST_RENAME_SOURCES, Q_HOST_RENAME_DESTS, Q_HOST_RENAME_REQUESTED, Q_HOST_RENAME_VOLUMES,
	Q_HOST_RENAME_EVENTS, Q_HOST_RENAME_DEFINITIONS,
	Q_HOST_DELETE,     /* (name) */

	/* servers */
	Q_SERVER_ALL,      /* () -> id, uuid, the columns of servers (columns.h), addresses; not deleted ones, by id */
	Q_SERVER_PUT,      /* (uuid, the columns of servers) -> id; by uuid */
	Q_SERVER_SET,      /* likewise, of one that has a row */
	Q_SERVER_ADDRS,    /* (uuid, addresses or null) */
	Q_SERVER_GONE,     /* (since, project or null, above id, up to id) -> uuid, name, project_id, vcpus, memory_mb, disk_gb, created_at,
			      launched_at, deleted_at; those deleted since then */
	Q_SERVER_LAST,     /* () -> the highest id; 0: there is none */

	/* migrations */
	Q_MIG_ACTIVE,      /* () -> the columns of Q_MIG_GET; rows of those that have not ended, by id */
	Q_MIG_GET,         /* (id) -> MIG columns, see below */
	/* (server_uuid or null, host or null, status or null, type or null, source or null, user_id or null, project_id or null, since or null,
	   before or null, from_id, below_id, limit) -> MIG columns, by id downwards; by the index of what is not null */
	Q_MIG_LIST, Q_MIG_LIST_SERVER, Q_MIG_LIST_USER, Q_MIG_LIST_PROJECT,
	Q_MIG_LAST,        /* () -> the highest id, or 0 */
	Q_MIG_BY_UUID,     /* (uuid) -> MIG columns */
	Q_MIG_INSERT,      /* (uuid, server_uuid, type, phase, status, source, dest, requested_host, options, user_id, project_id,
			      request_id, action_id, now) -> id */
	Q_MIG_PHASE,       /* (id, old phase, new phase, status, dest, attempt, abort_wanted, force_wanted, paused_by_us, error, now, post_copy, ended or null):
			      changed = 1 or the race was lost */
	Q_MIG_OPTIONS,     /* (id, options) */
	Q_MIG_PROGRESS,    /* (id, mem_total, mem_processed, mem_remaining, disk_total, disk_processed, disk_remaining, downtime_ms, now) */
	Q_MIG_EVENT,       /* (migration_id, old phase, new phase, why, now) */
	Q_MIG_EVENTS,      /* (migration_id) -> old phase, new phase, why, at; in their order */

	/* files that a migration makes, written down before they are made */
	Q_VOLUME_ALL,      /* () -> id, migration_id, server_uuid, host, path, kind, doomed, ready; by id */
	Q_VOLUME_INSERT,   /* (migration_id, server_uuid, host, path, kind, doomed, now) -> id */
	Q_VOLUME_SET,      /* (id, migration_id, doomed, ready) */
	Q_VOLUME_DELETE,   /* (id) */
	Q_VOLUME_DOOM,     /* (migration_id): what it made is to be removed */
	Q_VOLUME_MOVED,    /* (migration_id, source): its disks live where they were made; what they were copied from is to be removed */
	Q_VOLUME_BROUGHT,  /* (migration_id): the drives that it brought along stay as long as the server does */
	Q_VOLUME_LEFT,     /* (server_uuid, host): the server has left, so those drives are to be removed */
	Q_VOLUME_FORGET,   /* (migration_id): what it made and is not to be removed is in use now */

	/* definitions that migrations take away or leave behind */
	Q_DEFINITION_ALL,    /* () -> id, migration_id, server_uuid, host, kind, xml, autostart, due; by id */
	Q_DEFINITION_INSERT, /* (migration_id, server_uuid, host, kind, xml, autostart, now) -> id; not due */
	Q_DEFINITION_DUE,    /* (id) */
	Q_DEFINITION_TAKE,   /* (id, migration_id); not due any more */
	Q_DEFINITION_DELETE, /* (id) */

	/* instance actions */
	Q_ACTION_INSERT,   /* (server_uuid, action, request_id, user_id, project_id, now) -> id */
	Q_ACTION_FINISH,   /* (id, message, now) */
	Q_ACTION_LIST,     /* (server_uuid, since or null, before or null, below_id, limit) ->
			      id, server_uuid, action, request_id, user_id, project_id, start, updated, message; by id downwards */
	Q_ACTION_GET,      /* (server_uuid, request_id) -> the same columns */
	Q_AEVENT_START,    /* (action_id, event, host, now) */
	Q_AEVENT_FINISH,   /* (action_id, event or null, result, details, now); those that have no end yet */
	Q_AEVENT_LIST,     /* (action_id) -> event, host, start, finish, result, details; the last one first */

	/* identity */
	Q_USER_ALL,        /* () -> id, name, password_hash, default_project_id, enabled, created_at */
	Q_USER_PUT,        /* (id, name, password_hash, default_project_id, enabled, now) by id */
	Q_USER_DELETE,     /* (id) */
	Q_PROJECT_ALL,     /* () -> id, name, description, enabled, created_at */
	Q_PROJECT_PUT,     /* (id, name, description, enabled, now) by id */
	Q_PROJECT_DELETE,  /* (id) */
	Q_GRANT_ALL,       /* () -> user_id, project_id, role */
	Q_GRANT_PUT,       /* (user_id, project_id, role); again is no error */
	Q_GRANT_DELETE,    /* (user_id, project_id, role) */
	Q_GRANT_DELETE_USER,    /* (user_id) */
	Q_GRANT_DELETE_PROJECT, /* (project_id) */
	Q_APP_ALL,         /* () -> id, user_id, project_id, name, description, secret_hash, roles, unrestricted, expires_at, created_at */
	Q_APP_PUT,         /* (the same) */
	Q_APP_DELETE,      /* (id) */
	Q_APP_DELETE_USER,    /* (user_id) */
	Q_APP_DELETE_PROJECT, /* (project_id) */
	Q_APP_DELETE_IN,   /* (user_id, project_id) */
	Q_REVOKED_ALL,     /* (now) -> audit_id, expires_at; those not expired yet */
	Q_REVOKED_PUT,     /* (audit_id, expires_at) */
	Q_REVOKED_PURGE,   /* (now) */
	Q_NOT_BEFORE_ALL,  /* () -> user_id, project_id, at; "" for any user, any project */
	Q_NOT_BEFORE_PUT,  /* (user_id, project_id, at) by both */
	Q_NOT_BEFORE_DELETE_USER,    /* (user_id) */
	Q_NOT_BEFORE_DELETE_PROJECT, /* (project_id) */

	Q_LEADER_TAKE,     /* (holder, told, now) -> epoch; one row, whose number of owners grows */

	/* for the store's own tests and for drover-manage */
	Q_SCHEMA_VERSION,  /* () -> version */
	Q_SCHEMA_SET,      /* (version) */
	Q_N
};

/*
 * MIG columns: id, uuid, server_uuid, type, phase, status, source, dest, requested_host, options, attempt,
 * abort_wanted, force_wanted, paused_by_us, error, user_id, project_id, request_id, action_id, created_at, updated_at,
 * mem_total, mem_processed, mem_remaining, disk_total, disk_processed, disk_remaining, downtime_ms, post_copy
 */

struct query_def {
	const char *name;
	const char *sql;
	int args;
	bool varied; /* the best plan depends on the values: where a prepared statement has one plan for all, it is not prepared */
};

/** query_table - indexed by enum query. */
extern const struct query_def query_table[Q_N];

struct schema_step {
	int version;        /* the schema's version after this step */
	const char *sql;    /* @ID@, @CLUSTERED@: see struct store_ops */
};

/** schema_steps - by version, from 1 upwards without a gap; schema_version is the last one's. */
extern const struct schema_step schema_steps[];
extern const int schema_version;

#endif
