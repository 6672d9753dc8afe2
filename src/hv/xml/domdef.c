/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/domdef.h"

#include <string.h>

#include "hv/xml/xml.h"

#define WORDS_MAX 200 /* bytes of a value that is shown */

/* What belongs to the host. NULL: any. */
static const struct {
	const char *parent, *element;
	const char *attr;             /* this attribute; NULL: the whole element */
	const char *if_attr, *is;     /* only where another attribute has this value */
} of_host[] = {
	{ NULL,       "seclabel",    NULL, NULL, NULL },
	{ NULL,       "alias",       NULL, NULL, NULL },
	{ NULL,       "domain",      "id", NULL, NULL },
	{ NULL,       "vcpu",        "cpuset", NULL, NULL },
	{ NULL,       "resource",    NULL, NULL, NULL },
	{ "domain",   "numatune",    NULL, NULL, NULL },
	{ "cputune",  "vcpupin",     NULL, NULL, NULL },
	{ "cputune",  "emulatorpin", NULL, NULL, NULL },
	{ "cputune",  "iothreadpin", NULL, NULL, NULL },
	{ "devices",  "emulator",    NULL, NULL, NULL },
	{ "devices",  "controller",  NULL, "type", "pci" },
	{ "devices",  "graphics",    "listen", NULL, NULL },
	{ "devices",  "graphics",    "port", NULL, NULL },
	{ "devices",  "graphics",    "tlsPort", NULL, NULL },
	{ "devices",  "graphics",    "websocket", NULL, NULL },
	{ "graphics", "listen",      NULL, NULL, NULL },
};

/* The address in a <source> names a device of the host that the guest is to have: that is the guest's. */
static bool is_guest_address(const xmlNode *n, const char *parent)
{
	return g_str_equal((const char *)n->name, "address") && !g_str_equal(parent, "source");
}

/* Elements whose values a message may show: the others can have secrets in them, such as what <sysinfo> hands to the guest. */
static const char *const shown[] = {
	"name", "title", "memory", "currentMemory", "vcpu", "type", "source", "target", "driver", "mac", "model", "interface", "disk", "boot",
	"loader", "nvram", NULL,
};

/* A short name and the beginning of the versioned ones that it may stand for. */
static const struct {
	const char *alias, *versioned;
} machines[] = {
	{ "pc", "pc-i440fx-" }, { "q35", "pc-q35-" }, { "virt", "virt-" }, { "pseries", "pseries-" }, { "s390-ccw-virtio", "s390-ccw-virtio-" },
};

static bool is_alias(const char *a, const char *b)
{
	for (size_t i = 0; i < G_N_ELEMENTS(machines); i++)
		if (g_str_equal(a, machines[i].alias) && g_str_has_prefix(b, machines[i].versioned))
			return true;
	return false;
}

static const char *name_of(const xmlNode *n)
{
	return (const char *)n->name;
}

static const char *parent_of(const xmlNode *n)
{
	return n->parent && n->parent->type == XML_ELEMENT_NODE ? name_of(n->parent) : "";
}

/* @attr: one of the element's; NULL: the element itself */
static bool is_of_host(const xmlNode *n, const char *attr)
{
	for (size_t i = 0; i < G_N_ELEMENTS(of_host); i++) {
		g_autofree char *value = NULL;

		if (!g_str_equal(name_of(n), of_host[i].element) || g_strcmp0(attr, of_host[i].attr) != 0 ||
		    (of_host[i].parent && !g_str_equal(parent_of(n), of_host[i].parent)))
			continue;
		if (!of_host[i].if_attr)
			return true;
		value = xml_attr(n, of_host[i].if_attr);
		if (g_strcmp0(value, of_host[i].is) == 0)
			return true;
	}
	return !attr && is_guest_address(n, parent_of(n));
}

static const xmlNode *next_of_guest(const xmlNode *n);

/* Nothing but pins in it: the host's too. */
static bool is_empty_tune(const xmlNode *n)
{
	return g_str_equal(name_of(n), "cputune") && !next_of_guest(n->children);
}

/* The first from @n on among its siblings that says something of the guest, or NULL. */
static const xmlNode *next_of_guest(const xmlNode *n)
{
	while (n && (n->type != XML_ELEMENT_NODE || is_of_host(n, NULL) || is_empty_tune(n)))
		n = n->next;
	return n;
}

/* An element's own text; NULL if there is none but blanks. Owned. */
static char *own_text(const xmlNode *n)
{
	g_autoptr(GString) s = g_string_new(NULL);

	for (const xmlNode *c = n->children; c; c = c->next)
		if ((c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) && c->content)
			g_string_append(s, (const char *)c->content);
	g_strstrip(s->str);
	return *s->str ? g_strdup(s->str) : NULL;
}

/* ---- words ---- */

static char *quoted(const char *value)
{
	return value ? g_strdup_printf("\"%.*s\"", WORDS_MAX, value) : g_strdup("missing");
}

static bool differ(const xmlNode *n, const char *attr, const char *a, const char *b, char **ret)
{
	bool may_show = g_strv_contains((const char *const *)shown, name_of(n));
	g_autofree char *one = quoted(a), *other = quoted(b);

	if (!ret)
		return false;
	if (may_show)
		*ret = g_strdup_printf("its <%s%s%s> is %s, not %s", name_of(n), attr ? " " : "", attr ? attr : "", one, other);
	else
		*ret = g_strdup_printf("its <%s%s%s> is another", name_of(n), attr ? " " : "", attr ? attr : "");
	return false;
}

static bool only_in(const xmlNode *n, const char *whose, char **ret)
{
	if (ret)
		*ret = g_strdup_printf("only %s has this <%s> in <%s>", whose, name_of(n), parent_of(n));
	return false;
}

/* ---- comparing ---- */

static bool same_value(const xmlNode *n, const char *attr, const char *a, const char *b)
{
	if (g_strcmp0(a, b) == 0)
		return true;
	return a && b && g_str_equal(name_of(n), "type") && g_strcmp0(attr, "machine") == 0 && (is_alias(a, b) || is_alias(b, a));
}

static bool same_attr(const xmlNode *a, const xmlNode *b, const char *attr, char **ret)
{
	g_autofree char *one = xml_attr(a, attr), *other = xml_attr(b, attr);

	return is_of_host(a, attr) || same_value(a, attr, one, other) || differ(a, attr, one, other, ret);
}

static bool same_attrs(const xmlNode *a, const xmlNode *b, char **ret)
{
	for (const xmlAttr *t = a->properties; t; t = t->next)
		if (!same_attr(a, b, (const char *)t->name, ret))
			return false;
	for (const xmlAttr *t = b->properties; t; t = t->next)
		if (!same_attr(a, b, (const char *)t->name, ret))
			return false;
	return true;
}

static bool same_kind(const xmlNode *a, const xmlNode *b)
{
	return g_str_equal(name_of(a), name_of(b)) &&
	       g_strcmp0(a->ns ? (const char *)a->ns->href : NULL, b->ns ? (const char *)b->ns->href : NULL) == 0;
}

static bool same_element(const xmlNode *a, const xmlNode *b, char **ret);

static bool same_children(const xmlNode *a, const xmlNode *b, char **ret)
{
	const xmlNode *x = next_of_guest(a->children), *y = next_of_guest(b->children);

	for (; x && y; x = next_of_guest(x->next), y = next_of_guest(y->next)) {
		if (!same_kind(x, y))
			return only_in(x, "this one", ret);
		if (!same_element(x, y, ret))
			return false;
	}
	return (!x || only_in(x, "this one", ret)) && (!y || only_in(y, "the guest", ret));
}

/* As deep as the parser lets a document be. */
static bool same_element(const xmlNode *a, const xmlNode *b, char **ret)
{
	g_autofree char *one = own_text(a), *other = own_text(b);

	return same_attrs(a, b, ret) && (g_strcmp0(one, other) == 0 || differ(a, NULL, one, other, ret)) && same_children(a, b, ret);
}

bool domdef_same(const char *a, const char *b, char **ret_differs)
{
	g_autoptr(xmlDoc) one = xml_read(a, "domain", NULL), other = xml_read(b, "domain", NULL);

	if (one && other)
		return same_element(xmlDocGetRootElement(one), xmlDocGetRootElement(other), ret_differs);
	if (ret_differs)
		*ret_differs = g_strdup("it cannot be read");
	return false;
}
