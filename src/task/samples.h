/* SPDX-License-Identifier: Apache-2.0
 *
 * samples: how copies went, for a graph. In memory alone: those of the migrations that had one last, each thinned as it grows long.
 *
 * A migration has at most SAMPLES_MAX. When it has as many, every second one goes, and from then on only every second that comes is kept: so they are
 * as far from each other in all of it. At most SAMPLES_MIGRATIONS are remembered; a new one takes the place of the one that was silent longest, and
 * where none of them has been silent for SAMPLES_SILENT_US it is not remembered itself, so that many at once do not take turns.
 */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#define SAMPLES_MAX 600
#define SAMPLES_MIGRATIONS 256
#define SAMPLES_SILENT_US (60 * G_USEC_PER_SEC)

struct sample {
	int64_t at_us;                /* on the wall clock */
	int64_t sent_bytes, left_bytes; /* memory and disks */
	int64_t bps, dirty_bps;
	int64_t iteration;
	int64_t permitted_ms;         /* the pause that the hypervisor may make at its end; 0: its own */
	int64_t throttle;             /* percent by which the guest is slowed down */
	int64_t postcopy;             /* 1: it runs at the destination */
};

struct samples;

struct samples *samples_new(void);
/** samples_free() - NULL is fine. */
void samples_free(struct samples *all);
/** samples_add() - one more of the migration with that number. */
void samples_add(struct samples *all, int64_t id, const struct sample *s);
/** samples_of() - oldest first. Return: GArray of struct sample, borrowed, until the next samples_add(); NULL: none are remembered. */
const GArray *samples_of(const struct samples *all, int64_t id);

#endif
