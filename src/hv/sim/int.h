/* SPDX-License-Identifier: Apache-2.0
 *
 * sim_int: what the simulator's files share. No other file includes it.
 */
#ifndef SIM_INT_H
#define SIM_INT_H

#include "base/clock.h"
#include "base/err.h"
#include "hv/sim/sim.h"

#define SIM_MIB ((double)(1 << 20))
#define SIM_PAGE 4096

/* Durations as measured on real hosts. */
#define SIM_KEEPALIVE_MS 25000 /* a silent connection of the controller */
#define SIM_PEER_LOST_MS 27000 /* a silent connection between two libvirtds */
#define SIM_NO_ROUTE_MS  3000  /* connecting to what is not there */
#define SIM_LOCK_MS      30000 /* waiting for a domain's job lock */

struct sim_call;
struct sim_copy;
struct sim_job;

#define SIM_TORN (-1) /* content: not all of it is there */

/* A file, by its path in a storage. */
struct sim_file {
	char *path, *format, *backing;
	int64_t capacity, allocation; /* bytes */
	int64_t content;              /* which one; 0: empty */
	bool stranger;                /* not made by us */
	const struct sim_host *maker; /* by a call; NULL */
	int64_t made_ms;
};

/* Files that one host has for itself or that several share. */
struct sim_storage {
	char *name;
	GHashTable *files;     /* path -> struct sim_file *, owned */
};

/* A disk of a guest, the same to every copy of its domain. */
struct sim_disk {
	char *target, *path, *format;
	bool network, cdrom;   /* a CD-ROM is read-only */
	bool loopback;         /* .network, and its server is "localhost" */
	bool device;           /* .path is a block device's */
	char *pool;            /* the description names it as a volume of that one; NULL */
	const struct sim_file *lun; /* a device: the one that the guest has written to */
	int64_t capacity;
	int64_t newest;        /* the content that the guest has last written */
};

/* What a libvirtd that comes back does to a domain whose migration it left in the middle. */
enum sim_repair { SIM_REPAIR_NOTHING, SIM_REPAIR_RESUME, SIM_REPAIR_STOP };

struct sim_host {
	struct sim *w;
	char *name;
	char uuid[UTIL_UUID_LEN + 1];
	int vcpus;
	int64_t mem_mib, disk_gib, latency_ms, cache_ms;
	char *cpu_model;
	char **cpu_features;
	int64_t hv_version;
	int nodes, threads;
	int64_t huge_pages, tsc_hz;
	struct hv_numa *numa;  /* NULL until it is asked for */
	bool tpm, no_persist;
	GHashTable *lacks;     /* char *: what it has not; a set */
	double rate;           /* bytes a second, each way; 0: at once */
	struct sim_storage *storage; /* the world's */
	bool on, libvirtd, link;
	int64_t pool_free_ms;  /* until then its pool is busy */
	int64_t deaths;        /* of its libvirtd: what an earlier one was sent is gone */
	GHashTable *devices;   /* path -> struct sim_device *, owned */
	GHashTable *probes;    /* uuid, owned */
	GHashTable *pools;     /* name -> struct sim_pool *, owned */
	GHashTable *doms;      /* uuid -> struct sim_dom *, owned */
	GHashTable *named;     /* name -> struct sim_dom *, the first of its namesakes */
	int64_t active_mib;    /* memory of the active ones */
	int64_t used_gib;      /* of its disk, by all of them */
	GPtrArray *jobs;       /* migrations from or to it */
	GPtrArray *copies;     /* struct sim_copy * from or to it */
	GPtrArray *conns;      /* struct sim_conn * of the controller */
	GPtrArray *stalled;    /* struct sim_call * that wait for the link */
	struct clock_timer *heal;
	enum sim_fault_kind heal_what;
};

struct sim_dom {
	struct sim_host *host;
	char uuid[UTIL_UUID_LEN + 1];
	char *name, *title, *description;
	struct sim_dom *namesake; /* the next one of that name on the host; NULL */
	int64_t mem_mib;
	int vcpus;
	GPtrArray *disks;        /* struct sim_disk *; shared by all copies of the domain */
	int64_t disk_gib;        /* of the local ones */
	double disk_dirty;       /* bytes a second */
	bool no_start;
	char *cpu_model;
	char **cpu_features;
	char *vnc_listen;
	char *ties;              /* words, commas between; NULL */
	bool tied;                /* there is more to tell of its ties than that it has none */
	struct hv_place *place;
	bool persistent;
	char *definition;        /* if persistent: see sim_definition_of() */
	bool unwritten;          /* it is what the domain is now, and was not asked for yet */
	struct hv_kept kept;
	char *unreadable;        /* as in struct hv_dom */
	enum hv_state state;     /* once it is on its host: sim_dom_put() writes it */
	enum hv_reason reason;
	bool whole;              /* the guest's memory is here, and is the newest */
	double dirty;            /* bytes a second */
	double working, hot;     /* bytes */
	struct sim_job *job;     /* the migration that it is a half of */
	struct hv_job completed; /* of an incoming one, until it is read */
	bool has_completed;
	enum sim_repair repair;
	GPtrArray *waiting;      /* struct sim_call * that want the job lock */
};

/* One connection of the controller; hv_host.impl. */
struct sim_conn {
	struct hv_host *h;
	struct sim_host *host;
	bool open;
	bool closing;             /* HV_EV_CLOSED is on its way */
	struct clock_timer *opening, *keepalive, *deliver;
	GQueue events;            /* struct sim_event * */
	GPtrArray *calls;         /* struct sim_call *, in order of their submission */
};

/* One call under way. Where it waits is said by .timer, .parked and .job. */
struct sim_call {
	struct sim *w;
	struct hv_call *call;
	guint at;                  /* in the world's calls */
	struct sim_conn *conn;     /* NULL when the connection is gone: the answer is dropped */
	struct sim_host *host;
	int64_t deaths;            /* of the host's libvirtd, when it was sent */
	enum sim_fault_kind fault; /* SIM_FAULT_N: none */
	int64_t fault_ms;
	char *hold;                /* the name of the rule that holds it */
	bool acted;                /* only the reply is still to be delivered */
	struct clock_timer *timer;
	GPtrArray *parked;         /* the list that it waits in */
	struct sim_job *job;       /* the migration whose end it waits for */
	struct sim_copy *copy;     /* the copy of a file that it waits for */
};

struct sim {
	GHashTable *hosts;    /* name -> struct sim_host *, owned */
	GHashTable *storages; /* name -> struct sim_storage *, owned */
	GHashTable *disks;    /* uuid, owned -> GPtrArray of struct sim_disk * */
	GHashTable *reports;  /* uuid, owned -> struct sim_job_report *, owned: of migrations that ended */
	GHashTable *died;     /* uuid, owned: guests that a fault or a test ended */
	GHashTable *addrs;    /* uuid, owned -> GArray of struct hv_addr: what a guest's interfaces have, wherever it runs */
	GHashTable *apart;    /* "h1 h2", owned: they cannot reach each other, but the controller reaches both */
	GHashTable *copies;   /* uuid, owned -> GPtrArray of struct sim_dom *, on whatever host */
	GHashTable *aliases;  /* the controller's names of hosts -> struct sim_host * */
	GPtrArray *jobs;      /* struct sim_job *, owned */
	GPtrArray *calls;     /* struct sim_call *, owned: all that are under way */
	GPtrArray *held;      /* struct sim_call * at a hold rule */
	GPtrArray *rules;     /* struct rule *, see gate.c */
	GPtrArray *hung;      /* struct sim_call * that will not be answered */
	GRand *rand;
	int64_t n_calls, n_hits;
	bool dead;            /* the controller was killed */
	char *violation;
	void (*on_kill)(void *user);
	void *kill_user;
	sim_call_f *on_call;
	void *call_user;
};

/* ---- sim.c: connections and calls ---- */

/* The world that URIs lead to; made if there is none. */
struct sim *sim_current(void);
/* Something that must never happen; the first is kept. */
void sim_violate(struct sim *w, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* The link is back: events that waited go on. */
void sim_wake_conns(struct sim_host *host);
/* Tell every connection of a host. */
void sim_emit(struct sim_host *host, const struct hv_event *ev);
/* The same of a domain's state. */
void sim_emit_dom(const struct sim_dom *d);
/* The connection is lost: its calls too, HV_EV_CLOSED follows. */
void sim_conn_drop(struct sim_conn *c, const char *why);
/* The host got the request, or can be reached again. */
void sim_call_arrive(struct sim_call *sc);
/* The same, as a timer of the call. */
void sim_call_retry(void *user);
/* The call has its answer, in call->reply. */
void sim_call_finish(struct sim_call *sc);
/* Complete it now, whatever it waited for. */
void sim_call_end(struct sim_call *sc);
/* Put it into a list, out of the one it is in; NULL: into none. */
void sim_call_park(struct sim_call *sc, GPtrArray *where);
/* Refuse it: set the error and finish. */
void sim_call_refuse(struct sim_call *sc, enum err_code code, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/* ---- gate.c ---- */

/* Choose what happens to a call. Return: false if the controller that made it is dead. */
bool sim_gate(struct sim_call *sc);
/* Faults at arrival. Return: false if the request goes no further now. */
bool sim_gate_request(struct sim_call *sc);
/* Faults at the reply. Return: false if it goes no further now. */
bool sim_gate_reply(struct sim_call *sc);
/* A migration has begun: faults after its act strike now, when it is under way. */
void sim_gate_started(struct sim_call *sc);
void sim_gate_free(struct sim *w);

/* ---- host.c ---- */

struct sim_host *sim_host_find(struct sim *w, const char *name);
struct sim_host *sim_host_new(struct sim *w, const char *name, const struct sim_host_spec *spec);
/* From "sim://NAME?...": found, or made with its domains. */
struct sim_host *sim_host_of_uri(struct sim *w, const char *uri);
void sim_host_free(struct sim_host *h);
/* Can packets reach it? */
bool sim_host_reachable(const struct sim_host *h);
/* Can they reach each other? */
bool sim_hosts_connected(const struct sim_host *a, const struct sim_host *b);
int64_t sim_host_mem_free(const struct sim_host *h);
void sim_act_host_get(struct sim_call *sc);
/* An outage by a rule; it ends after @ms, if that is not 0. */
void sim_host_outage(struct sim_host *h, enum sim_fault_kind kind, int64_t ms);

/* ---- dom.c ---- */

struct sim_dom *sim_dom_new(struct sim_host *h, const struct sim_dom_spec *spec);
/* A copy on another host, PAUSED and being started. */
struct sim_dom *sim_dom_incoming(struct sim_host *h, const struct sim_dom *from);
/* Drop it from its host; its job must be gone. */
void sim_dom_drop(struct sim_dom *d);
void sim_dom_free(struct sim_dom *d);
struct sim_dom *sim_dom_get(struct sim_host *h, const char *uuid);
/* Set the state and nothing else. */
void sim_dom_put(struct sim_dom *d, enum hv_state state);
/* Set the state; no event. Notes a violation when it runs twice. */
void sim_dom_state(struct sim_dom *d, enum hv_state state, enum hv_reason reason);
/* Set it and tell. */
void sim_dom_change(struct sim_dom *d, enum hv_state state, enum hv_reason reason);
/* QEMU is gone: shut off with a reason, or dropped if it has no definition. */
void sim_dom_stop(struct sim_dom *d, enum hv_reason reason);
/* It is shut off: it goes, with its definition. */
void sim_dom_undefine(struct sim_dom *d);
bool sim_dom_active(const struct sim_dom *d);
/* A fault takes its memory away: if that is the guest's, the guest has died. Call it before the state changes. */
void sim_dom_died(const struct sim_dom *d);
/* The job lock is held: the call tries again when it is free, for a while. */
void sim_dom_wait(struct sim_call *sc, struct sim_dom *d);
/* Let calls that waited for the job lock try again. */
void sim_dom_unlock(struct sim_dom *d);
/* Deterministic UUID from a text. */
void sim_uuid(char out[static UTIL_UUID_LEN + 1], const char *text);
/* Carry out the ops on one domain, and HV_DOM_LIST. */
void sim_act_dom(struct sim_call *sc);

/* ---- define.c: definitions ---- */

/* The UUID of another domain of that name on the host; NULL. Borrowed. */
const char *sim_name_taken(const struct sim_host *h, const char *name, const char *uuid);

/* Into struct hv_dom.kept. */
void sim_kept_describe(const struct sim_dom *d, struct hv_kept *ret);
/* Borrowed; NULL: it has none. A thousand domains are made sooner than described: each is described when it is asked for. */
const char *sim_definition_of(struct sim_dom *d);
/* From now on it has this definition, taken; NULL: none. */
void sim_dom_define(struct sim_dom *d, char *definition);
/* HV_DOM_DEFINITION, _DEFINE, _UNDEFINE, _AUTOSTART; @d: NULL if there is none. */
void sim_act_define(struct sim_call *sc, struct sim_dom *d);

/* ---- store.c: files ---- */

/* The storage of that name; made if there is none. "local": @host's own. */
struct sim_storage *sim_storage_get(struct sim *w, const char *name, const char *host);
void sim_storage_free(struct sim_storage *s);
struct sim_file *sim_file_find(const struct sim_storage *s, const char *path);
/* A file like another one, with nothing in it; it replaces one of the same path. */
struct sim_file *sim_file_make(struct sim_storage *s, const char *path, const char *format, const char *backing, int64_t capacity);
void sim_file_drop(struct sim_storage *s, const char *path);
/* If its pool is busy, say so; a call of every HV_VOL_* looks into it first. Return: it is, and the call has its answer. */
bool sim_pool_busy(struct sim_call *sc, const struct sim_host *h);
/* HV_VOL_GET, _CREATE, _DELETE. */
void sim_act_vol(struct sim_call *sc);

/* ---- disk.c: what guests have in them ---- */

/* The disks of a new domain: those of its other copies, or new ones with their files. */
GPtrArray *sim_disks_new(struct sim_host *h, const char *uuid, const struct sim_dom_spec *spec);
void sim_disk_free(struct sim_disk *k);
/* The disk that this file is, on whatever host; NULL if it is none. @ret_uuid: whose; NULL if that is of no interest */
struct sim_disk *sim_disk_of_path(struct sim *w, const char *path, const char **ret_uuid);
/* Is a domain there that sees the file and has it, or is over it? @active: and has it open */
bool sim_disk_in_use(const struct sim *w, const struct sim_storage *s, const char *path, bool active);
/* The guest is let run: on the newest content of its disks? From now on this is the newest. */
void sim_disks_run(struct sim_dom *d);
/* The same, by a test's hand: whatever was there. */
void sim_disks_force(struct sim_dom *d);
/* Its files go, where no other copy of the domain sees them. */
void sim_disks_remove(struct sim_dom *d);
/* GiB of its local disks. */
int64_t sim_disks_gib(const struct sim_dom *d);
/* Into struct hv_dom.disks. */
void sim_disks_describe(const struct sim_dom *d, GPtrArray *out);
/* What libvirt says against a migration for the disks' sake; @xml: of the destination's domain, or NULL. Return: the words, owned; NULL when there is nothing. */
char *sim_disks_say(const struct sim_dom *src, const struct sim_host *to, const char *const *copy, const char *xml);
/* The disks to copy; their files at the destination are being written from now on. Return: owned; NULL: none. */
GPtrArray *sim_disks_begin(const struct sim_dom *src, struct sim_host *to, const char *const *copy);
/* Bytes of them. */
double sim_disks_bytes(const struct sim_host *from, const GPtrArray *disks);
/* The last write to the source's file is in the destination's. */
void sim_disks_arrive(const struct sim_host *from, struct sim_host *to, const GPtrArray *disks);

/* ---- device.c: block devices, probes, pools ---- */

void sim_devices_new(struct sim_host *h);
void sim_devices_free(struct sim_host *h);
/* What a host has at a disk's path: the file, or the device's lun; NULL for nothing, and for a network disk. */
struct sim_file *sim_disk_file(const struct sim_host *h, const struct sim_disk *k);
/* HV_DEVICE_GET, HV_VOL_FIND. */
void sim_act_device(struct sim_call *sc);
void sim_act_find(struct sim_call *sc);
/* A probe is undefined; another domain is none of them. */
void sim_probe_drop(struct sim_host *h, const char *uuid);
/* The folder of a pool. Return: owned; NULL if there is none, or if it is not active. */
char *sim_pool_target(const struct sim_host *h, const char *name);
/* A call has made that file: the pool of its folder is refreshed. */
void sim_pool_looked(struct sim_host *h, const char *path);
/* Does a host's pool list it? Not what came after its last refresh. */
bool sim_pool_lists(const struct sim_host *h, const char *name, const char *path);

/* ---- copy.c: HV_VOL_COPY ---- */

void sim_act_copy(struct sim_call *sc);
/* The call waits for its copy no more, which ends in the middle. */
void sim_copy_forget(struct sim_call *sc);
/* How many copies use that direction of a host's link. */
int sim_copy_flows(const struct sim_host *h, bool out);
/* A flow on the host's link began or ended. */
void sim_copy_replan_host(struct sim_host *h);
/* The host's power, cable or libvirtd changed. */
void sim_copy_host_changed(struct sim_host *h);

/* ---- ties.c ---- */

/* Set ties and place of a new domain. */
void sim_ties_new(struct sim_dom *d, const struct sim_dom_spec *spec);
bool sim_ties_has(const struct sim_dom *d, const char *word);
void sim_ties_write_domain(GString *s, const struct sim_dom *d);
void sim_ties_write_cells(GString *s, const struct sim_dom *d);
void sim_ties_write_devices(GString *s, const struct sim_dom *d);
/* Fill ties, and nics where they are tied. */
void sim_ties_describe(const struct sim_dom *d, struct hv_dom *o);
void sim_ties_host(struct sim_host *h, struct hv_host_info *i);
/* What a host says against it; @xml: that of the migration, or NULL. Return: owned, NULL for nothing. */
char *sim_ties_refuse(const struct sim_dom *d, const struct sim_host *to, const char *xml);
/* It has the place that @xml says; a violation if a CPU of its own is another's. */
void sim_ties_arrive(struct sim_dom *d, const char *xml);

/* ---- xml.c ---- */

struct sim_xml {
	char *uuid, *name, *description, *cpu_mode, *cpu_model, *vnc_listen;
	GPtrArray *cpu_features; /* char *, NULL-terminated */
	int64_t mem_kib;
};

#define SIM_PASSTHROUGH "host-passthrough" /* the CPU that the host has */
#define SIM_BRIDGE "br0" /* each guest is on it */

char *sim_xml_write(const struct sim_dom *d);
/* The host's <cpu>; owned. */
char *sim_xml_write_cpu(const struct sim_host *h);
/* Return: what could be read, owned; NULL if it is no XML. */
struct sim_xml *sim_xml_read(const char *text);
/* The same of its <cpu> alone, or of a host's. */
struct sim_xml *sim_xml_read_cpu(const char *text);
void sim_xml_free(struct sim_xml *x);
/* NULL if @h can run the CPU, else what is missing; owned. */
char *sim_cpu_missing(const struct sim_host *h, const char *model, const char *const *features);

/* ---- job.c: migrations ---- */

void sim_act_migrate(struct sim_call *sc);
/* HV_LOOKUP. */
void sim_act_lookup(struct sim_call *sc);
void sim_act_job(struct sim_call *sc);
void sim_job_free(struct sim_job *j);
/* The call waits for its migration no more. */
void sim_job_forget(struct sim_call *sc);
bool sim_job_incoming(const struct sim_dom *d);
/* Does its libvirt tell of a migration of it? Not of one that was cancelled and hangs on. */
bool sim_job_told(const struct sim_dom *d);
/* One of its domains was destroyed or its QEMU died; call before the state is changed. */
void sim_job_killed(struct sim_dom *d);
/* The guest was suspended: it writes no more. */
void sim_job_account(struct sim_job *j);
/* What one more or less flow gets of a link, bytes a second; INFINITY: at once. @out: of its sending half */
double sim_job_share(const struct sim_host *h, bool out);
/* A flow began or ended: those that share a link with it have another rate now. */
void sim_job_replan_host(struct sim_host *h);
/* The same on both links of a migration. */
void sim_job_replan(struct sim_job *j);
/* A host's link, rate or power changed: rates and time limits of its jobs follow. */
void sim_job_link(struct sim_host *h);
void sim_job_host_off(struct sim_host *h);
void sim_job_libvirtd_off(struct sim_host *h);
/* libvirtd is back: it looks after what it finds. */
void sim_job_libvirtd_on(struct sim_host *h);

#endif
