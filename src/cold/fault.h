/* SPDX-License-Identifier: Apache-2.0
 *
 * fault: verdicts after which a cold migration cannot go on. Nothing is touched at a host.
 */
#ifndef COLD_FAULT_H
#define COLD_FAULT_H

#include "cold/next.h"
#include "cold/state.h"

/** cold_give_up() - CARRY: the destination is silent. */
enum cold_next cold_give_up(struct mig *m);
/** cold_source_started() - CARRY, LAND: other hands have started it at its source, where it stays. */
enum cold_next cold_source_started(struct mig *m);
/** cold_elsewhere(), cold_two_sides(), cold_one_sided(), cold_lost() - an error: the record says so, with the evidence. */
enum cold_next cold_elsewhere(struct mig *m);
enum cold_next cold_two_sides(struct mig *m);
enum cold_next cold_one_sided(struct mig *m);
enum cold_next cold_lost(struct mig *m);
/** cold_split() - it lives on both: an alarm, and wait. */
enum cold_next cold_split(struct mig *m);

#endif
