/* SPDX-License-Identifier: Apache-2.0
 *
 * The record of a migration, and drafts of it.
 */
#include <glib.h>

#include "task/record.h"

/* The server's draft of the same change may point to what stays: to the host where the guest has come to. */
static void test_draft_keeps_what_stays(void)
{
	struct mig m = { .phase = 4, .dest = g_strdup("h2"), .error = g_strdup("it broke") };
	struct mig_draft d = mig_draft_of(&m, 5);
	const char *dest = m.dest;

	d.error = NULL;
	mig_take_draft(&m, &d);
	g_assert_cmpint(m.phase, ==, 5);
	g_assert_true(m.dest == dest);
	g_assert_null(m.error);
	g_free(m.dest);
}

static void test_draft_replaces(void)
{
	struct mig m = { .phase = 3, .dest = g_strdup("h2") };
	struct mig_draft d = mig_draft_of(&m, 2);

	d.dest = NULL;
	d.error = "no room";
	mig_take_draft(&m, &d);
	g_assert_null(m.dest);
	g_assert_cmpstr(m.error, ==, "no room");
	g_free(m.error);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/record/draft-keeps-what-stays", test_draft_keeps_what_stays);
	g_test_add_func("/record/draft-replaces", test_draft_replaces);
	return g_test_run();
}
