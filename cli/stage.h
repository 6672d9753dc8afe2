/* SPDX-License-Identifier: Apache-2.0
 *
 * stage: where a cold migration stands, which its record in Compute's API does not
 * tell: "migrating" is the guest that is asked to shut off as well as its disks
 * under way. Drover's own API has the phase, and the bytes of its disks; it
 * is for administrators. Of others, and of Nova, it is the server's task_state.
 */
#ifndef STAGE_H
#define STAGE_H

#include <stdbool.h>

#include <jansson.h>

#include "cli.h"

/**
 * stage_add() - add "stage" to a migration's record, and the bytes that it lacks; what cannot be found out is not added.
 * @record: of /os-migrations
 * @no_drover: the API has been found to be Nova's; is written, and zero before the first call
 */
void stage_add(struct cli *c, const char *server_id, json_t *record, bool *no_drover);

#endif
