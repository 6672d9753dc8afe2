/* SPDX-License-Identifier: Apache-2.0
 *
 * load: how many CPUs servers use, measured.
 *
 * Theory of operation
 * -------------------
 * Only with load_interval, since a host asks each QEMU for it. Every interval a host that is up is asked for the CPU time that each of its
 * guests has had (HV_DOM_LOADS), in a question of its own beside the poll: one that a silent guest holds up delays nothing else. What was
 * used between two answers of the same host is a measurement; a server's load follows the measurements slowly, so that a minute's work is
 * no reason to move it. A server keeps its load when it moves. Nothing is stored: after a start two answers must come first.
 */
#ifndef FLEET_LOAD_H
#define FLEET_LOAD_H

#include "fleet/host.h"

struct fleet;

/** load_missing() - what keeps the load of the fleet from being known. Return: "host h1 was not asked twice yet", owned by the caller; NULL: nothing. */
char *load_missing(const struct fleet *f);
/** load_percent() - of its CPUs, what a host's guests use. Return: -1: it is not measured, or not yet. */
int load_percent(const struct host *h);

/* ---- for fleet.c ---- */

/** load_host_up(), load_host_down() - begin and stop to ask a host. */
void load_host_up(struct host *h);
void load_host_down(struct host *h);
/** load_host_new(), load_host_free() - make and free what a host has for this. */
void load_host_new(struct host *h);
void load_host_free(struct host *h);

#endif
