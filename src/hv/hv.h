/* SPDX-License-Identifier: Apache-2.0
 *
 * hv: the hypervisor seam. Everything that the controller asks of a host goes
 * through hv_call(), whichever implementation is behind it.
 *
 * Theory of operation
 * -------------------
 * The seam is asynchronous: hv_call() returns at once, and its completion runs
 * on the loop thread exactly once, never from inside hv_call(). A completion
 * must not remove the host. The libvirt
 * implementation runs the blocking function of the op on a worker; the
 * simulator computes on the clock, so that tests own the order of everything.
 *
 * Each call has a time limit. When it passes, the caller gets ERR_HV_LOST and
 * the late reply is dropped: a host that hangs delays no other. ERR_HV_LOST always
 * means "the act may or may not have happened": ask HV_DOM_GET on the hosts.
 * Every other error means that the hypervisor answered, and refused.
 *
 * Requests are copied: the caller may free its strings when hv_call() returns.
 * Replies are lent to the completion; what it wants to keep it copies or steals.
 */
#ifndef HV_H
#define HV_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/metric.h"
#include "base/util.h"
#include "hv/addr.h"
#include "hv/carrier.h"
#include "hv/facts.h"
#include "hv/needs.h"
#include "hv/qcow2.h"
#include "hv/snapshot.h"
#include "hv/stream.h"
#include "hv/ties.h"

struct hv;
struct hv_host; /* one host's connection, opaque */

/* ---- what a host says; all of it is untrusted and bounded by the implementation ---- */

enum hv_state {
	HV_UNKNOWN, /* not asked, or the host did not answer */
	HV_ABSENT,  /* the host answered: no such domain */
	HV_SHUTDOWN, /* its CPUs have stopped, for good unless it boots again, and its process is about to end: SHUTOFF follows */
	HV_SHUTOFF,
	HV_RUNNING,
	HV_PAUSED,
	HV_CRASHED,
	HV_SUSPENDED, /* by the guest (pmsuspended) */
	HV_STATE_N
};

enum hv_reason {
	HV_R_OTHER,
	HV_R_USER,            /* paused by an operator's call */
	HV_R_MIGRATION,       /* PAUSED: incoming and waiting, or stopped for the switch-over */
	HV_R_MIGRATED,        /* SHUTOFF: it went to another host. RUNNING: it came from one */
	HV_R_POSTCOPY,        /* one half of a post-copy migration that is under way */
	HV_R_POSTCOPY_FAILED, /* one half of a broken one: never destroy it */
	HV_R_STARTING,        /* PAUSED: being started, also an incoming guest at its very beginning */
	HV_R_CRASHED,
	HV_R_IOERROR,
	HV_R_FAILED,
	HV_R_SAVED,           /* PAUSED: its memory is being saved. SHUTOFF: it was */
	HV_R_UNSEEN,          /* SHUTOFF: its libvirtd has not seen it end: its host has booted since, or it never ran */
	HV_REASON_N
};

/** hv_state_name(), hv_reason_name() - for logs and records: "running", "postcopy-failed". */
const char *hv_state_name(enum hv_state s);
const char *hv_reason_name(enum hv_reason r);

/* Where a disk's bytes are. */
enum hv_source {
	HV_SOURCE_FILE,
	HV_SOURCE_NETWORK, /* volume-backed: rbd, iscsi, nbd, ... */
	HV_SOURCE_LOOPBACK, /* likewise, but its server is "localhost", or a socket in the host's file system: each host may have another */
	HV_SOURCE_DEVICE,  /* a block device of the host */
	HV_SOURCE_OTHER,   /* something else of the host: a folder shown as a disk, an NVMe controller, a vhost-user socket */
	HV_SOURCE_N
};

/* A file or a device that a disk is laid over. */
struct hv_backing {
	char *path, *format; /* as source and format of a disk; NULL if not told */
	enum hv_source kind;
	char *pool;          /* as a disk's */
};

struct hv_disk {
	char *target;    /* "vda" */
	char *source;    /* path, or protocol:name of a network disk; NULL if empty */
	char *format;    /* "qcow2", "raw" */
	enum hv_source kind;
	char *pool;      /* the storage pool that the domain names; source is then the volume's name, and .kind FILE, until HV_VOL_FIND says. NULL: none */
	bool readonly, cdrom, shareable;
	int64_t capacity_bytes;   /* 0 if not known */
	int64_t allocation_bytes;
	GPtrArray *backing;       /* struct hv_backing *, the nearest first; NULL: none, or not told (only a running domain's XML has it) */
};

struct hv_nic {
	char *mac;
	char *bridge; /* bridge or network name */
	char *type;   /* "bridge", "network", "hostdev", ... */
	bool passthrough;    /* the guest has a network card, or a part of one, for itself (SR-IOV, macvtap) */
	bool failover;       /* ... beside another interface that takes over while it is gone (<teaming>) */
	int64_t floor_kibs;  /* guaranteed bandwidth, KiB/s; 0: none */
};

/* What a hypervisor keeps beside a domain's description. Whatever it does not know of, it has none of. */
struct hv_kept {
	bool told;           /* autostart is: by HV_DOM_GET and HV_DOM_LIST. The rest is by HV_DOM_GET alone */
	bool autostart;      /* it is started when its host is */
	bool managed_save;   /* there is an image of its memory, from which the next start goes on */
	int snapshots, checkpoints;
};

#define HV_PRIORITY_MIN (-1000)
#define HV_PRIORITY_MAX 1000

#define HV_NO_ADDRESS "-" /* of a guest's VNC: it listens on a socket of its host's file system, or nowhere */

struct hv_dom {
	char uuid[UTIL_UUID_LEN + 1];
	char *name;          /* libvirt's name */
	char *title;         /* <title>, or NULL */
	int priority;        /* in which order it is evacuated: the priority of its metadata, HV_PRIORITY_MIN..HV_PRIORITY_MAX; 0: none is there, or no such number */
	char *shutdown_timeout; /* os_shutdown_timeout of its metadata, as it stands there; NULL: none */
	/*
	 * Why its description cannot be read; NULL: it was. If it cannot, nothing else counts but uuid, state, reason, persistent, kept and the
	 * job, and name, vcpus and mem_mib where they are set: the host has told those beside the description.
	 */
	char *unreadable;
	enum hv_state state;
	enum hv_reason reason;
	bool persistent;
	int vcpus;
	int64_t mem_mib;     /* <memory>, rounded up */
	char *virt_type;     /* "kvm", "qemu" */
	char *arch, *machine;
	char *vnc_listen;    /* NULL without VNC; HV_NO_ADDRESS */
	char *spice_listen;  /* likewise; "": where the host's configuration says */
	int vnc_port;        /* -1 when not running */
	int64_t vsock_cid;   /* 0: it has no vsock, or its host has not chosen one yet */
	bool vsock_auto;     /* each host chooses one for it */
	GPtrArray *disks;    /* struct hv_disk * */
	GPtrArray *nics;     /* struct hv_nic * */
	struct hv_ties *ties; /* a reference; NULL: nothing was read of them */
	struct hv_kept kept; /* in a list autostart alone */
	/*
	 * The job, as HV_DOM_GET sees it. A domain whose monitor is silent for 3 s has an active one, outgoing but for the
	 * running half of a post-copy: the last phase of a migration looks like that, and a frozen guest too.
	 */
	bool job_active;     /* any job; a migration if job_op says so */
	bool job_incoming;   /* this domain is the incoming half of a migration */
	bool job_outgoing;
};

#define HV_LOG_BYTES (100 * 1024) /* Nova's MAX_CONSOLE_BYTES */

enum hv_tristate { HV_NOT_TOLD, HV_NO, HV_YES };

struct hv_host_info {
	char uuid[UTIL_UUID_LEN + 1];
	char *hostname;
	char *hv_type;             /* "QEMU" */
	int64_t hv_version;        /* as libvirt has it: 7002000 */
	int64_t libvirt_version;   /* 9000000 */
	char *arch;
	char *cpu_model, *cpu_vendor;
	char **cpu_features;       /* NULL-terminated */
	int64_t tsc_hz;            /* what its TSC runs at; 0: not told */
	enum hv_tristate tsc_scaling; /* guests can have a TSC of another frequency */
	char *cpu_xml;             /* the host's <cpu> as libvirt writes it, for HV_CPU_COMPARE; or NULL */
	int sockets, cores, threads;
	int vcpus;                 /* usable host CPUs */
	int64_t mem_mib, mem_free_mib;
	int64_t disk_bytes, disk_free_bytes; /* of the pool that holds instances; 0 when there is none */
	bool kvm;                  /* some guest arch offers kvm */
	bool tpm_emulator;         /* it can give guests an emulated TPM */
	struct hv_numa *numa;      /* a reference; NULL: not told */
	GArray *free_pages;        /* struct hv_free_pages; NULL: not asked, there are no huge pages */
};

/* A file in a host's storage pool. */
struct hv_vol {
	bool exists;
	bool folder;               /* HV_VOL_GET: its folder is there */
	char *path;                /* HV_VOL_FIND; of one that does not exist: where it would be, or NULL */
	char *origin;              /* HV_VOL_FIND of a network disk: where its pool has it from, as libvirt writes it; else NULL */
	enum hv_source kind;       /* HV_VOL_FIND; DEVICE too for HV_VOL_GET of what leads to a block device */
	char *format;              /* "qcow2", "raw"; NULL if not known */
	int64_t capacity_bytes;    /* what a guest sees */
	int64_t allocation_bytes;  /* what it takes */
	/* HV_VOL_GET */
	int64_t physical_bytes;    /* its length; 0: not told */
	int64_t changed_ns;        /* when it was last changed, since 1970 (ctime): no copy of it has the same; 0: not told */
	int64_t written_ns;        /* when its contents were, since 1970 (mtime), which a new owner or label leaves alone; 0: not told */
	char *backing, *backing_format; /* what it is laid over, one step; NULL: nothing, or not told */
	struct qcow2_head head;    /* with hv_vol_params.head alone */
};

/* By what a host knows a block device, whatever its path. */
enum hv_device_id {
	HV_ID_SERIAL, /* udev's ID_SERIAL */
	HV_ID_WWN,    /* the World Wide Name in udev's link to it */
	HV_ID_VOLUME, /* libvirt's key of a volume that is one: an LV's UUID, a LUN's serial */
	HV_DEVICE_ID_N
};

/** hv_device_id_name() - "serial", "WWN", "volume key". */
const char *hv_device_id_name(enum hv_device_id id);

#define HV_SAMPLES 32           /* places of a device that are read */
#define HV_SAMPLE_BYTES 65536   /* at each */

/** hv_sample_at() - where on a device of that size sample @i begins: its head, its tail, where a first partition begins, and evenly between. */
int64_t hv_sample_at(int64_t size_bytes, int i);

/* A block device. */
struct hv_device {
	char *id[HV_DEVICE_ID_N];  /* NULL where the host does not say */
	/* Of a probe; size_bytes 0 without. */
	int64_t size_bytes;
	char *samples[HV_SAMPLES]; /* a checksum of each, as text, from the first on: after a NULL there are none */
};

/* Statistics of a migration job. Bytes. */
struct hv_job {
	bool active;
	bool outgoing;
	int64_t elapsed_ms;
	int64_t downtime_ms;       /* running: libvirt's expectation; completed: measured */
	int64_t setup_ms;
	int64_t mem_total, mem_processed, mem_remaining;
	int64_t disk_total, disk_processed, disk_remaining;
	int64_t mem_bps, disk_bps; /* bytes a second */
	int64_t dirty_rate;        /* pages a second; 0 until iteration 2 */
	int64_t page_size;
	int64_t iteration;
	int64_t postcopy_requests;
	int throttle;              /* auto-converge percent */
};

/* ---- calls ---- */

/* An op is a row here, in hv.c (its name, limit and parameters), in libvirt/libvirt.c (lane and work) and in sim/sim.c (act). */
enum hv_op {
	HV_HOST_GET,     /* host information. Short, idempotent; also the liveness poll */
	HV_DOM_LIST,     /* every domain with its details. Short, idempotent */
	HV_DOM_GET,      /* one domain; absent is a reply, not an error. Short, idempotent */
	HV_DOM_LOADS,    /* what CPU time each running domain has had; one may be missing, and a silent one holds up the answer. Idempotent; nothing depends on it */
	HV_DOM_ADDRS,    /* addresses of its interfaces, as its host and its guest know them. Idempotent; takes seconds where the guest keeps silent */
	HV_DOM_XML,      /* migratable XML, live and inactive. Short, idempotent */
	HV_CPU_COMPARE,  /* could this host run that domain's CPU? Short, idempotent */
	HV_LOOKUP,       /* which of the things that a guest needs by name are there. Short, idempotent */
	HV_MIGRATE,      /* live, peer to peer; on the SOURCE; blocks until the end. Lost: HV_DOM_GET on both */
	HV_JOB_GET,      /* statistics of the running job. Short, idempotent */
	HV_JOB_DONE,     /* on the DESTINATION: statistics of the completed incoming job, once read gone. Short */
	HV_JOB_ABORT,    /* abort the job; no job is success. Lost: HV_DOM_GET */
	HV_JOB_TUNE,     /* set bandwidth, maximal downtime. Idempotent */
	HV_POSTCOPY,     /* switch a running pre-copy to post-copy. Lost: HV_JOB_GET */
	HV_POSTCOPY_PAUSE, /* on the source: give a hanging post-copy up for now, so that HV_MIGRATE with resume can go on. Lost: HV_DOM_GET */
	HV_DOM_SUSPEND,  /* pause. Idempotent (paused already is success) */
	HV_DOM_RESUME,   /* run on. Idempotent */
	HV_DOM_DESTROY,  /* stop it hard; absent or shut off is success. Lost: HV_DOM_GET */
	HV_DOM_START,    /* let a domain with a definition run, from its managed save image if there is one; active already is success. Lost: HV_DOM_GET */
	HV_DOM_SHUTDOWN, /* ask the guest to shut off: by its agent, else by the power button; absent or shut off is success. The guest may not have heard it, may
	                  * ignore it, and with an agent the answer comes when it is off: HV_DOM_GET tells, asked again after a while */
	HV_DOM_REBOOT,   /* ask the guest likewise to boot again; HV_EV_REBOOT comes when it does. Again does no harm */
	HV_DOM_RESET,    /* let it boot again at once, in the QEMU that it has: its description stays that of its start. Each call does it. HV_EV_REBOOT */
	HV_DOM_SAVE,     /* stop it and keep its memory in a managed save image, from which HV_DOM_START goes on; that it is so already is success. Long. Lost: HV_DOM_GET */
	HV_DOM_UNDEFINE, /* drop the definition of a shut-off domain; absent is success. ERR_CONFLICT if it is not the one that the request names */
	HV_SNAPSHOTS_GET, /* what the host has written down of its snapshots, parents first; those of an absent domain are none. Short, idempotent */
	HV_SNAPSHOTS_SET, /* write that down of a domain that has a definition; its files stay as they are, and so do others' descriptions. Idempotent */
	HV_DOM_DEFINITION, /* a domain's definition as it stands, with its secrets; none is a reply, not an error. Short, idempotent */
	HV_DOM_DEFINE,   /* give it one, also while it runs without; one that is there stays as it is, and is success. Lost: HV_DOM_DEFINITION */
	HV_DOM_AUTOSTART, /* whether its host starts it; it must have a definition. Idempotent */
	HV_ANNOUNCE,     /* let the guest's network cards say where they are (QEMU's announce-self). Idempotent */
	/*
	 * Volumes go by their path. The pool is the one whose target is the path's folder; where there is none, one that
	 * lives no longer than the call. ERR_HV_BUSY: something is being made in that pool, or in the source's of a copy; nothing
	 * was done.
	 */
	HV_VOL_GET,      /* look for a file again, also for one that another host made; absent is a reply, not an error. Idempotent */
	HV_VOL_CREATE,   /* make it, empty and sparse; ERR_CONFLICT if it exists. Lost: HV_VOL_GET */
	HV_VOL_COPY,     /* make it with the bytes of the same path at another host, through this program; ERR_CONFLICT if it exists. Long. Lost: HV_VOL_DELETE,
	                  * again; until it is whole it is shorter than its source, or of no format but "raw" */
	HV_VOL_DELETE,   /* remove it; absent is success. Idempotent */
	HV_VOL_FIND,     /* where a pool has a volume of that name, looked for each time. ERR_NOT_FOUND: no such pool, or not active. Idempotent */
	/*
	 * What a block device is, by its path, and with a probe what is in it; with a probe a file too, as the bytes that it is. A probe reads through a domain that is defined for the
	 * length of the call and never started: hv_probe_name(). Lost: HV_DOM_UNDEFINE of the probe.
	 */
	HV_DEVICE_GET,
	/* Carriers (hv/carrier.h); the request's UUID is the carrier's. */
	HV_CARRIER_START, /* begin it, on the source. Idempotent: one that waits with the same files is success. ERR_CONFLICT: one is there that does not,
	                   * or has others. ERR_HV: also if a domain has one of the files open. Lost: HV_CARRIER_GET */
	HV_CARRIER_GET,   /* what became of it on this host; absent is a reply, not an error. Short, idempotent */
	HV_CARRIER_LIST,  /* all that are on the host; their states are not told. Short, idempotent */
	/* For a check of the set-up (hv/facts.h); nothing else needs them. */
	HV_FACTS_GET,    /* what it is asked beside HV_HOST_GET. Idempotent */
	HV_FOLDER_GET,   /* a folder, and what in it begins with a name; absent is a reply. Errors as of HV_VOL_*. Idempotent */
	/*
	 * On the SOURCE: could its libvirtd reach the destination's, as it does for a migration? That is begun with a domain that is defined for the
	 * length of the call (hv_probe_name()), and given up before the destination is told of it. Refused: reply.err has the source's reason. Lost:
	 * HV_DOM_UNDEFINE of the probe.
	 */
	HV_PEER_TRY,
	HV_CPU_BASELINE, /* the best CPU that all those can give, of which that host knows the names. Idempotent */
	HV_CONSOLE,      /* open the serial console of a domain that runs: one session has it at a time. What is not taken out of the reply is closed again */
	HV_LOG_GET,      /* the last HV_LOG_BYTES of what a domain wrote to its serial console, where its description has a file for that. ERR_NOT_FOUND: it
	                  * has none, or its host has no such file yet. Idempotent */
	HV_OP_N
};

/** hv_op_name() - "migrate", "dom_get". */
const char *hv_op_name(enum hv_op op);
/** hv_op_limit_ms() - how long a call of it may take until its answer counts as lost; 0: as long as it takes. */
int64_t hv_op_limit_ms(enum hv_op op);

struct hv_migrate_params {
	const char *dest_uri;      /* libvirt URI of the destination as the SOURCE reaches it */
	const char *migrate_uri;   /* "tcp://ADDRESS" */
	const char *dest_xml;      /* NULL: unchanged */
	const char *persistent_xml;
	int64_t bandwidth_mibs;    /* 0: the hypervisor's default */
	int64_t downtime_ms;       /* 0: the hypervisor's default */
	bool postcopy;             /* permit the switch */
	bool auto_converge;
	bool native_tls;
	bool stays_paused;         /* at the destination it does not run, whatever it did at the source */
	bool persist_dest;         /* define it at the destination, undefine at the source */
	int parallel;              /* >1: multifd */
	bool tunnelled;            /* through libvirtd's own connection; migrate_uri is then left out */
	/*
	 * Go on with a post-copy that was given up; nothing else is then changed. Harmless where it cannot be done:
	 * ERR_CONFLICT if the two hosts have talked and one of the halves has not given it up, ERR_HV for any other reason.
	 */
	bool resume;
	/*
	 * Targets ("vda") of the disks to copy, NULL-terminated; NULL: none. Each must exist at the destination, with the
	 * same capacity and, if it has one, on the same backing file, which is not copied. Never of a disk that both hosts
	 * share: libvirt would write it over itself.
	 */
	const char *const *copy_disks;
	const char *dest_host;     /* the destination's name in this program; the simulator goes by it */
};

/* A volume to look for, to make or to remove. */
struct hv_vol_params {
	const char *path;           /* absolute */
	const char *format;         /* HV_VOL_CREATE: "qcow2", "raw" */
	int64_t capacity_bytes;     /* HV_VOL_CREATE */
	const char *backing;        /* HV_VOL_CREATE: path of the file that it is laid over, or NULL */
	const char *backing_format;
	const char *source_uri;     /* HV_VOL_COPY: where from, as this program reaches it */
	const char *source_host;    /* its name in this program; the simulator goes by it */
	const char *pool, *name;    /* HV_VOL_FIND */
	bool head;                  /* HV_VOL_GET: read how the file begins, too */
	/* HV_DEVICE_GET, of .path: the probe's UUID, NULL for none; and what kind of domain the host can have, as struct hv_dom has it */
	const char *probe, *virt_type, *arch;
};

/* One call. Which fields count depends on the op; uuid is the domain's, also of HV_VOL_*: whose volume it is. */
struct hv_req {
	enum hv_op op;
	const char *uuid;
	const char *xml;                    /* HV_CPU_COMPARE: the domain's XML. HV_CPU_BASELINE: xml/facts_xml.h has made it
	                                     * are the guests'. HV_DOM_DEFINE: the definition. HV_DOM_UNDEFINE: what the definition must be
	                                     * (domdef_same()), NULL: whatever it is */
	GPtrArray *needs;                   /* HV_LOOKUP: struct hv_need *; the host may be asked about uuid, too */
	GPtrArray *snapshots;               /* HV_SNAPSHOTS_SET: struct hv_snapshot * */
	bool autostart;                     /* HV_DOM_AUTOSTART */
	bool force;                         /* HV_CONSOLE: another session that has it loses it; else that is an ERR_HV */
	bool ends;                          /* HV_DOM_DESTROY: the guest ends with it. Else its copy is elsewhere, or this one never ran; the simulator goes by it */
	bool paused;                        /* HV_DOM_START: it stays paused */
	bool boot;                          /* HV_DOM_START: it boots; a managed save image goes */
	bool forgets;                       /* HV_DOM_UNDEFINE: what its host keeps of it goes, too: a managed save image, and what is written down of its
	                                     * snapshots and checkpoints. Without, they are an ERR_HV */
	const char *host_cpu_xml;           /* and its host's hv_host_info.cpu_xml, which host-passthrough is compared by */
	union { /* of the ops that have parameters of their own; the longest first, so that a request that names none has them all zero */
		struct hv_vol_params vol;         /* HV_VOL_*, HV_DEVICE_GET; HV_FOLDER_GET: .path is the folder's, '/' and how the names begin */
		struct hv_migrate_params migrate; /* HV_MIGRATE; HV_PEER_TRY, HV_FACTS_GET: .dest_uri alone, and .dest_host */
		struct carrier_params carrier;    /* HV_CARRIER_START */
	};
	int64_t bandwidth_mibs, downtime_ms; /* HV_JOB_TUNE; 0 leaves it */
	int announce_rounds, announce_ms;   /* HV_ANNOUNCE: how often, and the first pause between two; 0: QEMU's own */
	unsigned addr_sources;              /* HV_DOM_ADDRS: of enum hv_addr_source */
	int64_t timeout_ms;                 /* 0: the op's default; HV_MIGRATE has none */
};

/* The CPU time that a domain has had since the start of its QEMU. */
struct hv_load {
	char uuid[UTIL_UUID_LEN + 1];
	int64_t cpu_ns;
};

struct hv_reply {
	GError *err;               /* NULL on success */
	struct hv_host_info *info; /* HV_HOST_GET */
	GPtrArray *doms;           /* HV_DOM_LIST: struct hv_dom * */
	GArray *loads;             /* HV_DOM_LOADS: struct hv_load */
	struct hv_dom *dom;        /* HV_DOM_GET; .state is HV_ABSENT when there is none */
	GArray *addrs;             /* HV_DOM_ADDRS: struct hv_addr, also of interfaces that the domain's description has not */
	char *xml, *xml_inactive;  /* HV_DOM_XML */
	char *definition;          /* HV_DOM_DEFINITION; NULL: it has none. HV_CPU_BASELINE: <cpu>, to be put into a guest's */
	GPtrArray *snapshots;      /* HV_SNAPSHOTS_GET: struct hv_snapshot * */
	GPtrArray *needs;          /* HV_LOOKUP: struct hv_need *, those of the request in their order, with the answers */
	bool cpu_ok;               /* HV_CPU_COMPARE */
	char *cpu_why;             /* what is missing, when not ok */
	struct hv_job job;         /* HV_JOB_GET, HV_JOB_DONE */
	struct hv_vol vol;         /* HV_VOL_GET, HV_VOL_FIND */
	struct hv_device *device;  /* HV_DEVICE_GET */
	struct carrier *carrier;   /* HV_CARRIER_GET */
	GPtrArray *carriers;       /* HV_CARRIER_LIST: struct carrier * */
	struct hv_facts *facts;    /* HV_FACTS_GET */
	struct hv_folder *folder;  /* HV_FOLDER_GET */
	struct hv_stream *stream;  /* HV_CONSOLE */
	char *log;                 /* HV_LOG_GET: UTF-8, with U+FFFD for what is not */
};

typedef void hv_done_f(struct hv_reply *r, void *user);

/** hv_probe_name() - the name of the domain that a probe of that UUID is. Return: owned by the caller. */
char *hv_probe_name(const char *uuid);

/**
 * hv_is_probe() - the domain is a probe of ours. HV_DOM_LIST leaves probes out, and HV_DOM_GET says that they are absent: they
 * are no guests.
 */
bool hv_is_probe(const char *name, const char *uuid);
/** hv_is_ours() - the domain is a probe or a carrier: no guest, and HV_DOM_LIST and HV_DOM_GET leave it out. */
bool hv_is_ours(const char *name, const char *uuid);

/* ---- events of a host, on the loop thread, in the order in which they came ---- */

enum hv_event_type {
	HV_EV_OPEN,      /* the connection is up */
	HV_EV_CLOSED,    /* it is lost, or an attempt to open it failed: text says why */
	HV_EV_DOM,       /* a domain appeared, changed its state, or went away */
	HV_EV_ITERATION, /* a migration began iteration n */
	HV_EV_JOB_DONE,  /* a job completed; job has the statistics */
	HV_EV_REBOOT,    /* a guest has begun to boot again, in the process that it has */
	HV_EV_N
};

struct hv_event {
	enum hv_event_type type;
	const char *host;
	char uuid[UTIL_UUID_LEN + 1];
	enum hv_state state;     /* HV_EV_DOM: state after it; HV_ABSENT when undefined; HV_UNKNOWN: ask */
	enum hv_reason reason;
	int64_t iteration;
	struct hv_job job;
	const char *text;
	bool unreached;          /* HV_EV_CLOSED: nothing accepted a connection; to look again costs a packet */
};

typedef void hv_event_f(const struct hv_event *ev, void *user);

/* ---- the implementations ---- */

struct hv_call; /* one call under way; the implementation gets it and completes it once */

struct hv_ops {
	const char *name;
	const char *scheme; /* URIs that begin with it are this implementation's; NULL: all others */
	/* Begin to connect; HV_EV_OPEN or HV_EV_CLOSED follows. Called again after HV_EV_CLOSED to try again. */
	void (*open)(struct hv_host *h);
	/* Drop the connection; no event follows. Calls under way complete with ERR_HV_LOST. */
	void (*close)(struct hv_host *h);
	/* Carry out one call; hv_complete() it later, exactly once, on the loop thread. */
	void (*submit)(struct hv_host *h, struct hv_call *call);
};

/* What an implementation sees of a host and of a call. */
struct hv_host {
	struct hv *hv;
	char *name, *uri;
	const struct hv_ops *ops;
	void *impl;           /* owned by the implementation; freed in close() */
	GPtrArray *calls;     /* struct hv_call * under way, in the order of their submission */
};

struct hv_call {
	struct hv_host *host;      /* NULL after the host was removed */
	struct hv_req req;         /* deep copy, but for needs and snapshots, which nothing writes to */
	struct hv_reply reply;
	gboolean answered;         /* the caller has its answer: what has not begun need not begin. Written on the loop thread, atomically */
	/* private to hv.c */
	hv_done_f *done;
	void *user;
	struct clock_timer *limit;
	int64_t began_us;
	struct hv_stats *stats;
};

/** hv_complete() - an implementation is done with a call; takes it. */
void hv_complete(struct hv_call *call);
/** hv_emit() - an implementation reports an event. Loop thread. */
void hv_emit(struct hv_host *h, const struct hv_event *ev);

/* ---- the users' side ---- */

/**
 * hv_new() - make the seam.
 * @on_event: gets every event of every host
 */
struct hv *hv_new(hv_event_f *on_event, void *user);
void hv_free(struct hv *hv);

enum hv_outcome { HV_DONE, HV_REFUSED, HV_LOST, HV_OUTCOME_N };

/** hv_outcome_name() - "done"; "refused": the hypervisor answered with an error; "lost": no answer, the act may have happened. */
const char *hv_outcome_name(enum hv_outcome o);

/* Calls that were answered, by op. */
struct hv_stats {
	uint64_t calls[HV_OP_N][HV_OUTCOME_N];
	struct metric_hist seconds[HV_OP_N];
};
/** hv_stats() - borrowed. */
const struct hv_stats *hv_stats(const struct hv *hv);

/** hv_register() - add an implementation; the one without a scheme comes last. */
void hv_register(struct hv *hv, const struct hv_ops *ops);

/** hv_host_add() - make a host known; hv_host_open() connects it. Return: borrowed. */
struct hv_host *hv_host_add(struct hv *hv, const char *name, const char *uri);
/** hv_host_open() - begin to connect. */
void hv_host_open(struct hv_host *h);
/** hv_host_close() - drop the connection; calls under way complete with ERR_HV_LOST on the next turn. */
void hv_host_close(struct hv_host *h);
/** hv_host_remove() - close and forget it; calls under way complete with ERR_HV_LOST before it returns. */
void hv_host_remove(struct hv_host *h);

/**
 * hv_call() - carry out @req on a host.
 * @done: called once, on the loop thread, later; the reply is freed after it
 */
void hv_call(struct hv_host *h, const struct hv_req *req, hv_done_f *done, void *user);

/* ---- values ---- */

struct hv_dom *hv_dom_new(void);
/** hv_dom_copy() - Return: owned by the caller; it shares the ties. */
struct hv_dom *hv_dom_copy(const struct hv_dom *d);
void hv_dom_free(struct hv_dom *d);
void hv_disk_free(struct hv_disk *d);
void hv_backing_free(struct hv_backing *b);
/** hv_backings_copy() - a deep copy of struct hv_disk.backing; NULL of NULL. */
GPtrArray *hv_backings_copy(GPtrArray *all);
void hv_nic_free(struct hv_nic *n);
void hv_host_info_free(struct hv_host_info *i);
void hv_device_clear(struct hv_device *d);
/** hv_device_free() - NULL is fine. */
void hv_device_free(struct hv_device *d);
void hv_reply_clear(struct hv_reply *r);

#endif
