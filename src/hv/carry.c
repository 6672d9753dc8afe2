/* SPDX-License-Identifier: Apache-2.0 */
#include "hv/carry.h"

#include <assert.h>
#include <string.h>

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
