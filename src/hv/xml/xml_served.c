/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/xml/xml_served.h"

#include <arpa/inet.h>
#include <string.h>

#include "hv/xml/xml.h"

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
	g_autofree char *transport = xml_attr(host, "transport"), *name = xml_attr(host, "name");

	return !g_strcmp0(transport, "unix") || (name && is_loopback(name));
}

bool xml_served_locally(const xmlNode *source)
{
	const xmlNode *host = xml_child(source, "host");
	bool local = host;

	for (; host; host = xml_next(host, "host"))
		local = local && is_local_server(host);
	return local;
}
