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

/* A driver and a transport, as in "qemu+ext": NULL for none. */
static bool is_program_or_toy(GUri *u)
{
	g_auto(GStrv) scheme = g_strsplit(g_uri_get_scheme(u), "+", 2);

	return strcmp(scheme[0], "sim") == 0 || strcmp(scheme[0], "test") == 0 || g_strcmp0(scheme[1], "ext") == 0;
}

bool uri_check_host(const char *uri, GError **err)
{
	g_autoptr(GUri) u = NULL;

	if (!uri_check(uri, err))
		return false;
	u = g_uri_parse(uri, G_URI_FLAGS_NONE, NULL);
	if (!is_program_or_toy(u))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "'%s' needs [workarounds] allow_any_uri = true: ext starts a program, and sim and test are no hosts", uri);
	return false;
}

/*
 * What libvirt's client does with the rest is up to the author of the URI, as droverd's user: "ext" and "command=" start a program,
 * "netcat=" and "socket=" reach another one, "keyfile=", "pkipath=" and "no_verify=" change what it trusts; test and sim are no hosts.
 */
static const char *not_remote(GUri *u, const char *const *schemes)
{
	const char *host = g_uri_get_host(u), *user = g_uri_get_userinfo(u);

	if (!g_strv_contains(schemes, g_uri_get_scheme(u)))
		return "";
	if ((g_uri_get_query(u) || g_uri_get_fragment(u)) && strcmp(g_uri_get_scheme(u), "sim") != 0)
		return " without parameters";
	if ((host && *host == '-') || (user && *user == '-'))
		return " whose host and user do not begin with '-'"; /* ssh would take them for options */
	return NULL;
}

bool uri_check_remote(const char *uri, const char *const *schemes, GError **err)
{
	g_autoptr(GUri) u = NULL;
	g_autofree char *known = NULL;
	const char *must;

	if (!uri_check(uri, err))
		return false;
	u = g_uri_parse(uri, G_URI_FLAGS_NONE, NULL);
	must = not_remote(u, schemes);
	if (!must)
		return true;
	known = *schemes ? g_strjoinv(", ", (char **)schemes) : g_strdup("no scheme at all");
	g_set_error(err, ERR, ERR_BAD_REQUEST, "'%s' cannot be used for a host that is added at run time: that takes URIs of %s ([api] host_schemes)%s. "
		    "Any other one stands in the configuration file ([host NAME] uri).", uri, known, must);
	return false;
}

bool uri_check_address(const char *addr, GError **err)
{
	bool name = addr && g_ascii_isalnum(*addr) && strlen(addr) <= 253;

	for (const char *c = addr; name && *c; c++)
		name = g_ascii_isalnum(*c) || *c == '.' || *c == '-' || *c == '_';
	if (name || (addr && !strchr(addr, '%') && g_hostname_is_ip_address(addr)))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "'%s' is no address: 192.0.2.1, 2001:db8::1 and host1.example.org are", addr ? addr : "");
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
