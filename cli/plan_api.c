/* SPDX-License-Identifier: Apache-2.0 */
#include "plan_api.h"

#include "base/json.h"
#include "client.h"

#define PATH "/drover/v1/plans"
#define WHAT "plans"

bool plan_offered(struct cli *c, bool *ret, GError **err)
{
	struct client_call call = { .method = "GET", .path = PATH "?limit=1", .drovers = WHAT };
	g_autoptr(json_t) body = NULL;
	GError *why = NULL;

	if (!cli_client(c, err))
		return false;
	*ret = client_call(c->client, &call, &body, &why) && json_is_array(json_object_get(body, "plans"));
	if (!why)
		return true;
	if (client_no_drover(why)) {
		g_error_free(why);
		return true;
	}
	g_propagate_error(err, why);
	return false;
}

/* A step's place is its number, or where a user has put it; it is not known of a plan that is over. */
static int by_place(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;
	json_int_t first = json_integer_value(json_object_get(*x, "place")), second = json_integer_value(json_object_get(*y, "place"));

	return first < second ? -1 : first > second;
}

/* As they begin. */
static void order_steps(json_t *steps)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	json_t *step;
	size_t i;

	json_array_foreach(steps, i, step)
		g_ptr_array_add(list, json_incref(step));
	g_ptr_array_sort(list, by_place);
	for (guint k = 0; k < list->len; k++)
		json_array_set_new(steps, k, list->pdata[k]);
}

/* The "plan" of an answer, its steps in their order. Takes @body. */
static json_t *plan_of(json_t *body, GError **err)
{
	json_t *plan = json_is_object(json_object_get(body, "plan")) ? json_incref(json_object_get(body, "plan")) : NULL;

	json_decref(body);
	if (!plan)
		g_set_error(err, CLI_ERR, CLI_FAILED, PATH ": the answer has no \"plan\"");
	order_steps(json_object_get(plan, "steps"));
	return plan;
}

static json_t *ask(struct cli *c, const char *method, int64_t id, const char *tail, json_t *request, GError **err)
{
	g_autofree char *path = g_strdup_printf(PATH "/%" G_GINT64_FORMAT "%s", id, tail);
	struct client_call call = { .method = method, .path = path, .drovers = WHAT, .body = request };
	json_t *body = NULL;

	if (!cli_client(c, err) || !client_call(c->client, &call, &body, err))
		return NULL;
	return plan_of(body, err);
}

json_t *plan_get(struct cli *c, int64_t id, GError **err)
{
	return ask(c, "GET", id, "", NULL, err);
}

json_t *plan_act(struct cli *c, int64_t id, const char *action, json_t *args, GError **err)
{
	g_autoptr(json_t) body = json_pack("{s:O}", action, args ? args : json_null());

	return ask(c, "POST", id, "/action", body, err);
}

bool plan_change(struct cli *c, int64_t id, json_t *changes, GError **err)
{
	g_autofree char *path = g_strdup_printf(PATH "/%" G_GINT64_FORMAT, id);
	g_autoptr(json_t) body = changes ? json_pack("{s:O}", "plan", changes) : NULL;
	struct client_call call = { .method = body ? "PATCH" : "DELETE", .path = path, .drovers = WHAT, .body = body };

	return cli_client(c, err) && client_call(c->client, &call, NULL, err);
}

json_t *plan_make(struct cli *c, json_t *request, json_t **ret_mistakes, GError **err)
{
	g_autoptr(json_t) body = json_pack("{s:O}", "plan", request), fault = NULL;
	struct client_call call = { .method = "POST", .path = PATH, .drovers = WHAT, .body = body, .fault = &fault };
	json_t *answer = NULL, *mistakes;

	if (client_call(c->client, &call, &answer, err))
		return plan_of(answer, err);
	mistakes = (json_t *)render_get(fault, "badRequest.mistakes");
	if (ret_mistakes && json_is_array(mistakes))
		*ret_mistakes = json_incref(mistakes);
	return NULL;
}
