/* SPDX-License-Identifier: Apache-2.0
 *
 * xml: reading libvirt's XML.
 *
 * The text comes from hosts, so it is not trusted: at most DOMXML_MAX bytes, what a host says of itself XML_HOST_MAX, no
 * document type (libvirt never writes one, and entities need one), no access to
 * files or network, every string and list bounded. What is over a limit or not
 * what it should be is ERR_HV; a text is never changed by parsing.
 */
#ifndef HV_XML_H
#define HV_XML_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <libxml/tree.h>

#define DOMXML_MAX (1024 * 1024)
#define XML_HOST_MAX (4 * 1024 * 1024) /* capabilities of hundreds of CPUs in many NUMA cells; libvirt's own (REMOTE_STRING_MAX) */
#define DOMXML_NAME_MAX 255     /* names, types, models */
#define DOMXML_TEXT_MAX 4096    /* paths; a title is cut */
#define DOMXML_BACKING_MAX 100  /* files under a disk; unmerged snapshots make many */
#define DOMXML_DEVICES_MAX 256  /* disks, and nics, ... */
#define DOMXML_PINS_MAX 4096    /* vCPUs, I/O threads */
#define DOMXML_CELLS_MAX 128    /* NUMA cells of a guest, or nodes of a host */

#define DOMXML_NAMESPACE "urn:drover" /* of what <metadata> has for this program */

/** xml_refuse() - set @err: the XML is not what it should be. Return: NULL, which is false too. */
void *xml_refuse(GError **err, const char *what);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

/**
 * xml_read() - parse a document under the limits above.
 * @root: the name that its root element must have
 *
 * Return: the tree, or NULL with ERR_HV.
 */
xmlDoc *xml_read(const char *xml, const char *root, GError **err);
/** xml_glance() - the same for a tree that is only looked at: it has no blanks between elements, and must not be changed or written. */
xmlDoc *xml_glance(const char *xml, const char *root, GError **err);

/** xml_child() - the first child element of that name, or NULL. @node may be NULL. */
xmlNode *xml_child(const xmlNode *node, const char *name);
/** xml_child_in() - the same of a namespace, whatever prefix libvirt has given it. */
xmlNode *xml_child_in(const xmlNode *node, const char *ns, const char *name);
/** xml_next() - the next sibling element of that name after @node, or NULL. */
xmlNode *xml_next(const xmlNode *node, const char *name);
/** xml_attr() - an attribute's value, or NULL; @node may be NULL. Return: owned by the caller (g_free). */
char *xml_attr(const xmlNode *node, const char *name);
/** xml_attr_is() - an attribute has that value; NULL: there is none. */
bool xml_attr_is(const xmlNode *node, const char *name, const char *value);
/** xml_text() - an element's text without surrounding blanks, or NULL. Return: owned by the caller (g_free). */
char *xml_text(const xmlNode *node);

/**
 * xml_bounded() - a string under a limit; an empty one is none, which is NULL.
 * @s: taken
 * @ret: replaced on success
 *
 * Return: false with ERR_HV if it is longer.
 */
bool xml_bounded(char *s, size_t max, char **ret, GError **err);
/** xml_name_attr() - the same of an attribute that is a name, DOMXML_NAME_MAX bytes at most. */
bool xml_name_attr(const xmlNode *node, const char *name, char **ret, GError **err);

/**
 * xml_bytes() - an amount of memory.
 * @attr: the attribute that has the number; NULL: the element's text. The unit is in attribute "unit", KiB is the default
 *
 * Return: -1 if it is no amount.
 */
int64_t xml_bytes(const xmlNode *n, const char *attr);
/** xml_mib() - the same in MiB, rounded up. */
int64_t xml_mib(const xmlNode *n, const char *attr);

/** xml_time_ns() - a time as libvirt writes it, "1341933637.273190990", the fraction may be left out: nanoseconds since 1970. Return: 0 if it is none. */
int64_t xml_time_ns(const xmlNode *n);

/** xml_dump() - an element as text. Return: owned by the caller (g_free), or NULL. */
char *xml_dump(xmlNode *node);

#endif
