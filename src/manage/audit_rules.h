/* SPDX-License-Identifier: Apache-2.0
 *
 * audit_rules: the records against what the hosts say. Pure.
 *
 * A server whose task goes on, or rests, is the task's: its record and the hosts may differ then, and nothing is said of it. A host that has not
 * answered says nothing: what could be there is not missed.
 */
#ifndef MANAGE_AUDIT_RULES_H
#define MANAGE_AUDIT_RULES_H

#include <glib.h>

#include "fleet/server.h"
#include "hv/hv.h"

/* What heals a finding. */
enum audit_cure {
	AUDIT_BY_DAEMON, /* droverd, when it runs */
	AUDIT_BY_FIX,    /* audit --fix */
	AUDIT_BY_HAND,
	AUDIT_CURE_N
};

/** audit_cure_name() - "droverd", "--fix", "by hand". */
const char *audit_cure_name(enum audit_cure c);

struct audit_finding {
	enum audit_cure cure;
	char *text; /* a sentence, without a full stop */
};

void audit_finding_free(struct audit_finding *f);

/* A task that has not ended, as its row says. */
struct audit_task {
	int64_t id;
	char *server, *source, *dest; /* a UUID; names of hosts, NULL: none */
};

/* What is left at a host, and is to be removed there. */
struct audit_left {
	char *server, *host, *what;
};

struct audit_world {
	const GPtrArray *servers; /* struct server *: the records */
	const GPtrArray *hosts;   /* struct told * */
	const GPtrArray *tasks;   /* struct audit_task * */
	const GPtrArray *left;    /* struct audit_left * */
};

/** audit_judge() - Return: owned struct audit_finding *, those of a kind beside each other */
GPtrArray *audit_judge(const struct audit_world *w);

#endif
