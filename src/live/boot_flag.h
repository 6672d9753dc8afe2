/* SPDX-License-Identifier: Apache-2.0
 *
 * boot_flag: libvirt's autostart flag at the source, which is off while the guest may be at two hosts.
 *
 * Theory of operation
 * -------------------
 * A host that loses power between the guest's arrival at the destination and the end of its definition at the source starts what has
 * the flag when it boots, before it can be asked: the guest would run twice. So:
 *
 *	COPY, before libvirt's call   the flag is switched off; the guest's row (move/definition.h), which is written already, says that it was on.
 *	                              A source that refuses keeps the guest, as a cold migration's does
 *	the guest has arrived         its destination gets the flag in FINISH, and the source's goes with the definition
 *	it stays                      its source gets the flag back when the end is written (DEFINITION_STAYED); so it does for another destination, of
 *	                              which that is the end of the first
 *	it stays, and the host has    its own boot left the guest off, so it is started, if the destination has said that nothing of it is there
 *	booted meanwhile
 *
 * Where it is Drover's to start the guest (fleet/autostart.h) the flag is off at any time, and nothing is done here.
 */
#ifndef BOOT_FLAG_H
#define BOOT_FLAG_H

#include "live/next.h"
#include "live/state.h"

/** boot_flag_take() - COPY: what must be before libvirt's call. Return: LIVE_CALL if the flag is off. */
enum live_next boot_flag_take(struct mig *m, live_answer_f *got_flag);
/** boot_flag_taken() - its answer. */
enum live_next boot_flag_taken(struct mig *m, struct hv_reply *r);
/** boot_flag_left() - the phase has changed: an answer under way will be dropped. */
void boot_flag_left(struct boot_flag *b);

/** boot_flag_starts() - UNDO: the guest is off at its source since that has booted, and would have been started by the boot. */
bool boot_flag_starts(const struct mig *m);

#endif
