/* SPDX-License-Identifier: Apache-2.0 */
#include "check/rules_host.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "check/cpu_text.h"

#define DAY_US (INT64_C(86400) * G_USEC_PER_SEC)
#define DAYS_SOON 30

#define LIBVIRTD "/etc/libvirt/libvirtd.conf: "

/* ---- reach: the controller's own connection ---- */

/* What makes a libvirtd answer, by how it is to be reached. */
static const struct {
	const char *transport, *change, *where;
} ways[] = {
	{ "tcp", "let libvirtd listen, and let the controller and the other hosts through to its port 16509",
	  LIBVIRTD "listen_tcp = 1, auth_tcp (or: systemctl enable --now libvirtd-tcp.socket)" },
	{ "tls", "let libvirtd listen with a certificate of the hosts' CA, and let the controller and the other hosts through to its port 16514",
	  LIBVIRTD "listen_tls = 1, key_file, cert_file, ca_file (or: systemctl enable --now libvirtd-tls.socket)" },
	{ "ssh", "let the user that the controller, or the other host, connects as log in by key, and start libvirtd",
	  "/root/.ssh/authorized_keys (of the user in the URI)" },
	{ "", "start libvirtd", "/etc/libvirt/libvirtd.conf" },
};

/* "qemu+tcp://..."; a host without a transport is reached by TLS. Return: the index of its row. */
static size_t way_of(const char *uri)
{
	size_t n = strcspn(uri ? uri : "", ":"), i;
	g_autofree char *scheme = g_strndup(uri ? uri : "", n);
	const char *plus = strchr(scheme, '+');
	bool host = uri && g_str_has_prefix(uri + n, "://") && uri[n + 3] != '/' && uri[n + 3];
	const char *transport = plus ? plus + 1 : host ? "tls" : "";

	for (i = 0; i < G_N_ELEMENTS(ways) - 1; i++)
		if (g_str_has_prefix(transport, ways[i].transport))
			break;
	return i;
}

void rules_reach(const struct judge *j)
{
	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *h = survey_host(j->s, i);
		size_t way = way_of(h->uri);

		if (!h->up && !h->same_as)
			rule_find(j, h, NULL, ways[way].change, ways[way].where, "%s cannot be reached as %s: %s", h->name, h->uri, h->down);
		if (h->up && !h->facts)
			rule_unchecked(j, h, NULL, h->facts_why);
	}
}

/* ---- identity ---- */

static const struct survey_host *host_called(const struct judge *j, const char *name)
{
	for (guint i = 0; i < j->s->hosts->len; i++)
		if (g_str_equal(survey_host(j->s, i)->name, name))
			return survey_host(j->s, i);
	return NULL;
}

static const struct survey_host *namesake(const struct judge *j, guint i)
{
	const struct survey_host *h = survey_host(j->s, i);

	for (guint k = 0; h->hostname && k < i; k++)
		if (g_strcmp0(survey_host(j->s, k)->hostname, h->hostname) == 0)
			return survey_host(j->s, k);
	return NULL;
}

void rules_identity(const struct judge *j)
{
	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *h = survey_host(j->s, i), *other = namesake(j, i);

		if (h->same_as)
			rule_find(j, h, host_called(j, h->same_as), "give each host a UUID of its own (uuidgen), and restart libvirtd", LIBVIRTD "host_uuid", "%s",
				  h->down ? h->down : "");
		else if (other)
			rule_find(j, h, other, "give each host a name of its own (hostnamectl set-hostname)", "/etc/hostname",
				  "%s and %s both call themselves \"%s\"", h->name, other->name, h->hostname);
		else if (h->hostname && g_str_has_prefix(h->hostname, "localhost"))
			rule_find(j, h, NULL, "give it a name of its own (hostnamectl set-hostname)", "/etc/hostname", "%s calls itself \"%s\"", h->name,
				  h->hostname);
	}
}

/* ---- peer ---- */

void rules_peer(const struct judge *j)
{
	for (guint i = 0; i < j->s->pairs->len; i++) {
		const struct survey_pair *p = &g_array_index(j->s->pairs, struct survey_pair, i);
		const struct survey_host *from = rule_from(j, p), *to = rule_to(j, p);
		size_t way = way_of(to->peer_uri);
		g_autofree char *where = p->peer != SURVEY_NO ? NULL : g_strdup_printf("%s: live_migration_uri = %s; %s:%s", to->section, to->peer_uri, to->name,
										       ways[way].where);

		if (p->peer == SURVEY_NOT_ASKED)
			rule_unchecked(j, from, to, p->why ? p->why : "it was not asked");
		if (where)
			rule_find(j, from, to, ways[way].change, where, "the libvirtd of %s cannot reach %s: %s", from->name, to->peer_uri, p->why);
	}
	if (j->s->pairs_left_out)
		rule_unchecked(j, NULL, NULL, "there are too many pairs of hosts: each host has tried some of the others");
}

/* ---- address ---- */

void rules_address(const struct judge *j)
{
	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *h = survey_host(j->s, i);
		g_autofree char *where = g_strconcat(h->section, ": live_migration_inbound_addr", NULL);

		if (!h->address)
			rule_find(j, h, NULL, "name the address where its migrations are to come in", where, "no address of %s is known to other hosts", h->name);
	}
}

/* ---- certificate ---- */

static const struct hv_cert *cert_of(const struct survey_host *h)
{
	return h->facts && h->facts->cert && !h->facts->cert->why ? h->facts->cert : NULL;
}

static void judge_days(const struct judge *j, const struct survey_host *h, const struct hv_cert *c)
{
	const char *subject = c->subject ? c->subject : "";

	if (c->begins_us > j->s->now_us)
		rule_find(j, h, NULL, "set the clocks right, or have a new certificate issued", LIBVIRTD "cert_file", "the certificate of %s (%s) is not valid yet",
			  h->name, subject);
	else if (c->ends_us <= j->s->now_us)
		rule_find(j, h, NULL, "have a new certificate issued, and restart libvirtd", LIBVIRTD "cert_file", "the certificate of %s (%s) has expired", h->name,
			  subject);
}

void rules_expiry(const struct judge *j)
{
	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *h = survey_host(j->s, i);
		const struct hv_cert *c = cert_of(h);
		int64_t left_us = c ? c->ends_us - j->s->now_us : 0;

		if (left_us > 0 && left_us < DAYS_SOON * DAY_US)
			rule_find(j, h, NULL, "have a new certificate issued, and restart libvirtd", LIBVIRTD "cert_file",
				  "the certificate of %s (%s) expires in %" G_GINT64_FORMAT " days", h->name, c->subject ? c->subject : "", left_us / DAY_US);
	}
}

static void judge_cert(const struct judge *j, const struct survey_host *h, const struct hv_cert *c)
{
	judge_days(j, h, c);
	if (c->missing)
		rule_find(j, h, NULL, "have a certificate issued that has the name in its subjectAltName, or reach the host by a name that it has",
			  LIBVIRTD "cert_file", "the certificate of %s is for \"%s\", and the host is reached as %s", h->name, c->names ? c->names : "", c->missing);
	if (!c->server)
		rule_find(j, h, NULL, "have a certificate issued with the extended key usage serverAuth", LIBVIRTD "cert_file",
			  "the certificate of %s may not be used as a server's", h->name);
	if (!c->client)
		rule_find(j, h, NULL, "have a certificate issued with the extended key usage clientAuth, for a peer to peer migration makes libvirtd a client",
			  "/etc/pki/libvirt/clientcert.pem", "the certificate of %s may not be used as a client's", h->name);
}

void rules_certificate(const struct judge *j)
{
	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *h = survey_host(j->s, i);

		if (cert_of(h))
			judge_cert(j, h, cert_of(h));
		else if (h->facts && h->facts->cert)
			rule_unchecked(j, h, NULL, h->facts->cert->why);
	}
	if (j->s->native_tls && !j->s->deep)
		rule_unchecked(j, NULL, NULL, "QEMU's certificates (migrate_tls_x509_cert_dir) are shown to another QEMU alone: --deep tries them");
}

/* ---- console ---- */

static bool is_address_of(const struct survey_host *h, const char *address)
{
	g_autoptr(GUri) uri = h->uri ? g_uri_parse(h->uri, G_URI_FLAGS_NONE, NULL) : NULL;

	return g_strcmp0(h->address, address) == 0 || (uri && g_strcmp0(g_uri_get_host(uri), address) == 0);
}

/* What the configuration says of it. */
static const struct {
	const char *name, *option;
} consoles[] = {
	[SURVEY_VNC] = { "VNC", "[vnc] server_listen" }, [SURVEY_SPICE] = { "SPICE", "[spice] server_listen" },
};
static_assert(G_N_ELEMENTS(consoles) == SURVEY_CONSOLE_N, "consoles is missing one");

static void judge_guest(const struct judge *j, const struct survey_guest *g)
{
	const struct survey_host *from = survey_host(j->s, g->host);
	const char *console = consoles[g->console].name;

	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *to = survey_host(j->s, i);

		if (i == g->host || !to->up || to->listen[g->console] || is_address_of(to, g->listen))
			continue;
		if (is_address_of(from, g->listen)) {
			g_autofree char *where = g_strdup_printf("%s: server_listen (or %s = 0.0.0.0)", to->section, consoles[g->console].option);

			rule_find(j, from, to, "say where consoles listen on that host, or let the guest's listen everywhere (0.0.0.0)", where,
				  "the %s console of %s listens on %s, which %s does not have", console, g->name, g->listen, to->name);
		} else {
			g_autofree char *why = g_strdup_printf("the %s console of %s listens on %s: whether %s has that address, libvirt does not tell", console,
							       g->name, g->listen, to->name);

			rule_unchecked(j, from, to, why);
		}
	}
}

void rules_console(const struct judge *j)
{
	for (guint i = 0; i < j->s->guests->len; i++)
		judge_guest(j, g_ptr_array_index(j->s->guests, i));
}

/* ---- cpu ---- */

static const struct survey_cpu_way *way_between(const struct survey *s, guint from, guint to)
{
	for (guint i = 0; i < s->ways->len; i++) {
		const struct survey_cpu_way *w = &g_array_index(s->ways, struct survey_cpu_way, i);

		if (w->from == from && w->to == to)
			return w;
	}
	return NULL;
}

static void judge_cpus(const struct judge *j, const struct survey_host *from, const struct survey_host *to, const struct survey_cpu_way *w)
{
	g_autofree char *change = w->fits == SURVEY_NO ? cpu_text_advice(j->s->baseline, j->s->baseline_why) : NULL;
	g_autofree char *where = w->fits == SURVEY_NO ? cpu_text_where(j->s->baseline) : NULL;

	if (w->fits == SURVEY_NO)
		rule_find(j, from, to, change, where, "the CPU of %s is not to be had on %s: %s", from->name, to->name, w->why);
	else if (w->fits == SURVEY_NOT_ASKED)
		rule_unchecked(j, from, to, w->why ? w->why : "it was not asked");
}

void rules_cpu(const struct judge *j)
{
	for (guint i = 0; i < j->s->hosts->len; i++) {
		if (survey_host(j->s, i)->cpu_kind && survey_host(j->s, i)->cpu == SURVEY_NO_CPU)
			rule_unchecked(j, survey_host(j->s, i), NULL, "there are too many kinds of CPUs");
		for (guint k = 0; k < j->s->hosts->len; k++) {
			const struct survey_host *from = survey_host(j->s, i), *to = survey_host(j->s, k);
			const struct survey_cpu_way *w = from->cpu == to->cpu ? NULL : way_between(j->s, from->cpu, to->cpu);

			if (w)
				judge_cpus(j, from, to, w);
		}
	}
}

/* ---- version ---- */

static char *version_text(int64_t v)
{
	return g_strdup_printf("%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT, v / 1000000, v / 1000 % 1000, v % 1000);
}

static void judge_versions(const struct judge *j, const struct survey_host *from, const struct survey_host *to, const char *what, int64_t newer, int64_t older)
{
	g_autofree char *one = NULL, *other = NULL, *change = NULL, *where = NULL;

	if (newer <= older || older <= 0)
		return;
	one = version_text(newer);
	other = version_text(older);
	change = g_strdup_printf("upgrade %s, or give guests a machine type that both have; from %s to %s it works", to->name, to->name, from->name);
	where = g_strdup_printf("%s: the packages of %s", to->name, what);
	rule_find(j, from, to, change, where, "%s has %s %s, and %s has %s", from->name, what, one, to->name, other);
}

void rules_version(const struct judge *j)
{
	for (guint i = 0; i < j->s->hosts->len; i++) {
		for (guint k = 0; k < j->s->hosts->len; k++) {
			const struct survey_host *from = survey_host(j->s, i), *to = survey_host(j->s, k);

			judge_versions(j, from, to, "QEMU", from->hv_version, to->hv_version);
			judge_versions(j, from, to, "libvirt", from->libvirt_version, to->libvirt_version);
		}
	}
}

/* ---- pages ---- */

static bool has_pages(const struct survey_host *h, int64_t size_kib)
{
	for (guint i = 0; i < h->pages_kib->len; i++)
		if (g_array_index(h->pages_kib, int64_t, i) == size_kib)
			return true;
	return false;
}

static void judge_pages(const struct judge *j, const struct survey_host *from, int64_t size_kib)
{
	g_autofree char *change = g_strdup_printf("reserve huge pages of %" G_GINT64_FORMAT " KiB at boot", size_kib);

	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *to = survey_host(j->s, i);
		g_autofree char *where = g_strdup_printf("%s:/etc/default/grub: hugepagesz=, hugepages=", to->name);

		if (to != from && to->up && !has_pages(to, size_kib))
			rule_find(j, from, to, change, where, "guests of %s have huge pages of %" G_GINT64_FORMAT " KiB, and %s has none", from->name, size_kib,
				  to->name);
	}
}

void rules_pages(const struct judge *j)
{
	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *h = survey_host(j->s, i);

		for (guint k = 0; k < h->pages_used_kib->len; k++)
			judge_pages(j, h, g_array_index(h->pages_used_kib, int64_t, k));
	}
}

/* ---- mtu ---- */

static char *mtu_of(const struct judge *j, const struct survey_host *h, const void *bridge)
{
	const GPtrArray *all = h->facts ? h->facts->mtus : NULL;

	(void)j;
	for (guint i = 0; all && i < all->len; i++) {
		const struct hv_mtu *m = g_ptr_array_index(all, i);

		if (g_str_equal(m->name, bridge))
			return g_strdup_printf("%" G_GINT64_FORMAT, m->mtu);
	}
	return NULL;
}

static void judge_bridge(const struct judge *j, const char *bridge)
{
	g_autofree char *usual = NULL;
	const struct survey_host *like = rule_usual(j, mtu_of, bridge, &usual);
	g_autofree char *change = g_strdup_printf("ip link set %s mtu %s, and the same where the host's network is configured", bridge, usual);
	g_autofree char *where = g_strdup_printf("/etc/network/interfaces: %s: mtu", bridge);

	for (guint i = 0; like && i < j->s->hosts->len; i++) {
		const struct survey_host *h = survey_host(j->s, i);
		g_autofree char *mtu = mtu_of(j, h, bridge);

		if (mtu && g_strcmp0(mtu, usual) != 0)
			rule_find(j, h, like, change, where, "the MTU of %s is %s on %s, and %s on %s", bridge, mtu, h->name, usual, like->name);
	}
}

void rules_mtu(const struct judge *j)
{
	for (guint i = 0; i < j->s->bridges->len; i++)
		judge_bridge(j, g_ptr_array_index(j->s->bridges, i));
	for (guint i = 0; i < j->s->hosts->len; i++) {
		const struct survey_host *h = survey_host(j->s, i);

		if (h->facts && !h->facts->mtus)
			rule_unchecked(j, h, NULL, "its libvirt tells nothing of interfaces (package libvirt-daemon-driver-interface)");
	}
	rule_unchecked(j, NULL, NULL, "libvirt tells the MTU of interfaces, not that of the way between hosts");
}

/* ---- autostart ---- */

void rules_autostart(const struct judge *j)
{
	for (guint i = 0; i < j->s->strays->len; i++) {
		const struct survey_stray *d = g_ptr_array_index(j->s->strays, i);
		const struct survey_host *h = survey_host(j->s, d->host);
		g_autofree char *change = g_strdup_printf("virsh autostart --disable %s, or undefine it there", d->uuid);
		g_autofree char *what = g_strdup_printf("%s starts %s when it boots, and the server is on %s", h->name, d->name, d->server_host);
		g_autofree char *where = g_strdup_printf("%s:/etc/libvirt/qemu/autostart/%s.xml", h->name, d->name);

		report_find(j->out, j->rule->name, j->rule->severity, j->rule->breaks,
			    &(struct finding_text){ h->name, d->server_host, what, change, where });
	}
}

/* ---- ports ---- */

static void judge_deep(const struct judge *j, const struct survey_pair *p)
{
	const struct survey_host *from = rule_from(j, p), *to = rule_to(j, p);
	g_autofree char *tls = g_strdup_printf("%s:/etc/libvirt/qemu.conf: migrate_tls_x509_cert_dir", to->name);
	g_autofree char *ports = g_strdup_printf("%s:/etc/nftables.conf: tcp dport 49152-49215 (/etc/libvirt/qemu.conf: migration_port_min)", to->name);

	if (p->deep == SURVEY_NO && j->s->native_tls)
		rule_find(j, from, to, "give both QEMUs certificates of one CA, with the address where migrations come in, and let 49152 to 49215 through", tls,
			  "an empty guest did not get from %s to %s: %s", from->name, to->name, p->deep_why);
	else if (p->deep == SURVEY_NO)
		rule_find(j, from, to, "let tcp 49152 to 49215 through between the hosts, and let libvirt know the storage as shared", ports,
			  "an empty guest did not get from %s to %s: %s", from->name, to->name, p->deep_why);
	else if (p->deep == SURVEY_NOT_ASKED && p->deep_why)
		rule_unchecked(j, from, to, p->deep_why);
}

void rules_ports(const struct judge *j)
{
	if (!j->s->deep) {
		rule_unchecked(j, NULL, NULL, "whether 49152 to 49215 are open between hosts shows in a migration alone: --deep tries it");
		return;
	}
	for (guint i = 0; i < j->s->pairs->len; i++)
		judge_deep(j, &g_array_index(j->s->pairs, struct survey_pair, i));
}
