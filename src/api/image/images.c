/* SPDX-License-Identifier: Apache-2.0
 *
 * images: Image v2. Adopted servers come without images, so there are none, nor definitions of their metadata.
 */
#include "api/image/images.h"

#include "api/http/view.h"

static void list(struct api_req *r)
{
	struct jout o;

	view_open(&o, r, 128);
	jout_kv(&o, "images", raw, "[]");
	jout_kv(&o, "first", str, "/v2/images");
	jout_kv(&o, "schema", str, "/v2/schemas/images");
	view_close(&o, r, 200);
}

static void show(struct api_req *r)
{
	api_fail_new(r, ERR_NOT_FOUND, "No image found with ID %s", r->param[0]);
}

/* The schemas say of an image what a client needs to make objects of it. */
#define IMAGE_PROPERTIES \
	"{\"id\":{\"type\":\"string\"},\"name\":{\"type\":[\"null\",\"string\"]},\"status\":{\"type\":\"string\"}," \
	"\"visibility\":{\"type\":\"string\"},\"owner\":{\"type\":[\"null\",\"string\"]},\"size\":{\"type\":[\"null\",\"integer\"]}}"
#define IMAGE_SCHEMA "{\"name\":\"image\",\"properties\":" IMAGE_PROPERTIES ",\"additionalProperties\":{\"type\":\"string\"}}"

static void schema_image(struct api_req *r)
{
	api_reply_json(r, 200, g_string_new(IMAGE_SCHEMA));
}

static void schema_images(struct api_req *r)
{
	api_reply_json(r, 200, g_string_new(
		"{\"name\":\"images\",\"properties\":{\"images\":{\"type\":\"array\",\"items\":" IMAGE_SCHEMA "},"
		"\"first\":{\"type\":\"string\"},\"next\":{\"type\":\"string\"},\"schema\":{\"type\":\"string\"}}}"));
}

/* ---- definitions of metadata ---- */

#define NAMESPACES "/image/v2/metadefs/namespaces"
#define NAMESPACE_SCHEMA \
	"{\"name\":\"namespace\",\"required\":[\"namespace\"],\"properties\":{\"namespace\":{\"type\":\"string\",\"maxLength\":80}," \
	"\"display_name\":{\"type\":\"string\",\"maxLength\":80},\"description\":{\"type\":\"string\",\"maxLength\":500}," \
	"\"visibility\":{\"type\":\"string\",\"enum\":[\"public\",\"private\"]},\"protected\":{\"type\":\"boolean\"}," \
	"\"owner\":{\"type\":\"string\",\"maxLength\":255}},\"additionalProperties\":false}"

static void namespaces(struct api_req *r)
{
	struct jout o;

	view_open(&o, r, 128);
	jout_kv(&o, "namespaces", raw, "[]");
	jout_kv(&o, "first", str, "/v2/metadefs/namespaces");
	jout_kv(&o, "schema", str, "/v2/schemas/metadefs/namespaces");
	view_close(&o, r, 200);
}

static void namespace_show(struct api_req *r)
{
	api_fail_new(r, ERR_NOT_FOUND, "Metadata definition namespace=%s was not found.", r->param[0]);
}

static void schema_namespace(struct api_req *r)
{
	api_reply_json(r, 200, g_string_new(NAMESPACE_SCHEMA));
}

static void schema_namespaces(struct api_req *r)
{
	api_reply_json(r, 200, g_string_new(
		"{\"name\":\"namespaces\",\"properties\":{\"namespaces\":{\"type\":\"array\",\"items\":" NAMESPACE_SCHEMA "},"
		"\"first\":{\"type\":\"string\"},\"next\":{\"type\":\"string\"},\"schema\":{\"type\":\"string\"}}}"));
}

static const struct route routes[] = {
	{ "GET", "/image/v2/images",                      "get_images",             list },
	{ "GET", "/image/v2/images/{id}",                 "get_image",              show },
	{ "GET", "/image/v2/schemas/image",               "get_schema",             schema_image },
	{ "GET", "/image/v2/schemas/images",              "get_schema",             schema_images },
	{ "GET", NAMESPACES,                              "get_metadef_namespaces", namespaces },
	{ "GET", NAMESPACES "/{namespace}",               "get_metadef_namespace",  namespace_show },
	{ "GET", "/image/v2/schemas/metadefs/namespace",  "get_schema",             schema_namespace },
	{ "GET", "/image/v2/schemas/metadefs/namespaces", "get_schema",             schema_namespaces },
};
const struct route_table images_routes = { routes, G_N_ELEMENTS(routes) };
