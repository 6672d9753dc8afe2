/* SPDX-License-Identifier: Apache-2.0
 *
 * carrying: the local files of a guest that is off come to its destination by a carrier (hv/carrier.h).
 *
 * Theory of operation
 * -------------------
 * The carrier's UUID is the task's (mig.uuid), and nothing of it is in a row: how far it is both hosts say
 * (carrying_look()), after a restart and after each doubt, and what follows is a function of that (carrying_next()).
 *
 * While a carrier is there, no guest starts on its files, on either host. The one at the destination stays until the guest is about to start
 * there; then carrying_drop() ends it.
 *
 * When all of it is at the destination libvirt ends the source's QEMU, for which it waits in steps of 200 ms, and says nothing of the domain until then. The
 * destination is asked alone meanwhile, and what it has can be compared: from there on a carrier that stays at the source (it never heard of the
 * arrival) has nothing that the other lacks.
 *
 * Where no carrier can run (the source has no emulator of type qemu, or the destination's QEMU is refused or not reached by the source again
 * and again) the files are streamed through this program, as HV_VOL_COPY does it. Nothing locks them then: a guest that was started in
 * between is known by its events, and they are streamed again. A restart begins with a carrier.
 *
 * Each function is a part (part.h): AGAIN means "look again".
 */
#ifndef CARRYING_H
#define CARRYING_H

#include "move/part.h"

enum carrying_next {
	CARRYING_LOOK,    /* again, later: a host that counts is silent */
	CARRYING_SEND,    /* there is none: carrying_send() */
	CARRYING_WATCH,   /* it copies: carrying_watch() */
	CARRYING_DROP,    /* the copy has failed, or was never begun: carrying_drop() */
	CARRYING_COMPARE, /* it has arrived: carrying_compare() */
};

/** carrying_next() - of what both hosts have said. Pure. */
enum carrying_next carrying_next(enum carrier_state source, enum carrier_state dest);

/**
 * carrying_heard() - an event of the carrier at a host.
 *
 * Return: it is time to look: all of it is at the destination, though libvirt's call has not ended yet.
 */
bool carrying_heard(struct mig *m, const struct hv_event *ev);
/** carrying_look() - what both hosts say of the carrier: move.carry's at_source and at_dest. READY, also where a host is silent. */
struct part carrying_look(struct mig *m, part_done_f *done);
/**
 * carrying_send() - one step of making the files, beginning the carrier and sending it. LATER when it is on its way: the stage is entered again then,
 * and at once when libvirt's call has ended. READY: there is nothing to carry.
 */
struct part carrying_send(struct mig *m, part_done_f *done);
/** carrying_never_sends() - each carrier of this process was refused by the hosts before a byte of it had moved: another one will be as well. */
bool carrying_never_sends(const struct mig *m);
/** carrying_stream() - from now on carrying_send() brings the files through this program; the record says so. AGAIN. */
struct part carrying_stream(struct mig *m);
/** carrying_saw() - an event of the guest at a host: nothing but that tells that files were used while they were streamed. */
void carrying_saw(struct mig *m, const char *host);
/** carrying_watch() - the copy's progress, into the record; LATER. Where no byte moves for long it is dropped: an abort would do nothing. */
struct part carrying_watch(struct mig *m, part_done_f *done);
/**
 * carrying_drop() - destroy it, at the source first, which ends the copy; files that it has filled count as not made. Where all of it has arrived and
 * libvirt still ends the source's, the destination's goes first.
 */
struct part carrying_drop(struct mig *m, part_done_f *done);
/** carrying_compare() - after carrying_look() has seen it arrive. FAILED: a file is not what was carried; why says which. */
struct part carrying_compare(struct mig *m, part_done_f *done);

#endif
