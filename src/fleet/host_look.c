/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/host_look.h"

#include "base/clock.h"
#include "fleet/host_link.h"

#define LOOK_MS 1000 /* for a host that is down: a live one in the same network answers in a few */

struct look {
	struct host *host;
	bool began;              /* an attempt has, since it was asked */
	struct clock_timer *limit;
	host_look_f *done;
	void *user;
};

/* Those of @h that have begun, or all, in the order in which they were asked. Return: struct look *, owned; NULL: none. */
static GPtrArray *take(struct host *h, bool all)
{
	GPtrArray *ended = g_ptr_array_new();

	for (guint i = 0; h->looks && i < h->looks->len;) {
		struct look *k = g_ptr_array_index(h->looks, i);

		if (all || k->began)
			g_ptr_array_add(ended, g_ptr_array_steal_index(h->looks, i));
		else
			i++;
	}
	if (h->looks && h->looks->len == 0)
		g_clear_pointer(&h->looks, g_ptr_array_unref);
	return ended;
}

static void end_all(GPtrArray *ended, bool lives)
{
	for (guint i = 0; i < ended->len; i++) {
		struct look *k = g_ptr_array_index(ended, i);

		clock_cancel(&k->limit);
		k->done(lives, k->user);
		g_free(k);
	}
	g_ptr_array_unref(ended);
}

/* The attempt that was under way when it was asked says nothing: the next one does. */
static void try_again(struct host *h)
{
	for (guint i = 0; h->looks && i < h->looks->len; i++)
		((struct look *)g_ptr_array_index(h->looks, i))->began = true;
	if (h->looks)
		host_link_hurry(h);
}

static void over(void *user)
{
	struct look *k = user;
	struct host *h = k->host;

	k->limit = NULL;
	g_ptr_array_remove(h->looks, k);
	if (h->looks->len == 0)
		g_clear_pointer(&h->looks, g_ptr_array_unref);
	k->done(host_connected(h), k->user);
	g_free(k);
}

void host_look(struct host *h, host_look_f *done, void *user)
{
	host_look_for(h, LOOK_MS, done, user);
}

void host_look_for(struct host *h, int64_t ms, host_look_f *done, void *user)
{
	struct look *k = g_new0(struct look, 1);

	*k = (struct look){ .host = h, .began = h->conn == HOST_CLOSED, .done = done, .user = user };
	k->limit = clock_limit(host_connected(h) ? 0 : ms, over, k);
	if (!h->looks)
		h->looks = g_ptr_array_new();
	g_ptr_array_add(h->looks, k);
	if (k->began)
		host_link_hurry(h);
}

void host_look_tried(struct host *h, bool reached)
{
	end_all(take(h, reached), reached);
	try_again(h);
}

void host_look_end(struct host *h)
{
	end_all(take(h, true), true);
}
