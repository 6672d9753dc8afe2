/* SPDX-License-Identifier: Apache-2.0
 *
 * facts: what a check of the set-up (src/check) asks of a host, beside what is known of it anyway.
 *
 * All of it is the host's word: bounded by the implementation, and not told rather than guessed.
 */
#ifndef FACTS_H
#define FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#define HV_NOT_KNOWN (-1)
#define HV_MARKERS_MAX 4096   /* files of one folder that are told */
#define HV_FACTS_MAX 4096     /* interfaces, or domains that are started with the host */
#define HV_CERT_NAMES_MAX 64
#define HV_POOLS_MAX 64        /* so many are told */

/* Of a file or a folder. */
struct hv_perms {
	int64_t uid, gid, mode; /* HV_NOT_KNOWN each: not told */
};

/* A file whose name begins as asked. */
struct hv_marker {
	char *name;
	struct hv_perms perms;
	int64_t modified_us; /* by the clock of whatever keeps the file; 0: not told */
};

/* HV_FOLDER_GET */
struct hv_folder {
	bool exists;
	struct hv_perms perms;
	int64_t size_bytes, free_bytes; /* of its file system; 0: not told */
	GPtrArray *markers;             /* struct hv_marker * */
};

struct hv_mtu {
	char *name;   /* of an interface or a bridge */
	int64_t mtu;
};

/* What a libvirtd that is reached by TLS shows. */
struct hv_cert {
	char *why;          /* why it was not seen; NULL: it was, and the rest counts */
	char *subject;      /* as one line */
	char *names;        /* the names that it is good for, commas between */
	char *missing;      /* a name that the host is reached by and that is none of those; NULL: there is none */
	int64_t begins_us, ends_us; /* wall clock */
	bool server, client; /* what it may be used as. libvirtd is a client of the other hosts in a peer to peer migration */
};

/* HV_FACTS_GET */
struct hv_facts {
	int64_t qemu_uid, qemu_gid; /* of the user that QEMU runs as; HV_NOT_KNOWN */
	char *security;             /* what confines guests: "apparmor", "selinux"; NULL: nothing */
	char *cpu;                  /* <cpu>: the best that a guest can be given there, by name; NULL: not told */
	char *virt_type;            /* ... one of this type: "kvm", "qemu" */
	GPtrArray *mtus;            /* struct hv_mtu *; NULL: not told */
	GPtrArray *folders;         /* char *: of its active storage pools of files */
	GPtrArray *autostarted;     /* char *: UUIDs of domains that are off, and are started with the host */
	struct hv_cert *cert;       /* NULL: it is not reached by TLS */
};

/** hv_perms_none() - nothing is told. */
struct hv_perms hv_perms_none(void);

/** hv_folder_new(), hv_facts_new() - nothing is told. Return: owned. */
struct hv_folder *hv_folder_new(void);
struct hv_facts *hv_facts_new(void);
/** hv_folder_add(), hv_facts_mtu() - one more. */
struct hv_marker *hv_folder_add(struct hv_folder *f, const char *name);
void hv_facts_mtu(struct hv_facts *f, const char *name, int64_t mtu);

/** hv_folder_free(), hv_facts_free() - NULL is fine. */
void hv_folder_free(struct hv_folder *f);
void hv_cert_free(struct hv_cert *c);
void hv_facts_free(struct hv_facts *f);

#endif
