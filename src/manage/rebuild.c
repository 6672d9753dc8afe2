/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/rebuild.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "fleet/fleet.h"
#include "identity/identity.h"
#include "manage/seam.h"
#include "manage/where.h"
#include "store/store.h"

#define LOOK_MS 100

struct rebuild {
	struct fleet *fleet;
	struct clock_timer *look;
};

static bool is_telling(const struct fleet *f)
{
	for (guint i = 0; i < fleet_hosts(f)->len; i++) {
		const struct host *h = g_ptr_array_index(fleet_hosts(f), i);

		if (h->conn == HOST_SYNCING || h->conn == HOST_CLEANING)
			return true;
	}
	return false;
}

/* A host that is up has told of all of its guests, and each has its record. */
static void look(void *user)
{
	struct rebuild *r = user;

	if (fleet_settled(r->fleet) && !is_telling(r->fleet))
		loop_quit();
	else
		r->look = clock_after(LOOK_MS, look, r);
}

static void print_host(struct fleet *f, const struct host *h)
{
	g_autofree char *state = host_state_text(f, h);
	guint servers = 0;

	for (guint i = 0; i < fleet_servers(f)->len; i++)
		servers += g_strcmp0(((const struct server *)g_ptr_array_index(fleet_servers(f), i))->host, h->name) == 0;
	printf("%s: %s, %u servers\n", h->name, state, servers);
}

/* Return: how many hosts were not reached; -1 with @err */
static int adopt(const struct conf *conf, struct store *s, GError **err)
{
	struct rebuild r = { .look = NULL };
	int silent = 0;

	if (!seam_used()->init(err))
		return -1;
	loop_init();
	r.fleet = fleet_new(conf, s, seam_used()->ops, err);
	if (!r.fleet)
		return -1;
	fleet_start(r.fleet);
	look(&r);
	loop_run();
	for (guint i = 0; i < fleet_hosts(r.fleet)->len; i++) {
		const struct host *h = g_ptr_array_index(fleet_hosts(r.fleet), i);

		silent += !host_is_up(r.fleet, h);
		print_host(r.fleet, h);
	}
	fleet_free(r.fleet);
	return silent;
}

static int rebuild(const struct conf *conf, struct store *s, GError **err)
{
	bool made;

	if (!identity_rebuild(conf, s, &made, err))
		return -1;
	fputs(made ? "The administrator's password is new, and in admin-openrc.\n" : "The administrator has the password that is in admin-openrc.\n", stdout);
	return adopt(conf, s, err);
}

int rebuild_run(const struct command *c, const struct conf *conf, int argc, char **argv)
{
	const GOptionEntry none[] = { { NULL } };
	g_autofree char *url = where_url(conf);
	g_autoptr(GError) err = NULL;
	struct store *s;
	int silent;

	if (!command_options(c, none, NULL, &argc, &argv))
		return COMMAND_USAGE;
	log_init(LOG_ERROR, LOG_TEXT);
	s = store_open(url, &err);
	silent = s ? rebuild(conf, s, &err) : -1;
	store_close(s);
	if (silent < 0)
		return command_fail(c, err, 1);
	if (silent)
		printf("%d hosts were not reached: droverd adopts their guests when it reaches them.\n", silent);
	printf("Start droverd.\n");
	return 0;
}
