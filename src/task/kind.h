/* SPDX-License-Identifier: Apache-2.0
 *
 * kind: a kind of task, as data: its stages, what is true in each of them, and what a step of it does.
 *
 * The engine, the queue and the store know no kind. They read these columns: a new kind is a table in its own folder, and a line of
 * kinds.c.
 */
#ifndef KIND_H
#define KIND_H

#include <stdbool.h>
#include <stddef.h>

#include "fleet/room.h"
#include "fleet/server.h"
#include "fleet/task_class.h"

struct check_table;
struct engine;
struct fleet;
struct host;
struct hv_dom;
struct hv_event;
struct jout;
struct json_field;
struct mig;
struct mig_draft;
struct task_request;

/* What a task has in a stage. */
enum task_hold {
	TASK_QUEUED = 1 << 0, /* a place in the queue: the queue moves it on */
	TASK_SLOT = 1 << 1,   /* a slot of its source and of the fleet */
	TASK_CLAIM = 1 << 2,  /* room and an inbound slot at its destination */
	TASK_CHOICE = 1 << 3, /* the same at the host that is being asked: the search takes and leaves it */
	TASK_CLAIM_SOURCE = 1 << 4, /* room at its source, to which the server may come back; no slot */
};

/* How a user's request to stop it is met. */
enum task_stop {
	TASK_STOPS,     /* at once: nothing was done at a host */
	TASK_STOP_ASKS, /* a host is asked; the step sees what comes of it */
	TASK_STOP_NOT,  /* it is too late */
};

/* How it ended. */
enum task_end { TASK_GOES_ON, TASK_DONE, TASK_ERROR, TASK_FAILED, TASK_CANCELLED, TASK_END_N };

/* What a stage makes of the server's vm_state. */
enum task_vm {
	TASK_VM_STAYS,     /* nothing */
	TASK_VM_BEFORE,    /* it is what it was when the task was requested */
	TASK_VM_OF_ACTION, /* what the action that was requested says */
	TASK_VM_FIRST,     /* TASK_VM(): that one */
};
#define TASK_VM(vm) (TASK_VM_FIRST + (int)(vm))

/* Where the server's record is from a stage on. */
enum task_at { TASK_AT_STAYS, TASK_AT_SOURCE, TASK_AT_DEST };

#define TASK_ALL_EVENTS "" /* all that have not ended end */

#define TASK_STAGES_MAX 32 /* their numbers are bits */

struct task_stage {
	const char *name;              /* the store's and the log's word */
	const char *status;            /* Nova's migration status; NULL: of a kind that is no migration */
	const char *committed;         /* the same when the guest has gone over without its memory (postcopy): no way back; NULL: it cannot */
	unsigned next;                 /* a bit for each stage that may follow. A stage may follow itself: then only other fields change */
	unsigned holds;                /* enum task_hold */
	enum server_task task;         /* the server's task_state */
	bool task_of_action;           /* ... it is that of the action which was requested */
	int vm;                        /* enum task_vm, or TASK_VM(): the server's vm_state when the stage is entered */
	enum task_at at;               /* where the server's record is, from here on */
	enum task_stop stop;
	bool rests;                    /* nothing is done, no task owns the server, and reality is followed, until a user or time moves it on */
	bool forsakes;                 /* what its source has of the server is not the server any more: the record never follows it */
	int undo;                      /* the stage that takes back what this one may have done, when it fails or is stopped; 0: nothing was done */
	bool in_progress;              /* GET /servers/{id}/migrations lists it */
	bool forces;                   /* it can be told to complete now */
	bool sends;                    /* bytes go to the destination: there is an estimate of their end */
	enum task_end end;             /* the task is over */
	const char *begins, *ends;     /* events of the instance action that begin and end when the stage is entered; NULL. TASK_ALL_EVENTS */
	bool begins_at_dest;           /* ... that event is of the destination, not of the source */
	bool repeats;                  /* entered once an attempt; what begins goes on over all of them */
	void (*enter)(struct mig *m);  /* begin its work; also how a restart goes on. NULL: of a stage in which it waits, or is over */
	void (*taken)(struct mig *m);  /* what memory does after the change to it, when that was written without an answer; NULL: nothing */
};

/* Something that users ask of a server: a row of its kind's table. */
struct task_action {
	const char *name;              /* the API's word, and the row's for what was asked: "os-stop" */
	const char *verb;              /* in refusals: "stop"; NULL: the name */
	const char *action;            /* of the instance action: "stop" */
	const char *event;             /* ... its event that begins with the task, behind that of the first stage; NULL: none */
	unsigned vm;                   /* TASK_VM_BIT() of each vm_state in which a server may be asked for it */
	enum server_task task;         /* task_state of stages that have the action's */
	int after;                     /* TASK_VM() of stages that have the action's; TASK_VM_STAYS */
	int what;                      /* the kind's own */
	unsigned from;                 /* it is asked of a task that stands in one of these stages (a bit each); 0: it begins a new one */
	int to;                        /* ... which goes on to this one */
	const char *none;              /* ... the refusal where there is no such task */
	unsigned over;                 /* TASK_STATE_BIT() of task_states: a task of its own kind that has one of them is asked: what that was asked for is
	                                * given up, and it goes on to .to as this. 0: it takes the place of none */
	/* in the API: a member of the body of POST /servers/{id}/action */
	const char *rule;              /* of api/http/policy.c: the role that it needs; NULL: the API does not have it */
	int since, until;              /* microversions; 0: any */
	const struct json_field *fields; /* of the member's value, read into a struct task_request */
	size_t n_fields;               /* 0: the value is not looked at, or has to be null */
	bool takes_null;               /* ... it may be null, and without fields nothing else */
	int value_since;               /* ... from this microversion on; before, any value is taken. 0: from the first */
	bool fields_of_own;            /* ... they are read into what the kind has beside (own) */
	bool past_lock;                /* the server's lock does not keep a user from it */
	int status;                    /* of the answer to one that was accepted; 0: 202 */
	/* complete() - what the microversion makes of what was read; the last look before the engine. NULL: nothing. ERR_BAD_REQUEST, ERR_CONFLICT */
	bool (*complete)(struct task_request *r, const struct fleet *f, int mv, GError **err);
	/* reply() - write the answer's body to one that was accepted. Return: false, and nothing was written: it has none. NULL: it never has */
	bool (*reply)(const struct task_request *r, int mv, struct jout *o);
};
#define TASK_VM_BIT(vm) (1u << (vm))
#define TASK_STATE_BIT(task) (1u << (task))

/* What the engine does beside its tasks for kinds that share it: once, however many kinds name it. What it keeps is its own (engine_state()). */
struct task_service {
	void *(*begin)(struct engine *e);             /* what it keeps; nothing is read yet, nor is there a task */
	bool (*load)(void *state, GError **err);      /* read its rows; those of active tasks are read already */
	void (*stop)(void *state);                    /* hosts are about to be disconnected */
	void (*free)(void *state);                    /* also after a load that failed, or never came */
	void (*host)(void *state);                    /* a host came up or went down */
	/* A host has come back and says what it has (@doms: struct hv_dom *); see fleet/listener.h. NULL: it is of no interest */
	void (*back)(void *state, struct host *h, const GPtrArray *doms, bool booted);
	/* A host has come back, and all that it has was told. Return: what is left there is decided; else fleet_host_cleaned() follows. NULL: nothing is left */
	bool (*clean)(void *state, struct host *h);
	void (*leftover)(void *state, struct host *h, const struct hv_dom *d); /* a host has something of a server that is elsewhere */
	/* a host runs a server that runs at its own host; see fleet/listener.h. NULL: it is of no interest */
	void (*duplicate)(void *state, const struct server *s, struct host *h);
	guint (*owed)(const void *state);             /* what is still to be put right at hosts */
};

struct task_kind {
	const char *type;              /* Nova's migration_type; the store's word for the kind */
	bool migration;                /* a migration in the API's sense: it is listed, counted and told of as one. Else only its instance action is seen */
	const struct task_class *class; /* whose limits it counts against, and whose queue it waits in; NULL: it waits in none */
	const struct task_stage *stages; /* the first is that of a new one */
	int n;
	int queued, choosing, chosen;  /* stages of the common way: it waits; its destination is looked for; it has one */
	const struct task_service *service; /* NULL: none */
	const struct check_table *checks; /* what is looked at before a destination is taken */
	bool of_server;                /* GET /servers/{id}/migrations lists it */
	const struct task_action *actions; /* what users ask for; the first is what a row without a word for it means */
	int n_actions;
	const struct json_field *own;  /* what its rows have beside the record (mig.own), by name; texts must be nullable */
	size_t n_own, own_size;        /* 0: nothing */
	const char *stop_action, *force_action; /* instance actions of a request to stop it, or to complete it now; NULL: it cannot */

	/* Each of these may be NULL: there is nothing to be done. */
	/** allows() - may a server begin it, whose states are those of the action? ERR_BAD_REQUEST, ERR_CONFLICT. */
	bool (*allows)(const struct fleet *f, const struct server *s, const struct task_action *a, GError **err);
	/** attach(), detach() - begin and end the kind's part of what is under way (mig.priv). */
	void (*attach)(struct mig *m);
	void (*detach)(struct mig *m);
	/** left() - another stage was reached, or taken from the row: answers that are under way count no more. */
	void (*left)(struct mig *m);
	/** event() - an event of a host for its server. */
	void (*event)(struct mig *m, const struct hv_event *ev);
	/** carrier_event() - likewise for the domain that has the task's own UUID. */
	void (*carrier_event)(struct mig *m, const struct hv_event *ev);
	/** host() - its source or its destination came up or went down. */
	void (*host)(struct mig *m);
	/** usage() - what it takes at that end of its way; NULL: what the server takes. */
	struct usage (*usage)(const struct mig *m, enum claim_role role);
	/** stop() - the row says that it is to be stopped, in a stage with TASK_STOP_ASKS; NULL: it is undone. */
	void (*stop)(struct mig *m);
	/** want_force() - what a request to complete now writes. force() - it is written. */
	void (*want_force)(struct mig *m, struct mig_draft *row);
	void (*force)(struct mig *m);
	/** write_end() - it ends, and was in @from: what else is written in the transaction. ended() - the same in memory, after the commit. */
	bool (*write_end)(struct mig *m, const struct task_stage *from, enum task_end end, GError **err);
	void (*ended)(struct mig *m, const struct task_stage *from, enum task_end end);
};

/** kind_stage() - by its name. Return: its index; -1: the kind has none of that name. */
int kind_stage(const struct task_kind *k, const char *name);
/** kind_final() - the stage of that end. */
int kind_final(const struct task_kind *k, enum task_end end);
/** kind_has() - some stage is that end. */
bool kind_has(const struct task_kind *k, enum task_end end);
/** kind_action() - by its name. Return: borrowed; NULL: it has none of that name. */
const struct task_action *kind_action(const struct task_kind *k, const char *name);
/** kinds_check() - the tables are whole: a kind without an end, or two that share a number, are our own mistake. */
void kinds_check(const struct task_kind *const *kinds);
/** kind_find() - of that type. @kinds: NULL-terminated. Return: borrowed; NULL. */
const struct task_kind *kind_find(const struct task_kind *const *kinds, const char *type);
/** kind_follows() - @new may follow @old, or is @old. */
bool kind_follows(const struct task_kind *k, int old, int new);
/** task_end_status() - Nova's status of a task that ended so. */
const char *task_end_status(enum task_end end);

#endif
