/* SPDX-License-Identifier: Apache-2.0
 *
 * sim: hosts and guests that exist only in memory, behind the hypervisor seam.
 *
 * A world holds hosts, domains and migrations; URIs "sim://NAME" lead into the
 * current one. Tests build a world, break it by rules or by hand, and look at
 * what is true in it. The daemon can run on it too: a host that the world does
 * not know is made when it is first opened, from its URI's parameters:
 *
 *	sim://h1?vcpus=64&memory=262144&disk=2000&servers=100&server_memory=2048
 *
 * also network=N (its servers have the addresses 10.N.0.1, 10.N.0.2, ...), cpu=MODEL, server_vcpus=, server_disk= (GiB), dirty= (MiB/s), working=
 * and hot= (MiB), bandwidth= (MiB/s of its link; 0, the default, copies at
 * once), latency= (ms a call), storage= (see struct sim_host_spec). memory and
 * server_memory are MiB, disk is GiB.
 *
 * Everything happens on the clock; there are no threads and no sleeps. The
 * world outlives a controller: connections die, migrations go on.
 */
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "hv/hv.h"

struct sim;

/** sim_ops - the implementation for URIs of scheme "sim:". */
extern const struct hv_ops sim_ops;

/* ---- worlds ---- */

/**
 * sim_new() - make an empty world; it becomes the current one.
 * @seed: of everything that is left to chance (the jitter of latencies)
 */
struct sim *sim_new(uint64_t seed);
/** sim_free() - end a world. Controllers that use it are freed before. */
void sim_free(struct sim *w);

/* ---- hosts ---- */

struct sim_host_spec {
	int vcpus;                /* 0: 8 */
	int64_t mem_mib;          /* 0: 16384 */
	int64_t disk_gib;         /* 0: 100 */
	const char *cpu_model;    /* NULL: "Haswell" */
	const char *cpu_features; /* "avx2,fma"; NULL: none beyond the model's */
	int64_t tsc_hz;           /* its TSC's, which cannot be scaled; 0: not told */
	int64_t link_mibs;        /* MiB/s each way; 0: copies at once */
	int64_t latency_ms;       /* of a call, with a jitter of half of it each way; to connect takes two to six */
	int64_t hv_version;       /* as libvirt has it; 0: 7002000 */
	int nodes;                /* NUMA nodes; 0: one. CPUs and memory are shared out evenly */
	int threads;              /* of a core; 0: one */
	int64_t huge_pages;       /* of 2 MiB, of each node */
	bool no_persist;          /* a guest that comes runs, and its definition cannot be written: libvirt does not report it */
	bool tpm;                 /* guests can have an emulated TPM */
	int64_t cache_ms;         /* for so long it does not list what another host has made: NFS's cache of attributes */
	const char *uuid_of;      /* it says the UUID of that host: its firmware was cloned; NULL: it has its own */
	const char *storage;      /* hosts that name the same one share their files; NULL: "shared"; "local": its own */
};

/** sim_host_add() - a running host with a running libvirtd. */
void sim_host_add(struct sim *w, const char *name, const struct sim_host_spec *spec);
/** sim_host_lacks() - it has no network, secret, machine type or the like of that name. */
void sim_host_lacks(struct sim *w, const char *name, const char *thing);
/** sim_host_power() - off: its guests are gone, its connections hang. On: what was defined is there, shut off. */
void sim_host_power(struct sim *w, const char *name, bool on);
/** sim_host_libvirtd() - off: as kill -9. Connections get an end of file; guests run on, but for incoming ones. */
void sim_host_libvirtd(struct sim *w, const char *name, bool on);
/** sim_host_link() - the cable, to the controller and to the other hosts. */
void sim_host_link(struct sim *w, const char *name, bool on);
/** sim_host_apart() - the two cannot reach each other, but the controller reaches both. */
void sim_host_apart(struct sim *w, const char *a, const char *b, bool apart);
/** sim_host_rate() - change the link's rate. */
void sim_host_rate(struct sim *w, const char *name, int64_t link_mibs);

/**
 * sim_host_pool() - something is being made in its storage pool for so long, as by virsh vol-create: libvirt does not look
 * into it meanwhile. 0: not any more. A libvirtd that dies gives it up.
 */
void sim_host_pool(struct sim *w, const char *name, int64_t busy_ms);

/** sim_host_heals() - an outage by a rule is under way and will end by itself. */
bool sim_host_heals(struct sim *w, const char *name);

/* ---- domains ---- */

struct sim_dom_spec {
	const char *uuid;         /* NULL: made from host and name */
	const char *name;
	const char *title;
	const char *description;  /* stands in its XML, and there alone */
	int64_t mem_mib;          /* 0: 1024 */
	int vcpus;                /* 0: 1 */
	int disks;                /* how many; 0: one; below 0: none */
	int64_t disk_gib;         /* of each; 0: 1 */
	int64_t data_mib;         /* what is allocated of each; 0: all of it */
	double disk_dirty_mibs;   /* what it writes to them, MiB/s */
	const char *backing;      /* path of the image that they are laid over; it is there, too */
	bool config_drive;        /* a small read-only CD-ROM beside them */
	bool network_disks;
	bool loopback;            /* ... whose server is "localhost" */
	const char *device;       /* path of a block device that its first disk is; NULL: a file too */
	const char *pool;         /* of this storage pool its disks are volumes; NULL: none */
	const char *cpu_model;    /* NULL: "qemu64"; "host-passthrough": what its host has */
	const char *cpu_features;
	enum hv_state state;      /* HV_UNKNOWN: running */
	enum hv_reason reason;
	bool transient;
	struct hv_kept kept;      /* beside its description */
	const char *unreadable;   /* why the controller cannot read its description; NULL: it can */
	bool no_start;            /* no destination can let it run: the lock of its disk is not to be had */
	double dirty_mibs;        /* what it writes, MiB/s */
	int64_t working_mib;      /* the memory it writes to; 0: a quarter of all */
	int64_t hot_mib;          /* the part of it that gets four fifths of the writes; 0: a quarter of it */
	const char *ties;         /* "pci,tpm": devices and the like, see ties.c */
	const char *pins;         /* "2/3/4-5": where each vCPU runs */
	const char *cpuset, *emulator;
	const char *cells;        /* "0/1": the host's node of each NUMA cell of the guest */
	int64_t page_kib;         /* of huge pages */
};

/** sim_dom_add() - a domain appears, as if made behind the controller's back. */
void sim_dom_add(struct sim *w, const char *host, const struct sim_dom_spec *spec);
/** sim_dom_set() - force a state; a job that it was part of is not touched. */
void sim_dom_set(struct sim *w, const char *host, const char *uuid, enum hv_state state, enum hv_reason reason);
/** sim_dom_rename() - give it another libvirt name. */
void sim_dom_rename(struct sim *w, const char *host, const char *uuid, const char *name);
/** sim_dom_unreadable() - from now on its description cannot be read, for that reason; NULL: it can. */
void sim_dom_unreadable(struct sim *w, const char *host, const char *uuid, const char *why);
/** sim_dom_addr() - a guest's interface has an address from now on. @text: "10.0.0.5/24"; NULL: it has none any more */
void sim_dom_addr(struct sim *w, const char *uuid, const char *text);
/** sim_dom_crash() - its QEMU dies. */
void sim_dom_crash(struct sim *w, const char *host, const char *uuid);
/** sim_dom_remove() - it is destroyed and undefined; the files go that no other copy of it sees. */
void sim_dom_remove(struct sim *w, const char *host, const char *uuid);
/** sim_dom_writes() - from now on a guest writes so much to its memory. */
void sim_dom_writes(struct sim *w, const char *uuid, double dirty_mibs);
/** sim_dom_calm() - every guest stops writing to its memory and its disks. */
void sim_dom_calm(struct sim *w);
/** sim_job_drop() - forget a domain's migration and leave both halves as they are: libvirt lost track of it. */
void sim_job_drop(struct sim *w, const char *uuid);

/** sim_job_hang() - the connection of a domain's post-copy is dead, and neither QEMU is told before a quarter of an hour. */
void sim_job_hang(struct sim *w, const char *uuid);

/** sim_job_reset() - the connection of a domain's post-copy is dead, and both QEMUs are told. */
void sim_job_reset(struct sim *w, const char *uuid);

/** sim_dom_pins() - where it runs: "2/3 cpuset=0-3 emulator=0 nodes=0/1", as far as it is said. Return: owned. */
char *sim_dom_pins(struct sim *w, const char *host, const char *uuid);

/* What is true of a domain, whether or not its host can be asked. */
struct sim_dom_view {
	const char *host;          /* borrowed */
	const char *uuid, *name;   /* borrowed */
	enum hv_state state;
	enum hv_reason reason;
	bool persistent;
	struct hv_kept kept;
	bool incoming, outgoing;
	bool host_on;
};

/** sim_dom_definition() - as HV_DOM_DEFINITION gives it; NULL if there is none. Borrowed. */
const char *sim_dom_definition(struct sim *w, const char *host, const char *uuid);

/** sim_dom_redefine() - its definition is edited: that has this description now. */
void sim_dom_redefine(struct sim *w, const char *host, const char *uuid, const char *description);

/** sim_dom_list() - every domain, by host and then by UUID. @host, @uuid: NULL for any. Return: GArray of struct sim_dom_view, owned. */
GArray *sim_dom_list(struct sim *w, const char *host, const char *uuid);
/** sim_jobs() - migrations under way. */
guint sim_jobs(const struct sim *w);

/* What a migration has cost so far, or did until its end. */
struct sim_job_report {
	bool ended, completed;
	int64_t total_ms;
	int64_t blackout_ms;      /* the guest ran on neither side */
	int64_t slowed_ms;        /* of the time that auto-converge took from it: 1 s at 20 % is 200 ms */
	int64_t postcopy_ms;      /* it ran with memory missing */
	int64_t sent_bytes;       /* memory and disks */
	int64_t iterations;
	int throttle;             /* the most, percent */
};

/** sim_job_report() - of the last migration of a guest. Return: false if there was none. */
bool sim_job_report(struct sim *w, const char *uuid, struct sim_job_report *ret);
/**
 * sim_violation() - the first thing that must never happen and did, or NULL.
 *
 * A guest was let run while another copy of it ran, without its memory or on
 * disks that are not the newest; half of a post-copy migration, the only copy of
 * a guest or of its disk, or a stranger's file was removed by a call; a disk was
 * copied onto itself, or is another block device than it was; the link of a post-copy was ended before it could go on.
 * Borrowed.
 */
const char *sim_violation(const struct sim *w);
/** sim_guest_died() - a fault or a test has ended a guest, so that it need not run anywhere. */
bool sim_guest_died(const struct sim *w, const char *uuid);

/* ---- files ---- */

struct sim_file_spec {
	const char *path;
	const char *format;       /* NULL: "qcow2" */
	int64_t capacity_mib;     /* 0: 1024 */
	int64_t content;          /* which one; 0: 1, as of any file that is there from the beginning */
};

/** sim_file_add() - a file appears in a host's storage that is not ours: a call that removes it is a violation. */
void sim_file_add(struct sim *w, const char *host, const struct sim_file_spec *spec);
/** sim_file_remove() - a file goes, behind the controller's back. */
void sim_file_remove(struct sim *w, const char *host, const char *path);
/** sim_disk_path() - the file of a guest's disk. Return: borrowed; NULL if it has no such disk. */
const char *sim_disk_path(struct sim *w, const char *uuid, const char *target);

/* What is true of a file. */
struct sim_file_view {
	const char *storage;       /* borrowed; of a host's own: the host's name */
	const char *path, *backing; /* borrowed */
	const char *format;        /* borrowed */
	int64_t capacity_bytes, allocation_bytes;
	const char *uuid;          /* borrowed: whose disk it is; NULL: no guest's */
	bool stranger;             /* not made by us */
	bool base;                 /* a whole copy of an image that was there before */
	bool used;                 /* a domain on a host that sees it has it as a disk, or under one */
	bool newest;               /* it has what the guest has last written */
	bool reachable;            /* some host that sees it answers */
};

/** sim_file_list() - every file, by storage and then by path. @host: NULL for any. Return: GArray of struct sim_file_view, owned. */
GArray *sim_file_list(struct sim *w, const char *host);

/* ---- block devices and storage pools ---- */

struct sim_device_spec {
	const char *path;
	const char *lun;          /* hosts whose devices name the same one share it */
	int64_t size_mib;         /* of the lun, when it is named for the first time; 0: 1024 */
	const char *id[HV_DEVICE_ID_N]; /* what the host says of it, true or not; NULL: nothing */
	const char *looks;        /* what is read in it: two that look alike are copies of one image; NULL: the lun's name */
	bool hot;                 /* no two readings of its first block are equal */
	bool unreadable;
};

/** sim_device_add() - a host has a block device at that path, in the place of an earlier one. */
void sim_device_add(struct sim *w, const char *host, const struct sim_device_spec *spec);
void sim_device_remove(struct sim *w, const char *host, const char *path);
/** sim_probes() - domains on a host that are there to read a device through. */
guint sim_probes(struct sim *w, const char *host);

/** sim_pool_add() - a host has an active storage pool of that name, whose folder is in its storage. @target: NULL: /srv/NAME. */
void sim_pool_add(struct sim *w, const char *host, const char *name, const char *target);
/** sim_pool_stop() - it is defined, but not active. */
void sim_pool_stop(struct sim *w, const char *host, const char *name);

/* ---- faults: each call passes one gate ---- */

enum sim_fault_kind {
	SIM_REFUSE,            /* answer with ERR_HV, do not act */
	SIM_REFUSE_GUEST,      /* the same with ERR_HV_GUEST */
	SIM_BUSY,              /* the same with ERR_HV_BUSY */
	SIM_LOSE_REQUEST,      /* ERR_HV_LOST, not acted */
	SIM_LOSE_REPLY,        /* ERR_HV_LOST, acted */
	SIM_HANG,              /* never answered, not acted */
	SIM_HANG_REPLY,        /* never answered, acted */
	SIM_DELAY,             /* the request takes .ms longer */
	SIM_HOLD,              /* the request waits for sim_release() */
	SIM_HOLD_REPLY,        /* acted; the reply waits for sim_release() */
	SIM_LIBVIRTD_BEFORE,   /* libvirtd is killed instead of acting; back after .ms */
	SIM_LIBVIRTD_AFTER,    /* libvirtd is killed when it has acted; back after .ms */
	SIM_CONTROLLER_BEFORE, /* the controller is killed, the request was never sent */
	SIM_CONTROLLER_AFTER,  /* the controller is killed when the host has acted */
	SIM_CUT_LINK,          /* the host's cable is out before the request arrives; back after .ms */
	SIM_POWER_OFF,         /* the host dies before the request arrives; back after .ms */
	SIM_FAULT_N
};

/** sim_fault_name() - "lose-reply", ...; sim_fault_parse() is the way back, false for an unknown word. */
const char *sim_fault_name(enum sim_fault_kind k);
bool sim_fault_parse(const char *name, enum sim_fault_kind *ret);

struct sim_fault {
	const char *host;      /* NULL: any */
	enum hv_op op;         /* HV_OP_N: any */
	int64_t nth;           /* the how manieth call that fits, from 1; 0: each of them */
	enum sim_fault_kind kind;
	int64_t ms;            /* the length of a delay or of an outage; 0 with an outage: no end */
	const char *name;      /* for sim_release() and sim_held() */
};

void sim_fault_add(struct sim *w, const struct sim_fault *f);
void sim_fault_clear(struct sim *w);
/** sim_fault_hits() - how many calls met a rule. */
int64_t sim_fault_hits(const struct sim *w);
/** sim_release() - let go what the rule @name holds and will hold; NULL: every rule. Return: how many calls waited. */
int sim_release(struct sim *w, const char *name);
/** sim_held() - how many calls wait at the rule @name. */
int sim_held(const struct sim *w, const char *name);

/** sim_calls() - calls that have passed the gate. */
int64_t sim_calls(const struct sim *w);

/* @n: the call's number, from 1. @fault: SIM_FAULT_N for none. */
typedef void sim_call_f(int64_t n, const char *host, const struct hv_req *req, enum sim_fault_kind fault, void *user);
/** sim_on_call() - tell of each call as it passes the gate. NULL ends it. */
void sim_on_call(struct sim *w, sim_call_f *fn, void *user);

/**
 * sim_on_kill() - what a rule that kills the controller calls.
 *
 * From then on the dead controller's calls are swallowed and it hears nothing.
 * @fn must not free it, it is on the stack; the test does that at the end of the
 * clock's step, and says sim_revive() when it makes the next one.
 */
void sim_on_kill(struct sim *w, void (*fn)(void *user), void *user);
void sim_revive(struct sim *w);

#endif
