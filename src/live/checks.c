/* SPDX-License-Identifier: Apache-2.0 */
#include "live/checks.h"

#include "base/err.h"
#include "hv/xml/domxml_rewrite.h"
#include "move/block.h"
#include "move/check_common.h"
#include "move/check_console.h"
#include "move/check_guest.h"
#include "move/check_rows.h"
#include "move/check_storage.h"

/* Of [libvirt] cpu_models, that is being compared. */
struct models {
	guint at;
};

static const struct check_part models_part = { sizeof(struct models) };

static enum check_result power_state(struct check *p, GError **err)
{
	static const char *const names[] = { [SERVER_POWER_NONE] = "NOSTATE", [SERVER_POWER_SHUTDOWN] = "SHUTDOWN", [SERVER_POWER_CRASHED] = "CRASHED",
					     [SERVER_POWER_SUSPENDED] = "SUSPENDED" };
	int power = p->server->power;

	if (power == SERVER_POWER_RUNNING || power == SERVER_POWER_PAUSED)
		return CHECK_PASSED;
	return check_fail(err, "Instance %s in power_state %s. Cannot live migrate while the instance is in this state.", p->server_uuid, names[power]);
}

/* ---- the CPU that the guest runs on ---- */

static GError *cpu_error(struct check *p, const char *what)
{
	util_replace(&p->brief, what);
	return g_error_new(ERR, ERR_PRECHECK,
			   "Migration pre-check error: Unacceptable CPU info: CPU doesn't have compatibility.\n\n%s\n\n"
			   "Refer to http://libvirt.org/html/libvirt-libvirt-host.html#virCPUCompareResult", what);
}

static void got_compare(struct check *p, struct hv_reply *r)
{
	if (r->err && err_code(r->err) == ERR_HV_UNSUPPORTED)
		check_decided(p, check_skip(p, "the host cannot compare CPUs"), NULL);
	else if (r->err)
		check_decided(p, CHECK_FAILED, cpu_error(p, r->err->message));
	else if (!r->cpu_ok)
		check_decided(p, CHECK_FAILED, cpu_error(p, r->cpu_why ? r->cpu_why : "its CPU lacks features that the guest's CPU needs"));
	else
		check_decided(p, CHECK_PASSED, NULL);
}

/* Of [libvirt] cpu_mode host-passthrough: the guests' CPU is the host's, so the two must be one model. */
static bool same_host_cpu(const struct check *p)
{
	const struct hv_host_info *src = p->source->info, *dst = p->dest->info;

	if (g_strcmp0(fleet_conf(p->fleet)->cpu_mode, "host-passthrough") != 0 || !src || !dst)
		return true;
	return g_strcmp0(src->cpu_model, dst->cpu_model) == 0 && g_strcmp0(src->cpu_vendor, dst->cpu_vendor) == 0;
}

static enum check_result cpu(struct check *p, GError **err)
{
	const struct host *source = p->source;
	struct hv_req req = { .op = HV_CPU_COMPARE, .uuid = p->server_uuid, .xml = p->report.xml };

	if (!p->report.xml)
		return check_fetch_xml(p, err);
	if (fleet_conf(p->fleet)->skip_cpu_compare_on_dest)
		return check_skip(p, "skip_cpu_compare_on_dest");
	if (!same_host_cpu(p)) {
		g_propagate_error(err, cpu_error(p, "the host's CPU is another model, and cpu_mode is host-passthrough"));
		return CHECK_FAILED;
	}
	/* A guest that has its host's own CPU (host-passthrough) is compared by that. */
	if (source->info)
		req.host_cpu_xml = source->info->cpu_xml;
	return check_ask_dest(p, &req, got_compare, err);
}

/* The model that is compared now. Nova's hosts that cannot give one do not start; here they are no destinations. */
static const char *next_model(struct check *p)
{
	const struct models *models = check_part(p, &models_part);
	const struct conf *c = fleet_conf(p->fleet);

	return g_strcmp0(c->cpu_mode, "custom") == 0 && c->cpu_models ? c->cpu_models[models->at] : NULL;
}

static void got_model(struct check *p, struct hv_reply *r)
{
	GError *err = NULL;

	if (r->err && err_code(r->err) == ERR_HV_UNSUPPORTED) {
		check_decided(p, check_skip(p, "the host cannot compare CPUs"), NULL);
	} else if (r->err || !r->cpu_ok) {
		(void)check_fail(&err, "Migration pre-check error: Configured CPU model: %s is not compatible with host CPU. Please correct your config and "
				 "try again. %s", next_model(p), r->err ? r->err->message : r->cpu_why ? r->cpu_why : "");
		check_decided(p, CHECK_FAILED, err);
	} else {
		((struct models *)check_part(p, &models_part))->at++;
		check_run(p); /* the same row again, the next model */
	}
}

static enum check_result cpu_models(struct check *p, GError **err)
{
	struct domxml_changes ch = { .cpu_model = next_model(p) };
	struct hv_req req = { .op = HV_CPU_COMPARE, .uuid = p->server_uuid };
	g_autofree char *xml = NULL;

	if (!ch.cpu_model)
		return CHECK_PASSED;
	if (!p->report.xml)
		return check_fetch_xml(p, err);
	xml = domxml_rewrite(p->report.xml, &ch, err);
	if (!xml)
		return CHECK_FAILED;
	req.xml = xml;
	return check_ask_dest(p, &req, got_model, err);
}

/* ---- the copy ---- */

static enum check_result tunnelled(struct check *p, GError **err)
{
	g_autofree const char **disks = block_targets(p->report.copies);

	if (!fleet_conf(p->fleet)->live_migration_tunnelled || !disks || !*disks)
		return CHECK_PASSED;
	return check_fail(err, "Cannot block migrate instance %s with mapped volumes. Selective block device migration is not supported with "
			  "tunnelled block migrations.", p->server_uuid);
}

/* ---- what is left behind ---- */

/*
 * libvirt makes the file of the firmware's variables at the destination, and leaves the source's, which would be in the way of the guest's
 * return while it is off. What is not proved to be the source's own stays.
 */
static enum check_result nvram_left(struct check *p, GError **err)
{
	const struct domxml_needs *needs;
	enum check_result v = check_needs(p, &needs, err);
	bool shared = true;

	if (v == CHECK_PASSED && needs->nvram && check_lacks_nvram(p))
		v = check_sharing_known(p, needs->nvram, &shared, err);
	if (v == CHECK_PASSED && !shared && p->report.copies)
		block_add_nvram(p->report.copies, needs->nvram, true);
	return v;
}

/* ---- the table ---- */

static const struct check_row *const rows[] = {
	&check_row_description,
	&check_row_state,
	CHECK_ROW("shares", .rule = check_shares),
	CHECK_ROW("sealed_memory", .rule = check_sealed),
	CHECK_ROW("resource_requests", .rule = check_resource_requests),
	CHECK_ROW("power_state", power_state),
	&check_row_source_up,
	&check_row_not_self,
	&check_row_destination_up,
	&check_row_memory,
	&check_row_cell,
	&check_row_scheduler,
	&check_row_hypervisor_type,
	CHECK_ROW("hypervisor_version", check_hypervisor_version, .of_dest = true),
	CHECK_ROW("vpmem", .rule = check_vpmem),
	CHECK_ROW("host_devices", .rule = check_devices),
	CHECK_ROW("sriov", .rule = check_sriov),
	&check_row_managed_save,
	&check_row_definition,
	CHECK_ROW("cpu", cpu, .of_dest = true, .asks = true),
	CHECK_ROW("cpu_models", cpu_models, .of_dest = true, .asks = true),
	&check_row_pools,
	&check_row_block_devices,
	&check_row_snapshots,
	&check_row_checkpoints,
	CHECK_ROW("block_jobs", check_block_jobs, .of_dest = true, .asks = true),
	CHECK_ROW("unmigratable", check_unmigratable, .of_dest = true, .asks = true),
	&check_row_name,
	&check_row_machine,
	&check_row_device_kinds,
	&check_row_pci_devices,
	CHECK_ROW("tsc", check_tsc, .of_dest = true, .asks = true),
	CHECK_ROW("security", check_security, .of_dest = true, .asks = true),
	&check_row_networks,
	&check_row_secrets,
	&check_row_boot_files,
	CHECK_ROW("nvram", check_nvram, .of_dest = true, .asks = true),
	&check_row_consoles,
	CHECK_ROW("vsock", check_vsock, .of_dest = true),
	&check_row_folders,
	&check_row_host_paths,
	&check_row_storage,
	&check_row_read_files,
	&check_row_drives,
	&check_row_files,
	&check_row_disk,
	CHECK_ROW("nvram_left", nvram_left, .of_dest = true, .asks = true),
	CHECK_ROW("tunnelled", tunnelled, .of_dest = true),
	CHECK_ROW("mdev", .rule = check_mdev, .of_dest = true),
	CHECK_ROW("vtpm", .rule = check_vtpm, .of_dest = true),
	&check_row_numa,
};

const struct check_table live_checks = { { "live", "os-migrateLive", "live-migration" }, rows, G_N_ELEMENTS(rows) };
