/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <string.h>

#include "render.h"

#define WINDOW_MS 30000
#define BYTES_MAX (INT64_MAX / 4)
#define LEFT_MAX_S (7 * 24 * 3600)
#define STILL_MS 15000        /* servers write every 5 s at the latest (Nova's monitor) */
#define SHRINKING 0.95        /* a pass of more than this of the one before is none that ends */
#define POST_COPY "running (post-copy)"

/* ---- samples ---- */

static const struct progress_sample *newest(const struct progress *p)
{
	return p->n ? &p->sample[p->newest] : NULL;
}

/* The oldest sample of the window; the newest itself if it is alone. */
static const struct progress_sample *oldest(const struct progress *p)
{
	const struct progress_sample *last = newest(p), *first = last;

	for (unsigned back = 1; back < p->n; back++) {
		const struct progress_sample *s = &p->sample[(p->newest + PROGRESS_SAMPLES - back) % PROGRESS_SAMPLES];

		/* a server that writes rarely still gets two samples */
		if (last->at_ms - s->at_ms > WINDOW_MS && first != last)
			break;
		first = s;
	}
	return first;
}

static void add_sample(struct progress *p, const struct progress_sample *s)
{
	const struct progress_sample *last = newest(p);

	if (last && last->sent == s->sent && last->left == s->left && last->total == s->total)
		return;
	if (last && s->sent < last->sent) {
		p->n = 0; /* the copy began again, elsewhere */
		last = NULL;
	}
	if (!last) {
		p->pass_bytes = s->left;
		p->last_pass_bytes = 0;
	} else if (s->left > last->left) {
		p->last_pass_bytes = p->pass_bytes;
		p->pass_bytes = s->left;
	}
	p->newest = p->n ? (p->newest + 1) % PROGRESS_SAMPLES : 0;
	p->sample[p->newest] = *s;
	p->n = MIN(p->n + 1, PROGRESS_SAMPLES);
}

static int64_t bytes(const json_t *migration, const char *what, const char *which)
{
	g_autofree char *name = g_strconcat(what, "_", which, "_bytes", NULL);

	return CLAMP(json_integer_value(json_object_get(migration, name)), 0, BYTES_MAX);
}

/* Takes a server's word, safe to print and cut at a character's end. Return: true if it is another than before. */
static bool set_text(char *where, const char *value)
{
	g_autofree char *safe = render_safe(value ? value : "", false);
	char text[PROGRESS_TEXT_MAX] = "";

	for (const char *c = safe; *c && strlen(text) + 6 < sizeof text; c = g_utf8_next_char(c))
		strncat(text, c, (size_t)(g_utf8_next_char(c) - c));
	/* what was known stays known: some answers hide the hosts from some users */
	if (!*text || strcmp(where, text) == 0)
		return false;
	g_strlcpy(where, text, PROGRESS_TEXT_MAX);
	return true;
}

/* One that is not told is over. Return: as set_text(). */
static bool set_stage(struct progress *p, const char *stage)
{
	bool known = stage && *stage, changed = known ? set_text(p->stage, stage) : *p->stage;

	if (!known)
		*p->stage = '\0';
	return changed;
}

bool progress_feed(struct progress *p, const json_t *migration, int64_t now_ms)
{
	struct progress_sample s = {
		.at_ms = now_ms,
		.sent = bytes(migration, "memory", "processed") + bytes(migration, "disk", "processed"),
		.left = bytes(migration, "memory", "remaining") + bytes(migration, "disk", "remaining"),
		.total = bytes(migration, "memory", "total") + bytes(migration, "disk", "total"),
	};
	bool changed;

	changed = set_text(p->status, render_str(migration, "status"));
	changed |= set_stage(p, render_str(migration, "stage"));
	changed |= set_text(p->source, render_str(migration, "source_compute"));
	changed |= set_text(p->dest, render_str(migration, "dest_compute"));
	p->has_bytes = s.total > 0;
	if (p->has_bytes)
		add_sample(p, &s);
	return changed;
}

/* ---- what they mean ---- */

bool progress_rate(const struct progress *p, int64_t *ret_bytes_s)
{
	const struct progress_sample *a = p->n ? oldest(p) : NULL, *b = newest(p);

	if (!a || b->at_ms <= a->at_ms)
		return false;
	*ret_bytes_s = (int64_t)((double)(b->sent - a->sent) * 1000 / (double)(b->at_ms - a->at_ms));
	return true;
}

enum progress_left progress_left(const struct progress *p, int64_t *ret_s)
{
	const struct progress_sample *b = newest(p);
	bool first = p->last_pass_bytes == 0, once = *p->stage || strcmp(p->status, POST_COPY) == 0;
	double ratio = first || once ? 0 : (double)p->pass_bytes / (double)p->last_pass_bytes;
	int64_t rate;
	double s;

	if (!progress_rate(p, &rate) || rate <= 0)
		return LEFT_UNKNOWN;
	if (ratio > SHRINKING)
		return LEFT_NO_END;
	/* this pass, and all that follow if they go on to shrink so */
	s = ((double)b->left + (double)p->pass_bytes * ratio / (1 - ratio)) / (double)rate;
	if (s > LEFT_MAX_S)
		return LEFT_UNKNOWN;
	*ret_s = (int64_t)(s + 0.999);
	return first && !once && b->left > 0 ? LEFT_AT_LEAST : LEFT_ABOUT;
}

char *progress_duration(int64_t s)
{
	if (s < 60)
		return g_strdup_printf("%d s", (int)MAX(s, 0));
	if (s < 3600)
		return g_strdup_printf("%d min %02d s", (int)(s / 60), (int)(s % 60));
	return g_strdup_printf("%d h %02d min", (int)(s / 3600), (int)(s / 60 % 60));
}

/* Of milliseconds, rounded up; nothing lasts less than no time. */
static char *duration_of(int64_t ms)
{
	return progress_duration(ms / 1000 + (ms % 1000 > 0));
}

char *progress_eta(int64_t ms, int64_t low_ms, int64_t high_ms)
{
	g_autofree char *about = duration_of(ms), *low = duration_of(low_ms), *high = duration_of(high_ms);

	if (high_ms < 0)
		return g_strdup_printf("~%s (at least %s, perhaps never)", about, low);
	if (strcmp(low, high) == 0)
		return g_strdup_printf("~%s", about);
	return g_strdup_printf("~%s (%s to %s)", about, low, high);
}

/* "1.2/4.0 GiB", both in the unit of the second. */
static char *done_of(int64_t done, int64_t total)
{
	g_autofree char *of = render_bytes(total);
	const char *unit = strchr(of, ' ');
	g_autofree char *part = NULL;
	double scale = total > 0 ? g_ascii_strtod(of, NULL) / (double)total : 1;

	part = strcmp(unit, " B") == 0 ? g_strdup_printf("%d", (int)done) : g_strdup_printf("%.1f", (double)done * scale);
	return g_strdup_printf("%s/%s", part, of);
}

static const char *known(const char *host)
{
	return *host ? host : "?";
}

/* "migrating (carry)", owned; a stage of the status's name says nothing more. */
static char *standing(const struct progress *p)
{
	bool more = *p->stage && strcmp(p->stage, p->status) != 0;

	return more ? g_strdup_printf("%s (%s)", known(p->status), p->stage) : g_strdup(known(p->status));
}

char *progress_short(const struct progress *p)
{
	g_autofree char *where = standing(p);

	return g_strdup_printf("%s: %s -> %s", where, known(p->source), known(p->dest));
}

/* Rate and time left. */
static void put_pace(GString *line, const struct progress *p)
{
	g_autofree char *rate_text = NULL, *left_text = NULL;
	int64_t rate, left_s = 0;
	enum progress_left left = progress_left(p, &left_s);

	if (!progress_rate(p, &rate)) {
		g_string_append(line, "  ~");
		return;
	}
	rate_text = render_bytes(rate);
	left_text = progress_duration(left_s);
	g_string_append_printf(line, "  ~%s/s", rate_text);
	switch (left) {
	case LEFT_UNKNOWN:  break;
	case LEFT_AT_LEAST: g_string_append_printf(line, "  at least %s left", left_text); break;
	case LEFT_ABOUT:    g_string_append_printf(line, "  ~%s left", left_text); break;
	case LEFT_NO_END:   g_string_append(line, "  no end in sight"); break;
	}
}

char *progress_line(const struct progress *p, int64_t now_ms)
{
	GString *line = g_string_new(NULL);
	const struct progress_sample *s = newest(p);
	g_autofree char *part = NULL, *still = NULL, *where = standing(p);

	g_string_printf(line, "%s  %s -> %s", where, known(p->source), known(p->dest));
	if (!s)
		return g_string_free(line, FALSE);
	part = done_of(s->total - MIN(s->left, s->total), s->total);
	g_string_append_printf(line, "  %s", part);
	if (*p->stage && s->left == 0) /* its disks are there: it goes on with something else */
		return g_string_free(line, FALSE);
	if (p->has_bytes && now_ms - s->at_ms > STILL_MS) {
		still = progress_duration((now_ms - s->at_ms) / 1000);
		g_string_append_printf(line, "  nothing sent for %s", still);
	} else if (p->has_bytes) {
		put_pace(line, p);
	}
	return g_string_free(line, FALSE);
}
