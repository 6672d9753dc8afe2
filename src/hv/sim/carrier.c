/* SPDX-License-Identifier: Apache-2.0
 *
 * A carrier is a domain like any other but for what it has: 16 MiB that nothing writes to, and disks of its own, which are others' files.
 * It never has a guest's memory (sim_dom.whole), so it can be destroyed; letting it run does nothing to its files.
 */
#include "hv/sim/carrier.h"

#include "hv/sim/define.h"
#include "hv/sim/disk.h"
#include "hv/sim/dom.h"
#include "hv/sim/file.h"
#include "hv/sim/job.h"
#include "hv/sim/world.h"
#include "hv/xml/carrier_xml.h"

/* ---- files ---- */

static bool has_open(const struct sim_dom *d, const char *path)
{
	for (guint i = 0; i < d->disks->len; i++) {
		const struct sim_disk *k = g_ptr_array_index(d->disks, i);

		if (!k->network && !k->device && !k->cdrom && g_str_equal(k->path, path))
			return true;
	}
	return false;
}

static const struct sim_dom *writer_on(const struct sim_host *h, const char *path, const struct sim_dom *but)
{
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, h->doms);
	while (g_hash_table_iter_next(&it, NULL, &value))
		if (value != but && sim_dom_active(value) && has_open(value, path))
			return value;
	return NULL;
}

const struct sim_dom *sim_file_writer(const struct sim *w, const struct sim_storage *s, const char *path, const struct sim_dom *but)
{
	const struct sim_dom *d = NULL;
	GHashTableIter it;
	void *value;

	g_hash_table_iter_init(&it, w->hosts);
	while (!d && g_hash_table_iter_next(&it, NULL, &value)) {
		const struct sim_host *h = value;

		if (h->storage == s && h->on)
			d = writer_on(h, path, but);
	}
	return d;
}

static bool is_kept(const struct sim_host *h, const char *path)
{
	while (path) {
		const struct sim_dom *d = sim_file_writer(h->w, h->storage, path, NULL);
		const struct sim_file *f = sim_file_find(h->storage, path);

		if (d && d->carrier)
			return true;
		path = f ? f->backing : NULL;
	}
	return false;
}

bool sim_carrier_keeps(const struct sim_dom *guest)
{
	for (guint i = 0; i < guest->disks->len; i++)
		if (is_kept(guest->host, ((const struct sim_disk *)g_ptr_array_index(guest->disks, i))->path))
			return true;
	return false;
}

/* ---- making one ---- */

static struct sim_disk *new_disk(const struct sim_host *h, const struct carrier_file *c, guint i)
{
	const struct sim_file *f = sim_file_find(h->storage, c->path);
	struct sim_disk *k = g_new0(struct sim_disk, 1);

	k->target = carrier_xml_target(i);
	k->path = g_strdup(c->path);
	k->format = g_strdup(c->format);
	k->capacity = g_str_equal(c->format, "raw") ? sim_file_sectors(f) : f->capacity;
	return k;
}

struct sim_dom *sim_carrier_new(struct sim_host *h, const char *uuid, const struct carrier_params *p)
{
	GPtrArray *disks = g_ptr_array_new_with_free_func((GDestroyNotify)sim_disk_free);
	struct carrier *c = carrier_new(uuid);

	c->task = g_strdup(p->task);
	c->guest = g_strdup(p->guest);
	c->from = g_strdup(h->name);
	for (guint i = 0; i < p->files->len; i++) {
		const struct carrier_file *f = g_ptr_array_index(p->files, i);

		(void)carrier_files_add(c->files, f->path, f->format);
		g_ptr_array_add(disks, new_disk(h, f, i));
	}
	return sim_dom_new_carrier(h, c, disks);
}

static char *file_says(const struct sim_host *h, const struct carrier_file *c)
{
	const struct sim_file *f = sim_file_find(h->storage, c->path);

	if (!f)
		return g_strdup_printf("Cannot access storage file '%s' (as uid:0, gid:0): No such file or directory", c->path);
	if (sim_file_writer(h->w, h->storage, c->path, NULL) || sim_disk_in_use(h->w, h->storage, c->path, true))
		return g_strdup_printf("internal error: process exited while connecting to monitor: Failed to get \"write\" lock\n"
				       "Is another process using the image [%s]?", c->path);
	if (g_str_equal(c->format, "qcow2") && g_strcmp0(f->format, "qcow2") != 0)
		return g_strdup("internal error: process exited while connecting to monitor: Image is not in qcow2 format");
	if (g_str_equal(c->format, "qcow2") && f->head.encrypted)
		return g_strdup("internal error: process exited while connecting to monitor: Parameter 'encrypt.key-secret' is required for cipher");
	return NULL;
}

char *sim_carrier_says(struct sim_host *h, const char *uuid, const struct carrier_params *p)
{
	g_autofree char *name = hv_carrier_name(uuid);
	const char *other = sim_name_taken(h, name, uuid);
	const char *machine = p->machine ? p->machine : carrier_xml_machine(p->arch);
	char *no = other ? g_strdup_printf("operation failed: domain '%s' already exists with uuid %s", name, other) : NULL;

	if (!no && machine && g_hash_table_contains(h->lacks, machine))
		no = g_strdup_printf("unsupported configuration: Emulator '/usr/bin/qemu' does not support machine type '%s'", machine);
	for (guint i = 0; i < p->files->len && !no; i++)
		no = file_says(h, g_ptr_array_index(p->files, i));
	return no;
}

/* ---- what became of it ---- */

/* As libvirt's states tell it: see hv/libvirt/carrier.c. */
static enum carrier_state state_of(const struct sim_dom *d)
{
	bool rests = d->state == HV_RUNNING || (d->state == HV_PAUSED && d->reason != HV_R_STARTING && d->reason != HV_R_MIGRATION);

	if (g_str_equal(d->carrier->from, d->host->name))
		return rests && !sim_job_told(d) ? CARRIER_IDLE : CARRIER_COPYING;
	return rests ? CARRIER_ARRIVED : CARRIER_COMING;
}

struct carrier *sim_carrier_describe(const struct sim_dom *d)
{
	struct carrier *c = carrier_copy(d->carrier);

	c->state = state_of(d);
	c->resumed = d->state == HV_RUNNING;
	return c;
}

/* ---- for tests ---- */

guint sim_carriers(struct sim *w, const char *host)
{
	GHashTableIter it;
	void *value;
	guint n = 0;

	g_hash_table_iter_init(&it, sim_host_must_find(w, host)->doms);
	while (g_hash_table_iter_next(&it, NULL, &value))
		n += ((const struct sim_dom *)value)->carrier != NULL;
	return n;
}
