/* SPDX-License-Identifier: Apache-2.0 */
#include "check/rule.h"

void rule_find(const struct judge *j, const struct survey_host *h, const struct survey_host *other, const char *change, const char *where,
	       const char *what, ...)
{
	g_autofree char *text = NULL, *at = *where == '/' ? g_strconcat(h->name, ":", where, NULL) : g_strdup(where);
	va_list ap;

	va_start(ap, what);
	text = g_strdup_vprintf(what, ap);
	va_end(ap);
	report_find(j->out, j->rule->name, j->rule->severity, j->rule->breaks,
		    &(struct finding_text){ h->name, other ? other->name : NULL, text, change, at });
}

void rule_unchecked(const struct judge *j, const struct survey_host *h, const struct survey_host *other, const char *why)
{
	report_unchecked(j->out, j->rule->name, h ? h->name : NULL, other ? other->name : NULL, why);
}

const struct survey_host *rule_from(const struct judge *j, const struct survey_pair *p)
{
	return survey_host(j->s, p->from);
}

const struct survey_host *rule_to(const struct judge *j, const struct survey_pair *p)
{
	return survey_host(j->s, p->to);
}

const struct survey_host *rule_usual(const struct judge *j, rule_value_f *value, const void *about, char **ret_value)
{
	g_autoptr(GHashTable) counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) said = g_ptr_array_new_with_free_func(g_free);
	guint best = 0;
	int most = 0;

	for (guint i = 0; i < j->s->hosts->len; i++) {
		char *v = value(j, survey_host(j->s, i), about);

		g_ptr_array_add(said, v);
		if (v)
			g_hash_table_insert(counts, g_strdup(v), GINT_TO_POINTER(GPOINTER_TO_INT(g_hash_table_lookup(counts, v)) + 1));
	}
	for (guint i = 0; i < said->len; i++) {
		int n = said->pdata[i] ? GPOINTER_TO_INT(g_hash_table_lookup(counts, said->pdata[i])) : 0;

		if (n > most) {
			most = n;
			best = i;
		}
	}
	if (most && ret_value)
		*ret_value = g_strdup(said->pdata[best]);
	return most ? survey_host(j->s, best) : NULL;
}
