/* SPDX-License-Identifier: Apache-2.0
 *
 * A date as an operator writes it: what is one, is the same when it is written out and read again.
 */
#include <stdint.h>

#include "base/util.h"
#include "manage/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	char again[UTIL_TIME_MAX];
	int64_t us, same;

	if (!date_parse(text, &us))
		return 0;
	util_time_us(again, us);
	g_assert_true(date_parse(again, &same));
	g_assert_cmpint(same, ==, us);
	return 0;
}
