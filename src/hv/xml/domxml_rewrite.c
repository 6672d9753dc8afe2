/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/domxml_rewrite.h"

#include <stddef.h>

#include "hv/xml/domxml_numa.h"
#include "hv/xml/xml.h"

static const struct {
	const char *type;
	size_t offset;
} listeners[] = {
	{ "vnc", offsetof(struct domxml_changes, vnc_listen) },
	{ "spice", offsetof(struct domxml_changes, spice_listen) },
};

static void set_attr(xmlNode *n, const char *name, const char *value)
{
	(void)xmlSetProp(n, (const xmlChar *)name, (const xmlChar *)value);
}

static bool listens_by_address(const xmlNode *listen)
{
	return xml_attr_is(listen, "type", "address");
}

/*
 * The address stands twice, in graphics/@listen and in the first <listen>, and
 * libvirt refuses the XML when the two differ.
 */
static void rewrite_listen(xmlNode *graphics, const char *address)
{
	xmlNode *listen = xml_child(graphics, "listen");

	if (!listen || listens_by_address(listen))
		set_attr(graphics, "listen", address);
	for (; listen; listen = xml_next(listen, "listen")) {
		if (listens_by_address(listen))
			set_attr(listen, "address", address);
	}
}

/* @type: borrowed. Return: the address that such a server gets; NULL: it keeps its own. */
static const char *address_for(const char *type, const struct domxml_changes *ch)
{
	for (size_t i = 0; i < G_N_ELEMENTS(listeners); i++)
		if (!g_strcmp0(type, listeners[i].type))
			return G_STRUCT_MEMBER(const char *, ch, listeners[i].offset);
	return NULL;
}

static const char *listener_of(const xmlNode *graphics, const struct domxml_changes *ch)
{
	g_autofree char *type = xml_attr(graphics, "type");

	return address_for(type, ch);
}

static void listener_free(void *data)
{
	struct domxml_listener *l = data;

	g_free(l->address);
	g_free(l);
}

/* Takes @address. The attribute and the first <listen> say the same. */
static void add_listener(GPtrArray *all, const char *type, char *address)
{
	const struct domxml_listener *last = all->len ? g_ptr_array_index(all, all->len - 1) : NULL;
	struct domxml_listener *l;

	if (last && last->type == type && !g_strcmp0(last->address, address)) {
		g_free(address);
		return;
	}
	l = g_new(struct domxml_listener, 1);
	*l = (struct domxml_listener){ .type = type, .address = address };
	g_ptr_array_add(all, l);
}

/* Without any address, libvirt listens on its own default. */
static void read_listeners(const xmlNode *graphics, const char *type, GPtrArray *all)
{
	const xmlNode *listen = xml_child(graphics, "listen");
	char *direct = xml_attr(graphics, "listen");

	if (direct || !listen)
		add_listener(all, type, direct);
	for (; listen; listen = xml_next(listen, "listen"))
		if (listens_by_address(listen))
			add_listener(all, type, xml_attr(listen, "address"));
}

GPtrArray *domxml_listeners_of(const xmlNode *root)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(listener_free);

	for (xmlNode *n = xml_child(xml_child(root, "devices"), "graphics"); n; n = xml_next(n, "graphics")) {
		g_autofree char *type = xml_attr(n, "type");

		for (size_t i = 0; i < G_N_ELEMENTS(listeners); i++)
			if (!g_strcmp0(type, listeners[i].type))
				read_listeners(n, listeners[i].type, all);
	}
	return all;
}

GPtrArray *domxml_listeners(const char *xml)
{
	g_autoptr(xmlDoc) doc = xml_glance(xml, "domain", NULL);

	return doc ? domxml_listeners_of(xmlDocGetRootElement(doc)) : NULL;
}

bool domxml_listens_elsewhere(const GPtrArray *all, const struct domxml_changes *ch)
{
	for (guint i = 0; all && i < all->len; i++) {
		const struct domxml_listener *l = g_ptr_array_index(all, i);
		const char *address = address_for(l->type, ch);

		if (address && g_strcmp0(l->address, address) != 0)
			return true;
	}
	return false;
}

static void set_cpu_model(xmlNode *root, const char *model)
{
	xmlNode *old = xml_child(root, "cpu"), *cpu;

	if (old) {
		xmlUnlinkNode(old);
		xmlFreeNode(old);
	}
	cpu = xmlNewChild(root, NULL, BAD_CAST "cpu", NULL);
	set_attr(cpu, "mode", "custom");
	set_attr(cpu, "match", "exact");
	(void)xmlNewTextChild(cpu, NULL, BAD_CAST "model", BAD_CAST model);
}

static void name_as_file(xmlNode *disk, const char *path)
{
	xmlNode *source = xml_child(disk, "source");
	g_autofree char *type = xml_attr(disk, "type");

	if (!source || g_strcmp0(type, "volume") != 0)
		return;
	set_attr(disk, "type", "file");
	(void)xmlUnsetProp(source, BAD_CAST "pool");
	(void)xmlUnsetProp(source, BAD_CAST "volume");
	(void)xmlUnsetProp(source, BAD_CAST "mode");
	set_attr(source, "file", path);
}

static void rewrite_disk(xmlNode *disk, const char *const *files)
{
	g_autofree char *target = xml_attr(xml_child(disk, "target"), "dev");

	for (; files && files[0] && files[1]; files += 2)
		if (g_strcmp0(files[0], target) == 0)
			name_as_file(disk, files[1]);
}

char *domxml_rewrite(const char *xml, const struct domxml_changes *ch, GError **err)
{
	g_autoptr(xmlDoc) doc = xml_read(xml, "domain", err);
	char *out;
	xmlNode *root;

	if (!doc)
		return NULL;
	root = xmlDocGetRootElement(doc);
	for (xmlNode *g = xml_child(xml_child(root, "devices"), "graphics"); g; g = xml_next(g, "graphics"))
		if (listener_of(g, ch))
			rewrite_listen(g, listener_of(g, ch));
	for (xmlNode *k = xml_child(xml_child(root, "devices"), "disk"); k; k = xml_next(k, "disk"))
		rewrite_disk(k, ch->files);
	if (ch->cpu_model)
		set_cpu_model(root, ch->cpu_model);
	if (ch->numa_fit)
		domxml_set_numa(root, ch->numa_fit);
	out = xml_dump(root);
	return out ? out : xml_refuse(err, "cannot be written");
}
