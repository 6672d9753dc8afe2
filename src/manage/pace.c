/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/pace.h"

#include "base/clock.h"

#define REST_MAX_US (G_USEC_PER_SEC / 10)

/* It becomes fewer at once, and more by and by: a checkpoint that fell into one says nothing of the next. */
int64_t pace_next(int64_t rows, int64_t rows_max, int64_t held_us)
{
	if (held_us > PACE_HOLD_US)
		rows /= 2;
	else if (held_us < PACE_HOLD_US / 2)
		rows += rows / 4 + 1;
	return CLAMP(rows, MIN(PACE_ROWS_MIN, rows_max), rows_max);
}

void pace_init(struct pace *p, struct store *s, int64_t rows_max)
{
	bool waits = store_one_writer(s) && store_in_use(s);

	*p = (struct pace){ .store = s, .rows_max = rows_max, .rows = waits ? MIN(PACE_ROWS_MIN, rows_max) : rows_max };
}

void pace_begin(struct pace *p)
{
	p->began_us = clock_now_us();
}

void pace_end(struct pace *p)
{
	int64_t held_us = clock_now_us() - p->began_us;

	if (!store_in_use(p->store)) {
		p->rows = p->rows_max;
		return;
	}
	if (store_one_writer(p->store)) {
		p->rows = pace_next(p->rows, p->rows_max, held_us);
		held_us *= PACE_REST;
	}
	g_usleep((gulong)CLAMP(held_us, 0, REST_MAX_US));
}
