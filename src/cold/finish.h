/* SPDX-License-Identifier: Apache-2.0
 *
 * finish: from LAND on: the guest gets its definition at the destination and starts there; then its source forgets it, or it goes back.
 */
#ifndef COLD_FINISH_H
#define COLD_FINISH_H

#include "cold/next.h"
#include "cold/state.h"

/** cold_define() - LAND, START: give it its definition at the destination. */
enum cold_next cold_define(struct mig *m);
/** cold_has_landed() - it has it: on to START. */
enum cold_next cold_has_landed(struct mig *m);
/** cold_start_dest() - START. */
enum cold_next cold_start_dest(struct mig *m);
/** cold_arrived() - it lives there, or is to be off there: on to VERIFY. */
enum cold_next cold_arrived(struct mig *m);
/** cold_wait_for_confirm() - VERIFY: confirm when resize_confirm_window has passed. */
enum cold_next cold_wait_for_confirm(struct mig *m);

/** cold_undefine_source() - CONFIRM. */
enum cold_next cold_undefine_source(struct mig *m);
/** cold_confirmed() - the source has forgotten it: the end. */
enum cold_next cold_confirmed(struct mig *m);
/** cold_confirmed_blind() - the same of a silent source; what it has must go when it is back. */
enum cold_next cold_confirmed_blind(struct mig *m);

/** cold_destroy_dest() - REVERT: stop it hard at the destination. */
enum cold_next cold_destroy_dest(struct mig *m);
/** cold_undefine_dest() - REVERT, UNDO. */
enum cold_next cold_undefine_dest(struct mig *m);
/** cold_start_source() - REVERT, UNDO. */
enum cold_next cold_start_source(struct mig *m);
/** cold_reverted() - it is at its source as it was: the end of REVERT. */
enum cold_next cold_reverted(struct mig *m);
/** cold_undone() - the same, of UNDO. */
enum cold_next cold_undone(struct mig *m);
/** cold_undone_blind() - the same; what the destination has must go when it is back. */
enum cold_next cold_undone_blind(struct mig *m);

#endif
