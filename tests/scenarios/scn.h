/* SPDX-License-Identifier: Apache-2.0
 *
 * scn: scenario files and what runs them.
 *
 * A scenario is a text file, a command a line, words as in a shell. It builds a
 * simulated world, starts a controller (fleet, engine, store) on the manual
 * clock, asks, breaks, waits and expects. README.md describes the commands.
 *
 * The sweep runs the same files with a fault of its own put in; then what the
 * file expects does not count, waits end at their limits, and the invariants
 * decide alone.
 */
#ifndef SCN_H
#define SCN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

#include "base/conf.h"
#include "check/checks.h"
#include "fence/fence.h"
#include "ha/ha.h"
#include "hv/sim/sim.h"
#include "plan/make.h"
#include "store/store.h"
#include "task/engine.h"

struct scn_line {
	int no;
	int n;
	char **w; /* NULL-terminated */
};

struct scn {
	char *name;        /* the file's, without folder and ending */
	char *about;
	char *no_sweep;    /* why the sweep leaves it out; NULL: it does not */
	char *no_invariants; /* why its end breaks the invariants on purpose; NULL: it does not */
	bool test_kinds;   /* its controllers can do what those of test_kinds.h do, beside what the daemon can */
	char *conf;        /* the configuration's text */
	struct conf *parsed; /* ... as it is at the start */
	GPtrArray *lines;  /* struct scn_line * */
};

/** scn_load() - read and check a file. Return: owned; NULL with @err, whose message has file and line. */
struct scn *scn_load(const char *path, GError **err);
void scn_free(struct scn *s);

/**
 * scn_files() - the scenario files that a program's arguments name.
 * @args: files, and folders, which stand for each .scn in them by name; NULL-terminated
 *
 * Return: char *, owned; NULL with @err if a folder cannot be read or there is no file at all.
 */
GPtrArray *scn_files(char **args, GError **err);

/* What the database does to one call: see scn_store.c. */
enum store_fault_kind {
	STORE_REFUSED,     /* with an error; it was not done */
	STORE_LOST_BEFORE, /* the connection broke, and it was surely not done */
	STORE_LOST_AFTER,  /* it was done, and the answer was lost; of a commit there is no telling which of the two it was */
	STORE_FAULT_N
};

struct store_fault {
	int64_t nth; /* the call, from 1 on */
	enum store_fault_kind kind;
};

/* Calls that are no statement; the others are enum query. */
enum { SCN_BEGIN = Q_N, SCN_COMMIT, SCN_CALL_N };

struct scn_options {
	uint64_t seed;
	const struct store_fault *store_fault; /* NULL: none */
	const struct sim_fault *faults; /* the sweep's */
	int n_faults;
	bool sweep;                    /* what the file expects does not count */
	FILE *trace;                   /* calls, log and commands go there; NULL */
};

struct scn_result {
	char *failure;     /* NULL: passed. Owned by the caller */
	int64_t calls;     /* that passed the gate while the file's commands ran */
	int64_t hits;      /* calls that the fault met */
	GArray *store_calls; /* in: an array of int to note the calls of the database in while the file's commands run, or NULL */
	uint64_t digest;   /* of all calls: equal runs have equal ones */
	int64_t virtual_ms;
};

/** scn_run() - run it once, with a world, a clock and a store of its own. */
void scn_run(const struct scn *s, const struct scn_options *o, struct scn_result *ret);

/* ---- between scn_run.c (commands), scn_world.c (the controller), scn_check.c (what a file expects), scn_invariants.c ---- */

/* A definition that the file has made. */
struct scn_definition {
	char *host, *xml;
	bool autostart;
};

struct guest {
	char uuid[UTIL_UUID_LEN + 1];
	char *name;
	bool there;        /* the file has made a domain of it */
	bool off;          /* ... shut off */
	bool stray;        /* ... and another one somewhere else, which stays */
	bool may_pause;    /* ... and paused it */
	bool by_hand;      /* ... and started it */
	const struct task_action *power;  /* of the last request; NULL: a migration */
	const struct task_action *wanted; /* ... the last that was accepted; NULL: the file's hand has changed it since */
	bool transient;    /* ... and it has no definition of its own */
	GPtrArray *definitions; /* struct scn_definition *: those that must not be taken away */
	/* the last request for it */
	bool asked, answered;
	int64_t id;        /* of its last accepted migration */
	int code;          /* of the answer; -1: none, it was accepted */
	char *text;
};

struct run {
	const struct scn *scn;
	const struct scn_options *opt;
	const struct task_kind *const *kinds; /* what its controllers can do; NULL: what the daemon can */
	char *conf_text;         /* of this run: "reconf" changes it */
	struct conf *conf;
	GHashTable *under_way;   /* "leave h1" -> number, for limits that were lowered */
	struct sim *world;
	struct store *store;
	struct fleet *fleet;     /* NULL while no controller runs */
	struct engine *engine;
	struct checks *checks;   /* of the set-up, while a controller runs */
	struct fences *fences;   /* likewise */
	struct scn_ha *with_ha;  /* its configuration has [ha] on; NULL */
	GHashTable *agents;      /* host -> word, owned: how its fence agent is; see scn_agent.c */
	struct plans *plans;     /* likewise */
	struct scn_consoles *consoles; /* that the file has opened; see scn_console.c */
	GArray *plan_ids;        /* int64_t: of the plans that the file has made */
	GPtrArray *mistakes;     /* char *: of the last plan that was refused; NULL */
	bool plan_made, plan_is_row;
	bool killed;             /* by a rule; not freed yet */
	bool was_killed;
	bool skip_rest;          /* of the file's commands */
	GPtrArray *guests;       /* struct guest *, in order of their mention */
	GPtrArray *log;          /* lines */
	guint log_seen;          /* how far "wait log" has read */
	int result_code;         /* of the last abort, force, enable, ...; -1: it was done */
	char *result_text;
	GPtrArray *prechecks;    /* what the last "precheck" said, see scn_precheck.c; NULL */
	bool prechecked;
	GString *remains;        /* what the last "remains" said, see scn_remains.c */
	bool remains_told;
	int64_t op_calls[HV_OP_N];
	uint64_t digest;
	int line;
	char *failure;
};

/* scn_run.c */
/** run_begin() - make what a run has, for .scn and .opt: its configuration and an empty world. @store_calls: as scn_store() takes it. */
void run_begin(struct run *r, GArray *store_calls);
/** run_end() - free that. */
void run_end(struct run *r);
/** run_fail() - note the first failure. */
void run_fail(struct run *r, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/** run_bad_line() - a mistake in the file, not in the program: end it all. */
void run_bad_line(struct run *r, const char *what);
/** run_guest() - by name; made when it is first mentioned. Borrowed. */
struct guest *run_guest(struct run *r, const char *name);
/** run_keep_result() - for "expect result". */
void run_keep_result(struct run *r, bool ok, const GError *err);
/** run_server() - the controller's record of a guest; NULL if it has none. Borrowed. */
struct server *run_server(struct run *r, const struct guest *g);
/* "10.0.0.5/24,...", as the record has them. Return: owned. */
char *run_addresses(struct run *r, const char *guest);
/** word_after() - the word behind another one: "to h2". NULL if it is not there. */
const char *word_after(const struct scn_line *l, const char *word);
/** word_path() - "/a/path", or "SERVER:TARGET" for the file of a server's disk. Borrowed. */
const char *word_path(struct run *r, const char *word);
/** word_duration() - "500ms", "10s", "2m" in milliseconds. */
int64_t word_duration(struct run *r, const char *text);

/* scn_agent.c */
/** agent_fences() - what runs the agents of a controller that is about to start. Owned. */
struct fences *agent_fences(struct run *r);
/* agent HOST works|mute|says-on|says-off */
void agent_set(struct run *r, const struct scn_line *l);
/* fence HOST, unfence HOST */
void agent_ask(struct run *r, const struct scn_line *l);

/* scn_wait.c */
#define WAIT_MS 60000 /* unless the command says else */
void wait_run(struct run *r, const struct scn_line *l);

/* scn_plan.c */
void plan_do(struct run *r, const struct scn_line *l);
bool plan_is(struct run *r, void *line);
bool plan_step_is(struct run *r, void *line);
void plan_expect(struct run *r, const struct scn_line *l);
void plan_expect_step(struct run *r, const struct scn_line *l);
void plan_expect_mistake(struct run *r, const struct scn_line *l);
/** plan_invariants() - no plan goes on at the end, and what its steps say is so. */
void plan_invariants(struct run *r);

/* scn_store.c */
/**
 * scn_store() - the one store of this process, in memory, with empty tables. Borrowed.
 * @fault: what it does once; NULL: nothing
 * @calls: int, the calls that it gets, in order; NULL: not noted
 */
struct store *scn_store(const struct store_fault *fault, GArray *calls);
/** scn_sql() - what a person or another version does to the database, behind the store's back. Return: the rows, a line each, '|' between cells; owned. */
char *scn_sql(const char *sql);
/** scn_store_calm() - it fails no more, and notes nothing. */
void scn_store_calm(void);
/** scn_store_times() - how often a statement came since the scenario's begin, by its name. */
int64_t scn_store_times(const char *statement);
/** scn_store_hits() - how often it failed a call, but for what came while it was away. */
int64_t scn_store_hits(void);
/** scn_store_lose() - the commit that brings a migration into @phase is done, and its answer lost with the connection. Once. */
void scn_store_lose(const char *phase);
/** scn_store_away() - the connection is lost, and nothing can be written yet. */
bool scn_store_away(void);
const char *store_fault_name(enum store_fault_kind k);
/** store_call_name() - a statement's name, "begin" or "commit". */
const char *store_call_name(int call);

/* scn_world.c */
typedef bool run_cond_f(struct run *r, void *user);
/** run_stall() - the controller's loop stands for @ms, and goes on. */
void run_stall(struct run *r, int64_t ms);
/** run_until() - let time pass until @cond holds. Return: false if @ms passed before. @cond NULL: just let it pass. */
bool run_until(struct run *r, int64_t ms, run_cond_f *cond, void *user);
/** world_new() - @store_calls: as scn_store() takes it. */
void world_new(struct run *r, GArray *store_calls);
void world_free(struct run *r);
/** world_host() - the simulated host that the configuration's host of that name is; itself, where it is in none. */
const char *world_host(struct run *r, const char *host);
/** controller_start() - a new controller on the store and the world as they are. */
void controller_start(struct run *r);
void controller_stop(struct run *r);
/** all_up() - every host of the configuration is connected. */
bool all_up(struct run *r, void *unused);
/** settle_down() - end every fault and let everything come to rest. */
void settle_down(struct run *r);

/* scn_check.c */
/** check_expect() - the command "expect". */
void check_expect(struct run *r, const struct scn_line *l);
/** check_log() - does a line from index @from on have this event, and this text in it? Return: index behind it, or 0. */
guint check_log(struct run *r, guint from, const char *event, const char *text);
/** the record of a guest's last migration; owned, NULL if there is none. */
struct mig *check_mig(struct run *r, const struct guest *g);

/* scn_console.c */
struct scn_consoles *scn_consoles_new(struct run *r);
/** scn_consoles_end() - the controller ends. */
void scn_consoles_end(struct scn_consoles *c);
void scn_consoles_free(struct scn_consoles *c);
/** scn_console_do(), scn_console_has(), scn_console_expect() - the commands "console", "wait console" (a run_cond_f), "expect console". */
void scn_console_do(struct run *r, const struct scn_line *l);
bool scn_console_has(struct run *r, void *line);
void scn_console_expect(struct run *r, const struct scn_line *l);
/** scn_console_invariants() - what is typed at one that is open comes to its guest. */
void scn_console_invariants(struct run *r);

/* scn_precheck.c */
/** check_precheck(), check_precheck_says() - the commands "precheck" and "expect precheck". */
void check_precheck(struct run *r, const struct scn_line *l);
void check_precheck_says(struct run *r, const struct scn_line *l);

/* scn_remains.c */
/** check_what_remains(), check_remains_says() - the commands "remains" and "expect remains". */
void check_what_remains(struct run *r, const struct scn_line *l);
void check_remains_says(struct run *r, const struct scn_line *l);

/* scn_setup.c */
/** setup_flaw(), setup_check(), setup_found(), setup_unchecked() - the commands "flaw", "check", "expect check", "expect unchecked". */
void setup_flaw(struct run *r, const struct scn_line *l);
void setup_check(struct run *r, const struct scn_line *l);
void setup_found(struct run *r, const struct scn_line *l);
void setup_unchecked(struct run *r, const struct scn_line *l);
/** setup_rests() - no check is under way. */
bool setup_rests(struct run *r);

/* scn_ha.c */
/** scn_ha_new() - what a run with [ha] needs; NULL of one without, and for all below. scn_ha_free() - no controller runs any more. */
struct scn_ha *scn_ha_new(struct run *r);
void scn_ha_free(struct scn_ha *a);
/** scn_ha_begin() - of a controller that begins; scn_ha_start() - its fleet was started; scn_ha_end() - it ends, before its agents do. */
bool scn_ha_begin(struct scn_ha *a, GError **err);
void scn_ha_start(struct scn_ha *a);
void scn_ha_end(struct scn_ha *a);
/** scn_ha_note() - time has passed: since when hosts cannot be reached is noted. */
void scn_ha_note(struct scn_ha *a);
/** scn_ha_off() - a host's agent is to switch it off: whether that is right, if [ha] is what asks. */
void scn_ha_off(struct run *r, const char *host);
/** scn_ha_calm() - the end: no agent switches a host off any more. */
void scn_ha_calm(struct scn_ha *a);
/** scn_ha_blind() - the command "blind". */
void scn_ha_blind(struct run *r, const struct scn_line *l);

/* scn_invariants.c */
/** check_always() - what must be true between any two turns. */
void check_always(struct run *r);
/** check_limits() - the part of it that must be true between any two timers. */
void check_limits(struct run *r);
/** check_invariants() - what must be true when all has come to rest. Leaves another controller behind. */
void check_invariants(struct run *r);

#endif
