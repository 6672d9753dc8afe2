/* SPDX-License-Identifier: Apache-2.0
 *
 * queries: every SQL statement of the program by name, and the schema by version.
 *
 * The comment beside a name gives its parameters and its columns; names in capitals are lists of columns.h. What reads a row, and what
 * writes one, has the same list (row.h): no code outside src/store counts columns.
 */
#ifndef QUERIES_H
#define QUERIES_H

#include <stdbool.h>

enum query {
	/* what the controller knows of its hosts */
	Q_HOST_ALL,        /* () -> HOST_ROW; by id */
	Q_HOST_SECTIONS,   /* () -> HOST_SECTION_ROW; by id */
	Q_HOST_PUT,        /* (name, HOST_COLUMNS) -> id; by name */
	Q_HOST_UUID, Q_HOST_BOOTED,       /* (name, hv_uuid) */
	Q_DEFINITION_KEEP,   /* (server, KEPT_COLUMNS); by server */
	Q_DEFINITION_KEPT,   /* (server) -> KEPT_COLUMNS */
	Q_DEFINITION_DISKS,  /* (server) -> disks */
	Q_DEFINITION_SUMS,   /* () -> KEPT_SUM_ROW */
	Q_DEFINITION_DROP,   /* (server) */
	Q_HA_ALL,          /* () -> HA_ROW */
	Q_HA_PUT,          /* (host, phase, now); by host */
	Q_HA_DROP,         /* (host) */
	Q_MARKER_ALL,      /* () -> MARKER_ROW */
	Q_MARKER_PUT,      /* (host, folder, MARKER_COLUMNS); by host and folder */
	Q_MARKER_DROP,     /* (host, folder or null: all) */
	Q_HOST_FENCE,      /* (name, HOST_FENCE_COLUMNS) */
	/* Each column that has a host's name: (old, new). A host that is renamed is renamed in all of them, in one transaction. */
	Q_HOST_RENAME, Q_HOST_RENAME_SERVERS, Q_HOST_RENAME_SOURCES, Q_HOST_RENAME_DESTS, Q_HOST_RENAME_REQUESTED, Q_HOST_RENAME_VOLUMES,
	Q_HOST_RENAME_EVENTS, Q_HOST_RENAME_DEFINITIONS, Q_HOST_RENAME_MARKERS,
	Q_HOST_RENAME_HA, Q_HOST_RENAME_PLANS, Q_HOST_RENAME_PLAN_SOURCES, Q_HOST_RENAME_PLAN_DESTS,
	Q_HOST_DELETE,     /* (name) */

	/* servers */
	Q_SERVER_ALL,      /* () -> SERVER_ROW; not deleted ones, by id */
	Q_SERVER_PUT,      /* (uuid, SERVER_COLUMNS) -> id; by uuid */
	Q_SERVER_SET,      /* likewise, of one that has a row */
	Q_SERVER_ADDRS,    /* (uuid, addresses or null) */
	Q_SERVER_GONE,     /* (since, project or null, above id, up to id) -> SERVER_GONE_ROW; those deleted since then */
	Q_SERVER_DELETED,  /* (since, behind deleted_at, behind id, limit) -> SERVER_ROW; deleted ones, in this order */
	Q_SERVER_LAST,     /* () -> the highest id; 0: there is none */

	/* migrations */
	Q_MIG_ACTIVE,      /* () -> MIG_ROW; those that have not ended, by id */
	Q_MIG_GET,         /* (id) -> MIG_ROW */
	/* (server_uuid or null, host or null, status or null, type or null, source or null, user_id or null, project_id or null, since or null,
	   before or null, from_id, below_id, limit) -> MIG_ROW, by id downwards; by the index of what is not null */
	Q_MIG_LIST, Q_MIG_LIST_SERVER, Q_MIG_LIST_USER, Q_MIG_LIST_PROJECT,
	Q_MIG_LAST,        /* () -> the highest id, or 0 */
	Q_MIG_BY_UUID,     /* (uuid) -> MIG_ROW */
	Q_MIG_INSERT,      /* (MIG_NEW) -> id */
	Q_MIG_PHASE,       /* (id, old phase, MIG_STEP): changed = 1 or the race was lost */
	Q_MIG_OPTIONS,     /* (id, options) */
	Q_MIG_ACTION,      /* (id, action_id) */
	Q_MIG_PROGRESS,    /* (id, MIG_PROGRESS, now) */
	Q_MIG_EVENT,       /* (migration_id, MIG_EVENT_ROW) */
	Q_MIG_EVENTS,      /* (migration_id) -> MIG_EVENT_ROW; in their order */

	/* files that a migration makes, written down before they are made */
	Q_VOLUME_ALL,      /* () -> VOLUME_ROW; by id */
	Q_VOLUME_INSERT,   /* (now, VOLUME_NEW) -> id */
	Q_VOLUME_SET,      /* (id, VOLUME_CHANGES) */
	Q_VOLUME_DELETE,   /* (id) */
	Q_VOLUME_DUE,      /* (migration_id): what it made is to be removed */
	Q_VOLUME_MOVED,    /* (migration_id, source): its disks live where they were made; what they were copied from is to be removed */
	Q_VOLUME_BROUGHT,  /* (migration_id): the drives that it brought along stay as long as the server does */
	Q_VOLUME_LEFT,     /* (server_uuid, host): the server has left, so those drives are to be removed */
	Q_VOLUME_FORGET,   /* (migration_id): what it made and is not to be removed is in use now */

	/* definitions that migrations take away or leave behind */
	Q_DEFINITION_ALL,    /* () -> DEFINITION_ROW; by id */
	Q_DEFINITION_INSERT, /* (now, DEFINITION_NEW) -> id */
	Q_DEFINITION_DUE,    /* (id) */
	Q_DEFINITION_TAKE,   /* (id, migration_id); not due any more */
	Q_DEFINITION_DELETE_UNSURE, /* (id, server_uuid, host, kind) */
	Q_DEFINITION_DELETE, /* (id) */

	/* plans */
	Q_PLAN_ACTIVE,     /* () -> PLAN_ROW; those that have no end, by id */
	Q_PLAN_GET,        /* (id) -> PLAN_ROW; none of one that is being made */
	Q_PLAN_LIST,       /* (kind or null, state or null, below id, limit) -> PLAN_ROW; by id downwards */
	Q_PLAN_INSERT,     /* (now, PLAN_NEW) -> id */
	Q_PLAN_SET,        /* (id, PLAN_CHANGES) */
	Q_PLAN_DELETE,     /* (id) */
	Q_PLAN_DELETE_HOSTS, /* (id) */
	Q_PLAN_DELETE_STEPS, /* (id, how many): the first ones, if their numbers have no gap */
	Q_PLAN_DROP,       /* (id): as one that is being made, which no client sees, and which goes */
	Q_PLAN_HOSTS,      /* (id) -> PLAN_HOST_ROW; in their order */
	Q_PLAN_HOST_INSERT, /* (id, n, host) */
	Q_PLAN_DRAIN_OF,   /* (host) -> the id of the last drain of it that has begun; 0: none */
	Q_PLAN_STEPS,      /* (id, above n, limit) -> PLAN_STEP_ROW; by n */
	Q_PLAN_STEP_INSERT, /* (id, n, PLAN_STEP_NEW), over one of that place */
	Q_PLAN_STEP_SET,   /* (id, n, PLAN_STEP_CHANGES) */

	/* instance actions */
	Q_ACTION_INSERT,   /* (ACTION_NEW) -> id */
	Q_ACTION_FINISH,   /* (id, message, now) */
	Q_ACTION_LIST,     /* (server_uuid, since or null, before or null, below_id, limit) -> ACTION_ROW; by id downwards */
	Q_ACTION_GET,      /* (server_uuid, request_id) -> ACTION_ROW */
	Q_AEVENT_START,    /* (action_id, ACTION_EVENT_START) */
	Q_AEVENT_FINISH,   /* (action_id, event or null, ACTION_EVENT_END); those that have no end yet */
	Q_AEVENT_LIST,     /* (action_id) -> ACTION_EVENT_ROW; the last one first */

	/* identity */
	Q_USER_ALL,        /* () -> USER_ROW */
	Q_USER_ID,         /* (name) -> id */
	Q_USER_PUT,        /* (USER_ROW) by id */
	Q_USER_DELETE,     /* (id) */
	Q_PROJECT_ALL,     /* () -> PROJECT_ROW */
	Q_PROJECT_ID,      /* (name) -> id */
	Q_PROJECT_PUT,     /* (PROJECT_ROW) by id */
	Q_PROJECT_DELETE,  /* (id) */
	Q_GRANT_ALL,       /* () -> GRANT_ROW */
	Q_GRANT_PUT,       /* (GRANT_ROW); again is no error */
	Q_GRANT_DELETE,    /* (user_id, project_id, role) */
	Q_GRANT_DELETE_USER,    /* (user_id) */
	Q_GRANT_DELETE_PROJECT, /* (project_id) */
	Q_APP_ALL,         /* () -> APP_ROW */
	Q_APP_PUT,         /* (APP_ROW) */
	Q_APP_DELETE,      /* (id) */
	Q_APP_DELETE_USER,    /* (user_id) */
	Q_APP_DELETE_PROJECT, /* (project_id) */
	Q_APP_DELETE_IN,   /* (user_id, project_id) */
	Q_REVOKED_ALL,     /* (now) -> REVOKED_ROW; those not expired yet */
	Q_REVOKED_PUT,     /* (REVOKED_ROW) */
	Q_REVOKED_PURGE,   /* (now) */
	Q_NOT_BEFORE_ALL,  /* () -> NOT_BEFORE_ROW; "" for any user, any project */
	Q_NOT_BEFORE_PUT,  /* (NOT_BEFORE_ROW) by user and project */
	Q_NOT_BEFORE_DELETE_USER,    /* (user_id) */
	Q_NOT_BEFORE_DELETE_PROJECT, /* (project_id) */

	Q_LEADER_TAKE,     /* (holder, told, now) -> epoch; one row, whose number of owners grows */

	/*
	 * What belongs to servers that were deleted goes to tables of their own, shadow_NAME, and from there away (manage/). archive_batch has
	 * the servers of one transaction, and is empty outside of it; a bound is the last id that goes.
	 */
	Q_ARCHIVE_NEXT,    /* (before, limit) -> ARCHIVE_NEXT_ROW: of servers deleted before, the first one first */
	Q_ARCHIVE_ACTIONS, /* (server_uuid) -> ARCHIVE_OWN_ROW, by id */
	Q_ARCHIVE_MIGS,    /* (server_uuid) -> ARCHIVE_OWN_ROW, by id */
	Q_ARCHIVE_TAKE,    /* (before, limit): into archive_batch */
	Q_ARCHIVE_SERVERS, Q_ARCHIVE_SERVERS_DROP,                 /* () */
	Q_ARCHIVE_MIG_EVENTS, Q_ARCHIVE_MIG_EVENTS_DROP,           /* (bound of migrations) */
	Q_ARCHIVE_MIGS_MOVE, Q_ARCHIVE_MIGS_DROP,                  /* (bound of migrations) */
	Q_ARCHIVE_ACTION_EVENTS, Q_ARCHIVE_ACTION_EVENTS_DROP,     /* (bound of actions) */
	Q_ARCHIVE_ACTIONS_MOVE, Q_ARCHIVE_ACTIONS_DROP,            /* (bound of actions) */
	Q_ARCHIVE_END,     /* () */
	/* (before, offset) -> PURGE_PLACE_ROW: of the row there; then (before, deleted_at, id): all up to there go */
	Q_PURGE_SERVERS_AT, Q_PURGE_SERVERS, Q_PURGE_MIGS_AT, Q_PURGE_MIGS, Q_PURGE_MIG_EVENTS_AT, Q_PURGE_MIG_EVENTS,
	Q_PURGE_ACTIONS_AT, Q_PURGE_ACTIONS, Q_PURGE_ACTION_EVENTS_AT, Q_PURGE_ACTION_EVENTS,
	Q_AUDIT_TASKS,     /* () -> AUDIT_TASK_ROW; those that have not ended, by id */
	Q_AUDIT_LEFT,      /* () -> AUDIT_LEFT_ROW; what is to be removed at hosts, by server */
	/* () -> how many rows of a table belong to nothing; then they are deleted. Those of tokens: (now), and what has expired as well */
	Q_ORPHAN_CONSOLE_TOKENS, Q_ORPHAN_CONSOLE_TOKENS_DROP, Q_ORPHAN_REVOKED, Q_ORPHAN_NOT_BEFORE, Q_ORPHAN_NOT_BEFORE_DROP,
	Q_ORPHAN_GRANTS, Q_ORPHAN_GRANTS_DROP, Q_ORPHAN_APPS, Q_ORPHAN_APPS_DROP, Q_ORPHAN_MIG_EVENTS, Q_ORPHAN_MIG_EVENTS_DROP,
	Q_ORPHAN_ACTION_EVENTS, Q_ORPHAN_ACTION_EVENTS_DROP, Q_ORPHAN_DEFINITIONS, Q_ORPHAN_DEFINITIONS_DROP,
	Q_ORPHAN_MARKERS, Q_ORPHAN_MARKERS_DROP, Q_ORPHAN_HA, Q_ORPHAN_HA_DROP,
	Q_ORPHAN_PLAN_HOSTS, Q_ORPHAN_PLAN_HOSTS_DROP, Q_ORPHAN_PLAN_STEPS, Q_ORPHAN_PLAN_STEPS_DROP,
	Q_CARE_RUNS,       /* () -> CARE_RUN_ROW */
	Q_CARE_RAN,        /* (name, planned_at); by name */
	Q_CONSOLE_TOKENS,  /* () -> CONSOLE_TOKEN_ROW */
	Q_CONSOLE_TOKEN_PUT, /* (CONSOLE_TOKEN_ROW) */
	Q_CONSOLE_TOKEN_EXPIRES, /* (token_hash, expires_at) */
	Q_CONSOLE_TOKEN_DELETE, /* (token_hash) */

	/* for the store's own tests and for drover-manage */
	Q_SCHEMA_VERSION,  /* () -> version */
	Q_SCHEMA_SET,      /* (version) */
	Q_N
};

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
