/* SPDX-License-Identifier: Apache-2.0
 *
 * The simulator: serial consoles. tests/hv/t_libvirt.c has the same of real hosts.
 */
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "got.h"
#include "hv/sim/sim.h"

#define GUEST "11111111-0000-4000-8000-000000000000"

struct console {
	struct hv_stream *s;
	GString *got;
	char *ended;
};

static struct sim *w;
static struct hv *hv;
static struct hv_host *hosts[2];

static void on_event(const struct hv_event *ev, void *user)
{
	(void)ev;
	(void)user;
}

static void set_up(void)
{
	clock_manual(0);
	w = sim_new(7);
	hv = hv_new(on_event, NULL);
	hv_register(hv, &sim_ops);
	for (int i = 0; i < 2; i++) {
		const char *name = i ? "h2" : "h1";
		g_autofree char *uri = g_strconcat("sim://", name, NULL);

		sim_host_add(w, name, &(struct sim_host_spec){ .link_mibs = 100, .latency_ms = 4 });
		hosts[i] = hv_host_add(hv, name, uri);
		hv_host_open(hosts[i]);
	}
	sim_dom_add(w, "h1", &(struct sim_dom_spec){ .uuid = GUEST, .name = "guest" });
	clock_advance_ms(100);
}

static void tear_down(void)
{
	g_assert_cmpstr(sim_violation(w), ==, NULL);
	hv_free(hv);
	g_assert_cmpuint(sim_consoles(w), ==, 0);
	sim_free(w);
}

static void on_data(const char *data, size_t len, void *user)
{
	g_string_append_len(((struct console *)user)->got, data, (gssize)len);
}

static void on_room(void *user)
{
	(void)user;
}

static void on_ended(const char *why, void *user)
{
	((struct console *)user)->ended = g_strdup(why);
}

static const struct hv_stream_calls calls = { on_data, on_room, on_ended };

/* @want: "": it opens */
static void open_console(struct console *c, int i, bool force, const char *want)
{
	struct got g = { .code = -1 };

	got_ask(&g, hosts[i], &(struct hv_req){ .op = HV_CONSOLE, .uuid = GUEST, .force = force });
	got_wait(&g);
	if (*want)
		g_assert_nonnull(strstr(g.text, want));
	else
		g_assert_cmpstr(g.text, ==, "");
	*c = (struct console){ g_steal_pointer(&g.r.stream), g_string_new(NULL), NULL };
	if (c->s)
		hv_stream_use(c->s, &calls, c);
	got_clear(&g);
}

static void close_console(struct console *c)
{
	hv_stream_close(c->s);
	g_string_free(c->got, TRUE);
	g_free(c->ended);
}

static void expect(struct console *c, const char *got, const char *ended)
{
	clock_advance_ms(100);
	g_assert_cmpstr(c->got->str, ==, got);
	g_assert_cmpstr(c->ended, ==, ended);
}

static void test_bytes(void)
{
	struct console c, other;

	set_up();
	open_console(&c, 0, false, "");
	hv_stream_send(c.s, "one", 3);
	g_assert_cmpuint(c.s->unsent, ==, 3);
	expect(&c, "one", NULL);
	g_assert_cmpuint(c.s->unsent, ==, 0);
	hv_stream_pause(c.s, true);
	sim_console_write(w, GUEST, " two");
	expect(&c, "one", NULL);
	hv_stream_pause(c.s, false);
	expect(&c, "one two", NULL);
	open_console(&other, 0, false, "Active console session");
	close_console(&other);
	open_console(&other, 1, false, "not found");
	close_console(&other);
	open_console(&other, 0, true, "");
	expect(&c, "one two", "the console was closed by the host");
	close_console(&c);
	close_console(&other);
	open_console(&c, 0, false, "");
	close_console(&c);
	tear_down();
}

/* An answer that nothing takes is closed again. */
static void test_not_taken(void)
{
	struct got g = { .code = -1 };

	set_up();
	got_ask(&g, hosts[0], &(struct hv_req){ .op = HV_CONSOLE, .uuid = GUEST });
	got_wait(&g);
	g_assert_cmpuint(sim_consoles(w), ==, 1);
	got_clear(&g);
	g_assert_cmpuint(sim_consoles(w), ==, 0);
	tear_down();
}

/* What ends it, and what was written before comes first. */
static void test_ends(void)
{
	static const struct {
		const char *what, *why;
	} rows[] = {
		{ "off", "the console was closed by the host" },
		{ "libvirtd", "End of file while reading data: Input/output error" },
		{ "closed", "the connection was closed" },
		{ "migrated", "the console was closed by the host" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct console c;
		struct got g = { .code = -1 };

		g_test_message("%s", rows[i].what);
		set_up();
		open_console(&c, 0, false, "");
		sim_console_write(w, GUEST, "last");
		if (i == 0)
			got_ask(&g, hosts[0], &(struct hv_req){ .op = HV_DOM_DESTROY, .uuid = GUEST, .ends = true });
		else if (i == 1)
			sim_host_libvirtd(w, "h1", false);
		else if (i == 2)
			hv_host_close(hosts[0]);
		else
			got_ask(&g, hosts[0], &(struct hv_req){ .op = HV_MIGRATE, .uuid = GUEST, .migrate = { .dest_uri = "sim://h2", .persist_dest = true, .dest_host = "h2" } });
		clock_advance_ms(60000);
		expect(&c, "last", rows[i].why);
		close_console(&c);
		if (i == 3) {
			open_console(&c, 1, false, "");
			close_console(&c);
		}
		got_clear(&g);
		tear_down();
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sim/console/bytes", test_bytes);
	g_test_add_func("/sim/console/not_taken", test_not_taken);
	g_test_add_func("/sim/console/ends", test_ends);
	return g_test_run();
}
