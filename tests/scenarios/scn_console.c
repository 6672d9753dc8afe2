/* SPDX-License-Identifier: Apache-2.0
 *
 * Serial consoles in scenarios, whose guests echo what is typed. Whatever the sweep's fault: at the end one that is open is its guest's.
 *
 * console open S; console type S TEXT; console write S TEXT: the guest writes it
 * wait console S TEXT: that has come, at some time
 * expect console S TEXT: that is all that came. expect console S ended CODE
 */
#include <string.h>

#include "base/clock.h"
#include "console/serial.h"
#include "scn.h"

#define MARK "\x01" /* that no file types */

struct session {
	struct run *run;
	const struct guest *guest;
	struct end *end;   /* NULL: it has ended */
	GString *got;
	int code;
};

struct scn_consoles {
	struct run *run;
	GPtrArray *open;   /* struct session * */
	struct clock_timer *looker;
	bool listens;      /* to the controller that runs */
};

static void session_free(void *data)
{
	struct session *x = data;

	end_free(x->end);
	g_string_free(x->got, TRUE);
	g_free(x);
}

static struct session *session_of(struct run *r, const char *name)
{
	const struct guest *g = run_guest(r, name);

	for (guint i = 0; i < r->consoles->open->len; i++) {
		struct session *x = g_ptr_array_index(r->consoles->open, i);

		if (x->guest == g)
			return x;
	}
	return NULL;
}

/* ---- what comes ---- */

static void on_data(const char *data, size_t len, void *user)
{
	g_string_append_len(((struct session *)user)->got, data, (gssize)len);
}

static void on_room(void *user)
{
	(void)user;
}

static void on_ended(int code, const char *why, void *user)
{
	struct session *x = user;

	(void)why;
	x->code = code;
	end_free(g_steal_pointer(&x->end));
}

static const struct end_calls calls = { on_data, on_room, on_ended };

static void look(void *user)
{
	struct scn_consoles *c = user;

	c->looker = NULL;
	for (guint i = 0; i < c->open->len; i++) {
		struct session *x = g_ptr_array_index(c->open, i);

		if (x->end)
			end_look(x->end);
	}
}

static void on_news(void *user)
{
	struct scn_consoles *c = user;

	if (!c->looker)
		c->looker = clock_after(0, look, c);
}

static void on_domain(const struct hv_event *ev, void *user)
{
	struct scn_consoles *c = user;

	for (guint i = 0; ev->type == HV_EV_DOM && i < c->open->len; i++) {
		struct session *x = g_ptr_array_index(c->open, i);

		if (x->end && strcmp(x->guest->uuid, ev->uuid) == 0)
			end_event(x->end, ev);
	}
}

/* ---- a run ---- */

struct scn_consoles *scn_consoles_new(struct run *r)
{
	struct scn_consoles *c = g_new0(struct scn_consoles, 1);

	c->run = r;
	c->open = g_ptr_array_new_with_free_func(session_free);
	return c;
}

void scn_consoles_end(struct scn_consoles *c)
{
	g_ptr_array_set_size(c->open, 0);
	clock_cancel(&c->looker);
	if (!c->listens)
		return;
	c->listens = false;
	events_unlisten(fleet_events(c->run->fleet), c);
	fleet_on_domain(c->run->fleet, NULL, NULL);
}

void scn_consoles_free(struct scn_consoles *c)
{
	g_ptr_array_unref(c->open);
	g_free(c);
}

static void open_console(struct run *r, const struct guest *g)
{
	struct scn_consoles *c = r->consoles;
	struct session *x = g_new0(struct session, 1);

	if (!c->listens) {
		c->listens = true;
		events_listen(fleet_events(r->fleet), on_news, c);
		fleet_on_domain(r->fleet, on_domain, c);
	}
	x->run = r;
	x->guest = g;
	x->got = g_string_new(NULL);
	x->end = serial_new(r->engine, g->uuid, &calls, x);
	g_ptr_array_add(c->open, x);
}

void scn_console_do(struct run *r, const struct scn_line *l)
{
	const char *what = l->n > 2 ? l->w[1] : "", *text = l->n > 3 ? l->w[3] : "";
	struct session *x = l->n > 2 ? session_of(r, l->w[2]) : NULL;

	if (g_str_equal(what, "open"))
		open_console(r, run_guest(r, l->w[2]));
	else if (g_str_equal(what, "write"))
		sim_console_write(r->world, run_guest(r, l->w[2])->uuid, text);
	else if (!g_str_equal(what, "type"))
		run_bad_line(r, "console open S; console type S TEXT; console write S TEXT");
	else if (x && x->end)
		end_send(x->end, text, strlen(text));
}

/* ---- what is expected ---- */

bool scn_console_has(struct run *r, void *line)
{
	const struct scn_line *l = line;
	const struct session *x = session_of(r, l->w[2]);

	return !x || !x->end || strstr(x->got->str, l->w[3]);
}

void scn_console_expect(struct run *r, const struct scn_line *l)
{
	const struct session *x = session_of(r, l->w[2]);

	if (!x)
		run_fail(r, "no console of %s is open", l->w[2]);
	else if (g_str_equal(l->w[3], "ended") && (l->n < 5 || x->code != atoi(l->w[4])))
		run_fail(r, "the console of %s has ended with %d", l->w[2], x->code);
	else if (!g_str_equal(l->w[3], "ended") && !g_str_equal(x->got->str, l->w[3]))
		run_fail(r, "the console of %s got \"%s\", want \"%s\"", l->w[2], x->got->str, l->w[3]);
}

static bool echoed(struct run *r, void *user)
{
	const struct session *x = user;

	(void)r;
	return !x->end || g_str_has_suffix(x->got->str, MARK);
}

void scn_console_invariants(struct run *r)
{
	for (guint i = 0; i < r->consoles->open->len; i++) {
		struct session *x = g_ptr_array_index(r->consoles->open, i);
		const struct server *s = fleet_server(r->fleet, x->guest->uuid);

		if (!x->end || !s || s->vm != SERVER_ACTIVE)
			continue;
		end_send(x->end, MARK, 1);
		if (!run_until(r, WAIT_MS, echoed, x))
			run_fail(r, "the console of %s is not its guest's", x->guest->name);
	}
}
