/* SPDX-License-Identifier: Apache-2.0
 *
 * domxml_rewrite: adapting a domain's XML to another host.
 */
#ifndef DOMXML_REWRITE_H
#define DOMXML_REWRITE_H

#include <stdbool.h>

#include <glib.h>
#include <libxml/tree.h>

#include "hv/ties.h"

/* An address that a server of it is told to listen at. */
struct domxml_listener {
	const char *type;    /* "vnc", "spice" */
	char *address;       /* NULL: libvirt's own default, or none is given */
};

/* What differs between two hosts. A NULL leaves it as it is. */
struct domxml_changes {
	const char *vnc_listen;   /* address that VNC servers listen on */
	const char *spice_listen; /* likewise SPICE servers */
	const char *cpu_model;    /* this one in place of the guest's <cpu>; for comparisons alone, a running guest keeps its own */
	const struct hv_numa_fit *numa_fit;
	/*
	 * "vda", "/path", "vdb", ...: disks that are named as volumes of pools and are to be named as files. A running domain's alone: libvirt
	 * 9.0 does not copy into a volume's file that is there already.
	 */
	const char *const *files;
};

/** domxml_listeners() - Return: GPtrArray of struct domxml_listener *, owned (g_ptr_array_unref); NULL of XML that cannot be read. */
GPtrArray *domxml_listeners(const char *xml);
/** domxml_listeners_of() - the same of a tree. */
GPtrArray *domxml_listeners_of(const xmlNode *root);
/** domxml_listens_elsewhere() - one of @listeners is at an address that is not the one in @ch. @listeners: may be NULL, which is none. */
bool domxml_listens_elsewhere(const GPtrArray *listeners, const struct domxml_changes *ch);

/**
 * domxml_rewrite() - a domain's XML for another host.
 *
 * Of listeners only addresses change: those by network name or socket are the host's own affair.
 * Return: owned by the caller, or NULL with ERR_HV.
 */
char *domxml_rewrite(const char *xml, const struct domxml_changes *ch, GError **err);

#endif
