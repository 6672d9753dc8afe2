/* SPDX-License-Identifier: Apache-2.0
 *
 * kept: tokens of earlier runs, in the cache until they expire.
 *
 * A token is of the credentials and the scope that it was asked for with: what differs in any of them asks Identity. Of the password and of an
 * application credential's secret there is only an HMAC, under a key that was drawn for this cache, and of that only as a part of what the
 * file's name is the SHA-256 of. Credentials that are a token themselves are not kept.
 */
#ifndef KEPT_H
#define KEPT_H

#include <stdbool.h>

#include <jansson.h>

#include "cloud.h"

/**
 * kept_read() - the token of an earlier run that lasts for some time yet.
 * @ret_token, @ret_body: the token, and the body of the answer that brought it; owned by the caller, written on success only
 *
 * Return: false: there is none.
 */
bool kept_read(const struct cloud *c, char **ret_token, json_t **ret_body);

/** kept_write() - keep a token and the body of the answer that brought it, if Identity has said how long it lasts. Those that have expired go. */
void kept_write(const struct cloud *c, const char *token, json_t *body);

#endif
