/* SPDX-License-Identifier: Apache-2.0 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "client.h"

static const struct opt global_opts[] = {
	{ "format", 'f', "FORMAT", "table (the default), json, csv, value or yaml" },
	{ "column", 'c', "COLUMN", "show only this column; may be repeated" },
	{ "os-cloud", 0, "NAME", "the cloud in clouds.yaml [OS_CLOUD]" },
	{ "os-region-name", 0, "NAME", "the region [OS_REGION_NAME]" },
	{ "os-interface", 0, "NAME", "public (the default), internal or admin [OS_INTERFACE]" },
	{ "os-compute-api-version", 0, "2.N", "the highest version to use [OS_COMPUTE_API_VERSION]" },
	{ "os-cacert", 0, "FILE", "file of certificate authorities to trust [OS_CACERT]" },
	{ "insecure", 0, NULL, "do not verify the server's certificate [OS_INSECURE]" },
	{ "request-timeout", 0, "SECONDS", "give up on a request after this many seconds (120)" },
	{ "watch", 0, NULL, "show it again and again, until Ctrl-C" },
	{ "debug", 0, NULL, "show each request and its id" },
	{ "help", 'h', NULL, "show this command's help" },
};

const struct opt *cli_global_opts(size_t *ret_n)
{
	*ret_n = G_N_ELEMENTS(global_opts);
	return global_opts;
}

char *cli_name(const struct command *cmd)
{
	return g_strconcat(cmd->group, *cmd->name ? " " : "", cmd->name, NULL);
}

/* ---- options and words ---- */

static bool in_table(const struct opt *opts, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(opts[i].name, name) == 0)
			return true;
	return false;
}

const char *cli_opt(const struct cli *c, const char *opt)
{
	const GPtrArray *all = args_all(c->args, opt);

	/* asking for an option that no table has is a slip of the pen in a handler */
	g_assert(in_table(global_opts, G_N_ELEMENTS(global_opts), opt) || !c->cmd || in_table(c->cmd->opts, c->cmd->n_opts, opt));
	return all ? all->pdata[all->len - 1] : NULL;
}

bool cli_on(const struct cli *c, const char *opt)
{
	return cli_opt(c, opt) != NULL;
}

const char *cli_word(const struct cli *c, int i)
{
	return i < (int)c->args->words->len ? c->args->words->pdata[i] : NULL;
}

/* ---- the session ---- */

/* An option of the command line is stronger than what the cloud says. */
static void overlay(struct cli *c, struct cloud *cloud)
{
	if (cli_opt(c, "os-region-name"))
		util_replace(&cloud->region, cli_opt(c, "os-region-name"));
	if (cli_opt(c, "os-interface"))
		util_replace(&cloud->interface, cli_opt(c, "os-interface"));
	if (cli_opt(c, "os-cacert"))
		util_replace(&cloud->cacert, cli_opt(c, "os-cacert"));
	cloud->insecure |= cli_on(c, "insecure");
}

struct client *cli_client(struct cli *c, GError **err)
{
	struct client_settings s = { .version = cli_opt(c, "os-compute-api-version"), .debug = cli_on(c, "debug") };
	const char *timeout = cli_opt(c, "request-timeout");
	int64_t timeout_s = 0;
	struct cloud *cloud;

	if (c->client)
		return c->client;
	if (timeout && !util_parse_int(timeout, 1, 86400, &timeout_s)) {
		g_set_error(err, CLI_ERR, CLI_USAGE, "--request-timeout is a number of seconds, not \"%s\"", timeout);
		return NULL;
	}
	s.timeout_s = (int)timeout_s;
	cloud = cloud_load(cli_opt(c, "os-cloud"), err);
	if (!cloud)
		return NULL;
	overlay(c, cloud);
	c->client = client_new(cloud, &s, err);
	return c->client;
}

/* ---- printing ---- */

static void unknown_column(const struct cli *c, const char *name, GError **err)
{
	g_autoptr(GPtrArray) titles = g_ptr_array_new();
	g_autofree char *list = NULL;

	for (size_t i = 0; i < c->cmd->n_cols; i++)
		g_ptr_array_add(titles, (void *)c->cmd->cols[i].title);
	g_ptr_array_add(titles, NULL);
	list = g_strjoinv(", ", (char **)titles->pdata);
	g_set_error(err, CLI_ERR, CLI_USAGE, "there is no column \"%s\"; there are: %s", name, list);
}

/* The columns to show; NULL with CLI_USAGE for one that does not exist. Owned, its members are borrowed. */
static GPtrArray *choose_columns(const struct cli *c, bool all, GError **err)
{
	g_autoptr(GPtrArray) chosen = g_ptr_array_new();
	const GPtrArray *named = args_all(c->args, "column");

	for (guint i = 0; named && i < named->len; i++) {
		int at = render_col_find(c->cmd->cols, c->cmd->n_cols, named->pdata[i]);

		if (at < 0) {
			unknown_column(c, named->pdata[i], err);
			return NULL;
		}
		g_ptr_array_add(chosen, (void *)&c->cmd->cols[at]);
	}
	for (size_t i = 0; !named && i < c->cmd->n_cols; i++)
		if (all || !c->cmd->cols[i].longer)
			g_ptr_array_add(chosen, (void *)&c->cmd->cols[i]);
	return g_steal_pointer(&chosen);
}

void cli_put(struct cli *c, const char *text)
{
	if (c->frame)
		g_string_append(c->frame, text);
	else
		fputs(text, stdout);
}

bool cli_print_list(struct cli *c, const json_t *rows, GError **err)
{
	g_autoptr(GPtrArray) cols = choose_columns(c, args_all(c->args, "long") != NULL, err);
	g_autoptr(GString) text = g_string_new(NULL);

	if (!cols)
		return false;
	render_list(text, c->format, (const struct col *const *)cols->pdata, cols->len, rows);
	cli_put(c, text->str);
	return true;
}

bool cli_print_one(struct cli *c, const json_t *row, GError **err)
{
	g_autoptr(GPtrArray) cols = choose_columns(c, true, err);
	g_autoptr(GString) text = g_string_new(NULL);

	if (!cols)
		return false;
	render_one(text, c->format, (const struct col *const *)cols->pdata, cols->len, row);
	cli_put(c, text->str);
	return true;
}
