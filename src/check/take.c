/* SPDX-License-Identifier: Apache-2.0 */
#include "check/take.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "hv/xml/facts_xml.h"

#define BRIDGES_MAX 256
#define PAGES_MAX 8

/* ---- the host ---- */

/* Where it is configured. */
static char *section_of(const struct fleet *f, const struct host *h)
{
	const GPtrArray *all = fleet_conf(f)->hosts;

	for (guint i = 0; h->from_conf && all && i < all->len; i++) {
		const struct conf_host *c = g_ptr_array_index(all, i);

		if (g_str_equal(c->name, h->name))
			return g_strdup_printf("drover.conf:%d: [host %s]", c->line, h->name);
	}
	return g_strdup_printf("host %s, added by the API", h->name);
}

/* The address of "tcp://[2001:db8::1]"; NULL of NULL. Takes @uri. */
static char *address_in(char *uri)
{
	g_autofree char *text = uri;
	g_autoptr(GUri) parsed = text ? g_uri_parse(text, G_URI_FLAGS_NONE, NULL) : NULL;

	return parsed ? g_strdup(g_uri_get_host(parsed)) : NULL;
}

static void add_size(GArray *sizes, int64_t kib)
{
	for (guint i = 0; i < sizes->len; i++)
		if (g_array_index(sizes, int64_t, i) == kib)
			return;
	if (kib > 0 && sizes->len < PAGES_MAX)
		g_array_append_val(sizes, kib);
}

/* The description of a CPU has its clock and its microcode, too. */
static char *kind_of(const struct hv_host_info *i)
{
	g_autofree char *features = i->cpu_features ? g_strjoinv(" ", i->cpu_features) : g_strdup("");

	return i->kvm && i->cpu_xml ? g_strdup_printf("%s %s %s", i->cpu_model ? i->cpu_model : "", i->cpu_vendor ? i->cpu_vendor : "", features) : NULL;
}

static void take_info(struct survey_host *t, const struct hv_host_info *i)
{
	t->hostname = g_strdup(i->hostname);
	t->arch = g_strdup(i->arch);
	t->cpu_xml = g_strdup(i->cpu_xml);
	t->cpu_kind = kind_of(i);
	t->hv_version = i->hv_version;
	t->libvirt_version = i->libvirt_version;
	for (guint n = 0; i->numa && n < i->numa->nodes->len; n++) {
		const struct hv_node *node = &g_array_index(i->numa->nodes, struct hv_node, n);

		for (int k = 0; k < HV_PAGE_SIZES && node->pages[k].size_kib; k++)
			add_size(t->pages_kib, node->pages[k].total ? node->pages[k].size_kib : 0);
	}
}

/* ---- its guests ---- */

/* Any host has it. */
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

static void take_folder(struct survey *s, const char *path)
{
	s->images_used |= g_str_equal(path, SURVEY_IMAGES);
	if (!survey_add_unique(s->folders, path, SURVEY_FOLDERS_MAX))
		s->folders_left_out = true;
}

static void take_disks(struct survey *s, const struct hv_dom *d)
{
	for (guint i = 0; i < d->disks->len; i++) {
		const struct hv_disk *k = g_ptr_array_index(d->disks, i);
		g_autofree char *folder = k->kind == HV_SOURCE_FILE && k->source && *k->source == '/' && !k->cdrom ? g_path_get_dirname(k->source) : NULL;

		if (folder)
			take_folder(s, folder);
	}
}

static void take_pages(struct survey_host *t, const struct hv_numa_fit *fit)
{
	if (!fit)
		return;
	add_size(t->pages_used_kib, fit->page_kib);
	for (guint i = 0; fit->cells && i < fit->cells->len; i++)
		add_size(t->pages_used_kib, g_array_index(fit->cells, struct hv_cell, i).page_kib);
}

static void take_guest(struct survey *s, guint host, const struct server *v)
{
	const struct hv_dom *d = v->dom;

	if (!d || d->unreadable)
		return;
	take_disks(s, d);
	take_pages(survey_host(s, host), v->ties ? v->ties->numa_fit : NULL);
	for (guint i = 0; i < d->nics->len; i++) {
		const struct hv_nic *n = g_ptr_array_index(d->nics, i);

		if (n->bridge && g_strcmp0(n->type, "bridge") == 0)
			(void)survey_add_unique(s->bridges, n->bridge, BRIDGES_MAX); /* those beyond are not compared */
	}
	if (d->vnc_listen && !is_everywhere(d->vnc_listen))
		survey_add_guest(s, host, v->name ? v->name : v->uuid, SURVEY_VNC, d->vnc_listen);
	if (d->spice_listen && !is_everywhere(d->spice_listen))
		survey_add_guest(s, host, v->name ? v->name : v->uuid, SURVEY_SPICE, d->spice_listen);
}

void take_host(struct fleet *f, struct survey *s, guint host)
{
	struct survey_host *t = survey_host(s, host);
	struct host *h = fleet_host(f, t->name);
	GHashTableIter it;
	void *v;

	if (!h) {
		t->section = g_strdup(t->name);
		t->down = g_strdup("it was removed");
		return;
	}
	t->uri = g_strdup(h->uri);
	t->peer_uri = g_strdup(host_dest_uri(h));
	t->address = address_in(host_migrate_uri(h));
	t->section = section_of(f, h);
	t->listen[SURVEY_VNC] = g_strdup(host_listen(f, h, "vnc"));
	t->listen[SURVEY_SPICE] = g_strdup(host_listen(f, h, "spice"));
	t->same_as = g_strdup(h->same_as);
	t->up = host_is_up(f, h) && h->info;
	t->down = t->up ? NULL : host_state_text(f, h);
	g_strlcpy(t->uuid, h->uuid, sizeof t->uuid);
	if (t->up)
		take_info(t, h->info);
	g_hash_table_iter_init(&it, h->servers);
	while (g_hash_table_iter_next(&it, &v, NULL))
		take_guest(s, host, v);
}

/* ---- what it was asked ---- */

void take_told(struct fleet *f, struct survey *s, guint host)
{
	const struct survey_host *t = survey_host(s, host);

	for (guint i = 0; i < t->facts->folders->len; i++)
		if (!survey_add_unique(s->folders, g_ptr_array_index(t->facts->folders, i), SURVEY_FOLDERS_MAX))
			s->folders_left_out = true;
	for (guint i = 0; i < t->facts->autostarted->len; i++) {
		const struct server *v = fleet_server(f, g_ptr_array_index(t->facts->autostarted, i));

		if (v && v->host && !g_str_equal(v->host, t->name))
			survey_add_stray(s, host, v->uuid, v->libvirt_name ? v->libvirt_name : v->uuid, v->host);
	}
}

/* ---- CPUs ---- */

static guint cpu_called(const struct survey *s, const char *kind)
{
	for (guint i = 0; i < s->cpus->len; i++)
		if (g_str_equal(((const struct survey_cpu *)g_ptr_array_index(s->cpus, i))->kind, kind))
			return i;
	return SURVEY_NO_CPU;
}

void take_cpus(struct survey *s)
{
	for (guint i = 0; i < s->hosts->len; i++) {
		struct survey_host *h = survey_host(s, i);
		struct survey_cpu *c;

		if (!h->up || !h->cpu_kind)
			continue;
		h->cpu = cpu_called(s, h->cpu_kind);
		if (h->cpu != SURVEY_NO_CPU || s->cpus->len >= SURVEY_CPUS_MAX)
			continue;
		c = g_new(struct survey_cpu, 1);
		*c = (struct survey_cpu){ g_strdup(h->cpu_kind), g_strdup(h->cpu_xml), i };
		h->cpu = s->cpus->len;
		g_ptr_array_add(s->cpus, c);
	}
}

guint take_baseline_host(const struct survey *s)
{
	guint best = G_MAXUINT;

	for (guint i = 0; s->cpus->len > 1 && i < s->hosts->len; i++) {
		const struct survey_host *h = survey_host(s, i);

		if (h->cpu == SURVEY_NO_CPU || !h->facts)
			continue;
		if (best == G_MAXUINT || h->libvirt_version < survey_host(s, best)->libvirt_version)
			best = i;
	}
	return best;
}

/* One of each kind says what all of it have; if one does not, nothing is said of all. */
char *take_all_cpus(const struct survey *s)
{
	guint at = take_baseline_host(s);
	g_autoptr(GPtrArray) best = g_ptr_array_new(), hosts = g_ptr_array_new();
	struct facts_cpus all = { .best = best, .hosts = hosts };

	g_assert(at != G_MAXUINT);
	all.type = survey_host(s, at)->facts->virt_type;
	for (guint i = 0; i < s->cpus->len; i++) {
		const struct survey_cpu *c = g_ptr_array_index(s->cpus, i);
		const struct hv_facts *f = survey_host(s, c->host)->facts;

		if (f && f->cpu && g_strcmp0(f->virt_type, all.type) == 0)
			g_ptr_array_add(best, f->cpu);
		if (strlen(c->xml) <= FACTS_XML_CPU_MAX)
			g_ptr_array_add(hosts, c->xml);
	}
	if (best->len < s->cpus->len)
		g_ptr_array_set_size(best, 0);
	if (hosts->len < s->cpus->len)
		g_ptr_array_set_size(hosts, 0);
	return facts_xml_cpus_write(&all);
}
