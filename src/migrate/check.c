/* SPDX-License-Identifier: Apache-2.0 */
#include "migrate/check_priv.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "fleet/sched.h"
#include "hv/xml/domxml_rewrite.h"
#include "migrate/check_ties.h"
#include "migrate/mig.h"

#define SETTLE_MS 1000 /* between looks whether the hosts are known */
#define BUSY_MS 1000
#define BUSY_MAX 15 /* in all: a client may wait for the answer */

static const char *const result_names[] = { [PRECHECK_PASSED] = "passed", [PRECHECK_FAILED] = "failed", [PRECHECK_SKIPPED] = "skipped" };
static_assert(G_N_ELEMENTS(result_names) == PRECHECK_RESULT_N, "result_names is missing one");

const char *precheck_result_name(enum precheck_result r)
{
	return result_names[r];
}

static struct fleet *fleet_of(const struct precheck *p)
{
	return engine_fleet(p->engine);
}

void precheck_look(struct precheck *p)
{
	p->server = fleet_server(fleet_of(p), p->server_uuid);
	p->source = p->server ? fleet_host(fleet_of(p), p->server->host) : NULL;
	p->dest = fleet_host(fleet_of(p), p->dest_name);
}

/* The host where the migration that asks has a claim already, which must not count against it. */
static const struct host *held_of(const struct precheck *p)
{
	const struct mig *m = p->req.own_migration ? engine_find(p->engine, p->req.own_migration) : NULL;

	return m ? queue_held(m) : NULL;
}

enum verdict precheck_skip(struct precheck *p, const char *why)
{
	util_replace(&p->brief, why);
	return SKIP;
}

enum verdict precheck_fail(GError **err, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	g_set_error_literal(err, ERR, ERR_PRECHECK, text);
	return FAIL;
}

/* ---- of the server ---- */

/* Whatever follows is judged by the description. */
static enum verdict description(struct precheck *p, GError **err)
{
	g_autofree char *why = server_unreadable_text(p->server);

	if (!why)
		return PASS;
	p->report.hopeless = true;
	util_replace(&p->brief, why);
	return precheck_fail(err, "Instance %s cannot be migrated: %s", p->server_uuid, why);
}

static enum verdict power_state(struct precheck *p, GError **err)
{
	static const char *const names[] = { [SERVER_POWER_NONE] = "NOSTATE", [SERVER_POWER_SHUTDOWN] = "SHUTDOWN", [SERVER_POWER_CRASHED] = "CRASHED",
					     [SERVER_POWER_SUSPENDED] = "SUSPENDED" };
	int power = p->server->power;

	if (power == SERVER_POWER_RUNNING || power == SERVER_POWER_PAUSED)
		return PASS;
	return precheck_fail(err, "Instance %s in power_state %s. Cannot live migrate while the instance is in this state.", p->server_uuid, names[power]);
}

static enum verdict host_up(const struct precheck *p, const struct host *h, const char *name, GError **err)
{
	if (h && host_is_up(fleet_of(p), h))
		return PASS;
	return precheck_fail(err, "Compute service of %s is unavailable at this time.", name);
}

static enum verdict source_up(struct precheck *p, GError **err)
{
	return host_up(p, p->source, p->server->host, err);
}

/* ---- what ties the guest to its host ---- */

static enum verdict tied(struct precheck *p, precheck_rule_f *rule, GError **err)
{
	const struct server *s = p->server;
	const struct host *dest = p->dest;
	struct precheck_tied t = {
		.uuid = s->uuid, .ties = s->ties, .nics = s->dom ? s->dom->nics : NULL, .source = s->host, .dest = p->dest_name,
		.src = p->source->info, .dst = dest ? dest->info : NULL,
	};
	g_autofree char *why = NULL;

	if (!t.ties)
		return precheck_skip(p, "the host has not reported the guest yet");
	if (dest && (!t.src || !t.dst))
		return precheck_skip(p, "a host has not reported its capabilities yet");
	why = rule(&t);
	return why ? precheck_fail(err, "%s", why) : PASS;
}

/* ---- of the destination, without asking it ---- */

static enum verdict not_self(struct precheck *p, GError **err)
{
	if (p->dest != p->source)
		return PASS;
	return precheck_fail(err, "Unable to migrate instance (%s) to current host (%s).", p->server_uuid, p->dest_name);
}

/* The scheduler's filters say the same of a host that is not forced, with more words. */
static bool is_judged_by_scheduler(const struct precheck *p)
{
	return !p->req.force && !p->req.to_the_end;
}

static enum verdict dest_up(struct precheck *p, GError **err)
{
	return is_judged_by_scheduler(p) ? PASS : host_up(p, p->dest, p->dest_name, err);
}

static enum verdict memory(struct precheck *p, GError **err)
{
	const struct host *h = p->dest;
	int64_t need = p->server->memory_mb, room;

	if (is_judged_by_scheduler(p))
		return PASS;
	room = host_capacity(h).memory_mb - host_used(h).memory_mb - host_claimed(h).memory_mb;
	if (held_of(p) == h)
		room += need;
	if (need <= room)
		return PASS;
	return precheck_fail(err, "Migration pre-check error: Unable to migrate %s to %s: Lack of memory(host:%" G_GINT64_FORMAT " <= instance:%" G_GINT64_FORMAT ")",
		    p->server_uuid, p->dest_name, room, need);
}

static enum verdict scheduler(struct precheck *p, GError **err)
{
	struct sched_need need = sched_need_of(p->server);
	struct sched_result *found;
	g_autofree char *reasons = NULL;

	if (p->req.chosen)
		return PASS;
	if (p->req.force)
		return precheck_skip(p, "the host is forced");
	need.only_host = p->dest_name;
	need.held = held_of(p);
	if (sched_any(fleet_of(p), &need))
		return PASS;
	found = sched_select(fleet_of(p), &need);
	reasons = sched_reasons(found);
	g_set_error(err, ERR, ERR_NO_VALID_HOST, "No valid host was found. %s", reasons);
	util_replace(&p->brief, reasons);
	sched_result_free(found);
	return FAIL;
}

static enum verdict hypervisor_type(struct precheck *p, GError **err)
{
	const struct hv_host_info *src = p->source->info, *dst = p->dest->info;

	if (!src || !dst)
		return precheck_skip(p, "a host has not reported its capabilities yet");
	if (g_strcmp0(src->hv_type, dst->hv_type) == 0)
		return PASS;
	return precheck_fail(err, "The supplied hypervisor type of is invalid.");
}

static enum verdict hypervisor_version(struct precheck *p, GError **err)
{
	const struct hv_host_info *src = p->source->info, *dst = p->dest->info;

	if (!src || !dst)
		return precheck_skip(p, "a host has not reported its capabilities yet");
	if (fleet_conf(fleet_of(p))->skip_hypervisor_version_check_on_lm)
		return precheck_skip(p, "skip_hypervisor_version_check_on_lm");
	if (src->hv_version <= dst->hv_version)
		return PASS;
	return precheck_fail(err, "The instance requires a newer hypervisor version than has been provided.");
}

/* ---- of the destination, by asking ---- */

/* The source did not say it: that is nothing about the destination. */
void precheck_source_failed(struct precheck *p, const GError *why)
{
	p->report.source_lost = err_code(why) == ERR_HV_LOST;
	p->report.hopeless = true;
	precheck_decided(p, FAIL, g_error_copy(why));
}

const struct hv_dom *precheck_dom(const struct precheck *p)
{
	return p->dom ? p->dom : p->server->dom;
}

static void got_dom(struct precheck *p, struct hv_reply *r)
{
	GError *err = NULL;

	if (r->err) {
		precheck_source_failed(p, r->err);
	} else if (r->dom->state == HV_ABSENT) {
		(void)precheck_fail(&err, "Instance %s could not be found.", p->server_uuid);
		precheck_decided(p, FAIL, err);
	} else if (r->dom->unreadable) {
		p->report.hopeless = true;
		(void)precheck_fail(&err, "Instance %s cannot be migrated: the description of the domain on %s cannot be read: %s", p->server_uuid,
				    p->source->name, r->dom->unreadable);
		precheck_decided(p, FAIL, err);
	} else {
		p->dom = g_steal_pointer(&r->dom);
		precheck_run(p);
	}
}

enum verdict precheck_fetch_dom(struct precheck *p, GError **err)
{
	struct hv_req req = { .op = HV_DOM_GET, .uuid = p->server_uuid };

	if (precheck_ask(p, p->source, &req, got_dom))
		return ASKED;
	p->report.source_lost = true;
	return precheck_fail(err, "Compute service of %s is unavailable at this time.", p->source->name);
}

bool precheck_busy(struct precheck *p, const struct hv_reply *r, void (*again)(void *user))
{
	if (!r->err || err_code(r->err) != ERR_HV_BUSY || p->busy >= BUSY_MAX)
		return false;
	p->busy++;
	p->turn = clock_after(BUSY_MS, again, p);
	return true;
}

void precheck_let_go(struct volume **v)
{
	struct volume *gone = g_steal_pointer(v);

	if (!gone)
		return;
	volume_call_ended(gone);
}

static void got_xml(struct precheck *p, struct hv_reply *r)
{
	if (r->err) {
		precheck_source_failed(p, r->err);
		return;
	}
	g_free(p->report.xml);
	g_free(p->report.xml_inactive);
	p->report.xml = g_steal_pointer(&r->xml);
	p->report.xml_inactive = g_steal_pointer(&r->xml_inactive);
	precheck_run(p); /* the same row again */
}

enum verdict precheck_fetch_xml(struct precheck *p, GError **err)
{
	struct hv_req req = { .op = HV_DOM_XML, .uuid = p->server_uuid };

	if (precheck_ask(p, p->source, &req, got_xml))
		return ASKED;
	p->report.source_lost = true;
	return precheck_fail(err, "Compute service of %s is unavailable at this time.", p->server->host);
}

static GError *cpu_error(struct precheck *p, const char *what)
{
	util_replace(&p->brief, what);
	return g_error_new(ERR, ERR_PRECHECK,
			   "Migration pre-check error: Unacceptable CPU info: CPU doesn't have compatibility.\n\n%s\n\n"
			   "Refer to http://libvirt.org/html/libvirt-libvirt-host.html#virCPUCompareResult", what);
}

static void got_compare(struct precheck *p, struct hv_reply *r)
{
	if (r->err && err_code(r->err) == ERR_HV_UNSUPPORTED)
		precheck_decided(p, precheck_skip(p, "the host cannot compare CPUs"), NULL);
	else if (r->err)
		precheck_decided(p, FAIL, cpu_error(p, r->err->message));
	else if (!r->cpu_ok)
		precheck_decided(p, FAIL, cpu_error(p, r->cpu_why ? r->cpu_why : "its CPU lacks features that the guest's CPU needs"));
	else
		precheck_decided(p, PASS, NULL);
}

/* Of [libvirt] cpu_mode host-passthrough: the guests' CPU is the host's, so the two must be one model. */
static bool same_host_cpu(const struct precheck *p)
{
	const struct hv_host_info *src = p->source->info, *dst = p->dest->info;

	if (g_strcmp0(fleet_conf(fleet_of(p))->cpu_mode, "host-passthrough") != 0 || !src || !dst)
		return true;
	return g_strcmp0(src->cpu_model, dst->cpu_model) == 0 && g_strcmp0(src->cpu_vendor, dst->cpu_vendor) == 0;
}

static enum verdict cpu(struct precheck *p, GError **err)
{
	const struct host *source = p->source;
	struct hv_req req = { .op = HV_CPU_COMPARE, .uuid = p->server_uuid, .xml = p->report.xml };

	if (!p->report.xml)
		return precheck_fetch_xml(p, err);
	if (fleet_conf(fleet_of(p))->skip_cpu_compare_on_dest)
		return precheck_skip(p, "skip_cpu_compare_on_dest");
	if (!same_host_cpu(p)) {
		g_propagate_error(err, cpu_error(p, "the host's CPU is another model, and cpu_mode is host-passthrough"));
		return FAIL;
	}
	/* A guest that has its host's own CPU (host-passthrough) is compared by that. */
	if (source->info)
		req.host_cpu_xml = source->info->cpu_xml;
	return precheck_ask_dest(p, &req, got_compare, err);
}

/* The model that is compared now. Nova's hosts that cannot give one do not start; here they are no destinations. */
static const char *next_model(const struct precheck *p)
{
	const struct conf *c = fleet_conf(fleet_of(p));

	return g_strcmp0(c->cpu_mode, "custom") == 0 && c->cpu_models ? c->cpu_models[p->model] : NULL;
}

static void got_model(struct precheck *p, struct hv_reply *r)
{
	GError *err = NULL;

	if (r->err && err_code(r->err) == ERR_HV_UNSUPPORTED) {
		precheck_decided(p, precheck_skip(p, "the host cannot compare CPUs"), NULL);
	} else if (r->err || !r->cpu_ok) {
		(void)precheck_fail(&err, "Migration pre-check error: Configured CPU model: %s is not compatible with host CPU. Please correct your config and "
				    "try again. %s", next_model(p), r->err ? r->err->message : r->cpu_why ? r->cpu_why : "");
		precheck_decided(p, FAIL, err);
	} else {
		p->model++;
		precheck_run(p); /* the same row again, the next model */
	}
}

static enum verdict cpu_models(struct precheck *p, GError **err)
{
	struct domxml_changes ch = { .cpu_model = next_model(p) };
	struct hv_req req = { .op = HV_CPU_COMPARE, .uuid = p->server_uuid };
	g_autofree char *xml = NULL;

	if (!ch.cpu_model)
		return PASS;
	if (!p->report.xml)
		return precheck_fetch_xml(p, err);
	xml = domxml_rewrite(p->report.xml, &ch, err);
	if (!xml)
		return FAIL;
	req.xml = xml;
	return precheck_ask_dest(p, &req, got_model, err);
}

/* ---- the copy ---- */

static enum verdict tunnelled(struct precheck *p, GError **err)
{
	g_autofree const char **disks = block_targets(p->report.copies);

	if (!fleet_conf(fleet_of(p))->live_migration_tunnelled || !disks || !*disks)
		return PASS;
	return precheck_fail(err, "Cannot block migrate instance %s with mapped volumes. Selective block device migration is not supported with "
			     "tunnelled block migrations.", p->server_uuid);
}

/* ---- the claim ---- */

static enum verdict numa(struct precheck *p, GError **err)
{
	const struct server *s = p->server;
	struct hv_place *found;

	if (!s->ties)
		return precheck_skip(p, "the host has not reported the guest yet");
	if (!p->dest->info)
		return precheck_skip(p, "a host has not reported its capabilities yet");
	found = room_find_place(p->source, p->dest, s->uuid, s->ties, err);
	hv_place_free(found);
	return found ? PASS : FAIL;
}

/* ---- the table ---- */

static const struct {
	const char *name;
	verdict_f *check;
	precheck_rule_f *rule; /* instead of .check */
	bool of_dest;          /* it needs one */
	bool asks;             /* hosts */
} rows[] = {
	{ "description",        description },
	{ "shares",             .rule = precheck_shares },
	{ "sealed_memory",      .rule = precheck_sealed },
	{ "resource_requests",  .rule = precheck_resource_requests },
	{ "power_state",        power_state },
	{ "source_up",          source_up },
	{ "not_self",           not_self,           .of_dest = true },
	{ "destination_up",     dest_up,            .of_dest = true },
	{ "memory",             memory,             .of_dest = true },
	{ "scheduler",          scheduler,          .of_dest = true },
	{ "hypervisor_type",    hypervisor_type,    .of_dest = true },
	{ "hypervisor_version", hypervisor_version, .of_dest = true },
	{ "vpmem",              .rule = precheck_vpmem },
	{ "host_devices",       .rule = precheck_devices },
	{ "sriov",              .rule = precheck_sriov },
	{ "managed_save",       precheck_kept,      .asks = true },
	{ "definition",         precheck_definition, .of_dest = true, .asks = true },
	{ "cpu",                cpu,                .of_dest = true, .asks = true },
	{ "cpu_models",         cpu_models,         .of_dest = true, .asks = true },
	{ "pools",              precheck_pools,     .of_dest = true, .asks = true },
	{ "block_devices",      precheck_block_devices, .of_dest = true, .asks = true },
	{ "snapshots",          precheck_snapshots, .of_dest = true, .asks = true },
	{ "checkpoints",        precheck_checkpoints, .of_dest = true, .asks = true },
	{ "block_jobs",         precheck_block_jobs, .of_dest = true, .asks = true },
	{ "unmigratable",       precheck_unmigratable, .of_dest = true, .asks = true },
	{ "name",               precheck_name,      .of_dest = true, .asks = true },
	{ "machine",            precheck_machine,   .of_dest = true, .asks = true },
	{ "device_kinds",       precheck_devices_built, .of_dest = true, .asks = true },
	{ "tsc",                precheck_tsc,       .of_dest = true, .asks = true },
	{ "security",           precheck_security,  .of_dest = true, .asks = true },
	{ "networks",           precheck_networks,  .of_dest = true, .asks = true },
	{ "secrets",            precheck_secrets,   .of_dest = true, .asks = true },
	{ "boot_files",         precheck_boot_files, .of_dest = true, .asks = true },
	{ "nvram",              precheck_nvram,     .of_dest = true, .asks = true },
	{ "consoles",           precheck_consoles,  .of_dest = true, .asks = true },
	{ "vsock",              precheck_vsock,     .of_dest = true },
	{ "folders",            precheck_folders,   .of_dest = true, .asks = true },
	{ "host_paths",         precheck_host_paths, .of_dest = true, .asks = true },
	{ "storage",            precheck_storage,   .of_dest = true, .asks = true },
	{ "read_files",         precheck_read_files, .of_dest = true, .asks = true },
	{ "drives",             precheck_drives,    .of_dest = true, .asks = true },
	{ "disk",               precheck_disk,      .of_dest = true, .asks = true },
	{ "tunnelled",          tunnelled,          .of_dest = true },
	{ "mdev",               .rule = precheck_mdev, .of_dest = true },
	{ "vtpm",               .rule = precheck_vtpm, .of_dest = true },
	{ "numa",               numa,               .of_dest = true },
};

/* ---- a run ---- */

static void check_free(void *data)
{
	struct precheck_check *c = data;

	g_free(c->reason);
	g_free(c);
}

static void init(struct precheck *p, struct engine *e, const struct precheck_request *r)
{
	p->engine = e;
	p->req = *r;
	p->server_uuid = g_strdup(r->server_uuid);
	p->dest_name = g_strdup(r->dest);
	p->report.checks = g_ptr_array_new_with_free_func(check_free);
}

static void clear(struct precheck *p)
{
	clock_cancel(&p->turn);
	precheck_storage_clear(p);
	precheck_definition_clear(p);
	precheck_block_devices_clear(p);
	precheck_pools_clear(p);
	g_clear_pointer(&p->dom, hv_dom_free);
	precheck_guest_clear(p);
	g_clear_pointer(&p->report.copies, g_ptr_array_unref);
	g_free(p->server_uuid);
	g_free(p->dest_name);
	g_free(p->brief);
	g_clear_pointer(&p->report.checks, g_ptr_array_unref);
	g_clear_error(&p->report.err);
	g_free(p->report.xml);
	g_free(p->report.xml_inactive);
	g_clear_pointer(&p->report.listeners, g_ptr_array_unref);
}

static void drop(struct precheck *p)
{
	g_hash_table_remove(p->engine->prechecks, p);
	if (p->req.free_user)
		p->req.free_user(p->user);
	clear(p);
	g_free(p);
}

static void note(struct precheck *p, enum verdict v, GError *err)
{
	static const enum precheck_result results[] = { [PASS] = PRECHECK_PASSED, [FAIL] = PRECHECK_FAILED, [SKIP] = PRECHECK_SKIPPED };
	struct precheck_check *c = g_new0(struct precheck_check, 1);

	c->name = rows[p->at].name;
	c->result = results[v];
	c->reason = p->brief ? g_steal_pointer(&p->brief) : err ? g_strdup(err->message) : NULL;
	g_ptr_array_add(p->report.checks, c);
	/* An answer that was lost while the loop stood is none. */
	p->report.source_lost |= err && !p->quick && !fleet_settled(fleet_of(p));
	if (err && !p->report.err)
		p->report.err = err;
	else
		g_clear_error(&err);
}

static bool is_over(const struct precheck *p)
{
	return p->at >= G_N_ELEMENTS(rows) || (p->report.err && !p->req.to_the_end) || p->report.source_lost;
}

/* The one row that p->at says. */
static enum verdict check_row(struct precheck *p, GError **err)
{
	if (!p->source)
		return precheck_fail(err, "Instance %s could not be found.", p->server_uuid);
	if (p->dest_name && !p->dest)
		return precheck_fail(err, "Compute host %s could not be found.", p->dest_name);
	/* It may have become so since its row passed. */
	if (server_unreadable(p->server))
		return p->report.err ? precheck_skip(p, "the description of the domain cannot be read") : description(p, err);
	if (rows[p->at].rule)
		return tied(p, rows[p->at].rule, err);
	if (rows[p->at].asks && p->dest == p->source)
		return precheck_skip(p, "it is the same host");
	/* A precheck that goes on to the end must not ask a host that is known not to answer. */
	if (rows[p->at].asks && !(host_is_up(fleet_of(p), p->source) && host_is_up(fleet_of(p), p->dest)))
		return p->report.err ? precheck_skip(p, "a host is down") : rows[p->at].check(p, err);
	return rows[p->at].check(p, err);
}

static bool belongs(const struct precheck *p)
{
	return (p->dest_name || !rows[p->at].of_dest) && !(p->quick && rows[p->at].asks);
}

static void end(struct precheck *p)
{
	if (!p->cancelled)
		p->done(&p->report, p->user);
	drop(p);
}

/* Which hosts are up is not known right after a start, and after a time in which the loop stood. */
static bool is_too_early(const struct precheck *p)
{
	return !p->quick && !fleet_settled(fleet_of(p));
}

void precheck_run(struct precheck *p)
{
	while (!is_over(p)) {
		GError *err = NULL;
		enum verdict v;

		if (is_too_early(p)) {
			p->turn = clock_after(SETTLE_MS, precheck_turn, p);
			return;
		}
		v = belongs(p) ? check_row(p, &err) : PASS;
		if (v == ASKED)
			return;
		if (belongs(p))
			note(p, v, err);
		p->at++;
	}
	if (!p->quick)
		end(p);
}

/* An answer said it. */
void precheck_decided(struct precheck *p, enum verdict v, GError *err)
{
	note(p, v, err);
	p->at++;
	precheck_run(p);
}

static void answered(struct hv_reply *r, void *user)
{
	struct precheck *p = user;
	precheck_answer_f *answer = p->answer;

	p->answer = NULL;
	if (p->cancelled) {
		drop(p);
		return;
	}
	if (p->engine->stopping)
		return; /* its caller cancels, or precheck_stop() does */
	precheck_look(p);
	answer(p, r);
}

bool precheck_ask(struct precheck *p, struct host *h, const struct hv_req *req, precheck_answer_f *answer)
{
	if (!host_connected(h))
		return false;
	p->answer = answer;
	return host_call(h, req, answered, p);
}

enum verdict precheck_ask_dest(struct precheck *p, const struct hv_req *req, precheck_answer_f *answer, GError **err)
{
	if (precheck_ask(p, p->dest, req, answer))
		return ASKED;
	return precheck_fail(err, "Compute service of %s is unavailable at this time.", p->dest_name);
}

void precheck_turn(void *precheck)
{
	struct precheck *p = precheck;

	p->turn = NULL;
	precheck_look(p);
	precheck_run(p);
}

struct precheck *precheck_begin(struct engine *e, const struct precheck_request *r, precheck_done_f *done, void *user)
{
	struct precheck *p = g_new0(struct precheck, 1);

	init(p, e, r);
	p->done = done;
	p->user = user;
	p->turn = clock_after(0, precheck_turn, p);
	g_hash_table_add(e->prechecks, p);
	return p;
}

void precheck_cancel(struct precheck *p)
{
	if (!p)
		return;
	p->cancelled = true;
	if (!p->answer)
		drop(p);
}

void precheck_stop(struct engine *e)
{
	g_autoptr(GList) left = g_hash_table_get_keys(e->prechecks);

	for (GList *l = left; l; l = l->next)
		drop(l->data);
	g_hash_table_unref(e->prechecks);
}

bool precheck_quick(struct engine *e, const struct precheck_request *r, GError **err)
{
	struct precheck p = { .quick = true };
	bool ok;

	init(&p, e, r);
	precheck_look(&p);
	precheck_run(&p);
	ok = !p.report.err;
	if (!ok)
		g_propagate_error(err, g_steal_pointer(&p.report.err));
	clear(&p);
	return ok;
}
