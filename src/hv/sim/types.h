/* SPDX-License-Identifier: Apache-2.0
 *
 * types: what the simulated world is made of.
 *
 * Physics is below (host, dom, file, device, disk, link, job, postcopy, course, copy,
 * fail, outage): it knows no call and no connection, and tells of what happens by
 * sim_notify(). In front of it are connections, calls, the gate and the acts that
 * answer calls (conn, call, gate, act_*); sim.c puts both together.
 */
#ifndef SIM_TYPES_H
#define SIM_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/clock.h"
#include "base/err.h"
#include "hv/hv.h"
#include "hv/sim/fault.h"

#define SIM_MIB ((double)(1 << 20))
#define SIM_PAGE 4096

/* Durations as measured on real hosts. */
#define SIM_KEEPALIVE_MS 25000 /* a silent connection of the controller */
#define SIM_PEER_LOST_MS 27000 /* a silent connection between two libvirtds */
#define SIM_NO_ROUTE_MS  3000  /* connecting to what is not there */
#define SIM_AGAIN_MS     200   /* ... that comes meanwhile: packets go out so often (hv/reach.h) */

struct sim;
struct sim_call;
struct sim_copy;
struct sim_job;

#define SIM_TORN (-1) /* content: not all of it is there */

/* A file, by its path in a storage. */
struct sim_file {
	char *path, *format, *backing;
	int64_t capacity, allocation; /* bytes */
	int64_t content;              /* which one; 0: empty */
	struct qcow2_head head;       /* what else is in it; .told and .qcow2 do not count */
	bool stranger;                /* not made by us */
	const struct sim_host *maker; /* by a call; NULL */
	int64_t made_ms;
	int64_t changed_ns;           /* its ctime */
};

/* Files that one host has for itself or that several share. */
struct sim_storage {
	char *name;
	GHashTable *files;     /* path -> struct sim_file *, owned */
	bool full;             /* what is copied into it finds no space */
};

/* A disk of a guest, the same to every copy of its domain. */
struct sim_disk {
	char *target, *path, *format;
	bool network, cdrom;   /* a CD-ROM is read-only */
	bool loopback;         /* .network, and its server is "localhost" */
	bool device;           /* .path is a block device's */
	bool nvram;            /* the variables of its firmware: no disk in its description */
	char *pool;            /* the description names it as a volume of that one; NULL */
	const struct sim_file *lun; /* a device: the one that the guest has written to */
	int64_t capacity;
	int64_t newest;        /* the content that the guest has last written */
};

/* What libvirt does with a domain, under its job lock. */
enum sim_effort { SIM_RESTS, SIM_STARTS, SIM_SAVES };

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
	bool tpm, no_persist, locks;
	GHashTable *lacks;     /* char *: what it has not; a set */
	GHashTable *flaws;     /* char * -> char *, owned: see facts.h */
	double rate;           /* bytes a second, each way; 0: at once */
	struct sim_storage *storage; /* the world's */
	bool on, libvirtd, link;
	int vnc_port;          /* of all its guests; 0: 5900 */
	int64_t pool_free_ms;  /* until then its pool is busy */
	int64_t deaths;        /* of its libvirtd: what an earlier one was sent is gone */
	GHashTable *devices;   /* path -> struct sim_device *, owned */
	GHashTable *probes;    /* uuid, owned */
	GHashTable *pools;     /* name -> struct sim_pool *, owned */
	GHashTable *doms;      /* uuid -> struct sim_dom *, owned */
	GHashTable *named;     /* name -> struct sim_dom *, the first of its namesakes */
	char *unmade;          /* what a URI says of domains that are not made yet; NULL: all are */
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
	char *name, *title, *description, *shutdown_timeout;
	int priority;
	struct sim_dom *namesake; /* the next one of that name on the host; NULL */
	int64_t mem_mib;
	int vcpus;
	int load_mcpu;           /* thousandths of a CPU that it uses */
	struct carrier *carrier; /* NULL: it is a guest. Its state is not told in there */
	GPtrArray *disks;        /* struct sim_disk *; shared by all copies of the domain */
	int64_t disk_gib;        /* of the local ones */
	double disk_dirty;       /* bytes a second */
	bool no_start;
	char *cpu_model;
	char **cpu_features;     /* NULL: none beyond its model's */
	char *vnc_listen;
	char *ties;              /* words, commas between; NULL */
	bool tied;                /* there is more to tell of its ties than that it has none */
	struct hv_numa_fit *numa_fit; /* NULL: it may be anywhere */
	bool persistent;
	char *definition;        /* if persistent: see sim_definition_of() */
	bool unwritten;          /* it is what the domain is now, and was not asked for yet */
	struct hv_kept kept;
	bool external;           /* its snapshots are */
	char *unreadable;        /* as in struct hv_dom */
	enum hv_state state;     /* once it is on its host: sim_dom_put() writes it */
	enum hv_reason reason;
	bool whole;              /* the guest's memory is here, and is the newest */
	double dirty;            /* bytes a second */
	double working, hot;     /* bytes */
	struct sim_job *job;     /* the migration that it is a half of */
	struct hv_job *completed; /* of an incoming one, until it is read; NULL: none */
	enum sim_repair repair;
	bool deaf;               /* it ignores the power button */
	int64_t stop_ms, boot_ms; /* it takes so long to stop; after its start it hears nothing for so long */
	int64_t started_ms;      /* when it has last begun to boot */
	struct clock_timer *stopping; /* it was asked to stop, and does then; NULL */
	bool boots_again;        /* ... and boots again at once */
	enum sim_effort effort;
	struct clock_timer *effort_end;
	struct sim_call *effort_call; /* that waits for its end; NULL */
	bool stays_paused;       /* SIM_STARTS: it is not to run yet. SIM_SAVES, and of its managed save image: it did not */
	GPtrArray *waiting;      /* struct sim_call * that want the job lock; NULL: none did yet */
};

/* What happens in the world and concerns those that watch it: connections and calls. */
struct sim_notice {
	enum {
		SIM_TELL,     /* .host tells its connections .event */
		SIM_UNLOCKED, /* the job lock of .dom is free */
		SIM_OVER,     /* what .call waited for is over: .why NULL: well; else with .code */
		SIM_REACH,    /* the power or the cable of .host changed */
		SIM_BACK,     /* .host can be reached again, and all else has followed */
		SIM_RESET,    /* .host ends its connections: .why */
	} kind;
	struct sim_host *host;
	const struct hv_event *event;
	struct sim_dom *dom;
	struct sim_call *call;
	enum err_code code;
	const char *why;
};

/* @n: the call's number, from 1. @fault: SIM_FAULT_N for none. */
typedef void sim_call_f(int64_t n, const char *host, const struct hv_req *req, enum sim_fault_kind fault, void *user);

struct sim {
	bool written;         /* some guest writes to its disks, or did */
	GHashTable *hosts;    /* name -> struct sim_host *, owned */
	GHashTable *storages; /* name -> struct sim_storage *, owned */
	GHashTable *standbys; /* uuid, owned: guests of which a person has put a domain beside the first; a set */
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
	GPtrArray *consoles;  /* struct console *, see console.c; owned by the controller */
	GPtrArray *hung;      /* struct sim_call * that will not be answered */
	GRand *rand;
	int64_t n_calls, n_hits;
	void (*notify)(const struct sim_notice *n); /* what of it reaches the controller */
	bool dead;            /* the controller was killed */
	char *violation;
	void (*on_kill)(void *user);
	void *kill_user;
	sim_call_f *on_call;
	void *call_user;
};

#endif
