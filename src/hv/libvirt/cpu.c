/* SPDX-License-Identifier: Apache-2.0
 *
 * HV_CPU_COMPARE: can this host give a domain the CPU that it has?
 */
#include "hv/libvirt/cpu.h"

#include <assert.h>

#include "base/err.h"
#include "hv/libvirt/err.h"
#include "hv/libvirt/why.h"
#include "hv/xml/domxml_cpu.h"

/* What a CPU mode asks of the destination. */
enum need {
	NEED_NOTHING,   /* the guest gets what the host has when it starts */
	NEED_MODEL,     /* the model and features in <cpu> */
	NEED_SAME_HOST, /* the CPU of the source host itself */
};

static const struct {
	const char *mode;
	enum need kvm, tcg;
} modes[] = {
	{ "custom",           NEED_MODEL,     NEED_MODEL },
	/* A running domain has its host-model written out as custom. */
	{ "host-model",       NEED_NOTHING,   NEED_NOTHING },
	{ "host-passthrough", NEED_SAME_HOST, NEED_SAME_HOST },
	/* Emulated, it depends on QEMU alone. */
	{ "maximum",          NEED_SAME_HOST, NEED_NOTHING },
};

static bool is_kvm(const struct domxml_cpu *cpu)
{
	return !g_strcmp0(cpu->virt_type, "kvm");
}

static enum need what_need(const struct domxml_cpu *cpu)
{
	if (!cpu->mode)
		return NEED_NOTHING;
	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		if (!g_strcmp0(cpu->mode, modes[i].mode))
			return is_kvm(cpu) ? modes[i].kvm : modes[i].tcg;
	}
	return NEED_SAME_HOST;
}

/*
 * libvirt's error is its answer: the CPU, or the machine or emulator it should run in, is not to be had here. A model that it does
 * not know is an internal error of its CPU driver.
 */
static bool is_refusal(const virError *e)
{
	return e && (e->code == VIR_ERR_CPU_INCOMPATIBLE || e->code == VIR_ERR_CONFIG_UNSUPPORTED || e->code == VIR_ERR_INVALID_ARG ||
	             e->domain == VIR_FROM_CPU);
}

static bool judge(const struct lv_ctx *x, int result, struct hv_reply *r, GError **err)
{
	g_autofree char *why = NULL;

	if (result == VIR_CPU_COMPARE_IDENTICAL || result == VIR_CPU_COMPARE_SUPERSET) {
		r->cpu_ok = true;
		return true;
	}
	if (result == VIR_CPU_COMPARE_INCOMPATIBLE)
		why = g_strdup("the host's CPU is incompatible");
	else if (is_refusal(virGetLastError()))
		why = lv_why(virGetLastError());
	else
		return lv_error(x->vir, "compare CPUs", err);
	r->cpu_why = g_steal_pointer(&why);
	return true;
}

static bool compare_model(const struct lv_ctx *x, const struct domxml_cpu *cpu, struct hv_reply *r, GError **err)
{
	const unsigned flags = VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE;
	int result = virConnectCompareHypervisorCPU(x->vir, cpu->emulator, cpu->arch, cpu->machine, cpu->virt_type, cpu->xml, flags);

	/* A libvirt or an architecture without it: the host's own CPU is what KVM gives. */
	if (result == VIR_CPU_COMPARE_ERROR && lv_error_is(VIR_ERR_NO_SUPPORT) && is_kvm(cpu))
		result = virConnectCompareCPU(x->vir, cpu->xml, flags);
	return judge(x, result, r, err);
}

static bool compare_host(const struct lv_ctx *x, const char *source_cpu, struct hv_reply *r, GError **err)
{
	if (!source_cpu) {
		r->cpu_why = g_strdup("the guest uses its host's CPU model, which is not known");
		return true;
	}
	return judge(x, virConnectCompareCPU(x->vir, source_cpu, VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE), r, err);
}

bool lv_cpu_compare(const struct lv_ctx *x, const struct hv_req *req, struct hv_reply *r, GError **err)
{
	struct domxml_cpu cpu;
	bool ok = false;

	if (!domxml_cpu(req->xml ? req->xml : "", &cpu, err))
		return false;
	switch (what_need(&cpu)) {
	case NEED_NOTHING:
		ok = r->cpu_ok = true;
		break;
	case NEED_MODEL:
		ok = compare_model(x, &cpu, r, err);
		break;
	case NEED_SAME_HOST:
		ok = compare_host(x, req->host_cpu_xml, r, err);
		break;
	}
	domxml_cpu_clear(&cpu);
	return ok;
}
