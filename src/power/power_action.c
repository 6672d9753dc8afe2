/* SPDX-License-Identifier: Apache-2.0 */
#include "power/power_action.h"

#include "base/body.h"
#include "base/err.h"
#include "base/json.h"
#include "task/request.h"

/* The type says which of two actions it is. */
static bool take_type(const json_t *v, void *obj, const char *where, GError **err)
{
	static const char *const types[] = { "HARD", "Hard", "hard", "SOFT", "Soft", "soft", NULL };
	const char *type = json_string_value(v);
	g_autofree char *shown = NULL;

	if (type && g_strv_contains(types, type)) {
		((struct task_request *)obj)->action = &power_actions[g_ascii_tolower(type[0]) == 'h' ? POWER_HARD : POWER_SOFT];
		return true;
	}
	shown = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
	g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for field/attribute %s. Value: %.120s. %.120s is not one of ['HARD', 'Hard', 'hard', "
		    "'SOFT', 'Soft', 'soft']", body_leaf(where), shown, shown);
	return false;
}

static const struct json_field reboot_fields[] = {
	{ "type", JSON_EMIT, .take = take_type, .form = "\"SOFT\", \"HARD\"", .required = true },
};

#define VM(x) TASK_VM_BIT(SERVER_##x)
#define DOING(x) TASK_STATE_BIT(SERVER_TASK_##x)

/*
 * Nova's compute/api.py: in which vm_states each is permitted, and what is said of the others. A hard reboot is permitted in some task_states,
 * too (task_states.ALLOW_REBOOT): it is what helps where something else does not come to its end.
 */
const struct task_action power_actions[POWER_WHAT_N] = {
	[POWER_OS_START] = {
		.name = "os-start", .verb = "start", .action = "start", .event = "compute_start_instance", .vm = VM(STOPPED),
		.task = SERVER_TASK_POWERING_ON, .after = TASK_VM(SERVER_ACTIVE), .what = POWER_OS_START,
		.rule = "os_compute_api:servers:start",
	},
	[POWER_OS_STOP] = {
		.name = "os-stop", .verb = "stop", .action = "stop", .event = "compute_stop_instance", .vm = VM(ACTIVE) | VM(ERROR),
		.task = SERVER_TASK_POWERING_OFF, .after = TASK_VM(SERVER_STOPPED), .what = POWER_OS_STOP,
		.rule = "os_compute_api:servers:stop",
	},
	[POWER_SOFT] = {
		.name = "reboot", .action = "reboot", .event = "compute_reboot_instance", .vm = VM(ACTIVE),
		.task = SERVER_TASK_REBOOTING, .after = TASK_VM(SERVER_ACTIVE), .what = POWER_SOFT,
		.rule = "os_compute_api:servers:reboot", .fields = reboot_fields, .n_fields = G_N_ELEMENTS(reboot_fields),
	},
	/* in the API a reboot with a type */
	[POWER_HARD] = {
		.name = "reboot-hard", .verb = "reboot", .action = "reboot", .event = "compute_reboot_instance",
		.vm = VM(ACTIVE) | VM(STOPPED) | VM(PAUSED) | VM(SUSPENDED) | VM(ERROR),
		.task = SERVER_TASK_REBOOTING_HARD, .after = TASK_VM(SERVER_ACTIVE), .what = POWER_HARD, .to = POWER_STOP,
		.over = DOING(REBOOTING) | DOING(REBOOT_STARTED) | DOING(REBOOTING_HARD) | DOING(PAUSING) | DOING(UNPAUSING) | DOING(SUSPENDING) |
			DOING(RESUMING),
	},
	[POWER_PAUSE] = {
		.name = "pause", .action = "pause", .event = "compute_pause_instance", .vm = VM(ACTIVE),
		.task = SERVER_TASK_PAUSING, .after = TASK_VM(SERVER_PAUSED), .what = POWER_PAUSE,
		.rule = "os_compute_api:os-pause-server:pause",
	},
	[POWER_UNPAUSE] = {
		.name = "unpause", .action = "unpause", .event = "compute_unpause_instance", .vm = VM(PAUSED),
		.task = SERVER_TASK_UNPAUSING, .after = TASK_VM(SERVER_ACTIVE), .what = POWER_UNPAUSE,
		.rule = "os_compute_api:os-pause-server:unpause",
	},
	[POWER_SUSPEND] = {
		.name = "suspend", .action = "suspend", .event = "compute_suspend_instance", .vm = VM(ACTIVE),
		.task = SERVER_TASK_SUSPENDING, .after = TASK_VM(SERVER_SUSPENDED), .what = POWER_SUSPEND,
		.rule = "os_compute_api:os-suspend-server:suspend",
	},
	[POWER_RESUME] = {
		.name = "resume", .action = "resume", .event = "compute_resume_instance", .vm = VM(SUSPENDED),
		.task = SERVER_TASK_RESUMING, .after = TASK_VM(SERVER_ACTIVE), .what = POWER_RESUME,
		.rule = "os_compute_api:os-suspend-server:resume",
	},
};
