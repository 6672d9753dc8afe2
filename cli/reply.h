/* SPDX-License-Identifier: Apache-2.0
 *
 * reply: what answers say beside their data: faults, versions, further pages.
 *
 * Nothing here trusts the server: any text is an answer, and what does not fit
 * reads as "nothing".
 */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>
#include <jansson.h>

/**
 * reply_fault() - the message of an error's body, safe to print.
 * @body: @len bytes; a fault of Compute or Identity, or anything
 *
 * Return: owned by the caller; NULL if the body says nothing.
 */
char *reply_fault(const char *body, size_t len);

/**
 * reply_versions() - the range of minor microversions in a version document.
 * @doc: {"version": ...} or {"versions": [...]}
 * @ret_in_root: true if it was a list, that is, the API is one level deeper, at "v2.1"
 *
 * Return: false if the document has no version 2.1.
 */
bool reply_versions(const json_t *doc, int *ret_min, int *ret_max, bool *ret_in_root);

/** reply_microversion() - "2.65" -> 65. Return: false for anything else; "2.latest" and "latest" are INT_MAX. */
bool reply_microversion(const char *text, int *ret_minor);

/** reply_has_next() - true if "NAME_links" names a further page. */
bool reply_has_next(const json_t *body, const char *name);

#endif
