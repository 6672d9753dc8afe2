/* SPDX-License-Identifier: Apache-2.0
 *
 * What libvirt and QEMU refuse: rows about the guest itself, asked of the source,
 * and about what it needs by name at the destination. Each host is asked once, for
 * what this guest needs and no more. What cannot be found out is skipped, with
 * the reason; it never passes.
 */
#include "migrate/check_priv.h"

#include "base/err.h"
#include "hv/needs.h"

#define REFUSED "Migration pre-check error: "

enum verdict precheck_read_needs(struct precheck *p, GError **err)
{
	if (p->needs_read)
		return PASS;
	if (!p->report.xml)
		return precheck_fetch_xml(p, err);
	p->needs_read = domxml_needs(p->report.xml, &p->needs, err);
	p->report.listeners = g_steal_pointer(&p->needs.listeners);
	return p->needs_read ? PASS : FAIL;
}

/* ---- asking ---- */

static void source_said(struct precheck *p, struct hv_reply *r)
{
	if (r->err && err_code(r->err) == ERR_HV_LOST) {
		precheck_source_failed(p, r->err);
		return;
	}
	p->at_source = r->err ? hv_needs_copy(p->needs.source) : g_steal_pointer(&r->needs);
	precheck_run(p); /* the same row again */
}

static void dest_said(struct precheck *p, struct hv_reply *r)
{
	if (r->err && err_code(r->err) == ERR_HV_LOST) {
		precheck_decided(p, FAIL, g_error_copy(r->err));
		return;
	}
	p->at_dest = r->err ? hv_needs_copy(p->needs.dest) : g_steal_pointer(&r->needs);
	precheck_run(p);
}

static enum verdict ask(struct precheck *p, bool of_dest, GError **err)
{
	struct hv_req req = { .op = HV_LOOKUP, .uuid = p->server_uuid };
	enum verdict v = precheck_read_needs(p, err);

	if (v != PASS || (of_dest ? p->at_dest : p->at_source))
		return v;
	req.needs = of_dest ? p->needs.dest : p->needs.source;
	if (precheck_ask(p, of_dest ? p->dest : p->source, &req, of_dest ? dest_said : source_said))
		return ASKED;
	p->report.source_lost |= !of_dest;
	return precheck_fail(err, "Compute service of %s is unavailable at this time.", of_dest ? p->dest_name : p->server->host);
}

/* ---- the answers ---- */

#define KIND(k) (1U << (k))

static const struct hv_need *first(GPtrArray *needs, unsigned kinds, enum hv_found found)
{
	for (guint i = 0; i < needs->len; i++) {
		const struct hv_need *n = g_ptr_array_index(needs, i);

		if ((kinds & KIND(n->kind)) && n->found == found)
			return n;
	}
	return NULL;
}

static enum verdict unknown(struct precheck *p, const char *host, const struct hv_need *n)
{
	g_autofree char *why = g_strdup_printf("whether %s has it cannot be found out: %s %s%s%s", host, hv_need_kind_name(n->kind), n->name,
					       n->why ? ": " : "", n->why ? n->why : "");

	return precheck_skip(p, why);
}

/* It is the same for every destination. */
static enum verdict stays(struct precheck *p, GError **err, char *why)
{
	g_autofree char *owned = why;

	p->report.hopeless = true;
	return precheck_fail(err, REFUSED "Unable to migrate %s: %s", p->server_uuid, owned);
}

enum verdict precheck_snapshots(struct precheck *p, GError **err)
{
	enum verdict v = ask(p, false, err);
	const struct hv_need *n;

	if (v != PASS)
		return v;
	n = first(p->at_source, KIND(HV_NEED_NO_SNAPSHOT), HV_FOUND_NOT);
	if (n)
		return stays(p, err, g_strdup_printf("it has %s snapshots, which libvirt does not move: delete them first (virsh snapshot-delete)", n->why));
	n = first(p->at_source, KIND(HV_NEED_NO_SNAPSHOT), HV_FOUND_UNKNOWN);
	return n ? precheck_skip(p, n->why ? n->why : "the source does not say") : PASS;
}

enum verdict precheck_checkpoints(struct precheck *p, GError **err)
{
	enum verdict v = ask(p, false, err);
	const struct hv_need *n;

	if (v != PASS)
		return v;
	n = first(p->at_source, KIND(HV_NEED_NO_CHECKPOINT), HV_FOUND_NOT);
	if (n)
		return stays(p, err, g_strdup_printf("it has %s checkpoints, which libvirt would forget: delete them first (virsh checkpoint-delete)",
						     n->why));
	n = first(p->at_source, KIND(HV_NEED_NO_CHECKPOINT), HV_FOUND_UNKNOWN);
	return n ? precheck_skip(p, n->why ? n->why : "the source does not say") : PASS;
}

enum verdict precheck_block_jobs(struct precheck *p, GError **err)
{
	enum verdict v = ask(p, false, err);
	const struct hv_need *n;

	if (v != PASS)
		return v;
	n = first(p->at_source, KIND(HV_NEED_DISK_IDLE), HV_FOUND_NOT);
	if (n)
		return stays(p, err, g_strdup_printf("a block job (a backup, a copy, a commit) works on its disk %s: wait for its end, or abort it "
						     "(virsh blockjob, domjobabort)", n->name));
	n = first(p->at_source, KIND(HV_NEED_DISK_IDLE), HV_FOUND_UNKNOWN);
	return n ? precheck_skip(p, n->why ? n->why : "the source does not say") : PASS;
}

static bool has_feature(const struct hv_host_info *i, const char *name)
{
	return i->cpu_features && g_strv_contains((const char *const *)i->cpu_features, name);
}

enum verdict precheck_unmigratable(struct precheck *p, GError **err)
{
	enum verdict v = precheck_read_needs(p, err);

	if (v != PASS)
		return v;
	if (p->needs.blocker)
		return stays(p, err, g_strdup(p->needs.blocker));
	if (!p->needs.all_features || p->needs.tsc_hz)
		return PASS;
	if (!p->source->info)
		return precheck_skip(p, "the source has not reported its capabilities yet");
	if (has_feature(p->source->info, "invtsc"))
		return stays(p, err, g_strdup("its CPU has every feature of its host's (migratable='off'), invtsc too, and the frequency of its tsc timer "
					      "is not set"));
	return PASS;
}

/* libvirt's own: a millionth's 250. */
#define TSC_TOLERANCE_PPM 250

enum verdict precheck_tsc(struct precheck *p, GError **err)
{
	enum verdict v = precheck_read_needs(p, err);
	const struct hv_host_info *dst = p->dest->info;
	int64_t tolerance_hz;

	if (v != PASS || !p->needs.tsc_hz)
		return v;
	if (!dst || !dst->tsc_hz)
		return precheck_skip(p, "the host does not say at what frequency its TSC runs");
	tolerance_hz = (int64_t)((double)dst->tsc_hz * TSC_TOLERANCE_PPM / 1e6);
	if (dst->tsc_scaling != HV_NO || ABS(p->needs.tsc_hz - dst->tsc_hz) <= tolerance_hz)
		return PASS;
	return precheck_fail(err, REFUSED "Unable to migrate %s: its TSC runs at %" G_GINT64_FORMAT " Hz, that of %s at %" G_GINT64_FORMAT " Hz, which "
			     "cannot be scaled", p->server_uuid, p->needs.tsc_hz, p->dest_name, dst->tsc_hz);
}

static enum verdict has(struct precheck *p, unsigned kinds, GError **err)
{
	enum verdict v = ask(p, true, err);
	const struct hv_need *n;

	if (v != PASS)
		return v;
	n = first(p->at_dest, kinds, HV_FOUND_NOT);
	if (n)
		return precheck_fail(err, REFUSED "Unable to migrate %s: %s has no %s %s%s%s", p->server_uuid, p->dest_name,
				     hv_need_kind_name(n->kind), n->name, n->why ? ": " : "", n->why ? n->why : "");
	n = first(p->at_dest, kinds, HV_FOUND_UNKNOWN);
	return n ? unknown(p, p->dest_name, n) : PASS;
}

enum verdict precheck_name(struct precheck *p, GError **err)
{
	enum verdict v = ask(p, true, err);
	const struct hv_need *n;

	if (v != PASS)
		return v;
	n = first(p->at_dest, KIND(HV_NEED_NAME), HV_FOUND_NOT);
	if (n)
		return precheck_fail(err, REFUSED "Unable to migrate %s: %s has another domain of the name %s (%s)", p->server_uuid, p->dest_name,
				     n->name, n->why);
	n = first(p->at_dest, KIND(HV_NEED_NAME), HV_FOUND_UNKNOWN);
	return n ? unknown(p, p->dest_name, n) : PASS;
}

enum verdict precheck_machine(struct precheck *p, GError **err)
{
	return has(p, KIND(HV_NEED_MACHINE), err);
}

enum verdict precheck_devices_built(struct precheck *p, GError **err)
{
	return has(p, KIND(HV_NEED_DEVICE), err);
}

enum verdict precheck_security(struct precheck *p, GError **err)
{
	return has(p, KIND(HV_NEED_SECURITY), err);
}

/* A name that is not free is said otherwise than a thing that is not there. */
enum verdict precheck_networks(struct precheck *p, GError **err)
{
	enum verdict v = ask(p, true, err);
	const struct hv_need *n = v == PASS ? first(p->at_dest, KIND(HV_NEED_NO_INTERFACE), HV_FOUND_NOT) : NULL;

	if (n)
		return precheck_fail(err, REFUSED "Unable to migrate %s: %s has an interface %s already, as the guest's own is to be called", p->server_uuid,
				     p->dest_name, n->name);
	return has(p, KIND(HV_NEED_INTERFACE) | KIND(HV_NEED_NETWORK) | KIND(HV_NEED_NWFILTER), err);
}

enum verdict precheck_secrets(struct precheck *p, GError **err)
{
	return has(p, KIND(HV_NEED_SECRET), err);
}

/* ---- files ---- */

static enum verdict look_for(struct precheck *p, const char *path, precheck_answer_f *answer, GError **err)
{
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid, .vol.path = path };

	return precheck_ask_dest(p, &req, answer, err);
}

/* Return: the destination did not say whether it has that; the row is decided. */
static bool not_said(struct precheck *p, const struct hv_reply *r, const char *path)
{
	g_autofree char *why = NULL;

	if (!r->err)
		return false;
	if (err_code(r->err) == ERR_HV_LOST) {
		precheck_decided(p, FAIL, g_error_copy(r->err));
		return true;
	}
	why = g_strdup_printf("whether %s has %s cannot be found out: %s", p->dest_name, path, r->err->message);
	precheck_decided(p, precheck_skip(p, why), NULL);
	return true;
}

/* @what: it has not. */
static void G_GNUC_PRINTF(2, 3) lacks(struct precheck *p, const char *what, ...)
{
	g_autofree char *text = NULL;
	GError *err = NULL;
	va_list args;

	va_start(args, what);
	text = g_strdup_vprintf(what, args);
	va_end(args);
	(void)precheck_fail(&err, REFUSED "Unable to migrate %s: %s has %s", p->server_uuid, p->dest_name, text);
	precheck_decided(p, FAIL, err);
}

static void file_looked_for(struct precheck *p, struct hv_reply *r)
{
	const char *path = g_ptr_array_index(p->needs.files, p->file);

	if (not_said(p, r, path))
		return;
	if (!r->vol.exists) {
		lacks(p, "no %s, which it boots from", path);
		return;
	}
	p->file++;
	precheck_run(p); /* the same row again, the next file */
}

enum verdict precheck_boot_files(struct precheck *p, GError **err)
{
	enum verdict v = precheck_read_needs(p, err);

	if (v != PASS || p->file >= p->needs.files->len)
		return v;
	return look_for(p, g_ptr_array_index(p->needs.files, p->file), file_looked_for, err);
}

/* ---- folders of what is made where the guest comes ---- */

static void folder_looked_for(struct precheck *p, struct hv_reply *r)
{
	const char *path = g_ptr_array_index(p->needs.made, p->made);
	g_autofree char *folder = g_path_get_dirname(path);

	if (not_said(p, r, folder))
		return;
	if (!r->vol.folder) {
		lacks(p, "no folder %s, in which %s is made when the guest comes", folder, path);
		return;
	}
	p->made++;
	precheck_run(p);
}

enum verdict precheck_folders(struct precheck *p, GError **err)
{
	enum verdict v = precheck_read_needs(p, err);

	if (v != PASS || p->made >= p->needs.made->len)
		return v;
	return look_for(p, g_ptr_array_index(p->needs.made, p->made), folder_looked_for, err);
}

/* ---- the firmware's variables: libvirt makes the file of a template where there is none, and QEMU then brings what is in it ---- */

static const char *nvram_wanted(const struct precheck *p)
{
	return p->lacks_nvram ? p->needs.nvram_template : p->needs.nvram;
}

static void nvram_looked_for(struct precheck *p, struct hv_reply *r)
{
	if (not_said(p, r, nvram_wanted(p)))
		return;
	if (r->vol.exists) {
		precheck_decided(p, PASS, NULL);
		return;
	}
	if (p->lacks_nvram) {
		lacks(p, "neither the file of its firmware's variables (%s) nor the template %s to make it of", p->needs.nvram, p->needs.nvram_template);
		return;
	}
	p->lacks_nvram = true;
	precheck_run(p); /* the same row again, the template */
}

enum verdict precheck_nvram(struct precheck *p, GError **err)
{
	enum verdict v = precheck_read_needs(p, err);

	if (v != PASS || !p->needs.nvram)
		return v;
	if (!nvram_wanted(p))
		return precheck_skip(p, "the template of its firmware's variables is the one that the destination's configuration names, which libvirt does "
				     "not tell");
	return look_for(p, nvram_wanted(p), nvram_looked_for, err);
}

enum verdict precheck_host_paths(struct precheck *p, GError **err)
{
	enum verdict v = precheck_read_needs(p, err);
	g_autofree char *why = NULL;

	if (v != PASS || p->needs.paths->len == 0)
		return v;
	why = g_strdup_printf("whether %s has %s cannot be found out: libvirt does not tell", p->dest_name,
			      (const char *)g_ptr_array_index(p->needs.paths, 0));
	return precheck_skip(p, why);
}

void precheck_guest_clear(struct precheck *p)
{
	domxml_needs_clear(&p->needs);
	g_clear_pointer(&p->at_source, g_ptr_array_unref);
	g_clear_pointer(&p->at_dest, g_ptr_array_unref);
}
