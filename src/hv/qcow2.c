/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/qcow2.h"

#include <string.h>

/* Offsets of the header. */
enum {
	AT_VERSION = 4, AT_CRYPT = 32, AT_SNAPSHOTS = 60, END_V2 = 72,
	AT_INCOMPATIBLE = 72, AT_AUTOCLEAR = 88, AT_LENGTH = 100, END_V3 = 104,
};

enum { DIRTY = 1, CORRUPT = 2, DATA_FILE = 4 };   /* incompatible features */
enum { BITMAPS_VALID = 1 };                       /* an autoclear feature */
enum { EXT_END = 0, EXT_BITMAPS = 0x23852875 };

struct view {
	const guint8 *bytes;
	size_t n;
};

/* 0 of what is not there. */
static uint32_t u32(const struct view *v, size_t at)
{
	guint32 be;

	if (at > v->n || v->n - at < sizeof(be))
		return 0;
	memcpy(&be, v->bytes + at, sizeof(be));
	return GUINT32_FROM_BE(be);
}

/* Features fit into the lower half. */
static uint32_t features(const struct view *v, size_t at)
{
	return u32(v, at + 4);
}

/* Return: false if they break off. */
static bool read_extensions(const struct view *v, size_t at, struct qcow2_head *h)
{
	while (at <= v->n && v->n - at >= 8) {
		uint32_t type = u32(v, at), len = u32(v, at + 4);

		if (type == EXT_END)
			return true;
		if (type == EXT_BITMAPS && (features(v, AT_AUTOCLEAR) & BITMAPS_VALID))
			h->bitmaps = u32(v, at + 8);
		if (len > v->n)
			return false;
		at += 8 + (((size_t)len + 7) & ~(size_t)7);
	}
	return false;
}

struct qcow2_head qcow2_head_read(const guint8 *bytes, size_t n)
{
	const struct view v = { bytes, MIN(n, (size_t)QCOW2_HEAD_BYTES) };
	struct qcow2_head h = { .told = true };
	uint32_t version = u32(&v, AT_VERSION), incompatible;
	bool v3 = version >= 3;

	if (v.n < 8 || memcmp(bytes, "QFI\xfb", 4) != 0 || version < 2)
		return h;
	h.qcow2 = true;
	if (v.n < (size_t)(v3 ? END_V3 : END_V2)) {
		h.unclean = true;
		return h;
	}
	incompatible = v3 ? features(&v, AT_INCOMPATIBLE) : 0;
	h.encrypted = u32(&v, AT_CRYPT) != 0;
	h.snapshots = u32(&v, AT_SNAPSHOTS);
	h.data_file = incompatible & DATA_FILE;
	h.unclean = incompatible & (DIRTY | CORRUPT);
	if (!read_extensions(&v, v3 ? u32(&v, AT_LENGTH) : END_V2, &h))
		h.unclean = true;
	return h;
}
