/* SPDX-License-Identifier: Apache-2.0
 *
 * json: bodies as field tables.
 *
 * A body is a C struct and a table {name, type, offset, since, until}: one
 * encoder and one decoder serve all of them. Encoding appends text straight to
 * a GString (pages of a hundred servers are the hot path); decoding reads
 * jansson's tree, with limits, and says what was wrong and where.
 *
 *	static const struct json_field service_fields[] = {
 *		{ "id",     JSON_INT64, offsetof(struct svc, id),   .until = 52 },
 *		{ "id",     JSON_STR,   offsetof(struct svc, uuid), .since = 53 },
 *		{ "status", JSON_STR,   offsetof(struct svc, status) },
 *	};
 *
 * Writers are named jout_ because jansson has taken json_ for its own.
 *
 * @since and @until are minor numbers of the 2.x microversion, inclusive; 0 in
 * @until means no end.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#define JSON_DEPTH_MAX 32

enum json_type {
	JSON_STR,     /* char *; NULL is null */
	JSON_INT,     /* int */
	JSON_INT64,   /* int64_t */
	JSON_DBL,     /* double */
	JSON_BOOL,    /* bool */
	JSON_TIME_US, /* int64_t wall clock us; 0 is null; "2016-01-29T13:42:02.000000" */
	JSON_TIME_Z,  /* the same as "2013-09-03T04:01:32Z" */
	JSON_EMIT,    /* encoder: json_emit_f writes the value; decoder: json_take_f reads it */
	JSON_CONST,   /* encoder: .text is the value, already JSON */
};

struct jout;
struct json_field;

/* Writes exactly one value of the struct @obj. */
typedef void json_emit_f(struct jout *o, const void *obj);
/* Reads one value into @obj; @where names it in messages ("os-migrateLive.block_migration"). */
typedef bool json_take_f(const json_t *v, void *obj, const char *where, GError **err);

struct json_field {
	const char *name;
	enum json_type type;
	size_t offset;
	int since, until;
	/* encoder */
	json_emit_f *emit;
	const char *text;
	/* decoder */
	json_take_f *take;
	const char *form;    /* what JSON_EMIT takes, for docs: "true, false, \"auto\"" */
	bool required;
	bool nullable;       /* null leaves the field as it was */
	int64_t min, max;    /* JSON_INT, JSON_INT64: checked when max > min; JSON_STR: length, when max > 0 */
	size_t given;        /* offset of a bool set when the field was in the body; 0 for none */
};

/* ---- encoding ---- */

struct jout {
	GString *s;
	int mv;        /* minor microversion, for field tables and emitters */
	bool comma;    /* a value was written in the open container */
	const void *ctx; /* what emitters need beside the object */
};

/** jout_init() - start writing to @s, which must outlive @o. */
void jout_init(struct jout *o, GString *s, int mv);
/** jout_open() - open an object '{' or array '[', as a value of an array or after jout_key(). */
void jout_open(struct jout *o, char bracket);
/** jout_close() - close with '}' or ']'. */
void jout_close(struct jout *o, char bracket);
/** jout_key() - write a member's name; it is not escaped, names are ours. */
void jout_key(struct jout *o, const char *name);
/** jout_name() - the same of a name that is not ours: escaped. */
void jout_name(struct jout *o, const char *name);
/** jout_str() - write a string value, escaped; NULL is null. Invalid UTF-8 becomes U+FFFD. */
void jout_str(struct jout *o, const char *v);
void jout_int(struct jout *o, int64_t v);
/** jout_int_if() - null where it is not known. */
void jout_int_if(struct jout *o, bool known, int64_t v);
void jout_dbl(struct jout *o, double v);
void jout_bool(struct jout *o, bool v);
void jout_null(struct jout *o);
void jout_time_us(struct jout *o, int64_t wall_us);
void jout_time_z(struct jout *o, int64_t wall_us);
/** jout_raw() - write text that is JSON already. */
void jout_raw(struct jout *o, const char *text);

#define jout_kv(o, name, kind, v) (jout_key((o), (name)), jout_##kind((o), (v)))

/** jout_fields() - write the members of @obj that exist at the microversion; the object is open. */
void jout_fields(struct jout *o, const struct json_field *f, size_t n, const void *obj);
/** jout_object() - jout_open, jout_fields, jout_close. */
void jout_object(struct jout *o, const struct json_field *f, size_t n, const void *obj);

/** jout_put_string() - append one quoted, escaped JSON string to @s. */
void jout_put_string(GString *s, const char *v);

/* ---- decoding ---- */

/**
 * json_parse() - parse one document.
 * @text: @len bytes, need not end with NUL
 *
 * Duplicate names, depth over JSON_DEPTH_MAX and anything behind the document
 * are errors (ERR_BAD_REQUEST).
 * Return: the tree, owned by the caller (json_decref), or NULL with @err.
 */
json_t *json_parse(const char *text, size_t len, GError **err);

/**
 * json_decode() - read an object into a struct by its table.
 * @v: any value; what is not an object is an error
 * @mv: minor microversion; fields outside their range do not exist
 * @where: the object's name in messages
 *
 * Strings are copied (g_free, see json_free). Unknown members, missing required
 * ones and wrong types are ERR_BAD_REQUEST in the words of Nova's validation.
 */
bool json_decode(const json_t *v, const struct json_field *f, size_t n, int mv, const char *where, void *obj, GError **err);

/** json_free() - free the strings that json_decode() put into @obj. */
void json_free(const struct json_field *f, size_t n, void *obj);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

#endif
