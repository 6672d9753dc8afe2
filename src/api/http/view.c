/* SPDX-License-Identifier: Apache-2.0 */
#include "api/http/view.h"

#include <string.h>

#include <openssl/evp.h>

void view_open(struct jout *o, const struct api_req *r, size_t estimate)
{
	jout_init(o, g_string_sized_new(estimate), r->mv);
	jout_open(o, '{');
}

void view_close(struct jout *o, struct api_req *r, int status)
{
	jout_close(o, '}');
	api_reply_json(r, status, g_steal_pointer(&o->s));
}

char *view_prefix(const struct api_req *r, const char *version, const char *collection)
{
	g_autofree char *plain = g_strconcat(r->base_url, version, "/", collection, "/", NULL);
	g_autoptr(GString) s = g_string_new(NULL);

	jout_put_string(s, plain);
	return g_strndup(s->str + 1, s->len - 2);
}

void view_links(struct jout *o, const struct api_req *r, const char *collection, const char *id)
{
	static const struct { const char *rel, *version; } rels[] = { { "self", "/v2.1" }, { "bookmark", "" } };

	jout_key(o, "links");
	jout_open(o, '[');
	for (size_t i = 0; i < G_N_ELEMENTS(rels); i++) {
		g_autofree char *href = g_strconcat(r->base_url, rels[i].version, "/", collection, "/", id, NULL);

		jout_open(o, '{');
		jout_kv(o, "rel", str, rels[i].rel);
		jout_kv(o, "href", str, href);
		jout_close(o, '}');
	}
	jout_close(o, ']');
}

void view_next(struct jout *o, const struct api_req *r, const char *member, const char *marker)
{
	g_autoptr(GString) s = g_string_new(NULL);
	struct jout aside;

	jout_init(&aside, s, r->mv);
	api_next_link(&aside, r, "x", marker);
	jout_key(o, member);
	jout_raw(o, strchr(s->str, ':') + 1);
}

static void digest(const EVP_MD *md, const char *text, unsigned char sum[static EVP_MAX_MD_SIZE])
{
	int ok = EVP_Digest(text, strlen(text), sum, NULL, md, NULL);

	g_assert(ok == 1);
}

static void put_hex(char *out, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

void view_host_id(char out[static VIEW_HOST_ID_LEN + 1], const char *project_id, const char *host)
{
	g_autofree char *text = NULL;
	unsigned char sum[EVP_MAX_MD_SIZE];

	out[0] = '\0';
	if (!host)
		return;
	text = g_strconcat(project_id ? project_id : "", host, NULL);
	digest(EVP_sha224(), text, sum);
	put_hex(out, sum, VIEW_HOST_ID_LEN / 2);
}

void view_uuid(char out[static UTIL_UUID_LEN + 1], const char *kind, const char *name)
{
	g_autofree char *text = g_strconcat("drover:", kind, ":", name, NULL);
	unsigned char sum[EVP_MAX_MD_SIZE];
	char hex[33];

	digest(EVP_sha256(), text, sum);
	sum[6] = (unsigned char)((sum[6] & 0x0f) | 0x50);
	sum[8] = (unsigned char)((sum[8] & 0x3f) | 0x80);
	put_hex(hex, sum, 16);
	g_snprintf(out, UTIL_UUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

const char *view_zone(const struct api_req *r)
{
	return api_conf(r)->default_availability_zone;
}

char *view_host_ip(const struct host *h)
{
	g_autofree char *from_uri = NULL;

	if (h->inbound_addr)
		return g_strdup(h->inbound_addr);
	if (!g_uri_split_network(h->uri, G_URI_FLAGS_NONE, NULL, &from_uri, NULL, NULL) || !from_uri || !*from_uri)
		return g_strdup("127.0.0.1"); /* a local socket: the host is this one */
	return g_steal_pointer(&from_uri);
}

struct usage view_used(const struct api_req *r, const struct host *h)
{
	const struct conf *c = api_conf(r);
	struct usage used = host_used(h), claimed = host_claimed(h);

	return (struct usage){
		.vcpus = used.vcpus + claimed.vcpus + (int)c->reserved_host_cpus,
		.memory_mb = used.memory_mb + claimed.memory_mb + c->reserved_host_memory_mb,
		.disk_gb = used.disk_gb + claimed.disk_gb + c->reserved_host_disk_mb / 1024,
		.servers = used.servers,
	};
}

struct usage view_project_usage(const struct api_req *r, const char *project, const char *user)
{
	GPtrArray *servers = fleet_servers(api_fleet(r));
	struct usage sum = { 0 };

	for (guint i = 0; project && i < servers->len; i++) {
		const struct server *s = g_ptr_array_index(servers, i);

		if (g_strcmp0(s->project_id, project) != 0 || (user && g_strcmp0(s->user_id, user) != 0))
			continue;
		sum.vcpus += s->vcpus;
		sum.memory_mb += s->memory_mb;
		sum.disk_gb += s->disk_gb;
		sum.servers++;
	}
	return sum;
}

GPtrArray *view_keys(GHashTable *t, GCompareFunc order)
{
	GPtrArray *keys = g_ptr_array_sized_new(g_hash_table_size(t));
	GHashTableIter i;
	gpointer key;

	g_hash_table_iter_init(&i, t);
	while (g_hash_table_iter_next(&i, &key, NULL))
		g_ptr_array_add(keys, key);
	g_ptr_array_sort(keys, order);
	return keys;
}

bool view_only_query(const struct api_req *r, const char *const *known, GError **err)
{
	for (guint i = 0; r->query && i < r->query->len; i++) {
		const struct api_pair *p = g_ptr_array_index(r->query, i);

		if (g_strv_contains(known, p->name))
			continue;
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Additional properties are not allowed ('%.60s' was unexpected)", p->name);
		return false;
	}
	return true;
}

bool view_query_time(const struct api_req *r, const char *name, int64_t *ret, GError **err)
{
	const char *text = api_query(r, name);
	int64_t us = 0;

	if (text && !util_time_parse(text, &us)) {
		g_set_error(err, ERR, ERR_BAD_REQUEST, "Invalid input for query parameters %s. Value: %.60s. '%.60s' is not a 'date-time'",
			    name, text, text);
		return false;
	}
	*ret = us;
	return true;
}

bool view_sees(const struct api_req *r, const struct server *s)
{
	return r->auth->admin || (s->project_id && g_strcmp0(s->project_id, r->auth->project_id) == 0);
}

struct server *view_server(struct api_req *r, const char *uuid)
{
	struct server *s = fleet_server(api_fleet(r), uuid);

	if (s && view_sees(r, s))
		return s;
	api_fail_new(r, ERR_NOT_FOUND, "Instance %s could not be found.", uuid);
	return NULL;
}

struct server *view_action_server(struct api_req *r, const json_t *value, void *obj)
{
	GError *err = NULL;

	if (api_decode_action(r, value, obj, &err))
		return view_server(r, r->param[0]);
	api_fail(r, err);
	return NULL;
}
