/* SPDX-License-Identifier: Apache-2.0
 *
 * loop: the loop thread, the way into it from others, and blocking jobs.
 *
 * The loop runs its own GMainContext, and libvirt's event loop another one on a thread of
 * hv/, so that no code of libvirt ever runs on the loop thread.
 */
#ifndef LOOP_H
#define LOOP_H

#include <glib.h>

typedef void loop_f(void *user);

/** loop_init() - make the loop and give its context to the clock; once, in main(). */
void loop_init(void);

/** loop_main() - the GMainLoop, for libraries that run on it. Borrowed. */
GMainLoop *loop_main(void);

/** loop_run() - run until loop_quit(). */
void loop_run(void);

/** loop_quit() - leave loop_run() after this turn. Any thread. */
void loop_quit(void);

/** loop_post() - run @fn on the loop thread, in order of posting, before any timer that is due. Any thread. */
void loop_post(loop_f *fn, void *user);

/**
 * loop_job() - run a blocking function on a worker, then its completion on the loop.
 * @work: runs on a worker; touches only what @user points to
 * @done: runs on the loop thread, exactly once; NULL: nothing does, such as after freeing what is so large that it would hold up the loop
 *
 * For short blocking work (password hashes, files). Calls to hosts have their
 * own workers, see hv/. Without loop_init() (a test that owns the clock) both run at once.
 */
void loop_job(loop_f *work, loop_f *done, void *user);

typedef void loop_turn_f(int64_t us, void *user);

/**
 * loop_on_turn() - call @fn after each turn of the loop with the time that it took, waiting not counted. NULL: no more.
 *
 * It runs on the loop thread between two turns, and must neither add nor remove anything there.
 */
void loop_on_turn(loop_turn_f *fn, void *user);

/**
 * loop_signal() - call @fn on the loop thread at each @signum.
 * @signum: SIGHUP, SIGINT, SIGTERM, SIGUSR1 or SIGUSR2 (what GLib can watch)
 */
void loop_signal(int signum, loop_f *fn, void *user);

#endif
