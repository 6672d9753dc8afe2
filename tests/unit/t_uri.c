/* SPDX-License-Identifier: Apache-2.0
 *
 * F14: a URI that no libvirt could use is refused, with the reason.
 */
#include <string.h>

#include "base/err.h"
#include "base/uri.h"

static const struct {
	const char *uri, *why; /* NULL: it is good */
} uris[] = {
	{ "qemu+tls://h1/system", NULL },
	{ "qemu+tcp://[2001:db8::1]/system", NULL },
	{ "qemu+tcp://192.0.2.1:16509/system", NULL },
	{ "qemu+ssh://root@h1/system?keyfile=/etc/key", NULL },
	{ "qemu:///system", NULL },
	{ "qemu+unix:///system?socket=/run/libvirt.sock", NULL },
	{ "qemu://h1/session", NULL },
	{ "test:///default", NULL },
	{ "sim://h1?vcpus=4", NULL },
	{ "qemu+tcp://[2001:db8::1/system", "[2001:db8::1" },
	{ "qemu+tcp://h1:99999/system", "99999" },
	{ "qemu+tcp://h1:x/system", "port" },
	{ "qemu+tcp://h1/sys%zz", "%-encoding" },
	{ "qemu+tcp:///system", "it names no host" },
	{ "qemu+tcp:h1/system", "it names no host" },
	{ "qemu+tpc://h1/system", "the transport is unknown" },
	{ "qemu+tcp://h1", "the path must be /system" },
	{ "qemu+tcp://h1/sytem", "the path must be /system" },
	{ "qemu+tcp://h 1/system", "blanks" },
	{ "qemu+tcp://h1/system\n", "blanks" },
	{ "h1", "is no libvirt URI" },
	{ "::::", "is no libvirt URI" },
	{ "", "it is empty" },
	{ NULL, "it is empty" },
};

static void test_check(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(uris); i++) {
		g_autoptr(GError) err = NULL;
		bool ok = uri_check(uris[i].uri, &err);

		g_test_message("%s: %s", uris[i].uri, err ? err->message : "good");
		g_assert_cmpint(ok, ==, !uris[i].why);
		if (uris[i].why)
			g_assert_nonnull(strstr(err->message, uris[i].why));
		if (err)
			g_assert_error(err, ERR, ERR_BAD_REQUEST);
	}
}

/* D1: what a client of the API may have used. */
static const struct {
	const char *uri, *why; /* NULL: it is good */
} remote[] = {
	{ "qemu+tls://h1/system", NULL },
	{ "qemu+tcp://[2001:db8::1]:16509/system", NULL },
	{ "qemu+ssh://root@h1/system", NULL },
	{ "qemu:///system", NULL },
	{ "qemu+unix:///system", NULL },
	{ "qemu+ext:///system?command=/tmp/evil", "URIs of qemu, qemu+unix" },
	{ "qemu+ext:///system", "URIs of qemu, qemu+unix" },
	{ "qemu+libssh://h1/system", "URIs of qemu, qemu+unix" },
	{ "sim://x?servers=100000", "URIs of qemu, qemu+unix" },
	{ "test:///default", "URIs of qemu, qemu+unix" },
	{ "xen+ssh://h1/", "URIs of qemu, qemu+unix" },
	{ "QEMU+ext:///system", "URIs of qemu, qemu+unix" },
	{ "qemu+ssh://127.0.0.1:1/system?command=/tmp/evil", "without parameters" },
	{ "qemu+ssh://h1/system?netcat=/tmp/evil", "without parameters" },
	{ "qemu+ssh://h1/system?keyfile=/etc/key", "without parameters" },
	{ "qemu+ssh://h1/system?sshauth=none&no_verify=1", "without parameters" },
	{ "qemu+unix:///system?socket=/tmp/mine", "without parameters" },
	{ "qemu+tls://h1/system?pkipath=/tmp/mine", "without parameters" },
	{ "qemu+tls://h1/system?", "without parameters" },
	{ "qemu+tls://h1/system#x", "without parameters" },
	{ "qemu+ssh://-oProxyCommand=evil/system", "begin with '-'" },
	{ "qemu+ssh://-oProxyCommand=evil@h1/system", "begin with '-'" },
	{ "qemu+ssh://%2doProxyCommand=evil/system", "begin with '-'" },
	{ "h1", "is no libvirt URI" },
};

static void test_remote(void)
{
	static const char *const schemes[] = { "qemu", "qemu+unix", "qemu+tls", "qemu+tcp", "qemu+ssh", NULL };

	for (size_t i = 0; i < G_N_ELEMENTS(remote); i++) {
		g_autoptr(GError) err = NULL;
		bool ok = uri_check_remote(remote[i].uri, schemes, &err);

		g_test_message("%s: %s", remote[i].uri, err ? err->message : "good");
		g_assert_cmpint(ok, ==, !remote[i].why);
		if (remote[i].why)
			g_assert_nonnull(strstr(err->message, remote[i].why));
	}
}

/* D1: what the configuration file may not say without its option. */
static const struct {
	const char *uri;
	bool ok;
} hosts[] = {
	{ "qemu+tls://h1/system", true },
	{ "qemu+ssh://root@h1/system?keyfile=/etc/key", true },
	{ "xen+ssh://h1/", true },
	{ "sim://h1", false },
	{ "sim:h1", false },
	{ "SIM://h1", false },
	{ "test:///default", false },
	{ "test+unix:///default", false },
	{ "qemu+ext:///system?command=/bin/false", false },
	{ "h1", false },
};

static void test_host(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
		g_test_message("%s", hosts[i].uri);
		g_assert_cmpint(uri_check_host(hosts[i].uri, NULL), ==, hosts[i].ok);
	}
}

/* D1: what becomes part of a URI. */
static void test_address(void)
{
	static const char *const good[] = { "192.0.2.1", "2001:db8::1", "::", "0.0.0.0", "h1", "host-1.example.org", "node_1" };
	static const char *const bad[] = { "", "-oProxyCommand=x", "h1/system?command=/x", "h1:16509", "[::1]", "user@h1", "h 1", "h1#", "a%62", "fe80::1%eth0", "h1\n", "h\303\244" };

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
		if (!uri_check_address(good[i], NULL))
			g_error("%s", good[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) err = NULL;

		g_test_message("%s", bad[i]);
		g_assert_false(uri_check_address(bad[i], &err));
		g_assert_error(err, ERR, ERR_BAD_REQUEST);
	}
	g_assert_false(uri_check_address(NULL, NULL));
}

/* F5: names that lead to one libvirtd. */
static const struct {
	const char *a, *b;
	bool same;
} pairs[] = {
	{ "qemu+tls://h1/system", "qemu+tls://h1/system", true },
	{ "qemu+tls://h1/system", "qemu+ssh://root@H1/system", true },
	{ "qemu+tls://h1/system", "qemu+tls://h2/system", false },
	{ "qemu+tls://h1/system", "qemu+tls://h1:16514/system", false },
	{ "qemu+ssh://jump/system?socket=/a", "qemu+ssh://jump/system?socket=/b", false },
	{ "qemu:///system", "qemu:///system", true },
	{ "qemu:///system", "qemu:///session", false },
	{ "qemu:///system", "qemu+unix:///system", false },
	{ "qemu+tcp://[2001:db8::1]/system", "qemu+tcp://[2001:DB8::1]/system", true },
};

static void test_same(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_test_message("%s and %s", pairs[i].a, pairs[i].b);
		g_assert_cmpint(uri_same(pairs[i].a, pairs[i].b), ==, pairs[i].same);
		g_assert_cmpint(uri_same(pairs[i].b, pairs[i].a), ==, pairs[i].same);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/uri/check", test_check);
	g_test_add_func("/uri/D1/remote", test_remote);
	g_test_add_func("/uri/D1/host", test_host);
	g_test_add_func("/uri/D1/address", test_address);
	g_test_add_func("/uri/same", test_same);
	return g_test_run();
}
