/* SPDX-License-Identifier: Apache-2.0
 *
 * input: what a plan is asked for, and all that is wrong with it.
 */
#ifndef PLAN_INPUT_H
#define PLAN_INPUT_H

#include "base/json.h"
#include "plan/plan_record.h"
#include "plan/snapshot.h"

#define PLAN_MISTAKES_MAX 1000 /* that are named */

/* A host of a map, and the servers that are to be on it. */
struct plan_place {
	char *host;
	GPtrArray *servers; /* char *: names or UUIDs */
};

struct plan_wanted {
	int kind;           /* enum plan_kind; -1: not said */
	GPtrArray *map;     /* struct plan_place *; NULL: not given, as the lists below */
	GPtrArray *hosts, *servers; /* char * */
	char *to;
	const char *rest;   /* of a map: "leave" or "anywhere"; NULL: not given */
	int parallel;
	int64_t deadline_s;
	bool cold, bring_back, start;
	int waves, priority, memory_spread, vcpus_spread, load_spread, hysteresis;
	char *fleet_version;
};

/** plan_wanted_init() - what holds for fields that are not given. */
void plan_wanted_init(struct plan_wanted *w);
void plan_wanted_clear(struct plan_wanted *w);
/* The body of POST /drover/v1/plans, in a member "plan". */
#define PLAN_WANTED_N 18
extern const struct json_field plan_wanted_fields[PLAN_WANTED_N];

struct plan_mistake {
	char *where; /* "map.compute001[0]" */
	const char *code;
	char *what;
};
void plan_mistake_free(void *mistake);
/** plan_mistake_add() - of @list; no more than PLAN_MISTAKES_MAX. */
void plan_mistake_add(GPtrArray *list, char *where, const char *code, char *what);
/** plan_mistakes_text() - "The plan has 3 mistakes: ...". Return: owned. */
char *plan_mistakes_text(const GPtrArray *list);

/** plan_wanted_check() - what is asked for makes sense by itself: the kind has what it needs. ERR_BAD_REQUEST. */
bool plan_wanted_check(const struct plan_wanted *w, GError **err);

/**
 * plan_input_take() - make wishes of what is asked for. On any thread.
 * @s: its guests' wishes, and which hosts may be used, are set
 * @brought: uuid -> host, of what is to be brought back; NULL: nothing
 * @mistakes: struct plan_mistake *, all of them
 */
void plan_input_take(const struct plan_wanted *w, struct snapshot *s, GHashTable *brought, GPtrArray *mistakes);

#endif
