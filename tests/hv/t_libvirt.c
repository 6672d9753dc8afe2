/* SPDX-License-Identifier: Apache-2.0
 *
 * The libvirt implementation on two real hosts. tests/hv/run raises them, boots
 * the guest and runs this; without the environment it says so and skips.
 *
 * Each test begins with the guest running on the first host, and leaves it there.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "hv/xml/domxml_rewrite.h"
#include "live.h"

#define SLOW_MIBS 8 /* a migration at this rate takes many seconds */

static struct hv_host *host(int i)
{
	return live_hosts[i].h;
}

/* @want may have "*" for a reason that a running guest has from its past. */
static void assert_state(int i, const char *phase, const char *want)
{
	g_autofree char *s = live_state(i, phase);

	if (!g_pattern_match_simple(want, s))
		g_assert_cmpstr(s, ==, want);
}

static struct live_call *begin_slow(int from)
{
	struct hv_req req = live_migrate_req(from);

	req.migrate.bandwidth_mibs = SLOW_MIBS;
	live_mark();
	return live_begin(host(from), &req);
}

static void end_ok(struct live_call *c)
{
	struct hv_reply *r = live_end(c);

	g_assert_no_error(r->err);
	live_reply_free(r);
}

static void migrate_ok(int from)
{
	struct hv_req req = live_migrate_req(from);

	end_ok(live_begin(host(from), &req));
}

static void call_ok(int i, const struct hv_req *req)
{
	end_ok(live_begin(host(i), req));
}

static void op_ok(int i, enum hv_op op)
{
	live_reply_free(live_op(host(i), op));
}

static void call_fails(int i, const struct hv_req *req, enum err_code code)
{
	struct hv_reply *r = live_call(host(i), req);

	g_assert_nonnull(r->err);
	g_test_message("%s: %s", hv_op_name(req->op), r->err->message);
	g_assert_error(r->err, ERR, (int)code);
	live_reply_free(r);
}

/* ---- reading ---- */

static void test_host(void)
{
	for (int n = 0; n < 2; n++) {
		struct hv_reply *r = live_op(host(0), HV_HOST_GET);
		const struct hv_host_info *i = r->info;

		g_test_message("%s %s hv %" G_GINT64_FORMAT " libvirt %" G_GINT64_FORMAT " %s %s %d cpus %d:%d:%d mem %" G_GINT64_FORMAT
		               "/%" G_GINT64_FORMAT " disk %" G_GINT64_FORMAT "/%" G_GINT64_FORMAT " kvm %d",
		               i->hostname, i->hv_type, i->hv_version, i->libvirt_version, i->arch, i->cpu_model, i->vcpus, i->sockets,
		               i->cores, i->threads, i->mem_free_mib, i->mem_mib, i->disk_free_bytes, i->disk_bytes, i->kvm);
		g_assert_true(util_uuid_valid(i->uuid));
		g_assert_cmpstr(i->hostname, ==, live_hosts[0].name);
		g_assert_cmpstr(i->hv_type, ==, "QEMU");
		g_assert_cmpint(i->vcpus, >, 0);
		g_assert_cmpint(i->sockets * i->cores * i->threads, >=, i->vcpus);
		g_assert_cmpint(i->mem_free_mib, >, 0);
		g_assert_cmpint(i->mem_free_mib, <, i->mem_mib);
		g_assert_cmpint(i->disk_free_bytes, >, 0);
		g_assert_cmpint(i->disk_free_bytes, <=, i->disk_bytes);
		g_assert_true(g_str_has_prefix(i->cpu_xml, "<cpu>"));
		live_reply_free(r);
	}
}

static const struct hv_dom *find(const struct hv_reply *r, const char *uuid)
{
	for (guint i = 0; i < r->doms->len; i++) {
		const struct hv_dom *d = g_ptr_array_index(r->doms, i);

		if (!strcmp(d->uuid, uuid))
			return d;
	}
	return NULL;
}

static void test_list(void)
{
	/* The second listing comes from the cache and must say the same. */
	for (int n = 0; n < 2; n++) {
		struct hv_reply *r = live_op(host(0), HV_DOM_LIST);
		const struct hv_dom *d = find(r, live_guest);
		const struct hv_disk *k;

		g_assert_nonnull(d);
		g_assert_cmpint(d->state, ==, HV_RUNNING);
		g_assert_true(d->persistent);
		g_assert_cmpint(d->vcpus, ==, 1);
		g_assert_cmpint(d->mem_mib, >=, 64);
		g_assert_nonnull(d->virt_type);
		g_assert_cmpuint(d->nics->len, ==, 1);
		g_assert_cmpuint(d->disks->len, >=, 1);
		k = g_ptr_array_index(d->disks, 0);
		g_test_message("disk %s %s %s %" G_GINT64_FORMAT, k->target, k->source, k->format, k->capacity_bytes);
		g_assert_cmpint(k->capacity_bytes, >, 0);
		live_reply_free(r);
	}
	struct hv_reply *other = live_op(host(1), HV_DOM_LIST);
	g_assert_null(find(other, live_guest));
	live_reply_free(other);
}

static void test_get(void)
{
	struct hv_reply *r = live_op(host(0), HV_DOM_GET);

	g_assert_cmpint(r->dom->state, ==, HV_RUNNING);
	g_assert_false(r->dom->job_active);
	g_assert_cmpuint(r->dom->disks->len, >=, 1);
	live_reply_free(r);
	assert_state(1, "idle", "absent/other");
	call_fails(1, &(struct hv_req){ .op = HV_DOM_XML, .uuid = live_guest }, ERR_HV_ABSENT);
	call_fails(1, &(struct hv_req){ .op = HV_JOB_GET, .uuid = live_guest }, ERR_HV_ABSENT);
}

static void replace_cpu(char **xml, const char *cpu)
{
	g_autoptr(GRegex) with = g_regex_new("<cpu .*</cpu>|<cpu [^>]*/>", G_REGEX_DOTALL, 0, NULL);
	char *out;

	if (g_regex_match(with, *xml, 0, NULL)) {
		out = g_regex_replace_literal(with, *xml, -1, 0, cpu, 0, NULL);
	} else {
		g_autofree char *head = g_strconcat(cpu, "<clock", NULL);
		g_auto(GStrv) parts = g_strsplit(*xml, "<clock", 2);

		out = g_strjoinv(head, parts);
	}
	g_free(*xml);
	*xml = out;
}

static const struct {
	const char *name, *cpu;
	bool ok;
} cpus[] = {
	{ "as it is", NULL, true },
	{ "qemu64", "<cpu mode='custom' match='exact'><model>qemu64</model><topology sockets='1' dies='1' cores='1' threads='1'/></cpu>", true },
	{ "what TCG lacks", "<cpu mode='custom' match='exact'><model>Haswell-noTSX</model></cpu>", false },
	{ "a feature that TCG lacks", "<cpu mode='custom' match='exact'><model>qemu64</model><feature policy='require' name='invpcid'/></cpu>", false },
	{ "host-model", "<cpu mode='host-model'/>", true },
	{ "passthrough of an unknown host", "<cpu mode='host-passthrough'/>", false },
	{ "no such model", "<cpu mode='custom' match='exact'><model>nonsense</model></cpu>", false },
};

static void test_cpu(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(cpus); i++) {
		struct hv_reply *x = live_op(host(0), HV_DOM_XML), *r;

		g_assert_true(g_str_has_prefix(x->xml, "<domain"));
		g_assert_true(g_str_has_prefix(x->xml_inactive, "<domain"));
		if (cpus[i].cpu)
			replace_cpu(&x->xml, cpus[i].cpu);
		r = live_call(host(1), &(struct hv_req){ .op = HV_CPU_COMPARE, .xml = x->xml });
		g_assert_no_error(r->err);
		g_test_message("%s: %s %s", cpus[i].name, r->cpu_ok ? "ok" : "no", r->cpu_why ? r->cpu_why : "");
		g_assert_cmpint(r->cpu_ok, ==, cpus[i].ok);
		g_assert_true(r->cpu_ok || r->cpu_why);
		live_reply_free(r);
		live_reply_free(x);
	}
}

static void test_cpu_passthrough(void)
{
	struct hv_reply *x = live_op(host(0), HV_DOM_XML), *i = live_op(host(0), HV_HOST_GET), *r;

	replace_cpu(&x->xml, "<cpu mode='host-passthrough'/>");
	r = live_call(host(1), &(struct hv_req){ .op = HV_CPU_COMPARE, .xml = x->xml, .host_cpu_xml = i->info->cpu_xml });
	g_assert_no_error(r->err);
	g_test_message("the same CPU: %s", r->cpu_why ? r->cpu_why : "ok");
	g_assert_true(r->cpu_ok);
	live_reply_free(r);
	live_reply_free(x);
	live_reply_free(i);
}

/* ---- acting ---- */

static void test_pause(void)
{
	live_mark();
	op_ok(0, HV_DOM_SUSPEND);
	live_await(0, HV_EV_DOM, HV_PAUSED);
	assert_state(0, "paused", "paused/user+persistent");
	op_ok(0, HV_DOM_SUSPEND);
	op_ok(0, HV_DOM_RESUME);
	live_await(0, HV_EV_DOM, HV_RUNNING);
	op_ok(0, HV_DOM_RESUME);
	assert_state(0, "resumed", "running/other+persistent");
}

static void test_absent(void)
{
	op_ok(1, HV_DOM_DESTROY);
	op_ok(1, HV_DOM_UNDEFINE);
	call_fails(1, &(struct hv_req){ .op = HV_DOM_SUSPEND, .uuid = live_guest }, ERR_HV_ABSENT);
	call_fails(1, &(struct hv_req){ .op = HV_JOB_ABORT, .uuid = live_guest }, ERR_HV_ABSENT);
	call_fails(0, &(struct hv_req){ .op = HV_DOM_UNDEFINE, .uuid = live_guest }, ERR_HV);
	op_ok(0, HV_JOB_ABORT);
}

struct watch {
	struct live_call *migration, *poll;
	struct hv_host *h;
	int samples;
	int64_t processed;
};

/* Ask for statistics again and again until the migration is done. */
static bool watch_step(void *user)
{
	struct watch *w = user;
	struct hv_reply *r;

	if (w->poll && live_is_done(w->poll)) {
		r = live_end(g_steal_pointer(&w->poll));
		if (!r->err && r->job.active) {
			w->samples++;
			g_assert_true(r->job.outgoing);
			g_assert_cmpint(r->job.mem_processed, >=, w->processed);
			w->processed = r->job.mem_processed;
		}
		live_reply_free(r);
	}
	if (!w->poll && !live_is_done(w->migration))
		w->poll = live_begin(w->h, &(struct hv_req){ .op = HV_JOB_GET, .uuid = live_guest });
	return !w->poll && live_is_done(w->migration);
}

static void migrate_watched(int from)
{
	struct hv_req req = live_migrate_req(from);
	struct watch w = { .h = host(from) };
	struct hv_reply *r;

	live_mark();
	w.migration = live_begin(host(from), &req);
	live_settle(watch_step, &w);
	end_ok(w.migration);
	live_await(from, HV_EV_ITERATION, HV_STATE_N);
	live_await(from, HV_EV_JOB_DONE, HV_STATE_N);
	live_await(from, HV_EV_DOM, HV_SHUTOFF);
	live_await(!from, HV_EV_DOM, HV_RUNNING);
	g_assert_cmpint(w.samples, >, 0);
	g_test_message("%d samples, %" G_GINT64_FORMAT " bytes seen", w.samples, w.processed);
	assert_state(from, "migrated", "absent/other");
	assert_state(!from, "migrated", "running/migrated+persistent");
	r = live_op(host(!from), HV_JOB_DONE);
	g_test_message("downtime %" G_GINT64_FORMAT " ms of %" G_GINT64_FORMAT " ms", r->job.downtime_ms, r->job.elapsed_ms);
	g_assert_cmpint(r->job.downtime_ms, >, 0);
	g_assert_cmpint(r->job.elapsed_ms, >=, r->job.downtime_ms);
	g_assert_false(r->job.active);
	live_reply_free(r);
	r = live_op(host(!from), HV_JOB_DONE);
	g_assert_cmpint(r->job.elapsed_ms, ==, 0);
	live_reply_free(r);
}

static void test_migrate(void)
{
	migrate_watched(0);
	migrate_watched(1);
}

/* A slow migration, until it copies. */
static struct live_call *begin_copying(int from)
{
	struct live_call *c = begin_slow(from);

	live_await_copy(c, from);
	assert_state(from, "copying", "running/*+job+out+persistent");
	/* where the monitor is silent for long, on a busy machine, its job cannot be told from an outgoing one (hv.h) */
	live_until(!from, "paused/migration+job+in", NULL);
	return c;
}

static void after_failure(void)
{
	live_until(0, "running/other+persistent", "running/migrated+persistent");
	live_until(1, "absent/other", NULL);
}

static void test_abort(void)
{
	struct live_call *c = begin_copying(0);
	struct hv_reply *r;

	op_ok(0, HV_JOB_ABORT);
	r = live_end(c);
	g_assert_error(r->err, ERR, ERR_HV);
	g_test_message("%s", r->err->message);
	live_reply_free(r);
	after_failure();
	op_ok(0, HV_JOB_ABORT);
	r = live_op(host(0), HV_JOB_GET);
	g_assert_false(r->job.active);
	live_reply_free(r);
}

static void test_tune(void)
{
	struct live_call *c = begin_copying(0);

	call_ok(0, &(struct hv_req){ .op = HV_JOB_TUNE, .uuid = live_guest, .bandwidth_mibs = 1000, .downtime_ms = 2000 });
	end_ok(c);
	assert_state(1, "tuned", "running/migrated+persistent");
	migrate_ok(1);
}

static void test_postcopy(void)
{
	struct hv_req req = live_migrate_req(0);
	struct live_call *c;

	req.migrate.bandwidth_mibs = SLOW_MIBS;
	req.migrate.postcopy = true;
	live_mark();
	c = live_begin(host(0), &req);
	live_await_copy(c, 0);
	op_ok(0, HV_POSTCOPY);
	live_await(1, HV_EV_DOM, HV_RUNNING);
	g_free(live_state(0, "post-copy"));
	g_free(live_state(1, "post-copy"));
	end_ok(c);
	assert_state(0, "post-copy ended", "absent/other");
	assert_state(1, "post-copy ended", "running/migrated+persistent");
	migrate_ok(1);
}

static char *address_of(int i)
{
	g_autoptr(GUri) u = g_uri_parse(live_hosts[i].uri, G_URI_FLAGS_NONE, NULL);

	return g_strdup(g_uri_get_host(u));
}

static char *rewritten(const char *xml, const char *address)
{
	g_autoptr(GError) err = NULL;
	char *s = domxml_rewrite(xml, &(struct domxml_changes){ .vnc_listen = address }, &err);

	g_assert_no_error(err);
	return s;
}

static void test_tunnelled(void)
{
	static const char *const disks[] = { "vda", NULL };
	struct hv_req req;

	for (int from = 0; from < 2; from++) {
		req = live_migrate_req(from);
		req.migrate.tunnelled = true;
		end_ok(live_begin(host(from), &req));
		assert_state(!from, "tunnelled", "running/migrated+persistent");
	}
	req = live_migrate_req(0);
	req.migrate.tunnelled = req.migrate.postcopy = true;
	call_fails(0, &req, ERR_BAD_REQUEST);
	req.migrate.postcopy = false;
	req.migrate.copy_disks = disks;
	call_fails(0, &req, ERR_BAD_REQUEST);
}

/* The guest's announcements as they come by: QEMU sends RARP requests to all. */
static int listen_for_rarp(void)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_RARP));

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = 20 }, sizeof(struct timeval)), ==, 0);
	return fd;
}

static void await_rarp(int fd, int frames)
{
	char frame[128];

	for (int i = 0; i < frames; i++)
		g_assert_cmpint(recv(fd, frame, sizeof(frame), 0), >, 0);
}

static void test_announce(void)
{
	int fd = listen_for_rarp();

	call_ok(0, &(struct hv_req){ .op = HV_ANNOUNCE, .uuid = live_guest, .announce_rounds = 7, .announce_ms = 10 });
	await_rarp(fd, 7);
	call_ok(0, &(struct hv_req){ .op = HV_ANNOUNCE, .uuid = live_guest });
	await_rarp(fd, 5);
	close(fd);
	call_fails(1, &(struct hv_req){ .op = HV_ANNOUNCE, .uuid = live_guest }, ERR_HV_ABSENT);
}

static void test_paused_guest(void)
{
	struct hv_req req = live_migrate_req(0);

	op_ok(0, HV_DOM_SUSPEND);
	req.migrate.postcopy = true;
	call_ok(0, &req);
	g_free(live_state(1, "paused guest"));
	op_ok(1, HV_DOM_RESUME);
	migrate_ok(1);
}

/* VNC on an address that the destination does not have: refused as it is, done when it is rewritten, in the definition too. */
static void test_listen(void)
{
	/* at the end it is as it was made: the tests behind move it without a rewrite */
	const char *back = "0.0.0.0";
	g_autofree char *to = address_of(1);
	struct hv_reply *x, *r;
	char *live, *inactive;
	struct hv_req req = live_migrate_req(0);

	x = live_op(host(0), HV_DOM_XML);
	live = rewritten(x->xml, to);
	inactive = rewritten(x->xml_inactive, to);
	live_reply_free(x);
	req.migrate.dest_xml = live;
	req.migrate.persistent_xml = inactive;
	call_ok(0, &req);
	r = live_op(host(1), HV_DOM_GET);
	g_assert_cmpstr(r->dom->vnc_listen, ==, to);
	g_assert_cmpint(r->dom->vnc_port, >=, 5900);
	live_reply_free(r);
	x = live_op(host(1), HV_DOM_XML);
	g_assert_nonnull(strstr(x->xml_inactive, to));
	live_reply_free(x);
	g_free(live);
	g_free(inactive);

	req = live_migrate_req(1);
	call_fails(1, &req, ERR_HV);
	x = live_op(host(1), HV_DOM_XML);
	live = rewritten(x->xml, back);
	inactive = rewritten(x->xml_inactive, back);
	live_reply_free(x);
	req.migrate.dest_xml = live;
	req.migrate.persistent_xml = inactive;
	call_ok(1, &req);
	after_failure();
	g_free(live);
	g_free(inactive);
}

static void test_destroy_incoming(void)
{
	struct live_call *c = begin_copying(0);
	struct hv_reply *r;

	op_ok(1, HV_DOM_DESTROY);
	r = live_end(c);
	g_assert_error(r->err, ERR, ERR_HV);
	g_test_message("%s", r->err->message);
	live_reply_free(r);
	after_failure();
}

static void test_refused(void)
{
	struct hv_req req = live_migrate_req(0);

	req.migrate.dest_uri = "qemu+tcp://127.0.0.1:1/system";
	call_fails(0, &req, ERR_HV);
	req = live_migrate_req(0);
	req.migrate.dest_xml = "<domain/>";
	call_fails(0, &req, ERR_HV);
	after_failure();
}

/* ---- losing ---- */

static void test_close(void)
{
	struct live_call *c = live_begin(host(0), &(struct hv_req){ .op = HV_DOM_LIST });
	struct hv_reply *r;

	hv_host_close(host(0));
	r = live_end(c);
	g_assert_error(r->err, ERR, ERR_HV_LOST);
	live_reply_free(r);
	call_fails(0, &(struct hv_req){ .op = HV_DOM_LIST }, ERR_HV_LOST);
	live_mark();
	hv_host_open(host(0));
	live_await(0, HV_EV_OPEN, HV_STATE_N);
	live_reply_free(live_op(host(0), HV_DOM_LIST));
}

static void test_libvirtd_killed(void)
{
	struct live_call *c;
	struct hv_reply *r;

	if (!live_has_lab())
		return;
	c = begin_copying(0);
	live_lab("kill-libvirtd", live_hosts[0].name, NULL);
	live_await(0, HV_EV_CLOSED, HV_STATE_N);
	r = live_end(c);
	g_assert_error(r->err, ERR, ERR_HV_LOST);
	g_test_message("%s", r->err->message);
	live_reply_free(r);
	live_mark();
	hv_host_open(host(0));
	live_await(0, HV_EV_CLOSED, HV_STATE_N);
	live_lab("start-libvirtd", live_hosts[0].name, NULL);
	live_open();
	after_failure();
}

static void test_cut(void)
{
	struct hv_reply *r;
	int64_t begin;

	if (!live_has_lab())
		return;
	live_mark();
	live_lab("cut", live_hosts[0].name, NULL);
	begin = clock_now_ms();
	r = live_call(host(0), &(struct hv_req){ .op = HV_DOM_LIST });
	g_assert_error(r->err, ERR, ERR_HV_LOST);
	g_test_message("%s", r->err->message);
	live_reply_free(r);
	live_reply_free(live_op(host(1), HV_DOM_LIST));
	live_await(0, HV_EV_CLOSED, HV_STATE_N);
	g_test_message("lost after %" G_GINT64_FORMAT " ms", clock_now_ms() - begin);
	live_mark();
	hv_host_open(host(0));
	begin = clock_now_ms();
	live_await(0, HV_EV_CLOSED, HV_STATE_N);
	g_test_message("given up after %" G_GINT64_FORMAT " ms", clock_now_ms() - begin);
	live_lab("mend", live_hosts[0].name, NULL);
	live_open();
	after_failure();
}

/* ---- power ---- */

/* What is pressed while the guest boots is lost, and an answer says nothing: press until it has stopped. */
static void press_until_off(void)
{
	enum hv_state state = HV_RUNNING;

	while (state != HV_SHUTOFF) {
		struct hv_reply *r;

		op_ok(0, HV_DOM_SHUTDOWN);
		r = live_op(host(0), HV_DOM_GET);
		state = r->dom->state;
		live_reply_free(r);
	}
}

static void assert_saved(bool want)
{
	struct hv_reply *r = live_op(host(0), HV_DOM_GET);

	g_assert_cmpint(r->dom->kept.managed_save, ==, want);
	live_reply_free(r);
}

/* tests/unit/t_sim_power.c has the same of simulated hosts. */
static void test_power(void)
{
	press_until_off();
	assert_state(0, "pressed", "shutoff/other+persistent");
	op_ok(0, HV_DOM_SHUTDOWN);
	call_fails(0, &(struct hv_req){ .op = HV_DOM_SAVE, .uuid = live_guest }, ERR_HV);
	call_fails(0, &(struct hv_req){ .op = HV_DOM_RESET, .uuid = live_guest }, ERR_HV);
	call_ok(0, &(struct hv_req){ .op = HV_DOM_START, .uuid = live_guest, .paused = true });
	assert_state(0, "started paused", "paused/user+persistent");
	call_fails(0, &(struct hv_req){ .op = HV_DOM_SHUTDOWN, .uuid = live_guest }, ERR_HV);
	op_ok(0, HV_DOM_RESUME);
	op_ok(0, HV_DOM_START);
	assert_state(0, "runs", "running/other+persistent");
	live_mark();
	op_ok(0, HV_DOM_SAVE);
	(void)live_await(0, HV_EV_DOM, HV_SHUTOFF);
	assert_state(0, "saved", "shutoff/saved+persistent");
	assert_saved(true);
	op_ok(0, HV_DOM_SAVE);
	op_ok(0, HV_DOM_START);
	assert_state(0, "goes on", "running/other+persistent");
	assert_saved(false);
	op_ok(0, HV_DOM_SAVE);
	call_ok(0, &(struct hv_req){ .op = HV_DOM_START, .uuid = live_guest, .boot = true });
	assert_state(0, "booted", "running/other+persistent");
	assert_saved(false);
	live_mark();
	op_ok(0, HV_DOM_RESET);
	(void)live_await(0, HV_EV_REBOOT, HV_STATE_N);
	call_ok(0, &(struct hv_req){ .op = HV_DOM_DESTROY, .uuid = live_guest, .ends = true });
	assert_state(0, "destroyed", "shutoff/other+persistent");
	op_ok(0, HV_DOM_START);
	call_fails(1, &(struct hv_req){ .op = HV_DOM_START, .uuid = live_guest }, ERR_HV_ABSENT);
	call_ok(1, &(struct hv_req){ .op = HV_DOM_SHUTDOWN, .uuid = live_guest });
}

/* ---- consoles ---- */

struct console {
	struct hv_stream *s;
	GString *got;
	bool ended;
	const char *wanted;
};

static void console_data(const char *data, size_t len, void *user)
{
	g_string_append_len(((struct console *)user)->got, data, (gssize)len);
}

static void console_room(void *user)
{
	(void)user;
}

static void console_ended(const char *why, void *user)
{
	g_test_message("ended: %s", why);
	((struct console *)user)->ended = true;
}

static const struct hv_stream_calls console_calls = { console_data, console_room, console_ended };

static void open_console(struct console *c, int i, bool force)
{
	struct hv_reply *r = live_call(host(i), &(struct hv_req){ .op = HV_CONSOLE, .uuid = live_guest, .force = force });

	g_assert_no_error(r->err);
	*c = (struct console){ g_steal_pointer(&r->stream), g_string_new(NULL), false, NULL };
	live_reply_free(r);
	hv_stream_use(c->s, &console_calls, c);
}

static void close_console(struct console *c)
{
	hv_stream_close(c->s);
	g_string_free(c->got, TRUE);
}

static bool has_wanted(void *user)
{
	const struct console *c = user;

	return strstr(c->got->str, c->wanted) != NULL;
}

static bool has_ended(void *user)
{
	return ((const struct console *)user)->ended;
}

static void type(struct console *c, const char *line, const char *wanted)
{
	hv_stream_send(c->s, line, strlen(line));
	c->wanted = wanted;
	live_settle(has_wanted, c);
}

/* Every line that the guest's seq writes, once and in order, though nothing is taken for a while. */
static void assert_seq(const struct console *c, int n)
{
	const char *at = strstr(c->got->str, "1\r\n2\r\n3\r\n");

	g_assert_nonnull(at);
	for (int i = 1; i <= n; i++) {
		char line[16];

		g_snprintf(line, sizeof line, "%d\r\n", i);
		g_assert_true(g_str_has_prefix(at, line));
		at += strlen(line);
	}
}

static void test_console(void)
{
	const char *seq = "seq 1 20000; echo al''l\n";
	struct console c, other;

	open_console(&c, 0, false);
	type(&c, "\nstty -echo; echo to''gether\n", "together");
	call_fails(0, &(struct hv_req){ .op = HV_CONSOLE, .uuid = live_guest }, ERR_HV);
	call_fails(1, &(struct hv_req){ .op = HV_CONSOLE, .uuid = live_guest }, ERR_HV_ABSENT);
	hv_stream_pause(c.s, true);
	hv_stream_send(c.s, seq, strlen(seq));
	op_ok(0, HV_DOM_GET);
	hv_stream_pause(c.s, false);
	type(&c, "\n", "all\r\n");
	assert_seq(&c, 20000);
	open_console(&other, 0, true);
	live_settle(has_ended, &c);
	close_console(&c);
	type(&other, "\necho take''n; stty echo\n", "taken");
	migrate_ok(0);
	live_settle(has_ended, &other);
	close_console(&other);
	open_console(&c, 1, false);
	type(&c, "\necho ar''rived\n", "arrived");
	migrate_ok(1);
	live_settle(has_ended, &c);
	close_console(&c);
}

/* The lost connections of the tests above, and these two, are all given back, with their sockets. */
static void test_released(void)
{
	for (int i = 0; i < 2; i++)
		hv_host_close(host(i));
	live_released();
}

static const struct live_test tests[] = {
	{ "/libvirt/host", test_host },
	{ "/libvirt/list", test_list },
	{ "/libvirt/get", test_get },
	{ "/libvirt/cpu", test_cpu },
	{ "/libvirt/cpu-passthrough", test_cpu_passthrough },
	{ "/libvirt/pause", test_pause },
	{ "/libvirt/absent", test_absent },
	{ "/libvirt/migrate", test_migrate },
	{ "/libvirt/abort", test_abort },
	{ "/libvirt/tune", test_tune },
	{ "/libvirt/postcopy", test_postcopy },
	{ "/libvirt/tunnelled", test_tunnelled },
	{ "/libvirt/announce", test_announce },
	{ "/libvirt/paused-guest", test_paused_guest },
	{ "/libvirt/listen", test_listen },
	{ "/libvirt/destroy-incoming", test_destroy_incoming },
	{ "/libvirt/refused", test_refused },
	{ "/libvirt/power", test_power },
	{ "/libvirt/console", test_console },
	{ "/libvirt/close", test_close },
	{ "/libvirt/libvirtd-killed", test_libvirtd_killed },
	{ "/libvirt/cut", test_cut },
	{ "/libvirt/released", test_released },
};

int main(int argc, char **argv)
{
	return live_main(argc, argv, "/libvirt", false, tests, G_N_ELEMENTS(tests));
}
