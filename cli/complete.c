/* SPDX-License-Identifier: Apache-2.0 */
#include "complete.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/json.h"
#include "cache.h"
#include "client.h"
#include "find.h"

#define LIMIT_US 200000
#define FRESH_S 5
#define NAMES_MAX "100"

/* What is known of the line. */
struct state {
	struct cli *c;
	const char *word;                  /* what is completed */
	const struct command_table *table; /* NULL: its name is not there yet */
	const struct command *cmd;
	const struct opt *value_of;        /* the word is this option's value */
	int words;                         /* behind the command */
	bool help;                         /* "help" stands first */
};

/* ---- what is offered ---- */

static void offer(const struct state *s, const char *word, const char *meaning)
{
	g_autofree char *safe = NULL;

	if (!word || !g_str_has_prefix(word, s->word))
		return;
	safe = render_safe(meaning ? meaning : "", false);
	/* a name that a shell would take apart, or a terminal act on, is not offered */
	for (const char *c = word; *c; c++)
		if (g_ascii_iscntrl(*c) || strchr("\"'\\`$&|;<>()*?![]{}~# ", *c))
			return;
	printf("%s\t%s\n", word, safe);
}

static void offer_options(const struct state *s, const struct opt *opts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		g_autofree char *word = g_strconcat("--", opts[i].name, NULL);

		if (opts[i].help)
			offer(s, word, opts[i].help);
	}
}

static void offer_tables(const struct state *s)
{
	for (size_t i = 0; cli_tables[i]; i++)
		offer(s, cli_tables[i]->group, cli_tables[i]->help);
	if (!s->help)
		offer(s, "help", "the help of a command");
}

static void offer_commands(const struct state *s)
{
	for (size_t i = 0; i < s->table->n; i++)
		if (*s->table->rows[i].name)
			offer(s, s->table->rows[i].name, s->table->rows[i].help);
}

/* ---- names, of the server ---- */

static const char *name_of(const json_t *row, const char *member, char number[32])
{
	const json_t *v = render_get(row, member);

	if (json_is_integer(v))
		g_snprintf(number, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	return json_is_string(v) ? json_string_value(v) : json_is_integer(v) ? number : NULL;
}

struct source {
	const char *what;             /* as it stands in the help */
	const char *path, *query;     /* of Compute; NULL: of Drover's own, below */
	const char *drovers;
	const char *list, *name, *meaning;
	bool by_prefix;               /* the list takes a filter by name, and may be long */
};

static const struct source sources[] = {
	{ "SERVER",    "/servers/detail", "limit=" NAMES_MAX, NULL, "servers", "name", "OS-EXT-SRV-ATTR:host", .by_prefix = true },
	{ "HOST",      "/os-services", "binary=nova-compute", NULL, "services", "host", "status" },
	{ "MIGRATION", NULL, NULL, "/drover/v1/migrations?limit=" NAMES_MAX, "migrations", "id", "server_name" },
	{ "PLAN",      NULL, NULL, "/drover/v1/plans?limit=" NAMES_MAX, "plans", "id", "kind" },
};

static json_t *ask_compute(const struct state *s, const struct source *src)
{
	g_autoptr(GString) query = g_string_new(src->query);
	g_autofree char *path = NULL, *pattern = g_strconcat("^", s->word, NULL);
	struct client_call call = { .method = "GET", .mv_min = 1, .mv_max = src->by_prefix ? FIND_SERVER_MV : 69 };
	json_t *body = NULL;

	if (src->by_prefix) {
		client_query(query, "name", *s->word ? pattern : NULL);
		find_all_tenants(s->c, query);
	}
	call.path = path = g_strconcat(src->path, "?", query->str, NULL);
	(void)client_call(s->c->client, &call, &body, NULL);
	return body;
}

static json_t *ask(const struct state *s, const struct source *src)
{
	struct client_call call = { .method = "GET", .path = src->drovers, .drovers = "it" };
	json_t *body = NULL;

	if (!cli_client(s->c, NULL))
		return NULL;
	if (!src->drovers)
		return ask_compute(s, src);
	(void)client_call(s->c->client, &call, &body, NULL);
	return body;
}

/* "NAME<tab>MEANING" lines. Return: owned; NULL: the server does not tell. */
static char *fetch(const struct state *s, const struct source *src)
{
	g_autoptr(json_t) body = ask(s, src);
	GString *lines;
	const json_t *row;
	char number[32];
	size_t i;

	if (!json_is_array(json_object_get(body, src->list)))
		return NULL;
	lines = g_string_new(NULL);
	json_array_foreach(json_object_get(body, src->list), i, row) {
		const char *name = name_of(row, src->name, number), *meaning = render_str(row, src->meaning);

		if (name && !strpbrk(name, "\t\n"))
			g_string_append_printf(lines, "%s\t%s\n", name, meaning && !strpbrk(meaning, "\t\n") ? meaning : "");
	}
	return g_string_free(lines, FALSE);
}

static void offer_names(const struct state *s, const struct source *src)
{
	static const char *const variables[] = { "OS_CLOUD", "OS_AUTH_URL", "OS_USERNAME", "OS_PROJECT_NAME" };
	g_autofree char *where = g_get_current_dir(), *key = NULL;
	g_autoptr(GString) of = g_string_new(where);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++)
		g_string_append_printf(of, "\n%s", g_getenv(variables[i]) ? g_getenv(variables[i]) : "");
	key = g_strjoin("\n", of->str, src->what, src->by_prefix ? s->word : "", NULL);
	text = cache_read("names", key, FRESH_S);
	if (!text) {
		text = fetch(s, src);
		if (text)
			cache_write("names", key, text);
	}
	lines = text ? g_strsplit(text, "\n", -1) : NULL;
	for (char **l = lines; l && *l; l++) {
		g_auto(GStrv) parts = g_strsplit(*l, "\t", 2);

		if (parts[0] && *parts[0])
			offer(s, parts[0], parts[1]);
	}
}

/* "HOST", "[SERVER]", "HOST...", "[on|off]" */
static void offer_for(const struct state *s, const char *what)
{
	g_autofree char *bare = g_strdup(what);
	g_auto(GStrv) choices = NULL;

	g_strdelimit(bare, "[].", ' ');
	g_strstrip(bare);
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
		if (strcmp(bare, sources[i].what) == 0)
			offer_names(s, &sources[i]);
	choices = g_strsplit(bare, "|", -1);
	for (char **one = choices; choices[0] && choices[1] && *one; one++)
		offer(s, *one, NULL);
}

static void offer_value(const struct state *s)
{
	if (strcmp(s->value_of->name, "format") == 0) {
		g_autofree char *names = render_format_names();
		g_auto(GStrv) all = g_strsplit(names, ", ", -1);

		for (char **one = all; *one; one++)
			offer(s, *one, NULL);
	} else if (strcmp(s->value_of->name, "column") == 0 && s->cmd) {
		for (size_t i = 0; i < s->cmd->n_cols; i++)
			offer(s, s->cmd->cols[i].title, NULL);
	} else {
		offer_for(s, s->value_of->arg);
	}
}

/* The command's word at this place; the last one where it may be repeated. */
static void offer_word(const struct state *s)
{
	g_auto(GStrv) words = g_strsplit(s->cmd->words, " ", -1);
	int n = (int)g_strv_length(words), at = MIN(s->words, n - 1);

	if (n > 0 && (s->words < n || g_str_has_suffix(words[n - 1], "...") || g_str_has_suffix(words[n - 1], "...]")))
		offer_for(s, words[at]);
	/* "[SERVER] MIGRATION": the first may be left out */
	if (n == 2 && s->words == 0 && *words[0] == '[')
		offer_for(s, words[1]);
}

/* ---- the line ---- */

static const struct opt *find_opt(const struct opt *opts, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if ((g_str_has_prefix(word, "--") && strcmp(word + 2, opts[i].name) == 0) || (word[0] == '-' && word[1] && word[1] == opts[i].letter && !word[2]))
			return &opts[i];
	return NULL;
}

static const struct opt *opt_of(const struct state *s, const char *word)
{
	size_t n;
	const struct opt *globals = cli_global_opts(&n), *found = find_opt(globals, n, word);

	return found || !s->cmd ? found : find_opt(s->cmd->opts, s->cmd->n_opts, word);
}

static const struct command *find_command(const struct command_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->rows[i].name, name) == 0)
			return &t->rows[i];
	return NULL;
}

/* A word that stands before the one that is completed. */
static void take(struct state *s, const char *word)
{
	if (s->value_of) {
		if (strcmp(s->value_of->name, "os-cloud") == 0)
			g_setenv("OS_CLOUD", word, TRUE);
		s->value_of = NULL;
	} else if (*word == '-') {
		const struct opt *o = opt_of(s, word);

		s->value_of = o && o->arg ? o : NULL;
	} else if (!s->table && !s->help && strcmp(word, "help") == 0) {
		s->help = true;
	} else if (!s->table) {
		for (size_t i = 0; cli_tables[i]; i++)
			if (strcmp(cli_tables[i]->group, word) == 0)
				s->table = cli_tables[i];
		s->cmd = s->table && s->table->alone ? find_command(s->table, s->table->otherwise) : NULL;
	} else if (!s->cmd) {
		s->cmd = find_command(s->table, word);
	} else {
		s->words++;
	}
}

static void offer_all(struct state *s)
{
	size_t n;
	const struct opt *globals = cli_global_opts(&n);

	if (s->value_of) {
		offer_value(s);
	} else if (*s->word == '-') {
		if (s->cmd)
			offer_options(s, s->cmd->opts, s->cmd->n_opts);
		offer_options(s, globals, n);
	} else if (!s->table) {
		offer_tables(s);
	} else if (!s->cmd) {
		offer_commands(s);
	} else if (!s->help) {
		offer_word(s);
	}
}

static void give_up(int number)
{
	(void)number;
	_exit(0);
}

void complete_run(struct cli *c, int argc, char **argv)
{
	const struct itimerval limit = { .it_value = { .tv_usec = LIMIT_US } };
	struct state s = { .c = c, .word = argc > 0 ? argv[argc - 1] : "" };

	signal(SIGALRM, give_up);
	setitimer(ITIMER_REAL, &limit, NULL);
	for (int i = 0; i + 1 < argc; i++)
		take(&s, argv[i]);
	offer_all(&s);
}

/* ---- the scripts ---- */

static const struct {
	const char *shell, *script;
} scripts[] = {
	{ "bash",
	  "# bash completion of drover: source <(drover completion bash)\n"
	  "_drover() {\n"
	  "\tlocal IFS=$'\\n' line\n"
	  "\tCOMPREPLY=()\n"
	  "\twhile read -r line; do\n"
	  "\t\tCOMPREPLY+=(\"${line%%$'\\t'*}\")\n"
	  "\tdone < <(drover " COMPLETE_WORD " \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
	  "}\n"
	  "complete -o default -F _drover drover\n" },
	{ "zsh",
	  "#compdef drover\n"
	  "# zsh completion of drover\n"
	  "_drover() {\n"
	  "\tlocal line\n"
	  "\tlocal -a found\n"
	  "\tdrover " COMPLETE_WORD " \"${(@)words[2,CURRENT]}\" 2>/dev/null | while IFS= read -r line; do\n"
	  "\t\tfound+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
	  "\tdone\n"
	  "\tif (( $#found )); then _describe drover found; else _files; fi\n"
	  "}\n"
	  "if [ \"$funcstack[1]\" = _drover ]; then _drover \"$@\"; else compdef _drover drover; fi\n" },
	{ "fish",
	  "# fish completion of drover: drover completion fish | source\n"
	  "function __drover_complete\n"
	  "\tset -l words (commandline -opc) (commandline -ct)\n"
	  "\tdrover " COMPLETE_WORD " $words[2..-1] 2>/dev/null\n"
	  "end\n"
	  "complete -c drover -a '(__drover_complete)'\n" },
};

static bool run_script(struct cli *c, GError **err)
{
	for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
		if (strcmp(cli_word(c, 0), scripts[i].shell) == 0) {
			cli_put(c, scripts[i].script);
			return true;
		}
	}
	g_set_error(err, CLI_ERR, CLI_USAGE, "there is no completion for \"%s\"; there are: bash, zsh, fish", cli_word(c, 0));
	return false;
}

static const struct command rows[] = {
	{ "completion", "", "[bash|zsh|fish]", 1, 1, run_script, .help = "print what makes a shell complete drover's words",
	  .more = "bash: source <(drover completion bash)\nfish: drover completion fish | source\n" },
};

const struct command_table completion_commands = { "completion", "complete words in a shell", rows, G_N_ELEMENTS(rows), .otherwise = "", .alone = true };
