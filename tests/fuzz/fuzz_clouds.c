/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as clouds.yaml and, behind the first 0xff, as secure.yaml.
 */
#include <stdint.h>
#include <string.h>

#include "auth.h"
#include "base/json.h"
#include "cloud.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct cloud cloud;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(cloud, cloud_free)

static void use(const char *text, size_t len, const char *secure, size_t secure_len, const char *name)
{
	g_autoptr(cloud) c = cloud_parse(text, len, secure, secure_len, "clouds.yaml", name, NULL);
	g_autoptr(json_t) request = NULL;
	g_autofree char *url = NULL;

	if (!c || !cloud_check(c, NULL))
		return;
	request = auth_request(c, NULL);
	url = auth_tokens_url(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *split = size ? memchr(data, 0xff, size) : NULL;
	const char *text = (const char *)data, *secure = split ? (const char *)split + 1 : NULL;
	size_t len = split ? (size_t)(split - data) : size;

	use(text, len, secure, secure ? size - len - 1 : 0, NULL);
	use(text, len, secure, secure ? size - len - 1 : 0, "a");
	return 0;
}
