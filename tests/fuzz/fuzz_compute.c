/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests to the handlers: "MICROVERSION WHO METHOD TARGET\nBODY".
 *
 * Whatever comes, there is exactly one answer, and it is JSON: what was asked
 * for, or a fault with a text. A server of another project is never shown.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/compute_world.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOSTS_MAX 16

static struct world *world;

/* Requests change the world; too far from its beginning there is little left to find. */
static void renew(void)
{
	if (world && fleet_hosts(world->fleet)->len >= 2 && fleet_hosts(world->fleet)->len < HOSTS_MAX)
		return;
	if (world)
		world_free(world);
	else
		log_init(LOG_ERROR, LOG_TEXT);
	world = world_new();
}

static void check_fault(const json_t *root)
{
	const char *name;
	json_t *fault;

	g_assert_cmpuint(json_object_size(root), ==, 1);
	json_object_foreach((json_t *)root, name, fault)
		g_assert_true(json_is_string(json_object_get(fault, "message")) && *json_string_value(json_object_get(fault, "message")));
}

/* Ironic's: JSON in a string. */
static void check_fault_of_nodes(const json_t *root)
{
	const char *text = json_string_value(json_object_get(root, "error_message"));
	g_autoptr(json_t) fault = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *words = json_string_value(json_object_get(fault, "faultstring"));

	g_assert_cmpuint(json_object_size(root), ==, 1);
	g_assert_true(words && *words);
}

static void check(const struct answer *a, const char *target, bool member)
{
	g_autoptr(json_t) root = NULL;

	g_assert_true(a->status >= 200 && a->status <= 599);
	if (!*a->body) {
		g_assert_cmpint(a->status, <, 300);
		return;
	}
	root = json_loads(a->body, JSON_REJECT_DUPLICATES, NULL);
	g_assert_true(json_is_object(root));
	/* A path that cannot be read is answered before its API is known. */
	if (a->status >= 400 && g_str_has_prefix(target, "/baremetal") && json_object_get(root, "error_message"))
		check_fault_of_nodes(root);
	else if (a->status >= 400)
		check_fault(root);
	else if (member)
		g_assert_null(strstr(a->body, "instance-00000001"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) halves = g_strsplit(text, "\n", 2);
	g_auto(GStrv) words = halves[0] ? g_strsplit(halves[0], " ", 4) : NULL;
	struct answer a;
	bool member;

	if (!words || g_strv_length(words) < 4 || !*words[3])
		return 0;
	renew();
	member = strcmp(words[1], "member") == 0;
	world_ask(world, words[2], words[3], CLAMP(atoi(words[0]), API_MV_MIN, API_MV_MAX), words[1], halves[1], &a);
	check(&a, words[3], member);
	answer_clear(&a);
	return 0;
}
