/* SPDX-License-Identifier: Apache-2.0
 *
 * What libvirt and QEMU refuse: rows about the guest itself, asked of the source,
 * and about what it needs by name at the destination. Each host is asked once, for
 * what this guest needs and no more. What cannot be found out is skipped, with
 * the reason; it never passes.
 */
#include "move/check_guest.h"

#include "base/err.h"
#include "hv/needs.h"

#define REFUSED "Migration pre-check error: "

/* What the guest needs, and what was said of it. */
struct asked {
	bool read;
	struct domxml_needs needs;
	GPtrArray *at_source, *at_dest; /* struct hv_need *, with the host's answers; NULL: not asked yet */
	guint file;                     /* of needs.files, that is being looked for */
	guint made;                     /* of needs.made, whose folder is being looked for */
	bool lacks_nvram;               /* the destination has no file of the guest's firmware variables: it is made there */
};

static void asked_clear(void *part)
{
	struct asked *a = part;

	domxml_needs_clear(&a->needs);
	g_clear_pointer(&a->at_source, g_ptr_array_unref);
	g_clear_pointer(&a->at_dest, g_ptr_array_unref);
}

static const struct check_part part = { sizeof(struct asked), asked_clear };

static struct asked *asked(struct check *p)
{
	return check_part(p, &part);
}

enum check_result check_needs(struct check *p, const struct domxml_needs **ret, GError **err)
{
	struct asked *a = asked(p);

	*ret = &a->needs;
	if (a->read)
		return CHECK_PASSED;
	if (!p->report.xml)
		return check_fetch_xml(p, err);
	a->read = domxml_needs(p->report.xml, &a->needs, err);
	p->report.listeners = g_steal_pointer(&a->needs.listeners);
	return a->read ? CHECK_PASSED : CHECK_FAILED;
}

/* ---- asking ---- */

static void source_said(struct check *p, struct hv_reply *r)
{
	if (r->err && err_code(r->err) == ERR_HV_LOST) {
		check_source_failed(p, r->err);
		return;
	}
	asked(p)->at_source = r->err ? hv_needs_copy(asked(p)->needs.source) : g_steal_pointer(&r->needs);
	check_run(p); /* the same row again */
}

static void dest_said(struct check *p, struct hv_reply *r)
{
	if (r->err && err_code(r->err) == ERR_HV_LOST) {
		check_decided(p, CHECK_FAILED, g_error_copy(r->err));
		return;
	}
	asked(p)->at_dest = r->err ? hv_needs_copy(asked(p)->needs.dest) : g_steal_pointer(&r->needs);
	check_run(p);
}

/* Return: PASSED when the host has said it: @ret, borrowed. */
static enum check_result ask(struct check *p, bool of_dest, GPtrArray **ret, GError **err)
{
	const struct asked *a = asked(p);
	const struct domxml_needs *needs;
	struct hv_req req = { .op = HV_LOOKUP, .uuid = p->server_uuid };
	enum check_result v = check_needs(p, &needs, err);

	*ret = of_dest ? a->at_dest : a->at_source;
	if (v != CHECK_PASSED || *ret)
		return v;
	req.needs = of_dest ? needs->dest : needs->source;
	return of_dest ? check_ask_dest(p, &req, dest_said, err) : check_ask_source(p, &req, source_said, err);
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

static enum check_result unknown(struct check *p, const char *host, const struct hv_need *n)
{
	g_autofree char *why = g_strdup_printf("whether %s has it cannot be found out: %s %s%s%s", host, hv_need_kind_name(n->kind), n->name,
					       n->why ? ": " : "", n->why ? n->why : "");

	return check_skip(p, why);
}

/* It is the same for every destination. */
static enum check_result stays(struct check *p, GError **err, char *why)
{
	g_autofree char *owned = why;

	p->report.hopeless = true;
	return check_fail(err, REFUSED "Unable to migrate %s: %s", p->server_uuid, owned);
}

enum check_result check_snapshots(struct check *p, GError **err)
{
	GPtrArray *said;
	enum check_result v = ask(p, false, &said, err);
	const struct hv_need *n;

	if (v != CHECK_PASSED)
		return v;
	n = first(said, KIND(HV_NEED_NO_SNAPSHOT), HV_FOUND_NOT);
	if (n)
		return stays(p, err, g_strdup_printf("it has %s snapshots, which libvirt does not move: delete them first (virsh snapshot-delete)", n->why));
	n = first(said, KIND(HV_NEED_NO_SNAPSHOT), HV_FOUND_UNKNOWN);
	return n ? check_skip(p, n->why ? n->why : "the source does not say") : CHECK_PASSED;
}

enum check_result check_has_snapshots(struct check *p, bool *ret, GError **err)
{
	GPtrArray *said;
	enum check_result v = ask(p, false, &said, err);
	const struct hv_need *n = v == CHECK_PASSED ? first(said, KIND(HV_NEED_NO_SNAPSHOT), HV_FOUND_UNKNOWN) : NULL;

	if (n)
		return check_skip(p, n->why ? n->why : "the source does not say");
	if (v == CHECK_PASSED)
		*ret = first(said, KIND(HV_NEED_NO_SNAPSHOT), HV_FOUND_NOT) != NULL;
	return v;
}

enum check_result check_checkpoints(struct check *p, GError **err)
{
	GPtrArray *said;
	enum check_result v = ask(p, false, &said, err);
	const struct hv_need *n;

	if (v != CHECK_PASSED)
		return v;
	n = first(said, KIND(HV_NEED_NO_CHECKPOINT), HV_FOUND_NOT);
	if (n)
		return stays(p, err, g_strdup_printf("it has %s checkpoints, which libvirt would forget: delete them first (virsh checkpoint-delete)",
						     n->why));
	n = first(said, KIND(HV_NEED_NO_CHECKPOINT), HV_FOUND_UNKNOWN);
	return n ? check_skip(p, n->why ? n->why : "the source does not say") : CHECK_PASSED;
}

enum check_result check_block_jobs(struct check *p, GError **err)
{
	GPtrArray *said;
	enum check_result v = ask(p, false, &said, err);
	const struct hv_need *n;

	if (v != CHECK_PASSED)
		return v;
	n = first(said, KIND(HV_NEED_DISK_IDLE), HV_FOUND_NOT);
	if (n)
		return stays(p, err, g_strdup_printf("a block job (a backup, a copy, a commit) works on its disk %s: wait for its end, or abort it "
						     "(virsh blockjob, domjobabort)", n->name));
	n = first(said, KIND(HV_NEED_DISK_IDLE), HV_FOUND_UNKNOWN);
	return n ? check_skip(p, n->why ? n->why : "the source does not say") : CHECK_PASSED;
}

static bool has_feature(const struct hv_host_info *i, const char *name)
{
	return i->cpu_features && g_strv_contains((const char *const *)i->cpu_features, name);
}

enum check_result check_unmigratable(struct check *p, GError **err)
{
	const struct domxml_needs *needs;
	enum check_result v = check_needs(p, &needs, err);

	if (v != CHECK_PASSED)
		return v;
	if (needs->blocker)
		return stays(p, err, g_strdup(needs->blocker));
	if (!needs->all_features || needs->tsc_hz)
		return CHECK_PASSED;
	if (!p->source->info)
		return check_skip(p, "the source has not reported its capabilities yet");
	if (has_feature(p->source->info, "invtsc"))
		return stays(p, err, g_strdup("its CPU has every feature of its host's (migratable='off'), invtsc too, and the frequency of its tsc timer "
					      "is not set"));
	return CHECK_PASSED;
}

/* libvirt's own: a millionth's 250. */
#define TSC_TOLERANCE_PPM 250

enum check_result check_tsc(struct check *p, GError **err)
{
	const struct domxml_needs *needs;
	enum check_result v = check_needs(p, &needs, err);
	const struct hv_host_info *dst = p->dest->info;
	int64_t tolerance_hz;

	if (v != CHECK_PASSED || !needs->tsc_hz)
		return v;
	if (!dst || !dst->tsc_hz)
		return check_skip(p, "the host does not say at what frequency its TSC runs");
	tolerance_hz = (int64_t)((double)dst->tsc_hz * TSC_TOLERANCE_PPM / 1e6);
	if (dst->tsc_scaling != HV_NO || ABS(needs->tsc_hz - dst->tsc_hz) <= tolerance_hz)
		return CHECK_PASSED;
	return check_fail(err, REFUSED "Unable to migrate %s: its TSC runs at %" G_GINT64_FORMAT " Hz, that of %s at %" G_GINT64_FORMAT " Hz, which "
			  "cannot be scaled", p->server_uuid, needs->tsc_hz, p->dest_name, dst->tsc_hz);
}

static enum check_result has(struct check *p, unsigned kinds, GError **err)
{
	GPtrArray *said;
	enum check_result v = ask(p, true, &said, err);
	const struct hv_need *n;

	if (v != CHECK_PASSED)
		return v;
	n = first(said, kinds, HV_FOUND_NOT);
	if (n)
		return check_fail(err, REFUSED "Unable to migrate %s: %s has no %s %s%s%s", p->server_uuid, p->dest_name,
				  hv_need_kind_name(n->kind), n->name, n->why ? ": " : "", n->why ? n->why : "");
	n = first(said, kinds, HV_FOUND_UNKNOWN);
	return n ? unknown(p, p->dest_name, n) : CHECK_PASSED;
}

enum check_result check_name(struct check *p, GError **err)
{
	GPtrArray *said;
	enum check_result v = ask(p, true, &said, err);
	const struct hv_need *n;

	if (v != CHECK_PASSED)
		return v;
	n = first(said, KIND(HV_NEED_NAME), HV_FOUND_NOT);
	if (n)
		return check_fail(err, REFUSED "Unable to migrate %s: %s has another domain of the name %s (%s)", p->server_uuid, p->dest_name,
				  n->name, n->why);
	n = first(said, KIND(HV_NEED_NAME), HV_FOUND_UNKNOWN);
	return n ? unknown(p, p->dest_name, n) : CHECK_PASSED;
}

enum check_result check_machine(struct check *p, GError **err)
{
	return has(p, KIND(HV_NEED_MACHINE), err);
}

enum check_result check_devices_built(struct check *p, GError **err)
{
	return has(p, KIND(HV_NEED_DEVICE), err);
}

enum check_result check_pci_devices(struct check *p, GError **err)
{
	return has(p, KIND(HV_NEED_PCI), err);
}

enum check_result check_host_devices(struct check *p, GError **err)
{
	return has(p, KIND(HV_NEED_USB) | KIND(HV_NEED_MDEV), err);
}

enum check_result check_security(struct check *p, GError **err)
{
	return has(p, KIND(HV_NEED_SECURITY), err);
}

/* A name that is not free is said otherwise than a thing that is not there. */
enum check_result check_networks(struct check *p, GError **err)
{
	GPtrArray *said;
	enum check_result v = ask(p, true, &said, err);
	const struct hv_need *n;

	if (v != CHECK_PASSED)
		return v; /* it was asked, which must not be done twice */
	n = first(said, KIND(HV_NEED_NO_INTERFACE), HV_FOUND_NOT);
	if (n)
		return check_fail(err, REFUSED "Unable to migrate %s: %s has an interface %s already, as the guest's own is to be called", p->server_uuid,
				  p->dest_name, n->name);
	return has(p, KIND(HV_NEED_INTERFACE) | KIND(HV_NEED_NETWORK) | KIND(HV_NEED_NWFILTER), err);
}

enum check_result check_secrets(struct check *p, GError **err)
{
	return has(p, KIND(HV_NEED_SECRET), err);
}

/* ---- files ---- */

static enum check_result look_for(struct check *p, const char *path, check_answer_f *answer, GError **err)
{
	struct hv_req req = { .op = HV_VOL_GET, .uuid = p->server_uuid, .vol.path = path };

	return check_ask_dest(p, &req, answer, err);
}

/* Return: the destination did not say whether it has that; the row is decided. */
static bool not_said(struct check *p, const struct hv_reply *r, const char *path)
{
	g_autofree char *why = NULL;

	if (!r->err)
		return false;
	if (err_code(r->err) == ERR_HV_LOST) {
		check_decided(p, CHECK_FAILED, g_error_copy(r->err));
		return true;
	}
	why = g_strdup_printf("whether %s has %s cannot be found out: %s", p->dest_name, path, r->err->message);
	check_decided(p, check_skip(p, why), NULL);
	return true;
}

/* @what: it has not. */
static void G_GNUC_PRINTF(2, 3) lacks(struct check *p, const char *what, ...)
{
	g_autofree char *text = NULL;
	GError *err = NULL;
	va_list args;

	va_start(args, what);
	text = g_strdup_vprintf(what, args);
	va_end(args);
	(void)check_fail(&err, REFUSED "Unable to migrate %s: %s has %s", p->server_uuid, p->dest_name, text);
	check_decided(p, CHECK_FAILED, err);
}

static void file_looked_for(struct check *p, struct hv_reply *r)
{
	const char *path = g_ptr_array_index(asked(p)->needs.files, asked(p)->file);

	if (not_said(p, r, path))
		return;
	if (!r->vol.exists) {
		lacks(p, "no %s, which it boots from", path);
		return;
	}
	asked(p)->file++;
	check_run(p); /* the same row again, the next file */
}

enum check_result check_boot_files(struct check *p, GError **err)
{
	const struct domxml_needs *needs;
	enum check_result v = check_needs(p, &needs, err);

	if (v != CHECK_PASSED || asked(p)->file >= needs->files->len)
		return v;
	return look_for(p, g_ptr_array_index(needs->files, asked(p)->file), file_looked_for, err);
}

/* ---- folders of what is made where the guest comes ---- */

static void folder_looked_for(struct check *p, struct hv_reply *r)
{
	const char *path = g_ptr_array_index(asked(p)->needs.made, asked(p)->made);
	g_autofree char *folder = g_path_get_dirname(path);

	if (not_said(p, r, folder))
		return;
	if (!r->vol.folder) {
		lacks(p, "no folder %s, in which %s is made when the guest comes", folder, path);
		return;
	}
	asked(p)->made++;
	check_run(p);
}

enum check_result check_folders(struct check *p, GError **err)
{
	const struct domxml_needs *needs;
	enum check_result v = check_needs(p, &needs, err);

	if (v != CHECK_PASSED || asked(p)->made >= needs->made->len)
		return v;
	return look_for(p, g_ptr_array_index(needs->made, asked(p)->made), folder_looked_for, err);
}

/* ---- the firmware's variables: libvirt makes the file of a template where there is none, and QEMU then brings what is in it ---- */

static const char *nvram_wanted(struct check *p)
{
	const struct asked *a = asked(p);

	return a->lacks_nvram ? a->needs.nvram_template : a->needs.nvram;
}

static void nvram_looked_for(struct check *p, struct hv_reply *r)
{
	struct asked *a = asked(p);

	if (not_said(p, r, nvram_wanted(p)))
		return;
	if (r->vol.exists) {
		check_decided(p, CHECK_PASSED, NULL);
		return;
	}
	if (a->lacks_nvram) {
		lacks(p, "neither the file of its firmware's variables (%s) nor the template %s to make it of", a->needs.nvram, a->needs.nvram_template);
		return;
	}
	a->lacks_nvram = true;
	check_run(p); /* the same row again, the template */
}

enum check_result check_nvram(struct check *p, GError **err)
{
	const struct domxml_needs *needs;
	enum check_result v = check_needs(p, &needs, err);

	if (v != CHECK_PASSED || !needs->nvram)
		return v;
	if (!nvram_wanted(p))
		return check_skip(p, "the template of its firmware's variables is the one that the destination's configuration names, which libvirt does "
				  "not tell");
	return look_for(p, nvram_wanted(p), nvram_looked_for, err);
}

bool check_lacks_nvram(struct check *p)
{
	return asked(p)->lacks_nvram;
}

enum check_result check_host_paths(struct check *p, GError **err)
{
	const struct domxml_needs *needs;
	enum check_result v = check_needs(p, &needs, err);
	g_autofree char *why = NULL;

	if (v != CHECK_PASSED || needs->paths->len == 0)
		return v;
	why = g_strdup_printf("whether %s has %s cannot be found out: libvirt does not tell", p->dest_name,
			      (const char *)g_ptr_array_index(needs->paths, 0));
	return check_skip(p, why);
}
