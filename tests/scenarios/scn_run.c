/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of scenario files. README.md lists them.
 */
#include "scn.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "cold/cold.h"
#include "evacuate/evacuate.h"
#include "fleet/autostart.h"
#include "fleet/host_fence.h"
#include "live/live.h"
#include "power/decide.h"
#include "power/power.h"
#include "task/request.h"
#include "test_kinds.h"

#define LATENCY_MS     4     /* of hosts, unless they say else: calls and events interleave */
#define LINK_MIBS      100
#define SERVER_MIB     256

void run_fail(struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (r->failure)
		return;
	va_start(ap, fmt);
	r->failure = g_strdup_vprintf(fmt, ap);
	va_end(ap);
}

void run_bad_line(struct run *r, const char *what)
{
	g_error("%s.scn:%d: %s", r->scn->name, r->line, what);
}

/* ---- words ---- */

/* The value of "key=value" among a line's words; NULL if it is not there. */
static const char *opt(const struct scn_line *l, const char *key)
{
	size_t n = strlen(key);

	for (int i = 1; i < l->n; i++)
		if (strncmp(l->w[i], key, n) == 0 && l->w[i][n] == '=')
			return l->w[i] + n + 1;
	return NULL;
}

static int64_t opt_int(struct run *r, const struct scn_line *l, const char *key, int64_t otherwise)
{
	const char *v = opt(l, key);
	int64_t n = otherwise;

	if (v && !util_parse_int(v, 0, INT32_MAX, &n))
		run_bad_line(r, key);
	return n;
}

static bool has_word(const struct scn_line *l, const char *word)
{
	return g_strv_contains((const char *const *)l->w, word);
}

const char *word_after(const struct scn_line *l, const char *word)
{
	for (int i = 1; i + 1 < l->n; i++)
		if (g_str_equal(l->w[i], word))
			return l->w[i + 1];
	return NULL;
}

int64_t word_duration(struct run *r, const char *text)
{
	char *end;
	double v = g_ascii_strtod(text, &end);

	if (g_str_equal(end, "ms"))
		return (int64_t)v;
	if (g_str_equal(end, "s"))
		return (int64_t)(v * 1000);
	if (g_str_equal(end, "m"))
		return (int64_t)(v * 60000);
	run_bad_line(r, "a time is 500ms, 10s or 2m");
	return 0;
}

static const char *arg(struct run *r, const struct scn_line *l, int i)
{
	if (i >= l->n)
		run_bad_line(r, "words are missing");
	return l->w[i];
}

static int lookup(struct run *r, const char *word, const char *(*name_of)(int), int n)
{
	for (int i = 0; i < n; i++)
		if (g_str_equal(word, name_of(i)))
			return i;
	run_bad_line(r, word);
	return 0;
}

static const char *state_at(int i)
{
	return hv_state_name((enum hv_state)i);
}

static const char *reason_at(int i)
{
	return hv_reason_name((enum hv_reason)i);
}

static const char *op_at(int i)
{
	return hv_op_name((enum hv_op)i);
}

static void definition_free(void *data)
{
	struct scn_definition *d = data;

	g_free(d->host);
	g_free(d->xml);
	g_free(d);
}

/* The file has changed what is defined there. */
static void note_definition(struct run *r, struct guest *g, const char *host)
{
	g_autoptr(GArray) there = sim_dom_list(r->world, host, g->uuid);
	const char *xml = sim_dom_definition(r->world, host, g->uuid);
	struct scn_definition *d;
	bool autostart = false; /* one that is edited while the guest moves has no flag for that time */

	for (guint i = 0; i < g->definitions->len; i++) {
		d = g_ptr_array_index(g->definitions, i);
		if (!g_str_equal(d->host, host))
			continue;
		autostart |= d->autostart && run_server(r, g) && run_server(r, g)->task != SERVER_TASK_NONE;
		g_ptr_array_remove_index(g->definitions, i--);
	}
	if (!xml)
		return;
	autostart |= g_array_index(there, struct sim_dom_view, 0).kept.autostart;
	d = g_new(struct scn_definition, 1);
	*d = (struct scn_definition){ g_strdup(host), g_strdup(xml), autostart };
	g_ptr_array_add(g->definitions, d);
}

struct guest *run_guest(struct run *r, const char *name)
{
	struct guest *g;

	for (guint i = 0; i < r->guests->len; i++) {
		g = g_ptr_array_index(r->guests, i);
		if (g_str_equal(g->name, name))
			return g;
	}
	g = g_new0(struct guest, 1);
	g->name = g_strdup(name);
	g->code = -1;
	g_snprintf(g->uuid, sizeof g->uuid, "%08x-0000-4000-8000-000000000000", r->guests->len + 1);
	g->definitions = g_ptr_array_new_with_free_func(definition_free);
	g_ptr_array_add(r->guests, g);
	return g;
}

static void guest_free(void *data)
{
	struct guest *g = data;

	g_free(g->name);
	g_free(g->text);
	g_ptr_array_unref(g->definitions);
	g_free(g);
}

/* ---- the world ---- */

static void do_host(struct run *r, const struct scn_line *l)
{
	struct sim_host_spec spec = {
		.vcpus = (int)opt_int(r, l, "vcpus", 0),
		.mem_mib = opt_int(r, l, "memory", 0),
		.disk_gib = opt_int(r, l, "disk", 0),
		.cpu_model = opt(l, "cpu"),
		.cpu_features = opt(l, "features"),
		.tsc_hz = opt_int(r, l, "tsc", 0),
		.hv_version = opt_int(r, l, "qemu", 0),
		.nodes = (int)opt_int(r, l, "numa", 0),
		.threads = (int)opt_int(r, l, "threads", 0),
		.huge_pages = opt_int(r, l, "pages", 0),
		.tpm = has_word(l, "tpm"),
		.no_persist = has_word(l, "no-persist"),
		.locks = has_word(l, "locks"),
		.link_mibs = opt_int(r, l, "link", LINK_MIBS),
		.latency_ms = opt_int(r, l, "latency", LATENCY_MS),
		.cache_ms = opt(l, "cache") ? word_duration(r, opt(l, "cache")) : 0,
		.storage = opt(l, "storage"),
		.uuid_of = opt(l, "uuid-of"),
	};

	if (opt(l, "of"))
		return; /* another name for one that is there */
	sim_host_add(r->world, arg(r, l, 1), &spec);
}

static void add_domain(struct run *r, const struct scn_line *l, const char *name, const char *host)
{
	const char *state = opt(l, "state"), *reason = opt(l, "reason");
	struct guest *g;
	struct sim_dom_spec spec = {
		.uuid = run_guest(r, name)->uuid,
		.name = opt(l, "name") ? opt(l, "name") : name,
		.title = opt(l, "title"),
		.shutdown_timeout = opt(l, "shutdown_timeout"),
		.description = opt(l, "description"),
		.mem_mib = opt_int(r, l, "memory", SERVER_MIB),
		.vcpus = (int)opt_int(r, l, "vcpus", 0),
		.disks = (int)opt_int(r, l, "disks", 0),
		.disk_gib = opt_int(r, l, "disk", 0),
		.data_mib = opt_int(r, l, "data", 0),
		.disk_dirty_mibs = (double)opt_int(r, l, "disk_dirty", 0),
		.backing = opt(l, "backing"),
		.config_drive = has_word(l, "config_drive"),
		.nvram = has_word(l, "nvram"),
		.network_disks = has_word(l, "network") || has_word(l, "loopback"),
		.loopback = has_word(l, "loopback"),
		.device = opt(l, "device"),
		.pool = opt(l, "pool"),
		.cpu_model = opt(l, "cpu"),
		.cpu_features = opt(l, "features"),
		.state = state ? (enum hv_state)lookup(r, state, state_at, HV_STATE_N) : HV_RUNNING,
		.reason = reason ? (enum hv_reason)lookup(r, reason, reason_at, HV_REASON_N) : HV_R_OTHER,
		.transient = has_word(l, "transient"),
		.kept = {
			.autostart = has_word(l, "autostart"),
			.managed_save = has_word(l, "managed-save"),
			.snapshots = (int)opt_int(r, l, "snapshots", 0),
			.checkpoints = (int)opt_int(r, l, "checkpoints", 0),
		},
		.external = has_word(l, "external"),
		.unreadable = opt(l, "unreadable"),
		.no_start = has_word(l, "no-start"),
		.deaf = has_word(l, "deaf"),
		.stop_ms = opt(l, "stop") ? word_duration(r, opt(l, "stop")) : 0,
		.boot_ms = opt(l, "boot") ? word_duration(r, opt(l, "boot")) : 0,
		.load_mcpu = opt_int(r, l, "load", 0),
		.dirty_mibs = (double)opt_int(r, l, "dirty", 1),
		.working_mib = opt_int(r, l, "working", 0),
		.hot_mib = opt_int(r, l, "hot", 0),
		.ties = opt(l, "ties"),
		.pins = opt(l, "pins"),
		.cpuset = opt(l, "cpuset"),
		.emulator = opt(l, "emulator"),
		.cells = opt(l, "numa"),
		.page_kib = opt_int(r, l, "pages", 0),
	};

	g = run_guest(r, name);
	g->stray = g->there;
	if (!g->there)
		g->transient = spec.transient;
	g->there = true;
	g->may_pause |= spec.state == HV_PAUSED;
	g->off = spec.state != HV_RUNNING && spec.state != HV_PAUSED && spec.state != HV_SUSPENDED;
	sim_dom_add(r->world, host, &spec);
	note_definition(r, g, host);
}

static void do_server(struct run *r, const struct scn_line *l)
{
	add_domain(r, l, arg(r, l, 1), word_after(l, "on"));
}

/* dom add|set|rename|unreadable|readable|save|crash|remove|redefine|autostart SERVER on HOST ... */
static void do_dom(struct run *r, const struct scn_line *l)
{
	const char *verb = arg(r, l, 1), *host = arg(r, l, 4);
	struct guest *g = run_guest(r, arg(r, l, 2));
	g_autoptr(GArray) there = NULL;

	if (g_str_equal(verb, "add")) {
		add_domain(r, l, g->name, host);
		return;
	}
	there = sim_dom_list(r->world, host, g->uuid);
	if (there->len == 0) {
		if (!r->opt->sweep)
			run_fail(r, "no domain %s on %s", g->name, host);
		return; /* the sweep's fault has moved things */
	}
	g->wanted = NULL;
	g->stray |= g_str_equal(verb, "redefine"); /* what a person has written stays where it is */
	g->off |= g_str_equal(verb, "save"); /* and stays so, if nothing goes on from there */
	g->may_pause |= g_str_equal(verb, "set") && g_str_equal(arg(r, l, 5), "paused");
	g->by_hand |= g_str_equal(verb, "set") && g_str_equal(arg(r, l, 5), "running");
	if (g_str_equal(verb, "set"))
		sim_dom_set(r->world, host, g->uuid, (enum hv_state)lookup(r, arg(r, l, 5), state_at, HV_STATE_N),
			    l->n > 6 ? (enum hv_reason)lookup(r, l->w[6], reason_at, HV_REASON_N) : HV_R_OTHER);
	else if (g_str_equal(verb, "rename"))
		sim_dom_rename(r->world, host, g->uuid, arg(r, l, 5));
	else if (g_str_equal(verb, "unreadable"))
		sim_dom_unreadable(r->world, host, g->uuid, arg(r, l, 5));
	else if (g_str_equal(verb, "readable"))
		sim_dom_unreadable(r->world, host, g->uuid, NULL);
	else if (g_str_equal(verb, "save"))
		sim_dom_save(r->world, host, g->uuid);
	else if (g_str_equal(verb, "crash"))
		sim_dom_crash(r->world, host, g->uuid);
	else if (g_str_equal(verb, "remove"))
		sim_dom_remove(r->world, host, g->uuid);
	else if (g_str_equal(verb, "undefine"))
		sim_dom_forget(r->world, host, g->uuid);
	else if (g_str_equal(verb, "autostart"))
		sim_dom_autostart(r->world, host, g->uuid, g_str_equal(arg(r, l, 5), "yes"));
	else if (g_str_equal(verb, "redefine"))
		sim_dom_redefine(r->world, host, g->uuid, arg(r, l, 5));
	else
		run_bad_line(r, verb);
	if (g_strv_contains((const char *const[]){ "remove", "undefine", "redefine", "autostart", NULL }, verb))
		note_definition(r, g, host);
}

/* The path itself, or SERVER:TARGET. */
const char *word_path(struct run *r, const char *word)
{
	g_auto(GStrv) part = g_strsplit(word, ":", 2);
	const char *path = word[0] == '/' ? word : NULL;

	if (!path && part[1])
		path = sim_disk_path(r->world, run_guest(r, part[0])->uuid, part[1]);
	if (!path)
		run_bad_line(r, word);
	return path;
}

/* file add|remove PATH on HOST [capacity=MIB] [content=N] */
static void do_file(struct run *r, const struct scn_line *l)
{
	const char *verb = arg(r, l, 1), *path = word_path(r, arg(r, l, 2)), *host = arg(r, l, 4);

	if (g_str_equal(verb, "add"))
		sim_file_add(r->world, host, &(struct sim_file_spec){ .path = path, .capacity_mib = opt_int(r, l, "capacity", 0),
								       .content = opt_int(r, l, "content", 0) });
	else if (g_str_equal(verb, "remove"))
		sim_file_remove(r->world, host, path);
	else
		run_bad_line(r, verb);
}

/* carrier add UUID on HOST [task=N] [guest=UUID] */
static void do_carrier(struct run *r, const struct scn_line *l)
{
	sim_carrier_add(r->world, arg(r, l, 4), arg(r, l, 2), opt(l, "task"), opt(l, "guest"));
}

static bool is_on(struct run *r, const struct scn_line *l)
{
	return g_str_equal(arg(r, l, 2), "on");
}

static void do_power(struct run *r, const struct scn_line *l)
{
	sim_host_power(r->world, arg(r, l, 1), is_on(r, l));
}

static void do_libvirtd(struct run *r, const struct scn_line *l)
{
	sim_host_libvirtd(r->world, arg(r, l, 1), is_on(r, l));
}

/* link HOST on|off: its cable; link HOST HOST on|off: the way between the two. */
static void do_link(struct run *r, const struct scn_line *l)
{
	if (l->n > 3) {
		sim_host_apart(r->world, l->w[1], l->w[2], g_str_equal(l->w[3], "off"));
		return;
	}
	sim_host_link(r->world, arg(r, l, 1), is_on(r, l));
}

/* pool HOST busy [for=TIME]: something is being made in it; pool HOST free; pool HOST add|stop NAME [target=] */
static void do_pool(struct run *r, const struct scn_line *l)
{
	const char *host = arg(r, l, 1), *verb = arg(r, l, 2);
	int64_t ms = opt(l, "for") ? word_duration(r, opt(l, "for")) : INT64_MAX;

	if (g_str_equal(verb, "add"))
		sim_pool_add(r->world, host, arg(r, l, 3), opt(l, "target"));
	else if (g_str_equal(verb, "stop"))
		sim_pool_stop(r->world, host, arg(r, l, 3));
	else
		sim_host_pool(r->world, host, g_str_equal(verb, "busy") ? ms : 0);
}

/* device add|remove PATH on HOST [lun= size= serial= wwn= key= looks= hot unreadable] */
static void do_device(struct run *r, const struct scn_line *l)
{
	const char *verb = arg(r, l, 1), *path = arg(r, l, 2), *host = arg(r, l, 4);
	struct sim_device_spec spec = {
		.path = path,
		.lun = opt(l, "lun"),
		.size_mib = opt_int(r, l, "size", 0),
		.id = { [HV_ID_SERIAL] = opt(l, "serial"), [HV_ID_WWN] = opt(l, "wwn"), [HV_ID_VOLUME] = opt(l, "key") },
		.looks = opt(l, "looks"),
		.hot = has_word(l, "hot"),
		.unreadable = has_word(l, "unreadable"),
	};

	if (g_str_equal(verb, "add") && spec.lun)
		sim_device_add(r->world, host, &spec);
	else if (g_str_equal(verb, "remove"))
		sim_device_remove(r->world, host, path);
	else
		run_bad_line(r, verb);
}

/* lacks HOST THING: a network, secret, machine type */
static void do_lacks(struct run *r, const struct scn_line *l)
{
	sim_host_lacks(r->world, arg(r, l, 1), arg(r, l, 2));
}

static void do_drop_job(struct run *r, const struct scn_line *l)
{
	g_autoptr(GArray) doms = sim_dom_list(r->world, NULL, run_guest(r, arg(r, l, 1))->uuid);

	for (guint i = 0; i < doms->len; i++) {
		if (g_array_index(doms, struct sim_dom_view, i).outgoing) {
			sim_job_drop(r->world, run_guest(r, l->w[1])->uuid);
			return;
		}
	}
	if (!r->opt->sweep)
		run_fail(r, "%s has no migration", l->w[1]);
}

/* address SERVER TEXT | address SERVER none */
static void do_address(struct run *r, const struct scn_line *l)
{
	if (l->n != 3)
		run_bad_line(r, "address SERVER ADDRESS");
	sim_dom_addr(r->world, run_guest(r, l->w[1])->uuid, g_str_equal(l->w[2], "none") ? NULL : l->w[2]);
}

static void do_hang(struct run *r, const struct scn_line *l)
{
	sim_job_hang(r->world, run_guest(r, arg(r, l, 1))->uuid);
}

static void do_reset(struct run *r, const struct scn_line *l)
{
	sim_job_reset(r->world, run_guest(r, arg(r, l, 1))->uuid);
}

static bool is_migrating(struct run *r, const char *guest)
{
	g_autoptr(GArray) doms = sim_dom_list(r->world, NULL, run_guest(r, guest)->uuid);

	for (guint i = 0; i < doms->len; i++)
		if (g_array_index(doms, struct sim_dom_view, i).outgoing)
			return true;
	return false;
}

static bool is_in_phase(struct run *r, const char *guest, const char *phase)
{
	const struct mig *m = r->engine ? engine_active_of(r->engine, run_guest(r, guest)->uuid) : NULL;

	return m && g_str_equal(mig_phase_name(m), phase);
}

/*
 * premise migrating SERVER, premise phase SERVER PHASE, premise held NAME: what follows makes no sense without; the sweep's fault may
 * have prevented it.
 */
static void do_premise(struct run *r, const struct scn_line *l)
{
	const char *what = arg(r, l, 1), *of = arg(r, l, 2);
	bool yes = g_str_equal(what, "held") ? sim_held(r->world, of) > 0 :
		   g_str_equal(what, "phase") ? is_in_phase(r, of, arg(r, l, 3)) : is_migrating(r, of);

	r->skip_rest |= !yes;
	if (!yes && !r->opt->sweep)
		run_fail(r, "it is not so: %s %s", what, of);
}

/* ---- faults ---- */

static void add_fault(struct run *r, const struct scn_line *l, enum sim_fault_kind kind, const char *name)
{
	const char *op = opt(l, "op");

	sim_fault_add(r->world, &(struct sim_fault){
		.host = opt(l, "host"),
		.op = op ? (enum hv_op)lookup(r, op, op_at, HV_OP_N) : HV_OP_N,
		.nth = opt_int(r, l, "nth", 1),
		.kind = kind,
		.ms = opt(l, "for") ? word_duration(r, opt(l, "for")) : 0,
		.name = name,
	});
}

static void do_fault(struct run *r, const struct scn_line *l)
{
	enum sim_fault_kind kind;

	if (!sim_fault_parse(arg(r, l, 1), &kind))
		run_bad_line(r, l->w[1]);
	add_fault(r, l, kind, opt(l, "name"));
}

static bool is_held(struct run *r, void *name)
{
	return sim_held(r->world, name) > 0;
}

/* barrier NAME op=... [host=...] [reply]: let time pass until a call stands there. */
static void do_barrier(struct run *r, const struct scn_line *l)
{
	add_fault(r, l, has_word(l, "reply") ? SIM_HOLD_REPLY : SIM_HOLD, arg(r, l, 1));
	if (!run_until(r, WAIT_MS, is_held, l->w[1]) && !r->opt->sweep)
		run_fail(r, "nothing came to the barrier %s", l->w[1]);
}

static void do_release(struct run *r, const struct scn_line *l)
{
	if (sim_release(r->world, arg(r, l, 1)) == 0 && !r->opt->sweep)
		run_fail(r, "nothing stood at the barrier %s", l->w[1]);
}

/* ---- the controller ---- */

static void do_start(struct run *r, const struct scn_line *l)
{
	(void)l;
	controller_start(r);
	if (!run_until(r, WAIT_MS, all_up, NULL) && !r->opt->sweep)
		run_fail(r, "not every host came up");
}

static void do_restart(struct run *r, const struct scn_line *l)
{
	(void)l;
	controller_start(r);
}

static void do_stop(struct run *r, const struct scn_line *l)
{
	(void)l;
	controller_stop(r);
}

/* ---- requests ---- */

static const struct requester requester = {
	.user_id = "admin", .project_id = "admin", .request_id = "req-00000000-0000-4000-8000-000000000000", .admin = true,
};

static void accepted(int64_t id, const GError *err, void *user)
{
	struct guest *g = user;

	g->answered = true;
	g->code = err ? (int)err_code(err) : -1;
	util_replace(&g->text, err ? err->message : NULL);
	if (!err)
		g->id = id;
}

/* The record that a request is about; what is not there was refused by the API. */
struct server *run_server(struct run *r, const struct guest *g)
{
	return r->fleet ? fleet_server(r->fleet, g->uuid) : NULL;
}

static void ask_for(struct run *r, struct guest *g, const struct task_request *q)
{
	g->asked = g->answered = false;
	g->code = -1;
	if (!q->server) {
		if (!r->opt->sweep)
			run_fail(r, "no server %s", g->name);
		return;
	}
	g->asked = true;
	g->power = NULL;
	request_begin(r->engine, q, accepted, g);
}

static void do_migrate(struct run *r, const struct scn_line *l)
{
	struct guest *g = run_guest(r, arg(r, l, 1));
	const char *priority = word_after(l, "priority");
	struct task_request q = {
		.kind = has_word(l, "cold") ? &cold_kind : &live_kind,
		.server = run_server(r, g),
		.host = word_after(l, "to"),
		.block = has_word(l, "block") ? MIG_BLOCK_YES : has_word(l, "no-block") ? MIG_BLOCK_NO : MIG_BLOCK_AUTO,
		.force = has_word(l, "force"),
		.wait_checks = has_word(l, "checked"),
		.priority = priority ? atoi(priority) : 0,
		.who = requester,
	};

	ask_for(r, g, &q);
}

/* evacuate S [to HOST] [force] [mv=N]: as of that microversion, 94 unless it says else */
static void do_evacuate(struct run *r, const struct scn_line *l)
{
	struct guest *g = run_guest(r, arg(r, l, 1));
	const char *priority = word_after(l, "priority");
	struct task_request q = {
		.kind = &evac_kind, .action = &evac_actions[EVAC_EVACUATE], .server = run_server(r, g), .host = word_after(l, "to"),
		.force = has_word(l, "force"), .block = has_word(l, "not-shared") ? MIG_BLOCK_YES : MIG_BLOCK_AUTO, .priority = priority ? atoi(priority) : 0,
		.who = requester,
	};
	g_autoptr(GError) why = NULL;

	g->asked = true;
	if (q.server && !q.action->complete(&q, r->fleet, (int)opt_int(r, l, "mv", 94), &why))
		accepted(0, why, g);
	else
		ask_for(r, g, &q);
}

/* The requester of a file's word "user": one of the server's project, and no administrator. */
static struct requester requester_of(const struct scn_line *l, const struct server *s)
{
	struct requester who = requester;

	if (has_word(l, "user"))
		who = (struct requester){ .user_id = "user", .project_id = s->project_id, .request_id = requester.request_id };
	return who;
}

static void power_accepted(int64_t id, const GError *err, void *user)
{
	struct guest *g = user;

	accepted(id, err, g);
	/* what the database may have written all the same goes on after a restart */
	if (err && err_code(err) == ERR_CONFLICT)
		return;
	g->wanted = err ? NULL : g->power;
	g->off |= g->power->what != POWER_PAUSE && g->power->what != POWER_UNPAUSE;
	g->may_pause |= g->power->what == POWER_PAUSE;
}

/* os-start|os-stop|pause|unpause|suspend|resume SERVER [user]; reboot SERVER [hard] [user] */
static void do_action(struct run *r, const struct scn_line *l)
{
	struct guest *g = run_guest(r, arg(r, l, 1));
	struct task_request q = { .kind = &power_kind, .server = run_server(r, g) };

	g->asked = g->answered = false;
	g->code = -1;
	if (!q.server) {
		if (!r->opt->sweep)
			run_fail(r, "no server %s", g->name);
		return;
	}
	g->asked = true;
	g->power = kind_action(&power_kind, has_word(l, "hard") ? "reboot-hard" : l->w[0]);
	q.action = g->power;
	q.who = requester_of(l, q.server);
	request_begin(r->engine, &q, power_accepted, g);
}

static void move_on(struct run *r, const struct scn_line *l, int action)
{
	struct guest *g = run_guest(r, arg(r, l, 1));
	struct task_request q = { .kind = &cold_kind, .action = &cold_actions[action], .server = run_server(r, g) };

	g->answered = false;
	g->code = -1;
	if (!q.server) {
		if (!r->opt->sweep)
			run_fail(r, "no server %s", g->name);
		return;
	}
	q.who = requester_of(l, q.server);
	request_begin(r->engine, &q, accepted, g);
}

static void do_confirm(struct run *r, const struct scn_line *l)
{
	move_on(r, l, COLD_CONFIRM_RESIZE);
}

static void do_revert(struct run *r, const struct scn_line *l)
{
	move_on(r, l, COLD_REVERT_RESIZE);
}

/* Of the kind and the name. Return: false: no kind has it. */
static bool find_action(struct run *r, const char *name, struct task_request *q)
{
	for (const struct task_kind *const *k = engine_kinds(r->engine); *k; k++) {
		q->kind = *k;
		q->action = kind_action(*k, name);
		if (q->action)
			return true;
	}
	return false;
}

/* action SERVER NAME [priority N] [fails=TEXT waits=MS]: of any kind. */
static void do_ask(struct run *r, const struct scn_line *l)
{
	struct guest *g = run_guest(r, arg(r, l, 1));
	const char *priority = word_after(l, "priority");
	struct shift_own own = { .fails = (char *)opt(l, "fails"), .waits = (int)opt_int(r, l, "waits", 0) };
	struct task_request q = { .server = run_server(r, g), .block = MIG_BLOCK_AUTO, .priority = priority ? atoi(priority) : 0, .who = requester };

	if (!find_action(r, arg(r, l, 2), &q))
		run_bad_line(r, "no kind has such an action");
	q.own = q.kind == &shift_kind ? &own : NULL;
	ask_for(r, g, &q);
}

void run_keep_result(struct run *r, bool ok, const GError *err)
{
	r->result_code = ok ? -1 : (int)err_code(err);
	util_replace(&r->result_text, ok ? NULL : err->message);
}

static void do_abort(struct run *r, const struct scn_line *l)
{
	struct guest *g = run_guest(r, arg(r, l, 1));
	struct server *s = run_server(r, g);
	g_autoptr(GError) err = NULL;
	bool ok = s && request_abort(r->engine, s, g->id, has_word(l, "queued"), &requester, &err);

	if (s)
		run_keep_result(r, ok, err);
}

static void do_force(struct run *r, const struct scn_line *l)
{
	struct guest *g = run_guest(r, arg(r, l, 1));
	struct server *s = run_server(r, g);
	g_autoptr(GError) err = NULL;
	bool ok = s && request_force_complete(r->engine, s, g->id, &requester, &err);

	if (s)
		run_keep_result(r, ok, err);
}

/* What a fence agent has brought about. */
static void mark_fenced(struct run *r, struct host *h)
{
	struct host_fence now = { .fenced_us = clock_wall_us(), .reason = (char *)"by the scenario" };
	g_autoptr(GError) err = NULL;
	bool ok = host_fence_set(r->fleet, h, &now, &err);

	if (ok)
		fleet_host_dead(r->fleet, h);
	run_keep_result(r, ok, err);
}

/* mark HOST enabled|disabled|forced-down|not-forced-down|fenced [reason] */
static void do_mark(struct run *r, const struct scn_line *l)
{
	struct host *h = r->fleet ? fleet_host(r->fleet, arg(r, l, 1)) : NULL;
	const char *what = arg(r, l, 2);
	g_autoptr(GError) err = NULL;
	bool disabled, down, ok;

	if (!h)
		return;
	if (g_str_equal(what, "fenced")) {
		mark_fenced(r, h);
		return;
	}
	disabled = g_str_equal(what, "disabled") || (h->disabled && !g_str_equal(what, "enabled"));
	down = g_str_equal(what, "forced-down") || (h->forced_down && !g_str_equal(what, "not-forced-down"));
	ok = fleet_host_set(r->fleet, h, disabled, l->n > 3 ? l->w[3] : NULL, down, &err);
	run_keep_result(r, ok, err);
}

static void do_prioritize(struct run *r, const struct scn_line *l)
{
	struct guest *g = run_guest(r, arg(r, l, 1));
	g_autoptr(GError) err = NULL;
	int64_t n;
	bool ok;

	if (!util_parse_int(arg(r, l, 2), MIG_PRIORITY_MIN, MIG_PRIORITY_MAX, &n))
		run_bad_line(r, "a priority is a number");
	ok = request_set_priority(r->engine, g->id, (int)n, &err);
	run_keep_result(r, ok, err);
}

static void do_reset_state(struct run *r, const struct scn_line *l)
{
	struct guest *g = run_guest(r, arg(r, l, 1));
	struct server *s = fleet_server(r->fleet, g->uuid);
	g_autoptr(GError) err = NULL;
	bool ok;

	if (!s) {
		run_fail(r, "%s has no record", l->w[1]);
		return;
	}
	ok = fleet_server_reset(r->fleet, s, g_str_equal(arg(r, l, 2), "error") ? SERVER_ERROR : SERVER_ACTIVE, &requester, &err);
	run_keep_result(r, ok, err);
}

/* lock SERVER [because REASON] [user]; unlock SERVER [user] */
/* autostart S yes|no: as an administrator wishes by the API */
static void do_autostart(struct run *r, const struct scn_line *l)
{
	struct guest *g = run_guest(r, arg(r, l, 1));
	struct server *s = run_server(r, g);
	bool wish = g_str_equal(arg(r, l, 2), "yes"), ok;
	g_autoptr(GError) err = NULL;

	if (!s)
		return;
	ok = autostart_set(r->fleet, s, wish, &err);
	run_keep_result(r, ok, err);
	for (guint i = 0; ok && i < g->definitions->len; i++)
		((struct scn_definition *)g_ptr_array_index(g->definitions, i))->autostart = wish;
}

static void do_lock(struct run *r, const struct scn_line *l)
{
	struct server *s = run_server(r, run_guest(r, arg(r, l, 1)));
	g_autoptr(GError) err = NULL;
	struct requester who;
	bool ok;

	if (!s)
		return;
	who = requester_of(l, s);
	ok = g_str_equal(l->w[0], "lock") ? fleet_server_lock(r->fleet, s, word_after(l, "because"), &who, &err)
					  : fleet_server_unlock(r->fleet, s, &who, &err);
	run_keep_result(r, ok, err);
}

/* The configuration's text with another value of one option. Return: owned by the caller. */
static char *with_option(const char *conf, const char *section, const char *name, const char *value)
{
	g_autofree char *begin = g_strconcat("\n", name, " = ", NULL);
	const char *old = strstr(conf, begin), *behind = old ? strchr(old + 1, '\n') : NULL;
	g_autofree char *rest = old ? g_strdup_printf("%.*s%s", (int)(old - conf), conf, behind) : g_strdup(conf);

	return g_strdup_printf("%s[%s]\n%s = %s\n", rest, section, name, value);
}

/* The same for a section of a host, of which each has its own options. */
static char *with_host_option(const char *conf, const char *section, const char *name, const char *value)
{
	g_autofree char *head = g_strdup_printf("[%s]\n", section);
	const char *at = strstr(conf, head), *body = at ? at + strlen(head) : conf + strlen(conf), *next = strstr(body, "\n[");
	const char *end = next ? next + 1 : body + strlen(body);
	g_autofree char *before = g_strndup(conf, (gsize)(body - conf)), *own = g_strndup(body, (gsize)(end - body)), *kept = NULL;
	g_autofree char *line = g_strdup_printf("(?m)^%s = .*\n", name);
	g_autoptr(GRegex) old = g_regex_new(line, 0, 0, NULL);

	kept = g_regex_replace_literal(old, own, -1, 0, "", 0, NULL);
	return g_strdup_printf("%s%s = %s\n%s%s", before, name, value, kept, end);
}

/* reconf SECTION OPTION VALUE: what SIGHUP does when the file says so now. */
static void do_reconf(struct run *r, const struct scn_line *l)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GString) changed = g_string_new(NULL);
	g_autoptr(GString) fixed = g_string_new(NULL);
	const char *section = arg(r, l, 1);
	g_autofree char *text = (g_str_has_prefix(section, "host ") ? with_host_option : with_option)(r->conf_text, section, arg(r, l, 2), arg(r, l, 3));
	struct conf *fresh = conf_parse(text, strlen(text), r->scn->name, mistakes);

	if (mistakes->len > 0)
		run_bad_line(r, g_ptr_array_index(mistakes, 0));
	conf_reload(r->conf, fresh, changed, fixed);
	if (fixed->len > 0)
		run_bad_line(r, "this option needs a restart");
	conf_free(fresh);
	util_replace(&r->conf_text, text);
	if (r->engine) {
		host_row_reload(r->fleet);
		engine_limits_changed(r->engine);
	}
}

/* ---- time ---- */

static void do_advance(struct run *r, const struct scn_line *l)
{
	(void)run_until(r, word_duration(r, arg(r, l, 1)), NULL, NULL);
}

/* stall TIME: the controller's loop stands, the world goes on. */
static void do_stall(struct run *r, const struct scn_line *l)
{
	run_stall(r, word_duration(r, arg(r, l, 1)));
}

/* lose-commit PHASE: the answer to the commit that brings a migration there is lost, and the database is away for 3 s. */
static void do_lose_commit(struct run *r, const struct scn_line *l)
{
	scn_store_lose(arg(r, l, 1));
}

/* clock step TIME|-TIME: the wall clock's alone. */
static void do_clock(struct run *r, const struct scn_line *l)
{
	if (!g_str_equal(arg(r, l, 1), "step"))
		run_bad_line(r, l->w[1]);
	clock_set_wall(word_duration(r, arg(r, l, 2)));
}

static void do_expect(struct run *r, const struct scn_line *l)
{
	if (!r->opt->sweep)
		check_expect(r, l);
}

/* rename-host OLD NEW [uri=URI]: the section of the configuration; it counts from the next start on. */
static void do_rename_host(struct run *r, const struct scn_line *l)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *old = g_strdup_printf("[host %s]\nuri = ", arg(r, l, 1));
	const char *at = strstr(r->conf_text, old), *rest = at ? at + strlen(old) : NULL;
	const char *end = rest ? strchr(rest, '\n') : NULL;
	g_autofree char *text = NULL;

	if (!at)
		run_bad_line(r, "no such host");
	text = g_strdup_printf("%.*s[host %s]\nuri = %.*s%s", (int)(at - r->conf_text), r->conf_text, arg(r, l, 2),
			       opt(l, "uri") ? (int)strlen(opt(l, "uri")) : (int)(end - rest), opt(l, "uri") ? opt(l, "uri") : rest, end);
	controller_stop(r);
	conf_free(r->conf);
	r->conf = conf_parse(text, strlen(text), r->scn->name, mistakes);
	if (mistakes->len > 0)
		run_bad_line(r, g_ptr_array_index(mistakes, 0));
	util_replace(&r->conf_text, text);
}

/* add-host NAME URI: POST /drover/v1/hosts */
static void do_add_host(struct run *r, const struct scn_line *l)
{
	struct conf_host ch = { .name = (char *)arg(r, l, 1), .uri = (char *)arg(r, l, 2) };
	g_autoptr(GError) why = NULL;

	(void)fleet_host_add(r->fleet, &ch, &why);
	r->result_code = why ? (int)err_code(why) : -1;
	util_replace(&r->result_text, why ? why->message : NULL);
}

static void do_nothing(struct run *r, const struct scn_line *l)
{
	(void)r;
	(void)l;
}

/* ---- running ---- */

static const struct {
	const char *word;
	void (*run)(struct run *r, const struct scn_line *l);
	bool engine; /* it needs a controller */
} commands[] = {
	{ "conf",      do_nothing,  false }, /* read before */
	{ "host",      do_host,     false },
	{ "server",    do_server,   false },
	{ "dom",       do_dom,      false },
	{ "file",      do_file,     false },
	{ "carrier",   do_carrier,  false },
	{ "power",     do_power,    false },
	{ "libvirtd",  do_libvirtd, false },
	{ "link",      do_link,     false },
	{ "pool",      do_pool,     false },
	{ "device",    do_device,   false },
	{ "lacks",     do_lacks,    false },
	{ "flaw",      setup_flaw,  false },
	{ "blind",     scn_ha_blind, false },
	{ "drop-job",  do_drop_job, false },
	{ "hang",      do_hang,     false },
	{ "address",   do_address,  false },
	{ "reset",     do_reset,    false },
	{ "premise",   do_premise,  false },
	{ "fault",     do_fault,    false },
	{ "barrier",   do_barrier,  false },
	{ "release",   do_release,  false },
	{ "start",     do_start,    false },
	{ "restart",   do_restart,  false },
	{ "rename-host", do_rename_host, false },
	{ "add-host",  do_add_host, true },
	{ "stop",      do_stop,     false },
	{ "migrate",   do_migrate,  true },
	{ "evacuate",  do_evacuate, true },
	{ "confirm",   do_confirm,  true },
	{ "revert",    do_revert,   true },

	{ "action",    do_ask,      true },
	{ "plan",      plan_do,     true },
	{ "console",   scn_console_do, true },
	{ "precheck",  check_precheck, true },
	{ "remains",   check_what_remains, true },
	{ "check",     setup_check, true },
	{ "abort",     do_abort,    true },
	{ "force",     do_force,    true },
	{ "mark",      do_mark,     true },
	{ "agent",     agent_set,   false },
	{ "fence",     agent_ask,   true },
	{ "unfence",   agent_ask,   true },
	{ "prioritize", do_prioritize, true },
	{ "reset-state", do_reset_state, true },
	{ "os-start",  do_action,   true },
	{ "os-stop",   do_action,   true },
	{ "reboot",    do_action,   true },
	{ "pause",     do_action,   true },
	{ "unpause",   do_action,   true },
	{ "suspend",   do_action,   true },
	{ "resume",    do_action,   true },
	{ "autostart", do_autostart, true },
	{ "lock",      do_lock,     true },
	{ "unlock",    do_lock,     true },
	{ "reconf",    do_reconf,   false },
	{ "advance",   do_advance,  false },
	{ "lose-commit", do_lose_commit, false },
	{ "stall",     do_stall,    false },
	{ "clock",     do_clock,    false },
	{ "wait",      wait_run,    false },
	{ "expect",    do_expect,   false },
};

static void run_line(struct run *r, const struct scn_line *l)
{
	r->line = l->no;
	if (r->opt->trace) {
		g_autofree char *text = g_strjoinv(" ", l->w);

		fprintf(r->opt->trace, "%10.3f ==== %s\n", (double)clock_now_ms() / 1000, text);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (!g_str_equal(l->w[0], commands[i].word))
			continue;
		if (commands[i].engine && !r->engine && !r->opt->sweep)
			run_bad_line(r, "no controller runs");
		if (!commands[i].engine || r->engine)
			commands[i].run(r, l);
		return;
	}
	run_bad_line(r, "unknown command");
}

static void run_command(struct run *r, const struct scn_line *l)
{
	run_line(r, l);
	check_always(r);
}

void run_begin(struct run *r, GArray *store_calls)
{
	r->result_code = -1;
	r->guests = g_ptr_array_new_with_free_func(guest_free);
	r->log = g_ptr_array_new_with_free_func(g_free);
	r->remains = g_string_new(NULL);
	r->conf_text = g_strdup(r->scn->conf);
	r->conf = conf_parse(r->conf_text, strlen(r->conf_text), r->scn->name, r->log);
	r->agents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	r->plan_ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	r->consoles = scn_consoles_new(r);
	r->under_way = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	world_new(r, store_calls);
}

void run_end(struct run *r)
{
	world_free(r);
	g_ptr_array_unref(r->guests);
	g_ptr_array_unref(r->log);
	conf_free(r->conf);
	g_free(r->conf_text);
	g_hash_table_unref(r->under_way);
	g_hash_table_unref(r->agents);
	g_array_unref(r->plan_ids);
	scn_consoles_free(r->consoles);
	g_clear_pointer(&r->mistakes, g_ptr_array_unref);
	g_free(r->result_text);
	g_clear_pointer(&r->prechecks, g_ptr_array_unref);
	g_string_free(r->remains, TRUE);
	g_free(r->failure);
}

void scn_run(const struct scn *s, const struct scn_options *o, struct scn_result *ret)
{
	struct run r = { .scn = s, .opt = o };

	run_begin(&r, ret->store_calls);
	for (guint i = 0; i < s->lines->len && !r.failure && !r.skip_rest; i++)
		run_command(&r, g_ptr_array_index(s->lines, i));
	ret->calls = sim_calls(r.world);
	ret->hits = sim_fault_hits(r.world) + scn_store_hits();
	scn_store_calm();
	if (!r.failure && !s->no_invariants) {
		r.line = 0;
		settle_down(&r);
		check_invariants(&r);
	}
	ret->failure = r.failure && r.line ? g_strdup_printf("%s.scn:%d: %s", s->name, r.line, r.failure) : g_strdup(r.failure);
	ret->digest = r.digest;
	ret->virtual_ms = clock_now_ms();
	run_end(&r);
}
