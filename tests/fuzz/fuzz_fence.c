/* SPDX-License-Identifier: Apache-2.0
 *
 * The file of a fence agent's options. Whatever is in it, the agent is told the action once, last, and the controller's own.
 */
#include <stdint.h>
#include <string.h>

#include "fence/agent_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) err = NULL;
	g_autofree char *in = agent_options_stdin(size % 2 ? "fence_ipmilan" : "fence_x", (const char *)data, size, AGENT_STATUS, &err);
	g_auto(GStrv) lines = in ? g_strsplit(in, "\n", -1) : NULL;
	int actions = 0;

	g_assert_true((in != NULL) == (err == NULL));
	for (char **l = lines; l && *l; l++)
		actions += g_str_has_prefix(*l, "action=");
	g_assert_cmpint(actions, ==, in ? 1 : 0);
	g_assert_true(!in || g_str_has_suffix(in, "\naction=status\n") || g_str_equal(in, "action=status\n"));
	return 0;
}
