/* SPDX-License-Identifier: Apache-2.0 */
#include "live/copy.h"

#include "base/err.h"
#include "base/log.h"
#include "move/block.h"
#include "move/call.h"
#include "task/step.h"

struct hv_migrate_params copy_params(struct mig *m, const char *migrate_uri)
{
	const struct conf *c = fleet_conf(m->task->engine->fleet);
	struct host *dest = mig_dest(m);

	return (struct hv_migrate_params){
		.dest_uri = host_dest_uri(dest),
		.migrate_uri = migrate_uri,
		.native_tls = c->live_migration_with_native_tls,
		.persist_dest = move_of(m)->at_source->persistent,
		.parallel = (int)c->live_migration_parallel_connections,
		.tunnelled = c->live_migration_tunnelled,
		.dest_host = dest->name,
	};
}

bool copy_call(struct mig *m, live_answer_f *got_migrate)
{
	const struct conf *c = fleet_conf(m->task->engine->fleet);
	struct live *p = live_of(m);
	g_autofree const char **copy_disks = block_targets(p->move.copies);
	g_autofree char *migrate_uri = host_migrate_uri(mig_dest(m));
	struct hv_req req = { .op = HV_MIGRATE, .uuid = m->server_uuid, .migrate = copy_params(m, migrate_uri) };

	req.migrate.dest_xml = p->move.dest_xml;
	req.migrate.copy_disks = copy_disks;
	req.migrate.persistent_xml = p->move.persistent_xml;
	req.migrate.bandwidth_mibs = c->live_migration_bandwidth;
	req.migrate.downtime_ms = c->live_migration_downtime / c->live_migration_downtime_steps;
	req.migrate.postcopy = c->live_migration_permit_post_copy && p->move.at_source->state == HV_RUNNING;
	req.migrate.auto_converge = c->live_migration_permit_auto_converge && !c->live_migration_permit_post_copy;
	p->copy.running = call_migrate(m, mig_source(m), &req, got_migrate);
	if (p->copy.running)
		p->copy.guest_refused = false;
	return p->copy.running;
}

void copy_not_made(struct mig *m, const GError *why)
{
	struct copy *c = &live_of(m)->copy;

	c->lost = err_code(why) == ERR_HV_LOST;
	util_replace(&c->error, why->message);
}

void copy_ended(struct mig *m, struct hv_reply *r)
{
	struct live *p = live_of(m);

	p->copy.running = false;
	p->move.arrived |= !r->err;
	p->copy.lost = r->err && err_code(r->err) == ERR_HV_LOST;
	p->copy.guest_refused = r->err && err_code(r->err) == ERR_HV_GUEST;
	util_replace(&p->copy.error, r->err ? r->err->message : NULL);
	log_debug("migrate_call_ended", LOG_D("migration", m->id), LOG_S("error", p->copy.error));
}

void copy_left(struct copy *c)
{
	c->running = false;
}

void copy_forget(struct copy *c)
{
	g_clear_pointer(&c->error, g_free);
	c->lost = false;
}
