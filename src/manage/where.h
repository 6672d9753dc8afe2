/* SPDX-License-Identifier: Apache-2.0
 *
 * where: which database a configuration means, and whose its files are; what droverd and drover-manage share.
 */
#ifndef MANAGE_WHERE_H
#define MANAGE_WHERE_H

#include <stdbool.h>

#include "base/conf.h"

/** where_url() - of the database, for store_open(). Return: owned */
char *where_url(const struct conf *c);

/** where_become_owner() - what root writes there is the daemon's: go on as the user that state_path belongs to. */
bool where_become_owner(const struct conf *c, GError **err);

/** where_load_conf() - read @path, or the default file if it is there. Return: owned; NULL after every mistake was named on stderr */
struct conf *where_load_conf(const char *path);

/** where_read_conf() - the same, with the mistakes as conf_load() gives them. */
struct conf *where_read_conf(const char *path, GPtrArray *mistakes);

#define WHERE_CONF_PATH "/etc/drover/drover.conf"

#endif
