/* SPDX-License-Identifier: Apache-2.0
 *
 * The file that is given to drover-manage db restore: it is one, or there is a reason; it is not written to.
 */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "store/sqlite_restore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *path = NULL, *kept = NULL;
	g_autoptr(GError) err = NULL;
	int fd = g_file_open_tmp("fuzz-copy-XXXXXX", &path, &err);
	bool ok;
	gsize len;

	g_assert_no_error(err);
	g_assert_cmpint(write(fd, data, size), ==, (ssize_t)size);
	close(fd);
	ok = sqlite_restore_judge(path, &err);
	g_assert_true(ok == (err == NULL));
	g_assert_true(g_file_get_contents(path, &kept, &len, NULL));
	g_assert_true(!ok || (len == size && memcmp(kept, data, size) == 0));
	g_unlink(path);
	return 0;
}
