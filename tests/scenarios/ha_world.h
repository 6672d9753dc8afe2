/* SPDX-License-Identifier: Apache-2.0
 *
 * ha_world: a controller with [ha], its hosts, their fence agents and the network, on the simulator; and what must be true whenever an agent is to switch a host off.
 *
 * What is true of a host is kept here, whatever the controller believes. An agent does what it says, 2 s after it was asked.
 */
#ifndef HA_WORLD_H
#define HA_WORLD_H

#include "ha/ha.h"
#include "hv/sim/sim.h"
#include "task/kind.h"

#define HA_DELAY_S 30
#define HA_DOWN_S 15
#define HA_WINDOW_S 120

struct ha_truth {
	bool power, link, libvirtd;
	int64_t dark_ms;  /* since when nothing of it can be reached; -1: it can */
	int64_t light_ms; /* since when it can */
	bool asked;       /* an agent was to switch it off; if that fails, it is run again */
	bool disabled;
};

/* What one is made of. */
struct ha_spec {
	int n;            /* hosts: h1, h2, ... */
	int with;         /* so many of them have servers, the first ones */
	int servers;      /* ... of each: h1-0, h1-1, ...; the second one has a high priority, and the third is a person's */
	bool alike;       /* but all have none */
	int max_hosts;
	bool disabled;    /* [ha] is not on */
	bool quiet;       /* the log has errors alone */
	const struct task_kind *const *kinds; /* NULL: one that "evacuates", and notes in .asked what it was asked for */
};

struct ha_world {
	struct ha_spec spec;
	struct conf *conf;
	struct sim *sim;
	struct store *store;
	struct fleet *fleet;
	struct engine *engine;
	struct fences *fences;
	struct ha *ha;
	struct ha_truth *is; /* by host */
	bool blind;       /* the controller's own address has no carrier */
	int64_t blind_ms; /* since when */
	bool agents_fail;
	GString *log;
	guint lines;      /* of it */
	GString *asked;   /* servers that were asked to be evacuated, by their names */
	int fenced;       /* hosts that agents have switched off */
	char *wrong;      /* the first thing that must not be, and was; NULL */
};

/** ha_world_new() - its hosts are up, and the controller has known them for a while. One at a time. */
struct ha_world *ha_world_new(const struct ha_spec *spec);
void ha_world_free(struct ha_world *w);

/** ha_world_host() - by its number, from 0 on. */
struct host *ha_world_host(const struct ha_world *w, int i);
/** ha_world_restart() - the controller ends, and another one begins with what is in the store. */
void ha_world_restart(struct ha_world *w);
/** ha_world_logged() - how often the log has that. */
int ha_world_logged(const struct ha_world *w, const char *what);
/** ha_world_has_row() - something is noted of a host. */
bool ha_world_has_row(const struct ha_world *w);

void ha_world_power(struct ha_world *w, int i, bool on);
void ha_world_link(struct ha_world *w, int i, bool on);
void ha_world_libvirtd(struct ha_world *w, int i, bool on);
/** ha_world_blind() - the controller's own address has no carrier, or has one again. */
void ha_world_blind(struct ha_world *w, bool blind);
/** ha_world_disable() - as by a person. */
void ha_world_disable(struct ha_world *w, int i, bool disabled);

#endif
