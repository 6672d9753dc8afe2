/* SPDX-License-Identifier: Apache-2.0
 *
 * The file goes along as its bytes (HV_VOL_COPY) once the guest is off. One that lies at the destination already is not written over: it is
 * another guest's, or what this one had there once.
 */
#include "cold/check_nvram.h"

#include "base/err.h"
#include "move/block.h"
#include "move/check_guest.h"
#include "move/check_storage.h"

enum there { NOT_TOLD, THERE, NOT_THERE };

/* What was said so far. */
struct said {
	enum there at_source, at_dest;
};

static const struct check_part part = { sizeof(struct said), NULL };

static struct said *said(struct check *p)
{
	return check_part(p, &part);
}

static enum there there(const struct hv_reply *r)
{
	return r->vol.exists ? THERE : NOT_THERE;
}

static void source_looked(struct check *p, struct hv_reply *r)
{
	if (check_busy(p, r, check_turn))
		return;
	if (r->err) {
		check_source_failed(p, r->err);
		return;
	}
	said(p)->at_source = there(r);
	check_run(p);
}

static void dest_looked(struct check *p, struct hv_reply *r)
{
	if (check_busy(p, r, check_turn))
		return;
	if (r->err) {
		check_decided(p, CHECK_FAILED, g_error_copy(r->err));
		return;
	}
	said(p)->at_dest = there(r);
	check_run(p);
}

/* What this migration has made there, or an earlier one that takes it away, is not in the way. */
static bool is_ours(struct check *p, const char *path)
{
	return volume_find(p->volumes, p->dest_name, path) != NULL;
}

/* One that has never run has none: libvirt makes it of the template, at whatever host. */
static enum check_result judge(struct check *p, const char *path, GError **err)
{
	const struct said *s = said(p);

	if (s->at_dest == THERE)
		return check_fail(err, "Migration pre-check error: Unable to migrate %s: %s has a file %s already, which is another guest's or was left there "
				  "when this one went away: the variables of its firmware cannot be brought. Remove it there", p->server_uuid, p->dest_name, path);
	if (s->at_source == NOT_THERE)
		return check_nvram(p, err);
	if (p->report.copies)
		block_add_nvram(p->report.copies, path, false);
	return CHECK_PASSED;
}

enum check_result cold_check_nvram(struct check *p, GError **err)
{
	struct said *s = said(p);
	const struct domxml_needs *needs;
	enum check_result v = check_needs(p, &needs, err);
	struct hv_req look = { .op = HV_VOL_GET, .uuid = p->server_uuid };
	bool shared = false;

	if (v != CHECK_PASSED || !needs->nvram)
		return v;
	look.vol.path = needs->nvram;
	if (s->at_source == NOT_TOLD)
		return check_ask_source(p, &look, source_looked, err);
	if (s->at_source == THERE)
		v = check_sharing(p, needs->nvram, &shared, err);
	if (v != CHECK_PASSED || shared)
		return v;
	if (s->at_dest == NOT_TOLD && !is_ours(p, needs->nvram))
		return check_ask_dest(p, &look, dest_looked, err);
	return judge(p, needs->nvram, err);
}
