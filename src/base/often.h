/* SPDX-License-Identifier: Apache-2.0
 *
 * often: keeps what happens again and again from filling the log.
 *
 *	static struct often full;
 *	uint64_t held;
 *
 *	if (often_tell(&full, &held))
 *		log_warning("queue_full", LOG_D("held", held));
 *
 * The first OFTEN_BURST of OFTEN_S seconds are told, and how many were held back since the one before.
 */
#ifndef OFTEN_H
#define OFTEN_H

#include <stdbool.h>
#include <stdint.h>

#define OFTEN_S 10
#define OFTEN_BURST 10

/* All zero at first; of one thread. */
struct often {
	int64_t ends_ms; /* of the interval */
	unsigned told;   /* in it */
	uint64_t held;
};

/**
 * often_tell() - it happened.
 * @ret_held: how many were held back since the last one that was told
 *
 * Return: false if it is held back.
 */
bool often_tell(struct often *o, uint64_t *ret_held);

#endif
