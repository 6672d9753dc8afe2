/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/snapshot.h"

#include <string.h>

#include "move/check_ties.h"
#include "plan/expect.h"

#define MILLI 1000
#define MIB_BYTES (INT64_C(1) << 20)
#define PIECE 500 /* servers in a turn of the loop: half a ms or so */
#define SUM_PIECE 5000

/* ---- the version ---- */

/* FNV-1a: a fingerprint, not a secret. */
static uint64_t mix(uint64_t sum, const void *data, size_t n)
{
	for (const unsigned char *p = data; n > 0; p++, n--)
		sum = (sum ^ *p) * UINT64_C(0x100000001b3);
	return sum;
}

static uint64_t mix_text(uint64_t sum, const char *text)
{
	return text ? mix(sum, text, strlen(text) + 1) : mix(sum, "", 1);
}

static uint64_t mix_number(uint64_t sum, int64_t n)
{
	return mix(sum, &n, sizeof n);
}

static uint64_t mix_hosts(struct fleet *f)
{
	GPtrArray *hosts = fleet_hosts(f);
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (guint i = 0; i < hosts->len; i++) {
		const struct host *h = g_ptr_array_index(hosts, i);
		struct usage all = host_capacity(h);

		sum = mix_text(sum, h->name);
		sum = mix_number(sum, !h->disabled && host_is_up(f, h));
		sum = mix_number(mix_number(mix_number(sum, all.memory_mb), all.vcpus), all.disk_gb);
	}
	return sum;
}

static void mix_server(struct snapshot_sum *sum, const struct server *s)
{
	uint64_t n = mix_text(mix_text(sum->sum, s->uuid), s->host);

	sum->sum = mix_number(mix_number(mix_number(n, s->memory_mb), s->vcpus), s->disk_gb);
	sum->seen = s->nth;
}

static void write_version(const struct snapshot_sum *sum, char out[static SNAPSHOT_VERSION_LEN + 1])
{
	g_snprintf(out, SNAPSHOT_VERSION_LEN + 1, "%016" G_GINT64_MODIFIER "x", sum->sum);
}

bool snapshot_version(struct fleet *f, struct snapshot_sum *sum, char out[static SNAPSHOT_VERSION_LEN + 1])
{
	GPtrArray *servers = fleet_servers(f);
	guint from = fleet_servers_after(f, sum->seen), to = MIN(servers->len, from + SUM_PIECE);

	if (!sum->seen)
		sum->sum = mix_hosts(f);
	for (guint i = from; i < to; i++)
		mix_server(sum, g_ptr_array_index(servers, i));
	write_version(sum, out);
	return to == servers->len;
}

/* ---- hosts ---- */

static bool is_asked(const struct conf *c, const char *filter)
{
	return g_strv_contains((const char *const *)c->enabled_filters, filter);
}

/* What the scheduler's filters that are asked leave; a host without a pool is not judged by its disk. */
static struct usage capacity_of(const struct conf *c, const struct host *h)
{
	struct usage u = host_capacity(h);

	if (!is_asked(c, "RamFilter"))
		u.memory_mb = INT64_MAX / 4;
	if (!is_asked(c, "CoreFilter"))
		u.vcpus = INT_MAX / 4;
	if (!is_asked(c, "DiskFilter") || host_total(h).disk_gb <= 0)
		u.disk_gb = INT64_MAX / 4;
	u.servers = is_asked(c, "NumInstancesFilter") ? (int)MIN(c->max_instances_per_host, INT_MAX / 4) : INT_MAX / 4;
	return u;
}

static const char *no_of(struct snapshot *s, struct fleet *f, const struct host *h)
{
	g_autofree char *text = NULL;

	if (h->disabled)
		text = g_strdup_printf("the host is disabled: %s", h->disabled_reason ? h->disabled_reason : "no reason given");
	else if (host_is_up(f, h))
		return NULL;
	else {
		g_autofree char *state = host_state_text(f, h);

		text = g_strdup_printf("the host is %s", state);
	}
	return g_string_chunk_insert(s->texts, text);
}

static void take_host(struct snapshot *s, struct fleet *f, guint i)
{
	const struct host *h = g_ptr_array_index(fleet_hosts(f), i);
	struct planner_host *to = &s->hosts[i];
	struct usage claimed = host_claimed(h);

	*to = (struct planner_host){
		.name = g_string_chunk_insert(s->texts, h->name), .cell = g_quark_from_string(host_cell(h)), .arch = h->arch,
		.capacity = capacity_of(fleet_conf(f), h), .used = host_used(h), .no = no_of(s, f, h),
	};
	s->states[i] = (struct snapshot_host){ h->disabled, host_is_up(f, h) };
	to->cpus = h->info ? (int64_t)h->info->vcpus * MILLI : 0;
	to->used.vcpus += claimed.vcpus;
	to->used.memory_mb += claimed.memory_mb;
	to->used.disk_gb += claimed.disk_gb;
	to->used.servers += claimed.servers;
	g_hash_table_insert(s->by_host, (void *)to->name, GUINT_TO_POINTER(i + 1));
}

void snapshot_leave(struct snapshot *s, guint host, guint wave, const char *why)
{
	s->hosts[host].no = why;
	s->hosts[host].wave = wave;
}

/* ---- servers ---- */

/* What ties it to its host so that it cannot go live; the checks of its migration look closer. */
static char *tied(const struct server *s)
{
	static check_rule_f *const rules[] = { check_shares, check_sealed, check_vpmem, check_devices };
	static const struct check_words live = { .way = "live", .action = "os-migrateLive", .operation = "live-migration" };
	const struct check_tied t = { .words = &live, .uuid = s->uuid, .ties = s->ties, .nics = s->dom ? s->dom->nics : NULL, .source = s->host };

	for (size_t i = 0; s->ties && i < G_N_ELEMENTS(rules); i++) {
		char *why = rules[i](&t);

		if (why)
			return why;
	}
	return NULL;
}

char *snapshot_no(const struct server *s, bool cold, bool *ret_cold)
{
	g_autofree char *unreadable = server_unreadable_text(s), *why = NULL;

	*ret_cold = s->vm == SERVER_STOPPED;
	if (unreadable)
		return g_steal_pointer(&unreadable);
	if (s->vm == SERVER_STOPPED)
		return NULL;
	if (s->vm != SERVER_ACTIVE && s->vm != SERVER_PAUSED)
		return g_strdup_printf("it is in vm_state %s, and cannot be migrated", server_vm_name(s->vm));
	why = tied(s);
	if (!why)
		return NULL;
	*ret_cold = cold && s->vm == SERVER_ACTIVE;
	return *ret_cold ? NULL : g_strdup_printf("it cannot go live%s: %s", s->vm == SERVER_ACTIVE ? ", and cold is not permitted" : "", why);
}

/* It has CPUs, or a device, of its host for itself. */
static bool is_pinned(const struct server *s)
{
	return s->ties && (s->ties->devices->len > 0 || s->ties->mdevs->len > 0 || (s->ties->numa_fit && s->ties->numa_fit->pins->len > 0));
}

static void make_room(struct snapshot *s)
{
	if (s->fleet.n_guests < s->room)
		return;
	s->room = s->room * 2 + 1;
	s->guests = g_renew(struct planner_guest, s->guests, s->room);
	s->uuids = g_renew(char *, s->uuids, s->room);
	s->fleet.guests = s->guests;
}

static void take_guest(struct snapshot *s, const struct server *from, guint host)
{
	bool cold;
	g_autofree char *no = snapshot_no(from, s->cold, &cold);
	struct planner_guest *g;

	make_room(s);
	g = &s->guests[s->fleet.n_guests];
	*g = (struct planner_guest){
		.name = g_string_chunk_insert(s->texts, from->name ? from->name : from->uuid), .host = host, .size = server_usage(from),
		.load = from->vm == SERVER_ACTIVE ? from->load_mcpu : 0,
		.arch = from->dom && from->dom->arch ? g_quark_from_string(from->dom->arch) : 0, .no = no ? g_string_chunk_insert(s->texts, no) : NULL,
		.cold = cold, .stays = is_pinned(from) || cold || from->locked, .bytes = from->memory_mb * MIB_BYTES, .dirty_bps = cold ? 0 : from->dirty_bps, .to = PLANNER_STAYS,
	};
	if (!g->no && !s->states[host].up)
		g->no = "its host is down: it can be evacuated, not migrated";
	s->uuids[s->fleet.n_guests] = g_string_chunk_insert(s->texts, from->uuid);
	s->hosts[host].load += g->load;
	s->fleet.n_guests++;
}

static void take_lost(struct snapshot *s, const struct server *from)
{
	struct snapshot_lost l = { g_string_chunk_insert(s->texts, from->uuid), from->name ? g_string_chunk_insert(s->texts, from->name) : NULL };

	g_array_append_val(s->lost, l);
}

/* ---- the whole ---- */

static int limit_of(const struct conf *c, enum task_limit limit)
{
	return (int)MIN(task_class_limit(c, &task_class_live, limit), INT_MAX);
}

struct snapshot *snapshot_begin(struct engine *e, int parallel, bool cold)
{
	struct fleet *f = engine_fleet(e);
	GPtrArray *hosts = fleet_hosts(f);
	const struct conf *c = fleet_conf(f);
	struct snapshot *s = g_new0(struct snapshot, 1);

	s->texts = g_string_chunk_new(65536);
	s->by_uuid = g_hash_table_new(g_str_hash, g_str_equal);
	s->by_host = g_hash_table_new(g_str_hash, g_str_equal);
	s->hosts = g_new0(struct planner_host, hosts->len + 1);
	s->states = g_new0(struct snapshot_host, hosts->len + 1);
	s->room = fleet_servers(f)->len + 1;
	s->guests = g_new(struct planner_guest, s->room);
	s->uuids = g_new(char *, s->room);
	s->lost = g_array_new(FALSE, FALSE, sizeof(struct snapshot_lost));
	s->cold = cold;
	s->sum.sum = mix_hosts(f);
	s->fleet = (struct planner_fleet){
		.hosts = s->hosts, .guests = s->guests, .n_hosts = hosts->len,
		.limits = { .parallel = (int)MIN(parallel, task_class_limit(c, &task_class_live, TASK_IN_FLEET)),
			    .out = limit_of(c, TASK_OUTBOUND), .in = limit_of(c, TASK_INBOUND), .link_bps = expect_link_bps(e) },
	};
	for (guint i = 0; i < hosts->len; i++)
		take_host(s, f, i);
	return s;
}

bool snapshot_more(struct snapshot *s, struct fleet *f)
{
	GPtrArray *servers = fleet_servers(f);
	guint from = fleet_servers_after(f, s->sum.seen), to = MIN(servers->len, from + PIECE);

	for (guint i = from; i < to; i++) {
		const struct server *server = g_ptr_array_index(servers, i);
		int host = server->host ? snapshot_host(s, server->host) : -1; /* hosts may have come and gone since */

		if (host >= 0)
			take_guest(s, server, (guint)host);
		else
			take_lost(s, server);
		mix_server(&s->sum, server);
	}
	write_version(&s->sum, s->version);
	return to == servers->len;
}

void snapshot_index(struct snapshot *s)
{
	for (guint g = 0; g < s->fleet.n_guests; g++)
		g_hash_table_insert(s->by_uuid, s->uuids[g], GUINT_TO_POINTER(g + 1));
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	g_hash_table_unref(s->by_uuid);
	g_hash_table_unref(s->by_host);
	g_array_unref(s->lost);
	g_free(s->states);
	g_free(s->hosts);
	g_free(s->guests);
	g_free(s->uuids);
	g_string_chunk_free(s->texts);
	g_free(s);
}

int snapshot_guest(const struct snapshot *s, const char *uuid)
{
	return (int)GPOINTER_TO_UINT(g_hash_table_lookup(s->by_uuid, uuid)) - 1;
}

int snapshot_host(const struct snapshot *s, const char *name)
{
	return (int)GPOINTER_TO_UINT(g_hash_table_lookup(s->by_host, name)) - 1;
}
