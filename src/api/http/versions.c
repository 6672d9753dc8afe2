/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/versions.h"

#include "api/http/handler.h"

static void links(struct jout *o, const struct api_req *r, const char *path, bool described)
{
	g_autofree char *self = g_strconcat(r->base_url, path, NULL);

	jout_key(o, "links");
	jout_open(o, '[');
	jout_open(o, '{');
	jout_kv(o, "rel", str, "self");
	jout_kv(o, "href", str, self);
	jout_close(o, '}');
	if (described) {
		jout_open(o, '{');
		jout_kv(o, "rel", str, "describedby");
		jout_kv(o, "type", str, "text/html");
		jout_kv(o, "href", str, "http://docs.openstack.org/");
		jout_close(o, '}');
	}
	jout_close(o, ']');
}

static void media_types(struct jout *o, const char *type)
{
	jout_key(o, "media-types");
	jout_open(o, '[');
	jout_open(o, '{');
	jout_kv(o, "base", str, "application/json");
	jout_kv(o, "type", str, type);
	jout_close(o, '}');
	jout_close(o, ']');
}

static GString *begin(struct jout *o, struct api_req *r)
{
	GString *s = g_string_new(NULL);

	jout_init(o, s, r->mv);
	jout_open(o, '{');
	return s;
}

static void end(struct jout *o, struct api_req *r, int status, GString *s)
{
	jout_close(o, '}');
	api_reply_json(r, status, s);
}

static void write_compute(struct jout *o, const struct api_req *r, bool whole)
{
	char max[8];

	g_snprintf(max, sizeof max, "2.%d", API_MV_MAX);
	jout_open(o, '{');
	jout_kv(o, "id", str, "v2.1");
	jout_kv(o, "status", str, "CURRENT");
	jout_kv(o, "version", str, max);
	jout_kv(o, "min_version", str, "2.1");
	jout_kv(o, "updated", str, "2013-07-23T11:33:21Z");
	links(o, r, "/v2.1/", whole);
	if (whole)
		media_types(o, "application/vnd.openstack.compute+json;version=2.1");
	jout_close(o, '}');
}

static void root(struct api_req *r)
{
	struct jout o;
	GString *s = begin(&o, r);

	jout_key(&o, "versions");
	jout_open(&o, '[');
	write_compute(&o, r, false);
	jout_close(&o, ']');
	end(&o, r, 200, s);
}

static void compute(struct api_req *r)
{
	struct jout o;
	GString *s = begin(&o, r);

	jout_key(&o, "version");
	write_compute(&o, r, true);
	end(&o, r, 200, s);
}

static void write_identity(struct jout *o, const struct api_req *r)
{
	jout_open(o, '{');
	jout_kv(o, "id", str, "v3.14");
	jout_kv(o, "status", str, "stable");
	jout_kv(o, "updated", str, "2020-04-07T00:00:00Z");
	links(o, r, "/identity/v3/", false);
	media_types(o, "application/vnd.openstack.identity-v3+json");
	jout_close(o, '}');
}

static void identity_root(struct api_req *r)
{
	struct jout o;
	GString *s = begin(&o, r);

	jout_key(&o, "versions");
	jout_open(&o, '{');
	jout_key(&o, "values");
	jout_open(&o, '[');
	write_identity(&o, r);
	jout_close(&o, ']');
	jout_close(&o, '}');
	end(&o, r, 300, s);
}

static void identity(struct api_req *r)
{
	struct jout o;
	GString *s = begin(&o, r);

	jout_key(&o, "version");
	write_identity(&o, r);
	end(&o, r, 200, s);
}

static void one_version(struct api_req *r, int status, const char *id, const char *path)
{
	struct jout o;
	GString *s = begin(&o, r);

	jout_key(&o, "versions");
	jout_open(&o, '[');
	jout_open(&o, '{');
	jout_kv(&o, "id", str, id);
	jout_kv(&o, "status", str, "CURRENT");
	links(&o, r, path, false);
	jout_close(&o, '}');
	jout_close(&o, ']');
	end(&o, r, status, s);
}

static void image_root(struct api_req *r)
{
	one_version(r, 300, "v2.0", "/image/v2/");
}

static void image_versions(struct api_req *r)
{
	one_version(r, 200, "v2.0", "/image/v2/");
}

static void network_root(struct api_req *r)
{
	one_version(r, 200, "v2.0", "/network/v2.0/");
}

static void network(struct api_req *r)
{
	struct jout o;
	GString *s = begin(&o, r);

	jout_kv(&o, "resources", raw, "[]");
	end(&o, r, 200, s);
}

static const struct route routes[] = {
	{ "GET", "/",               "drover:versions", root },
	{ "GET", "/v2.1",           "drover:versions", compute },
	{ "GET", "/identity",       "drover:versions", identity_root },
	{ "GET", "/identity/v3",    "drover:versions", identity },
	{ "GET", "/image",          "drover:versions", image_root },
	{ "GET", "/image/versions", "drover:versions", image_versions },
	{ "GET", "/network",        "drover:versions", network_root },
	{ "GET", "/network/v2.0",   "drover:versions", network },
};
const struct route_table versions_routes = { routes, G_N_ELEMENTS(routes) };
