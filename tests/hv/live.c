/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "hv/libvirt/conn.h"
#include "hv/libvirt/libvirt.h"
#include "report.h"

#define NO_LAB "DROVER_TEST_LAB (the lab's program) is not set"
#define TEST_LIMIT_MS 300000 /* what takes longer hangs */

struct live_host live_hosts[2];
char *live_guest;

static struct hv *hv;
static GPtrArray *events; /* struct hv_event *, text owned */
static guint mark;
static bool connected[2];

static void event_free(void *data)
{
	struct hv_event *e = data;

	g_free((char *)e->host);
	g_free((char *)e->text);
	g_free(e);
}

static int host_index(const char *name)
{
	return !strcmp(name, live_hosts[0].name) ? 0 : 1;
}

static void on_event(const struct hv_event *ev, void *user)
{
	struct hv_event *e = g_memdup2(ev, sizeof(*ev));

	(void)user;
	e->host = g_strdup(ev->host);
	e->text = g_strdup(ev->text);
	g_ptr_array_add(events, e);
	if (e->type == HV_EV_OPEN || e->type == HV_EV_CLOSED)
		connected[host_index(e->host)] = e->type == HV_EV_OPEN;
	g_test_message("event %s type %d %s/%s iteration %" G_GINT64_FORMAT " %s", e->host, e->type, hv_state_name(e->state),
	               hv_reason_name(e->reason), e->iteration, e->text ? e->text : "");
}

bool live_init(const char **ret_why)
{
	const char *list = g_getenv("DROVER_TEST_HOSTS");
	g_auto(GStrv) words = g_strsplit(list ? list : "", " ", -1);
	g_autoptr(GError) err = NULL;

	live_guest = g_strdup(g_getenv("DROVER_TEST_GUEST"));
	if (g_strv_length(words) != 2 || !live_guest) {
		*ret_why = "DROVER_TEST_HOSTS (two times name=uri) and DROVER_TEST_GUEST (a UUID) are not set";
		return false;
	}
	(void)signal(SIGPIPE, SIG_IGN); /* as droverd does */
	loop_init();
	libvirt_init(&err);
	g_assert_no_error(err);
	events = g_ptr_array_new_with_free_func(event_free);
	hv = hv_new(on_event, NULL);
	hv_register(hv, &libvirt_ops);
	for (int i = 0; i < 2; i++) {
		g_auto(GStrv) kv = g_strsplit(words[i], "=", 2);

		g_assert_cmpuint(g_strv_length(kv), ==, 2);
		live_hosts[i] = (struct live_host){ g_strdup(kv[0]), g_strdup(kv[1]), hv_host_add(hv, kv[0], kv[1]) };
	}
	return true;
}

static void skip(const void *why)
{
	g_test_skip(why);
}

int live_main(int argc, char **argv, const char *root, bool lab, const struct live_test *tests, size_t n)
{
	const char *why = NULL;

	g_test_init(&argc, &argv, NULL);
	if (live_init(&why) && lab && !g_getenv("DROVER_TEST_LAB"))
		why = NO_LAB;
	if (why) {
		g_test_add_data_func(root, why, skip);
		return g_test_run();
	}
	live_open();
	for (size_t i = 0; i < n; i++)
		g_test_add_func(tests[i].path, tests[i].fn);
	return g_test_run();
}

/* ---- waiting ---- */

static void too_long(void *user)
{
	(void)user;
	for (int i = 0; i < 2; i++)
		report_conn(live_hosts[i].h);
	report_hosts();
	g_error("waited too long");
}

void live_settle(bool (*ready)(void *user), void *user)
{
	struct clock_timer *limit = clock_after(TEST_LIMIT_MS, too_long, NULL);

	while (!ready(user))
		g_main_context_iteration(g_main_loop_get_context(loop_main()), TRUE);
	clock_cancel(&limit);
}

struct live_call {
	struct hv_reply *reply;
};

static void on_done(struct hv_reply *r, void *user)
{
	struct live_call *c = user;

	c->reply = g_memdup2(r, sizeof(*r));
	memset(r, 0, sizeof(*r));
}

struct live_call *live_begin(struct hv_host *h, const struct hv_req *req)
{
	struct live_call *c = g_new0(struct live_call, 1);

	hv_call(h, req, on_done, c);
	return c;
}

bool live_is_done(const struct live_call *c)
{
	return c->reply != NULL;
}

static bool call_ready(void *user)
{
	return live_is_done(user);
}

struct hv_reply *live_end(struct live_call *c)
{
	struct hv_reply *r;

	live_settle(call_ready, c);
	r = c->reply;
	g_free(c);
	return r;
}

struct hv_reply *live_call(struct hv_host *h, const struct hv_req *req)
{
	return live_end(live_begin(h, req));
}

struct hv_reply *live_op(struct hv_host *h, enum hv_op op)
{
	struct hv_reply *r = live_call(h, &(struct hv_req){ .op = op, .uuid = live_guest });

	if (r->err)
		g_error("%s on %s: %s", hv_op_name(op), h->name, r->err->message);
	return r;
}

void live_reply_free(struct hv_reply *r)
{
	if (!r)
		return;
	hv_reply_clear(r);
	g_free(r);
}

struct wanted {
	const char *host;
	enum hv_event_type type;
	enum hv_state state;
	const struct hv_event *found;
};

static bool event_ready(void *user)
{
	struct wanted *w = user;

	for (guint i = mark; i < events->len; i++) {
		const struct hv_event *e = g_ptr_array_index(events, i);

		if (!strcmp(e->host, w->host) && e->type == w->type && (w->state == HV_STATE_N || e->state == w->state)) {
			w->found = e;
			return true;
		}
	}
	return false;
}

void live_mark(void)
{
	mark = events->len;
}

const struct hv_event *live_await(int host, enum hv_event_type type, enum hv_state state)
{
	struct wanted w = { live_hosts[host].name, type, state, NULL };

	live_settle(event_ready, &w);
	return w.found;
}

struct copying {
	struct live_call *call;
	struct wanted iteration;
};

static bool copies_or_ended(void *user)
{
	struct copying *k = user;

	return event_ready(&k->iteration) || live_is_done(k->call);
}

void live_await_copy(struct live_call *c, int from)
{
	struct copying k = { c, { live_hosts[from].name, HV_EV_ITERATION, HV_STATE_N, NULL } };

	live_settle(copies_or_ended, &k);
	if (!k.iteration.found)
		g_error("the migration did not begin: %s", c->reply->err ? c->reply->err->message : "it is done");
}

/* ---- the guest ---- */

struct hv_req live_migrate_req(int from)
{
	static char *uri[2];
	int to = !from;

	if (!uri[to]) {
		g_autoptr(GUri) u = g_uri_parse(live_hosts[to].uri, G_URI_FLAGS_NONE, NULL);

		uri[to] = g_strdup_printf("tcp://%s", g_uri_get_host(u));
	}
	return (struct hv_req){
		.op = HV_MIGRATE,
		.uuid = live_guest,
		.migrate = { .dest_uri = live_hosts[to].uri, .migrate_uri = uri[to], .persist_dest = true },
	};
}

static char *describe(const struct hv_reply *r)
{
	const struct hv_dom *d = r->dom;

	if (r->err)
		return g_strdup_printf("error: %s", r->err->message);
	return g_strdup_printf("%s/%s%s%s%s%s", hv_state_name(d->state), hv_reason_name(d->reason), d->job_active ? "+job" : "",
	                       d->job_incoming ? "+in" : "", d->job_outgoing ? "+out" : "", d->persistent ? "+persistent" : "");
}

static char *ask(int host)
{
	struct hv_reply *r = live_call(live_hosts[host].h, &(struct hv_req){ .op = HV_DOM_GET, .uuid = live_guest });
	char *s = describe(r);

	live_reply_free(r);
	return s;
}

char *live_state(int host, const char *phase)
{
	char *s = ask(host);

	g_test_message("%s: %s says %s", phase, live_hosts[host].name, s);
	return s;
}

static void set_true(void *user)
{
	*(bool *)user = true;
}

static bool is_true(void *user)
{
	return *(bool *)user;
}

/* Between two questions: a tenth of a second for the hosts to get on. */
static void breathe(void)
{
	bool over = false;

	clock_after(100, set_true, &over);
	live_settle(is_true, &over);
}

void live_until(int host, const char *want, const char *or)
{
	g_autofree char *s = ask(host);
	int64_t begin = clock_now_ms();

	while (g_strcmp0(s, want) && g_strcmp0(s, or ? or : want)) {
		if (clock_now_ms() - begin > TEST_LIMIT_MS)
			g_error("%s says %s, not %s", live_hosts[host].name, s, want);
		breathe();
		g_free(s);
		s = ask(host);
	}
	g_test_message("%s says %s after %" G_GINT64_FORMAT " ms", live_hosts[host].name, s, clock_now_ms() - begin);
}

/* ---- hosts ---- */

bool live_has_lab(void)
{
	if (g_getenv("DROVER_TEST_LAB"))
		return true;
	g_test_skip(NO_LAB);
	return false;
}

/* Return: the output, or NULL if it failed. */
static char *run(char **argv, GError **err)
{
	g_autofree char *line = g_strjoinv(" ", argv);
	char *out = NULL;
	int status;

	g_test_message("run %s", line);
	if (g_spawn_sync(NULL, argv, NULL, 0, NULL, NULL, &out, NULL, &status, err) && g_spawn_check_wait_status(status, err))
		return g_strchomp(out);
	g_prefix_error(err, "%s: ", line);
	g_free(out);
	return NULL;
}

static char *lab(const char *command, va_list words)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	GError *err = NULL;
	char *out;

	g_ptr_array_add(argv, (char *)g_getenv("DROVER_TEST_LAB"));
	for (const char *w = command; w; w = va_arg(words, const char *))
		g_ptr_array_add(argv, (char *)w);
	g_ptr_array_add(argv, NULL);
	out = run((char **)argv->pdata, &err);
	if (!out)
		g_error("%s", err->message);
	return out;
}

char *live_output(const char *command, ...)
{
	va_list words;
	char *out;

	va_start(words, command);
	out = lab(command, words);
	va_end(words);
	return out;
}

void live_lab(const char *command, ...)
{
	va_list words;

	va_start(words, command);
	g_free(lab(command, words));
	va_end(words);
}

char *live_sh(int host, const char *script)
{
	return live_output("exec", live_hosts[host].name, "bash", "-euc", script, NULL);
}

void live_reset(void)
{
	char *argv[] = { (char *)g_getenv("DROVER_TEST_RESET"), NULL };
	GError *err = NULL;
	char *out;

	for (int i = 0; i < 2; i++)
		hv_host_close(live_hosts[i].h);
	connected[0] = connected[1] = false;
	out = run(argv, &err);
	if (!out)
		g_error("%s", err->message);
	g_free(out);
	live_open();
}

static int count_sockets(void)
{
	g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
	const char *name;
	int n = 0;

	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename("/proc/self/fd", name, NULL);
		g_autofree char *target = g_file_read_link(path, NULL);

		n += target && g_str_has_prefix(target, "socket:");
	}
	return n;
}

void live_released(void)
{
	int64_t begin = clock_now_ms();

	/* Attempts that hang have up to two minutes, the kernel's patience. */
	while ((lv_conn_alive() || count_sockets() > 0) && clock_now_ms() - begin < TEST_LIMIT_MS - 10000)
		breathe();
	g_test_message("%d connections, %d sockets after %" G_GINT64_FORMAT " ms", lv_conn_alive(), count_sockets(),
	               clock_now_ms() - begin);
	g_assert_cmpint(lv_conn_alive(), ==, 0);
	g_assert_cmpint(count_sockets(), ==, 0);
}

static bool opened_or_closed(void *user)
{
	struct wanted open = { user, HV_EV_OPEN, HV_STATE_N, NULL }, closed = { user, HV_EV_CLOSED, HV_STATE_N, NULL };

	return event_ready(&open) || event_ready(&closed);
}

void live_open(void)
{
	int64_t begin = clock_now_ms();

	for (int i = 0; i < 2; i++) {
		while (!connected[i]) {
			if (clock_now_ms() - begin > TEST_LIMIT_MS)
				g_error("%s cannot be connected", live_hosts[i].name);
			live_mark();
			hv_host_open(live_hosts[i].h);
			live_settle(opened_or_closed, live_hosts[i].name);
			if (!connected[i])
				breathe();
		}
	}
}
