/* SPDX-License-Identifier: Apache-2.0
 *
 * carry: CARRY, and the carrier of the guest's local disks in every stage in which it can be there (move/carrying.h).
 */
#ifndef COLD_CARRY_H
#define COLD_CARRY_H

#include "cold/next.h"
#include "cold/state.h"

/** cold_may_carry() - there may be a carrier: what is to be carried is not known to be nothing, and it can be there in this stage. */
bool cold_may_carry(const struct mig *m);
/** cold_carrier_now() - by what both hosts have said last. */
enum cold_carrier cold_carrier_now(const struct mig *m);

/** cold_send() - make the files at the destination, and send a carrier; a few times at most. */
enum cold_next cold_send(struct mig *m);
/** cold_streamed() - what sending has come to. Takes @p's text. */
enum cold_next cold_streamed(struct mig *m, struct part p);
/** cold_watch() - the copy runs. */
enum cold_next cold_watch(struct mig *m);
/** cold_drop_carrier() - destroy it, wherever it is. */
enum cold_next cold_drop_carrier(struct mig *m);
/** cold_carried() - all has come: compare it, and on to LAND. */
enum cold_next cold_carried(struct mig *m);
/** cold_compared() - what comparing has come to. Takes @p's text. */
enum cold_next cold_compared(struct mig *m, struct part p);

#endif
