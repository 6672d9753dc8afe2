/* SPDX-License-Identifier: Apache-2.0
 *
 * The check of the set-up: each rule on a survey in which one thing is wrong, and whole runs over simulated hosts.
 */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "check/checks.h"
#include "check/rules.h"
#include "hv/sim/sim.h"

#define NOW_US (INT64_C(1700000000) * G_USEC_PER_SEC)
#define DAY_US (INT64_C(86400) * G_USEC_PER_SEC)
#define SHARED 1
#define LOCAL 0

/* ---- a survey of three hosts with which all is well ---- */

static struct hv_folder *new_folder(void)
{
	struct hv_folder *f = hv_folder_new();

	f->exists = true;
	f->perms = (struct hv_perms){ 0, 0, 0711 };
	f->size_bytes = INT64_C(100) << 30;
	f->free_bytes = INT64_C(50) << 30;
	return f;
}

static void add_marker(struct survey *s, guint folder, guint host, guint of)
{
	g_autofree char *name = survey_marker(s, of);
	struct hv_marker *m = hv_folder_add(survey_host(s, host)->folders[folder].seen, name);

	m->perms = (struct hv_perms){ 0, 0, 0600 };
	m->modified_us = NOW_US;
}

static void fill_host(struct survey *s, guint i)
{
	struct survey_host *h = survey_host(s, i);

	h->uri = g_strdup_printf("qemu+tls://%s/system", h->name);
	h->peer_uri = g_strdup(h->uri);
	h->address = g_strdup_printf("192.0.2.%u", i + 1);
	h->section = g_strdup_printf("drover.conf:%u: [host %s]", i + 1, h->name);
	h->up = true;
	h->hostname = g_strdup(h->name);
	h->arch = g_strdup("x86_64");
	h->hv_version = 7002000;
	h->libvirt_version = 9000000;
	h->cpu_kind = g_strdup("Haswell");
	h->cpu = 0;
	h->facts = hv_facts_new();
	h->facts->qemu_uid = 64055;
	h->facts->qemu_gid = 108;
	hv_facts_mtu(h->facts, "br0", 1500);
	h->facts->cert = g_new0(struct hv_cert, 1);
	*h->facts->cert = (struct hv_cert){
		.subject = g_strdup("/CN=h"), .names = g_strdup(h->name), .begins_us = NOW_US - DAY_US, .ends_us = NOW_US + 365 * DAY_US, .server = true, .client = true,
	};
}

static void fill_folders(struct survey *s, guint i)
{
	for (guint k = 0; k < s->folders->len; k++) {
		struct survey_folder *f = &survey_host(s, i)->folders[k];

		f->seen = new_folder();
		f->marked = true;
		f->before_us = NOW_US - 1000;
		f->after_us = NOW_US + 1000;
		for (guint other = 0; other < s->hosts->len; other++)
			if (k == SHARED || other == i)
				add_marker(s, k, i, other);
	}
}

static void add_pairs(struct survey *s)
{
	for (guint i = 0; i < s->hosts->len; i++)
		for (guint k = 0; k < s->hosts->len; k++)
			if (i != k)
				survey_add_pair(s, i, k)->peer = SURVEY_YES;
}

static struct survey *good(void)
{
	static const char *const names[] = { "h1", "h2", "h3" };
	struct survey *s = survey_new();

	s->now_us = NOW_US;
	s->marker = g_strdup("drover-check-1700000000-0a1b2c3d");
	g_ptr_array_add(s->folders, g_strdup(SURVEY_IMAGES));
	g_ptr_array_add(s->folders, g_strdup("/srv/guests"));
	s->of_guests = s->folders->len;
	g_ptr_array_add(s->bridges, g_strdup("br0"));
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		(void)survey_host_add(s, names[i]);
	survey_begin_folders(s);
	for (guint i = 0; i < s->hosts->len; i++) {
		fill_host(s, i);
		fill_folders(s, i);
	}
	add_pairs(s);
	return s;
}

/* ---- what is wrong ---- */

static struct survey_host *h2(struct survey *s)
{
	return survey_host(s, 1);
}

static struct survey_folder *folder2(struct survey *s, guint k)
{
	return &h2(s)->folders[k];
}

static struct survey_pair *pair(struct survey *s, guint from, guint to)
{
	for (guint i = 0; i < s->pairs->len; i++) {
		struct survey_pair *p = &g_array_index(s->pairs, struct survey_pair, i);

		if (p->from == from && p->to == to)
			return p;
	}
	g_assert_not_reached();
}

static void well(struct survey *s)
{
	(void)s;
}

static void down(struct survey *s)
{
	h2(s)->up = false;
	h2(s)->down = g_strdup("down: connection refused");
	g_array_set_size(s->pairs, 0);
}

static void not_told(struct survey *s)
{
	g_clear_pointer(&h2(s)->facts, hv_facts_free);
	h2(s)->facts_why = g_strdup("no answer in time");
}

static void twin(struct survey *s)
{
	down(s);
	h2(s)->same_as = g_strdup("h1");
}

static void namesake(struct survey *s)
{
	util_replace(&h2(s)->hostname, "h1");
}

static void localhost(struct survey *s)
{
	util_replace(&h2(s)->hostname, "localhost.localdomain");
}

static void one_way(struct survey *s)
{
	pair(s, 0, 1)->peer = SURVEY_NO;
	pair(s, 0, 1)->why = g_strdup("unable to connect to server at 'h2:16514': Connection refused");
}

static void not_tried(struct survey *s)
{
	pair(s, 0, 1)->peer = SURVEY_NOT_ASKED;
	pair(s, 0, 1)->why = g_strdup("host h1 is not connected");
}

static void no_address(struct survey *s)
{
	g_clear_pointer(&h2(s)->address, g_free);
}

static void expired(struct survey *s)
{
	h2(s)->facts->cert->ends_us = NOW_US - DAY_US;
}

static void early(struct survey *s)
{
	h2(s)->facts->cert->begins_us = NOW_US + DAY_US;
}

static void expires(struct survey *s)
{
	h2(s)->facts->cert->ends_us = NOW_US + 29 * DAY_US;
}

static void misnamed(struct survey *s)
{
	h2(s)->facts->cert->missing = g_strdup("h2.example.org");
}

static void no_server(struct survey *s)
{
	h2(s)->facts->cert->server = false;
}

static void no_client(struct survey *s)
{
	h2(s)->facts->cert->client = false;
}

static void not_shown(struct survey *s)
{
	h2(s)->facts->cert->why = g_strdup("Connection refused");
}

static void other_user(struct survey *s)
{
	h2(s)->facts->qemu_gid = 64055;
}

static void unknown_user(struct survey *s)
{
	h2(s)->facts->qemu_uid = HV_NOT_KNOWN;
}

static void drop_markers(struct survey *s)
{
	for (guint i = 0; i < s->hosts->len; i++) {
		g_ptr_array_set_size(survey_host(s, i)->folders[SHARED].seen->markers, 0);
		for (guint k = 0; k < s->hosts->len; k++)
			if ((i == 1) == (k == 1))
				add_marker(s, SHARED, i, k);
	}
}

static void unmounted(struct survey *s)
{
	drop_markers(s);
}

/* Only the one that wrote last sees the others: NFS. */
static void seen_one_way(struct survey *s)
{
	for (guint i = 0; i < s->hosts->len; i++) {
		g_ptr_array_set_size(survey_host(s, i)->folders[SHARED].seen->markers, 0);
		for (guint k = 0; k <= i; k++)
			add_marker(s, SHARED, i, k);
	}
}

static void no_folder(struct survey *s)
{
	drop_markers(s);
	g_ptr_array_set_size(folder2(s, SHARED)->seen->markers, 0);
	folder2(s, SHARED)->seen->exists = false;
	folder2(s, SHARED)->marked = false;
}

static void folder_not_told(struct survey *s)
{
	drop_markers(s);
	g_clear_pointer(&folder2(s, SHARED)->seen, hv_folder_free);
	folder2(s, SHARED)->why = g_strdup("no answer in time");
}

static void local_everywhere(struct survey *s)
{
	for (guint i = 0; i < s->hosts->len; i++) {
		g_ptr_array_set_size(survey_host(s, i)->folders[SHARED].seen->markers, 0);
		add_marker(s, SHARED, i, i);
	}
}

static void closed(struct survey *s)
{
	folder2(s, SHARED)->seen->perms.mode = 0700;
}

static void closed_to_group(struct survey *s)
{
	folder2(s, SHARED)->seen->perms = (struct hv_perms){ 0, 108, 0701 };
}

static void open_to_owner(struct survey *s)
{
	folder2(s, SHARED)->seen->perms = (struct hv_perms){ 64055, 0, 0700 };
}

static void root_searches(struct survey *s)
{
	for (guint i = 0; i < s->hosts->len; i++)
		survey_host(s, i)->facts->qemu_uid = 0;
	closed(s);
}

static void squashed(struct survey *s)
{
	struct hv_marker *m = g_ptr_array_index(folder2(s, SHARED)->seen->markers, 1);

	m->perms.uid = 65534;
}

static void refused(struct survey *s)
{
	folder2(s, SHARED)->marked = false;
	folder2(s, SHARED)->refused = true;
	folder2(s, SHARED)->why = g_strdup("cannot chown: Operation not permitted");
	g_ptr_array_remove_index(folder2(s, SHARED)->seen->markers, 1);
}

/* One of images, for instance. */
static void refused_in_pool(struct survey *s)
{
	refused(s);
	s->of_guests = 1;
}

static void full(struct survey *s)
{
	folder2(s, SHARED)->seen->free_bytes = INT64_C(500) << 20;
}

static void nearly_full(struct survey *s)
{
	folder2(s, SHARED)->seen->free_bytes = INT64_C(3) << 30;
}

static void listens(struct survey *s)
{
	survey_add_guest(s, 1, "web", SURVEY_VNC, "192.0.2.2");
}

static void listens_where_told(struct survey *s)
{
	listens(s);
	for (guint i = 0; i < s->hosts->len; i++)
		survey_host(s, i)->listen[SURVEY_VNC] = g_strdup("0.0.0.0");
}

static void spice_listens(struct survey *s)
{
	listens_where_told(s);
	survey_add_guest(s, 1, "db", SURVEY_SPICE, "192.0.2.2");
}

static void listens_somewhere(struct survey *s)
{
	survey_add_guest(s, 1, "web", SURVEY_VNC, "198.51.100.7");
}

static void other_cpu(struct survey *s)
{
	const struct survey_cpu_way ways[] = { { 0, 1, SURVEY_YES, NULL }, { 1, 0, SURVEY_NO, g_strdup("missing features: avx512f") } };

	h2(s)->cpu = 1;
	g_array_append_vals(s->ways, ways, G_N_ELEMENTS(ways));
	s->baseline = g_strdup("<cpu mode='custom' match='exact'>\n  <model fallback='forbid'>Haswell</model>\n</cpu>");
}

static void many_cpus(struct survey *s)
{
	h2(s)->cpu = SURVEY_NO_CPU;
}

static void newer(struct survey *s)
{
	h2(s)->hv_version = 8000002;
}

static void pages(struct survey *s)
{
	int64_t kib = 2048;

	g_array_append_val(survey_host(s, 0)->pages_used_kib, kib);
	g_array_append_val(survey_host(s, 0)->pages_kib, kib);
	g_array_append_val(survey_host(s, 2)->pages_kib, kib);
}

static void jumbo(struct survey *s)
{
	((struct hv_mtu *)g_ptr_array_index(h2(s)->facts->mtus, 0))->mtu = 9000;
}

static void no_interfaces(struct survey *s)
{
	g_clear_pointer(&h2(s)->facts->mtus, g_ptr_array_unref);
}

static void set_clock(struct survey *s, int64_t ahead_us)
{
	((struct hv_marker *)g_ptr_array_index(folder2(s, LOCAL)->seen->markers, 0))->modified_us = NOW_US + ahead_us;
}

static void fast(struct survey *s)
{
	set_clock(s, 2 * G_USEC_PER_SEC);
}

static void slow(struct survey *s)
{
	set_clock(s, -2 * G_USEC_PER_SEC);
}

static void nearly_right(struct survey *s)
{
	set_clock(s, G_USEC_PER_SEC);
}

/* The three agree: it is the controller that is wrong. */
static void controller_fast(struct survey *s)
{
	for (guint i = 0; i < s->hosts->len; i++)
		((struct hv_marker *)g_ptr_array_index(survey_host(s, i)->folders[LOCAL].seen->markers, 0))->modified_us = NOW_US - 60 * G_USEC_PER_SEC;
}

static void no_own_folder(struct survey *s)
{
	folder2(s, LOCAL)->seen->exists = false;
	folder2(s, LOCAL)->marked = false;
	g_ptr_array_set_size(folder2(s, LOCAL)->seen->markers, 0);
}

static void stray(struct survey *s)
{
	survey_add_stray(s, 1, "11111111-0000-4000-8000-000000000000", "web", "h3");
}

static void deep_well(struct survey *s)
{
	s->deep = true;
	for (guint i = 0; i < s->pairs->len; i++)
		g_array_index(s->pairs, struct survey_pair, i).deep = SURVEY_YES;
}

static void deep_fails(struct survey *s)
{
	deep_well(s);
	pair(s, 2, 1)->deep = SURVEY_NO;
	pair(s, 2, 1)->deep_why = g_strdup("it is migrated: unable to connect to server at '192.0.2.2:49152': Connection refused");
}

static void deep_fails_tls(struct survey *s)
{
	deep_fails(s);
	s->native_tls = true;
}

/* ---- the cases ---- */

struct rule_case {
	const char *name;
	void (*spoil)(struct survey *s);
	const char *found;     /* "CHECK HOST OTHER", commas between; "-": none */
	const char *text;      /* is in the first finding; NULL */
	const char *where;     /* ... is where to change it, as it begins */
	const char *unchecked; /* "CHECK HOST OTHER" of one that is not checked; NULL */
};

static const struct rule_case cases[] = {
	{ "well", well, "", NULL, NULL, NULL },
	{ "down", down, "reach h2 -", "connection refused", "h2:/etc/libvirt/libvirtd.conf: listen_tls = 1", NULL },
	{ "not-told", not_told, "", NULL, NULL, "reach h2 -" },
	{ "twin", twin, "identity h2 h1", "connection refused", "h2:/etc/libvirt/libvirtd.conf: host_uuid", NULL },
	{ "namesake", namesake, "identity h2 h1", "h2 and h1 both call themselves \"h1\"", "h2:/etc/hostname", NULL },
	{ "localhost", localhost, "identity h2 -", "localhost.localdomain", "h2:/etc/hostname", NULL },
	{ "one-way", one_way, "peer h1 h2", "Connection refused", "drover.conf:2: [host h2]: live_migration_uri = qemu+tls://h2/system; h2:/etc/libvirt/libvirtd.conf: listen_tls", NULL },
	{ "not-tried", not_tried, "", NULL, NULL, "peer h1 h2" },
	{ "no-address", no_address, "address h2 -", "no address of h2", "drover.conf:2: [host h2]: live_migration_inbound_addr", NULL },
	{ "expired", expired, "certificate h2 -", "has expired", "h2:/etc/libvirt/libvirtd.conf: cert_file", NULL },
	{ "early", early, "certificate h2 -", "not valid yet", "h2:/etc/libvirt/libvirtd.conf: cert_file", NULL },
	{ "expires", expires, "expiry h2 -", "in 29 days", "h2:/etc/libvirt/libvirtd.conf: cert_file", NULL },
	{ "misnamed", misnamed, "certificate h2 -", "for \"h2\", and the host is reached as h2.example.org", "h2:/etc/libvirt/libvirtd.conf: cert_file", NULL },
	{ "no-server", no_server, "certificate h2 -", "server's", "h2:/etc/libvirt/libvirtd.conf: cert_file", NULL },
	{ "no-client", no_client, "certificate h2 -", "client's", "h2:/etc/pki/libvirt/clientcert.pem", NULL },
	{ "not-shown", not_shown, "", NULL, NULL, "certificate h2 -" },
	{ "other-user", other_user, "user h2 h1", "64055:64055 on h2, and as 64055:108 on h1", "h2:/etc/libvirt/qemu.conf: user, group", NULL },
	{ "unknown-user", unknown_user, "", NULL, NULL, "user h2 -" },
	{ "unmounted", unmounted, "storage h2 h1", "/srv/guests is not the storage on h2 that it is on h1", "h2:/etc/fstab: /srv/guests", NULL },
	{ "seen-one-way", seen_one_way, "", NULL, NULL, NULL },
	{ "no-folder", no_folder, "storage h2 h1", "does not exist on h2", "h2:/etc/fstab: /srv/guests", NULL },
	{ "folder-not-told", folder_not_told, "", NULL, NULL, "storage h2 -" },
	{ "local-everywhere", local_everywhere, "", NULL, NULL, NULL },
	{ "closed", closed, "search h2 -", "0:0, mode 0700: QEMU's user, 64055:108", "h2:/srv/guests", NULL },
	{ "closed-to-group", closed_to_group, "search h2 -", "mode 0701", "h2:/srv/guests", NULL },
	{ "open-to-owner", open_to_owner, "", NULL, NULL, NULL },
	{ "root-searches", root_searches, "", NULL, NULL, "search - -" },
	{ "squashed", squashed, "squash h2 -", "belongs to user 65534", "the file server's /etc/exports: no_root_squash", NULL },
	{ "refused", refused, "squash h2 -", "cannot chown: Operation not permitted", "the file server's /etc/exports: no_root_squash, rw", NULL },
	{ "refused-in-pool", refused_in_pool, "", NULL, NULL, NULL },
	{ "full", full, "space h2 -", "500 MiB left of 102400", "h2:/srv/guests", NULL },
	{ "nearly-full", nearly_full, "space h2 -", "3072 MiB", "h2:/srv/guests", NULL },
	{ "listens", listens, "console h2 h1,console h2 h3", "web listens on 192.0.2.2, which h1 does not have", "drover.conf:1: [host h1]: server_listen", NULL },
	{ "listens-where-told", listens_where_told, "", NULL, NULL, NULL },
	{ "spice-listens", spice_listens, "console h2 h1,console h2 h3", "the SPICE console of db listens on 192.0.2.2, which h1", "drover.conf:1: [host h1]: server_listen (or [spice]", NULL },
	{ "listens-somewhere", listens_somewhere, "", NULL, NULL, "console h2 h3" },
	{ "other-cpu", other_cpu, "cpu h2 h1,cpu h2 h3", "missing features: avx512f", "the guests' definitions (virsh edit): <cpu>; [libvirt] cpu_mode = custom, cpu_models = Haswell", NULL },
	{ "many-cpus", many_cpus, "", NULL, NULL, "cpu h2 -" },
	{ "newer", newer, "version h2 h1,version h2 h3", "h2 has QEMU 8.0.2, and h1 has 7.2.0", "h1: the packages of QEMU", NULL },
	{ "pages", pages, "pages h1 h2", "guests of h1 have huge pages of 2048 KiB", "h2:/etc/default/grub", NULL },
	{ "jumbo", jumbo, "mtu h2 h1", "9000 on h2, and 1500 on h1", "h2:/etc/network/interfaces: br0: mtu", NULL },
	{ "no-interfaces", no_interfaces, "", NULL, NULL, "mtu h2 -" },
	{ "fast", fast, "clock h2 -", "2.0 s ahead", "h2:/etc/systemd/timesyncd.conf", NULL },
	{ "slow", slow, "clock h2 -", "2.0 s behind", "h2:/etc/systemd/timesyncd.conf", NULL },
	{ "nearly-right", nearly_right, "", NULL, NULL, NULL },
	{ "controller-fast", controller_fast, "", NULL, NULL, NULL },
	{ "no-own-folder", no_own_folder, "", NULL, NULL, "clock h2 -" },
	{ "stray", stray, "autostart h2 h3", "h2 starts web when it boots, and the server is on h3", "h2:/etc/libvirt/qemu/autostart/web.xml", NULL },
	{ "shallow", well, "", NULL, NULL, "ports - -" },
	{ "deep-well", deep_well, "", NULL, NULL, NULL },
	{ "deep-fails", deep_fails, "ports h3 h2", "49152': Connection refused", "h2:/etc/nftables.conf: tcp dport 49152-49215", NULL },
	{ "deep-fails-tls", deep_fails_tls, "ports h3 h2", "49152", "h2:/etc/libvirt/qemu.conf: migrate_tls_x509_cert_dir", NULL },
};

static char *label(const char *check, const char *host, const char *other)
{
	return g_strjoin(" ", check, host ? host : "-", other ? other : "-", NULL);
}

static char *found(const struct report *r)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < r->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(r->findings, i);

		g_assert_nonnull(f->what);
		g_assert_nonnull(f->breaks);
		g_assert_nonnull(f->change);
		g_assert_nonnull(f->where);
		g_ptr_array_add(all, label(f->check, f->host, f->other));
	}
	g_ptr_array_add(all, NULL);
	return g_strjoinv(",", (char **)all->pdata);
}

static bool is_unchecked(const struct report *r, const char *want)
{
	for (guint i = 0; i < r->unchecked->len; i++) {
		const struct finding_unchecked *u = g_ptr_array_index(r->unchecked, i);
		g_autofree char *have = label(u->check, u->host, u->other);

		g_assert_nonnull(u->why);
		if (g_str_equal(have, want))
			return true;
	}
	return false;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		g_error("\"%s\" does not have \"%s\"", text, part);
}

static void test_rule(const void *data)
{
	const struct rule_case *c = data;
	struct survey *s = good();
	struct report *r;
	g_autofree char *have = NULL;

	c->spoil(s);
	r = rules_judge(s);
	have = found(r);
	g_assert_cmpstr(have, ==, c->found);
	if (c->text) {
		const struct finding *first = g_ptr_array_index(r->findings, 0);

		assert_has(first->what, c->text);
		assert_has(first->where, c->where);
	}
	g_assert_true(!c->unchecked || is_unchecked(r, c->unchecked));
	report_free(r);
	survey_free(s);
}

/* Every row is there for a case. */
static void test_rows(void)
{
	struct rules_row row;

	for (size_t i = 0; rules_row(i, &row); i++) {
		bool any = false;

		for (size_t k = 0; k < G_N_ELEMENTS(cases); k++) {
			g_auto(GStrv) words = g_strsplit(cases[k].found, " ", 2);

			any |= g_strcmp0(words[0], row.name) == 0;
		}
		if (!any)
			g_error("no case finds \"%s\"", row.name);
	}
}

/* ---- whole runs ---- */

struct world {
	struct conf *conf;
	struct sim *sim;
	struct store *store;
	struct fleet *fleet;
	struct checks *checks;
};

static struct world *world_new(void)
{
	static const char text[] = "[DEFAULT]\n[workarounds]\nallow_any_uri = true\n"
				   "[host h1]\nuri = sim://h1\n[host h2]\nuri = sim://h2\n[host h3]\nuri = sim://h3\n";
	static const struct hv_ops *const ops[] = { &sim_ops, NULL };
	static const char *const names[] = { "h1", "h2", "h3" };
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct world *w = g_new0(struct world, 1);
	g_autoptr(GError) err = NULL;

	clock_manual(NOW_US);
	w->conf = conf_parse(text, sizeof text - 1, "drover.conf", mistakes);
	g_assert_cmpuint(mistakes->len, ==, 0);
	w->sim = sim_new(1);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		sim_host_add(w->sim, names[i], &(struct sim_host_spec){ .vcpus = 8, .mem_mib = 8192, .storage = "local", .latency_ms = 2 });
	w->store = store_open("sqlite://:memory:", &err);
	g_assert_no_error(err);
	w->fleet = fleet_new(w->conf, w->store, ops, &err);
	g_assert_no_error(err);
	w->checks = checks_new(w->fleet);
	fleet_start(w->fleet);
	clock_advance_ms(1000);
	return w;
}

static void world_free(struct world *w)
{
	checks_free(w->checks);
	fleet_free(w->fleet);
	store_close(w->store);
	sim_free(w->sim);
	conf_free(w->conf);
	g_free(w);
}

static const struct report *run(struct world *w, const char *const *hosts, bool deep)
{
	g_autoptr(GError) err = NULL;

	g_assert_true(checks_begin(w->checks, hosts, deep, &err));
	for (int i = 0; i < 1000 && checks_running_since(w->checks); i++)
		clock_advance_ms(1000);
	g_assert_cmpint(checks_running_since(w->checks), ==, 0);
	return checks_last(w->checks)->report;
}

static guint files(struct world *w)
{
	g_autoptr(GArray) all = sim_file_list(w->sim, NULL);

	return all->len;
}

static void assert_found(const struct report *r, const char *want)
{
	g_autofree char *have = found(r);

	g_assert_cmpstr(have, ==, want);
}

static void test_run(void)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;
	const char *unknown[] = { "h1", "h9", NULL }, *two[] = { "h1", "h3", NULL };

	g_assert_null(checks_last(w->checks)->report);
	assert_found(run(w, NULL, false), "");
	g_assert_cmpuint(checks_last(w->checks)->checked, ==, 3);
	g_assert_cmpuint(files(w), ==, 0);
	g_assert_false(checks_begin(w->checks, unknown, false, &err));
	g_assert_error(err, ERR, ERR_BAD_REQUEST);
	g_clear_error(&err);
	assert_found(run(w, two, false), "");
	g_assert_cmpuint(checks_last(w->checks)->checked, ==, 2);
	g_assert_true(checks_begin(w->checks, NULL, false, &err));
	g_assert_false(checks_begin(w->checks, NULL, false, &err));
	g_assert_error(err, ERR, ERR_CONFLICT);
	world_free(w);
}

/* What is wrong with a host, and what the run says of it. */
static const struct {
	const char *name, *host, *what, *value, *found;
} flaws[] = {
	{ "uid", "h2", "uid", "107", "user h2 h1" },
	{ "mode", "h3", "mode", "700", "search h3 -" },
	{ "squash", "h2", "squash", "yes", "squash h2 -" },
	{ "clock", "h2", "clock", "5000", "clock h2 -" },
	{ "free", "h1", "free", "100", "space h1 -" },
	{ "no-peer", "h1", "no-peer", "h3", "peer h1 h3" },
	{ "mtu", "h3", "mtu", "1400", "mtu h3 h1" },
};

static void test_flaw(const void *data)
{
	const typeof(*flaws) *c = data;
	struct world *w = world_new();

	(void)sim_dom_new(sim_host_find(w->sim, "h1"), &(struct sim_dom_spec){ .name = "web" });
	clock_advance_ms(20000);
	sim_host_flaw(w->sim, c->host, c->what, c->value);
	assert_found(run(w, NULL, false), c->found);
	world_free(w);
}

/* It ends with what is known, whatever becomes of a host meanwhile. */
static void test_host_goes(void)
{
	struct world *w = world_new();
	g_autoptr(GError) err = NULL;

	sim_fault_add(w->sim, &(struct sim_fault){ .kind = SIM_HANG, .op = HV_FOLDER_GET, .host = "h2", .nth = 1 });
	(void)run(w, NULL, true);
	sim_fault_clear(w->sim);
	g_assert_true(checks_begin(w->checks, NULL, true, &err));
	clock_advance_ms(5);
	sim_host_power(w->sim, "h3", false);
	for (int i = 0; i < 1000 && checks_running_since(w->checks); i++)
		clock_advance_ms(1000);
	g_assert_cmpint(checks_running_since(w->checks), ==, 0);
	world_free(w);
}

/* Files of a run that was killed go with the next one. */
static void test_stale(void)
{
	struct world *w = world_new();

	sim_file_add(w->sim, "h1", &(struct sim_file_spec){ .path = SURVEY_IMAGES "/drover-check-1700000000-0a1b2c3d-0", .format = "raw" });
	sim_file_add(w->sim, "h1", &(struct sim_file_spec){ .path = SURVEY_IMAGES "/drover-check-mine", .format = "raw" });
	g_assert_cmpuint(files(w), ==, 2);
	(void)run(w, NULL, false);
	g_assert_cmpuint(files(w), ==, 2); /* another controller's may be at work */
	clock_advance_ms(2 * 3600 * 1000);
	(void)run(w, NULL, false);
	g_assert_cmpuint(files(w), ==, 1);
	world_free(w);
}

static void test_deep(void)
{
	struct world *w = world_new();

	assert_found(run(w, NULL, true), "");
	g_assert_cmpuint(files(w), ==, 0);
	g_assert_cmpuint(sim_carriers(w->sim, "h1") + sim_carriers(w->sim, "h2") + sim_carriers(w->sim, "h3"), ==, 0);
	g_assert_null(sim_violation(w->sim));
	world_free(w);
}

/* One that is ended in the middle leaves nothing for longer than it takes to remove it. */
static void test_ended(void)
{
	for (int ms = 0; ms < 400; ms += 7) {
		struct world *w = world_new();
		g_autoptr(GError) err = NULL;

		g_assert_true(checks_begin(w->checks, NULL, true, &err));
		clock_advance_ms(ms);
		world_free(w);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strconcat("/check/rule/", cases[i].name, NULL);

		g_test_add_data_func(path, &cases[i], test_rule);
	}
	g_test_add_func("/check/rows", test_rows);
	g_test_add_func("/check/run", test_run);
	for (size_t i = 0; i < G_N_ELEMENTS(flaws); i++) {
		g_autofree char *path = g_strconcat("/check/flaw/", flaws[i].name, NULL);

		g_test_add_data_func(path, &flaws[i], test_flaw);
	}
	g_test_add_func("/check/host-goes", test_host_goes);
	g_test_add_func("/check/stale", test_stale);
	g_test_add_func("/check/deep", test_deep);
	g_test_add_func("/check/ended", test_ended);
	return g_test_run();
}
