/* SPDX-License-Identifier: Apache-2.0
 *
 * columns: the columns of a record, a line each.
 *
 * A list is X(number of the parameter, column, type, field): the statements (queries.c) take the first two of it, and the
 * module that has the struct takes the rest as a table of fields (row.h). The first line has a macro of its own, since
 * no comma stands before it. A new column is a line at the end of its list, a schema step, and a line in the struct.
 */
#ifndef COLUMNS_H
#define COLUMNS_H

/* Of hosts, behind name, $1. updated_at is also created_at of a new one. */
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
	X(11, vnc_listen, TEXT, vnc_listen)

/* Of servers, behind uuid, $1. */
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
	X(19, autostart, BOOL, autostart)

#endif
