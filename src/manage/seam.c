/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/seam.h"

static const struct seam *used;

void seam_use(const struct seam *s)
{
	used = s;
}

const struct seam *seam_used(void)
{
	return used;
}
