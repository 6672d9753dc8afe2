/* SPDX-License-Identifier: Apache-2.0
 *
 * uri: hosts made from URIs, with their domains.
 */
#ifndef SIM_URI_H
#define SIM_URI_H

#include "hv/sim/types.h"

/* From "sim://NAME?...": found, or made. */
struct sim_host *sim_host_of_uri(struct sim *w, const char *uri);
/* Make the domains that its URI tells of: when it is first reached, not in the way of what starts beside it. */
void sim_host_fill(struct sim_host *h);

#endif
