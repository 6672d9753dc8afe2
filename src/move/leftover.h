/* SPDX-License-Identifier: Apache-2.0
 *
 * leftover: what a migration left where it could not look.
 */
#ifndef LEFTOVER_H
#define LEFTOVER_H

#include "hv/hv.h"

struct engine;
struct host;

/** leftover_seen() - a host has the waiting half of a migration that is over. */
void leftover_seen(struct engine *e, struct host *h, const struct hv_dom *d);

#endif
