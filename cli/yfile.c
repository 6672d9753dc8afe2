/* SPDX-License-Identifier: Apache-2.0 */
#include "yfile.h"

#include <stdbool.h>
#include <string.h>

#include "cli_err.h"

#define MERGE_DEPTH_MAX 8
#define DEPTH_MAX 32

/* libyaml's time goes with the square of the depth, so it is bounded before the document is built. Mistakes are told by the next pass. */
static bool is_too_deep(const char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_event_t e;
	bool more = true;
	int depth = 0;

	g_assert(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (more && depth <= DEPTH_MAX && yaml_parser_parse(&parser, &e)) {
		depth += e.type == YAML_SEQUENCE_START_EVENT || e.type == YAML_MAPPING_START_EVENT;
		depth -= e.type == YAML_SEQUENCE_END_EVENT || e.type == YAML_MAPPING_END_EVENT;
		more = e.type != YAML_STREAM_END_EVENT;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	return depth > DEPTH_MAX;
}

struct yfile *yfile_read(const char *text, size_t len, const char *path, GError **err)
{
	struct yfile *y;
	yaml_parser_t parser;
	bool ok;

	if (is_too_deep(text, len)) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s: it is nested more than %d deep", path, DEPTH_MAX);
		return NULL;
	}
	y = g_new0(struct yfile, 1);
	g_assert(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	ok = yaml_parser_load(&parser, &y->doc);
	if (!ok) {
		g_set_error(err, CLI_ERR, CLI_FAILED, "%s:%zu: not YAML: %s", path, parser.problem_mark.line + 1,
			    parser.problem ? parser.problem : "cannot be read");
		g_free(y);
		y = NULL;
	}
	yaml_parser_delete(&parser);
	return y;
}

void yfile_free(struct yfile *y)
{
	if (!y)
		return;
	yaml_document_delete(&y->doc);
	g_free(y);
}

yaml_node_t *yfile_root(struct yfile *y)
{
	return yaml_document_get_root_node(&y->doc);
}

const char *yfile_text(const yaml_node_t *n)
{
	const char *text;

	if (!n || n->type != YAML_SCALAR_NODE)
		return NULL;
	text = (const char *)n->data.scalar.value;
	if (strlen(text) != n->data.scalar.length)
		return NULL; /* holds a NUL: nothing that we read may */
	if (n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
		return NULL;
	return text;
}

static yaml_node_t *own_member(struct yfile *y, yaml_node_t *map, const char *name)
{
	yaml_node_t *found = NULL;

	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
		const char *key = yfile_text(yaml_document_get_node(&y->doc, p->key));

		if (key && strcmp(key, name) == 0)
			found = yaml_document_get_node(&y->doc, p->value);
	}
	return found;
}

static yaml_node_t *member(struct yfile *y, yaml_node_t *map, const char *name, int depth);

/* "<<: *a" or "<<: [*a, *b]"; the first that has the name counts. */
static yaml_node_t *merged_member(struct yfile *y, yaml_node_t *from, const char *name, int depth)
{
	if (!from || from->type != YAML_SEQUENCE_NODE)
		return member(y, from, name, depth);
	for (yaml_node_item_t *i = from->data.sequence.items.start; i < from->data.sequence.items.top; i++) {
		yaml_node_t *found = member(y, yaml_document_get_node(&y->doc, *i), name, MERGE_DEPTH_MAX);

		if (found)
			return found;
	}
	return NULL;
}

static yaml_node_t *member(struct yfile *y, yaml_node_t *map, const char *name, int depth)
{
	yaml_node_t *found;

	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	found = own_member(y, map, name);
	if (found || depth >= MERGE_DEPTH_MAX)
		return found;
	return merged_member(y, own_member(y, map, "<<"), name, depth + 1);
}

yaml_node_t *yfile_get(struct yfile *y, yaml_node_t *map, const char *name)
{
	return member(y, map, name, 0);
}

char **yfile_names(struct yfile *y, yaml_node_t *map)
{
	GPtrArray *names = g_ptr_array_new();

	if (map && map->type == YAML_MAPPING_NODE) {
		for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
			const char *key = yfile_text(yaml_document_get_node(&y->doc, p->key));

			if (key)
				g_ptr_array_add(names, g_strdup(key));
		}
	}
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}

yaml_node_t *yfile_first(struct yfile *y, yaml_node_t *seq)
{
	if (!seq || seq->type != YAML_SEQUENCE_NODE || seq->data.sequence.items.start == seq->data.sequence.items.top)
		return NULL;
	return yaml_document_get_node(&y->doc, *seq->data.sequence.items.start);
}
