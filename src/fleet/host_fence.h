/* SPDX-License-Identifier: Apache-2.0
 *
 * host_fence: the record of whether a host was switched off.
 *
 * "fenced" is the promise that nothing runs there, which evacuations are made on. It is made by src/fence alone, and ends with
 * the first answer of the host, whatever comes of it then.
 */
#ifndef HOST_FENCE_H
#define HOST_FENCE_H

#include "fleet/host.h"

/** host_is_fenced() - it was switched off, and has not answered since. */
bool host_is_fenced(const struct host *h);

/**
 * host_fence_set() - write it, and take it over when it is written.
 * @next: its reason is copied
 *
 * Return: false with the store's error; the record is as it was.
 */
bool host_fence_set(struct fleet *f, struct host *h, const struct host_fence *next, GError **err);

/** host_fence_by() - how hosts are switched off from here; NULL: they are not. */
void host_fence_by(struct fleet *f, host_fence_off_f *off, void *user);
/** host_fence_again() - switch one off that was, or was said to be, and lives. Return: false with ERR_BAD_REQUEST: it has no agent; ERR_CONFLICT. */
bool host_fence_again(struct fleet *f, struct host *h, const char *reason, GError **err);

/**
 * host_fence_answered() - the host has answered: if it was fenced, it is no more.
 *
 * Memory says so at once; where the database refuses, the row is written when it answers the next time.
 */
void host_fence_answered(struct fleet *f, struct host *h);

#endif
