/* SPDX-License-Identifier: Apache-2.0
 *
 * The seam itself, over an implementation that does what the test says.
 */
#include <glib.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "hv/hv.h"

static GPtrArray *submitted; /* struct hv_call *, not completed yet */
static int opened, closed;

static void fake_open(struct hv_host *h)
{
	opened++;
	hv_emit(h, &(struct hv_event){ .type = HV_EV_OPEN });
}

static void fake_close(struct hv_host *h)
{
	(void)h;
	closed++;
}

static void fake_submit(struct hv_host *h, struct hv_call *c)
{
	(void)h;
	g_ptr_array_add(submitted, c);
}

static const struct hv_ops fake_ops = { .name = "fake", .open = fake_open, .close = fake_close, .submit = fake_submit };
static const struct hv_ops other_ops = { .name = "other", .scheme = "other:", .open = fake_open, .close = fake_close, .submit = fake_submit };

struct got {
	int answers;
	int code; /* -1: no error */
	char *text;
};

static void on_done(struct hv_reply *r, void *user)
{
	struct got *g = user;

	g->answers++;
	g->code = r->err ? (int)err_code(r->err) : -1;
	g_free(g->text);
	g->text = g_strdup(r->err ? r->err->message : "");
}

static void on_event(const struct hv_event *ev, void *user)
{
	g_string_append_printf(user, "%s:%d ", ev->host, ev->type);
}

struct fixture {
	struct hv *hv;
	struct hv_host *h;
	GString *events;
	struct got got;
};

static void set_up(struct fixture *f)
{
	clock_manual(0);
	submitted = g_ptr_array_new();
	opened = closed = 0;
	*f = (struct fixture){ .events = g_string_new(NULL) };
	f->hv = hv_new(on_event, f->events);
	hv_register(f->hv, &other_ops);
	hv_register(f->hv, &fake_ops);
	f->h = hv_host_add(f->hv, "h1", "fake://h1");
	hv_host_open(f->h);
}

static void complete_all(void)
{
	while (submitted->len > 0)
		hv_complete(g_ptr_array_steal_index(submitted, 0));
}

static void tear_down(struct fixture *f)
{
	hv_free(f->hv);
	complete_all();
	g_ptr_array_unref(submitted);
	g_string_free(f->events, TRUE);
	g_free(f->got.text);
}

static struct hv_call *call(struct fixture *f, enum hv_op op, int64_t timeout_ms)
{
	g_autofree char *uuid = g_strdup("u"); /* gone when the call is answered: requests are copied */
	struct hv_req req = { .op = op, .uuid = uuid, .timeout_ms = timeout_ms };

	hv_call(f->h, &req, on_done, &f->got);
	return g_ptr_array_index(submitted, submitted->len - 1);
}

static void test_answer(void)
{
	struct fixture f;
	struct hv_call *c;

	set_up(&f);
	c = call(&f, HV_DOM_GET, 0);
	g_assert_cmpstr(c->req.uuid, ==, "u");
	g_assert_cmpint(f.got.answers, ==, 0);
	complete_all();
	g_assert_cmpint(f.got.answers, ==, 1);
	g_assert_cmpint(f.got.code, ==, -1);
	clock_advance_ms(100000);
	g_assert_cmpint(f.got.answers, ==, 1);
	tear_down(&f);
}

static void test_refusal(void)
{
	struct fixture f;
	struct hv_call *c;

	set_up(&f);
	c = call(&f, HV_DOM_RESUME, 0);
	g_set_error(&c->reply.err, ERR, ERR_HV, "no");
	complete_all();
	g_assert_cmpint(f.got.code, ==, ERR_HV);
	g_assert_cmpstr(f.got.text, ==, "no");
	tear_down(&f);
}

static const struct {
	const char *name;
	enum hv_op op;
	int64_t timeout_ms;
	int64_t limit_ms; /* 0: none */
} limits[] = {
	{ "short call",       HV_DOM_GET,     0,    10000 },
	{ "list",             HV_DOM_LIST,    0,    30000 },
	{ "its own limit",    HV_DOM_GET,     1500, 1500 },
	{ "an act",           HV_DOM_DESTROY, 0,    35000 },
	{ "a migration",      HV_MIGRATE,     0,    0 },
	{ "limited one",      HV_MIGRATE,     7000, 7000 },
};

static void test_limits(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
		struct fixture f;

		set_up(&f);
		call(&f, limits[i].op, limits[i].timeout_ms);
		if (limits[i].limit_ms) {
			clock_advance_ms(limits[i].limit_ms - 1);
			if (f.got.answers != 0)
				g_error("%s: answered too early", limits[i].name);
			clock_advance_ms(1);
			if (f.got.answers != 1 || f.got.code != ERR_HV_LOST)
				g_error("%s: %d answers, code %d", limits[i].name, f.got.answers, f.got.code);
		} else {
			clock_advance_ms(INT64_C(100) * 3600 * 1000);
			if (f.got.answers != 0)
				g_error("%s: it has no limit", limits[i].name);
		}
		complete_all(); /* the late reply goes nowhere */
		if (f.got.answers != 1)
			g_error("%s: %d answers", limits[i].name, f.got.answers);
		tear_down(&f);
	}
}

static void test_close(void)
{
	struct fixture f;

	set_up(&f);
	call(&f, HV_MIGRATE, 0);
	hv_host_close(f.h);
	g_assert_cmpint(f.got.answers, ==, 0); /* on the next turn */
	g_assert_cmpint(closed, ==, 1);
	clock_advance_ms(0);
	g_assert_cmpint(f.got.answers, ==, 1);
	g_assert_cmpint(f.got.code, ==, ERR_HV_LOST);
	complete_all();
	g_assert_cmpint(f.got.answers, ==, 1);
	hv_host_open(f.h);
	g_assert_cmpint(opened, ==, 2);
	g_assert_cmpstr(f.events->str, ==, "h1:0 h1:0 ");
	tear_down(&f);
}

/* An implementation may complete its calls from inside close(). */
static void test_close_after_limit(void)
{
	struct fixture f;

	set_up(&f);
	call(&f, HV_DOM_GET, 10);
	clock_advance_ms(10);
	hv_host_close(f.h);
	clock_advance_ms(1000);
	g_assert_cmpint(f.got.answers, ==, 1);
	tear_down(&f);
}

static void test_remove(void)
{
	struct fixture f;

	set_up(&f);
	call(&f, HV_DOM_GET, 0);
	call(&f, HV_MIGRATE, 0);
	hv_host_remove(f.h);
	g_assert_cmpint(f.got.answers, ==, 2); /* before it returns: the callers may be gone afterwards */
	g_assert_cmpint(f.got.code, ==, ERR_HV_LOST);
	for (guint i = 0; i < submitted->len; i++)
		g_assert_null(((struct hv_call *)g_ptr_array_index(submitted, i))->host);
	clock_advance_ms(100000);
	complete_all();
	g_assert_cmpint(f.got.answers, ==, 2);
	tear_down(&f);
}

static void call_again(struct hv_reply *r, void *user)
{
	struct fixture *f = user;

	f->got.answers++;
	if (r->err && f->got.answers < 3)
		hv_call(f->h, &(struct hv_req){ .op = HV_DOM_GET }, call_again, f);
}

/* A completion may call again. */
static void test_call_from_completion(void)
{
	struct fixture f;

	set_up(&f);
	hv_call(f.h, &(struct hv_req){ .op = HV_DOM_GET, .timeout_ms = 10 }, call_again, &f);
	clock_advance_ms(9);
	g_assert_cmpint(f.got.answers, ==, 0);
	clock_advance_ms(20000);
	g_assert_cmpint(f.got.answers, ==, 2);
	g_assert_cmpuint(submitted->len, ==, 3);
	tear_down(&f);
}

static void test_choose(void)
{
	struct fixture f;

	set_up(&f);
	g_assert_cmpstr(f.h->ops->name, ==, "fake");
	g_assert_cmpstr(hv_host_add(f.hv, "h2", "other://x")->ops->name, ==, "other");
	tear_down(&f);
}

static void test_names(void)
{
	for (int i = 0; i < HV_STATE_N; i++)
		g_assert_nonnull(hv_state_name((enum hv_state)i));
	for (int i = 0; i < HV_REASON_N; i++)
		g_assert_nonnull(hv_reason_name((enum hv_reason)i));
	for (int i = 0; i < HV_OP_N; i++)
		g_assert_nonnull(hv_op_name((enum hv_op)i));
}

/* ---- what a struct owns is in the tables of hv.c ---- */

/* A field that is no pointer. Every other word of a struct is taken for one, so a new field must be owned, or be here. */
struct plain {
	size_t at, size;
};

#define PLAIN(type, member) { offsetof(type, member), sizeof(((type *)NULL)->member) }
#define FILL(o, plain) fill(o, sizeof(*(o)), plain, G_N_ELEMENTS(plain))
#define CHECK_OWN(copy, o) check_own(copy, o, sizeof(*(o)))

static const struct plain plain_req[] = {
	PLAIN(struct hv_req, op), PLAIN(struct hv_req, autostart), PLAIN(struct hv_req, bandwidth_mibs), PLAIN(struct hv_req, downtime_ms),
	PLAIN(struct hv_req, announce_rounds), PLAIN(struct hv_req, announce_ms), PLAIN(struct hv_req, addr_sources),
	PLAIN(struct hv_req, timeout_ms), PLAIN(struct hv_req, migrate), PLAIN(struct hv_req, vol), PLAIN(struct hv_req, carrier),
};
static const struct plain plain_migrate[] = {
	PLAIN(struct hv_migrate_params, bandwidth_mibs), PLAIN(struct hv_migrate_params, downtime_ms),
	PLAIN(struct hv_migrate_params, postcopy), PLAIN(struct hv_migrate_params, auto_converge),
	PLAIN(struct hv_migrate_params, native_tls), PLAIN(struct hv_migrate_params, persist_dest),
	PLAIN(struct hv_migrate_params, parallel), PLAIN(struct hv_migrate_params, tunnelled), PLAIN(struct hv_migrate_params, resume),
	PLAIN(struct hv_migrate_params, stays_paused),
};
static const struct plain plain_carrier[] = { PLAIN(struct carrier_params, checks_cpu) };
static const struct plain plain_vol[] = { PLAIN(struct hv_vol_params, capacity_bytes), PLAIN(struct hv_vol_params, head) };
static const struct plain plain_dom[] = {
	PLAIN(struct hv_dom, priority),
	PLAIN(struct hv_dom, uuid), PLAIN(struct hv_dom, state), PLAIN(struct hv_dom, reason), PLAIN(struct hv_dom, persistent),
	PLAIN(struct hv_dom, vcpus), PLAIN(struct hv_dom, mem_mib), PLAIN(struct hv_dom, vnc_port), PLAIN(struct hv_dom, vsock_cid),
	PLAIN(struct hv_dom, vsock_auto), PLAIN(struct hv_dom, kept), PLAIN(struct hv_dom, job_active), PLAIN(struct hv_dom, job_incoming),
	PLAIN(struct hv_dom, job_outgoing),
};
static const struct plain plain_disk[] = {
	PLAIN(struct hv_disk, kind), PLAIN(struct hv_disk, readonly), PLAIN(struct hv_disk, cdrom), PLAIN(struct hv_disk, shareable),
	PLAIN(struct hv_disk, capacity_bytes), PLAIN(struct hv_disk, allocation_bytes),
};
static const struct plain plain_backing[] = { PLAIN(struct hv_backing, kind) };
static const struct plain plain_nic[] = {
	PLAIN(struct hv_nic, passthrough), PLAIN(struct hv_nic, failover), PLAIN(struct hv_nic, floor_kibs),
};
static const struct plain plain_info[] = {
	PLAIN(struct hv_host_info, uuid), PLAIN(struct hv_host_info, hv_version), PLAIN(struct hv_host_info, libvirt_version),
	PLAIN(struct hv_host_info, tsc_hz), PLAIN(struct hv_host_info, tsc_scaling), PLAIN(struct hv_host_info, sockets),
	PLAIN(struct hv_host_info, cores), PLAIN(struct hv_host_info, threads), PLAIN(struct hv_host_info, vcpus),
	PLAIN(struct hv_host_info, mem_mib), PLAIN(struct hv_host_info, mem_free_mib), PLAIN(struct hv_host_info, disk_bytes),
	PLAIN(struct hv_host_info, disk_free_bytes), PLAIN(struct hv_host_info, kvm), PLAIN(struct hv_host_info, tpm_emulator),
};
static const struct plain plain_reply[] = {
	PLAIN(struct hv_reply, cpu_ok), PLAIN(struct hv_reply, job), PLAIN(struct hv_reply, vol.exists),
	PLAIN(struct hv_reply, vol.folder), PLAIN(struct hv_reply, vol.kind), PLAIN(struct hv_reply, vol.capacity_bytes),
	PLAIN(struct hv_reply, vol.allocation_bytes), PLAIN(struct hv_reply, vol.physical_bytes), PLAIN(struct hv_reply, vol.changed_ns), PLAIN(struct hv_reply, vol.written_ns),
	PLAIN(struct hv_reply, vol.head),
};

/* Each pointer becomes a text of its own. */
static void fill(void *o, size_t size, const struct plain *plain, size_t n)
{
	char **words = o;

	for (size_t w = 0; w < size / sizeof(char *); w++)
		words[w] = g_strdup("text");
	for (size_t i = 0; i < n; i++)
		for (size_t w = plain[i].at / sizeof(char *); w <= (plain[i].at + plain[i].size - 1) / sizeof(char *); w++)
			g_clear_pointer(&words[w], g_free);
}

static void check_own(const void *copy, const void *o, size_t size)
{
	void *const *a = copy, *const *b = o;

	for (size_t w = 0; w < size / sizeof(void *); w++)
		if (b[w] && (!a[w] || a[w] == b[w]))
			g_error("the word at %zu is not the copy's own: it is missing in hv.c's table, or here if it is no pointer", w * sizeof(void *));
}

#define SET(field, value) (g_free((void *)(field)), (field) = (value))

static void fill_migrate(struct hv_migrate_params *p)
{
	static const char *const disks[] = { "vda", "vdb", NULL };

	FILL(p, plain_migrate);
	SET(p->copy_disks, (const char *const *)g_strdupv((char **)disks));
}

static void fill_carrier(struct carrier_params *p)
{
	FILL(p, plain_carrier);
	SET(p->files, carrier_files_new());
}

static void fill_params(struct hv_req *r)
{
	if (r->op == HV_MIGRATE)
		fill_migrate(&r->migrate);
	else if (r->op == HV_CARRIER_START)
		fill_carrier(&r->carrier);
	else
		FILL(&r->vol, plain_vol);
}

static void free_words(void *o, size_t size)
{
	void **words = o;

	for (size_t w = 0; w < size / sizeof(void *); w++)
		g_free(words[w]);
}

static void free_params(struct hv_req *r)
{
	if (r->op == HV_MIGRATE)
		g_strfreev((char **)g_steal_pointer(&r->migrate.copy_disks));
	if (r->op == HV_CARRIER_START)
		g_clear_pointer(&r->carrier.files, g_ptr_array_unref);
	free_words(&r->vol, sizeof(r->vol)); /* the longest of them */
}

static void free_req(struct hv_req *r)
{
	g_free((char *)r->uuid);
	g_free((char *)r->xml);
	g_free((char *)r->host_cpu_xml);
	free_params(r);
}

static void test_request_is_owned(void)
{
	static const enum hv_op ops[] = { HV_MIGRATE, HV_VOL_CREATE, HV_CARRIER_START };

	for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
		struct fixture f;
		struct hv_req req;
		const struct hv_call *c;

		set_up(&f);
		FILL(&req, plain_req);
		SET(req.needs, hv_needs_new());
		SET(req.snapshots, hv_snapshots_new());
		req.op = ops[i];
		fill_params(&req);
		hv_call(f.h, &req, on_done, &f.got);
		c = g_ptr_array_index(submitted, 0);
		g_assert_cmpint(c->req.op, ==, ops[i]);
		/* references: nothing writes to them */
		g_assert_true(c->req.needs == req.needs && c->req.snapshots == req.snapshots);
		g_clear_pointer(&req.needs, g_ptr_array_unref);
		g_clear_pointer(&req.snapshots, g_ptr_array_unref);
		req.op = 0;
		CHECK_OWN(&c->req, &req);
		req.op = ops[i];
		free_req(&req);
		tear_down(&f);
	}
}

static struct hv_disk *full_disk(void)
{
	struct hv_disk *d = g_new(struct hv_disk, 1);
	struct hv_backing *b = g_new(struct hv_backing, 1);

	FILL(d, plain_disk);
	FILL(b, plain_backing);
	SET(d->backing, g_ptr_array_new_with_free_func((GDestroyNotify)hv_backing_free));
	g_ptr_array_add(d->backing, b);
	return d;
}

static struct hv_dom *full_dom(void)
{
	struct hv_dom *d = g_new(struct hv_dom, 1);
	struct hv_nic *n = g_new(struct hv_nic, 1);

	FILL(d, plain_dom);
	FILL(n, plain_nic);
	SET(d->disks, g_ptr_array_new_with_free_func((GDestroyNotify)hv_disk_free));
	SET(d->nics, g_ptr_array_new_with_free_func((GDestroyNotify)hv_nic_free));
	SET(d->ties, NULL); /* shared, so a copy has the same */
	g_ptr_array_add(d->disks, full_disk());
	g_ptr_array_add(d->nics, n);
	return d;
}

static void test_domain_is_owned(void)
{
	struct hv_dom *d = full_dom(), *c = hv_dom_copy(d);
	const struct hv_disk *a = g_ptr_array_index(c->disks, 0), *b = g_ptr_array_index(d->disks, 0);

	CHECK_OWN(c, d);
	CHECK_OWN(a, b);
	CHECK_OWN((struct hv_backing *)g_ptr_array_index(a->backing, 0), (struct hv_backing *)g_ptr_array_index(b->backing, 0));
	CHECK_OWN((struct hv_nic *)g_ptr_array_index(c->nics, 0), (struct hv_nic *)g_ptr_array_index(d->nics, 0));
	hv_dom_free(d);
	g_assert_cmpstr(c->name, ==, "text");
	hv_dom_free(c);
}

static struct hv_host_info *full_info(void)
{
	struct hv_host_info *i = g_new(struct hv_host_info, 1);

	FILL(i, plain_info);
	SET(i->cpu_features, g_strsplit("aes,avx", ",", -1));
	SET(i->numa, hv_numa_new());
	SET(i->free_pages, g_array_new(FALSE, FALSE, sizeof(struct hv_free_pages)));
	return i;
}

/* A leak is found by the sanitizer. */
static struct hv_facts *full_facts(void)
{
	struct hv_facts *f = hv_facts_new();
	char **texts[] = { &f->security, &f->cpu, &f->virt_type };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		*texts[i] = g_strdup("text");
	hv_facts_mtu(f, "br0", 1500);
	g_ptr_array_add(f->folders, g_strdup("/text"));
	g_ptr_array_add(f->autostarted, g_strdup("uuid"));
	f->cert = g_new(struct hv_cert, 1);
	*f->cert = (struct hv_cert){ .why = g_strdup("text"), .subject = g_strdup("text"), .names = g_strdup("text"), .missing = g_strdup("text") };
	return f;
}

static void stream_close(struct hv_stream *s)
{
	g_free(s);
}

static struct hv_stream *plain_stream(void)
{
	static const struct hv_stream_ops ops = { .close = stream_close };
	struct hv_stream *s = g_new0(struct hv_stream, 1);

	s->ops = &ops;
	return s;
}

static void test_reply_is_owned(void)
{
	struct hv_reply r;
	void **words = (void **)&r;

	FILL(&r, plain_reply);
	SET(r.err, g_error_new(ERR, ERR_HV, "no"));
	SET(r.info, full_info());
	SET(r.doms, g_ptr_array_new_with_free_func((GDestroyNotify)hv_dom_free));
	SET(r.dom, full_dom());
	SET(r.loads, g_array_new(FALSE, FALSE, sizeof(struct hv_load)));
	SET(r.addrs, hv_addrs_new());
	SET(r.needs, hv_needs_new());
	SET(r.snapshots, hv_snapshots_new());
	(void)hv_snapshots_add(r.snapshots, "s", "<domainsnapshot/>");
	SET(r.carrier, carrier_new("uuid"));
	SET(r.carriers, g_ptr_array_new_with_free_func((GDestroyNotify)carrier_free));
	g_ptr_array_add(r.carriers, carrier_new("uuid"));
	g_ptr_array_add(r.doms, full_dom());
	SET(r.facts, full_facts());
	SET(r.folder, hv_folder_new());
	(void)hv_folder_add(r.folder, "text");
	SET(r.stream, plain_stream());
	SET(r.device, g_new0(struct hv_device, 1));
	for (int i = 0; i < HV_DEVICE_ID_N; i++)
		r.device->id[i] = g_strdup("text");
	for (int i = 0; i < HV_SAMPLES; i++)
		r.device->samples[i] = g_strdup("text");
	hv_reply_clear(&r);
	for (size_t w = 0; w < sizeof(r) / sizeof(void *); w++)
		if (words[w])
			g_error("the word at %zu was not freed: it is missing in hv.c's table, or here if it is no pointer", w * sizeof(void *));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hv/answer", test_answer);
	g_test_add_func("/hv/refusal", test_refusal);
	g_test_add_func("/hv/limits", test_limits);
	g_test_add_func("/hv/close", test_close);
	g_test_add_func("/hv/close-after-limit", test_close_after_limit);
	g_test_add_func("/hv/remove", test_remove);
	g_test_add_func("/hv/call-from-completion", test_call_from_completion);
	g_test_add_func("/hv/choose", test_choose);
	g_test_add_func("/hv/names", test_names);
	g_test_add_func("/hv/request-is-owned", test_request_is_owned);
	g_test_add_func("/hv/domain-is-owned", test_domain_is_owned);
	g_test_add_func("/hv/reply-is-owned", test_reply_is_owned);
	return g_test_run();
}
