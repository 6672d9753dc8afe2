/* SPDX-License-Identifier: Apache-2.0 */
#include "got.h"

#include "base/clock.h"
#include "base/err.h"

void got_clear(struct got *g)
{
	hv_reply_clear(&g->r);
	g_free(g->text);
	*g = (struct got){ .code = -1 };
}

static void answered(struct hv_reply *r, void *user)
{
	struct got *g = user;

	g_assert_false(g->answered);
	g->answered = true;
	g->code = r->err ? (int)err_code(r->err) : -1;
	g->text = g_strdup(r->err ? r->err->message : "");
	g->r = *r;
	g->r.err = NULL;
	*r = (struct hv_reply){ .err = r->err };
}

void got_ask(struct got *g, struct hv_host *h, const struct hv_req *req)
{
	got_clear(g);
	hv_call(h, req, answered, g);
}

void got_wait(struct got *g)
{
	while (!g->answered)
		g_assert_true(clock_step());
}
