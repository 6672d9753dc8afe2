/* SPDX-License-Identifier: Apache-2.0
 *
 * body: values of requests' bodies that are more than their JSON type, refused in Nova's words.
 */
#ifndef BODY_H
#define BODY_H

#include <stdbool.h>

#include "base/json.h"

/** body_leaf() - the last name of a path into a body, which Nova's messages have: "host" of "os-migrateLive.host". */
const char *body_leaf(const char *where);

#define BODY_BOOL "true, false, or a word for one" /* for docs */
/** body_take_bool() - a truth value of a body: JSON's, or one of Nova's words in a string. */
bool body_take_bool(const json_t *v, const char *where, bool *ret, GError **err);

/**
 * body_take_host() - a host's name.
 * @types: what is permitted besides, in the refusal of another type: "'string'", "'string', 'null'"
 * @ret: borrowed from @v
 */
bool body_take_host(const json_t *v, const char *where, const char *types, const char **ret, GError **err);

#endif
