/* SPDX-License-Identifier: Apache-2.0
 *
 * qcow2: what the first bytes of a qcow2 file say of it that libvirt does not tell.
 *
 * Source of the format: QEMU's docs/interop/qcow2.txt. The bytes come from a host,
 * and are not trusted.
 */
#ifndef QCOW2_H
#define QCOW2_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#define QCOW2_HEAD_BYTES 4096 /* where the header and its extensions are, and more than enough of the file to tell what it is */

struct qcow2_head {
	bool told;            /* the file was looked at */
	bool qcow2;           /* it is one; the rest is of those alone */
	bool encrypted;
	bool data_file;       /* the guest's data is in another file */
	bool unclean;         /* marked as dirty or corrupt: opening it for writing changes it */
	uint32_t snapshots;   /* within the file */
	uint32_t bitmaps;     /* persistent ones */
};

/**
 * qcow2_head_read() - read what a file begins with.
 * @n: how many bytes of it are here; all of it, or at least QCOW2_HEAD_BYTES
 *
 * A header that breaks off, or whose extensions do, counts as unclean.
 */
struct qcow2_head qcow2_head_read(const guint8 *bytes, size_t n);

#endif
