/* SPDX-License-Identifier: Apache-2.0
 *
 * err: libvirt's errors as ours.
 */
#ifndef LV_ERR_H
#define LV_ERR_H

#include <stdbool.h>

#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

/**
 * lv_error() - make a GError of libvirt's last error on this thread.
 * @vir: the connection it came from: if that is dead, the code is ERR_HV_LOST
 * @what: the act that failed, for the message
 *
 * Return: false, for "return lv_error(...)".
 */
bool lv_error(virConnectPtr vir, const char *what, GError **err);

/** lv_error_is() - true if libvirt's last error on this thread has the code. */
bool lv_error_is(int vir_code);
/** lv_lost() - true if the connection is dead, so that an error says nothing about the act. */
bool lv_lost(virConnectPtr vir);

#endif
