/* SPDX-License-Identifier: Apache-2.0 */
#include "base/page.h"

#include <string.h>

void page_put(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\*_[]<>|#`~", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

void page_head(FILE *out, const char *page, int section, const char *about)
{
	fprintf(out, "%s(%d)\n\n# NAME\n\n%s - ", page, section, page);
	page_put(out, about);
	fputs("\n\n", out);
}

void page_option(FILE *out, char letter, const char *name, const char *arg, const char *help)
{
	if (letter)
		fprintf(out, "*-%c*, ", letter);
	fputs("*--", out);
	page_put(out, name);
	fputc('*', out);
	if (arg) {
		fputs(" _", out);
		page_put(out, arg);
		fputc('_', out);
	}
	fputs("\n\t", out);
	page_put(out, help);
	fputs("\n\n", out);
}
