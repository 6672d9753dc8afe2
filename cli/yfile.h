/* SPDX-License-Identifier: Apache-2.0
 *
 * yfile: mappings of a YAML file, read with libyaml.
 *
 * Only what clouds.yaml needs: members of mappings by name, merge keys ("<<"),
 * scalars as text. A document's nodes are kept once however often an alias
 * names them, and may form circles; every walk here has a bounded depth.
 */
#ifndef YFILE_H
#define YFILE_H

#include <stddef.h>

#include <glib.h>
#include <yaml.h>

struct yfile {
	yaml_document_t doc;
};

/**
 * yfile_read() - read the first document.
 * @path: for messages
 *
 * Return: owned by the caller; NULL with CLI_FAILED: "PATH:LINE: what is wrong".
 */
struct yfile *yfile_read(const char *text, size_t len, const char *path, GError **err);
void yfile_free(struct yfile *y);

/** yfile_root() - NULL for an empty document. Borrowed, as all nodes. */
yaml_node_t *yfile_root(struct yfile *y);

/** yfile_get() - a mapping's member, the last one of its name, else a merged one; NULL for none, or if @map is no mapping. */
yaml_node_t *yfile_get(struct yfile *y, yaml_node_t *map, const char *name);

/** yfile_text() - a scalar's text; NULL for no node, another kind, or null. Borrowed. */
const char *yfile_text(const yaml_node_t *n);

/** yfile_names() - the names of a mapping's members. Return: owned, NULL-terminated (g_strfreev). */
char **yfile_names(struct yfile *y, yaml_node_t *map);

/** yfile_first() - the first item of a sequence; NULL if there is none. */
yaml_node_t *yfile_first(struct yfile *y, yaml_node_t *seq);

#endif
