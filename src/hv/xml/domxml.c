/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/domxml.h"

#include <arpa/inet.h>
#include <string.h>

#include <libxml/parser.h>

#include "base/err.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlParserCtxt, xmlFreeParserCtxt)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlBuffer, xmlBufferFree)

/* ---- reading ---- */

void *domxml_refuse(GError **err, const char *what)
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

static xmlDoc *read_with(const char *xml, const char *root, int options, GError **err)
{
	g_autoptr(xmlParserCtxt) ctx = NULL;
	g_autoptr(xmlDoc) doc = NULL;
	size_t len = strnlen(xml, DOMXML_MAX + 1);
	xmlNode *node;

	if (len > DOMXML_MAX)
		return domxml_refuse(err, "too large");
	ctx = xmlNewParserCtxt();
	ctx->sax->internalSubset = stop_at_doctype;
	doc = xmlCtxtReadMemory(ctx, xml, (int)len, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | options);
	if (!doc || !ctx->wellFormed)
		return domxml_refuse(err, "not well-formed");
	node = xmlDocGetRootElement(doc);
	if (!node || strcmp((const char *)node->name, root))
		return domxml_refuse(err, "not the expected element");
	return g_steal_pointer(&doc);
}

xmlDoc *domxml_read(const char *xml, const char *root, GError **err)
{
	return read_with(xml, root, 0, err);
}

/* Two thirds of the time: the blanks between elements are half of all nodes. */
xmlDoc *domxml_glance(const char *xml, const char *root, GError **err)
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

xmlNode *domxml_child(const xmlNode *node, const char *name)
{
	return node ? element_from(node->children, name) : NULL;
}

xmlNode *domxml_next(const xmlNode *node, const char *name)
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

char *domxml_attr(const xmlNode *node, const char *name)
{
	return node ? take(xmlGetNoNsProp(node, (const xmlChar *)name)) : NULL;
}

char *domxml_text(const xmlNode *node)
{
	char *s = node ? take(xmlNodeGetContent(node)) : NULL;

	return s ? g_strstrip(s) : NULL;
}

char *domxml_dump(xmlNode *node)
{
	g_autoptr(xmlBuffer) out = xmlBufferCreate();

	if (xmlNodeDump(out, node->doc, node, 0, 0) < 0)
		return NULL;
	return g_strdup((const char *)xmlBufferContent(out));
}

/* ---- the description ---- */

/* A string under a limit, or an error; an empty one is none, and fine. Takes @s. */
static bool bounded(char *s, size_t max, char **ret, GError **err)
{
	if (s && strlen(s) > max) {
		g_free(s);
		return domxml_refuse(err, "a value is too long");
	}
	if (s && !*s)
		g_clear_pointer(&s, g_free);
	g_free(*ret);
	*ret = s;
	return true;
}

static bool name_attr(const xmlNode *n, const char *attr, char **ret, GError **err)
{
	return bounded(domxml_attr(n, attr), DOMXML_NAME_MAX, ret, err);
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

int64_t domxml_bytes(const xmlNode *n, const char *attr)
{
	g_autofree char *unit = domxml_attr(n, "unit");
	g_autofree char *text = attr ? domxml_attr(n, attr) : domxml_text(n);
	int64_t v, scale = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
		if (!strcmp(unit ? unit : "KiB", units[i].unit))
			scale = units[i].bytes;
	}
	if (!scale || !text || !util_parse_int(g_strstrip(text), 0, INT64_MAX / scale - 1, &v))
		return -1;
	return v * scale;
}

int64_t domxml_mib(const xmlNode *n, const char *attr)
{
	int64_t v = domxml_bytes(n, attr);

	return v < 0 ? -1 : v / (1 << 20) + (v % (1 << 20) ? 1 : 0);
}

/* vCPUs that are plugged: current, of a maximum that is the element's text. */
static int vcpu_count(const xmlNode *n)
{
	g_autofree char *current = domxml_attr(n, "current");
	g_autofree char *text = domxml_text(n);
	int64_t v;

	if (!n)
		return 1;
	return util_parse_int(current ? current : text ? text : "", 1, 65536, &v) ? (int)v : -1;
}

static bool parse_head(const xmlNode *root, struct hv_dom *d, GError **err)
{
	const xmlNode *type = domxml_child(domxml_child(root, "os"), "type");
	g_autofree char *uuid = domxml_text(domxml_child(root, "uuid"));
	g_autofree char *title = domxml_text(domxml_child(root, "title"));

	if (!uuid || !util_uuid_valid(uuid))
		return domxml_refuse(err, "no valid <uuid>");
	for (size_t i = 0; i < UTIL_UUID_LEN; i++)
		d->uuid[i] = g_ascii_tolower(uuid[i]);
	d->vcpus = vcpu_count(domxml_child(root, "vcpu"));
	d->mem_mib = domxml_mib(domxml_child(root, "memory"), NULL);
	if (d->vcpus < 0 || d->mem_mib < 0)
		return domxml_refuse(err, "no valid <vcpu> or <memory>");
	if (!bounded(domxml_text(domxml_child(root, "name")), DOMXML_NAME_MAX, &d->name, err) ||
	    !bounded(util_line(title, DOMXML_TEXT_MAX), DOMXML_TEXT_MAX, &d->title, err) ||
	    !name_attr(root, "type", &d->virt_type, err) || !name_attr(type, "arch", &d->arch, err) ||
	    !name_attr(type, "machine", &d->machine, err))
		return false;
	if (!d->name)
		return domxml_refuse(err, "no <name>");
	return true;
}

/* Where a disk's contents are: the attribute depends on the type of the disk. */
static const struct {
	const char *type, *attr;
	enum hv_source kind;
} disk_types[] = {
	{ "file",      "file",   HV_SOURCE_FILE },
	{ "block",     "dev",    HV_SOURCE_DEVICE },
	{ "dir",       "dir",    HV_SOURCE_OTHER },
	{ "volume",    "volume", HV_SOURCE_FILE }, /* of a pool, which may say that it is something else */
	{ "network",   "name",   HV_SOURCE_NETWORK },
	{ "nvme",      NULL,     HV_SOURCE_OTHER },
	{ "vhostuser", NULL,     HV_SOURCE_OTHER },
	{ "vhostvdpa", "dev",    HV_SOURCE_OTHER },
};

/* Where the kernel shows devices. What is there is none of a file system's files, whatever a description calls it. */
static bool is_device_path(const char *path)
{
	return path && g_str_has_prefix(path, "/dev/");
}

/* A file is libvirt's default. A type that is in none of the rows has no rule either. */
static size_t find_type(const char *type)
{
	size_t i = 0;

	while (i < G_N_ELEMENTS(disk_types) && strcmp(type ? type : "file", disk_types[i].type))
		i++;
	return i;
}

/* ---- servers of network disks ---- */

static bool is_loopback_name(const char *name)
{
	static const char *const names[] = { "localhost", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		size_t len = strlen(names[i]);

		if (!g_ascii_strncasecmp(name, names[i], len) && (!name[len] || name[len] == '.'))
			return true;
	}
	return false;
}

/* Nothing else than a server of the host itself answers there. */
static bool is_loopback(const char *name)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET6, name, &six) == 1) {
		if (!IN6_IS_ADDR_V4MAPPED(&six))
			return IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_UNSPECIFIED(&six);
		memcpy(&four, &six.s6_addr[12], sizeof(four));
	} else if (inet_aton(name, &four) == 0) {
		return is_loopback_name(name);
	}
	return ntohl(four.s_addr) >> 24 == 127 || four.s_addr == 0;
}

static bool is_local_server(const xmlNode *host)
{
	g_autofree char *transport = domxml_attr(host, "transport"), *name = domxml_attr(host, "name");

	return !g_strcmp0(transport, "unix") || (name && is_loopback(name));
}

bool domxml_served_locally(const xmlNode *source)
{
	const xmlNode *host = domxml_child(source, "host");
	bool local = host;

	for (; host; host = domxml_next(host, "host"))
		local = local && is_local_server(host);
	return local;
}

/* @n: a <disk> or a <backingStore>, which are alike in this */
static bool disk_source(const xmlNode *n, struct hv_disk *k, GError **err)
{
	const xmlNode *src = domxml_child(n, "source");
	g_autofree char *type = domxml_attr(n, "type");
	g_autofree char *proto = NULL, *path = NULL;
	size_t at = find_type(type);

	if (at == G_N_ELEMENTS(disk_types)) {
		k->kind = HV_SOURCE_OTHER;
		return true;
	}
	k->kind = disk_types[at].kind;
	if (disk_types[at].attr)
		path = domxml_attr(src, disk_types[at].attr);
	if (k->kind == HV_SOURCE_FILE && is_device_path(path))
		k->kind = HV_SOURCE_DEVICE;
	if (!g_strcmp0(type, "volume") && !name_attr(src, "pool", &k->pool, err))
		return false;
	if (k->kind != HV_SOURCE_NETWORK)
		return bounded(g_steal_pointer(&path), DOMXML_TEXT_MAX, &k->source, err);
	if (domxml_served_locally(src))
		k->kind = HV_SOURCE_LOOPBACK;
	proto = domxml_attr(src, "protocol");
	if (!proto)
		return true;
	return bounded(g_strdup_printf("%s:%s", proto, path ? path : ""), DOMXML_TEXT_MAX, &k->source, err);
}

static bool parse_backing(const xmlNode *n, struct hv_disk *k, GError **err)
{
	struct hv_backing *b = g_new0(struct hv_backing, 1);
	struct hv_disk source = { .source = NULL };
	bool ok = disk_source(n, &source, err) && name_attr(domxml_child(n, "format"), "type", &b->format, err);

	b->path = source.source;
	b->kind = source.kind;
	b->pool = source.pool;
	if (!k->backing)
		k->backing = g_ptr_array_new_with_free_func((GDestroyNotify)hv_backing_free);
	g_ptr_array_add(k->backing, b);
	return ok;
}

/* Each <backingStore> has the next one in it; an empty one says that the chain ends there. */
static bool parse_backings(const xmlNode *n, struct hv_disk *k, GError **err)
{
	for (n = domxml_child(n, "backingStore"); n && domxml_child(n, "source"); n = domxml_child(n, "backingStore")) {
		if (k->backing && k->backing->len >= DOMXML_BACKING_MAX)
			return domxml_refuse(err, "too many backing files");
		if (!parse_backing(n, k, err))
			return false;
	}
	return true;
}

static bool parse_disk(const xmlNode *n, struct hv_dom *d, GError **err)
{
	struct hv_disk *k = g_new0(struct hv_disk, 1);
	g_autofree char *device = domxml_attr(n, "device");

	g_ptr_array_add(d->disks, k);
	k->cdrom = !g_strcmp0(device, "cdrom");
	k->readonly = domxml_child(n, "readonly") != NULL;
	k->shareable = domxml_child(n, "shareable") != NULL;
	return name_attr(domxml_child(n, "target"), "dev", &k->target, err) &&
	       name_attr(domxml_child(n, "driver"), "type", &k->format, err) && disk_source(n, k, err) && parse_backings(n, k, err);
}

/* A running interface of a network names the bridge too; the network is what other hosts know. */
static const char *const nic_sources[] = { "network", "bridge", "dev" };

static bool parse_nic(const xmlNode *n, struct hv_dom *d, GError **err)
{
	struct hv_nic *k = g_new0(struct hv_nic, 1);
	const xmlNode *src = domxml_child(n, "source");
	g_autofree char *mode = NULL, *floor = NULL;

	g_ptr_array_add(d->nics, k);
	for (size_t i = 0; i < G_N_ELEMENTS(nic_sources) && !k->bridge; i++) {
		if (!name_attr(src, nic_sources[i], &k->bridge, err))
			return false;
	}
	if (!name_attr(n, "type", &k->type, err) || !name_attr(domxml_child(n, "mac"), "address", &k->mac, err))
		return false;
	mode = domxml_attr(src, "mode");
	k->passthrough = !g_strcmp0(k->type, "hostdev") || !g_strcmp0(k->type, "vdpa") ||
			 (!g_strcmp0(k->type, "direct") && !g_strcmp0(mode, "passthrough"));
	k->failover = domxml_failover(n);
	floor = domxml_attr(domxml_child(domxml_child(n, "bandwidth"), "inbound"), "floor");
	if (floor && !util_parse_int(floor, 0, INT64_MAX, &k->floor_kibs))
		return domxml_refuse(err, "no valid <inbound floor>");
	return true;
}

static bool parse_graphics(const xmlNode *n, struct hv_dom *d, GError **err)
{
	g_autofree char *type = domxml_attr(n, "type");
	g_autofree char *port = domxml_attr(n, "port");
	int64_t v;

	if (g_strcmp0(type, "vnc") || d->vnc_listen)
		return true;
	if (port && util_parse_int(port, 1, 65535, &v))
		d->vnc_port = (int)v;
	if (!name_attr(n, "listen", &d->vnc_listen, err))
		return false;
	if (!d->vnc_listen && !name_attr(domxml_child(n, "listen"), "address", &d->vnc_listen, err))
		return false;
	/* VNC without an address listens where the host's configuration says. */
	if (!d->vnc_listen)
		d->vnc_listen = g_strdup("");
	return true;
}

static bool parse_vsock(const xmlNode *n, struct hv_dom *d, GError **err)
{
	const xmlNode *cid = domxml_child(n, "cid");
	g_autofree char *address = domxml_attr(cid, "address"), *chosen = domxml_attr(cid, "auto");

	(void)err;
	if (address && !util_parse_int(address, 3, UINT32_MAX, &d->vsock_cid))
		d->vsock_cid = 0;
	d->vsock_auto = !g_strcmp0(chosen, "yes");
	return true;
}

bool domxml_devices(const xmlNode *root, const struct domxml_device *kinds, size_t n, struct hv_dom *d, GError **err)
{
	const xmlNode *all = domxml_child(root, "devices");

	for (size_t i = 0; i < n; i++) {
		int seen = 0;

		for (xmlNode *e = domxml_child(all, kinds[i].name); e; e = domxml_next(e, kinds[i].name)) {
			if (++seen > DOMXML_DEVICES_MAX)
				return domxml_refuse(err, "too many devices");
			if (!kinds[i].parse(e, d, err))
				return false;
		}
	}
	return true;
}

static const struct domxml_device devices[] = {
	{ "disk", parse_disk },
	{ "interface", parse_nic },
	{ "graphics", parse_graphics },
	{ "vsock", parse_vsock },
};

struct hv_dom *domxml_parse(const char *xml, GError **err)
{
	g_autoptr(xmlDoc) doc = domxml_read(xml, "domain", err);
	struct hv_dom *d;
	xmlNode *root;

	if (!doc)
		return NULL;
	root = xmlDocGetRootElement(doc);
	d = hv_dom_new();
	if (parse_head(root, d, err) && domxml_devices(root, devices, G_N_ELEMENTS(devices), d, err) && domxml_ties(root, d, err))
		return d;
	hv_dom_free(d);
	return NULL;
}

/* ---- the CPU ---- */

static bool is_cpu_part(const xmlNode *n)
{
	static const char *const parts[] = { "model", "vendor", "feature" };

	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		if (n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, parts[i]))
			return true;
	}
	return false;
}

/* Topology, NUMA cells and caches are the guest's alone; no host lacks them. */
static void strip_cpu(xmlNode *cpu)
{
	for (xmlNode *n = cpu->children, *next; n; n = next) {
		next = n->next;
		if (is_cpu_part(n))
			continue;
		xmlUnlinkNode(n);
		xmlFreeNode(n);
	}
}

bool domxml_cpu(const char *xml, struct domxml_cpu *ret, GError **err)
{
	g_autoptr(xmlDoc) doc = domxml_read(xml, "domain", err);
	xmlNode *root, *type, *cpu;

	if (!doc)
		return false;
	root = xmlDocGetRootElement(doc);
	type = domxml_child(domxml_child(root, "os"), "type");
	cpu = domxml_child(root, "cpu");
	memset(ret, 0, sizeof(*ret));
	ret->virt_type = domxml_attr(root, "type");
	ret->arch = domxml_attr(type, "arch");
	ret->machine = domxml_attr(type, "machine");
	ret->emulator = domxml_text(domxml_child(domxml_child(root, "devices"), "emulator"));
	if (!cpu)
		return true;
	ret->mode = domxml_attr(cpu, "mode");
	if (!ret->mode)
		ret->mode = g_strdup("custom");
	strip_cpu(cpu);
	ret->xml = domxml_dump(cpu);
	return true;
}

void domxml_cpu_clear(struct domxml_cpu *c)
{
	g_clear_pointer(&c->virt_type, g_free);
	g_clear_pointer(&c->arch, g_free);
	g_clear_pointer(&c->machine, g_free);
	g_clear_pointer(&c->emulator, g_free);
	g_clear_pointer(&c->mode, g_free);
	g_clear_pointer(&c->xml, g_free);
}

/* ---- another host ---- */

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
	g_autofree char *type = domxml_attr(listen, "type");

	return !g_strcmp0(type, "address");
}

/*
 * The address stands twice, in graphics/@listen and in the first <listen>, and
 * libvirt refuses the XML when the two differ.
 */
static void rewrite_listen(xmlNode *graphics, const char *address)
{
	xmlNode *listen = domxml_child(graphics, "listen");

	if (!listen || listens_by_address(listen))
		set_attr(graphics, "listen", address);
	for (; listen; listen = domxml_next(listen, "listen")) {
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
	g_autofree char *type = domxml_attr(graphics, "type");

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
	const xmlNode *listen = domxml_child(graphics, "listen");
	char *direct = domxml_attr(graphics, "listen");

	if (direct || !listen)
		add_listener(all, type, direct);
	for (; listen; listen = domxml_next(listen, "listen"))
		if (listens_by_address(listen))
			add_listener(all, type, domxml_attr(listen, "address"));
}

GPtrArray *domxml_listeners_of(const xmlNode *root)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(listener_free);

	for (xmlNode *n = domxml_child(domxml_child(root, "devices"), "graphics"); n; n = domxml_next(n, "graphics")) {
		g_autofree char *type = domxml_attr(n, "type");

		for (size_t i = 0; i < G_N_ELEMENTS(listeners); i++)
			if (!g_strcmp0(type, listeners[i].type))
				read_listeners(n, listeners[i].type, all);
	}
	return all;
}

GPtrArray *domxml_listeners(const char *xml)
{
	g_autoptr(xmlDoc) doc = domxml_glance(xml, "domain", NULL);

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
	xmlNode *old = domxml_child(root, "cpu"), *cpu;

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
	xmlNode *source = domxml_child(disk, "source");
	g_autofree char *type = domxml_attr(disk, "type");

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
	g_autofree char *target = domxml_attr(domxml_child(disk, "target"), "dev");

	for (; files && files[0] && files[1]; files += 2)
		if (g_strcmp0(files[0], target) == 0)
			name_as_file(disk, files[1]);
}

char *domxml_rewrite(const char *xml, const struct domxml_changes *ch, GError **err)
{
	g_autoptr(xmlDoc) doc = domxml_read(xml, "domain", err);
	char *out;
	xmlNode *root;

	if (!doc)
		return NULL;
	root = xmlDocGetRootElement(doc);
	for (xmlNode *g = domxml_child(domxml_child(root, "devices"), "graphics"); g; g = domxml_next(g, "graphics"))
		if (listener_of(g, ch))
			rewrite_listen(g, listener_of(g, ch));
	for (xmlNode *k = domxml_child(domxml_child(root, "devices"), "disk"); k; k = domxml_next(k, "disk"))
		rewrite_disk(k, ch->files);
	if (ch->cpu_model)
		set_cpu_model(root, ch->cpu_model);
	if (ch->place)
		domxml_set_place(root, ch->place);
	out = domxml_dump(root);
	return out ? out : domxml_refuse(err, "cannot be written");
}
