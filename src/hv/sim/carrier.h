/* SPDX-License-Identifier: Apache-2.0
 *
 * carrier: carriers of the simulator, as domains, and QEMU's lock on the files of domains.
 */
#ifndef SIM_CARRIER_H
#define SIM_CARRIER_H

#include "hv/sim/types.h"

/* Begin one: paused, with those files. */
struct sim_dom *sim_carrier_new(struct sim_host *h, const char *uuid, const struct carrier_params *p);
/* What libvirt and QEMU say against that. Return: the words, owned; NULL when there is nothing. */
char *sim_carrier_says(struct sim_host *h, const char *uuid, const struct carrier_params *p);
/* As HV_CARRIER_GET tells it. Return: owned (carrier_free). */
struct carrier *sim_carrier_describe(const struct sim_dom *d);
/* An active domain, other than @but (NULL: none), that has the file open for writing. NULL: none. */
const struct sim_dom *sim_file_writer(const struct sim *w, const struct sim_storage *s, const char *path, const struct sim_dom *but);
/* Has a carrier a file open that the guest cannot do without? */
bool sim_carrier_keeps(const struct sim_dom *guest);
/** sim_carriers() - how many are on a host. */
guint sim_carriers(struct sim *w, const char *host);

#endif
