/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare: PREPARE of a live migration: what the guest needs at its destination is made (move/ready.h), then libvirt is called.
 */
#ifndef PREPARE_H
#define PREPARE_H

#include "task/record.h"

/** prepare_enter() - begin, or go on with what is known. Ends in COPY, in SCHEDULE for the next destination, or in an end. */
void prepare_enter(struct mig *m);

#endif
