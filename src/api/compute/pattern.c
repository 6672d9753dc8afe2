/* SPDX-License-Identifier: Apache-2.0 */
#include "api/compute/pattern.h"

#include <string.h>

#include "base/err.h"
#include "base/loop.h"

#define WAITING_MAX 64
#define WAITING_OF_ONE 8
/* Steps of PCRE2, some 50 ns each. All texts together; and for each what a usual pattern needs, and what is enough for any. */
#define STEPS 10000000
#define STEPS_MIN 1000
#define STEPS_MAX 5000
#define COUNT_MAX 65536 /* one more than PCRE2 counts to */
#define PARTS_MAX 5000 /* of a regular expression, its counted repetitions written out */
#define ANY '.'

struct pattern {
	/* a literal: lower case, where ANY stands for any character; fixed[i]: it is one of the text, a point too */
	char *want;
	bool *fixed;
	bool from_begin, to_end;
	GRegex *regex; /* else */
	GArray *ids;   /* int64_t, of each text */
	GString *texts; /* one behind the other, each with its NUL */
	GHashTable *found; /* int64_t */
};

struct ask {
	struct pattern *patterns[PATTERNS_MAX];
	size_t n;
	char *owner;
	pattern_done_f *done;
	void *user;
	const struct pattern *failed;
	char *why;
};

/* On the loop thread alone. */
static struct ask *running;
static GQueue waiting = G_QUEUE_INIT;

/* ---- literals ---- */

/*
 * Letters, digits and what means nothing else in a regular expression, or has a backslash before it; perhaps behind
 * ^ and before $. Only ASCII: of other letters it is not known here which are the same in upper and lower case.
 */
static bool read_literal(struct pattern *p, const char *text)
{
	size_t n = 0;

	if (*text == '^') {
		p->from_begin = true;
		text++;
	}
	for (; *text && !(*text == '$' && !text[1]); text++, n++) {
		p->fixed[n] = *text == '\\';
		if (*text == '\\' && !g_ascii_ispunct(*++text))
			return false;
		if (!g_ascii_isprint(*text) || (!p->fixed[n] && strchr("^$|?*+()[]{}", *text)))
			return false;
		p->fixed[n] |= *text != ANY;
		p->want[n] = g_ascii_tolower(*text);
	}
	p->to_end = *text == '$';
	return true;
}

static const char *next_char(const char *at)
{
	do
		at++;
	while ((*at & 0xc0) == 0x80);
	return at;
}

/* At this place. */
static bool fits_at(const struct pattern *p, const char *have)
{
	for (size_t i = 0; p->want[i]; i++) {
		if (!*have || (p->fixed[i] && p->want[i] != g_ascii_tolower(*have)))
			return false;
		have = p->fixed[i] ? have + 1 : next_char(have);
	}
	return !p->to_end || !*have;
}

bool pattern_fits(const struct pattern *p, const char *text)
{
	g_assert(!p->regex);
	for (; *text && !p->from_begin; text++)
		if (fits_at(p, text))
			return true;
	return fits_at(p, text); /* the empty rest too */
}

/* ---- regular expressions ---- */

/* The class that begins here, or the character with its backslash, or the character alone. Return: its last character, where the text ends at most. */
static const char *item_end(const char *at)
{
	if (*at == '\\')
		return at[1] ? at + 1 : at;
	if (*at != '[')
		return at;
	at += at[1] == '^' ? 2 : 1;
	at += *at == ']';
	while (*at && *at != ']')
		at += *at == '\\' && at[1] ? 2 : 1;
	return *at ? at : at - 1;
}

/* "{3}", "{3,}", "{3,9}". Return: the most that is counted to; 0: these are characters. */
static guint64 count_of(const char *at, const char **ret_end)
{
	char *end;
	guint64 low, high;

	if (!g_ascii_isdigit(at[1]))
		return 0;
	high = low = g_ascii_strtoull(at + 1, &end, 10);
	if (*end == ',' && g_ascii_isdigit(end[1]))
		high = g_ascii_strtoull(end + 1, &end, 10);
	else if (*end == ',')
		end++;
	*ret_end = end;
	return *end == '}' ? CLAMP(MAX(low, high), 1, COUNT_MAX) : 0;
}

/*
 * PCRE2 writes counted repetitions out while it reads a pattern, and "(a{0,99}){0,99}" are ten thousand parts: that takes the loop's time. So they
 * are counted first, group by group.
 */
static bool too_many_parts(const char *text)
{
	guint64 sum[PATTERN_MAX + 2] = { 0 }, last = 0, n;
	const char *end;
	size_t depth = 0;

	for (const char *at = text; *at; at++) {
		if (*at == '(') {
			sum[++depth] = 0;
			continue;
		}
		if (*at == '{' && (n = count_of(at, &end)) > 0) {
			at = end;
			sum[depth] += last * (n - 1);
			last *= n;
		} else if (*at == ')' && depth > 0) {
			last = sum[depth--] + 1;
			sum[depth] += last;
		} else {
			at = item_end(at);
			sum[depth] += last = 1;
		}
		if (sum[depth] > PARTS_MAX)
			return true;
	}
	return false;
}

static bool read_regex(struct pattern *p, const char *text, bool anchored, size_t texts)
{
	int steps = (int)CLAMP(STEPS / MAX(texts, 1), STEPS_MIN, STEPS_MAX);
	g_autofree char *bounded = g_strdup_printf("(*LIMIT_MATCH=%d)%s", steps, text);

	if (too_many_parts(text))
		return false;
	p->regex = g_regex_new(bounded, G_REGEX_CASELESS | (anchored ? G_REGEX_ANCHORED : 0), 0, NULL);
	return p->regex != NULL;
}

struct pattern *pattern_new(const char *text, bool anchored, size_t texts)
{
	size_t len = strlen(text);
	struct pattern *p;

	if (len > PATTERN_MAX)
		return NULL;
	p = g_new0(struct pattern, 1);
	p->want = g_malloc0(len + 1);
	p->fixed = g_new0(bool, len + 1);
	p->from_begin = anchored;
	p->ids = g_array_new(FALSE, FALSE, sizeof(int64_t));
	p->texts = g_string_new(NULL);
	p->found = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	if (read_literal(p, text) || read_regex(p, text, anchored, texts))
		return p;
	pattern_free(p);
	return NULL;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	g_clear_pointer(&p->regex, g_regex_unref);
	g_free(p->want);
	g_free(p->fixed);
	g_array_unref(p->ids);
	g_string_free(p->texts, TRUE);
	g_hash_table_unref(p->found);
	g_free(p);
}

bool pattern_is_regex(const struct pattern *p)
{
	return p->regex != NULL;
}

void pattern_add(struct pattern *p, int64_t id, const char *text)
{
	g_array_append_val(p->ids, id);
	g_string_append_len(p->texts, text, (gssize)strlen(text) + 1);
}

bool pattern_found(const struct pattern *p, int64_t id)
{
	return g_hash_table_contains(p->found, &id);
}

/* ---- a worker ---- */

static bool match_all(struct ask *a, struct pattern *p)
{
	const char *text = p->texts->str;

	for (guint i = 0; i < p->ids->len; i++, text += strlen(text) + 1) {
		int64_t id = g_array_index(p->ids, int64_t, i);
		GError *why = NULL;

		if (g_regex_match_full(p->regex, text, -1, 0, 0, NULL, &why))
			g_hash_table_add(p->found, g_memdup2(&id, sizeof id));
		if (!why)
			continue;
		a->failed = p;
		a->why = g_strdup(why->message);
		g_error_free(why);
		return false;
	}
	return true;
}

static void work(void *user)
{
	struct ask *a = user;

	for (size_t i = 0; i < a->n; i++)
		if (!match_all(a, a->patterns[i]))
			return;
}

static void finished(void *user);

static void start(struct ask *a)
{
	running = a;
	loop_job(work, finished, a);
}

static void finished(void *user)
{
	struct ask *a = user;
	struct ask *next = g_queue_pop_head(&waiting);

	running = NULL;
	if (next)
		start(next);
	a->done(a->failed, a->why, a->user);
	g_free(a->why);
	g_free(a->owner);
	g_free(a);
}

static bool has_room(const char *owner)
{
	unsigned mine = 0;

	for (GList *l = waiting.head; l; l = l->next)
		mine += g_strcmp0(((const struct ask *)l->data)->owner, owner) == 0;
	return mine < WAITING_OF_ONE && waiting.length < WAITING_MAX;
}

bool pattern_match(struct pattern *const *patterns, size_t n, const char *owner, pattern_done_f *done, void *user, GError **err)
{
	struct ask *a;

	if (running && !has_room(owner)) {
		g_set_error(err, ERR, ERR_UNAVAILABLE, "Too many regular expressions are being matched; try again.");
		return false;
	}
	a = g_new0(struct ask, 1);
	for (size_t i = 0; i < n; i++) {
		g_assert(a->n < PATTERNS_MAX);
		if (patterns[i] && patterns[i]->regex)
			a->patterns[a->n++] = patterns[i];
	}
	a->owner = g_strdup(owner);
	a->done = done;
	a->user = user;
	if (running)
		g_queue_push_tail(&waiting, a);
	else
		start(a);
	return true;
}
