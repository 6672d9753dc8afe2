/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/json.h"

#define AGENT_BYTES_MAX (1 << 20)
#define AGENT_NICS_MAX 256

/* ---- one address ---- */

int hv_addr_version(const struct hv_addr *a)
{
	return strchr(a->text, ':') ? 6 : 4;
}

static bool take_mac(const char *mac, char out[static HV_MAC_LEN + 1])
{
	if (!mac || strlen(mac) != HV_MAC_LEN)
		return false;
	for (int i = 0; i < HV_MAC_LEN; i++) {
		if (i % 3 == 2 ? mac[i] != ':' : !g_ascii_isxdigit(mac[i]))
			return false;
		out[i] = g_ascii_tolower(mac[i]);
	}
	out[HV_MAC_LEN] = '\0';
	return true;
}

/* RFC 6890: "this" network, loopback, link-local, multicast and what is above it. */
static bool usable4(const struct in_addr *in)
{
	uint32_t a = ntohl(in->s_addr);

	return a >> 24 != 0 && a >> 24 != 127 && a >> 16 != 0xa9fe && a >> 28 < 0xe;
}

static bool usable6(const struct in6_addr *a)
{
	return !IN6_IS_ADDR_UNSPECIFIED(a) && !IN6_IS_ADDR_LOOPBACK(a) && !IN6_IS_ADDR_LINKLOCAL(a) && !IN6_IS_ADDR_MULTICAST(a) &&
	       !IN6_IS_ADDR_V4MAPPED(a) && !IN6_IS_ADDR_V4COMPAT(a);
}

bool hv_addr_parse(const char *mac, const char *text, int64_t prefix, struct hv_addr *ret)
{
	struct hv_addr a = { .prefix = 0 };
	struct in6_addr six;
	struct in_addr four;
	int bits;

	if (!text || !take_mac(mac, a.mac))
		return false;
	if (inet_pton(AF_INET, text, &four) == 1 && usable4(&four) && inet_ntop(AF_INET, &four, a.text, sizeof a.text))
		bits = 32;
	else if (inet_pton(AF_INET6, text, &six) == 1 && usable6(&six) && inet_ntop(AF_INET6, &six, a.text, sizeof a.text))
		bits = 128;
	else
		return false;
	if (prefix > 0 && prefix <= bits)
		a.prefix = (int)prefix;
	*ret = a;
	return true;
}

/* ---- several ---- */

GArray *hv_addrs_new(void)
{
	return g_array_new(FALSE, FALSE, sizeof(struct hv_addr));
}

void hv_addrs_add(GArray *all, const struct hv_addr *a)
{
	guint of_nic = 0;

	for (guint i = 0; i < all->len; i++) {
		struct hv_addr *have = &g_array_index(all, struct hv_addr, i);

		if (strcmp(have->mac, a->mac) != 0)
			continue;
		if (strcmp(have->text, a->text) == 0) {
			/* A later source may know more of it. */
			have->prefix = have->prefix ? have->prefix : a->prefix;
			return;
		}
		of_nic++;
	}
	if (all->len < HV_ADDRS_MAX && of_nic < HV_ADDRS_OF_NIC_MAX)
		g_array_append_vals(all, a, 1);
}

bool hv_addrs_know(const GArray *all, const char *mac)
{
	for (guint i = 0; i < all->len; i++)
		if (strcmp(g_array_index(all, struct hv_addr, i).mac, mac) == 0)
			return true;
	return false;
}

/* ---- the agent ---- */

static void take_nic(GArray *all, const json_t *nic)
{
	const char *mac = json_string_value(json_object_get(nic, "hardware-address"));
	const json_t *list = json_object_get(nic, "ip-addresses");

	for (size_t i = 0; mac && i < MIN(json_array_size(list), HV_ADDRS_MAX); i++) {
		const json_t *item = json_array_get(list, i);
		struct hv_addr a;

		if (hv_addr_parse(mac, json_string_value(json_object_get(item, "ip-address")),
				  json_integer_value(json_object_get(item, "prefix")), &a))
			hv_addrs_add(all, &a);
	}
}

bool hv_addrs_of_agent(GArray *all, const char *text, GError **err)
{
	size_t len = strnlen(text, AGENT_BYTES_MAX + 1);
	g_autoptr(json_t) root = NULL;
	const json_t *nics;

	if (len > AGENT_BYTES_MAX) {
		g_set_error(err, ERR, ERR_HV, "the guest agent's answer is longer than %d bytes", AGENT_BYTES_MAX);
		return false;
	}
	root = json_parse(text, len, NULL);
	nics = json_object_get(root, "return");
	if (!json_is_array(nics)) {
		g_set_error(err, ERR, ERR_HV, "the guest agent's answer is no list of interfaces");
		return false;
	}
	for (size_t i = 0; i < MIN(json_array_size(nics), AGENT_NICS_MAX); i++)
		take_nic(all, json_array_get(nics, i));
	return true;
}
