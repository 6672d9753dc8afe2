/* SPDX-License-Identifier: Apache-2.0
 *
 * What the guest takes at its host that is there only once, or only there: the
 * addresses and ports that its consoles listen on, and its vsock's CID. libvirt's
 * API does not tell the addresses of a host, and QEMU says what is in use when it is
 * started. So this goes by what the fleet knows of all hosts and their guests; a
 * refusal is sure, and what is not known is skipped.
 */
#include "move/check_console.h"

#include <arpa/inet.h>
#include <string.h>

#include "move/check_guest.h"

#define REFUSED "Migration pre-check error: "

/* ---- addresses ---- */

/* Each host has it, or any of its addresses will do. */
static bool is_everywhere(const char *address)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET6, address, &six) == 1)
		return IN6_IS_ADDR_UNSPECIFIED(&six) || IN6_IS_ADDR_LOOPBACK(&six);
	if (inet_pton(AF_INET, address, &four) == 1)
		return four.s_addr == 0 || ntohl(four.s_addr) >> 24 == 127;
	return !*address || g_str_equal(address, "localhost");
}

static bool is_one_of(const char *address, const char *const *known, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (g_strcmp0(known[i], address) == 0)
			return true;
	return false;
}

/* As far as the configuration tells. */
static bool has_address(const struct host *h, const char *address)
{
	g_autofree char *migrate = host_migrate_uri(h);
	g_autoptr(GUri) uri = g_uri_parse(h->uri, G_URI_FLAGS_NONE, NULL), at = migrate ? g_uri_parse(migrate, G_URI_FLAGS_NONE, NULL) : NULL;
	const char *const known[] = { uri ? g_uri_get_host(uri) : NULL, at ? g_uri_get_host(at) : NULL };

	return is_one_of(address, known, G_N_ELEMENTS(known));
}

static const struct host *other_with(const struct check *p, const char *address)
{
	GPtrArray *hosts = fleet_hosts(p->fleet);

	for (guint i = 0; i < hosts->len; i++) {
		const struct host *h = g_ptr_array_index(hosts, i);

		if (h != p->dest && has_address(h, address))
			return h;
	}
	return NULL;
}

static enum check_result judge_address(struct check *p, const char *type, const char *address, GError **err)
{
	const struct host *other;
	g_autofree char *why = NULL;

	if (is_everywhere(address) || has_address(p->dest, address))
		return CHECK_PASSED;
	other = other_with(p, address);
	if (other)
		return check_fail(err, REFUSED "Unable to migrate %s: its %s console listens on %s, which is an address of %s: set [vnc] server_listen "
				  "(or [spice]) for %s", p->server_uuid, type, address, other->name, p->dest_name);
	why = g_strdup_printf("whether %s is an address of %s cannot be found out: libvirt does not tell", address, p->dest_name);
	return check_skip(p, why);
}

/* ---- what another guest has ---- */

/* The guest that runs at the destination and @has it; NULL. */
static const struct server *neighbour_with(const struct check *p, bool (*has)(const struct hv_dom *d, int64_t what), int64_t what)
{
	GHashTableIter it;
	void *key;

	g_hash_table_iter_init(&it, p->dest->servers);
	while (g_hash_table_iter_next(&it, &key, NULL)) {
		const struct server *s = key;

		if (s != p->server && s->dom && (s->dom->state == HV_RUNNING || s->dom->state == HV_PAUSED) && has(s->dom, what))
			return s;
	}
	return NULL;
}

static bool has_port(const struct hv_dom *d, int64_t port)
{
	return d->vnc_port == port;
}

static enum check_result judge_port(struct check *p, const char *type, int port, GError **err)
{
	const struct server *s = port ? neighbour_with(p, has_port, port) : NULL;

	if (!s)
		return CHECK_PASSED;
	return check_fail(err, REFUSED "Unable to migrate %s: its %s console has the fixed port %d, which %s has at %s", p->server_uuid, type, port,
			  s->libvirt_name ? s->libvirt_name : s->uuid, p->dest_name);
}

/* ---- the rows ---- */

enum check_result check_consoles(struct check *p, GError **err)
{
	const struct domxml_needs *needs;
	enum check_result v = check_needs(p, &needs, err), all = CHECK_PASSED;

	for (guint i = 0; v == CHECK_PASSED && i < needs->consoles->len; i++) {
		const struct domxml_console *c = g_ptr_array_index(needs->consoles, i);
		const char *told = host_listen(p->fleet, p->dest, c->type);

		v = judge_port(p, c->type, c->port, err);
		if (v == CHECK_PASSED)
			v = judge_address(p, c->type, told ? told : c->address, err);
		if (v == CHECK_SKIPPED) {
			all = CHECK_SKIPPED;
			v = CHECK_PASSED;
		}
	}
	return v == CHECK_PASSED ? all : v;
}

static bool has_cid(const struct hv_dom *d, int64_t cid)
{
	return d->vsock_cid == cid;
}

enum check_result check_vsock(struct check *p, GError **err)
{
	const struct hv_dom *d = check_dom(p);
	const struct server *s;

	if (!d)
		return check_skip(p, "the host has not reported the guest yet");
	if (!d->vsock_cid || d->vsock_auto)
		return CHECK_PASSED;
	s = neighbour_with(p, has_cid, d->vsock_cid);
	if (!s)
		return CHECK_PASSED;
	return check_fail(err, REFUSED "Unable to migrate %s: its vsock has the fixed CID %" G_GINT64_FORMAT ", which %s has at %s", p->server_uuid,
			  d->vsock_cid, s->libvirt_name ? s->libvirt_name : s->uuid, p->dest_name);
}
