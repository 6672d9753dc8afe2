/* SPDX-License-Identifier: Apache-2.0 */
#include "task/request_now.h"

struct begun {
	int64_t id;
	GError **err;
};

static void accepted(int64_t id, const GError *err, void *user)
{
	struct begun *b = user;

	b->id = id;
	if (err && b->err)
		*b->err = g_error_copy(err);
}

int64_t request_now(struct engine *e, const struct task_request *r, GError **err)
{
	struct begun b = { .err = err };

	g_assert(!r->wait_checks);
	request_begin(e, r, accepted, &b);
	return b.id;
}
