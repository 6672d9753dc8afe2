/* SPDX-License-Identifier: Apache-2.0
 *
 * domxml_log: where a domain's serial console is written down.
 */
#ifndef DOMXML_LOG_H
#define DOMXML_LOG_H

#include <glib.h>

/**
 * domxml_log() - the file of the first serial console or console that has one: its <log>, or what it is itself if its type is file.
 *
 * Return: owned by the caller; NULL: there is none, or with @err the description cannot be read.
 */
char *domxml_log(const char *xml, GError **err);

#endif
