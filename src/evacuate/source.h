/* SPDX-License-Identifier: Apache-2.0
 *
 * source: may the guests of a host be started elsewhere? Only if it is dead, for all that is known of it.
 */
#ifndef EVAC_SOURCE_H
#define EVAC_SOURCE_H

#include "fleet/fleet.h"

/**
 * source_check() - the host is down, does not answer, and was fenced by its agent or forced down by an administrator.
 * @h: NULL: a host that is gone
 *
 * Return: false with ERR_BAD_REQUEST in Nova's words: it is in use; ERR_CONFLICT: it is only down.
 */
bool source_check(const struct fleet *f, const struct host *h, GError **err);
/**
 * source_check_server() - the same for one of its servers: one that the host may start by itself when it boots can be left only if an administrator says that
 * the host is down, and so will not: a fence agent says nothing of later.
 *
 * Return: false as source_check(), or with ERR_CONFLICT.
 */
bool source_check_server(const struct fleet *f, const struct server *s, const struct host *h, GError **err);
/** source_is_dead() - that host does not answer, and was fenced, or forced down. It is not asked, and nothing is said of its guests. @h: may be NULL */
bool source_is_dead(const struct fleet *f, const struct host *h);

#endif
