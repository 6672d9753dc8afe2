/* SPDX-License-Identifier: Apache-2.0 */
#include "base/often.h"

#include "base/clock.h"

bool often_tell(struct often *o, uint64_t *ret_held)
{
	int64_t now_ms = clock_now_ms();

	if (now_ms >= o->ends_ms) {
		o->ends_ms = now_ms + OFTEN_S * 1000;
		o->told = 0;
	}
	if (o->told >= OFTEN_BURST) {
		o->held++;
		return false;
	}
	o->told++;
	*ret_held = o->held;
	o->held = 0;
	return true;
}
