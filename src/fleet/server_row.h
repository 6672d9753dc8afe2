/* SPDX-License-Identifier: Apache-2.0
 *
 * server_row: the rows of servers, and what follows when one comes, moves or goes.
 */
#ifndef SERVER_ROW_H
#define SERVER_ROW_H

#include "fleet/server.h"
#include "store/store.h"

struct fleet;

/**
 * server_row_load() - all rows into memory. Return: false with the store's error.
 *
 * One with a state that this version does not know is in ERROR, server.unknown says why, and its row is never written.
 */
bool server_row_load(struct fleet *f, GError **err);

typedef void server_row_f(struct server *s, void *user);
/**
 * server_row_deleted() - records of servers that were deleted and are not archived, in the order of their deletion.
 * @since_us: deleted then or later
 * @behind_us, @behind_id: ... and behind this one, by deleted_us and id; 0 at first
 * @n: so many at most
 * @fn: takes each; it is in no list of the fleet's
 */
bool server_row_deleted(struct fleet *f, int64_t since_us, int64_t behind_us, int64_t behind_id, int n, server_row_f *fn, void *user, GError **err);

/**
 * fleet_server_save() - write a record through to the store.
 *
 * Inside the caller's transaction if one is open. On failure the caller rolls
 * back and restores the fields it changed. ERR_CONFLICT for one whose row has
 * what this version does not know.
 */
bool fleet_server_save(struct fleet *f, struct server *s, GError **err);
/** fleet_server_write() - write the record as @d has it, inside the caller's transaction. Memory stays as it is. */
bool fleet_server_write(struct fleet *f, struct server *s, const struct server_draft *d, GError **err);
/** fleet_server_take() - the record is what @d says; memory only, after the commit. */
void fleet_server_take(struct fleet *f, struct server *s, const struct server_draft *d);
/** fleet_server_move() - set the server's host and the lists that hang on it; memory only, after the commit. */
void fleet_server_move(struct fleet *f, struct server *s, const char *host);
/** fleet_server_add() - take a new record into memory, after its commit. */
void fleet_server_add(struct fleet *f, struct server *s);
/** fleet_server_drop() - take it out of memory and free it. */
void fleet_server_drop(struct fleet *f, struct server *s);

#endif
