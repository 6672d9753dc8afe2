/* SPDX-License-Identifier: Apache-2.0
 *
 * outage: how hosts fail and come back.
 */
#ifndef SIM_OUTAGE_H
#define SIM_OUTAGE_H

#include "hv/sim/types.h"

/** sim_host_power() - off: its guests are gone, its connections hang. On: what was defined is there, and starts if its host starts it, else it is shut off. */
void sim_host_power(struct sim *w, const char *name, bool on);
/** sim_host_libvirtd() - off: as kill -9. Connections get an end of file; guests run on, but for incoming ones. */
void sim_host_libvirtd(struct sim *w, const char *name, bool on);
/** sim_host_link() - the cable, to the controller and to the other hosts. */
void sim_host_link(struct sim *w, const char *name, bool on);
/** sim_host_apart() - the two cannot reach each other, but the controller reaches both. */
void sim_host_apart(struct sim *w, const char *a, const char *b, bool apart);
/** sim_host_rate() - change the link's rate. */
void sim_host_rate(struct sim *w, const char *name, int64_t link_mibs);
/**
 * sim_host_pool() - something is being made in its storage pool for so long, as by virsh vol-create: libvirt does not look
 * into it meanwhile. 0: not any more. A libvirtd that dies gives it up.
 */
void sim_host_pool(struct sim *w, const char *name, int64_t busy_ms);
/** sim_host_heals() - an outage by a rule is under way and will end by itself. */
bool sim_host_heals(struct sim *w, const char *name);
/* An outage by a rule; it ends after @ms, if that is not 0. */
void sim_host_outage(struct sim_host *h, enum sim_fault_kind kind, int64_t ms);

#endif
