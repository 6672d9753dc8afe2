/* SPDX-License-Identifier: Apache-2.0
 *
 * D9: answers about all servers come in pieces, and the world may change between two of them.
 */
#include "api/http/slice.h"

#include <jansson.h>

#include "base/clock.h"
#include "compute_world.h"
#include "fleet/fleet_priv.h"

#define PIECES 3
#define MANY (SLICE_SERVERS * (PIECES - 1) + 1)

static struct world *many(void)
{
	struct world *w = world_new();

	world_add_servers(w, MANY);
	return w;
}

static json_t *parsed(const struct answer *a)
{
	json_t *root = json_loads(a->body, 0, NULL);

	g_assert_cmpint(a->status, ==, 200);
	g_assert_nonnull(root);
	return root;
}

/* Return: in how many turns of the loop it was answered. */
static unsigned turns(const struct answer *a)
{
	unsigned n = 0;

	while (!a->status && clock_step())
		n++;
	g_assert_cmpint(a->status, !=, 0);
	return n;
}

#define USAGE "/v2.1/os-simple-tenant-usage/" WORLD_ADMIN_PROJECT "?start=2020-01-01T00:00:00"

static size_t usages(const struct answer *a)
{
	json_t *root = parsed(a);
	size_t n = json_array_size(json_object_get(json_object_get(root, "tenant_usage"), "server_usages"));

	json_decref(root);
	return n;
}

/* Each server is counted once, in as many turns as there are pieces. */
static void test_usage(void)
{
	struct world *w = world_new();
	struct answer few, all;

	clock_advance_ms(2 * 3600 * 1000);
	world_begin(w, "GET", USAGE, 39, "admin", NULL, &few);
	g_assert_cmpuint(turns(&few), ==, 0);
	world_add_servers(w, MANY);
	world_begin(w, "GET", USAGE, 39, "admin", NULL, &all);
	g_assert_cmpuint(turns(&all), ==, PIECES - 1);
	g_assert_cmpuint(usages(&all), ==, usages(&few) + MANY);
	answer_clear(&few);
	answer_clear(&all);
	world_free(w);
}

static void test_not_there(void)
{
	struct world *w = many();
	struct answer a;

	world_begin(w, "GET", "/network/v2.0/ports/99999999-0000-4000-8000-000000000000", 1, "admin", NULL, &a);
	g_assert_cmpuint(turns(&a), ==, PIECES - 1);
	g_assert_cmpint(a.status, ==, 404);
	answer_clear(&a);
	world_free(w);
}

/* Some go between two pieces, one of them seen: none of the others is missed. */
static void test_gone_meanwhile(void)
{
	enum { GONE = 10 };
	struct world *w = many();
	struct answer all, some;

	clock_advance_ms(2 * 3600 * 1000);
	world_begin(w, "GET", USAGE, 39, "admin", NULL, &all);
	(void)turns(&all);
	world_begin(w, "GET", USAGE, 39, "admin", NULL, &some);
	for (int i = 0; i < GONE; i++)
		fleet_server_drop(w->fleet, g_ptr_array_index(fleet_servers(w->fleet), SLICE_SERVERS - 1));
	(void)turns(&some);
	g_assert_cmpuint(usages(&some), ==, usages(&all) - (GONE - 1));
	answer_clear(&all);
	answer_clear(&some);
	world_free(w);
}

/* ---- rows of servers (api/drover/server_rows.c) ---- */

static json_t *rows_at(struct world *w, const char *sort, int offset)
{
	g_autofree char *target = g_strdup_printf("/drover/v1/servers?fields=name&sort=%s&limit=970&offset=%d", sort, offset);
	struct answer a;
	json_t *root;

	world_begin(w, "GET", target, 1, "admin", NULL, &a);
	(void)turns(&a);
	root = parsed(&a);
	answer_clear(&a);
	return root;
}

static const char *id_at(json_t *rows, size_t i)
{
	return json_string_value(json_object_get(json_array_get(json_object_get(rows, "servers"), i), "id"));
}

static void check_rows(struct world *w)
{
	static const char *const sorts[] = { "name", "-name", "vcpus", "-created_at", "status" };

	for (size_t k = 0; k < G_N_ELEMENTS(sorts); k++) {
		g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		int total = 1;

		for (int offset = 0; offset < total; offset += 970) {
			json_t *rows = rows_at(w, sorts[k], offset);

			total = (int)json_integer_value(json_object_get(rows, "total"));
			for (size_t i = 0; id_at(rows, i); i++)
				g_assert_true(g_hash_table_add(seen, g_strdup(id_at(rows, i))));
			json_decref(rows);
		}
		g_assert_cmpuint(g_hash_table_size(seen), ==, fleet_servers(w->fleet)->len);
	}
}

/* Wherever a page begins, it has what stands there in the whole order: each server is on one page. */
static void test_rows(void)
{
	struct world *w = world_new();

	world_add_servers(w, 8 * MANY);
	check_rows(w);
	world_free(w);
}

/* Rows that the database refused have no id, and one that comes back has its old one: each is there, and once. */
static void test_unsaved(void)
{
	struct world *w = many();
	GPtrArray *servers = fleet_servers(w->fleet);
	struct answer saved, unsaved;

	clock_advance_ms(2 * 3600 * 1000);
	world_begin(w, "GET", USAGE, 39, "admin", NULL, &saved);
	(void)turns(&saved);
	for (guint i = 1; i <= 3; i++)
		((struct server *)g_ptr_array_index(servers, servers->len - i))->id = 0;
	((struct server *)g_ptr_array_index(servers, servers->len - 4))->id = 1;
	world_begin(w, "GET", USAGE, 39, "admin", NULL, &unsaved);
	g_assert_cmpuint(turns(&unsaved), ==, PIECES - 1);
	g_assert_cmpuint(usages(&unsaved), ==, usages(&saved));
	check_rows(w);
	answer_clear(&saved);
	answer_clear(&unsaved);
	world_free(w);
}

/* Those that go while others are looked at are not on the page, or no longer. */
static void test_rows_gone(void)
{
	struct world *w = world_new();
	struct server *last;
	g_autofree char *gone = NULL;
	struct answer a;
	json_t *rows;

	world_add_servers(w, 8 * MANY);
	last = g_ptr_array_index(fleet_servers(w->fleet), 5);
	gone = g_strdup(last->uuid);
	world_begin(w, "GET", "/drover/v1/servers?sort=created_at&limit=10", 1, "admin", NULL, &a);
	g_assert_cmpint(a.status, ==, 0);
	fleet_server_drop(w->fleet, last);
	g_assert_cmpuint(turns(&a), ==, PIECES - 1);
	rows = parsed(&a);
	for (size_t i = 0; id_at(rows, i); i++)
		g_assert_cmpstr(id_at(rows, i), !=, gone);
	json_decref(rows);
	answer_clear(&a);
	world_free(w);
}

/* Rows of servers that are gone. */
static void put_gone(struct world *w, int n)
{
	GError *err = NULL;

	g_assert_true(store_begin(w->store, &err));
	for (int i = 0; i < n; i++) {
		g_autofree char *uuid = g_strdup_printf("88888888-0000-4000-8000-%012d", i);
		int64_t now = clock_wall_us();

		g_assert_true(store_run(w->store, Q_SERVER_PUT,
					STORE_ARGS(SV_S(uuid), SV_S("gone"), SV_S("h1"), SV_S("i"), SV_S("deleted"), SV_NULL, SV_I(0), SV_I(1), SV_I(64),
						   SV_I(1), SV_S("owner"), SV_S(WORLD_ADMIN_PROJECT), SV_I(now - 1), SV_I(now), SV_I(now - 1), SV_I(now), SV_I(0),
						   SV_NULL, SV_I(0), SV_NULL, SV_NULL, SV_I(0), SV_I(0), SV_I(0)), NULL, &err));
	}
	g_assert_true(store_commit(w->store, &err));
	g_assert_no_error(err);
}

/* Those that are gone are read in parts too; one that went while it was counted is there once. */
static void test_gone_before(void)
{
	enum { GONE = 4500, PARTS = 3 };
	struct world *w = world_new();
	struct answer few, all;
	struct server *twin = server_new("88888888-0000-4000-8000-000000000007");

	clock_advance_ms(2 * 3600 * 1000);
	world_begin(w, "GET", USAGE, 39, "admin", NULL, &few);
	(void)turns(&few);
	put_gone(w, GONE);
	twin->id = 999999;
	twin->name = g_strdup("twin");
	twin->project_id = g_strdup(WORLD_ADMIN_PROJECT);
	fleet_server_add(w->fleet, twin);
	world_begin(w, "GET", USAGE, 39, "admin", NULL, &all);
	g_assert_cmpuint(turns(&all), ==, PARTS - 1);
	g_assert_cmpuint(usages(&all), ==, usages(&few) + GONE);
	answer_clear(&few);
	answer_clear(&all);
	world_free(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/D9/slices/usage", test_usage);
	g_test_add_func("/D9/slices/not-there", test_not_there);
	g_test_add_func("/D9/slices/gone-meanwhile", test_gone_meanwhile);
	g_test_add_func("/D9/slices/gone-before", test_gone_before);
	g_test_add_func("/D9/slices/rows", test_rows);
	g_test_add_func("/D9/slices/unsaved", test_unsaved);
	g_test_add_func("/D9/slices/rows-gone", test_rows_gone);
	return g_test_run();
}
