/* SPDX-License-Identifier: Apache-2.0
 *
 * precheck_priv: a run of the table, as the files of its rows see it.
 */
#ifndef CHECK_PRIV_H
#define CHECK_PRIV_H

#include "hv/xml/domxml_needs.h"
#include "migrate/block.h"
#include "migrate/check.h"
#include "migrate/mig.h"
#include "migrate/volume.h"

enum verdict {
	PASS,
	FAIL,   /* the GError says why */
	SKIP,   /* precheck.brief says why */
	ASKED,  /* a host; its answer goes on */
};

/* A row's function is called when its turn comes; having asked a host, the answer says precheck_decided(), or precheck_run() to be called again. */
typedef enum verdict verdict_f(struct precheck *p, GError **err);
typedef void precheck_answer_f(struct precheck *p, struct hv_reply *r);

struct precheck {
	struct engine *engine;
	char *server_uuid, *dest_name;
	/* By those names, looked up again on every turn. While a row is checked the server and the source are there, and the destination if one is named. */
	struct server *server;
	struct host *source, *dest;
	struct precheck_request req;
	struct precheck_report report;
	size_t at;                 /* the row that is being checked */
	char *brief;               /* its reason, when that is shorter than the error */
	bool quick;                /* hosts are not asked */
	precheck_answer_f *answer; /* what is done with the call under way; NULL: none is */
	bool cancelled;
	struct clock_timer *turn;  /* the first one, or a wait */
	precheck_done_f *done;
	void *user;
	guint model;               /* of [libvirt] cpu_models, that is being compared */
	/* check_definition.c */
	struct hv_dom *there;      /* HV_DOM_GET's answer of the destination; NULL before */
	char *own;                 /* the guest's definition; NULL if it has none */
	bool asked_own;
	struct hv_dom *dom;        /* HV_DOM_GET's answer of the source, once for all rows; or a copy of the record's, when volumes of pools are resolved */
	int busy;                  /* how often a pool was */
	/* check_device.c */
	GPtrArray *devices;        /* struct device *; NULL before */
	guint device;              /* the one that is being looked at */
	GPtrArray *files;          /* likewise: that the guest only reads; NULL before that row */
	guint read_file;
	struct volume *probe;      /* of it, defined or about to be */
	/* check_pool.c */
	char *volume_path, *volume_origin; /* of the volume that is being looked for, at the source */
	enum hv_source volume_kind;
	/* check_storage.c */
	GPtrArray *dirs;           /* struct dir *: folders whose sharing is looked into; NULL before */
	guint dir, media;          /* the ones that are being looked at */
	struct volume *marker;     /* made in that folder, or about to be */
	/* check_guest.c */
	bool needs_read;
	struct domxml_needs needs;
	GPtrArray *at_source, *at_dest; /* struct hv_need *, with the host's answers; NULL: not asked yet */
	guint file;                /* of needs.files, that is being looked for */
	guint made;                /* of needs.made, whose folder is being looked for */
	bool lacks_nvram;          /* the destination has no file of the guest's firmware variables: it is made there */
};

/** precheck_look() - look up server and hosts, for this turn of the loop; for whatever begins one. */
void precheck_look(struct precheck *p);

/** precheck_ask() - Return: false if the host is not connected. */
bool precheck_ask(struct precheck *p, struct host *h, const struct hv_req *req, precheck_answer_f *answer);
/** precheck_ask_dest() - ask the destination, for a row. Return: ASKED; FAIL with Nova's words if it is not connected. */
enum verdict precheck_ask_dest(struct precheck *p, const struct hv_req *req, precheck_answer_f *answer, GError **err);
/** precheck_decided() - an answer said it; @err: taken, with FAIL. */
void precheck_decided(struct precheck *p, enum verdict v, GError *err);
/** precheck_run() - go on: the same row again. */
void precheck_run(struct precheck *p);
/** precheck_turn() - a timer's: likewise, on a turn of its own. @precheck: the struct precheck. */
void precheck_turn(void *precheck);
/** precheck_fetch_xml() - ask the source for the guest's XML; the same row is called again then. Return: ASKED or FAIL. */
enum verdict precheck_fetch_xml(struct precheck *p, GError **err);
/** precheck_source_failed() - the source did not say it: that is nothing about the destination. */
void precheck_source_failed(struct precheck *p, const GError *why);

/** precheck_skip() - Return: SKIP. */
enum verdict precheck_skip(struct precheck *p, const char *why);
/** precheck_fail() - an ERR_PRECHECK. Return: FAIL. */
enum verdict precheck_fail(GError **err, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* ---- check_definition.c ---- */

verdict_f precheck_kept, precheck_definition;
void precheck_definition_clear(struct precheck *p);

/** precheck_dom() - the guest as its host said it last, or for this run; NULL: precheck_fetch_dom(). */
const struct hv_dom *precheck_dom(const struct precheck *p);
/** precheck_fetch_dom() - ask for it, and call the row again. Return: ASKED or FAIL. */
enum verdict precheck_fetch_dom(struct precheck *p, GError **err);

/**
 * precheck_busy() - a pool cannot be looked into, nor changed, while something is made in it: again, soon.
 * @again: the timer's
 *
 * Return: it will be called; false: the answer is something else, or was so too often.
 */
bool precheck_busy(struct precheck *p, const struct hv_reply *r, void (*again)(void *user));

/** precheck_let_go() - what a check has made is not needed any more; @v is set to NULL. */
void precheck_let_go(struct volume **v);

/* ---- check_pool.c: volumes of pools become files, devices or network disks ---- */

verdict_f precheck_pools;
void precheck_pools_clear(struct precheck *p);
/** precheck_volume_unknown() - the row has failed: where some disk is, is not known. */
bool precheck_volume_unknown(const struct precheck *p);

/* ---- check_device.c ---- */

verdict_f precheck_block_devices, precheck_read_files;
void precheck_block_devices_clear(struct precheck *p);
/** precheck_shares_device() - the guest has a block device which the two hosts share. */
bool precheck_shares_device(const struct precheck *p);

/* ---- check_storage.c ---- */

verdict_f precheck_storage, precheck_drives, precheck_disk;
/** precheck_shares_folder() - the experiment has shown that both hosts have the folder of that path; false where it was not made. */
bool precheck_shares_folder(const struct precheck *p, const char *path);
void precheck_storage_clear(struct precheck *p);

/* ---- check_guest.c ---- */

verdict_f precheck_snapshots, precheck_checkpoints, precheck_block_jobs, precheck_unmigratable, precheck_name, precheck_machine, precheck_networks,
	precheck_secrets, precheck_boot_files, precheck_nvram, precheck_tsc,
	precheck_devices_built, precheck_security, precheck_folders, precheck_host_paths;
/** precheck_read_needs() - what the guest needs is in p->needs. Return: PASS; ASKED, and the row is called again; FAIL. */
enum verdict precheck_read_needs(struct precheck *p, GError **err);
void precheck_guest_clear(struct precheck *p);

/* ---- check_console.c ---- */

verdict_f precheck_consoles, precheck_vsock;

#endif
