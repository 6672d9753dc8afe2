/* SPDX-License-Identifier: Apache-2.0
 *
 * carrier: what takes the local disks of a shut-off guest from one host to another.
 *
 * Theory of operation
 * -------------------
 * libvirt copies disks host to host for domains that migrate, and a guest that is off
 * does not. A carrier does it in the guest's place: a domain without a definition, paused, of
 * type qemu whatever the guest is (so that no CPU has to fit), with 16 MiB of memory that nothing
 * uses, and the guest's files. It is begun at the source (HV_CARRIER_START),
 * migrated with all of them copied (HV_MIGRATE with stays_paused), and destroyed at the
 * destination when the guest is about to start there. QEMU's lock on the files keeps
 * the guest, and another carrier, from starting meanwhile on either host.
 *
 * Its only boot device is an empty CD-ROM: one that an operator resumes finds nothing to boot, and
 * neither reads nor writes the guest's files. Every file in it is copied: a file that both hosts
 * share, or that is read by a guest that runs, must not be in it.
 *
 * The carrier's description says whose it is and where it was begun, and goes along with
 * it: so one host alone can tell one that waits to be sent from one that has arrived, and
 * a controller that knows nothing finds out whose they are. Carriers are no guests: HV_DOM_LIST leaves them out, and
 * HV_DOM_GET says that they are absent. Lifecycle events, HV_MIGRATE, HV_JOB_GET, HV_JOB_ABORT and HV_DOM_DESTROY take
 * a carrier's UUID like any other.
 *
 * libvirt tells neither of what the files are laid over, nor of a file at the destination that is deleted during the
 * copy, not even when the carrier that has it is asked: HV_VOL_GET tells, of chain and files, before and after. With a cut cable
 * the job hangs, and aborting it does nothing; destroying the carrier at the source ends it.
 */
#ifndef CARRIER_H
#define CARRIER_H

#include <stdbool.h>

#include <glib.h>

#include "base/util.h"

#define CARRIER_FILES_MAX 64
#define CARRIER_MEM_KIB 16384
#define CARRIER_CHECK "check" /* the task of one that a check of the set-up has sent (check/deep.h): without it, it is good for nothing */

/* One file that it has. */
struct carrier_file {
	char *path;
	char *format;  /* what QEMU opens it as: "qcow2"; "raw" also sends a file of another format as the bytes that it is */
};

/** carrier_files_new() - an empty list of struct carrier_file. Return: owned (g_ptr_array_unref). */
GPtrArray *carrier_files_new(void);
/** carrier_files_add() - one more. Return: borrowed from @files. */
struct carrier_file *carrier_files_add(GPtrArray *files, const char *path, const char *format);
/** carrier_files_copy() - a deep copy; NULL of NULL. */
GPtrArray *carrier_files_copy(GPtrArray *files);
/** carrier_files_same() - the same paths in the same formats, in whatever order. */
bool carrier_files_same(const GPtrArray *a, const GPtrArray *b);

/* What HV_CARRIER_START makes; its UUID is the request's. */
struct carrier_params {
	const char *task;    /* whose it is, in this program's words */
	const char *guest;   /* UUID */
	GPtrArray *files;    /* struct carrier_file * */
	const char *arch;    /* of both hosts; NULL: the host's own */
	const char *machine; /* of both hosts' QEMU; NULL: "q35" for x86_64, the hypervisor's choice for others */
	bool checks_cpu;     /* libvirt reads each property of its CPU, on both hosts, as it does for a guest: slow, and never refused */
};

enum carrier_state {
	CARRIER_NOT_TOLD,
	CARRIER_ABSENT,
	CARRIER_IDLE,    /* begun on this host, with no job: to be sent, or the copy has failed */
	CARRIER_COPYING, /* it is being sent from here, or a job of another kind hangs on it */
	CARRIER_COMING,  /* it is on its way to here: its files are not whole */
	CARRIER_ARRIVED, /* begun on another host, and all of it is here */
	CARRIER_STATE_N
};

/** carrier_state_name() - "idle". */
const char *carrier_state_name(enum carrier_state s);

/* A carrier on a host. */
struct carrier {
	char uuid[UTIL_UUID_LEN + 1];
	enum carrier_state state;
	bool resumed;             /* it runs: an operator resumed it. That changes nothing of the copy */
	char *task, *guest;       /* as in its params; NULL: its description does not say */
	char *from;               /* the host, by its name in this program, where it was begun; NULL likewise */
	GPtrArray *files;         /* struct carrier_file * */
};

/** carrier_new() - without files, and its state not told. Return: owned. */
struct carrier *carrier_new(const char *uuid);
/** carrier_copy() - Return: owned. */
struct carrier *carrier_copy(const struct carrier *c);
void carrier_free(struct carrier *c);

/** hv_carrier_name() - the name of the domain that a carrier of that UUID is. Return: owned by the caller. */
char *hv_carrier_name(const char *uuid);
/** hv_is_carrier() - the domain is a carrier of ours. @name: may be NULL */
bool hv_is_carrier(const char *name, const char *uuid);

#endif
