/* SPDX-License-Identifier: Apache-2.0 */
#include "api/network/port.h"

#include <arpa/inet.h>
#include <string.h>

void port_id(char out[static UTIL_UUID_LEN + 1], const struct server *s, const struct server_nic *n)
{
	char name[UTIL_UUID_LEN + 64];

	g_snprintf(name, sizeof name, "%s/%s", s->uuid, n->mac);
	view_uuid(out, "port", name);
}

void port_network_id(char out[static UTIL_UUID_LEN + 1], const char *network)
{
	view_uuid(out, "network", network);
}

char *port_cidr(const struct hv_addr *a)
{
	int family = hv_addr_version(a) == 4 ? AF_INET : AF_INET6;
	unsigned char bytes[16];
	char text[HV_ADDR_TEXT_MAX];
	int size = family == AF_INET ? 4 : 16;

	if (!a->prefix || inet_pton(family, a->text, bytes) != 1)
		return NULL;
	for (int bit = a->prefix; bit < size * 8; bit++)
		bytes[bit / 8] = (unsigned char)(bytes[bit / 8] & ~(0x80 >> (bit % 8)));
	return inet_ntop(family, bytes, text, sizeof text) ? g_strdup_printf("%s/%d", text, a->prefix) : NULL;
}

void port_subnet_id(char out[static UTIL_UUID_LEN + 1], const char *network, const char *cidr)
{
	g_autofree char *name = g_strconcat(network, "/", cidr, NULL);

	view_uuid(out, "subnet", name);
}

const char *port_status(const struct server *s)
{
	return s->power == SERVER_POWER_RUNNING || s->power == SERVER_POWER_PAUSED ? "ACTIVE" : "DOWN";
}

void port_put_fixed_ips(struct jout *o, const struct server *s, const struct server_nic *n)
{
	const struct hv_addr *a;

	jout_open(o, '[');
	for (guint i = 0; (a = addr_of(s, n->mac, i)); i++) {
		g_autofree char *cidr = port_cidr(a);
		char id[UTIL_UUID_LEN + 1];

		if (cidr)
			port_subnet_id(id, n->network, cidr);
		jout_open(o, '{');
		jout_kv(o, "subnet_id", str, cidr ? id : NULL);
		jout_kv(o, "ip_address", str, a->text);
		jout_close(o, '}');
	}
	jout_close(o, ']');
}

bool port_first_of_network(const struct server *s, guint i)
{
	const struct server_nic *n = g_ptr_array_index(s->nics, i);

	while (i-- > 0)
		if (strcmp(((const struct server_nic *)g_ptr_array_index(s->nics, i))->network, n->network) == 0)
			return false;
	return true;
}

void port_put_addresses(struct jout *o, const struct server *s, bool full)
{
	jout_open(o, '{');
	for (guint i = 0; s->nics && i < s->nics->len; i++) {
		const struct server_nic *n = g_ptr_array_index(s->nics, i);

		if (port_first_of_network(s, i))
			port_put_network(o, s, n->network, full);
	}
	jout_close(o, '}');
}

static void put_address(struct jout *o, const struct hv_addr *a, bool full)
{
	jout_open(o, '{');
	jout_kv(o, "version", int, hv_addr_version(a));
	jout_kv(o, "addr", str, a->text);
	if (full) {
		jout_kv(o, "OS-EXT-IPS:type", raw, "\"fixed\"");
		jout_kv(o, "OS-EXT-IPS-MAC:mac_addr", str, a->mac);
	}
	jout_close(o, '}');
}

void port_put_network(struct jout *o, const struct server *s, const char *network, bool full)
{
	const struct hv_addr *a;

	jout_name(o, network);
	jout_open(o, '[');
	for (guint i = 0; i < s->nics->len; i++) {
		const struct server_nic *n = g_ptr_array_index(s->nics, i);

		for (guint k = 0; strcmp(n->network, network) == 0 && (a = addr_of(s, n->mac, k)); k++)
			put_address(o, a, full);
	}
	jout_close(o, ']');
}

/* ---- /ips ---- */
