/* SPDX-License-Identifier: Apache-2.0 */
#include "api/identity/catalog.h"

#include <string.h>

#include "api/identity/view.h"

static const struct {
	const char *type, *name, *path, *id;
} services[] = {
	{ "compute",  "nova",     "/v2.1",        "c0000000000000000000000000000001" },
	{ "identity", "keystone", "/identity/v3", "c0000000000000000000000000000002" },
	{ "image",    "glance",   "/image",       "c0000000000000000000000000000003" },
	{ "network",  "neutron",  "/network",     "c0000000000000000000000000000004" },
	{ "baremetal", "ironic",  "/baremetal",   "c0000000000000000000000000000005" },
};

/* Bare Metal's nodes are the hosts with a fence agent: without any it is absent. */
static size_t n_services(const struct api_req *r)
{
	return G_N_ELEMENTS(services) - !api_conf(r)->fences;
}

static const char *const interfaces[] = { "public", "internal", "admin" };

/* The same each time: service and interface are in its last digits. */
static void endpoint_id(char out[static 33], size_t service, size_t interface)
{
	g_snprintf(out, 33, "e%029zu%zu%zu", (size_t)0, service + 1, interface + 1);
}

static void write_endpoint(struct jout *o, const struct api_req *r, size_t service, size_t interface, bool whole)
{
	g_autofree char *url = g_strconcat(r->base_url, services[service].path, NULL);
	char id[33];

	endpoint_id(id, service, interface);
	jout_open(o, '{');
	jout_kv(o, "id", str, id);
	jout_kv(o, "interface", str, interfaces[interface]);
	jout_kv(o, "region", str, REGION);
	jout_kv(o, "region_id", str, REGION);
	jout_kv(o, "url", str, url);
	if (whole) {
		jout_kv(o, "enabled", bool, true);
		jout_kv(o, "service_id", str, services[service].id);
		identity_links(o, r, "endpoints", id);
	}
	jout_close(o, '}');
}

void catalog_write(struct jout *o, const struct api_req *r)
{
	jout_open(o, '[');
	for (size_t s = 0; s < n_services(r); s++) {
		jout_open(o, '{');
		jout_kv(o, "type", str, services[s].type);
		jout_kv(o, "name", str, services[s].name);
		jout_kv(o, "id", str, services[s].id);
		jout_key(o, "endpoints");
		jout_open(o, '[');
		for (size_t i = 0; i < G_N_ELEMENTS(interfaces); i++)
			write_endpoint(o, r, s, i, false);
		jout_close(o, ']');
		jout_close(o, '}');
	}
	jout_close(o, ']');
}

static void write_service(struct jout *o, const struct api_req *r, size_t s)
{
	jout_open(o, '{');
	jout_kv(o, "id", str, services[s].id);
	jout_kv(o, "type", str, services[s].type);
	jout_kv(o, "name", str, services[s].name);
	jout_kv(o, "enabled", bool, true);
	identity_links(o, r, "services", services[s].id);
	jout_close(o, '}');
}

static void list_services(struct api_req *r)
{
	struct jout o;
	GString *s = identity_list(&o, r, "services");

	for (size_t i = 0; i < n_services(r); i++)
		if (identity_asked(r, "type", services[i].type) && identity_asked(r, "name", services[i].name))
			write_service(&o, r, i);
	identity_list_reply(&o, r, s);
}

static void show_service(struct api_req *r)
{
	for (size_t i = 0; i < n_services(r); i++) {
		struct jout o;
		GString *s;

		if (strcmp(r->param[0], services[i].id) != 0)
			continue;
		s = identity_one(&o, r, "service");
		write_service(&o, r, i);
		identity_one_reply(&o, r, 200, s);
		return;
	}
	api_fail_new(r, ERR_NOT_FOUND, "Could not find service: %s.", r->param[0]);
}

static void list_endpoints(struct api_req *r)
{
	struct jout o;
	GString *s = identity_list(&o, r, "endpoints");

	for (size_t i = 0; i < n_services(r); i++)
		for (size_t k = 0; k < G_N_ELEMENTS(interfaces); k++)
			if (identity_asked(r, "service_id", services[i].id) && identity_asked(r, "interface", interfaces[k]) &&
			    identity_asked(r, "region_id", REGION))
				write_endpoint(&o, r, i, k, true);
	identity_list_reply(&o, r, s);
}

static void show_endpoint(struct api_req *r)
{
	for (size_t i = 0; i < n_services(r) * G_N_ELEMENTS(interfaces); i++) {
		size_t service = i / G_N_ELEMENTS(interfaces), interface = i % G_N_ELEMENTS(interfaces);
		struct jout o;
		GString *s;
		char id[33];

		endpoint_id(id, service, interface);
		if (strcmp(r->param[0], id) != 0)
			continue;
		s = identity_one(&o, r, "endpoint");
		write_endpoint(&o, r, service, interface, true);
		identity_one_reply(&o, r, 200, s);
		return;
	}
	api_fail_new(r, ERR_NOT_FOUND, "Could not find endpoint: %s.", r->param[0]);
}

static void write_region(struct jout *o, const struct api_req *r)
{
	jout_open(o, '{');
	jout_kv(o, "id", str, REGION);
	jout_kv(o, "description", str, "");
	jout_kv(o, "parent_region_id", str, NULL);
	identity_links(o, r, "regions", REGION);
	jout_close(o, '}');
}

static void list_regions(struct api_req *r)
{
	struct jout o;
	GString *s = identity_list(&o, r, "regions");

	write_region(&o, r);
	identity_list_reply(&o, r, s);
}

static void show_region(struct api_req *r)
{
	struct jout o;
	GString *s;

	if (strcmp(r->param[0], REGION) != 0) {
		api_fail_new(r, ERR_NOT_FOUND, "Could not find region: %s.", r->param[0]);
		return;
	}
	s = identity_one(&o, r, "region");
	write_region(&o, r);
	identity_one_reply(&o, r, 200, s);
}

static void show_catalog(struct api_req *r)
{
	GString *s = g_string_new(NULL);
	struct jout o;

	jout_init(&o, s, r->mv);
	jout_open(&o, '{');
	jout_key(&o, "catalog");
	catalog_write(&o, r);
	identity_links(&o, r, "auth", "catalog");
	jout_close(&o, '}');
	api_reply_json(r, 200, s);
}

static const struct route routes[] = {
	{ "GET", "/identity/v3/auth/catalog",   "identity:get_auth_catalog", show_catalog },
	{ "GET", "/identity/v3/services",       "identity:list_services",    list_services },
	{ "GET", "/identity/v3/services/{id}",  "identity:get_service",      show_service },
	{ "GET", "/identity/v3/endpoints",      "identity:list_endpoints",   list_endpoints },
	{ "GET", "/identity/v3/endpoints/{id}", "identity:get_endpoint",     show_endpoint },
	{ "GET", "/identity/v3/regions",        "identity:list_regions",     list_regions },
	{ "GET", "/identity/v3/regions/{id}",   "identity:get_region",       show_region },
};
const struct route_table catalog_routes = { routes, G_N_ELEMENTS(routes) };
