/* SPDX-License-Identifier: Apache-2.0
 *
 * first_start: what the first start makes, and how it is told from a start whose database was lost; private to identity/.
 *
 * An empty database beside a token.key or an admin-openrc is not a first start:
 * that password is in use, and what was in the database is somewhere else or
 * gone. Then nothing is made. A first start that was cut short is one again: as
 * long as it is not through, a file says so.
 */
#ifndef FIRST_START_H
#define FIRST_START_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

struct identity;

/**
 * first_start() - make token.key, admin-openrc, clouds.yaml, and the project and user "admin".
 *
 * Return: false with ERR_CONF if an earlier start has made them; the message says what to do.
 */
bool first_start(struct identity *id, GError **err);

/**
 * first_start_again() - the database was lost: the project and the user "admin" once more.
 * @ret_made: admin-openrc had no password to go on with, so there is a new one
 *
 * Return: false with ERR_CONF if there are users.
 */
bool first_start_again(struct identity *id, bool *ret_made, GError **err);

/** first_start_later() - of each later start: the key is read, or made where it was taken away. */
bool first_start_later(struct identity *id, GError **err);

#endif
