/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzzer's entry over files and folders of files: the corpus as a test,
 * with any compiler; prints TAP. The fuzzer itself needs clang, see run.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replayed;

static void replay_file(const char *path)
{
	g_autofree char *text = NULL;
	g_autoptr(GError) err = NULL;
	gsize len;

	if (!g_file_get_contents(path, &text, &len, &err))
		g_error("%s", err->message);
	/* What a crash leaves on the terminal is the input's name. */
	g_print("# %s\n", path);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)text, len);
	g_print("ok %d - %s\n", ++replayed, strrchr(path, '/') + 1);
}

static void replay(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	if (!dir) {
		replay_file(path);
		return;
	}
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *sub = g_build_filename(path, name, NULL);

		replay(sub);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	g_print("1..%d\n", replayed);
	return replayed ? 0 : 1;
}
