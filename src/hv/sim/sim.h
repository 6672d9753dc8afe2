/* SPDX-License-Identifier: Apache-2.0
 *
 * sim: hosts and guests that exist only in memory, behind the hypervisor seam.
 *
 * A world holds hosts, domains and migrations; URIs "sim://NAME" lead into the
 * current one. Tests build a world, break it by rules or by hand, and look at
 * what is true in it. The daemon can run on it too: a host that the world does
 * not know is made when it is first opened, from its URI's parameters:
 *
 *	sim://h1?vcpus=64&memory=262144&disk=2000&servers=100&server_memory=2048
 *
 * also network=N (its servers have the addresses 10.N.0.1, 10.N.0.2, ...), cpu=MODEL, server_vcpus=, server_disk= (GiB), dirty= (MiB/s), working=
 * and hot= (MiB), bandwidth= (MiB/s of its link; 0, the default, copies at
 * once), latency= (ms a call), network_disks=1, off=1 (its libvirtd does not
 * answer), storage= (see struct sim_host_spec), vnc=PORT (of all its guests). memory and
 * server_memory are MiB, disk is GiB.
 *
 * Everything happens on the clock; there are no threads and no sleeps. The
 * world outlives a controller: connections die, migrations go on.
 */
#ifndef SIM_H
#define SIM_H

#include "hv/hv.h"
#include "hv/sim/call.h"
#include "hv/sim/carrier.h"
#include "hv/sim/console.h"
#include "hv/sim/define.h"
#include "hv/sim/device.h"
#include "hv/sim/disk.h"
#include "hv/sim/dom.h"
#include "hv/sim/facts.h"
#include "hv/sim/fail.h"
#include "hv/sim/fault.h"
#include "hv/sim/file.h"
#include "hv/sim/gate.h"
#include "hv/sim/hand.h"
#include "hv/sim/host.h"
#include "hv/sim/job.h"
#include "hv/sim/outage.h"
#include "hv/sim/postcopy.h"
#include "hv/sim/spec.h"
#include "hv/sim/ties.h"
#include "hv/sim/view.h"
#include "hv/sim/world.h"

/** sim_ops - the implementation for URIs of scheme "sim:". */
extern const struct hv_ops sim_ops;

/**
 * sim_new() - make an empty world; it becomes the current one.
 * @seed: of everything that is left to chance (the jitter of latencies)
 */
struct sim *sim_new(uint64_t seed);
/** sim_free() - end a world. Controllers that use it are freed before. */
void sim_free(struct sim *w);

/**
 * sim_on_kill() - what a rule that kills the controller calls.
 *
 * From then on the dead controller's calls are swallowed and it hears nothing.
 * @fn must not free it, it is on the stack; the test does that at the end of the
 * clock's step, and says sim_revive() when it makes the next one.
 */
void sim_on_kill(struct sim *w, void (*fn)(void *user), void *user);
void sim_revive(struct sim *w);

#endif
