/* SPDX-License-Identifier: Apache-2.0
 *
 * facts_xml: what a check of the set-up asks of hosts (hv/facts.h), read from libvirt's XML. The host's words: bounded, and what makes no sense is not told.
 */
#ifndef FACTS_XML_H
#define FACTS_XML_H

#include "hv/facts.h"

#define FACTS_XML_CPU_MAX 16384 /* bytes of a CPU; it takes a quarter of that */
#define FACTS_XML_CPUS_MAX 64

/** facts_xml_capabilities() - the user that QEMU runs as, and what confines guests. Return: false with ERR_HV: these are no capabilities. */
bool facts_xml_capabilities(const char *xml, struct hv_facts *f, GError **err);
/** facts_xml_cpu() - of domain capabilities: the best CPU by name, as <cpu> of a guest. Return: owned; NULL: it is not told. */
char *facts_xml_cpu(const char *xml);
/** facts_xml_interface() - its MTU, if it is told. */
void facts_xml_interface(const char *xml, const char *name, struct hv_facts *f);
/** facts_xml_pool() - the folder of a storage pool, unless it is one that this program has made for the length of a call (libvirt/pool.h). */
void facts_xml_pool(const char *xml, struct hv_facts *f);

/** facts_xml_folder() - of the pool that has the folder: its permissions, and its space. Return: false with ERR_HV. */
bool facts_xml_folder(const char *xml, struct hv_folder *ret, GError **err);
/** facts_xml_file() - of a volume: one more marker, unless it cannot be read. */
void facts_xml_file(const char *xml, const char *name, struct hv_folder *ret);

/* HV_CPU_BASELINE: the CPUs of which one is looked for that all have. */
struct facts_cpus {
	char *type, *arch;  /* "kvm", "x86_64"; NULL */
	GPtrArray *best;    /* char *: <cpu> of a guest, the best that each host can give; empty: not all have told */
	GPtrArray *hosts;   /* char *: <cpu> of capabilities, those of the hosts themselves */
};

/** facts_xml_cpus() - read what facts_xml_cpus_write() has made. Return: false with ERR_HV; facts_cpus_clear() either way. */
bool facts_xml_cpus(const char *xml, struct facts_cpus *ret, GError **err);
/** facts_xml_cpus_write() - Return: owned. */
char *facts_xml_cpus_write(const struct facts_cpus *c);
void facts_cpus_clear(struct facts_cpus *c);

#endif
