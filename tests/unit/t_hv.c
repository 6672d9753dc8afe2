/* SPDX-License-Identifier: Apache-2.0
 *
 * The seam itself, over an implementation that does what the test says.
 */
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "hv/hv.h"

static GPtrArray *submitted; /* struct hv_call *, not completed yet */
static int opened, closed;

static void fake_open(struct hv_host *h)
{
	opened++;
	hv_emit(h, &(struct hv_event){ .type = HV_EV_OPEN });
}

static void fake_close(struct hv_host *h)
{
	(void)h;
	closed++;
}

static void fake_submit(struct hv_host *h, struct hv_call *c)
{
	(void)h;
	g_ptr_array_add(submitted, c);
}

static const struct hv_ops fake_ops = { .name = "fake", .open = fake_open, .close = fake_close, .submit = fake_submit };
static const struct hv_ops other_ops = { .name = "other", .scheme = "other:", .open = fake_open, .close = fake_close, .submit = fake_submit };

struct got {
	int answers;
	int code; /* -1: no error */
	char *text;
};

static void on_done(struct hv_reply *r, void *user)
{
	struct got *g = user;

	g->answers++;
	g->code = r->err ? (int)err_code(r->err) : -1;
	g_free(g->text);
	g->text = g_strdup(r->err ? r->err->message : "");
}

static void on_event(const struct hv_event *ev, void *user)
{
	g_string_append_printf(user, "%s:%d ", ev->host, ev->type);
}

struct fixture {
	struct hv *hv;
	struct hv_host *h;
	GString *events;
	struct got got;
};

static void set_up(struct fixture *f)
{
	clock_manual(0);
	submitted = g_ptr_array_new();
	opened = closed = 0;
	*f = (struct fixture){ .events = g_string_new(NULL) };
	f->hv = hv_new(on_event, f->events);
	hv_register(f->hv, &other_ops);
	hv_register(f->hv, &fake_ops);
	f->h = hv_host_add(f->hv, "h1", "fake://h1");
	hv_host_open(f->h);
}

static void complete_all(void)
{
	while (submitted->len > 0)
		hv_complete(g_ptr_array_steal_index(submitted, 0));
}

static void tear_down(struct fixture *f)
{
	hv_free(f->hv);
	complete_all();
	g_ptr_array_unref(submitted);
	g_string_free(f->events, TRUE);
	g_free(f->got.text);
}

static struct hv_call *call(struct fixture *f, enum hv_op op, int64_t timeout_ms)
{
	g_autofree char *uuid = g_strdup("u"); /* gone when the call is answered: requests are copied */
	struct hv_req req = { .op = op, .uuid = uuid, .timeout_ms = timeout_ms };

	hv_call(f->h, &req, on_done, &f->got);
	return g_ptr_array_index(submitted, submitted->len - 1);
}

static void test_answer(void)
{
	struct fixture f;
	struct hv_call *c;

	set_up(&f);
	c = call(&f, HV_DOM_GET, 0);
	g_assert_cmpstr(c->req.uuid, ==, "u");
	g_assert_cmpint(f.got.answers, ==, 0);
	complete_all();
	g_assert_cmpint(f.got.answers, ==, 1);
	g_assert_cmpint(f.got.code, ==, -1);
	clock_advance_ms(100000);
	g_assert_cmpint(f.got.answers, ==, 1);
	tear_down(&f);
}

static void test_refusal(void)
{
	struct fixture f;
	struct hv_call *c;

	set_up(&f);
	c = call(&f, HV_DOM_RESUME, 0);
	g_set_error(&c->reply.err, ERR, ERR_HV, "no");
	complete_all();
	g_assert_cmpint(f.got.code, ==, ERR_HV);
	g_assert_cmpstr(f.got.text, ==, "no");
	tear_down(&f);
}

static const struct {
	const char *name;
	enum hv_op op;
	int64_t timeout_ms;
	int64_t limit_ms; /* 0: none */
} limits[] = {
	{ "short call",       HV_DOM_GET,     0,    10000 },
	{ "list",             HV_DOM_LIST,    0,    30000 },
	{ "its own limit",    HV_DOM_GET,     1500, 1500 },
	{ "an act",           HV_DOM_DESTROY, 0,    35000 },
	{ "a migration",      HV_MIGRATE,     0,    0 },
	{ "limited one",      HV_MIGRATE,     7000, 7000 },
};

static void test_limits(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
		struct fixture f;

		set_up(&f);
		call(&f, limits[i].op, limits[i].timeout_ms);
		if (limits[i].limit_ms) {
			clock_advance_ms(limits[i].limit_ms - 1);
			if (f.got.answers != 0)
				g_error("%s: answered too early", limits[i].name);
			clock_advance_ms(1);
			if (f.got.answers != 1 || f.got.code != ERR_HV_LOST)
				g_error("%s: %d answers, code %d", limits[i].name, f.got.answers, f.got.code);
		} else {
			clock_advance_ms(INT64_C(100) * 3600 * 1000);
			if (f.got.answers != 0)
				g_error("%s: it has no limit", limits[i].name);
		}
		complete_all(); /* the late reply goes nowhere */
		if (f.got.answers != 1)
			g_error("%s: %d answers", limits[i].name, f.got.answers);
		tear_down(&f);
	}
}

static void test_close(void)
{
	struct fixture f;

	set_up(&f);
	call(&f, HV_MIGRATE, 0);
	hv_host_close(f.h);
	g_assert_cmpint(f.got.answers, ==, 0); /* on the next turn */
	g_assert_cmpint(closed, ==, 1);
	clock_advance_ms(0);
	g_assert_cmpint(f.got.answers, ==, 1);
	g_assert_cmpint(f.got.code, ==, ERR_HV_LOST);
	complete_all();
	g_assert_cmpint(f.got.answers, ==, 1);
	hv_host_open(f.h);
	g_assert_cmpint(opened, ==, 2);
	g_assert_cmpstr(f.events->str, ==, "h1:0 h1:0 ");
	tear_down(&f);
}

/* An implementation may complete its calls from inside close(). */
static void test_close_after_limit(void)
{
	struct fixture f;

	set_up(&f);
	call(&f, HV_DOM_GET, 10);
	clock_advance_ms(10);
	hv_host_close(f.h);
	clock_advance_ms(1000);
	g_assert_cmpint(f.got.answers, ==, 1);
	tear_down(&f);
}

static void test_remove(void)
{
	struct fixture f;

	set_up(&f);
	call(&f, HV_DOM_GET, 0);
	call(&f, HV_MIGRATE, 0);
	hv_host_remove(f.h);
	g_assert_cmpint(f.got.answers, ==, 2); /* before it returns: the callers may be gone afterwards */
	g_assert_cmpint(f.got.code, ==, ERR_HV_LOST);
	for (guint i = 0; i < submitted->len; i++)
		g_assert_null(((struct hv_call *)g_ptr_array_index(submitted, i))->host);
	clock_advance_ms(100000);
	complete_all();
	g_assert_cmpint(f.got.answers, ==, 2);
	tear_down(&f);
}

static void call_again(struct hv_reply *r, void *user)
{
	struct fixture *f = user;

	f->got.answers++;
	if (r->err && f->got.answers < 3)
		hv_call(f->h, &(struct hv_req){ .op = HV_DOM_GET }, call_again, f);
}

/* A completion may call again. */
static void test_call_from_completion(void)
{
	struct fixture f;

	set_up(&f);
	hv_call(f.h, &(struct hv_req){ .op = HV_DOM_GET, .timeout_ms = 10 }, call_again, &f);
	clock_advance_ms(9);
	g_assert_cmpint(f.got.answers, ==, 0);
	clock_advance_ms(20000);
	g_assert_cmpint(f.got.answers, ==, 2);
	g_assert_cmpuint(submitted->len, ==, 3);
	tear_down(&f);
}

static void test_choose(void)
{
	struct fixture f;

	set_up(&f);
	g_assert_cmpstr(f.h->ops->name, ==, "fake");
	g_assert_cmpstr(hv_host_add(f.hv, "h2", "other://x")->ops->name, ==, "other");
	tear_down(&f);
}

static void test_names(void)
{
	for (int i = 0; i < HV_STATE_N; i++)
		g_assert_nonnull(hv_state_name((enum hv_state)i));
	for (int i = 0; i < HV_REASON_N; i++)
		g_assert_nonnull(hv_reason_name((enum hv_reason)i));
	for (int i = 0; i < HV_OP_N; i++)
		g_assert_nonnull(hv_op_name((enum hv_op)i));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hv/answer", test_answer);
	g_test_add_func("/hv/refusal", test_refusal);
	g_test_add_func("/hv/limits", test_limits);
	g_test_add_func("/hv/close", test_close);
	g_test_add_func("/hv/close-after-limit", test_close_after_limit);
	g_test_add_func("/hv/remove", test_remove);
	g_test_add_func("/hv/call-from-completion", test_call_from_completion);
	g_test_add_func("/hv/choose", test_choose);
	g_test_add_func("/hv/names", test_names);
	return g_test_run();
}
