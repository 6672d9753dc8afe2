/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/xml.h"

#include <string.h>

#include <libxml/parser.h>

#include "base/err.h"
#include "base/util.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlParserCtxt, xmlFreeParserCtxt)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlBuffer, xmlBufferFree)

/* ---- reading ---- */

void *xml_refuse(GError **err, const char *what)
{
	g_set_error(err, ERR, ERR_HV, "XML of the host: %s", what);
	return NULL;
}

/* Called at a document type declaration, before anything in it is looked at. */
static void stop_at_doctype(void *ctx, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	(void)name;
	(void)external;
	(void)system;
	((xmlParserCtxt *)ctx)->wellFormed = 0;
	xmlStopParser(ctx);
}

/*
 * At less than 250 bytes before the end libxml2 asks for more at each tag, and has the whole text copied again: a sixth of
 * the time for a small one. So that end is of blanks, which may stand there. Return: owned by the caller, of @len + PAD bytes.
 */
#define PAD 256

static char *pad(const char *xml, size_t len)
{
	char *padded = g_malloc(len + PAD);

	memcpy(padded, xml, len);
	memset(padded + len, ' ', PAD);
	return padded;
}

/* What is over it in a domain's description is that domain's alone; a host that does not say what it is would be down. */
static size_t limit_of(const char *root)
{
	return g_str_equal(root, "capabilities") || g_str_equal(root, "domainCapabilities") ? XML_HOST_MAX : DOMXML_MAX;
}

static xmlDoc *read_with(const char *xml, const char *root, int options, GError **err)
{
	g_autoptr(xmlParserCtxt) ctx = NULL;
	g_autoptr(xmlDoc) doc = NULL;
	g_autofree char *padded = NULL;
	size_t max = limit_of(root), len = strnlen(xml, max + 1);
	xmlNode *node;

	if (len > max)
		return xml_refuse(err, "too large");
	ctx = xmlNewParserCtxt();
	ctx->sax->internalSubset = stop_at_doctype;
	padded = pad(xml, len);
	doc = xmlCtxtReadMemory(ctx, padded, (int)len + PAD, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | options);
	if (!doc || !ctx->wellFormed)
		return xml_refuse(err, "not well-formed");
	node = xmlDocGetRootElement(doc);
	if (!node || strcmp((const char *)node->name, root))
		return xml_refuse(err, "not the expected element");
	return g_steal_pointer(&doc);
}

xmlDoc *xml_read(const char *xml, const char *root, GError **err)
{
	return read_with(xml, root, 0, err);
}

/* Two thirds of the time: the blanks between elements are half of all nodes. */
xmlDoc *xml_glance(const char *xml, const char *root, GError **err)
{
	return read_with(xml, root, XML_PARSE_NOBLANKS | XML_PARSE_COMPACT, err);
}

static xmlNode *element_from(xmlNode *n, const char *name)
{
	for (; n; n = n->next) {
		if (n->type == XML_ELEMENT_NODE && !n->ns && !strcmp((const char *)n->name, name))
			return n;
	}
	return NULL;
}

xmlNode *xml_child(const xmlNode *node, const char *name)
{
	return node ? element_from(node->children, name) : NULL;
}

xmlNode *xml_child_in(const xmlNode *node, const char *ns, const char *name)
{
	xmlNode *n = node ? node->children : NULL;

	while (n && (n->type != XML_ELEMENT_NODE || strcmp((const char *)n->name, name) || !n->ns || !n->ns->href || strcmp((const char *)n->ns->href, ns)))
		n = n->next;
	return n;
}

xmlNode *xml_next(const xmlNode *node, const char *name)
{
	return element_from(node->next, name);
}

/* libxml2's allocator need not be ours. */
static char *take(xmlChar *v)
{
	char *s = g_strdup((const char *)v);

	xmlFree(v);
	return s;
}

/* What text there is, if it is in one piece: so it is but for entities. NULL: it is not. */
static const char *piece_of(const xmlNode *children)
{
	if (!children)
		return "";
	return children->type == XML_TEXT_NODE && !children->next && children->content ? (const char *)children->content : NULL;
}

static const xmlAttr *find_attr(const xmlNode *node, const char *name)
{
	const xmlAttr *a = node && node->type == XML_ELEMENT_NODE ? node->properties : NULL;

	while (a && (a->ns || strcmp((const char *)a->name, name)))
		a = a->next;
	return a;
}

char *xml_attr(const xmlNode *node, const char *name)
{
	const xmlAttr *a = find_attr(node, name);
	const char *piece = a ? piece_of(a->children) : NULL;

	if (piece || !a)
		return g_strdup(piece);
	return take(xmlGetNoNsProp(node, (const xmlChar *)name));
}

bool xml_attr_is(const xmlNode *node, const char *name, const char *value)
{
	const xmlAttr *a = find_attr(node, name);
	const char *piece = a ? piece_of(a->children) : NULL;
	g_autofree char *all = a && !piece ? xml_attr(node, name) : NULL;

	return !g_strcmp0(piece ? piece : all, value);
}

char *xml_text(const xmlNode *node)
{
	const char *piece = node ? piece_of(node->children) : NULL;
	char *s = piece ? g_strdup(piece) : node ? take(xmlNodeGetContent(node)) : NULL;

	return s ? g_strstrip(s) : NULL;
}

#define NS_PER_S INT64_C(1000000000)

int64_t xml_time_ns(const xmlNode *n)
{
	g_autofree char *text = xml_text(n);
	g_auto(GStrv) parts = g_strsplit(text ? text : "", ".", 2);
	int64_t s, ns = 0;

	if (!parts[0] || !util_parse_int(parts[0], 0, INT64_MAX / NS_PER_S - 1, &s))
		return 0;
	if (parts[1] && (strlen(parts[1]) != 9 || !util_parse_int(parts[1], 0, NS_PER_S - 1, &ns)))
		return 0;
	return s * NS_PER_S + ns;
}

char *xml_dump(xmlNode *node)
{
	g_autoptr(xmlBuffer) out = xmlBufferCreate();

	if (xmlNodeDump(out, node->doc, node, 0, 0) < 0)
		return NULL;
	return g_strdup((const char *)xmlBufferContent(out));
}

/* ---- values ---- */

/* A string under a limit, or an error; an empty one is none, and fine. Takes @s. */
bool xml_bounded(char *s, size_t max, char **ret, GError **err)
{
	if (s && strlen(s) > max) {
		g_free(s);
		return xml_refuse(err, "a value is too long");
	}
	if (s && !*s)
		g_clear_pointer(&s, g_free);
	g_free(*ret);
	*ret = s;
	return true;
}

bool xml_name_attr(const xmlNode *n, const char *attr, char **ret, GError **err)
{
	return xml_bounded(xml_attr(n, attr), DOMXML_NAME_MAX, ret, err);
}

static const struct {
	const char *unit;
	int64_t bytes;
} units[] = {
	{ "b", 1 },          { "bytes", 1 },
	{ "KB", 1000 },      { "k", 1 << 10 },        { "KiB", 1 << 10 },
	{ "MB", 1000000 },   { "M", 1 << 20 },        { "MiB", 1 << 20 },
	{ "GB", 1000000000 },{ "G", 1 << 30 },        { "GiB", 1 << 30 },
	{ "TB", 1000000000000 }, { "T", INT64_C(1) << 40 }, { "TiB", INT64_C(1) << 40 },
};

int64_t xml_bytes(const xmlNode *n, const char *attr)
{
	g_autofree char *unit = xml_attr(n, "unit");
	g_autofree char *text = attr ? xml_attr(n, attr) : xml_text(n);
	int64_t v, scale = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		if (!strcmp(unit ? unit : "KiB", units[i].unit))
			scale = units[i].bytes;
	}
	if (!scale || !text || !util_parse_int(g_strstrip(text), 0, INT64_MAX / scale - 1, &v))
		return -1;
	return v * scale;
}

int64_t xml_mib(const xmlNode *n, const char *attr)
{
	int64_t v = xml_bytes(n, attr);

	return v < 0 ? -1 : v / (1 << 20) + (v % (1 << 20) ? 1 : 0);
}
