/* SPDX-License-Identifier: Apache-2.0
 *
 * survey: what is known of the hosts of one run of the check, before it is judged. Nothing of it changes any more when rules.c reads it, so
 * that can be on another thread.
 *
 * Hosts are known by their place in .hosts, pairs are ordered: from one host to another.
 */
#ifndef SURVEY_H
#define SURVEY_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/util.h"
#include "hv/facts.h"

#define SURVEY_FOLDERS_MAX 64   /* of the whole fleet */
#define SURVEY_PAIRS_MAX 10000  /* more are not asked: each host then asks as many as fit */
#define SURVEY_CPUS_MAX 16      /* different CPUs */
#define SURVEY_GUESTS_MAX 10000
#define SURVEY_NO_CPU G_MAXUINT
#define SURVEY_IMAGES "/var/lib/libvirt/images" /* libvirt's own folder, which packages make; looked at whether or not a guest has a disk there */

enum survey_console { SURVEY_VNC, SURVEY_SPICE, SURVEY_CONSOLE_N };

/* A folder at one host. */
struct survey_folder {
	struct hv_folder *seen;          /* NULL: not told */
	char *why;                       /* why not, or why no marker could be made */
	bool marked;                     /* its marker was made */
	bool refused;                    /* ... or could not be: .why has the host's words */
	int64_t before_us, after_us;     /* ... between these, by the clock of this program */
};

struct survey_host {
	char *name;
	char *uri, *peer_uri;            /* as the controller reaches its libvirtd, and as the other hosts do */
	char *address;                   /* where migrations come in; NULL: not known */
	char *section;                   /* where it is configured: "drover.conf:12: [host h2]" */
	char *listen[SURVEY_CONSOLE_N];  /* where consoles listen on it, as the configuration says; NULL: where the guest's description says */
	bool up;
	char *down;                      /* why it is not */
	char *same_as;                   /* the host whose libvirt says the same UUID; NULL */
	/* of a host that is up */
	char *hostname, *arch, *cpu_xml;
	char *cpu_kind;                  /* model, vendor, features: without what differs from machine to machine; NULL: no KVM */
	int64_t hv_version, libvirt_version;
	GArray *pages_kib, *pages_used_kib; /* int64_t: huge pages that it has, and that its guests have */
	struct hv_facts *facts;          /* NULL: not told */
	char *facts_why;
	struct survey_folder *folders;   /* as many as survey.folders */
	guint cpu;                       /* of survey.cpus; SURVEY_NO_CPU */
	char uuid[UTIL_UUID_LEN + 1];    /* ours */
};

enum survey_answer { SURVEY_NOT_ASKED, SURVEY_YES, SURVEY_NO };

struct survey_pair {
	guint from, to;
	enum survey_answer peer;         /* its libvirtd reaches the other's */
	enum survey_answer deep;         /* an empty guest went there */
	char *why, *deep_why;            /* the host's words, of NO */
	char *deep_folder;               /* where its disk was */
};

/* A kind of CPU. */
struct survey_cpu {
	char *kind, *xml;
	guint host;                      /* one that has it */
};

/* A guest with the CPU of a host of the one kind, on one of the other. */
struct survey_cpu_way {
	guint from, to;
	enum survey_answer fits;
	char *why;
};

/* A guest that listens where its host alone may listen. */
struct survey_guest {
	guint host;
	enum survey_console console;
	char *name, *listen;
};

/* A domain that is started with a host, and whose server is on another. */
struct survey_stray {
	guint host;
	char *name, *uuid;
	char *server_host;
};

struct survey {
	bool deep;
	bool native_tls;                 /* [libvirt] live_migration_with_native_tls */
	int64_t now_us;                  /* wall clock, of its end */
	char *marker;                    /* how the names of its files begin */
	GPtrArray *hosts;                /* struct survey_host * */
	GPtrArray *folders;              /* char *: paths */
	guint of_guests;                 /* so many of them, from the first on, have disks of guests; the others are of pools */
	bool folders_left_out, images_used; /* a guest has a disk in the first one, which is SURVEY_IMAGES */
	GPtrArray *bridges;              /* char *: that guests are connected to */
	GArray *pairs;                   /* struct survey_pair */
	bool pairs_left_out;
	GPtrArray *cpus;                 /* struct survey_cpu * */
	GArray *ways;                    /* struct survey_cpu_way */
	char *baseline, *baseline_why;   /* <cpu> that all hosts have */
	GPtrArray *guests;               /* struct survey_guest * */
	GPtrArray *strays;               /* struct survey_stray * */
};

struct survey *survey_new(void);
void survey_free(struct survey *s);
/** survey_host_add() - one more. Return: borrowed. */
struct survey_host *survey_host_add(struct survey *s, const char *name);
/** survey_host() - by its place. */
struct survey_host *survey_host(const struct survey *s, guint i);
/** survey_begin_folders() - all folders are known: each host has them. */
void survey_begin_folders(struct survey *s);
/** survey_add_unique() - one more text, unless it is there. Return: false if there are @max already. */
bool survey_add_unique(GPtrArray *texts, const char *text, guint max);
/** survey_add_pair(), survey_add_guest(), survey_add_stray() - one more. */
struct survey_pair *survey_add_pair(struct survey *s, guint from, guint to);
void survey_add_guest(struct survey *s, guint host, const char *name, enum survey_console console, const char *listen);
void survey_add_stray(struct survey *s, guint host, const char *uuid, const char *name, const char *server_host);
/** survey_marker() - the name of a host's file. Return: owned. */
char *survey_marker(const struct survey *s, guint host);
/** survey_sees() - the host sees the other's file in that folder. */
bool survey_sees(const struct survey *s, guint folder, guint host, guint other);
/**
 * survey_shared() - for each host the first host that has the same storage in that folder: its own place if none before has.
 *
 * Two have the same if one of them sees the other's file: of two the one that wrote later sees both, whatever a client of NFS keeps in mind.
 * Return: owned guint[], by host; G_MAXUINT of one that has no such folder, or has not told.
 */
guint *survey_shared(const struct survey *s, guint folder);

#endif
