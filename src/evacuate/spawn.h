/* SPDX-License-Identifier: Apache-2.0
 *
 * spawn: the guest is defined and started at its destination; or its destination forgets it.
 */
#ifndef EVAC_SPAWN_H
#define EVAC_SPAWN_H

#include "evacuate/next.h"
#include "evacuate/state.h"

/** evac_define() - give it its definition at the destination. */
enum evac_next evac_define(struct mig *m);
/** evac_start() - paused: its old host is looked for once more before it runs. */
enum evac_next evac_start(struct mig *m);
/** evac_resume() - let it run. */
enum evac_next evac_resume(struct mig *m);
/** evac_arrived() - on to MOVED. */
enum evac_next evac_arrived(struct mig *m);
/** evac_moved() - in memory, after the commit that went to MOVED. */
void evac_moved(struct mig *m);
/** evac_back() - its old host lives and has it: on to UNDO. */
enum evac_next evac_back(struct mig *m);

/** evac_dest_dead() - the destination has died: on to UNDO. */
enum evac_next evac_dest_dead(struct mig *m);

/** evac_destroy_dest() - UNDO: end what waits at the destination, and never ran. */
enum evac_next evac_destroy_dest(struct mig *m);
/** evac_undefine_dest() - UNDO. */
enum evac_next evac_undefine_dest(struct mig *m);
/** evac_undone() - the destination has forgotten it: the next one, or the end. */
enum evac_next evac_undone(struct mig *m);

#endif
