/* SPDX-License-Identifier: Apache-2.0
 *
 * host_uuid: a host is its libvirt's UUID, not its name.
 *
 * Theory of operation
 * -------------------
 * The UUID (libvirt's host_uuid, or the machine's SMBIOS) is asked for at each
 * connection, before the host's domains are. The first host that says one has it,
 * also over restarts; a second name for it stays down and says so: its domains are
 * not asked for, so that no guest is seen on two hosts that are one, and its room
 * does not count twice. It tries again, as any host that is down: it may have been
 * given a UUID of its own meanwhile.
 *
 * Two machines can have one UUID, when their firmware or image was cloned. They
 * cannot both be used then, as libvirt does not migrate between them: it takes the
 * destination for the source. Their host names tell them apart, for people.
 *
 * A host of the database that came from the configuration and stands in it no
 * more, while a section of another name leads to its UUID, was renamed there. It
 * goes on under its old name, at the new address, until the next start: then the
 * addresses agree and host_rename.c renames it, when nothing is under way.
 */
#ifndef HOST_UUID_H
#define HOST_UUID_H

#include "fleet/host.h"

/**
 * host_uuid_take() - @h's libvirt has given its UUID.
 *
 * Return: NULL: it may go on. Else why not, for people: another host is that machine. Owned by the caller.
 */
char *host_uuid_take(struct fleet *f, struct host *h, const struct hv_host_info *info);

/** host_uuid_save() - write @h's UUID to its row; where the database refuses, again after its next list. */
void host_uuid_save(struct fleet *f, struct host *h);

#endif
