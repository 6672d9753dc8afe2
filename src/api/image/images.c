/* SPDX-License-Identifier: Apache-2.0
 *
 * images: Image v2. Adopted servers come without images, so there are none.
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

static const struct route routes[] = {
	{ "GET", "/image/v2/images",         "get_images", list },
	{ "GET", "/image/v2/images/{id}",    "get_image",  show },
	{ "GET", "/image/v2/schemas/image",  "get_schema", schema_image },
	{ "GET", "/image/v2/schemas/images", "get_schema", schema_images },
};
const struct route_table images_routes = { routes, G_N_ELEMENTS(routes) };
