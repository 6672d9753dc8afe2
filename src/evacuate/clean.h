/* SPDX-License-Identifier: Apache-2.0
 *
 * clean: the host that a guest was evacuated from is back, and forgets it before it counts as up.
 */
#ifndef EVAC_CLEAN_H
#define EVAC_CLEAN_H

#include "evacuate/next.h"
#include "evacuate/state.h"

/** evac_destroy_source() - the old copy was started when its host was: end it. */
enum evac_next evac_destroy_source(struct mig *m);
/** evac_undefine_source() - what is defined there, if it is what was evacuated. */
enum evac_next evac_undefine_source(struct mig *m);
/** evac_note_fenced() - its old host was fenced since it was left: what runs there later was started later. Return: whether that is new. */
bool evac_note_fenced(struct mig *m);
/** evac_away() - the host is silent again: back to MOVED. */
enum evac_next evac_away(struct mig *m);
/** evac_completed() - the end. */
enum evac_next evac_completed(struct mig *m);
/** evac_stuck() - nothing can be decided now: the host comes up all the same. */
void evac_stuck(struct mig *m);

#endif
