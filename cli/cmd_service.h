/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_service: what "drover host enable" and "disable" share with "drover service set".
 */
#ifndef CMD_SERVICE_H
#define CMD_SERVICE_H

#include "cli.h"

struct service_change {
	const char *host, *binary;
	bool enable;
	const char *reason;   /* why it is disabled; NULL: none */
};

/** service_set() - let the scheduler use a host, or not. */
bool service_set(struct cli *c, const struct service_change *change, GError **err);

#endif
