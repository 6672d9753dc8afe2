/* SPDX-License-Identifier: Apache-2.0
 *
 * auth: the words of Identity v3: what is asked for, and what a token tells.
 *
 * No network here: client.c sends what auth_request() writes and hands back the
 * answer's body.
 */
#ifndef AUTH_H
#define AUTH_H

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "cloud.h"

/**
 * auth_request() - the body of POST /v3/auth/tokens for a cloud's credentials and scope.
 *
 * Return: owned by the caller; NULL with CLI_FAILED for an auth_type that is not known here.
 */
json_t *auth_request(const struct cloud *c, GError **err);

/** auth_tokens_url() - the address that auth_request() goes to, from an auth_url with or without "/v3". Return: owned. */
char *auth_tokens_url(const struct cloud *c);

/** auth_is_admin() - true if the token's roles have "admin". @answer: the body of the answer */
bool auth_is_admin(const json_t *answer);

/** auth_project() - the id of the token's project; NULL if it has none. Borrowed. */
const char *auth_project(const json_t *answer);

/**
 * auth_endpoint() - a service's address in the token's catalogue.
 * @type: "compute"
 * @region: NULL takes the first
 * @interface: "public", "internal", "admin" or their old forms "publicURL"...; NULL is public
 *
 * Return: borrowed from @answer; NULL with CLI_FAILED: what the catalogue has instead.
 */
const char *auth_endpoint(const json_t *answer, const char *type, const char *region, const char *interface, GError **err);

#endif
