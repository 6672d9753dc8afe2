/* SPDX-License-Identifier: Apache-2.0
 *
 * map: a host map: which servers are to be on which hosts.
 *
 *	{"compute001": ["web1", "web2"], "compute002": ["db1"]}
 *	{"version": 1, "servers": {"web1": "compute001", "db1": "compute002"}, "rest": "anywhere"}
 *
 * Servers that are not named stay where they are, unless "rest" lets them make room. Reading goes on after a
 * mistake, so that all of them can be told at once, each with its line and
 * column. Pure: what the cloud says of the names is another's business.
 */
#ifndef MAP_H
#define MAP_H

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>
#include <jansson.h>

#define MAP_BYTES_MAX (16 * 1024 * 1024)

struct map_place {
	unsigned line, col;      /* from 1; the column in characters */
};

struct map_entry {
	char *host, *server;
	unsigned index;          /* among those of its host */
	struct map_place at, host_at;
};

struct map {
	GPtrArray *entries;      /* in the file's order */
	GPtrArray *hosts;        /* entries without a server: each name once */
	GArray *mistakes;        /* of struct map_mistake */
	bool anywhere;           /* "rest": servers that are not named may make room */
};

struct map_mistake {
	struct map_place at;
	char *what;              /* as it is, not made safe for printing */
};

/** map_parse() - read a map. Return: owned by the caller; look at its mistakes before anything else. */
struct map *map_parse(const char *text, size_t len);
void map_free(struct map *m);

/** map_add_mistake() - add one, as printf() does. */
void map_add_mistake(struct map *m, struct map_place at, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/** map_mistakes_text() - all of them in the file's order, "FILE:LINE:COLUMN: what", a line each, safe to print. Return: owned. */
char *map_mistakes_text(struct map *m, const char *file);

/** map_json() - {"host": ["server", ...]}, as the API takes it. Return: owned. */
json_t *map_json(const struct map *m);

/** map_place_of() - the place of what the API calls "map.HOST" or "map.HOST[INDEX]"; line 1, column 1 for anything else. */
struct map_place map_place_of(const struct map *m, const char *where);

#endif
