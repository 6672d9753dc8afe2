/* SPDX-License-Identifier: Apache-2.0
 *
 * host_row: the rows of hosts, and what the configuration and a client may say of one.
 */
#ifndef HOST_ROW_H
#define HOST_ROW_H

#include "fleet/host.h"
#include "store/store.h"

struct conf;
struct conf_host;
struct fleet;

/** host_row_load() - all rows into memory. Return: false with the store's error. */
bool host_row_load(struct fleet *f, GError **err);
/** host_row_merge() - add the configuration's hosts; rows that may not be connected to are marked. One transaction, if anything changes. */
bool host_row_merge(struct fleet *f, GError **err);
/** host_row_create() - a new host, its row and its place among the others. Return: NULL with the store's error. */
struct host *host_row_create(struct fleet *f, const struct conf_host *ch, bool from_conf, GError **err);
/** host_row_save() - write its row. */
bool host_row_save(struct fleet *f, struct host *h, GError **err);

/** host_row_conf() - the configuration's section of that name; NULL. Borrowed. */
const struct conf_host *host_row_conf(const struct conf *c, const char *name);
/** host_row_configure() - what the configuration says of a host; memory only. */
void host_row_configure(struct fleet *f, struct host *h, const struct conf_host *ch);
/**
 * host_row_reload() - what may change at run time of hosts, after the configuration was read again: their cells.
 *
 * A row that cannot be written is written at the next start, when the configuration differs from it.
 */
void host_row_reload(struct fleet *f);
/** host_row_check() - D1: what a client of the API may say of a host. Return: false with ERR_BAD_REQUEST. */
bool host_row_check(const struct conf *c, const struct conf_host *ch, GError **err);

#endif
