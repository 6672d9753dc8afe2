/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /drover/v1/config: what the daemon runs with, for people: each option with its default, without passwords, where its records are, and until when
 * the certificates that it shows are good. Options of hosts are the hosts' (GET /drover/v1/hosts).
 */
#include "api/drover/drover.h"
#include "api/http/http.h"
#include "api/http/view.h"
#include "base/conf.h"
#include "console/console.h"

static void put_one(struct jout *o, const struct conf_option *option, const char *value, const char *fallback)
{
	jout_open(o, '{');
	jout_kv(o, "section", str, option->section);
	jout_kv(o, "name", str, option->name);
	jout_kv(o, "value", str, value);
	jout_kv(o, "default", str, fallback);
	jout_kv(o, "changed", bool, g_strcmp0(value, fallback) != 0);
	jout_kv(o, "at_run_time", bool, option->mutable);
	jout_kv(o, "help", str, option->help);
	jout_close(o, '}');
}

/* What is said of an option's default would read the same in many ways ("4.0", "4"): it is read as the file is. */
static void put_options(struct jout *o, const struct conf *c)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	struct conf *plain = conf_parse("", 0, "-", mistakes);
	struct conf_option option;

	jout_key(o, "options");
	jout_open(o, '[');
	for (size_t i = 0; conf_option(i, &option) && !g_str_has_prefix(option.section, "host "); i++) {
		g_autofree char *value = conf_value(c, i), *fallback = conf_value(plain, i);

		put_one(o, &option, value, fallback);
	}
	jout_close(o, ']');
	conf_free(plain);
}

static void put_certificate(struct jout *o, const char *of, const char *file, int64_t ends_us)
{
	if (!ends_us)
		return;
	jout_open(o, '{');
	jout_kv(o, "of", str, of);
	jout_kv(o, "file", str, file);
	jout_kv(o, "ends_at", time_us, ends_us);
	jout_close(o, '}');
}

/* Where the records are. A schema that cannot be read now is null. */
static void put_store(struct jout *o, struct store *s)
{
	int64_t schema;
	bool known = store_number(s, Q_SCHEMA_VERSION, STORE_NO_ARGS, &schema, NULL);

	jout_key(o, "store");
	jout_open(o, '{');
	jout_kv(o, "kind", str, store_kind(s));
	jout_key(o, "schema");
	jout_int_if(o, known, known ? schema : 0);
	jout_close(o, '}');
}

static void config(struct api_req *r)
{
	static const char *const known[] = { NULL };
	const struct conf *c = api_conf(r);
	GError *err = NULL;
	struct jout o;

	if (!view_only_query(r, known, &err)) {
		api_fail(r, err);
		return;
	}
	view_open(&o, r, 32768);
	jout_key(&o, "config");
	jout_open(&o, '{');
	put_options(&o, c);
	put_store(&o, api_store(r));
	jout_key(&o, "certificates");
	jout_open(&o, '[');
	put_certificate(&o, "api", c->ssl_cert_file, http_cert_ends_us(r->api));
	put_certificate(&o, "consoles", c->console_cert, consoles_cert_ends_us(api_consoles(r)));
	jout_close(&o, ']');
	jout_close(&o, '}');
	view_close(&o, r, 200);
}

static const struct route routes[] = {
	{ "GET", "/drover/v1/config", "drover:config:show", config },
};
const struct route_table config_routes = { routes, G_N_ELEMENTS(routes) };
