/* SPDX-License-Identifier: Apache-2.0 */
#include "check/cpu_text.h"

#include <string.h>

#include <glib.h>

#include "hv/xml/xml.h"

/* "Haswell-noTSX"; NULL. Owned. */
static char *model_of(const char *cpu)
{
	g_autoptr(xmlDoc) doc = cpu ? xml_read(cpu, "cpu", NULL) : NULL;

	return doc ? xml_text(xml_child(xmlDocGetRootElement(doc), "model")) : NULL;
}

/* libvirt indents by lines; here is one line. */
static char *one_line(const char *cpu)
{
	g_auto(GStrv) lines = g_strsplit(cpu, "\n", -1);

	for (char **line = lines; *line; line++)
		g_strstrip(*line);
	return g_strjoinv("", lines);
}

char *cpu_text_advice(const char *cpu, const char *why)
{
	g_autofree char *line = cpu ? one_line(cpu) : NULL;

	if (line)
		return g_strdup_printf("give guests that are to go everywhere this CPU, and start them again: %s", line);
	return g_strdup_printf("give guests that are to go everywhere a CPU that all hosts have, such as qemu64%s%s", why ? "; no better one is known: " : "",
			       why ? why : "");
}

char *cpu_text_where(const char *cpu)
{
	g_autofree char *model = model_of(cpu);

	return g_strdup_printf("the guests' definitions (virsh edit): <cpu>; [libvirt] cpu_mode = custom, cpu_models = %s", model ? model : "qemu64");
}
