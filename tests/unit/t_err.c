/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "base/err.h"

static void test_table(void)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

	for (int code = 0; code < ERR_N; code++) {
		g_autoptr(GError) err = g_error_new(ERR, code, "x");
		const char *name = err_name((enum err_code)code);

		if (!name || !*name || !g_hash_table_add(names, (char *)name))
			g_error("code %d has no name of its own", code);
		if (!err_fault(err) || !*err_fault(err))
			g_error("%s has no fault", name);
		if (err_http(err) < 400 || err_http(err) > 599)
			g_error("%s has status %d", name, err_http(err));
		g_assert_cmpint(err_code(err), ==, code);
	}
}

static const struct {
	enum err_code code;
	const char *fault;
	int http;
	bool retry;
} wants[] = {
	{ ERR_BAD_REQUEST, "badRequest", 400, false },
	{ ERR_NOT_FOUND, "itemNotFound", 404, false },
	{ ERR_CONFLICT, "conflictingRequest", 409, false },
	{ ERR_NO_VALID_HOST, "badRequest", 400, true },
	{ ERR_HV_LOST, "serviceUnavailable", 503, true },
	{ ERR_STORE_RACE, "conflictingRequest", 409, true },
};

static void test_some(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(wants); i++) {
		g_autoptr(GError) err = g_error_new(ERR, (int)wants[i].code, "x");

		g_assert_cmpstr(err_fault(err), ==, wants[i].fault);
		g_assert_cmpint(err_http(err), ==, wants[i].http);
		g_assert_cmpint(err_retry(err), ==, wants[i].retry);
	}
}

/* What is not ours is our own failure: 500, and nothing is read from its code. */
static void test_foreign(void)
{
	g_autoptr(GError) file = g_error_new(G_FILE_ERROR, ERR_NOT_FOUND, "x");
	g_autoptr(GError) low = g_error_new(ERR, -1, "x"), high = g_error_new(ERR, ERR_N, "x");
	const GError *all[] = { file, low, high, NULL };

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		g_assert_cmpint(err_code(all[i]), ==, ERR_INTERNAL);
		g_assert_cmpint(err_http(all[i]), ==, 500);
		g_assert_cmpstr(err_fault(all[i]), ==, "computeFault");
		g_assert_false(err_retry(all[i]));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/err/table", test_table);
	g_test_add_func("/err/some", test_some);
	g_test_add_func("/err/foreign", test_foreign);
	return g_test_run();
}
