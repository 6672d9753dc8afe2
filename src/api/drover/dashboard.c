/* SPDX-License-Identifier: Apache-2.0
 *
 * /dashboard: the page that shows a fleet in a browser. Its files are in the program, compressed by the build (dashboard/bundle.py); what it
 * shows it asks the API for. Every address below /dashboard is the page, which reads the rest of it, so that each view can be linked to.
 */
#include <string.h>

#include <gio/gio.h>

#include "api/drover/drover.h"
#include "console/console.h"

#define PIECE 16384
#define NOVNC "/dashboard/novnc"

static const struct file {
	const char *name, *type;
	const char *gz;
	size_t n;
} files[] = {
#include "dashboard.inc"
};

/* Nothing inline, nothing from elsewhere, no string that becomes markup but lit-html's own templates: names of guests are hostile text. */
#define POLICY_REST \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html"
#define POLICY "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " POLICY_REST
/* xterm.js writes style sheets, noVNC has pictures in its addresses, and both speak to the consoles' proxy. Scripts are as elsewhere. */
#define POLICY_CONSOLE "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self' %s %s; " POLICY_REST

static const char *const headers[][2] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Vary", "Accept-Encoding" },
};

/* For clients that take nothing compressed. Each file was compressed by the build, so this cannot fail. */
static GString *inflate(const struct file *f)
{
	g_autoptr(GInputStream) from = g_memory_input_stream_new_from_data(f->gz, (gssize)f->n, NULL);
	g_autoptr(GZlibDecompressor) gzip = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP);
	g_autoptr(GInputStream) in = g_converter_input_stream_new(from, G_CONVERTER(gzip));
	GString *out = g_string_new(NULL);
	gsize n;

	do {
		gsize at = out->len;

		g_string_set_size(out, at + PIECE);
		if (!g_input_stream_read_all(in, out->str + at, PIECE, &n, NULL, NULL))
			g_error("%s cannot be inflated", f->name);
		g_string_set_size(out, at + n);
	} while (n == PIECE);
	return out;
}

static const struct file *find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		if (strcmp(files[i].name, name) == 0)
			return &files[i];
	return NULL;
}

/* @cache: for how long browsers keep it */
static void put_headers(struct api_req *r, const char *cache)
{
	for (size_t i = 0; i < G_N_ELEMENTS(headers); i++)
		api_header(r, headers[i][0], headers[i][1]);
	if (g_str_has_prefix(r->base_url, "https://"))
		api_header(r, "Strict-Transport-Security", "max-age=31536000");
	api_header(r, "Cache-Control", cache);
}

static void reply(struct api_req *r, const struct file *f, const char *cache)
{
	put_headers(r, cache);
	api_header(r, "Content-Type", f->type);
	if (r->takes_gzip)
		api_header(r, "Content-Encoding", "gzip");
	api_reply_json(r, 200, r->takes_gzip ? g_string_new_len(f->gz, (gssize)f->n) : inflate(f));
}

static void page(struct api_req *r)
{
	api_header(r, "Content-Security-Policy", POLICY);
	reply(r, find("index.html"), "no-cache");
}

/* Their names change with what is in them. */
static void file(struct api_req *r)
{
	const struct file *f = find(r->param[0]);

	if (f)
		reply(r, f, "public, max-age=31536000, immutable");
	else
		api_fail_new(r, ERR_NOT_FOUND, "The dashboard has no file %.60s.", r->param[0]);
}

/* Alone in a window, with a policy of its own. */
static void console_page(struct api_req *r)
{
	g_autofree char *screens = consoles_sockets(api_consoles(r), CONSOLE_NOVNC), *lines = consoles_sockets(api_consoles(r), CONSOLE_SERIAL);
	g_autofree char *policy = g_strdup_printf(POLICY_CONSOLE, screens ? screens : "", lines ? lines : "");

	api_header(r, "Content-Security-Policy", policy);
	reply(r, find("console.html"), "no-cache");
}

/* noVNC's files, as the consoles' proxy has them: scripts alone, and none by any other path than its own. */
static void novnc(struct api_req *r)
{
	const char *path = strlen(r->path) > strlen(NOVNC) ? r->path + strlen(NOVNC) : "";
	GBytes *bytes = g_str_has_suffix(path, ".js") ? consoles_file(api_consoles(r), path) : NULL;
	gsize n = 0;
	const char *text = bytes ? g_bytes_get_data(bytes, &n) : NULL;

	if (!text) {
		api_fail_new(r, ERR_NOT_FOUND, "noVNC has no script %.60s here.", path);
		return;
	}
	put_headers(r, "no-cache");
	api_header(r, "Content-Type", "text/javascript; charset=utf-8");
	api_reply_json(r, 200, g_string_new_len(text, (gssize)n));
}

static const struct route routes[] = {
	{ "GET", "/dashboard",               "drover:dashboard", page },
	{ "GET", "/dashboard/{view}",        "drover:dashboard", page },
	{ "GET", "/dashboard/{view}/{id}",   "drover:dashboard", page },
	{ "GET", "/dashboard/static/{file}", "drover:dashboard", file },
	{ "GET", "/dashboard/console/{id}",  "drover:dashboard", console_page },
	{ "GET", NOVNC "/{file}",            "drover:dashboard", novnc },
	{ "GET", NOVNC "/{a}/{file}",        "drover:dashboard", novnc },
	{ "GET", NOVNC "/{a}/{b}/{file}",    "drover:dashboard", novnc },
	{ "GET", NOVNC "/vendor/pako/{a}/{b}/{file}", "drover:dashboard", novnc },
};
const struct route_table dashboard_routes = { routes, G_N_ELEMENTS(routes) };
