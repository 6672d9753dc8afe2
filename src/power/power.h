/* SPDX-License-Identifier: Apache-2.0
 *
 * power: the kind "power": a guest is started, stopped, rebooted, paused or suspended where it is.
 *
 * Theory of operation
 * -------------------
 * The row says which action was asked for and how far it has come. In each stage the host is asked for the domain, and
 * power_decide() (decide.h), a pure table, says what its state means: done, an act, wait, or that it cannot be. After each act the host
 * is asked again, so a lost answer, a restart and a guest that does it by itself are one case.
 *
 *	LOOK -> ASK -> STOP -> START -> DONE
 *	   \------\------\-------/
 *	    \-> CHANGE -> DONE            any -> ERROR
 *
 * A hard reboot takes the place of what is under way: from any stage to STOP, where Nova permits it (power_action.c). Acts and presses that are
 * not answered then, as after any change of the stage, may still be done: the guest is not started, and the task does not end, until they are.
 *
 * ASK presses the power button, again each PRESS_MS, until the guest is off or its time is up; then STOP ends it. After a restart
 * it has all of its time again. A host that does not answer is waited for, since what was asked of it may have been done; only LOOK, in
 * which nothing was asked, ends at once.
 *
 * A soft reboot is a stop and a start, as Nova's: both can be seen, where libvirt's own reboot is an event that can be missed. A
 * guest without a definition (transient) would be gone when it is off: it is reset in the process that it has, and not stopped at all.
 */
#ifndef POWER_H
#define POWER_H

#include "task/kind.h"

extern const struct task_kind power_kind;

#endif
