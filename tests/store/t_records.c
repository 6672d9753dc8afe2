/* SPDX-License-Identifier: Apache-2.0
 *
 * Round trips: each kind of record as a list of statements and what they must
 * give. Together they run every statement of query_table, on both databases.
 */
#include <stdint.h>
#include <string.h>

#include "fixture.h"

/* @want: the rows of a statement that returns some; NULL: store_run(), which must change @changed rows. */
struct step {
	enum query q;
	struct store_val args[26];
	const char *want;
	int changed;
};

#define HOST_2 "2|h2|qemu+ssh://h2/system|u2|10.0.0.2|1|broken fan|1|0|101|qemu+tls://h2/system|10.0.1.2|west|101|~|~|0|~|0\n"

static const struct step hosts[] = {
	{ Q_HOST_ALL, {}, "" },
	{ Q_HOST_PUT, { S("h1"), S("qemu+tls://h1/system"), S("u1"), N, I(0), N, I(0), I(1), I(100), N, N, N }, "1\n" },
	{ Q_HOST_PUT, { S("h2"), S("qemu+ssh://h2/system"), S("u2"), S("10.0.0.2"), I(1), S("broken fan"), I(1), I(0), I(101),
			S("qemu+tls://h2/system"), S("10.0.1.2"), S("west") }, "2\n" },
	{ Q_HOST_PUT, { S("h1"), S("qemu:///system"), S("u9"), S("::1"), I(1), S(""), I(0), I(0), I(102), N, S("::"), N }, "1\n" },
	{ Q_HOST_SECTIONS, {}, "h1|qemu:///system|0\nh2|qemu+ssh://h2/system|0\n" },
	{ Q_HOST_ALL, {}, "1|h1|qemu:///system|u9|::1|1||0|0|102|~|::|~|100|~|~|0|~|0\n" HOST_2 },
	/* what its libvirt says it is stays when the row is written again */
	{ Q_HOST_UUID, { S("h1"), S("4dea") }, NULL, 1 },
	{ Q_HOST_UUID, { S("h9"), S("4dea") }, NULL, 0 },
	{ Q_HOST_BOOTED, { S("h1"), I(1) }, NULL, 1 },
	{ Q_HOST_PUT, { S("h1"), S("qemu:///system"), S("u9"), S("::1"), I(1), S(""), I(0), I(0), I(102), N, S("::"), N }, "1\n" },
	{ Q_HOST_RENAME, { S("h1"), S("kvm-one") }, NULL, 1 },
	{ Q_HOST_RENAME, { S("h1"), S("kvm-one") }, NULL, 0 },
	{ Q_HOST_ALL, {}, "1|kvm-one|qemu:///system|u9|::1|1||0|0|102|~|::|~|100|4dea|~|0|~|1\n" HOST_2 },
	{ Q_HOST_FENCE, { S("kvm-one"), I(103), I(0), S("its fan") }, NULL, 1 },
	{ Q_HOST_FENCE, { S("h9"), I(103), I(1), N }, NULL, 0 },
	/* whether it is off stays when the row is written again */
	{ Q_HOST_PUT, { S("kvm-one"), S("qemu:///system"), S("u9"), S("::1"), I(1), S(""), I(0), I(0), I(104), N, S("::"), N }, "1\n" },
	{ Q_HOST_ALL, {}, "1|kvm-one|qemu:///system|u9|::1|1||0|0|104|~|::|~|100|4dea|103|0|its fan|1\n" HOST_2 },
	{ Q_HOST_RENAME, { S("kvm-one"), S("h1") }, NULL, 1 },
	{ Q_HOST_DELETE, { S("h1") }, NULL, 1 },
	{ Q_HOST_DELETE, { S("h1") }, NULL, 0 },
	{ Q_HOST_ALL, {}, HOST_2 },
};

static const struct step kept[] = {
	{ Q_DEFINITION_KEEP, { S("s1"), S("eJw="), I(77), I(0), I(5), S("[]"), I(0) }, NULL, 1 },
	{ Q_DEFINITION_KEEP, { S("s2"), S("eJx="), I(78), I(1), I(6), N, I(-5) }, NULL, 1 },
	{ Q_DEFINITION_KEPT, { S("s2") }, "eJx=|78|1|6|~|-5\n" },
	{ Q_DEFINITION_KEEP, { S("s2"), S("eJy="), I(79), I(0), I(7), S("[1]"), I(9) }, NULL, 1 },
	{ Q_DEFINITION_KEPT, { S("s2") }, "eJy=|79|0|7|[1]|9\n" },
	{ Q_DEFINITION_DISKS, { S("s2") }, "[1]\n" },
	{ Q_DEFINITION_KEPT, { S("s3") }, "" },
	{ Q_DEFINITION_SUMS, {}, "s1|77|0\ns2|79|9\n" },
	{ Q_DEFINITION_DROP, { S("s1") }, NULL, 1 },
	{ Q_DEFINITION_DROP, { S("s1") }, NULL, 0 },
	{ Q_DEFINITION_SUMS, {}, "s2|79|9\n" },
};

static const struct step ha[] = {
	{ Q_HA_PUT, { S("h1"), S("silent"), I(5) }, NULL, 1 },
	{ Q_HA_PUT, { S("h2"), S("done"), I(6) }, NULL, 1 },
	{ Q_HA_PUT, { S("h1"), S("fencing"), I(7) }, NULL, 1 },
	{ Q_HOST_RENAME_HA, { S("h2"), S("h3") }, NULL, 1 },
	{ Q_HA_ALL, {}, "h1|fencing\nh3|done\n" },
	{ Q_HA_DROP, { S("h1") }, NULL, 1 },
	{ Q_HA_DROP, { S("h1") }, NULL, 0 },
	{ Q_HA_ALL, {}, "h3|done\n" },
};

#define PLAN(at, state, kind) I(at), S(state), N, N, N, I(0), I(0), S("{}"), S("{}"), I(9), I(at), S(kind), S("v"), S("{}"), S("u"), S("p"), S("r")
#define PLAN_STEP(id, n, from, to) I(id), I(n), S("waiting"), S(from), S(to), I(0), I(0), N, I(0), N, N, N, S("s1"), S("web"), S("so"), S("1"), I(1), I(0), I(2), I(1024), \
	I(10), I(12), I(99), N

static const struct step plans[] = {
	{ Q_PLAN_INSERT, { PLAN(5, "draft", "map") }, "1\n" },
	{ Q_PLAN_INSERT, { PLAN(6, "making", "drain") }, "2\n" },
	{ Q_PLAN_ACTIVE, {}, "1|5|draft|~|~|~|0|0|{}|{}|9|5|map|v|{}|u|p|r\n2|6|making|~|~|~|0|0|{}|{}|9|6|drain|v|{}|u|p|r\n" },
	{ Q_PLAN_LIST, { N, N, I(9), I(9) }, "1|5|draft|~|~|~|0|0|{}|{}|9|5|map|v|{}|u|p|r\n" },
	{ Q_PLAN_LIST, { S("drain"), N, I(9), I(9) }, "" },
	{ Q_PLAN_LIST, { N, S("done"), I(9), I(9) }, "" },
	{ Q_PLAN_LIST, { N, N, I(1), I(9) }, "" },
	{ Q_PLAN_HOST_INSERT, { I(2), I(0), S("h1") }, NULL, 1 },
	{ Q_PLAN_HOST_INSERT, { I(2), I(1), S("h2") }, NULL, 1 },
	{ Q_HOST_RENAME_PLANS, { S("h1"), S("h3") }, NULL, 1 },
	{ Q_PLAN_HOSTS, { I(2) }, "h3\nh2\n" },
	{ Q_PLAN_DRAIN_OF, { S("h3") }, "0\n" },
	{ Q_PLAN_SET, { I(2), S("done"), S("why"), I(7), I(8), I(1), I(1), S("{1}"), S("{2}"), I(10), I(11) }, NULL, 1 },
	{ Q_PLAN_DRAIN_OF, { S("h3") }, "2\n" },
	{ Q_PLAN_DRAIN_OF, { S("h1") }, "0\n" },
	{ Q_PLAN_GET, { I(2) }, "2|6|done|why|7|8|1|1|{1}|{2}|10|11|drain|v|{}|u|p|r\n" },
	{ Q_PLAN_STEP_INSERT, { PLAN_STEP(2, 2, "h1", "h2") }, NULL, 1 },
	{ Q_PLAN_STEP_INSERT, { PLAN_STEP(2, 1, "h2", "h1") }, NULL, 1 },
	{ Q_HOST_RENAME_PLAN_SOURCES, { S("h1"), S("h3") }, NULL, 1 },
	{ Q_HOST_RENAME_PLAN_DESTS, { S("h1"), S("h3") }, NULL, 1 },
	{ Q_PLAN_STEP_SET, { I(2), I(1), S("done"), S("h2"), S("h3"), I(1), I(77), S("req"), I(2), S("why"), I(7), I(8) }, NULL, 1 },
	{ Q_PLAN_STEPS, { I(2), I(0), I(9) }, "1|done|h2|h3|1|77|req|2|why|7|8|s1|web|so|1|1|0|2|1024|10|12|99|~\n"
				  "2|waiting|h3|h2|0|0|~|0|~|~|~|s1|web|so|1|1|0|2|1024|10|12|99|~\n" },
	{ Q_PLAN_STEPS, { I(2), I(1), I(9) }, "2|waiting|h3|h2|0|0|~|0|~|~|~|s1|web|so|1|1|0|2|1024|10|12|99|~\n" },
	{ Q_PLAN_STEPS, { I(2), I(0), I(1) }, "1|done|h2|h3|1|77|req|2|why|7|8|s1|web|so|1|1|0|2|1024|10|12|99|~\n" },
	{ Q_PLAN_DELETE_STEPS, { I(2), I(1) }, NULL, 1 },
	{ Q_PLAN_DELETE_STEPS, { I(2), I(9) }, NULL, 1 },
	{ Q_PLAN_DELETE_STEPS, { I(2), I(9) }, NULL, 0 },
	{ Q_PLAN_DROP, { I(2) }, NULL, 1 },
	{ Q_PLAN_GET, { I(2) }, "" },
	{ Q_PLAN_ACTIVE, {}, "1|5|draft|~|~|~|0|0|{}|{}|9|5|map|v|{}|u|p|r\n2|6|making|why|~|~|1|1|{1}|{2}|10|11|drain|v|{}|u|p|r\n" },
	{ Q_PLAN_DRAIN_OF, { S("h3") }, "0\n" },
	{ Q_PLAN_DELETE_HOSTS, { I(2) }, NULL, 2 },
	{ Q_PLAN_DELETE, { I(2) }, NULL, 1 },
	{ Q_PLAN_DELETE, { I(2) }, NULL, 0 },
};

static const struct step markers[] = {
	{ Q_MARKER_PUT, { S("h1"), S("/a"), S("m1"), I(0) }, NULL, 1 },
	{ Q_MARKER_PUT, { S("h1"), S("/b"), S("m2"), I(7) }, NULL, 1 },
	{ Q_MARKER_PUT, { S("h2"), S("/a"), S("m3"), I(8) }, NULL, 1 },
	{ Q_MARKER_PUT, { S("h1"), S("/a"), S("m1"), I(9) }, NULL, 1 },
	{ Q_HOST_RENAME_MARKERS, { S("h2"), S("h3") }, NULL, 1 },
	{ Q_MARKER_ALL, {}, "h1|/a|m1|9\nh1|/b|m2|7\nh3|/a|m3|8\n" },
	{ Q_MARKER_DROP, { S("h1"), S("/b") }, NULL, 1 },
	{ Q_MARKER_DROP, { S("h1"), S("/b") }, NULL, 0 },
	{ Q_MARKER_DROP, { S("h3"), N }, NULL, 1 },
	{ Q_MARKER_ALL, {}, "h1|/a|m1|9\n" },
};

static const struct step servers[] = {
	{ Q_SERVER_LAST, {}, "0\n" },
	{ Q_SERVER_PUT, { S("s1"), S("web"), N, S("instance-1"), S("active"), N, I(1), I(2), I(2048), I(20), S("u"), S("p"), I(5), N, N, N,
			  I(0), N, I(0), N, N, I(0), I(0), I(0) }, "1\n" },
	{ Q_SERVER_PUT, { S("s2"), S("db"), S("h1"), S("instance-2"), S("stopped"), S("migrating"), I(4), I(1), I(512), I(1), S("u"), S("p"),
			  I(6), I(7), I(8), N, I(1), S("{\"code\":500}"), I(0), S("owner"), S("why"), I(1), I(1), I(1) }, "2\n" },
	{ Q_SERVER_ALL, {}, "1|s1|web|~|instance-1|active|~|1|2|2048|20|u|p|5|~|~|~|0|~|0|~|~|0|0|0|~\n"
			    "2|s2|db|h1|instance-2|stopped|migrating|4|1|512|1|u|p|6|7|8|~|1|{\"code\":500}|0|owner|why|1|1|1|~\n" },
	{ Q_SERVER_PUT, { S("s2"), S("db"), S("h2"), S("instance-2"), S("active"), N, I(1), I(1), I(512), I(1), S("u"), S("p"),
			  I(6), I(9), I(8), N, I(0), N, I(0), N, N, I(0), I(0), I(0) }, "2\n" },
	{ Q_SERVER_PUT, { S("s1"), S("web"), N, S("instance-1"), S("deleted"), N, I(0), I(2), I(2048), I(20), S("u"), S("p"), I(5), N, N, I(10),
			  I(0), N, I(0), N, N, I(0), I(0), I(0) }, "1\n" },
	{ Q_SERVER_ALL, {}, "2|s2|db|h2|instance-2|active|~|1|1|512|1|u|p|6|9|8|~|0|~|0|~|~|0|0|0|~\n" },
	{ Q_SERVER_LAST, {}, "2\n" },
	{ Q_SERVER_GONE, { I(10), N, I(0), I(9) }, "s1|web|p|2|2048|20|5|~|10\n" },
	{ Q_SERVER_GONE, { I(10), S("p"), I(0), I(9) }, "s1|web|p|2|2048|20|5|~|10\n" },
	{ Q_SERVER_GONE, { I(10), S("q"), I(0), I(9) }, "" },
	{ Q_SERVER_GONE, { I(11), N, I(0), I(9) }, "" },
	{ Q_SERVER_GONE, { I(10), N, I(9), I(18) }, "" },
	{ Q_SERVER_GONE, { I(10), N, I(0), I(0) }, "" },
	{ Q_SERVER_SET, { S("s2"), S("db2"), N, S("instance-3"), S("stopped"), S("migrating"), I(4), I(2), I(1024), I(3), S("v"), S("q"),
			  I(7), I(11), N, N, I(1), S("{}"), I(1), S("admin"), N, I(1), I(1), I(0) }, NULL, 1 },
	{ Q_SERVER_ADDRS, { S("s2"), S("[]") }, NULL, 1 },
	{ Q_SERVER_ADDRS, { S("s3"), S("[]") }, NULL, 0 },
	{ Q_SERVER_SET, { S("s3"), S("db2"), N, S("instance-3"), S("stopped"), S("migrating"), I(4), I(2), I(1024), I(3), S("v"), S("q"),
			  I(7), I(11), N, N, I(1), S("{}"), I(0), N, N, I(0), I(0), I(0) }, NULL, 0 },
	{ Q_SERVER_ALL, {}, "2|s2|db2|~|instance-3|stopped|migrating|4|2|1024|3|v|q|7|11|~|~|1|{}|1|admin|~|1|1|0|[]\n" },
	/* an update by conflict, after an insert elsewhere */
	{ Q_HOST_PUT, { S("h9"), S("qemu:///system"), S("u10"), N, I(0), N, I(0), I(0), I(103), N, N, N }, "1\n" },
	{ Q_SERVER_PUT, { S("s2"), S("web"), S("h9"), S("instance-1"), S("active"), N, I(1), I(2), I(2048), I(20), S("u"), S("p"), I(5), N, N, N,
			  I(0), N, I(0), N, N, I(0), I(0), I(0) }, "2\n" },
	{ Q_HOST_RENAME_SERVERS, { S("h9"), S("h5") }, NULL, 1 },
	{ Q_SERVER_ALL, {}, "2|s2|web|h5|instance-1|active|~|1|2|2048|20|u|p|5|~|~|~|0|~|0|~|~|0|0|0|[]\n" },
};

/* Keys, step, what is written once, progress (columns.h). */
#define MIG_1_ONCE "|live-migration|h1|~|{}|u|p|req-1|11|1000"
#define MIG_1_PRIO "|~|{\"priority\":5}|u|p|req-1|11|1000|64|60|4|9|8|1|30\n"
#define MIG_2_ONCE "|evacuation|h2|h3|{}|u|p|req-2|12|2000|0|0|0|0|0|0|0\n"
#define MIG_1 "1|m1|s1|queue|queued|~|0|0|0|0|~|1000|0|~" MIG_1_ONCE "|0|0|0|0|0|0|0\n"
#define MIG_2 "2|m2|s2|queue|accepted|h3|0|0|0|0|~|2000|0|~" MIG_2_ONCE
#define MIG_1_COPY "1|m1|s1|copy|running|h2|1|1|0|1|slow|3000|1|~" MIG_1_ONCE "|0|0|0|0|0|0|0\n"
#define MIG_1_MOVED "1|m1|s1|copy|running|h2|1|1|0|1|slow|3001|1|~|live-migration|h1" MIG_1_PRIO
#define MIG_1_RENAMED "1|m1|s1|copy|running|h8|1|1|0|1|slow|3001|1|~|live-migration|h7" MIG_1_PRIO
#define MIG_2_DONE "2|m2|s2|done|completed|h3|1|0|0|0|~|4000|0|4000|evacuation|h2|h3|{}|u|p|req-2|13|2000|0|0|0|0|0|0|0\n"

/* Q_MIG_LIST: server, host, status, type, source, user, project, since, before, from, below, limit */
#define TOP I(INT64_MAX)

static const struct step migrations[] = {
	{ Q_MIG_INSERT, { S("m1"), S("s1"), S("queue"), S("queued"), N, I(0), I(0), I(0), I(0), N, I(1000), I(0), N, S("live-migration"), S("h1"), N,
			  S("{}"), S("u"), S("p"), S("req-1"), I(11), I(1000) }, "1\n" },
	{ Q_MIG_INSERT, { S("m2"), S("s2"), S("queue"), S("accepted"), S("h3"), I(0), I(0), I(0), I(0), N, I(2000), I(0), N, S("evacuation"), S("h2"),
			  S("h3"), S("{}"), S("u"), S("p"), S("req-2"), I(12), I(2000) }, "2\n" },
	{ Q_MIG_GET, { I(1) }, MIG_1 },
	{ Q_MIG_GET, { I(3) }, "" },
	{ Q_MIG_BY_UUID, { S("m2") }, MIG_2 },
	{ Q_MIG_ACTIVE, {}, MIG_1 MIG_2 },
	{ Q_MIG_PHASE, { I(1), S("queue"), S("copy"), S("running"), S("h2"), I(1), I(1), I(0), I(1), S("slow"), I(3000), I(1), N }, NULL, 1 },
	{ Q_MIG_GET, { I(1) }, MIG_1_COPY },
	/* the race: the phase is not the expected one any more */
	{ Q_MIG_PHASE, { I(1), S("queue"), S("error"), S("error"), N, I(2), I(0), I(0), I(0), N, I(3001), I(0), N }, NULL, 0 },
	{ Q_MIG_PHASE, { I(9), S("queue"), S("error"), S("error"), N, I(2), I(0), I(0), I(0), N, I(3001), I(0), N }, NULL, 0 },
	{ Q_MIG_GET, { I(1) }, MIG_1_COPY },
	{ Q_MIG_OPTIONS, { I(1), S("{\"priority\":5}") }, NULL, 1 },
	{ Q_MIG_PROGRESS, { I(1), I(64), I(60), I(4), I(9), I(8), I(1), I(30), I(3001) }, NULL, 1 },
	{ Q_MIG_ACTION, { I(2), I(13) }, NULL, 1 },
	{ Q_MIG_PHASE, { I(2), S("queue"), S("done"), S("completed"), S("h3"), I(1), I(0), I(0), I(0), N, I(4000), I(0), I(4000) }, NULL, 1 },
	{ Q_MIG_ACTIVE, {}, MIG_1_MOVED },
	{ Q_MIG_LIST, { N, N, N, N, N, N, N, N, N, I(0), TOP, I(10) }, MIG_2_DONE MIG_1_MOVED },
	{ Q_MIG_LIST, { N, N, N, N, N, N, N, N, N, I(0), TOP, I(1) }, MIG_2_DONE },
	{ Q_MIG_LIST, { N, N, N, N, N, N, N, N, N, I(0), I(2), I(10) }, MIG_1_MOVED },
	{ Q_MIG_LIST, { S("s1"), N, N, N, N, N, N, N, N, I(0), TOP, I(10) }, MIG_1_MOVED },
	{ Q_MIG_LIST, { N, S("h2"), N, N, N, N, N, N, N, I(0), TOP, I(10) }, MIG_2_DONE MIG_1_MOVED }, /* as source or as destination */
	{ Q_MIG_LIST, { N, S("h1"), N, N, N, N, N, N, N, I(0), TOP, I(10) }, MIG_1_MOVED },
	{ Q_MIG_LIST, { N, N, S("completed"), N, N, N, N, N, N, I(0), TOP, I(10) }, MIG_2_DONE },
	{ Q_MIG_LIST, { N, N, N, S("live-migration"), N, N, N, N, N, I(0), TOP, I(10) }, MIG_1_MOVED },
	{ Q_MIG_LIST, { N, N, N, N, S("h2"), N, N, N, N, I(0), TOP, I(10) }, MIG_2_DONE },
	{ Q_MIG_LIST, { N, N, N, N, N, N, N, I(4000), N, I(0), TOP, I(10) }, MIG_2_DONE },
	{ Q_MIG_LIST, { N, N, N, N, N, N, N, N, I(3001), I(0), TOP, I(10) }, MIG_1_MOVED },
	{ Q_MIG_LIST, { S("s1"), S("h1"), S("running"), S("live-migration"), S("h1"), N, N, I(1), I(9999), I(0), I(2), I(10) }, MIG_1_MOVED },
	{ Q_MIG_LIST, { S("s1"), S("h1"), S("completed"), N, N, N, N, N, N, I(0), TOP, I(10) }, "" },
	{ Q_MIG_LIST, { N, N, N, N, N, S("u"), S("p"), N, N, I(2), TOP, I(10) }, MIG_2_DONE },
	{ Q_MIG_LIST, { N, N, N, N, N, S("v"), N, N, N, I(0), TOP, I(10) }, "" },
	{ Q_MIG_LIST, { N, N, N, N, N, N, S("q"), N, N, I(0), TOP, I(10) }, "" },
	{ Q_MIG_LIST_SERVER, { S("s1"), N, N, N, N, N, N, N, N, I(0), TOP, I(10) }, MIG_1_MOVED },
	{ Q_MIG_LIST_USER, { N, N, N, N, N, S("u"), N, N, N, I(0), TOP, I(1) }, MIG_2_DONE },
	{ Q_MIG_LIST_USER, { N, N, S("running"), N, N, S("u"), N, N, N, I(0), TOP, I(10) }, MIG_1_MOVED },
	{ Q_MIG_LIST_USER, { N, N, N, N, N, S("v"), N, N, N, I(0), TOP, I(10) }, "" },
	{ Q_MIG_LIST_PROJECT, { N, N, N, N, N, N, S("p"), N, N, I(0), I(2), I(10) }, MIG_1_MOVED },
	{ Q_MIG_LIST_PROJECT, { N, N, N, N, N, N, S("q"), N, N, I(0), TOP, I(10) }, "" },
	{ Q_MIG_LAST, {}, "2\n" },
	/* no migration: it is in none of the lists */
	{ Q_MIG_INSERT, { S("m3"), S("s1"), S("act"), S(""), N, I(0), I(0), I(0), I(0), N, I(2500), I(0), N, S("power"), S("h1"), N,
			  S("{}"), S("u"), S("p"), S("req-3"), I(14), I(2500) }, "3\n" },
	{ Q_MIG_LIST, { N, N, N, N, N, N, N, N, N, I(0), TOP, I(10) }, MIG_2_DONE MIG_1_MOVED },
	{ Q_MIG_LIST_SERVER, { S("s1"), N, N, N, N, N, N, N, N, I(0), TOP, I(10) }, MIG_1_MOVED },
	{ Q_MIG_LAST, {}, "3\n" },
	{ Q_MIG_PHASE, { I(3), S("act"), S("done"), S(""), N, I(0), I(0), I(0), I(0), N, I(4001), I(0), I(4001) }, NULL, 1 },
	{ Q_HOST_RENAME_SOURCES, { S("h1"), S("h7") }, NULL, 2 },
	{ Q_HOST_RENAME_DESTS, { S("h2"), S("h8") }, NULL, 1 },
	{ Q_HOST_RENAME_REQUESTED, { S("h3"), S("h9") }, NULL, 1 },
	{ Q_MIG_LIST, { S("s1"), S("h8"), N, N, S("h7"), N, N, N, N, I(0), TOP, I(10) }, MIG_1_RENAMED },
};

static const struct step events[] = {
	{ Q_MIG_EVENT, { I(7), N, S("queue"), N, I(1) }, NULL, 1 },
	{ Q_MIG_EVENT, { I(7), S("queue"), S("claim"), S("a slot is free"), I(2) }, NULL, 1 },
	{ Q_MIG_EVENT, { I(8), S("x"), S("y"), S("another's"), I(3) }, NULL, 1 },
	{ Q_MIG_EVENTS, { I(7) }, "~|queue|~|1\nqueue|claim|a slot is free|2\n" },
	{ Q_MIG_EVENTS, { I(9) }, "" },
};

/* Q_ACTION_LIST: server, since, before, below, limit */
static const struct step actions[] = {
	{ Q_ACTION_INSERT, { S("s1"), S("create"), S("req-1"), S("u"), S("p"), I(10), I(10) }, "1\n" },
	{ Q_ACTION_INSERT, { S("s1"), S("live-migration"), S("req-2"), S("u"), S("p"), I(20), I(20) }, "2\n" },
	{ Q_ACTION_INSERT, { S("s2"), S("stop"), S("req-3"), S("u"), S("p"), I(30), I(30) }, "3\n" },
	{ Q_ACTION_LIST, { S("s1"), N, N, TOP, I(10) }, "2|s1|live-migration|req-2|u|p|20|20|~\n1|s1|create|req-1|u|p|10|10|~\n" },
	{ Q_ACTION_LIST, { S("s1"), N, N, TOP, I(1) }, "2|s1|live-migration|req-2|u|p|20|20|~\n" },
	{ Q_ACTION_LIST, { S("s1"), N, N, I(2), I(9) }, "1|s1|create|req-1|u|p|10|10|~\n" },
	{ Q_ACTION_FINISH, { I(2), S("Error"), I(25) }, NULL, 1 },
	{ Q_ACTION_LIST, { S("s1"), I(25), N, TOP, I(9) }, "2|s1|live-migration|req-2|u|p|20|25|Error\n" },
	{ Q_ACTION_LIST, { S("s1"), N, I(24), TOP, I(9) }, "1|s1|create|req-1|u|p|10|10|~\n" },
	{ Q_ACTION_GET, { S("s1"), S("req-2") }, "2|s1|live-migration|req-2|u|p|20|25|Error\n" },
	{ Q_ACTION_GET, { S("s2"), S("req-2") }, "" },
	{ Q_AEVENT_START, { I(2), S("compute_live_migration"), S("h1"), I(21) }, NULL, 1 },
	{ Q_AEVENT_START, { I(2), S("conductor"), N, I(22) }, NULL, 1 },
	{ Q_AEVENT_FINISH, { I(2), S("compute_live_migration"), S("Success"), N, I(24) }, NULL, 1 },
	{ Q_AEVENT_FINISH, { I(2), S("compute_live_migration"), S("Error"), S("late"), I(25) }, NULL, 0 }, /* it is finished */
	{ Q_AEVENT_LIST, { I(2) }, "conductor|~|22|~|~|~\ncompute_live_migration|h1|21|Success|~|24\n" },
	{ Q_AEVENT_START, { I(2), S("post"), N, I(25) }, NULL, 1 },
	{ Q_AEVENT_FINISH, { I(2), N, S("Error"), S("gone"), I(26) }, NULL, 2 }, /* all that have no end */
	{ Q_AEVENT_LIST, { I(2) }, "post|~|25|Error|gone|26\nconductor|~|22|Error|gone|26\ncompute_live_migration|h1|21|Success|~|24\n" },
	{ Q_HOST_RENAME_EVENTS, { S("h1"), S("h5") }, NULL, 1 },
	{ Q_AEVENT_LIST, { I(2) }, "post|~|25|Error|gone|26\nconductor|~|22|Error|gone|26\ncompute_live_migration|h5|21|Success|~|24\n" },
};

static const struct step identity[] = {
	{ Q_USER_PUT, { S("u1"), S("admin"), S("$y$hash"), S("p1"), I(1), I(10) }, NULL, 1 },
	{ Q_USER_PUT, { S("u2"), S("demo"), S("$y$hush"), N, I(0), I(11) }, NULL, 1 },
	{ Q_USER_PUT, { S("u2"), S("guest"), S("$y$hash"), S("p1"), I(1), I(12) }, NULL, 1 },
	{ Q_USER_ALL, {}, "u1|admin|$y$hash|p1|1|10\nu2|guest|$y$hash|p1|1|11\n" },
	{ Q_USER_ID, { S("guest") }, "u2\n" },
	{ Q_USER_ID, { S("demo") }, "" },
	{ Q_PROJECT_PUT, { S("p1"), S("admin"), S(""), I(1), I(10) }, NULL, 1 },
	{ Q_PROJECT_PUT, { S("p2"), S("demo"), S("d"), I(1), I(11) }, NULL, 1 },
	{ Q_PROJECT_PUT, { S("p1"), S("ops"), S("the operators"), I(0), I(12) }, NULL, 1 },
	{ Q_PROJECT_ALL, {}, "p1|ops|the operators|0|10\np2|demo|d|1|11\n" },
	{ Q_PROJECT_ID, { S("demo") }, "p2\n" },
	{ Q_GRANT_PUT, { S("u1"), S("p1"), S("admin") }, NULL, 1 },
	{ Q_GRANT_PUT, { S("u1"), S("p1"), S("admin") }, NULL, 0 },
	{ Q_GRANT_PUT, { S("u1"), S("p2"), S("member") }, NULL, 1 },
	{ Q_GRANT_PUT, { S("u2"), S("p2"), S("member") }, NULL, 1 },
	{ Q_GRANT_PUT, { S("u2"), S("p1"), S("reader") }, NULL, 1 },
	{ Q_GRANT_ALL, {}, "u1|p1|admin\nu1|p2|member\nu2|p1|reader\nu2|p2|member\n" },
	{ Q_GRANT_DELETE, { S("u1"), S("p2"), S("admin") }, NULL, 0 },
	{ Q_GRANT_DELETE, { S("u1"), S("p2"), S("member") }, NULL, 1 },
	{ Q_GRANT_DELETE_PROJECT, { S("p1") }, NULL, 2 },
	{ Q_GRANT_DELETE_USER, { S("u2") }, NULL, 1 },
	{ Q_GRANT_ALL, {}, "" },
	{ Q_USER_DELETE, { S("u1") }, NULL, 1 },
	{ Q_PROJECT_DELETE, { S("p1") }, NULL, 1 },
	{ Q_USER_ALL, {}, "u2|guest|$y$hash|p1|1|11\n" },
	{ Q_PROJECT_ALL, {}, "p2|demo|d|1|11\n" },
	{ Q_NOT_BEFORE_PUT, { S("u1"), S(""), I(20) }, NULL, 1 },
	{ Q_NOT_BEFORE_PUT, { S(""), S("p1"), I(21) }, NULL, 1 },
	{ Q_NOT_BEFORE_PUT, { S("u1"), S("p1"), I(22) }, NULL, 1 },
	{ Q_NOT_BEFORE_PUT, { S("u1"), S(""), I(23) }, NULL, 1 },
	{ Q_NOT_BEFORE_ALL, {}, "|p1|21\nu1||23\nu1|p1|22\n" },
	{ Q_NOT_BEFORE_DELETE_PROJECT, { S("p1") }, NULL, 2 },
	{ Q_NOT_BEFORE_ALL, {}, "u1||23\n" },
	{ Q_NOT_BEFORE_DELETE_USER, { S("u1") }, NULL, 1 },
	{ Q_NOT_BEFORE_ALL, {}, "" },
};

#define VOLUME(mig, server, host, path, kind, id) \
	{ Q_VOLUME_INSERT, { I(5), I(mig), I(0), I(0), S(server), S(host), S(path), S(kind) }, id, 1 }

static const struct step definitions[] = {
	{ Q_DEFINITION_INSERT, { I(5), I(7), S("s1"), S("h2"), S("guest"), S("<domain/>"), I(1), I(0) }, "1\n" },
	{ Q_DEFINITION_INSERT, { I(6), I(7), S("s1"), S("h2"), S("replaced"), S("<domain></domain>"), I(0), I(0) }, "2\n" },
	{ Q_DEFINITION_ALL, { N }, "1|7|s1|h2|guest|<domain/>|1|0\n2|7|s1|h2|replaced|<domain></domain>|0|0\n" },
	{ Q_DEFINITION_DUE, { I(2) }, NULL, 1 },
	{ Q_DEFINITION_DELETE, { I(1) }, NULL, 1 },
	{ Q_DEFINITION_ALL, { N }, "2|7|s1|h2|replaced|<domain></domain>|0|1\n" },
	{ Q_DEFINITION_TAKE, { I(2), I(8) }, NULL, 1 },
	{ Q_DEFINITION_ALL, { N }, "2|8|s1|h2|replaced|<domain></domain>|0|0\n" },
	{ Q_DEFINITION_DELETE_UNSURE, { I(2), S("s1"), S("h2"), S("guest") }, NULL, 0 },
	{ Q_HOST_RENAME_DEFINITIONS, { S("h2"), S("h5") }, NULL, 1 },
	{ Q_DEFINITION_ALL, { N }, "2|8|s1|h5|replaced|<domain></domain>|0|0\n" },
	{ Q_DEFINITION_DELETE_UNSURE, { I(2), S("s1"), S("h5"), S("replaced") }, NULL, 1 },
	{ Q_DEFINITION_ALL, { N }, "" },
};

static const struct step volumes[] = {
	VOLUME(7, "s1", "h2", "/p/vda", "disk", "1\n"),
	VOLUME(7, "s1", "h2", "/p/cd", "media", "2\n"),
	VOLUME(7, "s1", "h2", "/p/base", "base", "3\n"),
	VOLUME(8, "s2", "h2", "/q/vda", "disk", "4\n"),
	{ Q_VOLUME_SET, { I(3), I(7), I(0), I(1) }, NULL, 1 },
	{ Q_VOLUME_ALL, { N }, "1|7|0|0|s1|h2|/p/vda|disk\n2|7|0|0|s1|h2|/p/cd|media\n3|7|0|1|s1|h2|/p/base|base\n4|8|0|0|s2|h2|/q/vda|disk\n" },
	/* it moved from h1 */
	{ Q_VOLUME_LEFT, { S("s1"), S("h1") }, NULL, 0 },
	{ Q_VOLUME_MOVED, { I(7), S("h1") }, NULL, 1 },
	{ Q_VOLUME_BROUGHT, { I(7) }, NULL, 1 },
	{ Q_VOLUME_FORGET, { I(7) }, NULL, 1 },
	{ Q_VOLUME_ALL, { N }, "1|7|1|0|s1|h1|/p/vda|disk\n2|0|0|0|s1|h2|/p/cd|media\n4|8|0|0|s2|h2|/q/vda|disk\n" },
	/* the other stayed; the first goes on from h2 */
	{ Q_VOLUME_DUE, { I(8) }, NULL, 1 },
	{ Q_VOLUME_LEFT, { S("s1"), S("h2") }, NULL, 1 },
	{ Q_VOLUME_DELETE, { I(1) }, NULL, 1 },
	{ Q_VOLUME_ALL, { N }, "2|0|1|0|s1|h2|/p/cd|media\n4|8|1|0|s2|h2|/q/vda|disk\n" },
	{ Q_HOST_RENAME_VOLUMES, { S("h2"), S("h5") }, NULL, 2 },
	{ Q_VOLUME_ALL, { N }, "2|0|1|0|s1|h5|/p/cd|media\n4|8|1|0|s2|h5|/q/vda|disk\n" },
};

static const struct step apps[] = {
	{ Q_APP_PUT, { S("a1"), S("u"), S("p"), S("robot"), N, S("$y$1"), S("member,reader"), I(0), N, I(5) }, NULL, 1 },
	{ Q_APP_PUT, { S("a2"), S("u"), S("q"), S("other"), S("text"), S("$y$2"), S("admin"), I(1), I(9), I(6) }, NULL, 1 },
	{ Q_APP_PUT, { S("a3"), S("v"), S("p"), S("robot"), N, S("$y$3"), S("reader"), I(0), N, I(7) }, NULL, 1 },
	{ Q_APP_ALL, {}, "a1|u|p|robot|~|$y$1|member,reader|0|~|5\na2|u|q|other|text|$y$2|admin|1|9|6\na3|v|p|robot|~|$y$3|reader|0|~|7\n" },
	{ Q_APP_DELETE, { S("a1") }, NULL, 1 },
	{ Q_APP_DELETE, { S("a1") }, NULL, 0 },
	{ Q_APP_DELETE_IN, { S("u"), S("p") }, NULL, 0 },
	{ Q_APP_DELETE_IN, { S("u"), S("q") }, NULL, 1 },
	{ Q_APP_DELETE_PROJECT, { S("q") }, NULL, 0 },
	{ Q_APP_DELETE_USER, { S("v") }, NULL, 1 },
	{ Q_APP_ALL, {}, "" },
};

static const struct step revoked[] = {
	{ Q_REVOKED_PUT, { S("a"), I(100) }, NULL, 1 },
	{ Q_REVOKED_PUT, { S("a"), I(200) }, NULL, 0 },
	{ Q_REVOKED_PUT, { S("b"), I(50) }, NULL, 1 },
	{ Q_REVOKED_ALL, { I(99) }, "a|100\n" },
	{ Q_REVOKED_ALL, { I(100) }, "" },
	{ Q_REVOKED_PURGE, { I(50) }, NULL, 1 },
	{ Q_REVOKED_ALL, { I(0) }, "a|100\n" },
};

/* A server that was deleted, one that is there, and what belongs to both. */
static const struct step archive[] = {
	{ Q_SERVER_PUT, { S("s1"), S("web"), N, S("i-1"), S("deleted"), N, I(0), I(2), I(64), I(1), S("u"), S("p"), I(5), I(10), N, I(10),
			  I(0), N, I(0), N, N, I(0), I(0), I(0) }, "1\n" },
	{ Q_SERVER_PUT, { S("s2"), S("db"), N, S("i-2"), S("active"), N, I(1), I(1), I(64), I(1), S("u"), S("p"), I(5), I(10), N, N,
			  I(0), N, I(0), N, N, I(0), I(0), I(0) }, "2\n" },
	{ Q_ACTION_INSERT, { S("s1"), S("stop"), S("r"), S("u"), S("p"), I(6), I(6) }, "1\n" },
	{ Q_ACTION_INSERT, { S("s2"), S("stop"), S("r"), S("u"), S("p"), I(6), I(6) }, "2\n" },
	{ Q_AEVENT_START, { I(1), S("e"), N, I(6) }, NULL, 1 },
	{ Q_AEVENT_START, { I(2), S("e"), N, I(6) }, NULL, 1 },
	{ Q_MIG_INSERT, { S("m1"), S("s1"), S("done"), S("completed"), N, I(0), I(0), I(0), I(0), N, I(7), I(0), I(7), S("live-migration"), S("h1"), N,
			  S("{}"), S("u"), S("p"), S("r"), I(1), I(7) }, "1\n" },
	{ Q_MIG_INSERT, { S("m2"), S("s2"), S("done"), S("completed"), N, I(0), I(0), I(0), I(0), N, I(7), I(0), I(7), S("live-migration"), S("h1"), N,
			  S("{}"), S("u"), S("p"), S("r"), I(1), I(7) }, "2\n" },
	{ Q_MIG_EVENT, { I(1), N, S("done"), N, I(7) }, NULL, 1 },
	{ Q_MIG_EVENT, { I(2), N, S("done"), N, I(7) }, NULL, 1 },
	{ Q_SERVER_DELETED, { I(10), I(0), I(0), I(5) }, "1|s1|web|~|i-1|deleted|~|0|2|64|1|u|p|5|10|~|10|0|~|0|~|~|0|0|0|~\n" },
	{ Q_SERVER_DELETED, { I(10), I(10), I(1), I(5) }, "" },
	{ Q_SERVER_DELETED, { I(11), I(0), I(0), I(5) }, "" },
	{ Q_ARCHIVE_NEXT, { I(10), I(9) }, "" },
	{ Q_ARCHIVE_NEXT, { I(11), I(9) }, "s1|5\n" },
	{ Q_ARCHIVE_MIGS, { S("s1") }, "1|2\n" },
	{ Q_ARCHIVE_ACTIONS, { S("s1") }, "1|2\n" },
	{ Q_ARCHIVE_TAKE, { I(11), I(9) }, NULL, 1 },
	{ Q_ARCHIVE_SERVERS, {}, NULL, 1 },
	{ Q_ARCHIVE_SERVERS_DROP, {}, NULL, 1 },
	{ Q_ARCHIVE_MIG_EVENTS, { I(0) }, NULL, 0 },
	{ Q_ARCHIVE_MIG_EVENTS, { I(1) }, NULL, 1 },
	{ Q_ARCHIVE_MIG_EVENTS_DROP, { I(1) }, NULL, 1 },
	{ Q_ARCHIVE_MIGS_MOVE, { I(1) }, NULL, 1 },
	{ Q_ARCHIVE_MIGS_DROP, { I(1) }, NULL, 1 },
	{ Q_ARCHIVE_ACTION_EVENTS, { I(1) }, NULL, 1 },
	{ Q_ARCHIVE_ACTION_EVENTS_DROP, { I(1) }, NULL, 1 },
	{ Q_ARCHIVE_ACTIONS_MOVE, { I(1) }, NULL, 1 },
	{ Q_ARCHIVE_ACTIONS_DROP, { I(1) }, NULL, 1 },
	{ Q_ARCHIVE_END, {}, NULL, 1 },
	{ Q_MIG_EVENTS, { I(1) }, "" },
	{ Q_MIG_EVENTS, { I(2) }, "~|done|~|7\n" },
	{ Q_PURGE_SERVERS_AT, { I(10), I(0) }, "" },
	{ Q_PURGE_SERVERS_AT, { I(11), I(1) }, "" },
	{ Q_PURGE_SERVERS_AT, { I(11), I(0) }, "10|1\n" },
	{ Q_PURGE_SERVERS, { I(11), I(10), I(0) }, NULL, 0 },
	{ Q_PURGE_SERVERS, { I(11), I(10), I(1) }, NULL, 1 },
	{ Q_PURGE_MIGS_AT, { I(11), I(0) }, "10|1\n" },
	{ Q_PURGE_MIGS, { I(11), I(10), I(1) }, NULL, 1 },
	{ Q_PURGE_MIG_EVENTS_AT, { I(11), I(0) }, "10|1\n" },
	{ Q_PURGE_MIG_EVENTS, { I(11), I(10), I(1) }, NULL, 1 },
	{ Q_PURGE_ACTIONS_AT, { I(11), I(0) }, "10|1\n" },
	{ Q_PURGE_ACTIONS, { I(11), I(10), I(1) }, NULL, 1 },
	{ Q_PURGE_ACTION_EVENTS_AT, { I(11), I(0) }, "10|1\n" },
	{ Q_PURGE_ACTION_EVENTS, { I(11), I(10), I(1) }, NULL, 1 },
	{ Q_CARE_RAN, { S("a"), I(6) }, NULL, 1 },
	{ Q_CARE_RAN, { S("a"), I(7) }, NULL, 1 },
	{ Q_CARE_RUNS, {}, "a|7\n" },
	{ Q_CONSOLE_TOKEN_PUT, { S("hash"), S("u1"), S("serial"), S("alice"), S("p1"), I(5), I(6), S("app") }, NULL, 1 },
	{ Q_CONSOLE_TOKENS, {}, "hash|u1|serial|alice|p1|5|6|app\n" },
	{ Q_CONSOLE_TOKEN_EXPIRES, { S("hash"), N }, NULL, 1 },
	{ Q_CONSOLE_TOKEN_EXPIRES, { S("other"), I(7) }, NULL, 0 },
	{ Q_CONSOLE_TOKENS, {}, "hash|u1|serial|alice|p1|5|~|app\n" },
	{ Q_CONSOLE_TOKEN_DELETE, { S("hash") }, NULL, 1 },
	{ Q_CONSOLE_TOKENS, {}, "" },
};

/* What belongs to nothing: found, and taken away; what has not expired, or has an owner, stays. */
static const struct step audit[] = {
	{ Q_AUDIT_TASKS, {}, "" },
	{ Q_AUDIT_LEFT, {}, "" },
	{ Q_CONSOLE_TOKEN_PUT, { S("hash"), S("u1"), S("serial"), S("alice"), S("p1"), I(5), N, N }, NULL, 1 },
	{ Q_ORPHAN_CONSOLE_TOKENS, { I(1) }, "1\n" },
	{ Q_ORPHAN_CONSOLE_TOKENS_DROP, { I(1) }, NULL, 1 },
	{ Q_ORPHAN_CONSOLE_TOKENS, { I(1) }, "0\n" },
	{ Q_REVOKED_PUT, { S("a"), I(5) }, NULL, 1 },
	{ Q_ORPHAN_REVOKED, { I(4) }, "0\n" },
	{ Q_ORPHAN_REVOKED, { I(5) }, "1\n" },
	{ Q_NOT_BEFORE_PUT, { S(""), S(""), I(1) }, NULL, 1 },
	{ Q_NOT_BEFORE_PUT, { S("alice"), S(""), I(1) }, NULL, 1 },
	{ Q_ORPHAN_NOT_BEFORE, {}, "1\n" },
	{ Q_ORPHAN_NOT_BEFORE_DROP, {}, NULL, 1 },
	{ Q_NOT_BEFORE_ALL, {}, "||1\n" },
	{ Q_GRANT_PUT, { S("alice"), S("p1"), S("member") }, NULL, 1 },
	{ Q_ORPHAN_GRANTS, {}, "1\n" },
	{ Q_ORPHAN_GRANTS_DROP, {}, NULL, 1 },
	{ Q_ORPHAN_APPS, {}, "0\n" },
	{ Q_ORPHAN_APPS_DROP, {}, NULL, 0 },
	{ Q_ORPHAN_MIG_EVENTS, {}, "0\n" },
	{ Q_ORPHAN_MIG_EVENTS_DROP, {}, NULL, 0 },
	{ Q_ORPHAN_ACTION_EVENTS, {}, "0\n" },
	{ Q_ORPHAN_ACTION_EVENTS_DROP, {}, NULL, 0 },
	{ Q_ORPHAN_DEFINITIONS, {}, "0\n" },
	{ Q_ORPHAN_DEFINITIONS_DROP, {}, NULL, 0 },
	{ Q_ORPHAN_MARKERS, {}, "0\n" },
	{ Q_ORPHAN_MARKERS_DROP, {}, NULL, 0 },
	{ Q_HA_PUT, { S("h9"), S("fence"), I(1) }, NULL, 1 },
	{ Q_ORPHAN_HA, {}, "1\n" },
	{ Q_ORPHAN_HA_DROP, {}, NULL, 1 },
	{ Q_ORPHAN_PLAN_HOSTS, {}, "0\n" },
	{ Q_ORPHAN_PLAN_HOSTS_DROP, {}, NULL, 0 },
	{ Q_ORPHAN_PLAN_STEPS, {}, "0\n" },
	{ Q_ORPHAN_PLAN_STEPS_DROP, {}, NULL, 0 },
};

static const struct step schema[] = {
	{ Q_SCHEMA_SET, { I(77) }, NULL, 1 },
	{ Q_SCHEMA_VERSION, {}, "77\n" },
	{ Q_LEADER_TAKE, { S("a"), S("host, process 7"), I(5) }, NULL, 1 },
};

/* What a value may hold, through a column of text and one of integers. */
static const struct step values[] = {
	{ Q_PROJECT_PUT, { S("quotes"), S("a'b\"c`d\\e$1;--%s"), S("line\n\ttab\r"), I(INT64_MAX), I(1) }, NULL, 1 },
	{ Q_PROJECT_PUT, { S("utf8"), S("Müller \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\x84"), S(""), I(INT64_MIN), I(2) }, NULL, 1 },
	{ Q_PROJECT_PUT, { S("not utf8"), S("a\xff\xfe"), S("\xc3"), I(-1), I(3) }, NULL, 1 },
	{ Q_PROJECT_ALL, {}, "quotes|a'b\"c`d\\e$1;--%s|line\n\ttab\r|9223372036854775807|1\n"
			     "utf8|Müller \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\x84||-9223372036854775808|2\n"
			     "not utf8|a\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd|-1|3\n" },
};

static const struct {
	const char *name;
	const struct step *steps;
	size_t n;
} records[] = {
	{ "hosts", hosts, G_N_ELEMENTS(hosts) },
	{ "kept", kept, G_N_ELEMENTS(kept) },
	{ "markers", markers, G_N_ELEMENTS(markers) },
	{ "ha", ha, G_N_ELEMENTS(ha) },
	{ "plans", plans, G_N_ELEMENTS(plans) },
	{ "servers", servers, G_N_ELEMENTS(servers) },
	{ "migrations", migrations, G_N_ELEMENTS(migrations) },
	{ "events", events, G_N_ELEMENTS(events) },
	{ "actions", actions, G_N_ELEMENTS(actions) },
	{ "identity", identity, G_N_ELEMENTS(identity) },
	{ "volumes", volumes, G_N_ELEMENTS(volumes) },
	{ "definitions", definitions, G_N_ELEMENTS(definitions) },
	{ "application-credentials", apps, G_N_ELEMENTS(apps) },
	{ "revoked", revoked, G_N_ELEMENTS(revoked) },
	{ "archive", archive, G_N_ELEMENTS(archive) },
	{ "audit", audit, G_N_ELEMENTS(audit) },
	{ "schema", schema, G_N_ELEMENTS(schema) },
	{ "values", values, G_N_ELEMENTS(values) },
};

static void do_step(struct store *s, const struct step *t, size_t at)
{
	const struct query_def *def = &query_table[t->q];
	g_autoptr(GError) err = NULL;
	g_autofree char *got = NULL;
	int64_t changed = -1;

	if (t->want) {
		got = fx_dump(s, t->q, t->args, (size_t)def->args, &err);
		if (g_strcmp0(got, t->want) != 0)
			g_error("step %zu, %s: got \"%s\", want \"%s\" (%s)", at, def->name, got, t->want, err ? err->message : "no error");
		return;
	}
	if (!store_run(s, t->q, t->args, (size_t)def->args, &changed, &err))
		g_error("step %zu, %s: %s", at, def->name, err->message);
	if (changed != t->changed)
		g_error("step %zu, %s: %d rows changed, want %d", at, def->name, (int)changed, t->changed);
}

static void test_records(const void *data)
{
	size_t which = GPOINTER_TO_SIZE(data);
	g_autoptr(store) s = NULL;

	fx_reset();
	s = fx_open();
	for (size_t i = 0; i < records[which].n; i++)
		do_step(s, &records[which].steps[i], i);
}

static void test_every_query_is_here(void)
{
	bool seen[Q_N] = { false };

	for (size_t i = 0; i < G_N_ELEMENTS(records); i++)
		for (size_t j = 0; j < records[i].n; j++)
			seen[records[i].steps[j].q] = true;
	for (int q = 0; q < Q_N; q++)
		if (!seen[q])
			g_error("%s is in no table of t_records.c", query_table[q].name);
}

/* ---- what is no table ---- */

static bool count_to_two(const struct store_row *row, void *user)
{
	int *n = user;

	(void)row;
	return ++*n < 2;
}

static void test_early_stop(void)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;
	int64_t changed = 0;
	int n = 0;

	fx_reset();
	s = fx_open();
	g_assert_true(fx_put_host(s, "a", true, &err) && fx_put_host(s, "b", true, &err) && fx_put_host(s, "c", true, &err));
	g_assert_true(store_each(s, Q_HOST_ALL, STORE_NO_ARGS, count_to_two, &n, &err));
	g_assert_cmpint(n, ==, 2);
	/* the statement is free again, and nothing is held */
	g_assert_true(fx_put_host(s, "d", false, &err));
	/* whose row is left alone */
	g_assert_true(store_run(s, Q_HOST_PUT, FX_HOST("d", "new", 2), &changed, &err));
	g_assert_cmpint(changed, ==, 1);
	n = -100;
	g_assert_true(store_each(s, Q_HOST_ALL, STORE_NO_ARGS, count_to_two, &n, &err));
	g_assert_cmpint(n, ==, -96);
}

struct cells {
	int64_t null_int, big;
	bool null_text, ok;
	size_t len;
};

static bool read_cells(const struct store_row *row, void *user)
{
	struct cells *c = user;

	c->null_int = store_int(row, 3);
	c->null_text = store_text(row, 3) == NULL;
	c->big = store_int(row, 5);
	c->len = strlen(store_text(row, 1));
	c->ok = true;
	return true;
}

static void test_cells(void)
{
	g_autofree char *mib = g_strnfill(1 << 20, 'x');
	g_autoptr(GError) err = NULL;
	g_autoptr(store) s = NULL;
	struct cells c = { .null_int = 5 };

	fx_reset();
	s = fx_open();
	g_assert_true(store_run(s, Q_USER_PUT, STORE_ARGS(SV_S("u"), SV_S("n"), SV_S(mib), SV_NULL, SV_I(1), SV_I(INT64_MIN)), NULL, &err));
	g_assert_no_error(err);
	g_assert_true(store_run(s, Q_MIG_EVENT, STORE_ARGS(SV_I(1), SV_S(mib), SV_S("x"), SV_S(NULL), SV_I(1)), NULL, &err));
	g_assert_no_error(err);
	g_assert_true(store_each(s, Q_USER_ALL, STORE_NO_ARGS, read_cells, &c, &err));
	g_assert_true(c.ok && c.null_text);
	g_assert_cmpint(c.null_int, ==, 0);
	g_assert_true(c.big == INT64_MIN);
	g_autofree char *back = fx_dump(s, Q_MIG_EVENTS, STORE_ARGS(SV_I(1)), &err);
	g_assert_cmpuint(strlen(back), ==, (1 << 20) + strlen("|x|~|1\n"));
}

void t_records_add(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
		g_autofree char *path = g_strconcat("/store/records/", records[i].name, NULL);

		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_records);
	}
	g_test_add_func("/store/records/every-query", test_every_query_is_here);
	g_test_add_func("/store/records/early-stop", test_early_stop);
	g_test_add_func("/store/records/cells", test_cells);
}
