/* SPDX-License-Identifier: Apache-2.0
 *
 * uri: hosts made from URIs, with their domains.
 */
#ifndef SIM_URI_H
#define SIM_URI_H

#include "hv/sim/types.h"

/* From "sim://NAME?...": found, or made with its domains. */
struct sim_host *sim_host_of_uri(struct sim *w, const char *uri);

#endif
