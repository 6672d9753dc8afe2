/* SPDX-License-Identifier: Apache-2.0 */
#include "plan_view.h"

#include "base/json.h"
#include "progress.h"

static char *duration_text(const json_t *v)
{
	return json_is_integer(v) ? progress_duration(json_integer_value(v)) : NULL;
}

/* {"done": 3, "waiting": 1, ...}: only what there is */
char *plan_counts_text(const json_t *v)
{
	GString *s = g_string_new(NULL);
	const char *name;
	json_t *n;

	json_object_foreach((json_t *)v, name, n) {
		g_autofree char *safe = render_safe(name, false);

		if (json_integer_value(n) > 0)
			g_string_append_printf(s, "%s%d %s", s->len ? ", " : "", (int)json_integer_value(n), safe);
	}
	return g_string_free(s, s->len == 0);
}

static char *bytes_of(const json_t *v)
{
	return json_integer_value(v) > 0 ? render_bytes(json_integer_value(v)) : NULL;
}

const struct col plan_cols[9] = {
	{ "ID",       "id" },
	{ "Kind",     "kind" },
	{ "State",    "state" },
	{ "Steps",    "counts", .text = plan_counts_text },
	{ "Expected", "expected_s", .text = duration_text },
	{ "Why",      "why" },
	{ "Created",  "created_at" },
	{ "Started",  "started_at", .longer = true },
	{ "Ended",    "ended_at", .longer = true },
};

const struct col plan_step_cols[10] = {
	{ "Step",     "n" },
	{ "Server",   "server_name" },
	{ "From",     "from" },
	{ "To",       "to" },
	{ "How",      "how" },
	{ "Expected", "expected_s", .text = duration_text },
	{ "Bytes",    "expected_bytes", .text = bytes_of, .longer = true },
	{ "Why",      "why" },
	{ "State",    "state" },
	{ "Reason",   "reason" },
};

static const struct col host_cols[] = {
	{ "Host",             "name" },
	{ "Servers Now",      "now.servers" },
	{ "After",            "after.servers" },
	{ "Memory Now MiB",   "now.memory_mb" },
	{ "At Worst",         "worst.memory_mb" },
	{ "After",            "after.memory_mb" },
	{ "Capacity",         "capacity.memory_mb" },
	{ "vCPUs Now",        "now.vcpus" },
	{ "After",            "after.vcpus" },
	{ "Capacity",         "capacity.vcpus" },
};

/* A table of people's, whatever the command's own columns are. @skip: a column that is left out; NULL: none */
static void put_table(struct cli *c, const struct col *cols, size_t n, const char *skip, const json_t *rows)
{
	g_autoptr(GPtrArray) chosen = g_ptr_array_new();
	g_autoptr(GString) text = g_string_new(NULL);

	for (size_t i = 0; i < n; i++)
		if (!cols[i].longer && g_strcmp0(cols[i].title, skip) != 0)
			g_ptr_array_add(chosen, (void *)&cols[i]);
	render_list(text, RENDER_TABLE, (const struct col *const *)chosen->pdata, chosen->len, rows);
	cli_put(c, text->str);
}

void plan_say(struct cli *c, const char *fmt, ...)
{
	g_autofree char *text = NULL, *safe = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	safe = render_safe(text, true);
	cli_put(c, safe);
}

const char *plan_str(const json_t *row, const char *path)
{
	const char *text = render_str(row, path);

	return text ? text : "-";
}

void plan_put_cannot(struct cli *c, const json_t *plan)
{
	const json_t *one, *why;
	size_t i, k;

	json_array_foreach(json_object_get(plan, "cannot"), i, one) {
		plan_say(c, "%s on %s cannot move: %s\n", plan_str(one, "server_name"), plan_str(one, "host"), plan_str(one, "reason"));
		json_array_foreach(json_object_get(one, "reasons"), k, why)
			plan_say(c, "  %s: %s\n", plan_str(why, "host"), plan_str(why, "reason"));
	}
}

static void put_cycles(struct cli *c, const json_t *plan)
{
	const json_t *one, *host;
	size_t i, k;

	json_array_foreach(json_object_get(plan, "cycles"), i, one) {
		plan_say(c, "a cycle:");
		json_array_foreach(json_object_get(one, "hosts"), k, host)
			plan_say(c, "%s %s", k ? "," : "", json_string_value(host) ? json_string_value(host) : "?");
		if (render_str(one, "through"))
			plan_say(c, "; it goes through %s\n", render_str(one, "through"));
		else
			plan_say(c, "; no third host has room for it\n");
	}
}

static void put_spread(struct cli *c, const json_t *plan)
{
	static const char *const of[] = { "memory", "vcpus", "load" };

	for (size_t i = 0; i < G_N_ELEMENTS(of); i++) {
		const json_t *s = json_object_get(json_object_get(plan, "spread"), of[i]);

		if (json_is_object(s))
			plan_say(c, "%s: the fullest and the emptiest host differ by %.1f points, after it by %.1f\n", of[i],
			    json_number_value(json_object_get(s, "now")), json_number_value(json_object_get(s, "after")));
	}
}

void plan_put_steps(struct cli *c, const json_t *steps)
{
	put_table(c, plan_step_cols, G_N_ELEMENTS(plan_step_cols), NULL, steps);
}

void plan_put(struct cli *c, const json_t *plan)
{
	bool draft = g_strcmp0(render_str(plan, "state"), "draft") == 0;
	bool some = json_array_size(json_object_get(plan, "steps")) > 0;
	g_autofree char *expected = duration_text(json_object_get(plan, "expected_s"));

	if (some)
		put_table(c, plan_step_cols, draft ? 8 : G_N_ELEMENTS(plan_step_cols), draft ? "Reason" : NULL, json_object_get(plan, "steps"));
	plan_put_cannot(c, plan);
	put_cycles(c, plan);
	if (some && json_array_size(json_object_get(plan, "hosts")) > 0)
		put_table(c, host_cols, G_N_ELEMENTS(host_cols), NULL, json_object_get(plan, "hosts"));
	put_spread(c, plan);
	if (draft && expected && some)
		plan_say(c, "%zu step%s, about %s\n", json_array_size(json_object_get(plan, "steps")),
			 json_array_size(json_object_get(plan, "steps")) == 1 ? "" : "s", expected);
}
