/* SPDX-License-Identifier: Apache-2.0 */
#include "api/network/network_filter.h"

#include <string.h>

static bool fits_one(const struct api_req *r, const struct network_filter *f, const void *obj)
{
	bool asked = false;

	if (f->admin && !r->auth->admin)
		return true;
	for (guint i = 0; r->query && i < r->query->len; i++) {
		const struct api_pair *q = g_ptr_array_index(r->query, i);

		if (strcmp(q->name, f->name) != 0)
			continue;
		if (f->fits(r, obj, q->value))
			return true;
		asked = true;
	}
	return !asked;
}

bool network_fits(const struct api_req *r, const struct network_filter *f, size_t n, const void *obj)
{
	for (size_t i = 0; i < n; i++)
		if (!fits_one(r, &f[i], obj))
			return false;
	return true;
}

bool network_is_true(const struct api_req *r, const void *obj, const char *want)
{
	(void)r, (void)obj;
	return g_ascii_strcasecmp(want, "true") == 0 || strcmp(want, "1") == 0;
}

bool network_is_false(const struct api_req *r, const void *obj, const char *want)
{
	return !network_is_true(r, obj, want);
}

bool network_is_empty(const struct api_req *r, const void *obj, const char *want)
{
	(void)r, (void)obj;
	return !*want;
}

bool network_is_active(const struct api_req *r, const void *obj, const char *want)
{
	(void)r, (void)obj;
	return strcmp(want, "ACTIVE") == 0;
}
