/* SPDX-License-Identifier: Apache-2.0
 *
 * flavors: GET /flavors, /flavors/detail, /flavors/{id} and what hangs on one.
 */
#include "api/compute/compute.h"

#include <string.h>

#include "api/http/view.h"
#include "fleet/flavor.h"

/* Return: false after the request was answered with 404. */
static bool find(struct api_req *r, struct flavor *ret)
{
	if (flavor_find(api_fleet(r), r->param[0], ret))
		return true;
	api_fail_new(r, ERR_NOT_FOUND, "Flavor %s could not be found.", r->param[0]);
	return false;
}

/* ---- one flavor as an answer ---- */

static void put_id(struct jout *o, const void *obj)
{
	jout_str(o, ((const struct flavor *)obj)->id);
}

#define FIELD(member) offsetof(struct flavor, member)

static const struct json_field brief[] = {
	{ "id",          JSON_EMIT,  .emit = put_id },
	{ "name",        JSON_EMIT,  .emit = put_id },
	{ "description", JSON_CONST, .since = 55, .text = "null" },
};

static const struct json_field full[] = {
	{ "ram",                        JSON_INT64, FIELD(memory_mb) },
	{ "disk",                       JSON_INT64, FIELD(disk_gb) },
	{ "vcpus",                      JSON_INT,   FIELD(vcpus) },
	{ "swap",                       JSON_CONST, .until = 74, .text = "\"\"" },
	{ "swap",                       JSON_CONST, .since = 75, .text = "0" },
	{ "rxtx_factor",                JSON_CONST, .text = "1.0" },
	{ "OS-FLV-EXT-DATA:ephemeral",  JSON_CONST, .text = "0" },
	{ "OS-FLV-DISABLED:disabled",   JSON_CONST, .text = "false" },
	{ "os-flavor-access:is_public", JSON_CONST, .text = "true" },
	{ "extra_specs",                JSON_CONST, .since = 61, .text = "{}" },
};

static void put(struct jout *o, const struct api_req *r, const struct flavor *f, bool detail)
{
	jout_open(o, '{');
	jout_fields(o, brief, G_N_ELEMENTS(brief), f);
	if (detail)
		jout_fields(o, full, G_N_ELEMENTS(full), f);
	view_links(o, r, "flavors", f->id);
	jout_close(o, '}');
}

/* ---- order ---- */

typedef int compare_f(const struct flavor *a, const struct flavor *b);

static int by_id(const struct flavor *a, const struct flavor *b)
{
	return strcmp(a->id, b->id);
}

static int by_memory(const struct flavor *a, const struct flavor *b)
{
	return (a->memory_mb > b->memory_mb) - (a->memory_mb < b->memory_mb);
}

static int by_disk(const struct flavor *a, const struct flavor *b)
{
	return (a->disk_gb > b->disk_gb) - (a->disk_gb < b->disk_gb);
}

static int by_vcpus(const struct flavor *a, const struct flavor *b)
{
	return a->vcpus - b->vcpus;
}

/* Nova's names; a key without a function is the same for every flavor here. */
static const struct {
	const char *name;
	compare_f *compare;
} sort_table[] = {
	{ "flavorid", by_id }, { "id", by_id }, { "name", by_id }, { "memory_mb", by_memory }, { "root_gb", by_disk }, { "vcpus", by_vcpus },
	{ "created_at" }, { "updated_at" }, { "ephemeral_gb" }, { "swap" }, { "rxtx_factor" }, { "vcpu_weight" }, { "disabled" },
	{ "is_public" }, { "description" },
};

struct order {
	compare_f *compare;
	bool down;
};

static int compare(gconstpointer a, gconstpointer b, gpointer user)
{
	const struct flavor *x = *(const struct flavor *const *)a, *y = *(const struct flavor *const *)b;
	const struct order *order = user;
	int c = order->compare ? order->compare(x, y) : 0;

	if (c == 0)
		c = by_id(x, y);
	return order->down ? -c : c;
}

static bool parse_order(const struct api_req *r, struct order *ret, GError **err)
{
	const char *key = api_query(r, "sort_key"), *dir = api_query(r, "sort_dir");
	size_t i = 0;

	if (dir && strcmp(dir, "asc") != 0 && strcmp(dir, "desc") != 0) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Unknown sort direction, must be 'desc' or 'asc'");
		return false;
	}
	while (key && i < G_N_ELEMENTS(sort_table) && strcmp(sort_table[i].name, key) != 0)
		i++;
	if (i == G_N_ELEMENTS(sort_table)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for query parameters sort_key. Value: %.60s. '%.60s' is not a sort key",
			    key, key);
		return false;
	}
	*ret = (struct order){ sort_table[i].compare, dir && *dir == 'd' };
	return true;
}

/* ---- lists ---- */

struct ask {
	int64_t min_ram, min_disk;
	bool none; /* asks for flavors that are not public: there are none */
	struct order order;
	struct api_page page;
};

static bool parse_min(const struct api_req *r, const char *name, const char *wrong, int64_t *ret, GError **err)
{
	const char *text = api_query(r, name);

	*ret = 0;
	if (!text || util_parse_int(text, 0, G_MAXINT64, ret))
		return true;
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid %s filter [%.60s]", wrong, text);
	return false;
}

/* is_public: a truth value or "none" for both kinds; only administrators choose. */
static bool parse_public(const struct api_req *r, bool *ret_none, GError **err)
{
	const char *text = api_query(r, "is_public");
	bool public = true;

	*ret_none = false;
	if (!r->auth->admin || !text || g_ascii_strcasecmp(text, "none") == 0)
		return true;
	if (!api_query_bool(r, "is_public", true, &public, NULL)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid is_public filter [%.60s]", text);
		return false;
	}
	*ret_none = !public;
	return true;
}

static bool parse(const struct api_req *r, struct ask *a, GError **err)
{
	static const char *const known[] = { "limit", "marker", "is_public", "minRam", "minDisk", "sort_key", "sort_dir", NULL };

	return (r->mv < 75 || view_only_query(r, known, err)) && parse_min(r, "minRam", "min_ram", &a->min_ram, err) &&
	       parse_min(r, "minDisk", "minDisk", &a->min_disk, err) && parse_public(r, &a->none, err) &&
	       parse_order(r, &a->order, err) && api_page(r, &a->page, err);
}

static gboolean has_id(gconstpointer f, gconstpointer id)
{
	return strcmp(((const struct flavor *)f)->id, id) == 0;
}

static bool start_of(GPtrArray *flavors, const char *marker, guint *ret, GError **err)
{
	*ret = 0;
	if (!marker)
		return true;
	if (!g_ptr_array_find_with_equal_func(flavors, marker, has_id, ret)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "marker [%.60s] not found", marker);
		return false;
	}
	++*ret;
	return true;
}

static void list(struct api_req *r, bool detail)
{
	GError *err = NULL;
	g_autoptr(GPtrArray) flavors = flavor_all(api_fleet(r));
	const struct flavor *last = NULL;
	struct ask a;
	struct jout o;
	guint i = 0, n = 0;
	bool ok = parse(r, &a, &err);

	if (ok) {
		g_ptr_array_sort_with_data(flavors, compare, &a.order);
		ok = start_of(flavors, a.page.marker, &i, &err);
	}
	if (!ok) {
		api_fail(r, err);
		return;
	}
	view_open(&o, r, 128 + flavors->len * 400);
	jout_key(&o, "flavors");
	jout_open(&o, '[');
	for (; i < flavors->len && n < (guint)a.page.limit && !a.none; i++) {
		const struct flavor *f = g_ptr_array_index(flavors, i);

		if (f->memory_mb < a.min_ram || f->disk_gb < a.min_disk)
			continue;
		put(&o, r, f, detail);
		last = f;
		n++;
	}
	jout_close(&o, ']');
	if (last && n == (guint)a.page.limit)
		api_next_link(&o, r, "flavors", last->id);
	view_close(&o, r, 200);
}

static void list_brief(struct api_req *r)
{
	list(r, false);
}

static void list_full(struct api_req *r)
{
	list(r, true);
}

static void show(struct api_req *r)
{
	struct flavor f;
	struct jout o;

	if (!find(r, &f))
		return;
	view_open(&o, r, 600);
	jout_key(&o, "flavor");
	put(&o, r, &f, true);
	view_close(&o, r, 200);
}

static void extra_specs(struct api_req *r)
{
	struct flavor f;
	struct jout o;

	if (!find(r, &f))
		return;
	view_open(&o, r, 32);
	jout_kv(&o, "extra_specs", raw, "{}");
	view_close(&o, r, 200);
}

static void extra_spec(struct api_req *r)
{
	struct flavor f;

	if (find(r, &f))
		api_fail_new(r, ERR_NOT_FOUND, "Flavor %s has no extra specs with key %s.", f.id, r->param[1]);
}

static void access_list(struct api_req *r)
{
	struct flavor f;

	if (find(r, &f))
		api_fail_new(r, ERR_NOT_FOUND, "Access list not available for public flavors.");
}

static const struct route routes[] = {
	{ "GET", "/v2.1/flavors",                         "os_compute_api:flavors:index",               list_brief },
	{ "GET", "/v2.1/flavors/detail",                  "os_compute_api:flavors:detail",              list_full },
	{ "GET", "/v2.1/flavors/{id}",                    "os_compute_api:flavors:show",                show },
	{ "GET", "/v2.1/flavors/{id}/os-extra_specs",     "os_compute_api:os-flavor-extra-specs:index", extra_specs },
	{ "GET", "/v2.1/flavors/{id}/os-extra_specs/{k}", "os_compute_api:os-flavor-extra-specs:show",  extra_spec },
	{ "GET", "/v2.1/flavors/{id}/os-flavor-access",   "os_compute_api:os-flavor-access",            access_list },
};
const struct route_table flavors_routes = { routes, G_N_ELEMENTS(routes) };
