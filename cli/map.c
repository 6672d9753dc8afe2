/* SPDX-License-Identifier: Apache-2.0 */
#include "map.h"

#include <string.h>

#include "base/json.h"
#include "render.h"

#define SHAPE "{\"HOST\": [\"SERVER\", ...], ...}"

/* Reads text that jansson has found to be JSON: no character is missing here. */
struct reader {
	const char *p, *end;
	struct map_place at;
	struct map *map;
	GHashTable *placed;  /* of the form with a version: server -> its entry */
};

static void free_entry(void *p)
{
	struct map_entry *e = p;

	g_free(e->host);
	g_free(e->server);
	g_free(e);
}

static void clear_mistake(void *p)
{
	g_free(((struct map_mistake *)p)->what);
}

void map_free(struct map *m)
{
	if (!m)
		return;
	g_ptr_array_unref(m->entries);
	g_ptr_array_unref(m->hosts);
	g_array_unref(m->mistakes);
	g_free(m);
}

void map_add_mistake(struct map *m, struct map_place at, const char *fmt, ...)
{
	struct map_mistake one = { .at = at };
	va_list ap;

	va_start(ap, fmt);
	one.what = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	g_array_append_val(m->mistakes, one);
}

/* ---- characters ---- */

static void step(struct reader *r)
{
	if (*r->p == '\n') {
		r->at.line++;
		r->at.col = 1;
	} else if (((unsigned char)r->p[0] & 0xc0) != 0x80) {
		r->at.col++;
	}
	r->p++;
}

static char peek(struct reader *r)
{
	while (r->p < r->end && strchr(" \t\r\n", *r->p))
		step(r);
	return r->p < r->end ? *r->p : '\0';
}

static void skip_string(struct reader *r)
{
	do {
		if (*r->p == '\\')
			step(r);
		step(r);
	} while (r->p < r->end && *r->p != '"');
	step(r);
}

/* A text. @ret_at: where it begins. Return: owned by the caller. */
static char *read_string(struct reader *r, struct map_place *ret_at)
{
	const char *begin = r->p;
	g_autoptr(json_t) v = NULL;

	*ret_at = r->at;
	skip_string(r);
	v = json_loadb(begin, (size_t)(r->p - begin), JSON_DECODE_ANY, NULL);
	return g_strdup(json_is_string(v) ? json_string_value(v) : "");
}

/* Any value. */
static void skip_value(struct reader *r)
{
	int depth = 0;

	do {
		char c = peek(r);

		if (c == '"') {
			skip_string(r);
			continue;
		}
		depth += (c == '{' || c == '[') - (c == '}' || c == ']');
		if (strchr("{[}],:", c)) {
			step(r);
			continue;
		}
		while (r->p < r->end && !strchr(",]} \t\r\n", *r->p))
			step(r);
	} while (depth > 0 && r->p < r->end);
}

/* Past a comma or the end of a list or an object. Return: another member follows. */
static bool more(struct reader *r)
{
	bool comma = peek(r) == ',';

	step(r);
	return comma;
}

/* ---- maps ---- */

static struct map_entry *find_host(const struct map *m, const char *name)
{
	for (guint i = 0; i < m->hosts->len; i++) {
		struct map_entry *h = m->hosts->pdata[i];

		if (strcmp(h->host, name) == 0)
			return h;
	}
	return NULL;
}

/* The host's own row; its index counts its servers. */
static struct map_entry *add_host(struct map *m, const char *name, struct map_place at)
{
	struct map_entry *h = find_host(m, name);

	if (h)
		return h;
	h = g_new0(struct map_entry, 1);
	h->host = g_strdup(name);
	h->at = h->host_at = at;
	g_ptr_array_add(m->hosts, h);
	return h;
}

static struct map_entry *add_entry(struct map *m, struct map_entry *host, const char *server, struct map_place at)
{
	struct map_entry *e = g_new0(struct map_entry, 1);

	e->host = g_strdup(host->host);
	e->server = g_strdup(server);
	e->index = host->index++;
	e->at = at;
	e->host_at = host->at;
	g_ptr_array_add(m->entries, e);
	return e;
}

static void read_server(struct reader *r, struct map_entry *host)
{
	struct map_place at = r->at;
	g_autofree char *name = NULL;

	if (peek(r) != '"') {
		map_add_mistake(r->map, r->at, "a server is named by a text, in quotes");
		skip_value(r);
		return;
	}
	name = read_string(r, &at);
	if (*name)
		add_entry(r->map, host, name, at);
	else
		map_add_mistake(r->map, at, "the name of a server is empty");
}

/* "compute001": ["web1", ...] */
static void read_host(struct reader *r, const char *name, struct map_place at)
{
	struct map_entry *host = find_host(r->map, name);

	if (!*name)
		map_add_mistake(r->map, at, "the name of a host is empty");
	if (host)
		map_add_mistake(r->map, at, "host \"%s\" stands here a second time; the first is in line %u", name, host->at.line);
	host = add_host(r->map, name, at);
	if (peek(r) != '[') {
		map_add_mistake(r->map, r->at, "the servers of host \"%s\" are a list: [\"SERVER\", ...]", name);
		skip_value(r);
		return;
	}
	step(r);
	if (peek(r) == ']') {
		step(r);
		return;
	}
	do {
		(void)peek(r);
		read_server(r, host);
	} while (more(r));
}

/* "web1": "compute001" */
static void read_placed(struct reader *r, const char *server, struct map_place at)
{
	struct map_place host_at;
	g_autofree char *host = NULL;
	const struct map_entry *before = g_hash_table_lookup(r->placed, server);

	if (before) {
		map_add_mistake(r->map, at, "server \"%s\" stands here a second time; the first is in line %u", server, before->at.line);
		skip_value(r);
		return;
	}
	if (peek(r) != '"') {
		map_add_mistake(r->map, r->at, "the host of server \"%s\" is named by a text, in quotes", server);
		skip_value(r);
		return;
	}
	host = read_string(r, &host_at);
	if (!*server || !*host)
		map_add_mistake(r->map, *server ? host_at : at, "the name of a %s is empty", *server ? "host" : "server");
	else
		g_hash_table_insert(r->placed, g_strdup(server), add_entry(r->map, add_host(r->map, host, host_at), server, at));
}

typedef void member_f(struct reader *r, const char *name, struct map_place at);

/* An object; the reader stands at its brace. */
static void read_object(struct reader *r, member_f *fn)
{
	step(r);
	if (peek(r) == '}') {
		step(r);
		return;
	}
	do {
		struct map_place at;
		g_autofree char *name = NULL;

		(void)peek(r);
		name = read_string(r, &at);
		(void)peek(r);
		step(r); /* the colon */
		(void)peek(r);
		fn(r, name, at);
	} while (more(r));
}

/* A member of the form with a version. */
static void read_part(struct reader *r, const char *name, struct map_place at)
{
	struct map_place value_at = r->at;
	g_autofree char *word = NULL;

	if (strcmp(name, "servers") == 0 && *r->p == '{') {
		read_object(r, read_placed);
		return;
	}
	if (strcmp(name, "rest") == 0 && *r->p == '"') {
		word = read_string(r, &value_at);
		r->map->anywhere = strcmp(word, "anywhere") == 0;
		if (!r->map->anywhere && strcmp(word, "leave") != 0)
			map_add_mistake(r->map, value_at, "\"rest\" is \"leave\": servers that are not named stay, or \"anywhere\": they may make room");
		return;
	}
	if (strcmp(name, "version") != 0)
		map_add_mistake(r->map, at, "a map with a \"version\" has \"servers\": {\"SERVER\": \"HOST\", ...} and \"rest\": \"leave\" or \"anywhere\"; not this \"%s\"", name);
	else if (*r->p != '1' || strchr("0123456789.eE", r->p[1]))
		map_add_mistake(r->map, r->at, "the version of the map is not 1");
	skip_value(r);
}

static void read_map(struct reader *r, const json_t *root)
{
	if (!json_is_object(root))
		map_add_mistake(r->map, r->at, "a host map is an object: " SHAPE);
	else if (json_is_integer(json_object_get(root, "version")))
		read_object(r, read_part);
	else
		read_object(r, read_host);
}

/* What jansson says, without what it says of itself. */
static void not_json(struct map *m, const char *text, const json_error_t *e)
{
	struct map_place at = { .line = e->line > 0 ? (unsigned)e->line : 1, .col = e->column > 0 ? (unsigned)e->column : 1 };

	map_add_mistake(m, at, "not JSON: %s%s", e->text, *text ? "" : "; the file is empty");
}

struct map *map_parse(const char *text, size_t len)
{
	struct map *m = g_new0(struct map, 1);
	struct reader r = { .at = { 1, 1 }, .map = m };
	g_autoptr(json_t) root = NULL;
	json_error_t e;

	m->entries = g_ptr_array_new_with_free_func(free_entry);
	m->hosts = g_ptr_array_new_with_free_func(free_entry);
	m->mistakes = g_array_new(FALSE, FALSE, sizeof(struct map_mistake));
	g_array_set_clear_func(m->mistakes, clear_mistake);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* some editors begin files by it */
		text += 3;
		len -= 3;
	}
	root = json_loadb(text, len, 0, &e);
	r.placed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	r.p = text;
	r.end = text + len;
	(void)peek(&r);
	if (root)
		read_map(&r, root);
	else
		not_json(m, len ? text : "", &e);
	g_hash_table_unref(r.placed);
	return m;
}

/* ---- what comes out ---- */

static int by_place(const void *a, const void *b)
{
	const struct map_place *x = &((const struct map_mistake *)a)->at, *y = &((const struct map_mistake *)b)->at;

	return x->line != y->line ? (x->line > y->line) - (x->line < y->line) : (x->col > y->col) - (x->col < y->col);
}

char *map_mistakes_text(struct map *m, const char *file)
{
	g_autofree char *name = render_safe(file, false);
	GString *s = g_string_new(NULL);

	g_array_sort(m->mistakes, by_place);
	for (guint i = 0; i < m->mistakes->len; i++) {
		const struct map_mistake *one = &g_array_index(m->mistakes, struct map_mistake, i);
		g_autofree char *what = render_safe(one->what, false);

		g_string_append_printf(s, "%s:%u:%u: %s\n", name, one->at.line, one->at.col, what);
	}
	return g_string_free(s, FALSE);
}

json_t *map_json(const struct map *m)
{
	json_t *out = json_object();

	for (guint i = 0; i < m->hosts->len; i++)
		json_object_set_new(out, ((struct map_entry *)m->hosts->pdata[i])->host, json_array());
	for (guint i = 0; i < m->entries->len; i++) {
		const struct map_entry *e = m->entries->pdata[i];

		json_array_append_new(json_object_get(out, e->host), json_string(e->server));
	}
	return out;
}

struct map_place map_place_of(const struct map *m, const char *where)
{
	for (guint i = 0; i < m->entries->len; i++) {
		const struct map_entry *e = m->entries->pdata[i];
		g_autofree char *name = g_strdup_printf("map.%s[%u]", e->host, e->index);

		if (strcmp(name, where) == 0)
			return e->at;
	}
	for (guint i = 0; i < m->hosts->len; i++) {
		const struct map_entry *h = m->hosts->pdata[i];

		if (g_str_has_prefix(where, "map.") && strcmp(where + strlen("map."), h->host) == 0)
			return h->at;
	}
	return (struct map_place){ 1, 1 };
}
