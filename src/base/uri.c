/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uri.h"

#include <string.h>

#include "base/err.h"

static bool refuse(const char *uri, const char *why, GError **err)
{
	g_set_error(err, ERR, ERR_BAD_REQUEST, "'%s' is no libvirt URI: %s; qemu+tls://HOST/system is one", uri, why);
	return false;
}

/* libvirt's (9.0, remote_driver.c); without one it is "unix", or "tls" where a host is named. */
static const struct {
	const char *name;
	bool needs_host;
} transports[] = {
	{ "tls", true }, { "tcp", true }, { "ssh", true }, { "libssh", true }, { "libssh2", true }, { "unix", false }, { "ext", false },
};

static const char *wrong_transport(const char *transport, const char *host)
{
	for (size_t i = 0; i < G_N_ELEMENTS(transports); i++) {
		if (strcmp(transports[i].name, transport) == 0)
			return transports[i].needs_host && !(host && *host) ? "it names no host" : NULL;
	}
	return "the transport is unknown; tls, tcp, ssh, libssh, libssh2, unix and ext are known";
}

static const char *wrong_path(const char *path)
{
	bool known = strcmp(path, "/system") == 0 || strcmp(path, "/session") == 0 || strcmp(path, "/embed") == 0;

	return known ? NULL : "the path must be /system";
}

static const char *wrong(GUri *u)
{
	g_auto(GStrv) scheme = g_strsplit(g_uri_get_scheme(u), "+", 2);
	const char *why = scheme[1] ? wrong_transport(scheme[1], g_uri_get_host(u)) : NULL;

	return !why && strcmp(scheme[0], "qemu") == 0 ? wrong_path(g_uri_get_path(u)) : why;
}

bool uri_check(const char *uri, GError **err)
{
	g_autoptr(GError) e = NULL;
	g_autoptr(GUri) u = NULL;
	const char *why;

	if (!uri || !*uri)
		return refuse("", "it is empty", err);
	for (const char *c = uri; *c; c++) {
		if (g_ascii_isspace(*c) || g_ascii_iscntrl(*c))
			return refuse("it", "blanks and control characters must be written as %20 and the like", err);
	}
	u = g_uri_parse(uri, G_URI_FLAGS_NONE, &e);
	if (!u)
		return refuse(uri, e->message, err);
	why = wrong(u);
	return !why || refuse(uri, why, err);
}

/*
 * What libvirt's client does with the rest is up to the author of the URI, as droverd's user: "ext" and "command=" start a program,
 * "netcat=" and "socket=" reach another one, "keyfile=", "pkipath=" and "no_verify=" change what it trusts; test and sim are no hosts.
 */
static const char *const remote_schemes[] = { "qemu", "qemu+unix", "qemu+tls", "qemu+tcp", "qemu+ssh", NULL };

static const char *not_remote(GUri *u)
{
	const char *host = g_uri_get_host(u), *user = g_uri_get_userinfo(u);

	if (!g_strv_contains(remote_schemes, g_uri_get_scheme(u)))
		return "of qemu, qemu+unix, qemu+tls, qemu+tcp and qemu+ssh";
	if (g_uri_get_query(u) || g_uri_get_fragment(u))
		return "without parameters";
	if ((host && *host == '-') || (user && *user == '-'))
		return "whose host and user do not begin with '-'"; /* ssh would take them for options */
	return NULL;
}

bool uri_check_remote(const char *uri, GError **err)
{
	g_autoptr(GUri) u = NULL;
	const char *must;

	if (!uri_check(uri, err))
		return false;
	u = g_uri_parse(uri, G_URI_FLAGS_NONE, NULL);
	must = not_remote(u);
	if (!must)
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "'%s' cannot be used for a host that is added at run time: that takes URIs %s, as qemu+tls://HOST/system. "
		    "Any other one stands in the configuration file ([host NAME] uri).", uri, must);
	return false;
}

bool uri_same(const char *a, const char *b)
{
	g_autoptr(GUri) x = g_uri_parse(a, G_URI_FLAGS_NONE, NULL), y = g_uri_parse(b, G_URI_FLAGS_NONE, NULL);
	const char *host = x ? g_uri_get_host(x) : NULL;

	if (strcmp(a, b) == 0)
		return true;
	if (!y || !host || !*host || !g_uri_get_host(y))
		return false;
	return g_ascii_strcasecmp(host, g_uri_get_host(y)) == 0 && g_uri_get_port(x) == g_uri_get_port(y) &&
	       strcmp(g_uri_get_path(x), g_uri_get_path(y)) == 0 && g_strcmp0(g_uri_get_query(x), g_uri_get_query(y)) == 0;
}
