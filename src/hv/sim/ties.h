/* SPDX-License-Identifier: Apache-2.0
 *
 * ties: what ties guests to their hosts: devices, and where their vCPUs and memory are.
 */
#ifndef SIM_TIES_H
#define SIM_TIES_H

#include "hv/sim/spec.h"
#include "hv/sim/types.h"

/* Set ties and place of a new domain. */
void sim_ties_new(struct sim_dom *d, const struct sim_dom_spec *spec);
void sim_ties_write_domain(GString *s, const struct sim_dom *d);
void sim_ties_write_cells(GString *s, const struct sim_dom *d);
void sim_ties_write_devices(GString *s, const struct sim_dom *d);
bool sim_ties_has(const struct sim_dom *d, const char *word);
void sim_ties_host(struct sim_host *h, struct hv_host_info *i);
/* What a host says against it; @xml: that of the migration, or NULL. Return: owned, NULL for nothing. */
char *sim_ties_refuse(const struct sim_dom *d, const struct sim_host *to, const char *xml);
/* It has the place that @xml says; a violation if a CPU of its own is another's. */
void sim_ties_arrive(struct sim_dom *d, const char *xml);
/** sim_dom_pins() - where it runs: "2/3 cpuset=0-3 emulator=0 nodes=0/1", as far as it is said. Return: owned. */
char *sim_dom_pins(struct sim *w, const char *host, const char *uuid);

#endif
