/* SPDX-License-Identifier: Apache-2.0
 *
 * queue: which migration may begin, and in which order.
 *
 * Three limits of its class (fleet/task_class.h) hold at every instant: migrations
 * out of a host, into a host, and in the whole fleet. What must wait is ordered by
 * priority, then by age. queue.c has the theory of operation.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdbool.h>

struct engine;
struct host;
struct mig;

struct queue;
struct lane;

/*
 * The slots and the host (queue_claim_host(); NULL: none fits) are @m's: its phase is to become SCHEDULE.
 * Return: false if the row could not be written; the slots are given back and it is tried again.
 */
typedef bool queue_start_f(struct mig *m);

struct queue *queue_new(struct engine *e, queue_start_f *begin);
void queue_free(struct queue *q);

/** queue_add() - take a migration in, as its row says: at a start, or a new one. */
void queue_add(struct mig *m);
/** queue_moved() - its phase has changed: its slot and its claim follow. */
void queue_moved(struct mig *m);
/** queue_reorder() - its priority has changed. */
void queue_reorder(struct mig *m);

/** queue_claim() - claim room and an inbound slot for @m at @h, and give back what it had claimed at another. @h NULL: only that. */
void queue_claim(struct mig *m, struct host *h);
/** queue_claim_cpus() - what @m takes at the host where it has a claim (mig.claimed_cpus) has changed. */
void queue_claim_cpus(struct mig *m);
/** queue_claim_host() - the host where @m has a claim; NULL. */
struct host *queue_claim_host(const struct mig *m);

/** queue_host() - a host came up, went down, or was enabled or disabled. */
void queue_host(struct queue *q, struct host *h);
/** queue_room() - a server has left @h. */
void queue_room(struct queue *q, struct host *h);
/** queue_limits() - the limits have changed. */
void queue_limits(struct queue *q);

/** queue_position() - 1 for the first of all of its class that are queued; 0: it is not queued. */
int queue_position(const struct mig *m);
/** queue_waits_for() - "waits for a slot of source h1: 1 of 1 taken". Return: owned by the caller; NULL if it is not queued. */
char *queue_waits_for(const struct mig *m);

/** queue_check() - for tests: recount everything and compare. Return: NULL, or what is wrong, owned by the caller. */
char *queue_check(struct queue *q);

#endif
