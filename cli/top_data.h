/* SPDX-License-Identifier: Apache-2.0
 *
 * top_data: what "drover top" asks the API, and hears of it.
 *
 * Lists are read on the caller's thread. The stream of events is read by a thread
 * with a session of its own: it fills a queue and wakes the main loop. Nothing
 * else is shared.
 */
#ifndef TOP_DATA_H
#define TOP_DATA_H

#include "cli.h"
#include "top_model.h"

/** top_load_lists() - read hosts, the plans that are under way and the migrations that have not ended. Return: false with @err; the model is as before then. */
bool top_load_lists(struct cli *c, struct top_model *t, GError **err);

struct top_feed;

/** top_feed_start() - begin to hear events. Return: owned by the caller; NULL with @err. */
struct top_feed *top_feed_start(struct cli *c, GError **err);

/**
 * top_feed_take() - the next event, of /drover/v1/events.
 * @ret_stale: no stream for TOP_STALE_MS
 *
 * Return: owned by the caller; NULL: none at present.
 */
json_t *top_feed_take(struct top_feed *f, bool *ret_stale);

/** top_feed_stop() - hear no more. The thread ends by itself, within a second or with the program. */
void top_feed_stop(struct top_feed *f);

#define TOP_STALE_MS 20000

#endif
