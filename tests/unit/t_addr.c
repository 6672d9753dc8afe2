/* SPDX-License-Identifier: Apache-2.0
 *
 * What hosts and guests say of addresses: what is taken, and how much of it.
 */
#include <glib.h>
#include <string.h>

#include "hv/addr.h"

#define MAC "52:54:00:00:00:01"

static const struct {
	const char *name, *mac, *text;
	int64_t prefix;
	const char *want; /* "TEXT/PREFIX"; NULL: refused */
} rows[] = {
	{ "IPv4", MAC, "10.0.0.5", 24, "10.0.0.5/24" },
	{ "IPv6", MAC, "2001:db8::5", 64, "2001:db8::5/64" },
	{ "IPv6 made canonical", MAC, "2001:0DB8:0:0::5", 64, "2001:db8::5/64" },
	{ "unique local", MAC, "fd00::1", 8, "fd00::1/8" },
	{ "MAC in capitals", "52:54:00:AA:BB:CC", "10.0.0.5", 32, "10.0.0.5/32" },
	{ "no prefix", MAC, "10.0.0.5", 0, "10.0.0.5/0" },
	{ "a prefix too long", MAC, "10.0.0.5", 33, "10.0.0.5/0" },
	{ "a negative prefix", MAC, "10.0.0.5", -1, "10.0.0.5/0" },
	{ "a huge prefix", MAC, "2001:db8::5", INT64_MAX, "2001:db8::5/0" },
	{ "loopback", MAC, "127.0.0.1", 8 },
	{ "loopback 6", MAC, "::1", 128 },
	{ "link-local", MAC, "169.254.1.1", 16 },
	{ "link-local 6", MAC, "fe80::1", 64 },
	{ "unspecified", MAC, "0.0.0.0", 0 },
	{ "unspecified 6", MAC, "::", 0 },
	{ "multicast", MAC, "224.0.0.1", 4 },
	{ "multicast 6", MAC, "ff02::1", 64 },
	{ "broadcast", MAC, "255.255.255.255", 32 },
	{ "mapped", MAC, "::ffff:10.0.0.5", 96 },
	{ "with a zone", MAC, "fe80::1%eth0", 64 },
	{ "no address", MAC, "example.com", 24 },
	{ "empty", MAC, "", 24 },
	{ "NULL", MAC, NULL, 24 },
	{ "markup", MAC, "<b>10.0.0.5</b>", 24 },
	{ "no MAC", NULL, "10.0.0.5", 24 },
	{ "a short MAC", "52:54:00", "10.0.0.5", 24 },
	{ "a MAC with dashes", "52-54-00-00-00-01", "10.0.0.5", 24 },
	{ "a MAC that is none", "52:54:00:00:00:0g", "10.0.0.5", 24 },
};

static char *show(const struct hv_addr *a)
{
	return g_strdup_printf("%s/%d", a->text, a->prefix);
}

static void test_parse(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct hv_addr a;
		g_autofree char *have = hv_addr_parse(rows[i].mac, rows[i].text, rows[i].prefix, &a) ? show(&a) : NULL;

		g_test_message("%s", rows[i].name);
		g_assert_cmpstr(have, ==, rows[i].want);
		if (have)
			g_assert_cmpint(hv_addr_version(&a), ==, strchr(rows[i].text, ':') ? 6 : 4);
	}
}

static void test_bounds(void)
{
	g_autoptr(GArray) all = hv_addrs_new();
	struct hv_addr a;

	for (int nic = 0; nic < 8; nic++)
		for (int i = 1; i < 250; i++) {
			g_autofree char *mac = g_strdup_printf("52:54:00:00:00:%02d", nic);
			g_autofree char *text = g_strdup_printf("10.0.%d.%d", nic, i);

			g_assert_true(hv_addr_parse(mac, text, 24, &a));
			hv_addrs_add(all, &a);
		}
	g_assert_cmpint(all->len, ==, HV_ADDRS_MAX);
	g_assert_true(hv_addrs_know(all, "52:54:00:00:00:00"));
	g_assert_true(hv_addrs_know(all, "52:54:00:00:00:03")); /* one interface cannot take all the places */
	g_assert_false(hv_addrs_know(all, "52:54:00:00:00:07"));
}

/* Of two sources the one that knows the prefix counts. */
static void test_merge(void)
{
	g_autoptr(GArray) all = hv_addrs_new();
	struct hv_addr a;
	g_autofree char *have = NULL;

	g_assert_true(hv_addr_parse(MAC, "10.0.0.5", 0, &a));
	hv_addrs_add(all, &a);
	g_assert_true(hv_addr_parse(MAC, "10.0.0.5", 24, &a));
	hv_addrs_add(all, &a);
	g_assert_cmpint(all->len, ==, 1);
	have = show(&g_array_index(all, struct hv_addr, 0));
	g_assert_cmpstr(have, ==, "10.0.0.5/24");
}

#define IP(text, prefix) "{\"ip-address-type\": \"ipv4\", \"ip-address\": \"" text "\", \"prefix\": " #prefix "}"
#define NIC(mac, ips) "{\"name\": \"eth0\", \"hardware-address\": \"" mac "\", \"ip-addresses\": [" ips "]}"
#define RETURN(nics) "{\"return\": [" nics "]}"

static const struct {
	const char *name, *text;
	int want; /* how many addresses; -1: refused */
} answers[] = {
	{ "one", RETURN(NIC(MAC, IP("10.0.0.5", 24))), 1 },
	{ "loopback is left out", RETURN(NIC("00:00:00:00:00:00", IP("127.0.0.1", 8)) ", " NIC(MAC, IP("10.0.0.5", 24) ", " IP("169.254.1.1", 16))), 1 },
	{ "an interface without addresses", RETURN("{\"name\": \"eth1\", \"hardware-address\": \"" MAC "\"}"), 0 },
	{ "an interface without a MAC", RETURN("{\"name\": \"tun0\", \"ip-addresses\": [" IP("10.0.0.5", 24) "]}"), 0 },
	{ "items that are none", RETURN("7, null, [], \"x\", " NIC(MAC, "null, 7, [], " IP("10.0.0.5", 24))), 1 },
	{ "wrong types", RETURN("{\"hardware-address\": 7, \"ip-addresses\": {}}, {\"hardware-address\": \"" MAC "\", \"ip-addresses\": [{\"ip-address\": 7, \"prefix\": \"x\"}]}"), 0 },
	{ "nothing", RETURN(""), 0 },
	{ "no list", "{\"return\": {}}", -1 },
	{ "an error", "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}", -1 },
	{ "an array", "[]", -1 },
	{ "no JSON", "hello", -1 },
	{ "empty", "", -1 },
};

static void test_agent(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		g_autoptr(GArray) all = hv_addrs_new();
		g_autoptr(GError) err = NULL;
		bool ok = hv_addrs_of_agent(all, answers[i].text, &err);

		g_test_message("%s", answers[i].name);
		g_assert_cmpint(ok ? (int)all->len : -1, ==, answers[i].want);
		g_assert_true(ok == !err);
	}
}

static void test_agent_floods(void)
{
	g_autoptr(GString) text = g_string_new("{\"return\": [");
	g_autoptr(GArray) all = hv_addrs_new();
	g_autofree char *huge = g_strnfill(2 << 20, ' ');

	for (int i = 0; i < 2000; i++)
		g_string_append_printf(text, "%s{\"hardware-address\": \"52:54:00:00:%02x:%02x\", \"ip-addresses\": [{\"ip-address\": \"10.0.%d.%d\"}]}",
				       i ? "," : "", i >> 8, i & 255, i >> 8, (i & 255) | 1);
	g_string_append(text, "]}");
	g_assert_true(hv_addrs_of_agent(all, text->str, NULL));
	g_assert_cmpint(all->len, ==, HV_ADDRS_MAX);
	g_assert_false(hv_addrs_of_agent(all, huge, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/addr/parse", test_parse);
	g_test_add_func("/addr/bounds", test_bounds);
	g_test_add_func("/addr/merge", test_merge);
	g_test_add_func("/addr/agent", test_agent);
	g_test_add_func("/addr/agent-floods", test_agent_floods);
	return g_test_run();
}
