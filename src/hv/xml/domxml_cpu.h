/* SPDX-License-Identifier: Apache-2.0
 *
 * domxml_cpu: reading what decides whether a host can give a domain its CPU.
 */
#ifndef DOMXML_CPU_H
#define DOMXML_CPU_H

#include <stdbool.h>

#include <glib.h>

/* What decides whether a host can give a domain its CPU. */
struct domxml_cpu {
	char *virt_type, *arch, *machine, *emulator;
	char *mode;  /* "custom", "host-model", "host-passthrough", "maximum"; NULL without <cpu> */
	char *xml;   /* <cpu> with its model, vendor and features alone; NULL without <cpu> */
};

/**
 * domxml_cpu() - what a comparison of CPUs needs.
 * @ret: cleared with domxml_cpu_clear()
 */
bool domxml_cpu(const char *xml, struct domxml_cpu *ret, GError **err);
void domxml_cpu_clear(struct domxml_cpu *c);

#endif
