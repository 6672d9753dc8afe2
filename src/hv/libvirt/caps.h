/* SPDX-License-Identifier: Apache-2.0
 *
 * libvirt_caps: what a host's capabilities XML says, without asking the host.
 */
#ifndef LIBVIRT_CAPS_H
#define LIBVIRT_CAPS_H

#include <stdbool.h>

#include <glib.h>

#include "hv/hv.h"

/**
 * lv_caps_parse() - fill uuid, arch, CPU, kvm and NUMA nodes of @info from capabilities XML.
 *
 * The text is the host's, so it is read under the limits of xml.h.
 * Return: false with ERR_HV; @info may be half filled then.
 */
bool lv_caps_parse(const char *xml, struct hv_host_info *info, GError **err);

/** lv_domcaps_parse() - fill tpm_emulator of @info from domain capabilities XML. */
bool lv_domcaps_parse(const char *xml, struct hv_host_info *info, GError **err);

/**
 * lv_domcaps_device() - does a QEMU have that kind of device?
 * @device: "graphics type spice", "video model qxl", "rng model virtio"
 *
 * Return: HV_FOUND_UNKNOWN where the domain capabilities do not list such devices, or are none.
 */
enum hv_found lv_domcaps_device(const char *xml, const char *device);

#endif
