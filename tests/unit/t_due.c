/* SPDX-License-Identifier: Apache-2.0 */
#include "base/due.h"

struct thing {
	int64_t due;
	uint64_t seq;
	guint place;
	bool in;
};

#define THINGS 500
#define TURNS 20000

/* The first as it is found by looking at all. */
static struct thing *first_of(struct thing *all)
{
	struct thing *first = NULL;

	for (int i = 0; i < THINGS; i++)
		if (all[i].in && (!first || all[i].due < first->due || (all[i].due == first->due && all[i].seq < first->seq)))
			first = &all[i];
	return first;
}

static void test_order(void)
{
	struct due h = DUE_OF(struct thing, place);
	g_autofree struct thing *all = g_new0(struct thing, THINGS);

	for (int turn = 0; turn < TURNS; turn++) {
		struct thing *t = &all[g_test_rand_int_range(0, THINGS)];

		if (t->in) {
			due_remove(&h, t);
		} else {
			t->due = g_test_rand_int_range(-50, 50);
			t->seq = (uint64_t)turn;
			due_add(&h, t, t->due, t->seq);
		}
		t->in = !t->in;
		g_assert_cmpint(t->place != 0, ==, t->in);
		g_assert_true(due_first(&h) == first_of(all));
	}
	due_clear(&h);
	for (int i = 0; i < THINGS; i++)
		g_assert_cmpuint(all[i].place, ==, 0);
	g_assert_null(due_first(&h));
}

static void test_drained(void)
{
	struct due h = DUE_OF(struct thing, place);
	struct thing all[100] = { 0 };
	int64_t last = INT64_MIN;

	for (int i = 0; i < 100; i++)
		due_add(&h, &all[i], i * 37 % 100, (uint64_t)i);
	for (struct thing *t; (t = due_first(&h));) {
		g_assert_cmpint(h.slots[0].due, >, last);
		last = h.slots[0].due;
		due_remove(&h, t);
	}
	g_assert_cmpint(last, ==, 99);
	due_clear(&h);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/due/order", test_order);
	g_test_add_func("/due/drained", test_drained);
	return g_test_run();
}
