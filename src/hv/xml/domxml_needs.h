/* SPDX-License-Identifier: Apache-2.0
 *
 * domxml_needs: reading what a domain needs of a host by name, and what keeps it
 * where it is.
 */
#ifndef DOMXML_NEEDS_H
#define DOMXML_NEEDS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* A VNC or SPICE server that listens on an address of the host. */
struct domxml_console {
	char *type;          /* "vnc", "spice" */
	char *address;
	int port;            /* 0: one that is free */
};

/* What a domain needs of a host, and what keeps it where it is. */
struct domxml_needs {
	GPtrArray *source;   /* struct hv_need *: of the host where it runs */
	GPtrArray *dest;     /* struct hv_need *: of another one */
	GPtrArray *files;    /* char *: paths of files to boot from */
	GPtrArray *made;     /* char *: paths of files and sockets that are made where it comes; their folders must be there */
	int64_t tsc_hz;      /* what its TSC runs at; 0: as its host's */
	bool all_features;   /* it has every feature of its host's CPU, also those that QEMU cannot send (migratable='off') */
	char *nvram;         /* the file of its firmware's variables; NULL: none */
	char *nvram_template; /* from which a host makes it that has none; NULL: the host's own choice */
	GPtrArray *consoles; /* struct domxml_console *: servers that listen on an address */
	GPtrArray *listeners; /* struct domxml_listener *: of all VNC and SPICE servers; what domxml_listeners() reads */
	GPtrArray *paths;    /* char *: other paths of its host that its devices use, as a device node of a serial port */
	char *blocker;       /* the first thing that no destination takes; NULL: there is none */
};

/**
 * domxml_needs() - read them from its live, migratable XML.
 * @ret: cleared with domxml_needs_clear()
 */
bool domxml_needs(const char *xml, struct domxml_needs *ret, GError **err);
/** domxml_needs_clear() - also of an empty one. */
void domxml_needs_clear(struct domxml_needs *n);

#endif
