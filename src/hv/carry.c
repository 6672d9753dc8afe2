/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/carry.h"

#include <assert.h>
#include <string.h>

#define SECTOR 512

static const char *const mode_names[] = {
	[CARRY_STAYS] = "stays",   [CARRY_DISK] = "disk",   [CARRY_FILE] = "file",
	[CARRY_STREAM] = "stream", [CARRY_NEVER] = "never",
};
static_assert(G_N_ELEMENTS(mode_names) == CARRY_MODE_N, "mode_names is missing one");

const char *carry_mode_name(enum carry_mode m)
{
	return mode_names[m];
}

static bool is_shared(const struct carry_facts *f)
{
	return f->shared || f->kind == HV_SOURCE_NETWORK;
}

static bool is_loopback(const struct carry_facts *f)
{
	return f->kind == HV_SOURCE_LOOPBACK;
}

static bool is_device(const struct carry_facts *f)
{
	return f->kind == HV_SOURCE_DEVICE;
}

static bool is_no_file(const struct carry_facts *f)
{
	return f->kind != HV_SOURCE_FILE;
}

static bool has_data_file(const struct carry_facts *f)
{
	return f->head.data_file;
}

static bool is_in_use(const struct carry_facts *f)
{
	return f->in_use;
}

static bool is_raw(const struct carry_facts *f)
{
	return !g_strcmp0(f->format, "raw");
}

static bool is_unknown(const struct carry_facts *f)
{
	return !f->head.told;
}

static bool is_other(const struct carry_facts *f)
{
	return !f->head.qcow2 || g_strcmp0(f->format, "qcow2") != 0;
}

static bool is_encrypted(const struct carry_facts *f)
{
	return f->head.encrypted;
}

static bool has_snapshots(const struct carry_facts *f)
{
	return f->head.snapshots > 0;
}

static bool has_bitmaps(const struct carry_facts *f)
{
	return f->head.bitmaps > 0;
}

static bool is_unclean(const struct carry_facts *f)
{
	return f->head.unclean;
}

static bool goes_with_base(const struct carry_facts *f)
{
	return f->base_goes;
}

/* The first row that holds decides; what none holds for is a plain qcow2. */
static const struct {
	bool (*holds)(const struct carry_facts *f);
	enum carry_mode mode;
	const char *why;
} rows[] = {
	{ is_shared,      CARRY_STAYS,  "both hosts see it" },
	{ is_loopback,    CARRY_NEVER,  "its server is the host itself" },
	{ is_device,      CARRY_NEVER,  "it is a block device of its host" },
	{ is_no_file,     CARRY_NEVER,  "it is not a file" },
	{ has_data_file,  CARRY_NEVER,  "its data is in an external data file" },
	{ is_in_use,      CARRY_STREAM, "a guest that runs has it open" },
	{ is_raw,         CARRY_FILE,   "it is raw" },
	{ is_unknown,     CARRY_FILE,   "what is in it is not known" },
	{ is_other,       CARRY_FILE,   "it is not a qcow2" },
	{ is_encrypted,   CARRY_FILE,   "it is encrypted" },
	{ has_snapshots,  CARRY_FILE,   "it has internal snapshots" },
	{ has_bitmaps,    CARRY_FILE,   "it has persistent bitmaps" },
	{ is_unclean,     CARRY_FILE,   "it was not closed well" },
	{ goes_with_base, CARRY_FILE,   "what it is laid over goes along" },
};

enum carry_mode carry_mode(const struct carry_facts *f, const char **ret_why)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		if (!rows[i].holds(f))
			continue;
		if (ret_why)
			*ret_why = rows[i].why;
		return rows[i].mode;
	}
	if (ret_why)
		*ret_why = "it is a plain qcow2";
	return CARRY_DISK;
}

/* ---- at the destination ---- */

struct hv_vol_params carry_room(const char *path, enum carry_mode m, const struct hv_vol *at_source)
{
	g_assert(m == CARRY_DISK || m == CARRY_FILE);
	if (m == CARRY_FILE)
		return (struct hv_vol_params){ .path = path, .format = "raw", .capacity_bytes = at_source->physical_bytes };
	return (struct hv_vol_params){
		.path = path, .format = at_source->format, .capacity_bytes = at_source->capacity_bytes,
		.backing = at_source->backing, .backing_format = at_source->backing_format,
	};
}

/* QEMU's disks end with a sector. */
static int64_t sectors(int64_t bytes)
{
	return (bytes + SECTOR - 1) / SECTOR * SECTOR;
}

static char *says_bytes(const char *what, int64_t is, int64_t was)
{
	return g_strdup_printf("%s is %" G_GINT64_FORMAT " bytes, not %" G_GINT64_FORMAT, what, is, was);
}

static char *says_text(const char *what, const char *is, const char *was)
{
	return g_strdup_printf("%s is %s, not %s", what, is ? is : "none", was ? was : "none");
}

char *carry_differs(enum carry_mode m, const struct hv_vol *at_source, const struct hv_vol *at_dest)
{
	bool raw = !g_strcmp0(at_source->format, "raw");
	int64_t length = sectors(at_source->physical_bytes);
	/* A raw file's capacity is its length. */
	int64_t capacity = raw ? length : at_source->capacity_bytes;

	if (!at_dest->exists)
		return g_strdup("it is not there");
	if (m == CARRY_FILE && sectors(at_dest->physical_bytes) != length)
		return says_bytes("its length", at_dest->physical_bytes, length);
	if (g_strcmp0(at_dest->format, at_source->format) != 0)
		return says_text("its format", at_dest->format, at_source->format);
	if ((raw ? sectors(at_dest->capacity_bytes) : at_dest->capacity_bytes) != capacity)
		return says_bytes("its capacity", at_dest->capacity_bytes, capacity);
	if (g_strcmp0(at_dest->backing, at_source->backing) != 0)
		return says_text("what it is laid over", at_dest->backing, at_source->backing);
	return NULL;
}

int64_t carry_limit(int64_t mibs, guint files)
{
	return mibs > 0 && files > 0 ? MAX(mibs / files, 1) : mibs;
}
