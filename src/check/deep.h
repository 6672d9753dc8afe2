/* SPDX-License-Identifier: Apache-2.0
 *
 * deep: an empty guest goes from each host to each other.
 *
 * Theory of operation
 * -------------------
 * It is a carrier (hv/carrier.h): 16 MiB of memory, paused, with an empty CD-ROM to boot from and one disk of 64 KiB, in a folder that both
 * hosts share, or else in one that both have; then the disk is copied. It goes as guests of the configuration go: peer to peer,
 * with TLS or through the tunnel if migrations do. Pairs come one after the other: what a run takes of the hosts is one such guest at a time.
 *
 * Whatever becomes of a step, the guest is destroyed at both hosts then, and the file removed. A carrier that is found without its run
 * (CARRIER_CHECK: the controller was stopped or killed, or its host was silent) is destroyed by the reaper of carriers, the file by the next run (gather.h).
 */
#ifndef DEEP_H
#define DEEP_H

#include "check/survey.h"
#include "fleet/fleet.h"

#define DEEP_PAIRS_MAX 1000 /* of a run; the others are not checked */

struct deep;

/** deep_begin() - @s: borrowed; its pairs are known. @done: called once, never from inside; it may free */
struct deep *deep_begin(struct fleet *f, struct survey *s, void (*done)(void *user), void *user);
/** deep_stop() - nothing is asked any more: the fleet may go. What is there then stays. Return: an answer is owed, and @done is called when it has come. */
bool deep_stop(struct deep *d);
/** deep_free() - no answer is owed. NULL is fine. */
void deep_free(struct deep *d);

#endif
