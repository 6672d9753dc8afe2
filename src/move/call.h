/* SPDX-License-Identifier: Apache-2.0
 *
 * call: a host's call that takes a guest to another one. Until it has come back it may still make something of the guest there,
 * whatever has become of the task that made it.
 */
#ifndef CALL_H
#define CALL_H

#include "task/step.h"

/** call_migrate() - step_ask() with an HV_MIGRATE, which is under way until it comes back, also when its answer is dropped. */
bool call_migrate(struct mig *m, struct host *source, const struct hv_req *req, step_answer_f *done);
/** call_is_under_way() - for that server, by this task or an earlier one. */
bool call_is_under_way(const struct engine *e, const char *server_uuid);

#endif
