/* SPDX-License-Identifier: Apache-2.0
 *
 * take: what the controller knows of a host and its guests, as a survey has it.
 */
#ifndef TAKE_H
#define TAKE_H

#include "check/survey.h"
#include "fleet/fleet.h"

/* A guest with the CPU of a host, as HV_CPU_COMPARE takes it. */
#define TAKE_PASSTHROUGH "<domain type='kvm'><os><type>hvm</type></os><cpu mode='host-passthrough'/></domain>"

/** take_host() - the record, the last word of its libvirt, and what its guests have. */
void take_host(struct fleet *f, struct survey *s, guint host);
/** take_told() - of what it said when it was asked: folders, and domains whose servers are elsewhere. */
void take_told(struct fleet *f, struct survey *s, guint host);
/** take_cpus() - which different CPUs there are. */
void take_cpus(struct survey *s);
/** take_baseline_host() - the host to ask for a CPU that all have: of the oldest libvirt, so that all know the names. G_MAXUINT: all have the same. */
guint take_baseline_host(const struct survey *s);
/** take_all_cpus() - what it is asked. Return: owned. */
char *take_all_cpus(const struct survey *s);

#endif
