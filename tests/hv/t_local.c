/* SPDX-License-Identifier: Apache-2.0
 *
 * The libvirt implementation without hosts: its tables, its cache, and calls
 * and connections on libvirt's own test driver, which is part of the library.
 */
#include <string.h>

#include "base/clock.h"
#include "hv/libvirt/cache.h"
#include "hv/libvirt/conn.h"
#include "hv/libvirt/dom.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/libvirt.h"
#include "hv/libvirt/link.h"
#include "hv/libvirt/state.h"
#include "hv/libvirt/why.h"

/* ---- tables ---- */

static const struct {
	int state, reason;
	const char *want;
} states[] = {
	{ VIR_DOMAIN_NOSTATE, 0, "unknown/other" },
	{ VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED, "running/other" },
	{ VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_MIGRATED, "running/migrated" },
	{ VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_POSTCOPY, "running/postcopy" },
	{ VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_POSTCOPY_FAILED, "running/postcopy-failed" },
	{ VIR_DOMAIN_RUNNING, 99, "running/other" },
	{ VIR_DOMAIN_BLOCKED, 0, "running/other" },
	{ VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER, "paused/user" },
	{ VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION, "paused/migration" },
	{ VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_SAVE, "paused/saved" },
	{ VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR, "paused/ioerror" },
	{ VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP, "paused/starting" },
	{ VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_POSTCOPY, "paused/postcopy" },
	{ VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_POSTCOPY_FAILED, "paused/postcopy-failed" },
	{ VIR_DOMAIN_PAUSED, -1, "paused/other" },
	{ VIR_DOMAIN_SHUTDOWN, 0, "shutdown/other" },
	{ VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_MIGRATED, "shutoff/migrated" },
	{ VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_CRASHED, "shutoff/crashed" },
	{ VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_FAILED, "shutoff/failed" },
	{ VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_SAVED, "shutoff/saved" },
	{ VIR_DOMAIN_SHUTOFF, VIR_DOMAIN_SHUTOFF_DAEMON, "shutoff/other" },
	{ VIR_DOMAIN_CRASHED, VIR_DOMAIN_CRASHED_PANICKED, "crashed/crashed" },
	{ VIR_DOMAIN_PMSUSPENDED, 0, "suspended/other" },
	{ 99, 0, "unknown/other" },
	{ -1, -1, "unknown/other" },
};

static void test_states(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
		g_autofree char *got = NULL;
		enum hv_state s;
		enum hv_reason r;

		lv_state(states[i].state, states[i].reason, &s, &r);
		got = g_strdup_printf("%s/%s", hv_state_name(s), hv_reason_name(r));
		g_test_message("state %d reason %d", states[i].state, states[i].reason);
		g_assert_cmpstr(got, ==, states[i].want);
	}
}

static const struct {
	int event, detail;
	bool active;
	const char *want;
} events[] = {
	{ VIR_DOMAIN_EVENT_DEFINED, 0, false, "shutoff/other" },
	{ VIR_DOMAIN_EVENT_DEFINED, 0, true, "unknown/other" },
	{ VIR_DOMAIN_EVENT_UNDEFINED, 0, false, "absent/other" },
	{ VIR_DOMAIN_EVENT_UNDEFINED, 0, true, "unknown/other" },
	{ VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_BOOTED, true, "running/other" },
	{ VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_MIGRATED, true, "paused/migration" },
	{ VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_PAUSED, true, "paused/user" },
	{ VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED, true, "paused/migration" },
	{ VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY_FAILED, true, "paused/postcopy-failed" },
	{ VIR_DOMAIN_EVENT_SUSPENDED, 99, true, "paused/other" },
	{ VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_MIGRATED, true, "running/migrated" },
	{ VIR_DOMAIN_EVENT_RESUMED, VIR_DOMAIN_EVENT_RESUMED_POSTCOPY, true, "running/postcopy" },
	{ VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_MIGRATED, false, "shutoff/migrated" },
	{ VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_SAVED, false, "shutoff/saved" },
	{ VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_DESTROYED, false, "shutoff/other" },
	{ VIR_DOMAIN_EVENT_SHUTDOWN, 0, true, "unknown/other" },
	{ VIR_DOMAIN_EVENT_PMSUSPENDED, 0, true, "suspended/other" },
	{ VIR_DOMAIN_EVENT_CRASHED, 0, true, "crashed/crashed" },
	{ 99, 99, true, "unknown/other" },
};

static void test_events(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
		g_autofree char *got = NULL;
		enum hv_state s;
		enum hv_reason r;

		lv_event_state(events[i].event, events[i].detail, events[i].active, &s, &r);
		got = g_strdup_printf("%s/%s", hv_state_name(s), hv_reason_name(r));
		g_test_message("event %d detail %d", events[i].event, events[i].detail);
		g_assert_cmpstr(got, ==, events[i].want);
	}
}

static void test_job(void)
{
	virTypedParameterPtr p = NULL;
	struct hv_job job;
	int n = 0, max = 0;

	virTypedParamsAddInt(&p, &n, &max, VIR_DOMAIN_JOB_OPERATION, VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT);
	virTypedParamsAddULLong(&p, &n, &max, VIR_DOMAIN_JOB_MEMORY_TOTAL, UINT64_MAX);
	virTypedParamsAddLLong(&p, &n, &max, VIR_DOMAIN_JOB_DISK_TOTAL, -1);
	virTypedParamsAddULLong(&p, &n, &max, VIR_DOMAIN_JOB_MEMORY_DIRTY_RATE, 7);
	virTypedParamsAddInt(&p, &n, &max, VIR_DOMAIN_JOB_AUTO_CONVERGE_THROTTLE, 1000);
	virTypedParamsAddString(&p, &n, &max, VIR_DOMAIN_JOB_DOWNTIME, "text");
	lv_job(VIR_DOMAIN_JOB_UNBOUNDED, p, n, &job);
	virTypedParamsFree(p, n);
	g_assert_true(job.active && job.outgoing);
	g_assert_cmpint(job.mem_total, ==, LV_JOB_BYTES_MAX);
	g_assert_cmpint(job.disk_total, ==, 0);
	g_assert_cmpint(job.dirty_rate, ==, 7);
	g_assert_cmpint(job.throttle, ==, 100);
	g_assert_cmpint(job.downtime_ms, ==, 0);
}

/* D20: a host that sends megabytes of words gets a line of them told. */
static void test_why(void)
{
	g_autofree char *huge = g_strnfill(2 << 20, 'x'), *dirty = g_strconcat("first\nsecond \xff", huge, NULL);
	g_autofree char *why = lv_why(&(virError){ .message = dirty }), *none = lv_why(NULL);

	g_assert_cmpuint(strlen(why), ==, LV_WHY_MAX);
	g_assert_true(g_str_has_prefix(why, "first second \xef\xbf\xbdxxx"));
	g_assert_true(g_utf8_validate(why, -1, NULL));
	g_assert_cmpstr(none, ==, "libvirt gave no reason");
}

/* ---- the cache ---- */

#define A "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
#define B "4dea22b3-1d52-d8f3-2516-782e98ab3fa1"

static void put(struct lv_cache *k, const char *uuid, enum hv_state state, uint64_t stamp)
{
	struct hv_dom *d = hv_dom_new();
	struct hv_disk *disk = g_new0(struct hv_disk, 1);

	g_strlcpy(d->uuid, uuid, sizeof(d->uuid));
	d->state = state;
	disk->target = g_strdup("vda");
	g_ptr_array_add(d->disks, disk);
	lv_cache_put(k, d, stamp);
	hv_dom_free(d);
}

static bool has(struct lv_cache *k, const char *uuid, bool active)
{
	struct hv_dom *d = lv_cache_get(k, uuid, active);

	hv_dom_free(d);
	return d != NULL;
}

static void test_cache(void)
{
	struct lv_cache *k = lv_cache_new();
	g_autoptr(GHashTable) only_b = g_hash_table_new(g_str_hash, g_str_equal);
	struct hv_dom *d;
	uint64_t stamp = lv_cache_stamp(k);

	put(k, A, HV_RUNNING, stamp);
	g_assert_true(has(k, A, true));
	/* started or stopped since, and the event is not here yet */
	g_assert_false(has(k, A, false));
	lv_cache_forget(k, A);
	g_assert_false(has(k, A, true));
	/* fetched before that event */
	put(k, A, HV_RUNNING, stamp);
	g_assert_false(has(k, A, true));
	put(k, A, HV_RUNNING, lv_cache_stamp(k));
	put(k, B, HV_SHUTOFF, stamp);
	g_assert_true(has(k, A, true) && has(k, B, false));
	/* sizes outlive the description, not the domain */
	lv_cache_set_size(k, A, "vda", 10, 5);
	lv_cache_forget(k, A);
	put(k, A, HV_RUNNING, lv_cache_stamp(k));
	d = lv_cache_get(k, A, true);
	lv_cache_fill_sizes(k, d);
	g_assert_cmpint(((struct hv_disk *)d->disks->pdata[0])->capacity_bytes, ==, 10);
	hv_dom_free(d);
	g_hash_table_add(only_b, (char *)B);
	lv_cache_keep(k, only_b);
	g_assert_true(!has(k, A, true) && has(k, B, false));
	lv_cache_free(k);
}

/* ---- the test driver ---- */

#define TEST_URI "test:///default"
#define TEST_UUID "6695eb01-f6a4-8304-79aa-97f2502e193f" /* its one domain */

static struct hv *hv;
static GString *seen; /* the events so far: "open " "closed " "paused/user " ... */

static void on_event(const struct hv_event *ev, void *user)
{
	(void)user;
	switch (ev->type) {
	case HV_EV_OPEN:
		g_string_append(seen, "open ");
		break;
	case HV_EV_CLOSED:
		g_assert_true(ev->text && *ev->text);
		g_string_append(seen, "closed ");
		break;
	case HV_EV_DOM:
		g_string_append_printf(seen, "%s/%s ", hv_state_name(ev->state), hv_reason_name(ev->reason));
		break;
	case HV_EV_REBOOT:
		g_string_append(seen, "reboot ");
		break;
	case HV_EV_ITERATION:
	case HV_EV_JOB_DONE:
	case HV_EV_N:
		g_assert_not_reached();
	}
}

static void turn(void)
{
	g_main_context_iteration(g_main_loop_get_context(loop_main()), TRUE);
}

static void await(const char *what)
{
	while (!strstr(seen->str, what))
		turn();
	g_string_truncate(seen, 0);
}

static struct hv_host *open_host(const char *uri, const char *outcome)
{
	struct hv_host *h = hv_host_add(hv, "h", uri);

	hv_host_open(h);
	await(outcome);
	return h;
}

static void on_done(struct hv_reply *r, void *user)
{
	struct hv_reply **ret = user;

	g_assert_null(*ret);
	*ret = g_memdup2(r, sizeof(*r));
	memset(r, 0, sizeof(*r));
}

static void reply_free(struct hv_reply *r)
{
	hv_reply_clear(r);
	g_free(r);
}

static struct hv_reply *call(struct hv_host *h, enum hv_op op, const char *uuid)
{
	struct hv_reply *r = NULL;

	hv_call(h, &(struct hv_req){ .op = op, .uuid = uuid }, on_done, &r);
	g_assert_null(r);
	while (!r)
		turn();
	return r;
}

static void expect(struct hv_host *h, enum hv_op op, const char *uuid, const char *want)
{
	struct hv_reply *r = call(h, op, uuid);

	g_test_message("%s: %s", hv_op_name(op), r->err ? r->err->message : "ok");
	g_assert_cmpstr(r->err ? err_name(err_code(r->err)) : "ok", ==, want);
	reply_free(r);
}

static void test_calls(void)
{
	struct hv_host *h = open_host(TEST_URI, "open ");
	struct hv_reply *r = call(h, HV_DOM_GET, TEST_UUID);

	g_assert_no_error(r->err);
	g_assert_cmpstr(r->dom->name, ==, "test");
	g_assert_cmpint(r->dom->state, ==, HV_RUNNING);
	g_assert_false(r->dom->job_active);
	reply_free(r);
	r = call(h, HV_DOM_GET, A);
	g_assert_no_error(r->err);
	g_assert_cmpint(r->dom->state, ==, HV_ABSENT);
	reply_free(r);
	expect(h, HV_DOM_SUSPEND, TEST_UUID, "ok");
	await("paused/user ");
	expect(h, HV_DOM_SUSPEND, TEST_UUID, "ok");
	expect(h, HV_DOM_RESUME, TEST_UUID, "ok");
	await("running/other ");
	expect(h, HV_DOM_RESUME, TEST_UUID, "ok");
	expect(h, HV_DOM_RESUME, A, "hv_absent");
	expect(h, HV_DOM_DESTROY, A, "ok");
	expect(h, HV_DOM_UNDEFINE, A, "ok");
	expect(h, HV_DOM_UNDEFINE, TEST_UUID, "hv");
	expect(h, HV_JOB_GET, TEST_UUID, "hv_unsupported");
	expect(h, HV_POSTCOPY, TEST_UUID, "hv_unsupported");
	hv_host_remove(h);
}

/* Its one domain goes off and on; each call again is a success. */
static void test_power(void)
{
	struct hv_host *h = open_host(TEST_URI, "open ");
	struct hv_reply *r;

	expect(h, HV_DOM_START, A, "hv_absent");
	expect(h, HV_DOM_SHUTDOWN, A, "ok");
	expect(h, HV_DOM_REBOOT, A, "hv_absent");
	expect(h, HV_DOM_RESET, A, "hv_absent");
	expect(h, HV_DOM_SAVE, A, "hv_absent");
	expect(h, HV_DOM_START, TEST_UUID, "ok");
	expect(h, HV_DOM_SHUTDOWN, TEST_UUID, "ok");
	await("shutoff/other ");
	expect(h, HV_DOM_SHUTDOWN, TEST_UUID, "ok");
	expect(h, HV_DOM_SAVE, TEST_UUID, "hv");
	expect(h, HV_DOM_REBOOT, TEST_UUID, "hv");
	expect(h, HV_DOM_START, TEST_UUID, "ok");
	expect(h, HV_DOM_START, TEST_UUID, "ok");
	expect(h, HV_DOM_SAVE, TEST_UUID, "ok");
	await("shutoff/saved ");
	r = call(h, HV_DOM_GET, TEST_UUID);
	g_assert_true(r->dom->state == HV_SHUTOFF && r->dom->reason == HV_R_SAVED && r->dom->kept.managed_save);
	reply_free(r);
	expect(h, HV_DOM_SAVE, TEST_UUID, "ok");
	expect(h, HV_DOM_START, TEST_UUID, "ok");
	r = call(h, HV_DOM_GET, TEST_UUID);
	g_assert_true(r->dom->state == HV_RUNNING && !r->dom->kept.managed_save);
	reply_free(r);
	hv_host_remove(h);
}

/* What the test driver cannot have, it has none of: it knows no checkpoints. */
static void test_kept(void)
{
	struct hv_host *h = open_host(TEST_URI, "open ");
	virConnectPtr vir = virConnectOpen(TEST_URI);
	virDomainPtr dom = virDomainLookupByUUIDString(vir, TEST_UUID);
	virDomainSnapshotPtr snapshot;
	struct hv_reply *r = call(h, HV_DOM_GET, TEST_UUID);

	g_assert_no_error(r->err);
	g_assert_true(!r->dom->kept.autostart && !r->dom->kept.managed_save);
	g_assert_cmpint(r->dom->kept.snapshots + r->dom->kept.checkpoints, ==, 0);
	reply_free(r);
	snapshot = virDomainSnapshotCreateXML(dom, "<domainsnapshot><name>one</name></domainsnapshot>", 0);
	g_assert_nonnull(snapshot);
	g_assert_cmpint(virDomainSetAutostart(dom, 1), ==, 0);
	g_assert_cmpint(virDomainManagedSave(dom, 0), ==, 0);
	r = call(h, HV_DOM_GET, TEST_UUID);
	g_assert_no_error(r->err);
	g_assert_true(r->dom->kept.autostart && r->dom->kept.managed_save);
	g_assert_cmpint(r->dom->kept.snapshots, ==, 1);
	g_assert_cmpint(r->dom->kept.checkpoints, ==, 0);
	reply_free(r);
	g_assert_cmpint(virDomainSnapshotDelete(snapshot, 0), ==, 0);
	g_assert_cmpint(virDomainSetAutostart(dom, 0), ==, 0);
	g_assert_cmpint(virDomainCreate(dom), ==, 0);
	virDomainSnapshotFree(snapshot);
	virDomainFree(dom);
	virConnectClose(vir);
	hv_host_remove(h);
}

static struct hv_reply *call_xml(struct hv_host *h, enum hv_op op, const char *uuid, const char *xml)
{
	struct hv_reply *r = NULL;

	hv_call(h, &(struct hv_req){ .op = op, .uuid = uuid, .xml = xml, .autostart = true }, on_done, &r);
	while (!r)
		turn();
	return r;
}

static void expect_xml(struct hv_host *h, enum hv_op op, const char *uuid, const char *xml, const char *want)
{
	struct hv_reply *r = call_xml(h, op, uuid, xml);

	g_test_message("%s: %s", hv_op_name(op), r->err ? r->err->message : "ok");
	g_assert_cmpstr(r->err ? err_name(err_code(r->err)) : "ok", ==, want);
	reply_free(r);
}

/* A definition comes back as it was, and only that one is dropped which is named. */
static void test_define(void)
{
	static const char xml[] = "<domain type='test'><name>one</name><uuid>" A "</uuid><memory>1024</memory><os><type>hvm</type></os></domain>";
	static const char other[] = "<domain type='test'><name>one</name><uuid>" A "</uuid><memory>2048</memory><os><type>hvm</type></os></domain>";
	struct hv_host *h = open_host(TEST_URI, "open ");
	struct hv_reply *r = call(h, HV_DOM_DEFINITION, A);
	g_autofree char *defined = NULL;
	virConnectPtr vir = virConnectOpen(TEST_URI);
	virDomainPtr dom;

	g_assert_no_error(r->err);
	g_assert_null(r->definition);
	reply_free(r);
	expect_xml(h, HV_DOM_DEFINE, TEST_UUID, xml, "hv");
	expect_xml(h, HV_DOM_DEFINE, A, xml, "ok");
	expect_xml(h, HV_DOM_DEFINE, A, other, "ok"); /* the first one stays */
	r = call(h, HV_DOM_DEFINITION, A);
	g_assert_no_error(r->err);
	defined = g_steal_pointer(&r->definition);
	g_assert_nonnull(strstr(defined, ">1024<"));
	reply_free(r);
	expect_xml(h, HV_DOM_AUTOSTART, A, NULL, "ok");
	r = call(h, HV_DOM_GET, A);
	g_assert_true(r->dom->kept.autostart);
	reply_free(r);
	r = call(h, HV_DOM_LIST, NULL);
	g_assert_no_error(r->err);
	for (guint i = 0; i < r->doms->len; i++) {
		const struct hv_dom *d = g_ptr_array_index(r->doms, i);

		g_assert_true(d->kept.told && d->kept.autostart == g_str_equal(d->uuid, A));
	}
	reply_free(r);
	expect_xml(h, HV_DOM_UNDEFINE, A, other, "conflict");
	expect_xml(h, HV_DOM_UNDEFINE, A, defined, "hv"); /* it is the one; but the test driver keeps no firmware variables */
	g_assert_cmpint(virDomainUndefine(dom = virDomainLookupByUUIDString(vir, A)), ==, 0);
	virDomainFree(dom);
	virConnectClose(vir);
	expect_xml(h, HV_DOM_UNDEFINE, A, defined, "ok");
	expect_xml(h, HV_DOM_AUTOSTART, A, NULL, "hv_absent");
	hv_host_remove(h);
}

/* ---- a CPU that all hosts have ---- */

#define CPU(model) "<cpu><arch>i686</arch><model>" model "</model></cpu>"

char *__real_virConnectBaselineCPU(virConnectPtr vir, const char **cpus, unsigned n, unsigned flags);
char *__wrap_virConnectBaselineCPU(virConnectPtr vir, const char **cpus, unsigned n, unsigned flags);

/* The test driver does not know this flag, which QEMU's does. */
char *__wrap_virConnectBaselineCPU(virConnectPtr vir, const char **cpus, unsigned n, unsigned flags)
{
	g_assert_cmpuint(flags, ==, VIR_CONNECT_BASELINE_CPU_MIGRATABLE);
	return __real_virConnectBaselineCPU(vir, cpus, n, 0);
}

/* @want: its model, or the error. A libvirt without virConnectBaselineHypervisorCPU, as the test driver is one, goes by the hosts' own CPUs. */
static void expect_baseline(struct hv_host *h, const char *best, const char *hosts, const char *want)
{
	g_autofree char *xml = g_strdup_printf("<cpus type='kvm'><best>%s</best><hosts>%s</hosts></cpus>", best, hosts);
	struct hv_reply *r = call_xml(h, HV_CPU_BASELINE, NULL, xml);

	g_test_message("%s", r->err ? r->err->message : r->definition);
	if (r->err)
		g_assert_cmpstr(err_name(err_code(r->err)), ==, want);
	else
		g_assert_nonnull(strstr(r->definition, want));
	reply_free(r);
}

static void test_baseline(void)
{
	struct hv_host *h = open_host(TEST_URI, "open ");

	expect_baseline(h, "<cpu mode='custom'><model>pentium3</model></cpu>", CPU("pentium3") CPU("pentium2"), ">pentium2<");
	expect_baseline(h, "", CPU("pentium3") CPU("pentium3"), ">pentium3<");
	expect_baseline(h, "<cpu mode='custom'><model>pentium3</model></cpu>", "", "hv_unsupported");
	expect_baseline(h, "", "", "hv");
	hv_host_remove(h);
}

/* ---- F4: domains that cannot be read, beside one that can ---- */

#define BAD(n) "4dea22b3-1d52-d8f3-2516-00000000000" #n

/* @n times @piece, in which "%d" is which one. */
static void repeat(GString *s, const char *before, const char *after, size_t n)
{
	for (size_t i = 0; i < n; i++)
		g_string_append_printf(s, "%s%zu%s", before, i, after);
}

static void many_disks(GString *s)
{
	g_string_append(s, "<devices>");
	for (int i = 0; i < 257; i++)
		g_string_append_printf(s, "<disk type='file'><source file='/d%d'/><target dev='vd%c%c'/></disk>", i, 'a' + i / 26, 'a' + i % 26);
	g_string_append(s, "</devices>");
}

static void long_path(GString *s)
{
	g_autofree char *path = g_strnfill(4096, 'p');

	g_string_append_printf(s, "<devices><disk type='file'><source file='/%s'/><target dev='vda'/></disk></devices>", path);
}

static void much_metadata(GString *s)
{
	g_autofree char *text = g_strnfill(1100000, 'm');

	g_string_append_printf(s, "<metadata><x:y xmlns:x='urn:x'>%s</x:y></metadata>", text);
}

static void many_cells(GString *s)
{
	g_string_append(s, "<cpu><numa>");
	repeat(s, "<cell cpus='", "' memory='1024'/>", 130);
	g_string_append(s, "</numa></cpu>");
}

static void high_cpus(GString *s)
{
	g_string_append(s, "<cputune><vcpupin vcpu='0' cpuset='4000-4095'/></cputune>");
}

static const struct {
	const char *uuid;
	void (*write)(GString *s);
	const char *why;
} unreadable[] = {
	{ BAD(1), many_disks,    "XML of the host: too many devices" },
	{ BAD(2), long_path,     "XML of the host: a value is too long" },
	{ BAD(3), much_metadata, "XML of the host: too large" },
	{ BAD(4), many_cells,    "XML of the host: no valid NUMA cell" },
	{ BAD(5), high_cpus,     "XML of the host: no valid set of CPUs" },
};

static void define(virConnectPtr vir, const char *uuid, void (*write)(GString *s))
{
	g_autoptr(GString) s = g_string_new(NULL);
	virDomainPtr dom;

	g_string_printf(s, "<domain type='test'><name>d%s</name><uuid>%s</uuid><memory unit='MiB'>130</memory><vcpu>130</vcpu>"
			"<os><type>hvm</type></os>", uuid, uuid);
	if (write)
		write(s);
	g_string_append(s, "</domain>");
	dom = virDomainDefineXML(vir, s->str);
	if (!dom)
		g_error("%s: %s", uuid, virGetLastErrorMessage());
	virDomainFree(dom);
}

static void undefine(virConnectPtr vir, const char *uuid)
{
	virDomainPtr dom = virDomainLookupByUUIDString(vir, uuid);

	g_assert_cmpint(virDomainUndefine(dom), ==, 0);
	virDomainFree(dom);
}

static struct hv_dom *find(const struct hv_reply *r, const char *uuid)
{
	g_assert_no_error(r->err);
	for (guint i = 0; i < r->doms->len; i++) {
		struct hv_dom *d = g_ptr_array_index(r->doms, i);

		if (g_str_equal(d->uuid, uuid))
			return d;
	}
	g_error("%s is not listed", uuid);
}

/* Each is listed with its reason, twice (the second time from the cache), the good one beside them; HV_DOM_GET says the same. */
static void test_unreadable(void)
{
	struct hv_host *h = open_host(TEST_URI, "open ");
	virConnectPtr vir = virConnectOpen(TEST_URI);
	struct hv_reply *r;

	for (size_t i = 0; i < G_N_ELEMENTS(unreadable); i++)
		define(vir, unreadable[i].uuid, unreadable[i].write);
	for (int round = 0; round < 2; round++) {
		r = call(h, HV_DOM_LIST, NULL);
		for (size_t i = 0; i < G_N_ELEMENTS(unreadable); i++) {
			const struct hv_dom *d = find(r, unreadable[i].uuid);
			g_autofree char *name = g_strconcat("d", unreadable[i].uuid, NULL);

			g_assert_cmpstr(d->unreadable, ==, unreadable[i].why);
			g_assert_cmpstr(d->name, ==, name);
			g_assert_cmpint(d->state, ==, HV_SHUTOFF);
			g_assert_cmpint(d->vcpus, ==, 130);
			g_assert_cmpint(d->mem_mib, ==, 130);
			g_assert_true(d->persistent);
		}
		g_assert_null(find(r, TEST_UUID)->unreadable);
		reply_free(r);
	}
	r = call(h, HV_DOM_GET, unreadable[0].uuid);
	g_assert_no_error(r->err);
	g_assert_cmpstr(r->dom->unreadable, ==, unreadable[0].why);
	g_assert_cmpint(r->dom->state, ==, HV_SHUTOFF);
	reply_free(r);
	/* it is described otherwise: that is an event, after which it is read again */
	define(vir, unreadable[0].uuid, NULL);
	await("shutoff/other ");
	r = call(h, HV_DOM_LIST, NULL);
	while (find(r, unreadable[0].uuid)->unreadable) {
		reply_free(r);
		r = call(h, HV_DOM_LIST, NULL);
	}
	g_assert_cmpstr(find(r, unreadable[1].uuid)->unreadable, ==, unreadable[1].why);
	reply_free(r);
	for (size_t i = 0; i < G_N_ELEMENTS(unreadable); i++)
		undefine(vir, unreadable[i].uuid);
	virConnectClose(vir);
	hv_host_remove(h);
}

/* F4: more domains than a fixed limit of ours once let a host have. */
#ifdef __SANITIZE_THREAD__
#define CROWD 200 /* ThreadSanitizer is slow, and looks for something else */
#else
#define CROWD 4200
#endif

static void test_crowded(void)
{
	enum { N = CROWD };
	struct hv_host *h = open_host(TEST_URI, "open ");
	virConnectPtr vir = virConnectOpen(TEST_URI);
	struct hv_reply *r;

	for (int i = 0; i < N; i++) {
		g_autofree char *uuid = g_strdup_printf("4dea22b3-1d52-d8f3-2517-%012d", i);

		define(vir, uuid, NULL);
	}
	r = call(h, HV_DOM_LIST, NULL);
	g_assert_no_error(r->err);
	g_assert_cmpuint(r->doms->len, ==, N + 1);
	reply_free(r);
	for (int i = 0; i < N; i++) {
		g_autofree char *uuid = g_strdup_printf("4dea22b3-1d52-d8f3-2517-%012d", i);

		undefine(vir, uuid);
	}
	virConnectClose(vir);
	hv_host_remove(h);
}

/* Every call has one answer, whatever becomes of the host meanwhile. */
static void test_close(void)
{
	struct hv_host *h = open_host(TEST_URI, "open ");
	struct hv_reply *r[64] = { NULL };

	for (size_t i = 0; i < G_N_ELEMENTS(r); i++)
		hv_call(h, &(struct hv_req){ .op = i % 2 ? HV_DOM_GET : HV_DOM_XML, .uuid = TEST_UUID }, on_done, &r[i]);
	hv_host_close(h);
	for (size_t i = 0; i < G_N_ELEMENTS(r); i++) {
		while (!r[i])
			turn();
		/* or it was done before */
		g_assert_true(!r[i]->err || err_code(r[i]->err) == ERR_HV_LOST);
		reply_free(r[i]);
	}
	expect(h, HV_DOM_GET, TEST_UUID, "hv_lost");
	hv_host_open(h);
	await("open ");
	expect(h, HV_DOM_GET, TEST_UUID, "ok");
	hv_host_remove(h);
}

static void test_remove(void)
{
	struct hv_host *h = open_host(TEST_URI, "open ");
	struct hv_reply *r[64] = { NULL };

	for (size_t i = 0; i < G_N_ELEMENTS(r); i++)
		hv_call(h, &(struct hv_req){ .op = i % 2 ? HV_DOM_GET : HV_MIGRATE, .uuid = TEST_UUID }, on_done, &r[i]);
	hv_host_remove(h);
	for (size_t i = 0; i < G_N_ELEMENTS(r); i++) {
		g_assert_nonnull(r[i]);
		reply_free(r[i]);
	}
}

/* Many at once: more than a lane lets out, and each is answered. */
static void test_many(void)
{
	struct hv_host *h = open_host(TEST_URI, "open ");
	struct hv_reply *r[256] = { NULL };

	for (size_t i = 0; i < G_N_ELEMENTS(r); i++)
		hv_call(h, &(struct hv_req){ .op = i % 3 ? HV_DOM_GET : HV_DOM_XML, .uuid = i % 2 ? TEST_UUID : A }, on_done, &r[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(r); i++) {
		while (!r[i])
			turn();
		g_assert_cmpint(r[i]->err != NULL, ==, !(i % 3) && !(i % 2));
		reply_free(r[i]);
	}
	hv_host_remove(h);
}

static void test_refused(void)
{
	/* no listener on port 1; no such driver; not a URI */
	static const char *const uris[] = { "qemu+tcp://127.0.0.1:1/system", "nonsense:///", "::::" };

	for (size_t i = 0; i < G_N_ELEMENTS(uris); i++) {
		struct hv_host *h = open_host(uris[i], "closed ");

		expect(h, HV_HOST_GET, NULL, "hv_lost");
		hv_host_open(h);
		await("closed ");
		/* and an attempt under way, whose host goes */
		hv_host_open(h);
		hv_host_remove(h);
	}
}

static void set_true(void *user)
{
	*(bool *)user = true;
}

/* Nothing holds a connection without end: what is closed on workers is closed in the end. */
static void test_released(void)
{
	bool late = false;
	struct clock_timer *limit = clock_after(240000, set_true, &late);

	while (lv_conn_alive() && !late) {
		bool over = false;

		(void)clock_after(10, set_true, &over);
		while (!over)
			turn();
	}
	g_assert_cmpint(lv_conn_alive(), ==, 0);
	clock_cancel(&limit);
}

/* ---- F1: one thread at a time is in a connection ---- */

static void *enter(void *link)
{
	(void)lv_link_enter(link);
	lv_link_leave(link);
	return NULL;
}

static void two_in_one(void)
{
	struct lv_link l = { .vir = NULL };

	(void)lv_link_enter(&l);
	g_thread_join(g_thread_new("second", enter, &l));
}

static void twice_in_one(void)
{
	struct lv_link l = { .vir = NULL };

	(void)lv_link_enter(&l);
	(void)lv_link_enter(&l);
}

static void out_without_in(void)
{
	struct lv_link l = { .vir = NULL };

	lv_link_leave(&l);
}

/* An error, a look whether it lives, a domain: each asks whose the connection is. */
static void not_mine(void)
{
	g_autoptr(GError) err = NULL;
	virConnectPtr vir = virConnectOpen(TEST_URI);

	(void)lv_error(vir, "", &err);
}

static void not_my_domain(void)
{
	virConnectPtr vir = virConnectOpen(TEST_URI);

	(void)lv_dom_lookup(&(struct lv_ctx){ .vir = vir }, TEST_UUID, NULL);
}

#define BREACH "/local/one-owner/subprocess/"

static const struct {
	const char *path;
	void (*fn)(void);
} breaches[] = {
	{ BREACH "two-in-one", two_in_one },
	{ BREACH "twice-in-one", twice_in_one },
	{ BREACH "out-without-in", out_without_in },
	{ BREACH "not-mine", not_mine },
	{ BREACH "not-my-domain", not_my_domain },
};

static void test_one_owner(void)
{
	struct lv_link l = { .vir = NULL }, other = { .vir = NULL };

	/* One after the other, and two by one, is what is permitted. */
	(void)lv_link_enter(&l);
	(void)lv_link_enter(&other);
	lv_link_leave(&l);
	lv_link_leave(&other);
	g_thread_join(g_thread_new("second", enter, &l));
	for (size_t i = 0; i < G_N_ELEMENTS(breaches); i++) {
		g_test_trap_subprocess(breaches[i].path, 0, 0);
		g_test_trap_assert_failed();
		g_test_trap_assert_stderr("*libvirt/link.c*");
	}
}

static const struct {
	const char *path;
	void (*fn)(void);
} tests[] = {
	{ "/local/states", test_states }, { "/local/events", test_events },   { "/local/job", test_job },
	{ "/local/cache", test_cache },   { "/local/calls", test_calls },     { "/local/kept", test_kept },
	{ "/local/define", test_define },           { "/local/power", test_power },
	{ "/local/unreadable", test_unreadable }, { "/local/crowded", test_crowded }, { "/local/why", test_why },
	{ "/local/close", test_close },
	{ "/local/remove", test_remove }, { "/local/many", test_many },       { "/local/refused", test_refused },
	{ "/local/one-owner", test_one_owner }, { "/local/released", test_released },
};

static const struct {
	const char *message;
	bool guest;
} refusals[] = {
	{ "Requested operation is not valid: cannot migrate domain with 2 snapshots", true },
	{ "Requested operation is not valid: domain has active block job", true },
	{ "Requested operation is not valid: cannot migrate domain: State blocked by non-migratable device", true },
	{ "Operation not supported: cannot migrate a domain with <hostdev mode='subsystem' type='pci'>", true },
	{ "Requested operation is not valid: migration with virtiofs device is not supported", true },
	{ "Requested operation is not valid: shmem device 'a' cannot be migrated, only shmem with role='master' can be migrated", true },
	{ "operation failed: domain 'same' already exists with uuid 0", false },
	{ "Cannot get interface MTU on 'br9': No such device", false },
	{ "internal error: qemu unexpectedly closed the monitor: failed to initialize spice server", false },
	{ "", false },
};

/* F9: the words by which libvirt 9.0 refuses a guest whatever the destination. */
static void test_about_guest(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		g_test_message("%s", refusals[i].message);
		g_assert_cmpint(lv_about_guest(refusals[i].message), ==, refusals[i].guest);
	}
}

/* What says that another process has a disk of the guest. */
static const struct {
	const char *message;
	bool lock;
} locks[] = {
	{ "internal error: process exited while connecting to monitor: 2026-01-01T00:00:00.000000Z qemu-system-x86_64: -blockdev {}: Failed to get \"write\" lock\n"
	  "Is another process using the image [/srv/web.qcow2]?", true },
	{ "internal error: qemu unexpectedly closed the monitor: Failed to get shared \"write\" lock", true },
	{ "resource busy: Lockspace resource 'ba60b0f0' is locked", true },
	{ "internal error: Failed to get device information", false },
	{ "Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainCreate)", false },
	{ "", false },
};

static void test_about_lock(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(locks); i++) {
		g_test_message("%s", locks[i].message);
		g_assert_cmpint(lv_about_lock(locks[i].message), ==, locks[i].lock);
	}
}

int main(int argc, char **argv)
{
	g_autoptr(GError) err = NULL;

	g_test_init(&argc, &argv, NULL);
	loop_init();
	libvirt_init(&err);
	g_assert_no_error(err);
	seen = g_string_new(NULL);
	hv = hv_new(on_event, NULL);
	hv_register(hv, &libvirt_ops);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_func(tests[i].path, tests[i].fn);
	for (size_t i = 0; i < G_N_ELEMENTS(breaches); i++)
		g_test_add_func(breaches[i].path, breaches[i].fn);
	g_test_add_func("/local/F9-about-the-guest", test_about_guest);
	g_test_add_func("/local/about-a-lock", test_about_lock);
	g_test_add_func("/local/baseline", test_baseline);
	return g_test_run();
}
