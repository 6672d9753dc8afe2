/* SPDX-License-Identifier: Apache-2.0 */
#include "check/survey.h"

#include <string.h>

static void folders_free(struct survey_folder *all, guint n)
{
	for (guint i = 0; all && i < n; i++) {
		hv_folder_free(all[i].seen);
		g_free(all[i].why);
	}
	g_free(all);
}

static void host_free(struct survey_host *h, guint folders)
{
	char **texts[] = { &h->name, &h->uri, &h->peer_uri, &h->address, &h->section, &h->listen[SURVEY_VNC], &h->listen[SURVEY_SPICE], &h->down, &h->same_as, &h->hostname, &h->arch,
			   &h->cpu_xml, &h->cpu_kind, &h->facts_why };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		g_free(*texts[i]);
	g_array_unref(h->pages_kib);
	g_array_unref(h->pages_used_kib);
	hv_facts_free(h->facts);
	folders_free(h->folders, h->folders ? folders : 0);
	g_free(h);
}

static void pair_clear(void *data)
{
	struct survey_pair *p = data;

	g_free(p->why);
	g_free(p->deep_why);
	g_free(p->deep_folder);
}

static void way_clear(void *data)
{
	g_free(((struct survey_cpu_way *)data)->why);
}

static void cpu_free(void *data)
{
	struct survey_cpu *c = data;

	g_free(c->kind);
	g_free(c->xml);
	g_free(c);
}

static void guest_free(void *data)
{
	struct survey_guest *g = data;

	g_free(g->name);
	g_free(g->listen);
	g_free(g);
}

static void stray_free(void *data)
{
	struct survey_stray *d = data;

	g_free(d->name);
	g_free(d->uuid);
	g_free(d->server_host);
	g_free(d);
}

struct survey *survey_new(void)
{
	struct survey *s = g_new0(struct survey, 1);

	s->hosts = g_ptr_array_new();
	s->folders = g_ptr_array_new_with_free_func(g_free);
	s->bridges = g_ptr_array_new_with_free_func(g_free);
	s->pairs = g_array_new(FALSE, TRUE, sizeof(struct survey_pair));
	g_array_set_clear_func(s->pairs, pair_clear);
	s->cpus = g_ptr_array_new_with_free_func(cpu_free);
	s->ways = g_array_new(FALSE, TRUE, sizeof(struct survey_cpu_way));
	g_array_set_clear_func(s->ways, way_clear);
	s->guests = g_ptr_array_new_with_free_func(guest_free);
	s->strays = g_ptr_array_new_with_free_func(stray_free);
	return s;
}

void survey_free(struct survey *s)
{
	if (!s)
		return;
	for (guint i = 0; i < s->hosts->len; i++)
		host_free(g_ptr_array_index(s->hosts, i), s->folders->len);
	g_ptr_array_unref(s->hosts);
	g_ptr_array_unref(s->folders);
	g_ptr_array_unref(s->bridges);
	g_array_unref(s->pairs);
	g_ptr_array_unref(s->cpus);
	g_array_unref(s->ways);
	g_ptr_array_unref(s->guests);
	g_ptr_array_unref(s->strays);
	g_free(s->marker);
	g_free(s->baseline);
	g_free(s->baseline_why);
	g_free(s);
}

struct survey_host *survey_host_add(struct survey *s, const char *name)
{
	struct survey_host *h = g_new0(struct survey_host, 1);

	h->name = g_strdup(name);
	h->pages_kib = g_array_new(FALSE, FALSE, sizeof(int64_t));
	h->pages_used_kib = g_array_new(FALSE, FALSE, sizeof(int64_t));
	h->cpu = SURVEY_NO_CPU;
	g_ptr_array_add(s->hosts, h);
	return h;
}

struct survey_host *survey_host(const struct survey *s, guint i)
{
	return g_ptr_array_index(s->hosts, i);
}

void survey_begin_folders(struct survey *s)
{
	for (guint i = 0; i < s->hosts->len; i++)
		survey_host(s, i)->folders = g_new0(struct survey_folder, s->folders->len);
}

bool survey_add_unique(GPtrArray *texts, const char *text, guint max)
{
	if (g_ptr_array_find_with_equal_func(texts, text, g_str_equal, NULL))
		return true;
	if (texts->len >= max)
		return false;
	g_ptr_array_add(texts, g_strdup(text));
	return true;
}

struct survey_pair *survey_add_pair(struct survey *s, guint from, guint to)
{
	struct survey_pair p = { .from = from, .to = to };

	g_array_append_val(s->pairs, p);
	return &g_array_index(s->pairs, struct survey_pair, s->pairs->len - 1);
}

void survey_add_guest(struct survey *s, guint host, const char *name, enum survey_console console, const char *listen)
{
	struct survey_guest *g;

	if (s->guests->len >= SURVEY_GUESTS_MAX)
		return;
	g = g_new(struct survey_guest, 1);
	*g = (struct survey_guest){ host, console, g_strdup(name), g_strdup(listen) };
	g_ptr_array_add(s->guests, g);
}

void survey_add_stray(struct survey *s, guint host, const char *uuid, const char *name, const char *server_host)
{
	struct survey_stray *d;

	if (s->strays->len >= SURVEY_GUESTS_MAX)
		return;
	d = g_new(struct survey_stray, 1);
	*d = (struct survey_stray){ host, g_strdup(name), g_strdup(uuid), g_strdup(server_host) };
	g_ptr_array_add(s->strays, d);
}

/* ---- which storage is the same ---- */

char *survey_marker(const struct survey *s, guint host)
{
	return g_strdup_printf("%s-%u", s->marker, host);
}

bool survey_sees(const struct survey *s, guint folder, guint host, guint other)
{
	const struct hv_folder *seen = survey_host(s, host)->folders[folder].seen;
	g_autofree char *name = survey_marker(s, other);

	for (guint i = 0; seen && i < seen->markers->len; i++)
		if (g_str_equal(((const struct hv_marker *)g_ptr_array_index(seen->markers, i))->name, name))
			return true;
	return false;
}

/* The file's host, if it is one of this run's; G_MAXUINT. */
static guint owner_of(const struct survey *s, const char *name)
{
	size_t n = strlen(s->marker);
	int64_t host;

	if (strncmp(name, s->marker, n) != 0 || name[n] != '-' || !util_parse_int(name + n + 1, 0, (int64_t)s->hosts->len - 1, &host))
		return G_MAXUINT;
	return (guint)host;
}

static guint root_of(const guint *first, guint i)
{
	while (first[i] != i)
		i = first[i];
	return i;
}

static void unite(guint *first, guint a, guint b)
{
	guint one = root_of(first, a), other = root_of(first, b);

	first[MAX(one, other)] = MIN(one, other);
}

guint *survey_shared(const struct survey *s, guint folder)
{
	guint *first = g_new(guint, s->hosts->len);

	for (guint i = 0; i < s->hosts->len; i++) {
		const struct hv_folder *seen = survey_host(s, i)->folders[folder].seen;

		first[i] = seen && seen->exists ? i : G_MAXUINT;
	}
	for (guint i = 0; i < s->hosts->len; i++) {
		const struct hv_folder *seen = first[i] == G_MAXUINT ? NULL : survey_host(s, i)->folders[folder].seen;

		for (guint k = 0; seen && k < seen->markers->len; k++) {
			guint other = owner_of(s, ((const struct hv_marker *)g_ptr_array_index(seen->markers, k))->name);

			if (other != G_MAXUINT && first[other] != G_MAXUINT)
				unite(first, i, other);
		}
	}
	for (guint i = 0; i < s->hosts->len; i++)
		if (first[i] != G_MAXUINT)
			first[i] = root_of(first, i);
	return first;
}
