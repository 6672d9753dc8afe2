/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests for plans: "METHOD TARGET\nBODY", the target behind /drover/v1/plans. They are made, changed and done on simulated hosts.
 *
 * Whatever comes, there is exactly one answer: a plan, a list, all mistakes, or a fault with a text; never one of ours (500).
 */
#include <stdint.h>
#include <string.h>

#include "../scenarios/api_call.h"
#include "api/drover/drover.h"
#include "api/http/route.h"
#include "fleet/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PLANS_MAX 40 /* then the world begins again */
#define HOSTS 4
#define EACH 2

static struct scn scn = {
	.name = (char *)"fuzz",
	.conf = (char *)"[DEFAULT]\nlog_format = text\nload_interval = 5\n[workarounds]\nallow_any_uri = true\n[api]\nhost_schemes = sim\n"
			"[host h1]\nuri = sim://h1\n[host h2]\nuri = sim://h2\n[host h3]\nuri = sim://h3\n[host h4]\nuri = sim://h4\n",
};
static const struct scn_options options = { .seed = 1, .sweep = true };
static const struct route_table *const tables[] = { &plans_routes };
static struct run run;
static struct api *api;

static bool is_ready(struct run *r, void *unused)
{
	return all_up(r, unused) && fleet_servers(r->fleet)->len == (HOSTS - 1) * EACH;
}

static bool is_measured(struct run *r, void *unused)
{
	g_autofree char *missing = load_missing(r->fleet);

	(void)unused;
	return !missing;
}

/* The last host is empty and small. */
static void begin(void)
{
	run = (struct run){ .scn = &scn, .opt = &options };
	run_begin(&run, NULL);
	for (int h = 1; h <= HOSTS; h++) {
		g_autofree char *host = g_strdup_printf("h%d", h);

		sim_host_add(run.world, host, &(struct sim_host_spec){ .mem_mib = h < HOSTS ? 8192 : 3072, .link_mibs = 4000, .latency_ms = 1 });
		for (int n = 0; h < HOSTS && n < EACH; n++) {
			g_autofree char *name = g_strdup_printf("s%d", h * EACH + n - EACH);

			sim_dom_add(run.world, host, &(struct sim_dom_spec){ .name = name, .mem_mib = 1024, .load_mcpu = 500 * n });
		}
	}
	controller_start(&run);
	g_assert_true(run_until(&run, API_CALL_MS, is_ready, NULL));
	g_assert_true(run_until(&run, API_CALL_MS, is_measured, NULL));
	api = api_new_parts(&(struct api){ .engine = run.engine, .plans = run.plans, .fleet = run.fleet, .store = run.store, .conf = run.conf, .kinds = engine_kinds(run.engine) },
			    tables, G_N_ELEMENTS(tables));
}

static void end(void)
{
	api_free_parts(api);
	run_end(&run);
}

static void renew(void)
{
	g_autoptr(GPtrArray) list = api ? plans_list(run.plans, NULL, NULL, 0, PLANS_MAX, NULL) : NULL;

	if (list && list->len < PLANS_MAX)
		return;
	if (api)
		end();
	begin();
}

static bool has_text(const json_t *fault)
{
	const char *text = json_string_value(json_object_get(fault, "message"));

	return text && *text;
}

static void check_mistakes(const json_t *list)
{
	const json_t *m;
	size_t i;

	json_array_foreach((json_t *)list, i, m)
		g_assert_true(json_string_value(json_object_get(m, "where")) && json_string_value(json_object_get(m, "code")) && json_string_value(json_object_get(m, "what")));
}

static void check(const struct api_answer *a)
{
	g_autoptr(json_t) root = NULL;
	const char *name;
	json_t *fault;

	g_assert_true(a->status >= 200 && a->status < 500);
	if (!*a->body) {
		g_assert_cmpint(a->status, ==, 204);
		return;
	}
	root = json_loads(a->body, JSON_REJECT_DUPLICATES, NULL);
	g_assert_true(json_is_object(root));
	json_object_foreach(root, name, fault) {
		if (a->status < 400)
			continue;
		g_assert_true(has_text(fault));
		check_mistakes(json_object_get(fault, "mistakes"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) halves = g_strsplit(text, "\n", 2);
	g_auto(GStrv) words = halves[0] ? g_strsplit(halves[0], " ", 2) : NULL;
	g_autofree char *target = NULL;
	struct api_answer a;

	if (!words || g_strv_length(words) < 2)
		return 0;
	renew();
	target = g_strconcat("/drover/v1/plans", words[1], NULL);
	api_ask(api, "admin", words[0], target, halves[1], &a);
	api_wait(&run, &a);
	check(&a);
	g_free(a.body);
	return 0;
}
