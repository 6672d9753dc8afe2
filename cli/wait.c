/* SPDX-License-Identifier: Apache-2.0 */
#include "wait.h"

#include <glib-unix.h>
#include <signal.h>

#include "base/clock.h"
#include "base/util.h"

static bool interrupted;
static int watchers;

static gboolean on_interrupt(void *user)
{
	(void)user;
	interrupted = true;
	return G_SOURCE_CONTINUE;
}

/* libcurl calls it while a request runs: lets GLib see a signal that has come. */
static bool check_interrupt(void *user)
{
	(void)user;
	while (g_main_context_iteration(NULL, FALSE))
		;
	return interrupted;
}

void wait_signals(struct client *c)
{
	client_on_interrupt(c, check_interrupt, NULL);
	if (watchers++ > 0)
		return;
	g_unix_signal_add(SIGINT, on_interrupt, NULL);
	g_unix_signal_add(SIGTERM, on_interrupt, NULL);
}

static void set_true(void *user)
{
	*(bool *)user = true;
}

bool wait_ms(int64_t ms)
{
	const char *text = g_getenv("DROVER_POLL_MS");
	bool over = false;
	struct clock_timer *t;

	if (text)
		(void)util_parse_int(text, 1, 60000, &ms);
	t = clock_after(ms, set_true, &over);
	while (!over && !interrupted)
		g_main_context_iteration(NULL, TRUE);
	if (!over)
		clock_cancel(&t);
	return !interrupted;
}

bool wait_interrupted(void)
{
	return interrupted;
}

void wait_forget(void)
{
	interrupted = false;
}
