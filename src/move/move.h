/* SPDX-License-Identifier: Apache-2.0
 *
 * move: what is known of a guest that is being moved, whether it runs meanwhile or not.
 *
 * A kind that moves a guest has it as the first member of its own part of the task (mig.priv), so that the search, the checks, the disks, the
 * definitions and the place at the destination are the same for all of them.
 */
#ifndef MOVE_H
#define MOVE_H

#include "hv/hv.h"
#include "task/record.h"

struct check;
struct ready_way;

/* The carrier of a guest that is off; carrying.c's. */
struct move_carry {
	enum carrier_state at_source, at_dest; /* what both hosts have said last */
	GPtrArray *files;            /* struct carrier_file *: of the one at the destination; NULL */
	guint compared;              /* ... how many of them are what they were */
	int64_t carried_bytes;       /* ... and what those take at the source */
	struct hv_vol source_vol;    /* the next one, at the source */
	int sent;                    /* how often, by this process */
	bool ended;                  /* the last call has, and nothing was asked since */
	bool came;                   /* the destination has said by an event that all of the last one is there */
	char *error;                 /* why the last one did not arrive; NULL */
	int unsent;                  /* how often it was refused before a byte of it had moved, by this process */
	bool streams;                /* no carrier can bring them: they go through this program */
	bool touched;                /* ... and something was done with the guest at its source meanwhile */
	int64_t moved_ms, moved_bytes; /* when the count of copied bytes last changed, and it; 0: not seen yet */
};

struct move {
	/* the search; search.c's */
	char *candidate;             /* the host that is being asked */
	struct check *precheck;      /* its run, or one that finds out what is to be copied; NULL */
	bool checked;                /* what needs no destination passed again */
	int given_up;                /* destinations */
	/* the guest, as its source describes it */
	char *xml, *xml_inactive;    /* its migratable XML, live and defined */
	GPtrArray *listeners;        /* struct domxml_listener *: of the live one; NULL: not read yet */
	char *definition;            /* NULL before it was read, or if it has none; definition_prepare.c's */
	int64_t definition_id;       /* of its row that is being written; 0; definition_prepare.c's */
	/* what both hosts have said of it last; owned; NULL: no answer yet, or none was to be had */
	struct hv_dom *at_source, *at_dest;
	/* what goes to the destination */
	const struct plan *plan;     /* borrowed; plan.c's */
	const struct ready_way *way; /* borrowed; ready.c's */
	char *dest_xml, *persistent_xml; /* the guest's XML for it, when that differs */
	GPtrArray *copies;           /* struct block_item *: what must be copied to it; NULL before that is known */
	bool planned;                /* it is known */
	bool carries;                /* the guest is off: they go by a carrier, and are made as that wants them */
	struct move_carry carry;
	bool read_only;              /* only what the guest reads is being made; block_make.c's */
	int pool_waits;              /* how often a pool was waited for since the last file was made; block_make.c's */
	struct hv_numa_fit *numa_fit; /* where it goes, when that differs; numa.c's */
	/* the outcome, as far as it is known */
	bool arrived;                /* a host or libvirt has said that the guest lives at its destination */
	bool dest_defined;           /* ... and one since that it has a definition there */
	bool may_come;               /* a call that defines it at the destination was sent, and its answer lost: it may be done later; the kind's */
	bool dest_theirs, source_theirs; /* what is defined there is not what this move may undefine */
	char *left;                  /* the silent host at which something is left, from the end on, or from when a destination was given up, which is forgotten then; NULL; outcome.c's */
	int64_t left_id;             /* ... and its row */
	int64_t stays_id;            /* of the row of the source's flag, when it stays there; outcome.c's */
};

/** move_of() - the kind's part begins with it. Borrowed. */
static inline struct move *move_of(const struct mig *m)
{
	return m->priv;
}

/** move_clear() - free what it owns; a run of checks is cancelled. */
void move_clear(struct move *v);
/** move_cancel() - the stage is another one: a run of checks that is under way counts no more. */
void move_cancel(struct move *v);

/** move_describe() - set the guest's XML, live and defined, and the listeners of the live one (NULL: to be read from it). All are taken. */
void move_describe(struct move *v, char *xml, char *xml_inactive, GPtrArray *listeners);
/** move_copies() - set what must be copied: struct block_item *, taken; NULL: not known. */
void move_copies(struct move *v, GPtrArray *items);
/** move_clear_vol() - free what it owns. */
void move_clear_vol(struct hv_vol *v);
/** move_heard() - set what a host has said; taken, NULL: nothing. */
void move_heard_source(struct move *v, struct hv_dom *d);
void move_heard_dest(struct move *v, struct hv_dom *d);

#endif
