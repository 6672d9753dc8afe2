/* SPDX-License-Identifier: Apache-2.0
 *
 * boot: a host has booted whose guests are Drover's to start (fleet/autostart.h): those that are wished are started, as a user's os-start is.
 *
 * Theory of operation
 * -------------------
 * "booted" stands in the host's row until each of its guests that is wished and off was tried, so a controller that is killed meanwhile goes
 * on. A guest is started if it is safe: its record is at that host and says that it is off, no task owns it, and no other host is known to have it, which
 * is not asked before each host has told what it has, or failed to. AT_ONCE of a host are started at a time. One that does not start is
 * not tried again; the task's end says why.
 */
#ifndef BOOT_H
#define BOOT_H

#include "task/kind.h"

extern const struct task_service boot_service;

/** boot_ended() - a task of power has ended: the next one of its host can be started. */
void boot_ended(struct mig *m, const struct task_stage *from, enum task_end end);

#endif
