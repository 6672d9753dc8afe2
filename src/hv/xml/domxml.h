/* SPDX-License-Identifier: Apache-2.0
 *
 * domxml: reading libvirt's XML, and adapting a domain's to another host.
 *
 * The text comes from hosts, so it is not trusted: at most DOMXML_MAX bytes, no
 * document type (libvirt never writes one, and entities need one), no access to
 * files or network, every string and list bounded. What is over a limit or not
 * what it should be is ERR_HV; the text of a domain is never changed by parsing.
 */
#ifndef DOMXML_H
#define DOMXML_H

#include <stdbool.h>

#include <glib.h>
#include <libxml/tree.h>

#include "hv/hv.h"

#define DOMXML_MAX (1024 * 1024)
#define DOMXML_NAME_MAX 255     /* names, types, models */
#define DOMXML_TEXT_MAX 4096    /* paths; a title is cut */
#define DOMXML_BACKING_MAX 100  /* files under a disk; unmerged snapshots make many */
#define DOMXML_DEVICES_MAX 256  /* disks, and nics, ... */
#define DOMXML_PINS_MAX 4096    /* vCPUs, I/O threads */
#define DOMXML_CELLS_MAX 128    /* NUMA cells of a guest, or nodes of a host */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

/**
 * domxml_read() - parse a document under the limits above.
 * @root: the name that its root element must have
 *
 * Return: the tree, or NULL with ERR_HV.
 */
xmlDoc *domxml_read(const char *xml, const char *root, GError **err);
/** domxml_glance() - the same for a tree that is only looked at: it has no blanks between elements, and must not be changed or written. */
xmlDoc *domxml_glance(const char *xml, const char *root, GError **err);

/** domxml_child() - the first child element of that name, or NULL. @node may be NULL. */
xmlNode *domxml_child(const xmlNode *node, const char *name);
/** domxml_next() - the next sibling element of that name after @node, or NULL. */
xmlNode *domxml_next(const xmlNode *node, const char *name);
/** domxml_attr() - an attribute's value, or NULL; @node may be NULL. Return: owned by the caller (g_free). */
char *domxml_attr(const xmlNode *node, const char *name);
/** domxml_text() - an element's text without surrounding blanks, or NULL. Return: owned by the caller (g_free). */
char *domxml_text(const xmlNode *node);

/**
 * domxml_bytes() - an amount of memory.
 * @attr: the attribute that has the number; NULL: the element's text. The unit is in attribute "unit", KiB is the default
 *
 * Return: -1 if it is no amount.
 */
int64_t domxml_bytes(const xmlNode *n, const char *attr);
/** domxml_mib() - the same in MiB, rounded up. */
int64_t domxml_mib(const xmlNode *n, const char *attr);

/** domxml_served_locally() - the <source> of a network disk or a pool names servers, and each is the host itself: "localhost", a unix socket. */
bool domxml_served_locally(const xmlNode *source);

/** domxml_dump() - an element as text. Return: owned by the caller (g_free), or NULL. */
char *domxml_dump(xmlNode *node);

/**
 * domxml_parse() - a domain's description as struct hv_dom; state and job are left at 0.
 *
 * Return: owned by the caller, or NULL with ERR_HV.
 */
struct hv_dom *domxml_parse(const char *xml, GError **err);

/** domxml_refuse() - set @err: the XML is not what it should be. Return: NULL, which is false too. */
void *domxml_refuse(GError **err, const char *what);

/* A kind of device, and what is read of one. */
struct domxml_device {
	const char *name;
	bool (*parse)(const xmlNode *n, struct hv_dom *d, GError **err);
};

/** domxml_devices() - read a domain's devices, of @n kinds, DOMXML_DEVICES_MAX of each at most; a part of domxml_parse(). */
bool domxml_devices(const xmlNode *root, const struct domxml_device *kinds, size_t n, struct hv_dom *d, GError **err);

/** domxml_ties() - read @d's ties; a part of domxml_parse(). */
bool domxml_ties(const xmlNode *root, struct hv_dom *d, GError **err);
/** domxml_failover() - the device goes away for a migration and another one takes over (<teaming type='transient'>). */
bool domxml_failover(const xmlNode *n);

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

/* A VNC or SPICE server that listens on an address of the host. */
struct domxml_console {
	char *type;          /* "vnc", "spice" */
	char *address;
	int port;            /* 0: one that is free */
};

/* An address that a server of it is told to listen at. */
struct domxml_listener {
	const char *type;    /* "vnc", "spice" */
	char *address;       /* NULL: libvirt's own default, or none is given */
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

/* What differs between two hosts. A NULL leaves it as it is. */
struct domxml_changes {
	const char *vnc_listen;   /* address that VNC servers listen on */
	const char *spice_listen; /* likewise SPICE servers */
	const char *cpu_model;    /* this one in place of the guest's <cpu>; for comparisons alone, a running guest keeps its own */
	const struct hv_place *place;
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

/**
 * domxml_set_place() - write a place into a domain's tree; a part of domxml_rewrite().
 *
 * Pins and nodes that the XML has get the place's sets; what the place does not
 * know of stays. <vcpu cpuset> and <emulatorpin> are made or go as the place says.
 */
void domxml_set_place(xmlNode *root, const struct hv_place *p);

#endif
