/* SPDX-License-Identifier: Apache-2.0
 *
 * libvirt: the hypervisor seam on libvirt's client library. See conn.h
 * for how it works inside.
 */
#ifndef LIBVIRT_OPS_H
#define LIBVIRT_OPS_H

#include <stdbool.h>

#include <glib.h>

#include "hv/hv.h"

/* Register it last: it takes every URI. */
extern const struct hv_ops libvirt_ops;

/**
 * libvirt_init() - start libvirt's library and the thread that runs its events; once, in main().
 *
 * Return: false with @err (ERR_INTERNAL).
 */
bool libvirt_init(GError **err);

#endif
