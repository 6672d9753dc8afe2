/* SPDX-License-Identifier: Apache-2.0
 *
 * One table of families; each is written by a function of its own. Counters begin
 * at zero with the process, which Prometheus expects. A label that can have few
 * values has all of them from the start, so that rates have no holes.
 */
#include "api/http/metrics.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api/http/handler.h"
#include "api/http/http.h"
#include "api/http/incoming.h"
#include "api/http/inner.h"
#include "api/http/watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/metric.h"
#include "check/checks.h"
#include "fence/fence.h"
#include "fleet/host_count.h"
#include "fleet/tally.h"
#include "ha/ha.h"
#include "identity/identity.h"
#include "net/state.h"
#include "plan/plans.h"

#define LAG_EVERY_MS 1000
#define TURN_TOLD_US 5000
#define KEPT_US 1000000
#define MIB (1 << 20)

/* ---- the loop ---- */

struct metrics {
	struct clock_timer *timer;
	int64_t due_us;
	int64_t began_us; /* wall clock */
	struct metric_hist lag, turns;
	struct {
		GString *text;    /* NULL: none yet */
		int64_t until_us;
	} kept[2];        /* without and with the hosts' names */
};

static void plan(struct metrics *m);

static void on_lag(void *user)
{
	struct metrics *m = user;

	m->timer = NULL;
	metric_observe(&m->lag, (double)MAX(0, clock_now_us() - m->due_us) / 1e6);
	plan(m);
}

static void plan(struct metrics *m)
{
	m->due_us = clock_now_us() + LAG_EVERY_MS * 1000;
	m->timer = clock_after(LAG_EVERY_MS, on_lag, m);
}

static void on_turn(int64_t us, void *user)
{
	struct metrics *m = user;

	metric_observe(&m->turns, (double)us / 1e6);
	if (us >= TURN_TOLD_US)
		log_debug("loop_turn", LOG_D("us", us));
}

struct metrics *metrics_new(void)
{
	struct metrics *m = g_new0(struct metrics, 1);

	m->began_us = clock_wall_us();
	m->lag.bounds = &metric_call_seconds;
	m->turns.bounds = &metric_turn_seconds;
	loop_on_turn(on_turn, m);
	plan(m);
	return m;
}

int64_t metrics_began_us(const struct metrics *m)
{
	return m ? m->began_us : 0;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	loop_on_turn(NULL, NULL);
	clock_cancel(&m->timer);
	for (size_t i = 0; i < G_N_ELEMENTS(m->kept); i++)
		if (m->kept[i].text)
			g_string_free(m->kept[i].text, TRUE);
	g_free(m);
}

/* ---- families ---- */

struct out {
	const struct api *api;
	const char *name; /* of the family */
	GString *s;
};

#define PUT(o, v, ...) metric_sample((o)->s, (o)->name, METRIC_LABELS(__VA_ARGS__), (double)(v))

static void put_build(struct out *o)
{
	PUT(o, 1, { "version", DROVER_VERSION });
}

static void put_hosts(struct out *o)
{
	struct host_counts n = fleet_host_counts(o->api->fleet);

	PUT(o, n.up, { "state", "up" });
	PUT(o, n.down, { "state", "down" });
	PUT(o, n.forced_down, { "state", "forced_down" });
}

static void put_hosts_disabled(struct out *o)
{
	PUT(o, fleet_host_counts(o->api->fleet).disabled);
}

/* Keys are lent and counted; written in the order of the first. */
struct sums {
	const char *key[32];
	unsigned n[32], used;
};

static void sums_add(struct sums *t, const char *key, unsigned n)
{
	unsigned i = 0;

	while (i < t->used && strcmp(t->key[i], key) != 0)
		i++;
	g_assert(i < G_N_ELEMENTS(t->key));
	t->key[i] = key;
	t->used = MAX(t->used, i + 1);
	t->n[i] += n;
}

static void put_sums(struct out *o, const struct sums *t, const char *label)
{
	for (unsigned i = 0; i < t->used; i++)
		PUT(o, t->n[i], { label, t->key[i] });
}

static void put_status(const char *status, guint n, void *user)
{
	struct out *o = user;

	PUT(o, n, { "status", status });
}

static void put_servers(struct out *o)
{
	tally_each_status(fleet_tally(o->api->fleet), put_status, o);
}

static void put_unreadable(struct out *o)
{
	PUT(o, fleet_tally(o->api->fleet)->unreadable);
}

static void put_migrations(struct out *o)
{
	GPtrArray *active = engine_active(o->api->engine);
	struct sums t = { .used = 0 };

	for (const struct task_kind *const *k = engine_kinds(o->api->engine); *k; k++)
		for (int i = 0; i < (*k)->n; i++)
			if ((*k)->migration && (*k)->stages[i].end == TASK_GOES_ON)
				sums_add(&t, (*k)->stages[i].status, 0);
	for (guint i = 0; i < active->len; i++) {
		const struct mig *m = g_ptr_array_index(active, i);

		if (m->kind->migration && !mig_is_final(m))
			sums_add(&t, mig_status(m), 1);
	}
	put_sums(o, &t, "status");
}

static void put_queue(struct out *o)
{
	GPtrArray *active = engine_active(o->api->engine);
	unsigned n = 0;

	for (guint i = 0; i < active->len; i++)
		n += mig_holds(g_ptr_array_index(active, i), TASK_QUEUED);
	PUT(o, n);
}

static void put_slots(struct out *o)
{
	PUT(o, engine_slots(o->api->engine));
}

static void put_unforeseen(struct out *o)
{
	PUT(o, engine_stats(o->api->engine)->unforeseen);
}

static void put_ended(struct out *o)
{
	const struct mig_counts *s = engine_stats(o->api->engine);

	for (enum task_end end = TASK_DONE; end < TASK_END_N; end++)
		PUT(o, s->ended[end], { "outcome", task_end_status(end) });
}

static void put_mig_seconds(struct out *o)
{
	metric_histogram(o->s, o->name, METRIC_LABELS(), &engine_stats(o->api->engine)->seconds);
}

static void put_mig_bytes(struct out *o)
{
	metric_histogram(o->s, o->name, METRIC_LABELS(), &engine_stats(o->api->engine)->bytes);
}

static void put_mig_downtime(struct out *o)
{
	metric_histogram(o->s, o->name, METRIC_LABELS(), &engine_stats(o->api->engine)->downtime_seconds);
}

static void put_calls(struct out *o)
{
	const struct hv_stats *s = fleet_call_stats(o->api->fleet);

	for (int op = 0; op < HV_OP_N; op++)
		for (int i = 0; i < HV_OUTCOME_N; i++)
			PUT(o, s->calls[op][i], { "op", hv_op_name((enum hv_op)op) }, { "outcome", hv_outcome_name((enum hv_outcome)i) });
}

static void put_call_seconds(struct out *o)
{
	const struct hv_stats *s = fleet_call_stats(o->api->fleet);

	for (int op = 0; op < HV_OP_N; op++)
		if (metric_count(&s->seconds[op]))
			metric_histogram(o->s, o->name, METRIC_LABELS({ "op", hv_op_name((enum hv_op)op) }), &s->seconds[op]);
}

static void put_hosts_fenced(struct out *o)
{
	PUT(o, fleet_host_counts(o->api->fleet).fenced);
}

static void put_fences(struct out *o)
{
	PUT(o, fences_stats(o->api->fences)->asked);
}

static void put_fences_failed(struct out *o)
{
	PUT(o, fences_stats(o->api->fences)->failed);
}

static void put_fence_seconds(struct out *o)
{
	metric_histogram(o->s, o->name, METRIC_LABELS(), &fences_stats(o->api->fences)->seconds);
}

static void put_requests(struct out *o)
{
	static const char *const classes[] = { NULL, "1xx", "2xx", "3xx", "4xx", "5xx" };
	const struct api_stats *s = &o->api->stats;

	static_assert(G_N_ELEMENTS(classes) == G_N_ELEMENTS(s->requests[0]), "classes is missing one");
	for (size_t m = 0; m < API_METHODS_N; m++)
		for (size_t c = 2; c < G_N_ELEMENTS(classes); c++)
			PUT(o, s->requests[m][c], { "method", api_methods[m] }, { "status", classes[c] });
}

static void put_request_seconds(struct out *o)
{
	metric_histogram(o->s, o->name, METRIC_LABELS(), &o->api->stats.seconds);
}

static void put_store_seconds(struct out *o)
{
	metric_histogram(o->s, o->name, METRIC_LABELS(), store_seconds(o->api->store));
}

static void put_store_failures(struct out *o)
{
	PUT(o, store_failures(o->api->store));
}

static void put_events(struct out *o)
{
	for (int i = 0; i < EVENT_TYPE_N; i++)
		PUT(o, events_total(fleet_events(o->api->fleet), (enum event_type)i), { "type", event_type_name((enum event_type)i) });
}

static void put_logins(struct out *o)
{
	const struct login_counts *l = identity_logins(o->api->identity);

	PUT(o, l->accepted, { "result", "accepted" });
	PUT(o, l->wrong, { "result", "wrong" });
	PUT(o, l->unavailable, { "result", "unavailable" });
}

static void put_passwords_waiting(struct out *o)
{
	PUT(o, identity_passwords_waiting());
}

static void put_streams(struct out *o)
{
	PUT(o, watches_stats(o->api->watches).open);
}

static void put_streams_opened(struct out *o)
{
	PUT(o, watches_stats(o->api->watches).opened);
}

static void put_resets(struct out *o)
{
	struct watches_stats s = watches_stats(o->api->watches);

	for (int i = EVENT_FOUND + 1; i < EVENT_FOUND_N; i++)
		PUT(o, s.resets[i], { "reason", event_found_name((enum event_found)i) });
}

static void put_connections(struct out *o)
{
	struct net_stats s = http_stats(o->api);

	for (int i = 0; i < NET_STATE_N; i++)
		PUT(o, s.state[i], { "state", net_state_name((enum net_state)i) });
}

static void put_accepted(struct out *o)
{
	PUT(o, http_stats(o->api).accepted);
}

static void put_evicted(struct out *o)
{
	PUT(o, http_stats(o->api).evicted);
}

static void put_refused(struct out *o)
{
	PUT(o, http_stats(o->api).refused);
}

static void put_body_bytes(struct out *o)
{
	PUT(o, http_stats(o->api).body_bytes);
}

static void put_lag(struct out *o)
{
	metric_histogram(o->s, o->name, METRIC_LABELS(), &o->api->metrics->lag);
}

static void put_log_dropped(struct out *o)
{
	PUT(o, log_dropped());
}

static void put_turns(struct out *o)
{
	metric_histogram(o->s, o->name, METRIC_LABELS(), &o->api->metrics->turns);
}

/* ---- hosts that die ---- */

static void put_ha_held(struct out *o)
{
	PUT(o, ha_stats(o->api->ha).held);
}

static void put_ha_given_up(struct out *o)
{
	PUT(o, ha_stats(o->api->ha).given_up);
}

static void put_ha_fenced(struct out *o)
{
	PUT(o, (double)ha_stats(o->api->ha).fenced);
}

static void put_ha_evacuated(struct out *o)
{
	PUT(o, (double)ha_stats(o->api->ha).evacuated);
}

/* ---- plans ---- */

static void put_plans(struct out *o)
{
	struct plans_counts stats = plans_stats(o->api->plans);

	for (int i = PLAN_DRAFT; i < PLAN_STATE_N; i++)
		if (!plan_is_over((enum plan_state)i))
			PUT(o, stats.by_state[i], { "state", plan_state_name((enum plan_state)i) });
}

static void put_plans_ended(struct out *o)
{
	struct plans_counts stats = plans_stats(o->api->plans);

	for (int i = 0; i < PLAN_STATE_N; i++)
		if (plan_is_over((enum plan_state)i))
			PUT(o, (double)stats.ended[i], { "state", plan_state_name((enum plan_state)i) });
}

static void put_plan_steps(struct out *o)
{
	struct plans_counts stats = plans_stats(o->api->plans);

	for (int i = PLAN_STEP_DONE; i < PLAN_STEP_STATE_N; i++)
		PUT(o, (double)stats.steps_ended[i], { "state", plan_step_state_name((enum plan_step_state)i) });
}

/* ---- the process; the names are those of Prometheus' own client libraries ---- */

static void put_cpu(struct out *o)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* every Linux has it */
	PUT(o, (double)t.tv_sec + (double)t.tv_nsec / 1e9);
}

static void put_rss(struct out *o)
{
	g_autofree char *text = NULL;
	long total, resident = 0;

	if (g_file_get_contents("/proc/self/statm", &text, NULL, NULL) && sscanf(text, "%ld %ld", &total, &resident) == 2)
		PUT(o, (double)resident * (double)sysconf(_SC_PAGESIZE));
}

/* How many numbers the kernel's table of descriptors has room for: all that are open are below. */
static int fd_table_size(void)
{
	g_autofree char *text = NULL;
	const char *at = g_file_get_contents("/proc/self/status", &text, NULL, NULL) ? strstr(text, "\nFDSize:") : NULL;
	int n;

	return at && sscanf(at, "\nFDSize: %d", &n) == 1 ? n : 0;
}

/* Each is asked for its flags: 2 ms for 8,000. To read /proc/self/fd takes 25, and poll() asks each socket for its state. */
static void put_fds(struct out *o)
{
	int n = fd_table_size();
	unsigned open = 0;

	for (int fd = 0; fd < n; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	if (n)
		PUT(o, open);
}

static void put_max_fds(struct out *o)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0)
		PUT(o, r.rlim_cur);
}

static void put_start(struct out *o)
{
	PUT(o, (double)o->api->metrics->began_us / 1e6);
}

/* ---- by host ---- */

typedef double host_value_f(const struct out *o, const struct host *h);

static double host_up(const struct out *o, const struct host *h)
{
	return host_is_up(o->api->fleet, h);
}

static double host_servers(const struct out *o, const struct host *h)
{
	(void)o;
	return g_hash_table_size(h->servers);
}

static double host_memory_used(const struct out *o, const struct host *h)
{
	(void)o;
	return (double)host_used(h).memory_mb * MIB;
}

static double host_memory_capacity(const struct out *o, const struct host *h)
{
	(void)o;
	return (double)MAX(0, host_capacity(h).memory_mb) * MIB;
}

static double host_vcpus_used(const struct out *o, const struct host *h)
{
	(void)o;
	return host_used(h).vcpus;
}

static double host_vcpus_capacity(const struct out *o, const struct host *h)
{
	(void)o;
	return MAX(0, host_capacity(h).vcpus);
}

/* Of a controller that has checked nothing yet there are none. */
static void put_findings(struct out *o)
{
	const struct check_run *last = o->api->checks ? checks_last(o->api->checks) : NULL;

	for (int i = 0; last && last->report && i < FINDING_SEVERITY_N; i++)
		PUT(o, last->report->counts[i], { "severity", finding_severity_name((enum finding_severity)i) });
}

static void put_check_time(struct out *o)
{
	const struct check_run *last = o->api->checks ? checks_last(o->api->checks) : NULL;

	if (last && last->report)
		PUT(o, (double)last->ended_us / G_USEC_PER_SEC);
}

/* ---- the table ---- */

static const struct family {
	const char *name, *type, *help;
	void (*put)(struct out *o);
	host_value_f *host_value; /* instead of put(): one sample a host, with its name */
} families[] = {
	{ "drover_build_info", "gauge", "Version of Drover; always 1.", put_build },
	{ "drover_hosts", "gauge", "Hosts by state.", put_hosts },
	{ "drover_hosts_disabled", "gauge", "Hosts disabled for new servers, in any state.", put_hosts_disabled },
	{ "drover_hosts_fenced", "gauge", "Hosts that were switched off by their fence agents, and are silent.", put_hosts_fenced },
	{ "drover_fence_requests_total", "counter", "Hosts that were to be fenced.", put_fences },
	{ "drover_fence_failures_total", "counter", "Hosts that were to be fenced and were not.", put_fences_failed },
	{ "drover_fence_duration_seconds", "histogram", "Time from the request until a host was fenced.", put_fence_seconds },
	{ "drover_servers", "gauge", "Servers by API status.", put_servers },
	{ "drover_servers_unreadable", "gauge", "Servers whose domain's description cannot be read.", put_unreadable },
	{ "drover_migrations", "gauge", "Migrations in progress, by status.", put_migrations },
	{ "drover_migration_unforeseen_refusals_total", "counter", "Migrations that passed every precheck and that libvirt refused to begin.", put_unforeseen },
	{ "drover_migrations_ended_total", "counter", "Migrations ended, by outcome.", put_ended },
	{ "drover_ha_held_hosts", "gauge", "Silent hosts that are not fenced, since that may be wrong; an alarm.", put_ha_held },
	{ "drover_ha_given_up_hosts", "gauge", "Dead hosts that could not be fenced; an alarm.", put_ha_given_up },
	{ "drover_ha_fenced_total", "counter", "Hosts fenced without a person.", put_ha_fenced },
	{ "drover_ha_evacuated_total", "counter", "Servers asked to be evacuated without a person.", put_ha_evacuated },
	{ "drover_plans", "gauge", "Plans that are not over, by state.", put_plans },
	{ "drover_plans_ended_total", "counter", "Plans ended, by state.", put_plans_ended },
	{ "drover_plan_steps_ended_total", "counter", "Steps of plans ended, by state.", put_plan_steps },
	{ "drover_migration_queue_length", "gauge", "Migrations waiting for a slot of their source host.", put_queue },
	{ "drover_migration_slots_in_use", "gauge", "Slots held by migrations, over all source hosts.", put_slots },
	{ "drover_migration_duration_seconds", "histogram", "Time from a migration's request to its completion.", put_mig_seconds },
	{ "drover_migration_sent_bytes", "histogram", "Memory and disk sent by a completed migration.", put_mig_bytes },
	{ "drover_migration_downtime_seconds", "histogram", "Downtime of the guest in a completed migration.", put_mig_downtime },
	{ "drover_hypervisor_calls_total", "counter", "Calls to hosts by operation and outcome; lost: no reply arrived, and the call may have taken effect.", put_calls },
	{ "drover_hypervisor_call_duration_seconds", "histogram", "Time from a call to a host to its reply.", put_call_seconds },
	{ "drover_api_requests_total", "counter", "API requests answered, by method and status class.", put_requests },
	{ "drover_api_request_duration_seconds", "histogram", "Time from a request's header to its response.", put_request_seconds },
	{ "drover_logins_total", "counter", "Logins by password or application credential, by result; unavailable: too many at once, or not enough memory.", put_logins },
	{ "drover_passwords_waiting", "gauge", "Passwords waiting to be checked.", put_passwords_waiting },
	{ "drover_http_connections", "gauge", "Connections of clients, by what they are doing.", put_connections },
	{ "drover_http_connections_total", "counter", "Connections accepted.", put_accepted },
	{ "drover_http_evictions_total", "counter", "Connections closed to make room for others, the longest waiting without a token first.", put_evicted },
	{ "drover_http_refusals_total", "counter", "Requests refused before they came whole: malformed, late, too many.", put_refused },
	{ "drover_http_body_bytes", "gauge", "Bytes of request bodies in memory.", put_body_bytes },
	{ "drover_store_transaction_duration_seconds", "histogram", "Database transactions committed.", put_store_seconds },
	{ "drover_store_failures_total", "counter", "Database transactions not committed.", put_store_failures },
	{ "drover_events_total", "counter", "Events by type.", put_events },
	{ "drover_event_streams", "gauge", "Clients subscribed to events.", put_streams },
	{ "drover_event_streams_opened_total", "counter", "Clients ever subscribed to events.", put_streams_opened },
	{ "drover_event_resets_total", "counter", "Times a client was told that it had missed events, by reason.", put_resets },
	{ "drover_check_findings", "gauge", "Findings of the last check of the set-up, by severity; none before the first one.", put_findings },
	{ "drover_check_time_seconds", "gauge", "When the last check of the set-up ended, since 1970.", put_check_time },
	{ "drover_loop_lag_seconds", "histogram", "Lateness of a main-loop timer, measured once a second.", put_lag },
	{ "drover_log_dropped_lines_total", "counter", "Lines of the log dropped because its reader was too slow.", put_log_dropped },
	{ "drover_loop_turn_duration_seconds", "histogram", "Time that a turn of the main loop took; nothing else is served meanwhile.", put_turns },
	{ "process_cpu_seconds_total", "counter", "User and system time.", put_cpu },
	{ "process_resident_memory_bytes", "gauge", "Resident memory.", put_rss },
	{ "process_open_fds", "gauge", "Open file descriptors.", put_fds },
	{ "process_max_fds", "gauge", "Limit of open file descriptors.", put_max_fds },
	{ "process_start_time_seconds", "gauge", "Start time of the process since 1970.", put_start },
	{ "drover_host_up", "gauge", "1 if the host is up.", .host_value = host_up },
	{ "drover_host_servers", "gauge", "Servers of the host.", .host_value = host_servers },
	{ "drover_host_memory_used_bytes", "gauge", "Memory allocated to the host's servers.", .host_value = host_memory_used },
	{ "drover_host_memory_capacity_bytes", "gauge", "Memory available for servers on the host.", .host_value = host_memory_capacity },
	{ "drover_host_vcpus_used", "gauge", "Virtual CPUs allocated to the host's servers.", .host_value = host_vcpus_used },
	{ "drover_host_vcpus_capacity", "gauge", "Virtual CPUs available for servers on the host.", .host_value = host_vcpus_capacity },
};

static void put_by_host(struct out *o, host_value_f *value)
{
	GPtrArray *hosts = fleet_hosts(o->api->fleet);

	for (guint i = 0; i < hosts->len; i++) {
		const struct host *h = g_ptr_array_index(hosts, i);

		PUT(o, value(o, h), { "host", h->name });
	}
}

static void write_all(const struct api *a, bool by_host, GString *s)
{
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
		const struct family *f = &families[i];
		struct out o = { .api = a, .name = f->name, .s = s };

		if (f->host_value && !by_host)
			continue;
		metric_family(s, f->name, f->type, f->help);
		if (f->host_value)
			put_by_host(&o, f->host_value);
		else
			f->put(&o);
	}
}

/*
 * Without a token anything that reaches the port can ask, as often as it likes, so that gets a text which is up to a second old (D2); an
 * administrator's is new. Return: owned.
 */
static GString *text_for(struct api_req *r, bool by_host)
{
	struct metrics *m = r->api->metrics;
	int64_t now_us = clock_now_us();

	if (!m->kept[by_host].text)
		m->kept[by_host].text = g_string_sized_new(32768);
	else if (now_us < m->kept[by_host].until_us && !(r->auth && r->auth->admin))
		return g_string_new_len(m->kept[by_host].text->str, (gssize)m->kept[by_host].text->len);
	g_string_truncate(m->kept[by_host].text, 0);
	write_all(r->api, by_host, m->kept[by_host].text);
	m->kept[by_host].until_us = now_us + KEPT_US;
	return g_string_new_len(m->kept[by_host].text->str, (gssize)m->kept[by_host].text->len);
}

static bool allowed(struct api_req *r, const char *mode)
{
	if (strcmp(mode, "off") == 0)
		api_fail_new(r, ERR_NOT_FOUND, "The resource could not be found.");
	else if (strcmp(mode, "token") == 0 && !r->auth)
		api_fail_new(r, ERR_UNAUTHORIZED, "The request you have made requires authentication.");
	else if (strcmp(mode, "token") == 0 && !r->auth->admin)
		api_fail_new(r, ERR_FORBIDDEN, "Policy doesn't allow this to be performed: it needs the role admin.");
	else
		return true;
	return false;
}

static void show(struct api_req *r)
{
	const char *mode = api_conf(r)->metrics;

	if (!allowed(r, mode))
		return;
	api_header(r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	api_reply_json(r, 200, text_for(r, strcmp(mode, "totals") != 0));
}

static const struct route routes[] = {
	{ "GET", "/metrics", "drover:metrics", show },
};
const struct route_table metrics_routes = { routes, G_N_ELEMENTS(routes) };
