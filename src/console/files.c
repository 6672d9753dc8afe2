/* SPDX-License-Identifier: Apache-2.0 */
#include "console/files.h"

#include <string.h>

#include "base/log.h"

#define DEPTH_MAX 6
#define FILES_MAX 500
#define BYTES_MAX (16 * 1024 * 1024)

struct files {
	GHashTable *all; /* path -> struct file *, both owned */
	size_t bytes;
};

static const char page_html[] =
#include "console/console.html.inc"
	;
static const char page_js[] =
#include "console/console.js.inc"
	;
static const char again_js[] =
#include "console/again.js.inc"
	;
static const char screen_js[] =
#include "console/screen.js.inc"
	;

#define SAFE "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-cache\r\n"
/* The token is in the address: no other site is asked, and no script but ours and noVNC's runs. */
#define POLICY "Content-Security-Policy: default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' ws: wss:\r\n"

/* What is served of a folder, by its name's end; nothing else is. */
static const struct {
	const char *suffix, *fields;
} types[] = {
	{ ".html",  "Content-Type: text/html; charset=utf-8\r\n" SAFE },
	{ ".js",    "Content-Type: text/javascript; charset=utf-8\r\n" SAFE },
	{ ".json",  "Content-Type: application/json\r\n" SAFE },
	{ ".css",   "Content-Type: text/css; charset=utf-8\r\n" SAFE },
	{ ".svg",   "Content-Type: image/svg+xml\r\n" SAFE },
	{ ".png",   "Content-Type: image/png\r\n" SAFE },
	{ ".ico",   "Content-Type: image/x-icon\r\n" SAFE },
	{ ".mp3",   "Content-Type: audio/mpeg\r\n" SAFE },
	{ ".oga",   "Content-Type: audio/ogg\r\n" SAFE },
	{ ".ttf",   "Content-Type: font/ttf\r\n" SAFE },
	{ ".woff",  "Content-Type: font/woff\r\n" SAFE },
};

static void file_free(void *p)
{
	struct file *f = p;

	g_bytes_unref(f->bytes);
	g_free(f);
}

static void put(struct files *f, const char *path, GBytes *bytes, const char *fields)
{
	struct file *x = g_new0(struct file, 1);

	x->bytes = bytes;
	x->fields = fields;
	g_hash_table_replace(f->all, g_strdup(path), x);
}

static void put_script(struct files *f, const char *path, const char *text, size_t len)
{
	put(f, path, g_bytes_new_static(text, len), "Content-Type: text/javascript; charset=utf-8\r\n" SAFE);
}

static const char *fields_of(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		if (g_str_has_suffix(name, types[i].suffix))
			return types[i].fields;
	return NULL;
}

static void read_file(struct files *f, const char *disk, const char *path)
{
	const char *fields = fields_of(path);
	char *data = NULL;
	gsize len = 0;

	if (!fields || g_hash_table_size(f->all) >= FILES_MAX || !g_file_get_contents(disk, &data, &len, NULL))
		return;
	f->bytes += len;
	if (f->bytes <= BYTES_MAX)
		put(f, path, g_bytes_new_take(data, len), fields);
	else
		g_free(data);
}

/* @at: "/core"; "" at the top */
static void read_folder(struct files *f, const char *disk, const char *at, int depth)
{
	g_autoptr(GDir) dir = depth < DEPTH_MAX ? g_dir_open(disk, 0, NULL) : NULL;
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *below = g_build_filename(disk, name, NULL), *path = g_strconcat(at, "/", name, NULL);

		if (*name == '.')
			continue;
		if (g_file_test(below, G_FILE_TEST_IS_DIR))
			read_folder(f, below, path, depth + 1);
		else
			read_file(f, below, path);
	}
}

struct files *files_new(const char *folder)
{
	struct files *f = g_new0(struct files, 1);

	f->all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, file_free);
	read_folder(f, folder, "", 0);
	if (!g_hash_table_contains(f->all, "/core/rfb.js"))
		log_warning("novnc_missing", LOG_S("folder", folder));
	put(f, FILES_PAGE, g_bytes_new_static(page_html, sizeof page_html - 1), "Content-Type: text/html; charset=utf-8\r\n" SAFE POLICY);
	put_script(f, "/console.js", page_js, sizeof page_js - 1);
	put_script(f, "/again.js", again_js, sizeof again_js - 1);
	put_script(f, "/screen.js", screen_js, sizeof screen_js - 1);
	return f;
}

void files_free(struct files *f)
{
	if (!f)
		return;
	g_hash_table_unref(f->all);
	g_free(f);
}

const struct file *files_find(const struct files *f, const char *path)
{
	return f ? g_hash_table_lookup(f->all, path) : NULL;
}
