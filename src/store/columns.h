/* SPDX-License-Identifier: Apache-2.0
 *
 * columns: the columns of each record, a line each.
 *
 * A list is X(number of the parameter, column, type, field): the statements (queries.c) take the first two of it, and the
 * module that has the struct takes the rest as a table of fields (row.h). A list named _ROW has the columns of a SELECT, in their order:
 * what reads the row has the same list. The others have the columns that one INSERT or UPDATE writes. 0 is the number
 * of a column that no list of these writes. The first line has a macro of its own, since no comma stands before it.
 *
 * A new column is a line here, a schema step, and a line in the struct.
 */
#ifndef COLUMNS_H
#define COLUMNS_H

/* ---- hosts ---- */

/* Behind name, $1. updated_at is also created_at of a new one. */
#define HOST_COLUMNS(FIRST, X) \
	FIRST(2, uri, TEXT, uri) \
	X(3, uuid, CHARS, uuid) \
	X(4, inbound_addr, TEXT, inbound_addr) \
	X(5, disabled, BOOL, disabled) \
	X(6, disabled_reason, TEXT, disabled_reason) \
	X(7, forced_down, BOOL, forced_down) \
	X(8, from_conf, BOOL, from_conf) \
	X(9, updated_at, NOW, updated_us) \
	X(10, migration_uri, TEXT, migration_uri) \
	X(11, vnc_listen, TEXT, vnc_listen) \
	X(12, cell, TEXT, cell)

/* Behind name, $1. */
#define HOST_FENCE_COLUMNS(FIRST, X) \
	FIRST(2, fenced_at, TIME, fence.fenced_us) \
	X(3, fencing, BOOL, fence.fencing) \
	X(4, fence_reason, TEXT, fence.reason)

#define HOST_ROW(FIRST, X) \
	FIRST(0, id, INT64, id) \
	X(1, name, TEXT, name) \
	HOST_COLUMNS(X, X) \
	X(0, created_at, INT64, created_us) \
	X(0, hv_uuid, CHARS, hv_uuid) \
	HOST_FENCE_COLUMNS(X, X) \
	X(0, booted, BOOL, booted)

/* Of its section of the configuration. */
#define HOST_SECTION_ROW(FIRST, X) \
	FIRST(0, name, TEXT, name) \
	X(0, uri, TEXT, uri) \
	X(0, from_conf, BOOL, from_conf)

/* ---- what is kept of guests ---- */

/* Behind server_uuid, $1. */
#define KEPT_COLUMNS(FIRST, X) \
	FIRST(2, definition, TEXT, packed) \
	X(3, sum, INT64, sum) \
	X(4, transient, BOOL, transient) \
	X(5, updated_at, INT64, updated_us) \
	X(6, disks, TEXT, disks) \
	X(7, priority, INT, priority)

#define KEPT_SUM_ROW(FIRST, X) \
	FIRST(0, server_uuid, LENT, uuid) \
	X(0, sum, INT64, sum) \
	X(0, priority, INT, priority)

/* ---- which folders hosts share ---- */

/* Behind host, $1, and folder, $2. */
#define MARKER_COLUMNS(FIRST, X) \
	FIRST(3, name, TEXT, name) \
	X(4, changed_ns, INT64, changed_ns)

#define MARKER_ROW(FIRST, X) \
	FIRST(0, host, LENT, host) \
	X(0, folder, LENT, folder) \
	MARKER_COLUMNS(X, X)

/* ---- what is done about hosts that died ---- */

/* Behind host, $1, and before updated_at, $3. */
#define HA_ROW(FIRST, X) \
	FIRST(0, host, LENT, host) \
	X(0, phase, HA, phase)

/* ---- servers ---- */

/* Behind uuid, $1. */
#define SERVER_COLUMNS(FIRST, X) \
	FIRST(2, name, TEXT, name) \
	X(3, host, TEXT, host) \
	X(4, libvirt_name, TEXT, libvirt_name) \
	X(5, vm_state, VM, vm) \
	X(6, task_state, TASK, task) \
	X(7, power_state, INT, power) \
	X(8, vcpus, INT, vcpus) \
	X(9, memory_mb, INT64, memory_mb) \
	X(10, disk_gb, INT64, disk_gb) \
	X(11, user_id, TEXT, user_id) \
	X(12, project_id, TEXT, project_id) \
	X(13, created_at, INT64, created_us) \
	X(14, updated_at, NOW, updated_us) \
	X(15, launched_at, TIME, launched_us) \
	X(16, deleted_at, TIME, deleted_us) \
	X(17, locked, BOOL, locked) \
	X(18, fault, TEXT, fault) \
	X(19, autostart, BOOL, autostart) \
	X(20, locked_by, TEXT, locked_by) \
	X(21, locked_reason, TEXT, locked_reason) \
	X(22, fault_stays, BOOL, fault_stays) \
	X(23, autostart_ours, BOOL, autostart_ours) \
	X(24, autostart_off, BOOL, autostart_off)

#define SERVER_ROW(FIRST, X) \
	FIRST(0, id, INT64, id) \
	X(1, uuid, CHARS, uuid) \
	SERVER_COLUMNS(X, X) \
	X(0, addresses, TEXT, addrs_stored)

/* What is counted of one that was deleted. */
#define SERVER_GONE_ROW(FIRST, X) \
	FIRST(0, uuid, CHARS, uuid) \
	X(0, name, LENT, name) \
	X(0, project_id, LENT, project_id) \
	X(0, vcpus, INT, vcpus) \
	X(0, memory_mb, INT64, memory_mb) \
	X(0, disk_gb, INT64, disk_gb) \
	X(0, created_at, INT64, created_us) \
	X(0, launched_at, TIME, launched_us) \
	X(0, deleted_at, TIME, deleted_us)

/* ---- migrations ---- */

#define MIG_KEYS(FIRST, X) \
	FIRST(1, uuid, CHARS, mig.uuid) \
	X(2, server_uuid, CHARS, mig.server_uuid)

/* What each change of the phase writes. Behind the id, $1, and the old phase, $2; of a new one, behind MIG_KEYS. */
#define MIG_STEP(FIRST, X) \
	FIRST(3, phase, LENT, phase) \
	X(4, status, LENT, status) \
	X(5, dest, TEXT, mig.dest) \
	X(6, attempt, INT, mig.attempt) \
	X(7, abort_wanted, BOOL, mig.abort_wanted) \
	X(8, force_wanted, BOOL, mig.force_wanted) \
	X(9, paused_by_us, BOOL, mig.paused_by_us) \
	X(10, error, TEXT, mig.error) \
	X(11, updated_at, NOW, mig.updated_us) \
	X(12, post_copy, BOOL, mig.postcopy) \
	X(13, ended_at, TIME, ended_us)

/* Those behind MIG_STEP are written once. */
#define MIG_NEW(FIRST, X) \
	MIG_KEYS(FIRST, X) \
	MIG_STEP(X, X) \
	X(14, type, LENT, type) \
	X(15, source, TEXT, mig.source) \
	X(16, requested_host, TEXT, mig.requested_host) \
	X(17, options, LENT, options) \
	X(18, user_id, TEXT, mig.user_id) \
	X(19, project_id, TEXT, mig.project_id) \
	X(20, request_id, TEXT, mig.request_id) \
	X(21, action_id, INT64, mig.action_id) \
	X(22, created_at, INT64, mig.created_us)

/* Behind the id, $1. */
#define MIG_PROGRESS(FIRST, X) \
	FIRST(2, mem_total, INT64, mig.progress.mem_total) \
	X(3, mem_processed, INT64, mig.progress.mem_processed) \
	X(4, mem_remaining, INT64, mig.progress.mem_remaining) \
	X(5, disk_total, INT64, mig.progress.disk_total) \
	X(6, disk_processed, INT64, mig.progress.disk_processed) \
	X(7, disk_remaining, INT64, mig.progress.disk_remaining) \
	X(8, downtime_ms, INT64, mig.progress.downtime_ms)

#define MIG_ROW(FIRST, X) \
	FIRST(0, id, INT64, mig.id) \
	MIG_NEW(X, X) \
	MIG_PROGRESS(X, X)

/* Behind the migration's id, $1. */
#define MIG_EVENT_ROW(FIRST, X) \
	FIRST(2, old_phase, TEXT, old_phase) \
	X(3, new_phase, TEXT, new_phase) \
	X(4, why, TEXT, why) \
	X(5, at, INT64, at_us)

/* ---- files that migrations make ---- */

/* Behind the id, $1; of a new one, behind created_at. */
#define VOLUME_CHANGES(FIRST, X) \
	FIRST(2, migration_id, INT64, owner.id) \
	X(3, due, BOOL, due) \
	X(4, ready, BOOL, ready)

#define VOLUME_NEW(FIRST, X) \
	VOLUME_CHANGES(FIRST, X) \
	X(5, server_uuid, TEXT, server_uuid) \
	X(6, host, TEXT, host) \
	X(7, path, TEXT, path) \
	X(8, kind, KIND, kind)

#define VOLUME_ROW(FIRST, X) \
	FIRST(0, id, INT64, id) \
	VOLUME_NEW(X, X)

/* ---- definitions that migrations take away or leave behind ---- */

/* Behind created_at, $1. */
#define DEFINITION_NEW(FIRST, X) \
	FIRST(2, migration_id, INT64, task) \
	X(3, server_uuid, LENT, server_uuid) \
	X(4, host, LENT, host) \
	X(5, kind, KIND, kind) \
	X(6, xml, LENT, xml) \
	X(7, autostart, BOOL, autostart) \
	X(8, due, BOOL, due)

#define DEFINITION_ROW(FIRST, X) \
	FIRST(0, id, INT64, id) \
	DEFINITION_NEW(X, X)

/* ---- plans ---- */

/* Behind the id, $1. */
#define PLAN_CHANGES(FIRST, X) \
	FIRST(2, state, PLAN_STATE, state) \
	X(3, why, TEXT, why) \
	X(4, started_at, TIME, started_us) \
	X(5, ended_at, TIME, ended_us) \
	X(6, prepared, BOOL, prepared) \
	X(7, abort_running, BOOL, abort_running) \
	X(8, counts, TEXT, counts) \
	X(9, options, TEXT, options) \
	X(10, expected_s, INT64, expected_s) \
	X(11, updated_at, NOW, updated_us)

/* Behind created_at, $1. */
#define PLAN_NEW(FIRST, X) \
	PLAN_CHANGES(FIRST, X) \
	X(12, kind, PLAN_KIND, kind) \
	X(13, fleet_version, CHARS, fleet_version) \
	X(14, report, TEXT, report) \
	X(15, user_id, TEXT, user_id) \
	X(16, project_id, TEXT, project_id) \
	X(17, request_id, TEXT, request_id)

#define PLAN_ROW(FIRST, X) \
	FIRST(0, id, INT64, id) \
	X(0, created_at, INT64, created_us) \
	PLAN_NEW(X, X)

/* Behind the plan's id, $1, and the step's number, $2. */
#define PLAN_STEP_CHANGES(FIRST, X) \
	FIRST(3, state, PLAN_STEP_STATE, state) \
	X(4, source, TEXT, source) \
	X(5, dest, TEXT, dest) \
	X(6, cold, BOOL, cold) \
	X(7, migration_id, INT64, task) \
	X(8, request_id, TEXT, request_id) \
	X(9, attempts, INT, attempts) \
	X(10, reason, TEXT, reason) \
	X(11, started_at, TIME, started_us) \
	X(12, ended_at, TIME, ended_us)

#define PLAN_STEP_NEW(FIRST, X) \
	PLAN_STEP_CHANGES(FIRST, X) \
	X(13, server_uuid, CHARS, uuid) \
	X(14, server_name, TEXT, name) \
	X(15, why, TEXT, why) \
	X(16, after_steps, TEXT, after) \
	X(17, wave, INT, wave) \
	X(18, detour, BOOL, detour) \
	X(19, vcpus, INT, needs.vcpus) \
	X(20, memory_mb, INT64, needs.memory_mb) \
	X(21, disk_gb, INT64, needs.disk_gb) \
	X(22, expected_s, INT64, expect_s) \
	X(23, expected_bytes, INT64, expect_bytes) \
	X(24, reasons, TEXT, reasons)

#define PLAN_STEP_ROW(FIRST, X) \
	FIRST(0, n, INT, n) \
	PLAN_STEP_NEW(X, X)

#define PLAN_HOST_ROW(FIRST, X) \
	FIRST(0, host, LENT, host)

/* ---- instance actions ---- */

#define ACTION_NEW(FIRST, X) \
	FIRST(1, server_uuid, TEXT, server_uuid) \
	X(2, action, TEXT, action) \
	X(3, request_id, TEXT, request_id) \
	X(4, user_id, TEXT, user_id) \
	X(5, project_id, TEXT, project_id) \
	X(6, start_at, INT64, start_us) \
	X(7, updated_at, INT64, updated_us)

#define ACTION_ROW(FIRST, X) \
	FIRST(0, id, INT64, id) \
	ACTION_NEW(X, X) \
	X(0, message, TEXT, message)

/* Behind the action's id, $1. */
#define ACTION_EVENT_START(FIRST, X) \
	FIRST(2, event, TEXT, event) \
	X(3, host, TEXT, host) \
	X(4, start_at, INT64, start_us)

/* Behind the action's id, $1, and the event, $2. */
#define ACTION_EVENT_END(FIRST, X) \
	FIRST(3, result, TEXT, result) \
	X(4, details, TEXT, details) \
	X(5, finish_at, TIME, finish_us)

#define ACTION_EVENT_ROW(FIRST, X) \
	ACTION_EVENT_START(FIRST, X) \
	ACTION_EVENT_END(X, X)

/* ---- care of the database ---- */

/* The rows that belong to it are counted, itself among them. */
#define ARCHIVE_NEXT_ROW(FIRST, X) \
	FIRST(0, uuid, LENT, uuid) \
	X(0, rows, INT64, rows)

#define ARCHIVE_OWN_ROW(FIRST, X) \
	FIRST(0, id, INT64, id) \
	X(0, rows, INT64, rows)

#define PURGE_PLACE_ROW(FIRST, X) \
	FIRST(0, deleted_at, INT64, deleted_us) \
	X(0, id, INT64, id)

#define AUDIT_TASK_ROW(FIRST, X) \
	FIRST(0, id, INT64, id) \
	X(0, server_uuid, TEXT, server) \
	X(0, source, TEXT, source) \
	X(0, dest, TEXT, dest)

#define AUDIT_LEFT_ROW(FIRST, X) \
	FIRST(0, server_uuid, TEXT, server) \
	X(0, host, TEXT, host) \
	X(0, what, TEXT, what)

#define CARE_RUN_ROW(FIRST, X) \
	FIRST(1, name, LENT, name) \
	X(2, planned_at, INT64, planned_us)

/* ---- consoles ---- */

#define CONSOLE_TOKEN_ROW(FIRST, X) \
	FIRST(1, token_hash, CHARS, hash) \
	X(2, server_uuid, CHARS, server_uuid) \
	X(3, kind, CONSOLE, kind) \
	X(4, user_id, TEXT, user_id) \
	X(5, project_id, TEXT, project_id) \
	X(6, created_at, INT64, created_us) \
	X(7, expires_at, TIME, expires_us) \
	X(8, app_id, TEXT, app_id)

/* ---- identity ---- */

#define USER_CHANGES(FIRST, X) \
	FIRST(2, name, TEXT, name) \
	X(3, password_hash, TEXT, hash) \
	X(4, default_project_id, TEXT, default_project_id) \
	X(5, enabled, BOOL, enabled)

#define USER_ROW(FIRST, X) \
	FIRST(1, id, TEXT, id) \
	USER_CHANGES(X, X) \
	X(6, created_at, INT64, created_us)

#define PROJECT_CHANGES(FIRST, X) \
	FIRST(2, name, TEXT, name) \
	X(3, description, TEXT, description) \
	X(4, enabled, BOOL, enabled)

#define PROJECT_ROW(FIRST, X) \
	FIRST(1, id, TEXT, id) \
	PROJECT_CHANGES(X, X) \
	X(5, created_at, INT64, created_us)

#define GRANT_ROW(FIRST, X) \
	FIRST(1, user_id, LENT, user_id) \
	X(2, project_id, LENT, project_id) \
	X(3, role, ROLE, role)

#define APP_ROW(FIRST, X) \
	FIRST(1, id, TEXT, app.id) \
	X(2, user_id, TEXT, app.user_id) \
	X(3, project_id, TEXT, app.project_id) \
	X(4, name, TEXT, app.name) \
	X(5, description, TEXT, app.description) \
	X(6, secret_hash, TEXT, app.hash) \
	X(7, roles, LENT, roles) \
	X(8, unrestricted, BOOL, app.unrestricted) \
	X(9, expires_at, TIME, app.expires_us) \
	X(10, created_at, INT64, app.created_us)

#define REVOKED_ROW(FIRST, X) \
	FIRST(1, audit_id, LENT, audit_id) \
	X(2, expires_at, INT64, expires_us)

#define NOT_BEFORE_ROW(FIRST, X) \
	FIRST(1, user_id, LENT, user_id) \
	X(2, project_id, LENT, project_id) \
	X(3, at, INT64, at_us)

#endif
