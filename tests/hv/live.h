/* SPDX-License-Identifier: Apache-2.0
 *
 * live: what the tests on real hosts share: two connected hosts, calls that wait
 * for their reply, events that can be waited for, and the lab's faults.
 */
#ifndef LIVE_H
#define LIVE_H

#include <stdbool.h>

#include <glib.h>

#include "hv/hv.h"

struct live_host {
	char *name, *uri;
	struct hv_host *h;
};

extern struct live_host live_hosts[2];
extern char *live_guest;   /* UUID; it runs on live_hosts[0] at the start of each test */

/** live_init() - read the environment. Return: false, with the reason, when it is not there. */
bool live_init(const char **ret_why);

struct live_test {
	const char *path;
	void (*fn)(void);
};

/**
 * live_main() - run these tests on two hosts, or skip them, saying why.
 * @root: "/libvirt", which a skip is told of
 * @lab: they cannot do without the lab's program
 *
 * Return: main()'s.
 */
int live_main(int argc, char **argv, const char *root, bool lab, const struct live_test *tests, size_t n);

/** live_call() - hv_call() and wait. Return: the reply; live_reply_free(). */
struct hv_reply *live_call(struct hv_host *h, const struct hv_req *req);
/** live_op() - a call that has a domain alone, and must succeed. */
struct hv_reply *live_op(struct hv_host *h, enum hv_op op);
void live_reply_free(struct hv_reply *r);

/** live_begin() - hv_call() without waiting. live_end() - wait for its reply. */
struct live_call;
struct live_call *live_begin(struct hv_host *h, const struct hv_req *req);
bool live_is_done(const struct live_call *c);
struct hv_reply *live_end(struct live_call *c);

/** live_migrate_req() - a migration of the guest from one of the hosts to the other. */
struct hv_req live_migrate_req(int from);

/** live_mark() - forget the events so far. */
void live_mark(void);
/** live_await() - the first event of a host since the mark, that is, or will be; @state HV_STATE_N is any. */
const struct hv_event *live_await(int host, enum hv_event_type type, enum hv_state state);

/** live_await_copy() - wait until the migration @c copies; its end is a failure of the test. */
void live_await_copy(struct live_call *c, int from);

/** live_settle() - turn the loop until @ready says so; fails the test after a minute. */
void live_settle(bool (*ready)(void *user), void *user);

/** live_state() - a host's word on the guest, as "running/migrated+out"; also a message of the test. */
char *live_state(int host, const char *phase);

/** live_until() - ask a host about the guest until its word is @want or @or (NULL: nothing else). */
void live_until(int host, const char *want, const char *or);

/** live_has_lab() - false, and the test is skipped, where there is no lab to break. */
bool live_has_lab(void);
/** live_lab() - run a command of the lab ("cut", "h1", NULL); it must succeed. */
void live_lab(const char *command, ...) G_GNUC_NULL_TERMINATED;
/** live_output() - the same, for its output without the last newline. Return: owned by the caller. */
char *live_output(const char *command, ...) G_GNUC_NULL_TERMINATED;
/** live_sh() - run a shell script in a host; it must succeed. Return: its output without the last newline, owned by the caller. */
char *live_sh(int host, const char *script);
/** live_reset() - boot the guest again on the first host, whatever became of it. */
void live_reset(void);

/** live_released() - wait until no connection is left, and check that their sockets are closed. */
void live_released(void);

/** live_open() - connect both hosts that are not connected. */
void live_open(void);

#endif
