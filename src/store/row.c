/* SPDX-License-Identifier: Apache-2.0 */
#include "store/row.h"

static bool word_find(const struct row_field *f, const char *word, int *to)
{
	for (int i = 0; i < f->words; i++) {
		if (g_strcmp0(f->word(i), word) == 0) {
			*to = i;
			return true;
		}
	}
	return false;
}

char *row_read(const struct store_row *row, const struct row_field *fields, size_t n, void *object)
{
	char *wrong = NULL;

	g_assert((size_t)row->n == n);
	for (size_t i = 0; i < n; i++) {
		void *to = (char *)object + fields[i].offset;
		int cell = (int)i;

		switch (fields[i].type) {
		case ROW_TEXT:
			*(char **)to = g_strdup(store_text(row, cell));
			break;
		case ROW_LENT:
			*(const char **)to = store_text(row, cell);
			break;
		case ROW_CHARS:
			g_strlcpy(to, store_text(row, cell) ? store_text(row, cell) : "", fields[i].size);
			break;
		case ROW_INT:
			*(int *)to = (int)store_int(row, cell);
			break;
		case ROW_INT64:
		case ROW_TIME:
		case ROW_NOW:
			*(int64_t *)to = store_int(row, cell);
			break;
		case ROW_BOOL:
			*(bool *)to = store_int(row, cell);
			break;
		case ROW_WORD:
			if (!word_find(&fields[i], store_text(row, cell), to) && !wrong)
				wrong = g_strdup_printf("%s is %s", fields[i].column, store_text(row, cell) ? store_text(row, cell) : "null");
			break;
		}
	}
	return wrong;
}

void row_values(const struct row_field *fields, size_t n, const void *object, int64_t now_us, struct store_val *to)
{
	for (size_t i = 0; i < n; i++) {
		const void *from = (const char *)object + fields[i].offset;

		switch (fields[i].type) {
		case ROW_TEXT:
		case ROW_LENT:
			to[i] = SV_S(*(char *const *)from);
			break;
		case ROW_CHARS:
			to[i] = SV_S(from);
			break;
		case ROW_INT:
			to[i] = SV_I(*(const int *)from);
			break;
		case ROW_INT64:
			to[i] = SV_I(*(const int64_t *)from);
			break;
		case ROW_TIME:
			to[i] = SV_OPT(*(const int64_t *)from);
			break;
		case ROW_NOW:
			to[i] = SV_I(now_us);
			break;
		case ROW_BOOL:
			to[i] = SV_I(*(const bool *)from);
			break;
		case ROW_WORD:
			to[i] = SV_S(fields[i].word(*(const int *)from));
			break;
		}
	}
}
