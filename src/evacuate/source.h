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

#endif
