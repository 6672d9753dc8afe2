/* SPDX-License-Identifier: Apache-2.0
 *
 * xml: domain XML, as libvirt would write it, as far as it is read; and reading the few things that the
 * simulator itself reads back.
 */
#ifndef SIM_XML_H
#define SIM_XML_H

#include "hv/sim/types.h"

struct sim_xml {
	char *uuid, *name, *description, *shutdown_timeout, *cpu_mode, *cpu_model, *vnc_listen;
	GPtrArray *cpu_features; /* char *, NULL-terminated */
	int64_t mem_kib;
	int priority;
};

#define SIM_PASSTHROUGH "host-passthrough" /* the CPU that the host has */
#define SIM_BRIDGE "br0" /* each guest is on it */

/* The host's <cpu>; owned. */
char *sim_xml_write_cpu(const struct sim_host *h);
char *sim_xml_write(const struct sim_dom *d);
/* Return: what could be read, owned; NULL if it is no XML. */
struct sim_xml *sim_xml_read(const char *text);
/* The same of its <cpu> alone, or of a host's. */
struct sim_xml *sim_xml_read_cpu(const char *text);
void sim_xml_free(struct sim_xml *x);
/* NULL if @h can run the CPU, else what is missing; owned. */
char *sim_cpu_missing(const struct sim_host *h, const char *model, const char *const *features);

#endif
