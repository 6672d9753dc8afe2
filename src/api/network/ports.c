/* SPDX-License-Identifier: Apache-2.0 */
#include "api/network/ports.h"

#include <string.h>

struct port {
	const struct server *server;
	const struct server_nic *nic;
	guint index;               /* among the server's */
	char id[UTIL_UUID_LEN + 1], network_id[UTIL_UUID_LEN + 1];
};

static const char owner[] = "compute:nova";

#define PORT_FITS(name, expr) \
	static bool port_##name(const struct api_req *r, const void *obj, const char *want) \
	{ \
		const struct port *p = obj; \
		(void)r, (void)p; \
		return g_strcmp0(expr, want) == 0; \
	}

PORT_FITS(has_id, p->id)
PORT_FITS(has_network, p->network_id)
PORT_FITS(has_device, p->server->uuid)
PORT_FITS(has_owner, owner)
PORT_FITS(has_status, port_status(p->server))
PORT_FITS(has_project, p->server->project_id)
PORT_FITS(has_host, p->server->host)

static bool port_has_mac(const struct api_req *r, const void *obj, const char *want)
{
	(void)r;
	return g_ascii_strcasecmp(((const struct port *)obj)->nic->mac, want) == 0;
}

/* "ip_address=10.0.0.5", "ip_address_substr=10.0", "subnet_id=UUID" */
static bool addr_fits(const struct port *p, const struct hv_addr *a, const char *want)
{
	g_autofree char *cidr = NULL;
	char id[UTIL_UUID_LEN + 1];

	if (g_str_has_prefix(want, "ip_address="))
		return strcmp(a->text, strchr(want, '=') + 1) == 0;
	if (g_str_has_prefix(want, "ip_address_substr="))
		return strstr(a->text, strchr(want, '=') + 1) != NULL;
	if (!g_str_has_prefix(want, "subnet_id=") || !(cidr = port_cidr(a)))
		return false;
	port_subnet_id(id, p->nic->network, cidr);
	return strcmp(id, strchr(want, '=') + 1) == 0;
}

static bool port_has_ip(const struct api_req *r, const void *obj, const char *want)
{
	const struct port *p = obj;
	const struct hv_addr *a;

	(void)r;
	for (guint i = 0; (a = addr_of(p->server, p->nic->mac, i)); i++)
		if (addr_fits(p, a, want))
			return true;
	return false;
}

static const struct network_filter port_filters[] = {
	{ "id", port_has_id }, { "network_id", port_has_network }, { "device_id", port_has_device }, { "device_owner", port_has_owner },
	{ "mac_address", port_has_mac }, { "fixed_ips", port_has_ip }, { "status", port_has_status }, { "project_id", port_has_project },
	{ "tenant_id", port_has_project }, { "name", network_is_empty }, { "admin_state_up", network_is_true }, { "binding:host_id", port_has_host, true },
};

/* What its domain says of the interface; NULL where that is not known. */
static const struct hv_nic *hv_nic_of(const struct port *p)
{
	const GPtrArray *nics = p->server->dom ? p->server->dom->nics : NULL;

	return nics && p->index < nics->len ? g_ptr_array_index(nics, p->index) : NULL;
}

/* Neutron's names for libvirt's types; any other one is a device on a bridge. */
static const char *vif_type(const struct hv_nic *n)
{
	static const struct { const char *type, *vif; } table[] = {
		{ "hostdev", "hw_veb" }, { "direct", "macvtap" }, { "vhostuser", "vhostuser" }, { "ethernet", "tap" }, { "vdpa", "vdpa" },
	};

	for (size_t i = 0; n && n->type && i < G_N_ELEMENTS(table); i++)
		if (strcmp(table[i].type, n->type) == 0)
			return table[i].vif;
	return "bridge";
}

/* Guaranteed bandwidth, in the form of Neutron's port-resource-request-groups. */
static void put_resource_request(struct jout *o, const struct port *p, const struct hv_nic *n)
{
	char id[UTIL_UUID_LEN + 1];

	if (!n || n->floor_kibs <= 0) {
		jout_null(o);
		return;
	}
	view_uuid(id, "resource-request", p->id);
	jout_raw(o, "{\"request_groups\":[{\"id\":\"");
	g_string_append_printf(o->s, "%s\",\"required\":[\"%s\"],\"resources\":{\"NET_BW_IGR_KILOBIT_PER_SEC\":%" G_GINT64_FORMAT
			       "}}],\"same_subtree\":[\"%s\"]}", id, n->passthrough ? "CUSTOM_VNIC_TYPE_DIRECT" : "CUSTOM_VNIC_TYPE_NORMAL",
			       n->floor_kibs * 8192 / 1000, id);
}

static void put_binding(struct jout *o, const struct port *p)
{
	const struct hv_nic *n = hv_nic_of(p);

	jout_kv(o, "binding:host_id", str, p->server->host ? p->server->host : "");
	jout_kv(o, "binding:vif_type", str, vif_type(n));
	jout_kv(o, "binding:vnic_type", str, n && n->passthrough ? "direct" : "normal");
	jout_kv(o, "binding:profile", raw, "{}");
	jout_kv(o, "binding:vif_details", raw, "{}");
	jout_key(o, "resource_request");
	put_resource_request(o, p, n);
}

static void put_port(struct jout *o, const struct api_req *r, const struct port *p)
{
	jout_open(o, '{');
	jout_kv(o, "id", str, p->id);
	jout_kv(o, "name", raw, "\"\"");
	jout_kv(o, "network_id", str, p->network_id);
	jout_kv(o, "device_id", str, p->server->uuid);
	jout_kv(o, "device_owner", str, owner);
	jout_kv(o, "mac_address", str, p->nic->mac);
	jout_key(o, "fixed_ips");
	port_put_fixed_ips(o, p->server, p->nic);
	jout_kv(o, "status", str, port_status(p->server));
	jout_kv(o, "admin_state_up", bool, true);
	jout_kv(o, "project_id", str, p->server->project_id);
	jout_kv(o, "tenant_id", str, p->server->project_id);
	if (r->auth->admin)
		put_binding(o, p);
	jout_kv(o, "security_groups", raw, "[]");
	jout_kv(o, "allowed_address_pairs", raw, "[]");
	jout_kv(o, "port_security_enabled", bool, false);
	jout_kv(o, "description", raw, "\"\"");
	jout_kv(o, "tags", raw, "[]");
	jout_kv(o, "created_at", time_z, p->server->created_us);
	jout_kv(o, "updated_at", time_z, p->server->updated_us);
	jout_close(o, '}');
}

void ports_put_of(struct network_list *l, struct api_req *r, const struct server *s)
{
	for (guint i = 0; s->nics && i < s->nics->len && !l->found; i++) {
		struct port p = { .server = s, .nic = g_ptr_array_index(s->nics, i), .index = i };

		port_id(p.id, s, p.nic);
		port_network_id(p.network_id, p.nic->network);
		if (network_list_takes(l, r, port_filters, G_N_ELEMENTS(port_filters), p.id, &p))
			put_port(&l->o, r, &p);
	}
}
