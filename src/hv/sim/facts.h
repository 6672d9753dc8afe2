/* SPDX-License-Identifier: Apache-2.0
 *
 * facts: what a check of the set-up finds at simulated hosts, and what is wrong with them.
 */
#ifndef SIM_FACTS_H
#define SIM_FACTS_H

#include "hv/sim/front.h"
#include "hv/sim/types.h"

/**
 * sim_host_flaw() - something of a host is not as it should be.
 * @what: "uid", "gid" of QEMU's user (64055, 108); "mtu" of br0 (1500); "mode" of its folders, octal (755); "clock": ms that it is ahead;
 *        "squash": files that it makes belong to the user 65534; "hostname": what it calls itself; "free": MiB that are left in its folders;
 *        "no-peer": a host whose libvirtd its own cannot reach; "old": its libvirt does not tell the best CPU that it can give
 */
void sim_host_flaw(struct sim *w, const char *host, const char *what, const char *value);
/** sim_flaw() - borrowed; NULL: there is none of that name. */
const char *sim_flaw(const struct sim_host *h, const char *what);

void sim_act_facts(struct sim_call *sc);
void sim_act_folder(struct sim_call *sc);
void sim_act_peer(struct sim_call *sc);
void sim_act_baseline(struct sim_call *sc);

#endif
