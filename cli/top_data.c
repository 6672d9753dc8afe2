/* SPDX-License-Identifier: Apache-2.0 */
#include "top_data.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "client.h"
#include "sse.h"

#define AGAIN_US 500000 /* between two streams */

/* Of migrations that have not ended. */
static const char *const active[] = {
	"accepted", "queued", "preparing", "pre-migrating", "running", "running (post-copy)", "migrating", "post-migrating", "reverting", "confirming",
};

static json_t *get(struct cli *c, const char *path, const char *name, GError **err)
{
	struct client_call call = { .method = "GET", .path = path, .drovers = "\"drover top\"" };
	g_autoptr(json_t) body = NULL;

	if (!client_call(c->client, &call, &body, err))
		return NULL;
	if (json_is_array(json_object_get(body, name)))
		return json_incref(json_object_get(body, name));
	g_set_error(err, CLI_ERR, CLI_FAILED, "%s: the answer has no list \"%s\"", path, name);
	return NULL;
}

/* Of plans that are under way. */
static const char *const under_way[] = { "running", "paused", "cancelling" };

/* All rows of a list that have one of the words there. */
static json_t *of_words(struct cli *c, const char *list, const char *member, const char *const *words, size_t n, GError **err)
{
	g_autoptr(json_t) all = json_array();

	for (size_t i = 0; i < n; i++) {
		g_autoptr(GString) query = g_string_new(NULL);
		g_autofree char *path = NULL;
		g_autoptr(json_t) some = NULL;

		client_query(query, member, words[i]);
		path = g_strconcat("/drover/v1/", list, "?", query->str, NULL);
		some = get(c, path, list, err);
		if (!some)
			return NULL;
		json_array_extend(all, some);
	}
	return g_steal_pointer(&all);
}

bool top_load_lists(struct cli *c, struct top_model *t, GError **err)
{
	g_autoptr(json_t) hosts = cli_client(c, err) ? get(c, "/drover/v1/hosts", "hosts", err) : NULL;
	g_autoptr(json_t) plans = hosts ? of_words(c, "plans", "state", under_way, G_N_ELEMENTS(under_way), err) : NULL;
	json_t *migrations = plans ? of_words(c, "migrations", "status", active, G_N_ELEMENTS(active), err) : NULL;

	if (!migrations)
		return false;
	top_set_plans(t, g_steal_pointer(&plans));
	top_set_hosts(t, g_steal_pointer(&hosts));
	top_set_migrations(t, migrations);
	return true;
}

/* ---- the stream ---- */

struct top_feed {
	struct cli cli;         /* the thread's: a session of its own */
	GAsyncQueue *events;    /* of json_t */
	GAsyncQueue *stop;      /* something in it ends the thread */
	gint stopped;           /* atomic: a request is to end */
	int64_t heard_ms;       /* atomic */
	struct sse sse;
};

static void drop(void *event)
{
	json_decref(event);
}

static bool is_stopped(void *user)
{
	struct top_feed *f = user;

	return g_atomic_int_get(&f->stopped);
}

/* An sse_event_f. */
static bool take_event(const char *data, void *user)
{
	struct top_feed *f = user;
	json_t *event = json_parse(data, strlen(data), NULL);

	if (event) {
		g_async_queue_push(f->events, event);
		g_main_context_wakeup(NULL);
	}
	return !is_stopped(f);
}

/* A client_bytes_f. */
static bool take_bytes(const char *bytes, size_t len, void *user)
{
	struct top_feed *f = user;

	__atomic_store_n(&f->heard_ms, clock_now_ms(), __ATOMIC_RELAXED);
	return sse_feed(&f->sse, bytes, len, take_event, f);
}

static void *listen_to_events(void *user)
{
	struct top_feed *f = user;

	do {
		struct client_stream q = { .path = "/drover/v1/events", .drovers = "events", .last_id = f->sse.last_id, .bytes = take_bytes, .user = f };

		sse_restart(&f->sse);
		/* whatever has ended it: it is begun again, and what is shown is marked as old meanwhile */
		(void)client_stream(f->cli.client, &q, NULL);
	} while (!is_stopped(f) && !g_async_queue_timeout_pop(f->stop, AGAIN_US));
	return NULL;
}

/* The thread outlives what has begun it: nothing waits for its last request. */
static struct top_feed *kept;

struct top_feed *top_feed_start(struct cli *c, GError **err)
{
	struct top_feed *f = g_new0(struct top_feed, 1);

	f->cli = *c;
	f->cli.client = NULL;
	if (!cli_client(&f->cli, err)) {
		g_free(f);
		return NULL;
	}
	client_on_interrupt(f->cli.client, is_stopped, f);
	f->events = g_async_queue_new_full(drop);
	f->stop = g_async_queue_new();
	f->heard_ms = clock_now_ms();
	sse_init(&f->sse);
	kept = f;
	g_thread_unref(g_thread_new("events", listen_to_events, f));
	return f;
}

json_t *top_feed_take(struct top_feed *f, bool *ret_stale)
{
	*ret_stale = clock_now_ms() - __atomic_load_n(&f->heard_ms, __ATOMIC_RELAXED) > TOP_STALE_MS;
	return g_async_queue_try_pop(f->events);
}

void top_feed_stop(struct top_feed *f)
{
	g_atomic_int_set(&f->stopped, 1);
	g_async_queue_push(f->stop, kept);
}
