/* SPDX-License-Identifier: Apache-2.0 */
#include "near.h"

#include <string.h>

#include "base/util.h"

#define NEAR_LEN_MAX 64

const char *near_word(const char *word, const char *const *known)
{
	size_t len = strlen(word);
	unsigned best = len < 4 ? 2 : 3 + (unsigned)len / 8; /* the first distance that is too far */
	const char *near = NULL;

	if (len > NEAR_LEN_MAX)
		return NULL;
	for (; *known; known++) {
		unsigned d = strlen(*known) <= NEAR_LEN_MAX ? util_distance(word, *known) : best;

		if (d < best) {
			best = d;
			near = *known;
		}
	}
	return near;
}
