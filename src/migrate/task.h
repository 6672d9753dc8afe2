/* SPDX-License-Identifier: Apache-2.0
 *
 * task: migrations that are not final: found by id, taken out at their end.
 */
#ifndef TASK_H
#define TASK_H

#include <stdint.h>

#include <glib.h>

struct engine;
struct mig;

/** engine_find() - the migration of that id, if it is not final. */
struct mig *engine_find(struct engine *e, int64_t id);
/** engine_ended() - @m is final: forget it. */
void engine_ended(struct mig *m);
/** engine_accept() - answer the caller that waits for the prechecks; @err NULL when they passed. */
void engine_accept(struct mig *m, const GError *err);

#endif
