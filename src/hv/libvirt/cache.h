/* SPDX-License-Identifier: Apache-2.0
 *
 * cache: what the domains of a host are, until they change.
 */
#ifndef LV_CACHE_H
#define LV_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "hv/hv.h"

struct lv_cache;

struct lv_cache *lv_cache_new(void);
void lv_cache_free(struct lv_cache *k);
/** lv_cache_forget() - the domain changed: its description is fetched again. Any thread. */
void lv_cache_forget(struct lv_cache *k, const char *uuid);
/** lv_cache_stamp() - taken before a description is fetched, for lv_cache_put(). */
uint64_t lv_cache_stamp(struct lv_cache *k);
/** lv_cache_get() - a copy of the description, or NULL if there is none that can be trusted. */
struct hv_dom *lv_cache_get(struct lv_cache *k, const char *uuid, bool active);
/** lv_cache_put() - keep a copy of @d, unless the domain changed since @stamp. */
void lv_cache_put(struct lv_cache *k, const struct hv_dom *d, uint64_t stamp);
/** lv_cache_set_size() - keep the size of a domain's disk. */
void lv_cache_set_size(struct lv_cache *k, const char *uuid, const char *target, int64_t capacity, int64_t allocation);
/** lv_cache_fill_sizes() - set the sizes that are known in @d. */
void lv_cache_fill_sizes(struct lv_cache *k, struct hv_dom *d);
/** lv_cache_keep() - drop all but the domains in @uuids (a set). */
void lv_cache_keep(struct lv_cache *k, GHashTable *uuids);

#endif
