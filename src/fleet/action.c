/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/action.h"

#include "base/clock.h"
#include "base/err.h"
#include "store/columns.h"
#include "store/row.h"

#define ACTION_FIELD(n, col, type, f) ROW_FIELD_##type(action, col, f),
#define EVENT_FIELD(n, col, type, f) ROW_FIELD_##type(action_event, col, f),

static const struct row_field new_fields[] = { ACTION_NEW(ACTION_FIELD, ACTION_FIELD) }, row_fields[] = { ACTION_ROW(ACTION_FIELD, ACTION_FIELD) };
static const struct row_field event_start_fields[] = { ACTION_EVENT_START(EVENT_FIELD, EVENT_FIELD) };
static const struct row_field event_end_fields[] = { ACTION_EVENT_END(EVENT_FIELD, EVENT_FIELD) };
static const struct row_field event_fields[] = { ACTION_EVENT_ROW(EVENT_FIELD, EVENT_FIELD) };

bool action_start(struct store *s, const char *server_uuid, const char *action, const struct requester *who, int64_t *ret_id, GError **err)
{
	int64_t now = clock_wall_us();
	const struct action a = {
		.server_uuid = (char *)server_uuid, .action = (char *)action, .request_id = (char *)who->request_id, .user_id = (char *)who->user_id,
		.project_id = (char *)who->project_id, .start_us = now, .updated_us = now,
	};
	struct store_val row[G_N_ELEMENTS(new_fields)];

	row_values(new_fields, G_N_ELEMENTS(row), &a, now, row);
	return store_insert(s, Q_ACTION_INSERT, row, G_N_ELEMENTS(row), ret_id, err);
}

bool action_finish(struct store *s, int64_t id, const char *message, GError **err)
{
	return store_run(s, Q_ACTION_FINISH, STORE_ARGS(SV_I(id), SV_S(message), SV_I(clock_wall_us())), NULL, err);
}

bool action_done(struct store *s, const char *server_uuid, const char *action, const struct requester *who, GError **err)
{
	int64_t id;

	return action_start(s, server_uuid, action, who, &id, err) && action_finish(s, id, NULL, err);
}

bool action_event_start(struct store *s, int64_t action_id, const char *event, const char *host, GError **err)
{
	const struct action_event e = { .event = (char *)event, .host = (char *)host, .start_us = clock_wall_us() };
	struct store_val row[1 + G_N_ELEMENTS(event_start_fields)] = { SV_I(action_id) };

	row_values(event_start_fields, G_N_ELEMENTS(event_start_fields), &e, e.start_us, row + 1);
	return store_run(s, Q_AEVENT_START, row, G_N_ELEMENTS(row), NULL, err);
}

bool action_event_finish(struct store *s, int64_t action_id, const char *event, const char *details, GError **err)
{
	const struct action_event e = {
		.result = (char *)(details ? "Error" : "Success"), .details = (char *)details, .finish_us = clock_wall_us(),
	};
	struct store_val row[2 + G_N_ELEMENTS(event_end_fields)] = { SV_I(action_id), SV_S(event) };

	row_values(event_end_fields, G_N_ELEMENTS(event_end_fields), &e, e.finish_us, row + 2);
	return store_run(s, Q_AEVENT_FINISH, row, G_N_ELEMENTS(row), NULL, err);
}

static bool take_action(const struct store_row *row, void *user)
{
	struct action *a = g_new0(struct action, 1);

	(void)row_read(row, row_fields, G_N_ELEMENTS(row_fields), a); /* it has no words */
	g_ptr_array_add(user, a);
	return true;
}

GPtrArray *action_list(struct store *s, const char *server_uuid, int64_t since_us, int64_t before_us, int64_t below_id, int limit, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)action_free);

	if (!store_each(s, Q_ACTION_LIST,
			STORE_ARGS(SV_S(server_uuid), SV_OPT(since_us), SV_OPT(before_us), SV_I(below_id ? below_id : G_MAXINT64), SV_I(limit)),
			take_action, list, err))
		return NULL;
	return g_steal_pointer(&list);
}

struct action *action_get(struct store *s, const char *server_uuid, const char *request_id, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)action_free);

	if (!store_each(s, Q_ACTION_GET, STORE_ARGS(SV_S(server_uuid), SV_S(request_id)), take_action, list, err))
		return NULL;
	if (list->len == 0) {
		g_set_error(err, ERR, ERR_NOT_FOUND, "Action for request_id %s on instance %s not found", request_id, server_uuid);
		return NULL;
	}
	return g_ptr_array_steal_index(list, 0);
}

static bool take_event(const struct store_row *row, void *user)
{
	struct action_event *e = g_new0(struct action_event, 1);

	(void)row_read(row, event_fields, G_N_ELEMENTS(event_fields), e); /* it has no words */
	g_ptr_array_add(user, e);
	return true;
}

GPtrArray *action_events(struct store *s, int64_t action_id, GError **err)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)action_event_free);

	if (!store_each(s, Q_AEVENT_LIST, STORE_ARGS(SV_I(action_id)), take_event, list, err))
		return NULL;
	return g_steal_pointer(&list);
}

void action_free(struct action *a)
{
	if (!a)
		return;
	g_free(a->server_uuid);
	g_free(a->action);
	g_free(a->request_id);
	g_free(a->user_id);
	g_free(a->project_id);
	g_free(a->message);
	g_free(a);
}

void action_event_free(struct action_event *e)
{
	if (!e)
		return;
	g_free(e->event);
	g_free(e->host);
	g_free(e->result);
	g_free(e->details);
	g_free(e);
}
