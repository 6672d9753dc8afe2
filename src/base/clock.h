/* SPDX-License-Identifier: Apache-2.0
 *
 * clock: time and timers, the only module that reads a clock.
 *
 * Two modes. Real: monotonic and wall clock of the system, timers on the loop's
 * GMainContext. Manual: a test owns the time; timers fire, in order of their due
 * time and then of their creation, only inside clock_step() and
 * clock_advance_ms(). All calls belong to the loop thread, but clock_now_ms(),
 * clock_now_us() and clock_wall_us() in real mode, which any thread may call.
 *
 * A loop can stand still: a slow database, a suspended machine. What happened
 * outside in that time is read before anything is judged by it: loop_post()
 * comes before timers, a limit that fires late is granted the time that the
 * loop stood, and clock_on_late() tells before either.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

typedef void clock_f(void *user);

struct clock_timer;

/**
 * clock_use_context() - set the GMainContext that real timers run on.
 * @ctx: borrowed; NULL for the default context
 */
void clock_use_context(GMainContext *ctx);

/** clock_now_ms() - monotonic milliseconds; only differences mean anything. */
int64_t clock_now_ms(void);

/** clock_now_us() - the same in microseconds, for durations. */
int64_t clock_now_us(void);

/** clock_wall_us() - microseconds since 1970-01-01 UTC. */
int64_t clock_wall_us(void);

/**
 * clock_after() - call a function once, later, on the loop thread.
 * @ms: milliseconds from now, 0 for the next turn of the loop
 * @fn: the function; when it runs, the timer is already gone
 * @user: passed to it
 *
 * Return: the timer, owned by the clock until it fires or is cancelled. A
 * caller that keeps the pointer sets it to NULL first thing in @fn.
 */
struct clock_timer *clock_after(int64_t ms, clock_f *fn, void *user);

/**
 * clock_limit() - the same for a limit on an answer from outside. Time in which the loop stood does not count: a
 * limit that the loop comes to CLOCK_LATE_US late or more fires later by as much, but by its own length at most, and once.
 */
struct clock_timer *clock_limit(int64_t ms, clock_f *fn, void *user);

#define CLOCK_LATE_US 250000
#define CLOCK_TURN_US 3000 /* after so long a turn of the loop fires no more timers: the others wait for the next one */

/* The loop stood for so long, as far as its timers tell. */
typedef void clock_late_f(int64_t late_us, void *user);
/** clock_on_late() - called on the loop before answers are read and timers fire, when the first due timer is CLOCK_LATE_US late; NULL ends it. */
void clock_on_late(clock_late_f *fn, void *user);
/** clock_notice() - look whether the loop is late; of base/loop.c. */
void clock_notice(void);

/**
 * clock_cancel() - forget a timer that has not fired.
 * @t: points to the timer or to NULL; set to NULL
 */
void clock_cancel(struct clock_timer **t);

/**
 * clock_manual() - go to manual mode; a test's first call.
 * @wall_us: the wall clock's first value
 *
 * Pending manual timers of an earlier use are dropped.
 */
void clock_manual(int64_t wall_us);

/**
 * clock_step() - manual mode: advance to the next due timer and fire it.
 *
 * Return: false if there is no timer.
 */
bool clock_step(void);

/** clock_advance_ms() - manual mode: advance by @ms, firing what falls due on the way. */
void clock_advance_ms(int64_t ms);

/*
 * What a simulated world does goes on while the loop stands, and what it sends to the loop waits until it goes on and is
 * read first. Both are plain timers but in clock_stall().
 */
struct clock_timer *clock_world(int64_t ms, clock_f *fn, void *user);
struct clock_timer *clock_arrival(int64_t ms, clock_f *fn, void *user);

/** clock_stall() - manual mode: the loop stands for @ms, and has then read what arrived; its timers that are due fire at the next clock_step(). */
void clock_stall(int64_t ms);

/** clock_set_wall() - manual mode: step the wall clock by @ms, in either direction. */
void clock_set_wall(int64_t ms);

#endif
