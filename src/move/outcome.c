/* SPDX-License-Identifier: Apache-2.0 */
#include "move/outcome.h"

#include "move/definition_prepare.h"
#include "move/move.h"
#include "move/service.h"
#include "task/task.h"

static struct volume_end files_of(const struct mig *m)
{
	return (struct volume_end){ .task = m->id, .server_uuid = m->server_uuid, .left = m->source };
}

bool outcome_write(struct mig *m, enum volume_fate fate, bool arrived, GError **err)
{
	struct volume_end files = files_of(m);
	struct definition_end rows = definition_end_of(m, fate, arrived);
	bool ok = volumes_write_fate(m->task->engine->volumes, &files, fate, err) &&
		  definitions_write_fate(service_of(m->task->engine)->definitions, &rows, fate, err);

	util_replace(&move_of(m)->left, rows.left);
	move_of(m)->left_id = rows.left_id;
	move_of(m)->stays_id = rows.stays_id;
	return ok;
}

void outcome_resolve(struct mig *m, enum volume_fate fate, bool arrived)
{
	struct volume_end files = files_of(m);
	struct definition_end rows = definition_end_of(m, fate, arrived);

	rows.left = move_of(m)->left;
	rows.left_id = move_of(m)->left_id;
	rows.stays_id = move_of(m)->stays_id;
	definitions_resolve(service_of(m->task->engine)->definitions, &rows, fate);
	volumes_resolve(m->task->engine->volumes, &files, fate);
}
