/* SPDX-License-Identifier: Apache-2.0
 *
 * prepare: PREPARE of a live migration: both hosts are asked, what the guest needs at its destination is made there, its XML is rewritten.
 */
#ifndef PREPARE_H
#define PREPARE_H

#include "task/record.h"

/** prepare_enter() - begin, or go on with what is known. Ends in COPY, in SCHEDULE for the next destination, or in an end. */
void prepare_enter(struct mig *m);
/** prepare_again() - in memory, after the commit that went back to it: files may be partial. */
void prepare_again(struct mig *m);

#endif
