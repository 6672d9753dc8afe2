/* SPDX-License-Identifier: Apache-2.0
 *
 * outcome: what becomes of the files and definitions that a move has made, once it is known where the guest stays.
 */
#ifndef OUTCOME_H
#define OUTCOME_H

#include "task/record.h"
#include "task/volume.h"

/**
 * outcome_write() - write it: its part of the caller's transaction.
 * @arrived: the guest had come to its destination, whatever this process has seen itself
 */
bool outcome_write(struct mig *m, enum volume_fate fate, bool arrived, GError **err);
/** outcome_resolve() - the same in memory, after the commit; what is owed to hosts is done from now on. */
void outcome_resolve(struct mig *m, enum volume_fate fate, bool arrived);

#endif
