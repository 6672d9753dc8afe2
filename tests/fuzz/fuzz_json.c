/* SPDX-License-Identifier: Apache-2.0
 *
 * json_parse() and json_decode() on any bytes: what is taken keeps its limits,
 * what is refused has a message, and what was taken is encoded to the same
 * again. The first byte chooses the microversion.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

struct body {
	char *host, *name;
	int count;
	int64_t size;
	double ratio;
	bool force, host_given;
	int64_t when;
	struct {
		char *key;
		int n;
	} inner;
};

static const struct json_field inner_fields[] = {
	{ "key", JSON_STR, offsetof(struct body, inner.key), .required = true, .max = 5 },
	{ "n",   JSON_INT, offsetof(struct body, inner.n), .min = 1, .max = 3 },
};

static bool take_inner(const json_t *v, void *obj, const char *where, GError **err)
{
	return json_decode(v, inner_fields, G_N_ELEMENTS(inner_fields), 1, where, obj, err);
}

static const struct json_field fields[] = {
	{ "host",  JSON_STR,     offsetof(struct body, host), .required = true, .nullable = true, .min = 1, .max = 255,
	  .given = offsetof(struct body, host_given) },
	{ "name",  JSON_STR,     offsetof(struct body, name) },
	{ "count", JSON_INT,     offsetof(struct body, count) },
	{ "size",  JSON_INT64,   offsetof(struct body, size), .min = -1, .max = 1000 },
	{ "ratio", JSON_DBL,     offsetof(struct body, ratio), .nullable = true },
	{ "force", JSON_BOOL,    offsetof(struct body, force), .since = 30, .until = 67 },
	{ "when",  JSON_TIME_US, offsetof(struct body, when), .nullable = true },
	{ "inner", JSON_EMIT,    .take = take_inner },
};

static const struct json_field written[] = {
	{ "name", JSON_STR, offsetof(struct body, name) },
	{ "count", JSON_INT, offsetof(struct body, count) },
	{ "size", JSON_INT64, offsetof(struct body, size) },
};

/* The encoder's text is read back to the same values. */
static void check_again(const struct body *b)
{
	g_autoptr(GString) s = g_string_new(NULL);
	g_autoptr(json_t) v = NULL;
	struct body again = { 0 };
	struct jout o;

	jout_init(&o, s, 1);
	jout_object(&o, written, b->name ? G_N_ELEMENTS(written) : 0, b);
	v = json_parse(s->str, s->len, NULL);
	g_assert(v);
	g_assert(json_decode(v, written, G_N_ELEMENTS(written), 1, "again", &again, NULL));
	g_assert(g_strcmp0(again.name, b->name) == 0);
	g_assert(!b->name || (again.count == b->count && again.size == b->size));
	json_free(written, G_N_ELEMENTS(written), &again);
}

static void check_taken(const struct body *b)
{
	g_assert(b->host_given && (!b->host || (strlen(b->host) >= 1 && strlen(b->host) <= 255)));
	g_assert(b->size >= -1 && b->size <= 1000);
	g_assert(!b->inner.key || strlen(b->inner.key) <= 5);
	g_assert(b->inner.n >= 0 && b->inner.n <= 3);
	check_again(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) err = NULL;
	g_autoptr(json_t) v = NULL;
	struct body b = { 0 };

	if (size < 1)
		return 0;
	v = json_parse((const char *)data + 1, size - 1, &err);
	if (v && json_decode(v, fields, G_N_ELEMENTS(fields), data[0] % 97, "body", &b, &err))
		check_taken(&b);
	else
		g_assert(g_error_matches(err, ERR, ERR_BAD_REQUEST) && *err->message && g_utf8_validate(err->message, -1, NULL));
	json_free(fields, G_N_ELEMENTS(fields), &b);
	json_free(inner_fields, G_N_ELEMENTS(inner_fields), &b);
	return 0;
}
