/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare: before the guest is defined at its destination: what that has of it must allow it, and its definition is written into a row.
 */
#ifndef EVAC_PREPARE_H
#define EVAC_PREPARE_H

#include "task/record.h"

/** evac_prepare() - enters PREPARE; goes on to SPAWN, to the next destination, or to the end. */
void evac_prepare(struct mig *m);

#endif
