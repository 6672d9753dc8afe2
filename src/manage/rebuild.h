/* SPDX-License-Identifier: Apache-2.0
 *
 * rebuild: drover-manage db rebuild: a database that was lost, made again from what the hosts know.
 *
 * The administrator has the password of admin-openrc, if that is there. The hosts are the configuration's, and each guest on them is adopted
 * under its own UUID, by the rules by which droverd does it (fleet/sync.h). What hosts do not know does not come back: accounts, roles, hosts that
 * were added at run time, histories, tasks, locks.
 */
#ifndef MANAGE_REBUILD_H
#define MANAGE_REBUILD_H

#include "manage/command.h"

/** rebuild_run() - the command. */
command_f rebuild_run;

#endif
