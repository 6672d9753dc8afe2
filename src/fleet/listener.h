/* SPDX-License-Identifier: Apache-2.0
 *
 * listener: what the fleet tells whatever runs tasks on it. Called on the loop thread, after the records have changed.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>

#include <glib.h>

struct host;
struct hv_dom;
struct hv_event;
struct server;

/* Any may be NULL. */
struct fleet_listener {
	/* any domain event of a host */
	void (*domain)(const struct hv_event *ev, void *user);
	/*
	 * @d is shut off there, or waits for a migration that has no job; no migration owns its server, which is elsewhere.
	 * Of a host that has come back it is told in CLEANING, before the host counts as up.
	 */
	void (*leftover)(struct host *h, const struct hv_dom *d, void *user);
	/* what that host has of the server is not the server any more, also where it runs: the record does not follow it */
	bool (*forsaken)(const struct server *s, const struct host *h, void *user);
	/* A host has come back and says what it has (@doms: struct hv_dom *), of which no record has heard yet. @booted: it was fenced, or its guests are gone, unseen */
	void (*back)(struct host *h, const GPtrArray *doms, bool booted, void *user);
	/* That host runs the server as well, which runs at its own host: an alarm was given. Told when it is first seen */
	void (*duplicate)(const struct server *s, struct host *h, void *user);
	/*
	 * A host has come back, and all that it has was told: it is in CLEANING. Return: what is left there is decided, and it comes up; else
	 * fleet_host_cleaned() asks again. Asked more than once.
	 */
	bool (*clean)(struct host *h, void *user);
	/* No host has it any more. Return: something goes on, or rests, that needs its record, whatever task_state it has */
	bool (*needs)(const struct server *s, void *user);
	/* a host became UP, or stopped being so, or was enabled or disabled */
	void (*host)(struct host *h, void *user);
	/* a server has left it, or has another size, or a claim was given back: there may be more room */
	void (*room)(struct host *h, void *user);
	void *user;
};

#endif
